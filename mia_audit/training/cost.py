"""What a cohort costs, before it is trained: the peak memory of the process that trains it.

Fitted to measured peaks (benchmarks/overheads.py): a process holds its libraries, and of a training step every layer's
saved activations plus the widest layer's sums on their way in and out. Bytes are of the CPU kernels in bf16. Where cohorts are
trained one at a time, the parent does it, beside everything that it has imported for attacks and pages.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mia_audit.data.profiles import profile
from mia_audit.errors import RecipeError
from mia_audit.models import architectures, budget, shapes
from mia_audit.recipe import Recipe, filled
from mia_audit.recipe.layers import Conv, Linear
from mia_audit.training.plan import cohort_size, input_shape, layer_shapes

MIB = 2**20
LIBRARIES = 860 * MIB  # torch, numba and its kernels, SciPy
BREVITAS = 110 * MIB
ALONE = 1090 * MIB  # the parent with all of these, scikit-learn and seaborn besides; quantized or not
SAVED = 9  # bytes kept of each activation: spikes or values in bf16, the membrane's excess, currents, places of maxima
TRANSIENT = 8  # bytes of the widest layer's sums and their gradient, once as computed and once stacked
FREE_SHARE = 0.6
BALANCED, ASKED = 2**24, 2**21  # currents of a layer, and input values times steps, that are held at once in conversion and questions
HELD = 12  # bytes of each: currents, spikes and what exceeds the threshold, in float32


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes at the peak of a process that trains, and how many worker processes an audit may have."""

    per_worker: int
    workers: int


@dataclass(frozen=True, kw_only=True)
class Load:
    """What an audit has its processes do: so many models to train, and at most so many bytes to hold a probe's arrays (names.py)."""

    models: int
    probing: int = 0


def memory(recipe: Recipe, device_type: str, load: Load, *, workers: int, limit: int | None) -> Memory:
    """Predict the peak, and let as many of the workers run as fit into the limit.

    RecipeError, naming the field that makes it smaller, when not even one fits.
    """
    allowed, size = limit or int(FREE_SHARE * free_bytes()), cohort_size(recipe, device_type)
    each = worker_bytes(recipe, device_type, probing=load.probing)
    fit = min(workers, allowed // each)
    if min(fit, math.ceil(load.models / size)) > 1:
        return Memory(per_worker=each, workers=fit)
    alone = worker_bytes(recipe, device_type, probing=load.probing, alone=True)
    if alone <= allowed:
        return Memory(per_worker=alone, workers=max(1, fit))
    raise RecipeError(
        f"a cohort of {size} models needs about {alone / 2**30:.1f} GiB, got a limit of {allowed / 2**30:.1f} GiB; "
        "use a smaller --set training.batch_size=..., fewer model.time_steps, or more --memory"
    )


def worker_bytes(recipe: Recipe, device_type: str, *, probing: int = 0, alone: bool = False) -> int:
    """Return the predicted peak of a process: libraries, examples, and a training step of its cohort, or a probe that takes more.

    alone: it is the parent, which trains where there are no workers.
    """
    quantized = min(recipe.model.quantization.weight_bits, recipe.model.quantization.activation_bits, *recipe.audit.releases) < 32
    libraries = ALONE if alone else LIBRARIES + quantized * BREVITAS
    return libraries + _example_bytes(recipe) + max(probing, cohort_size(recipe, device_type) * step_bytes(recipe))


def step_bytes(recipe: Recipe) -> int:
    """Return the bytes of one model's training step, those of single gradients in a private one included."""
    batch = filled(recipe.training.batch_size)
    return passing_bytes(recipe, batch) + (0 if recipe.privacy is None else _single_bytes(recipe, batch))


def converting_bytes(recipe: Recipe, models: int) -> int:
    """Return the bytes of what so many models go through after training, at once: thresholds, questions of many steps, encryption.

    Images come in chunks of so many values (`conversion.balancing`, `signals`), whatever their number; a chunk's largest layer is held
    as sums, currents, what exceeds the threshold, and spikes.
    """
    if recipe.conversion is None:
        return 0
    hidden = recipe.conversion.encryption
    training = 0 if hidden is None else models * passing_bytes(recipe, hidden.batch_size)
    first = layer_shapes(recipe)[0]
    asking = ASKED * math.prod(first) // math.prod(input_shape(profile(recipe.data.dataset)))
    return max(training, HELD * max(BALANCED, asking))


def _single_bytes(recipe: Recipe, examples: int) -> int:
    """Return the bytes of what is kept of so many examples' gradients by each layer's kernels."""
    dataset = profile(recipe.data.dataset)
    stack = architectures.layers(recipe.model, dataset.classes)
    convolutions = ((layer, before) for layer, before, _ in shapes.walk(stack, input_shape(dataset)) if isinstance(layer, Conv))
    sizes = (examples * layer.channels * before[-1] * layer.kernel**2 for layer, before in convolutions)
    return budget.BYTES * sum(size for size in sizes if size <= budget.KEPT)


def passing_bytes(recipe: Recipe, examples: int) -> int:
    """Return the bytes of so many examples on their way through one model and back."""
    dataset = profile(recipe.data.dataset)
    stack = architectures.layers(recipe.model, dataset.classes)
    rows = examples * recipe.model.time_steps
    places = [(layer, int(np.prod(after))) for layer, _, after in shapes.walk(stack, input_shape(dataset))]
    widest = max(values for layer, values in places if isinstance(layer, Conv | Linear))
    kept = sum(values for layer, values in places if not isinstance(layer, Conv | Linear))
    return rows * (SAVED * kept + TRANSIENT * widest)


def _example_bytes(recipe: Recipe) -> int:
    """Bytes of the examples: mapped from the parent, and once as tensors."""
    data = recipe.data
    count = filled(data.pool) + filled(data.population) + filled(data.test)
    return 2 * 4 * count * int(np.prod(profile(data.dataset).shape))


def free_bytes() -> int:
    """Return the memory that is free for new work; 8 GiB where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 8 * 2**30
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))


def parse_bytes(text: str) -> int:
    """Read a size such as 8GiB, 500MB or 2e9; RecipeError when it is none."""
    units = {"gib": 2**30, "gb": 10**9, "g": 2**30, "mib": 2**20, "mb": 10**6, "m": 2**20, "": 1}
    number = text.strip().rstrip("GIBMgibm")
    unit = text.strip()[len(number) :].lower()
    try:
        size = float(number) * units[unit]
    except (ValueError, KeyError) as error:
        raise RecipeError(f"--memory needs a size such as 8GiB or 500MiB, got {text!r}") from error
    if not 0 < size < 2**60:
        raise RecipeError(f"--memory needs a size above nothing, got {text!r}; for example 8GiB")
    if size < MIB:
        raise RecipeError(f"--memory needs a size such as 8GiB or 500MiB, got {text!r}, which is {size:.0f} bytes; name the unit")
    return int(size)
