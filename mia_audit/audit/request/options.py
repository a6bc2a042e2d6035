"""What a user asks for: a target, changes to its recipe, and where things go."""

import contextlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mia_audit.audit.request import consistency
from mia_audit.catalogue import load_recipe, override
from mia_audit.data.profiles import resolve
from mia_audit.errors import OutputError, RecipeError
from mia_audit.paths import Place, cache, from_environment
from mia_audit.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Options:
    """The arguments of an audit; None leaves a field of the recipe as it is.

    secure_noise  noise and sampling of a private training from the operating system
    settings   recipe fields by dotted path, applied last: {"training.epochs": 5}
    store      folder of trained cohorts; None is the user's cache
    out        folder of the record; None is audits/<what was audited>-<first 8 of the record's id>
    force      overwrite a record that lies in `out`
    slices     file that parts the examples (`mia_audit/audit/request/grouping.py` says how); each part gets a line in the report
    expose     whether the exposed examples themselves (pictures or rows) go into the record; None: only for public data
    workers    processes at once; None is one a core
    memory     bytes that all workers together may take; None is 60 % of what is free
    title, organisation, contact   what the page says of the audit and of who ran it; in run.json, not in the record
    executor   "local" (None), "dask" or "ray": who trains and probes the models
    scheduler  of Dask, such as tcp://127.0.0.1:8786; None is a local cluster
    address    of Ray, such as 127.0.0.1:6379; None is a local cluster
    """

    surrogate: str | None = None
    surrogate_variant: str | None = None
    surrogate_area: float | None = None
    ptq: bool = False
    secure_noise: bool = False
    dataset: str | None = None
    attacks: Sequence[str] | None = None
    shadows: int | None = None
    seed: int | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    data_root: Path | None = None
    offline: bool = False
    device: str = "auto"
    store: Path | None = None
    out: Path | None = None
    force: bool = False
    slices: Path | None = None
    expose: bool | None = None
    workers: int | None = None
    memory: int | None = None
    title: str | None = None
    organisation: str | None = None
    contact: str | None = None
    executor: str | None = None
    scheduler: str | None = None
    address: str | None = None


def describe(target: Place | Recipe, options: Options) -> Recipe:
    """Return the resolved recipe of an audit, every name and shape in it checked before anything is computed."""
    recipe = target if isinstance(target, Recipe) else load_recipe(target)
    for option, value in _surrogate(options).items():
        if value is not None and not recipe.model.spiking:
            raise RecipeError(
                f"{option} needs a spiking target, got {recipe.name!r}, an ANN; leave it out or choose a target such as snn-q4"
            )
    resolved = resolve(_secured(override(recipe, _changes(options)), secure=options.secure_noise)).model_copy(
        update={"expect": None}
    )  # an audit measures its own
    consistency.check(resolved)
    return resolved


def _secured(recipe: Recipe, *, secure: bool) -> Recipe:
    if secure and recipe.privacy is None:
        raise RecipeError(
            f"--secure-noise needs a target with [privacy], got {recipe.name!r}, whose training has no noise; choose dp-snn or dp-ann, "
            f"or add --set privacy.noise_multiplier=1"
        )
    return override(recipe, {"privacy.secure_noise": True}) if secure else recipe


def _surrogate(options: Options) -> dict[str, Any]:
    area = options.surrogate_area
    return {"--surrogate": options.surrogate, "--surrogate-variant": options.surrogate_variant, "--surrogate-area": area}


def _changes(options: Options) -> dict[str, Any]:
    named = {
        "model.neuron.surrogate": options.surrogate,
        "model.neuron.surrogate_variant": options.surrogate_variant,
        "model.neuron.surrogate_area": options.surrogate_area,
        "model.quantization.when": "post-training" if options.ptq else None,
        "data.dataset": options.dataset,
        "audit.attacks": None if options.attacks is None else list(options.attacks),
        "audit.shadows": options.shadows,
        "training.seed": options.seed,
    }
    return {**{path: value for path, value in named.items() if value is not None}, **options.settings}


def writable(folder: Path) -> Path:
    """Return the folder; OutputError, before anything is computed, when nothing can be written there. It leaves nothing behind."""
    made = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=".mia-audit-probe-", dir=folder) as probe:
            probe.write(b"x" * 4096)
    except OSError as error:
        raise OutputError(
            f"{folder}: an audit needs a folder it can write, got: {error.strerror}; give another one with --out or --store"
        ) from error
    finally:
        for each in made:
            with contextlib.suppress(OSError):  # another audit has put something there since
                each.rmdir()
    return folder


def unclaimed(folder: Path, *, force: bool) -> Path:
    """Return the folder; OutputError where a record lies in it, which is overwritten only by force."""
    if os.path.lexists(folder / "record.json") and not force:
        raise OutputError(f"{folder}: an audit needs a folder without a record, got one with record.json; give another --out, or --force")
    return folder


def default_store() -> Path:
    """Return the store in the user's cache."""
    return cache() / "store"


def keep_torch_at_home() -> None:
    """Have torch keep its own cache in the user's cache: it makes an empty folder in the temporary one when its optimizers are imported."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache() / "torch"))


def data_root() -> Path | None:
    """Return the folder of data sets that the environment names, if it names one."""
    return from_environment("MIA_AUDIT_DATA")


def device_type(asked: str) -> str:
    """Return "cpu" or "cuda" for "auto", "cpu" or "cuda"; RecipeError when the device is not there."""
    if asked not in ("auto", "cpu", "cuda"):
        raise RecipeError(f"--device needs auto, cpu or cuda, got {asked!r}")
    if asked == "cpu" or (asked == "auto" and not Path("/dev/nvidia0").exists()):
        return "cpu"
    import torch  # noqa: PLC0415  seconds; only asked where a GPU may be

    if torch.cuda.is_available():
        return "cuda"
    if asked == "cuda":
        raise RecipeError("--device cuda needs a GPU that torch can see, got none; use --device cpu")
    return "cpu"
