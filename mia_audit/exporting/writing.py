"""From a record to files that other frameworks load: the target's weights out of the store, one network of them, written, and held to.

What was written is loaded again by its own framework and asked about random inputs beside the engine's network, so that nothing is handed
on that answers otherwise. No example of the data and no path of this machine is in the files.
"""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from mia_audit.data import design
from mia_audit.data.examples import load
from mia_audit.errors import OutputError, RecipeError, StoreError, nearest
from mia_audit.exporting import graphs, parts, source
from mia_audit.external import nir_file, onnx_file
from mia_audit.external.recipe import External
from mia_audit.models.encoding import encode
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe
from mia_audit.streams import stream, stream_seed
from mia_audit.training import plan
from mia_audit.training.material import material
from mia_audit.training.store import Store, Tensors

FORMATS = ("torch", "snntorch", "brevitas", "onnx", "nir")
ASKED = 16
CLOSE = 1e-4
"""How far the logits of what was written may be from the engine's, as a share of the largest."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where models lie, and the data whose size and membership are part of their key."""

    store: Path
    data_root: Path | None
    offline: bool = True


@dataclass(frozen=True, kw_only=True)
class Target:
    """One model of a cohort: its recipe, the cohort's weights [K, ...], which of the K it is, an example's shape, and how many classes."""

    recipe: Recipe
    cohort: Tensors
    number: int
    shape: tuple[int, ...]
    classes: int


def exported(recipe: Recipe, kind: str, out: Path, place: Place, say: Callable[[str], None]) -> Path:
    """Write a record's target in a format and return the folder; an AuditError says what the format cannot hold, or what is not there."""
    if kind not in FORMATS:
        raise RecipeError(f"--format needs {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, got {kind!r}{nearest(kind, FORMATS)}")
    if recipe.conversion is not None:
        raise RecipeError(
            f"export-model writes networks that were trained, got {recipe.name}, which was converted; export the target of an audit "
            f"of its teacher, such as ann-teacher"
        )
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise OutputError(f"{out}: export-model needs a folder that is empty or not there, got one with files; give another --out")
    return write(_trained(recipe, place, say), kind, out, say)


def write(target: Target, kind: str, out: Path, say: Callable[[str], None]) -> Path:
    """Write a target in a format, hold what was written to the engine's network, and return the folder."""
    recipe = target.recipe
    population, x = _population(target, torch.float32), _inputs(target)
    fed = _fed(recipe, x)
    network = parts.single(population, target.number, fed[:, :, :1], frames=recipe.model.encoding != "direct")
    wanted = _logits(population, fed, target.number)
    inputs = _channels_first(fed[0] if network.frames else x)
    try:
        out.mkdir(parents=True, exist_ok=True)
        ask, said = _written(network, kind, out, inputs, recipe)
        np.savez(out / "probe.npz", x=inputs.numpy(), logits=wanted.numpy())
    except OSError as error:
        raise OutputError(f"{out}: the files cannot be written, got {error.strerror}; make room or give another --out") from error
    with torch.inference_mode():
        apart = float((torch.as_tensor(ask(inputs)) - wanted).abs().max())
    if not apart <= CLOSE * max(1.0, float(wanted.abs().max())):
        raise OutputError(f"{out}: what {kind} loads answers otherwise than the engine, by up to {apart:.3g}; do not use it, report it")
    say(f"{said} Logits of {ASKED} random inputs are the engine's, within {apart:.1g}; they lie in probe.npz.")
    if recipe.training.precision == "bf16":
        differ = float((_logits(_population(target, torch.bfloat16), fed, target.number) - wanted).abs().max())
        say(f"The audit multiplied in bfloat16, this network in float32: on these inputs logits differ by up to {differ:.2g}.")
    return out


def _trained(recipe: Recipe, place: Place, say: Callable[[str], None]) -> Target:
    """Return the target of a recipe out of the store."""
    examples = load(recipe, root=place.data_root, offline=place.offline, progress=say)
    rows = design.membership(recipe, design.FIRST_SHADOW + recipe.audit.shadows)
    store = Store(folder=place.store)
    for device in ("cpu", *(["cuda"] if torch.cuda.is_available() else [])):
        task = plan.tasks(recipe, rows, examples.sha256, device)[0]
        cohort = store.weights(task.key)
        if cohort is not None:
            return Target(
                recipe=recipe, cohort=cohort, number=task.indices.index(design.TARGET),
                shape=material(recipe, examples).pool_inputs.shape[1:], classes=examples.profile.classes,
            )  # fmt: skip
    raise StoreError(
        f"{place.store}: export needs the target's weights, got none of this record (trained elsewhere, by another version, or cleared); "
        "run the audit again with this store, or give --store"
    )


def _population(target: Target, dtype: torch.dtype) -> Population:
    generators = [torch.Generator().manual_seed(0) for _ in range(len(next(iter(target.cohort.values()))))]
    frame = target.shape if len(target.shape) < 4 else target.shape[1:]
    population = Population(target.recipe.model, frame, target.classes, generators, dtype)
    population.load_state_dict({name: torch.from_numpy(value) for name, value in target.cohort.items()})
    return population.eval().requires_grad_(requires_grad=False)


def _inputs(target: Target) -> Tensor:
    """Return random inputs as the engine holds them: intensities from 0 to 1 where they are pictures, standardised columns else."""
    rng, shape = stream(target.recipe.training.seed, "exported"), (ASKED, *target.shape)
    values = rng.random(shape) if len(shape) > 2 else rng.standard_normal(shape)
    return torch.from_numpy(values.astype(np.float32))


def _fed(recipe: Recipe, x: Tensor) -> Tensor:
    """Return what a network is fed, [1, T or 1, B, ...]."""
    generator = torch.Generator().manual_seed(stream_seed(recipe.training.seed, "exported encoding"))
    return encode(x.unsqueeze(0), recipe.model, [generator])


@torch.inference_mode()
def _logits(population: Population, fed: Tensor, number: int) -> Tensor:
    return population.logits(fed.expand(population.models, *fed.shape[1:]))[number]


def _channels_first(x: Tensor) -> Tensor:
    return x.movedim(-1, -3).contiguous() if x.ndim > 3 else x


def _written(network: parts.Single, kind: str, out: Path, inputs: Tensor, recipe: Recipe) -> tuple[Callable[[Tensor], Any], str]:
    """Write the files of a format, and return what asks what they hold, and what was written."""
    if kind == "nir":
        reset: Any = graphs.nir(network, tuple(inputs.shape[1:]), out / "network.nir")
        ask, _ = nir_file.network(out / "network.nir", External(checkpoint="network.nir", steps=network.steps, dt=graphs.DT, reset=reset))
        takes = "sum(0)" if network.readout == "spike-count" else "last(0)"
        said = f"network.nir: --steps {network.steps} --dt {graphs.DT:g} --reset {reset} --output '{takes}'."
        return lambda x: ask(x).sum(0) if takes == "sum(0)" else ask(x)[-1], said
    net = _module(network, "torch" if kind == "onnx" else kind, out, inputs, recipe)
    if kind == "onnx":
        graphs.onnx(net, inputs, out / "network.onnx", frames=network.frames)
        for name in ("network.py", "weights.safetensors"):
            (out / name).unlink()
        return onnx_file.network(out / "network.onnx")[0], "network.onnx, for batches of any size."
    return net, "network.py (class Net) and weights.safetensors."


def _module(network: parts.Single, framework: str, out: Path, inputs: Tensor, recipe: Recipe) -> nn.Module:
    """Write a file of Python and its weights, and return the network as whoever has the two builds it."""
    shape = ", ".join(map(str, inputs.shape[2:] if network.frames else inputs.shape[1:]))
    form = f"[{network.steps} steps, examples, {shape}], encoded ({recipe.model.encoding})" if network.frames else f"[examples, {shape}]"
    how = "standardised columns" if inputs.ndim - network.frames < 3 else "pictures from 0 to 1, channels first"
    title = f"The target {recipe.name} of an audit by mia-audit, trained on {Path(recipe.data.dataset).name}."
    made = source.written(network, framework, source.Words(title=title, inputs=f"{form}: {how}"))
    (out / "network.py").write_text(made.text, encoding="utf-8")
    net = _built(out / "network.py")
    own = {name: each.detach() for name, each in net.named_parameters()} | net.state_dict()  # Brevitas hides scales that are not set
    strange = sorted(set(made.weights) - set(own))
    assert not strange, strange  # noqa: S101  our own mistake
    net.load_state_dict({**own, **{name: each.view(own[name].shape) for name, each in made.weights.items()}})
    net.eval()
    safetensors.torch.save_file({name: each.clone().contiguous() for name, each in net.state_dict().items()}, out / "weights.safetensors")
    again = _built(out / "network.py")
    again.load_state_dict(safetensors.torch.load_file(out / "weights.safetensors"))
    return again.eval()


def _built(path: Path) -> nn.Module:
    """Run the file that was just written, as whoever uses it does."""
    spec = importlib.util.spec_from_file_location("network", path)
    assert spec is not None, path  # noqa: S101
    assert spec.loader is not None, path  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net: nn.Module = module.Net()
    return net
