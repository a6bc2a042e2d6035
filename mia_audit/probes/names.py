"""The signals that probes take, by name, and which targets have them. No torch here: the parent process asks before it trains."""

import math
from dataclasses import dataclass

from mia_audit.data.profiles import profile
from mia_audit.models import architectures
from mia_audit.recipe import Recipe, filled
from mia_audit.training.cost import passing_bytes
from mia_audit.training.plan import input_shape


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One pass over the pool that gives one or more signals, each [models, examples, ...].

    spiking  whether only spiking targets have it
    images   whether only images have it
    """

    name: str
    signals: tuple[str, ...]
    spiking: bool = False
    images: bool = False


PROBES: tuple[Probe, ...] = (
    Probe(name="states", signals=("membranes", "spike-counts", "layer-spikes"), spiking=True),
    Probe(name="time-sweep", signals=("time-sweep",), spiking=True),
    Probe(name="dropout", signals=("dropout",)),
    Probe(name="noise", signals=("noise-hits", "loss-rises")),
    Probe(name="shifts", signals=("shift-hits",), images=True),
    Probe(name="boundary", signals=("boundary-distance",)),
    Probe(name="gradients", signals=("gradient-log-norms", "gradient-log-features")),
    Probe(name="curvature", signals=("curvature",)),
    Probe(name="releases", signals=("releases",)),
)
"""
membranes          of the readout neurons at each step, [steps, classes]
spike-counts       of the readout neurons, counted up to each step, [steps, classes]
layer-spikes       of each spiking hidden layer, summed over neurons and steps, [layers]
time-sweep         logits when run for half, as many, and twice as many steps, [3, classes]
dropout            log-probabilities averaged over queries with a share of the inputs dropped, [rates, classes]
noise-hits         whether the label survives Gaussian noise, a share of queries at each strength, [strengths]
loss-rises         share of slightly noisy queries with a larger loss, [1]
shift-hits         whether the label survives a shift by a pixel, [9]
boundary-distance  Euclidean distance to the decision boundary, found by labels alone, [1]
gradient-log-norms     logs of the norms of the loss's gradient, by the input and by the last layer's parameters, [2]
gradient-log-features  of the last layer, logs of sizes: gradient by outputs, by biases, inputs; gradient by each bias, [3 + classes]
curvature          the inverse-Hessian attack's terms: logs of loss, |H^-1 g|^2, and the size of (H^-1 grad L0) (H^-1 g), of the last layer;
                   then the sign of the last, [4]
releases           logits of the same trained models at other bit widths, [releases, classes]
"""

MOST_PARAMETERS = 1_500
"""Of a last layer whose Hessian is inverted: sixteen models' take 0.35 GB (`probing_bytes`), and a tenth of a second each."""

CHUNK = 2**21
"""Input values times models times steps that a probe holds at once."""


def available(recipe: Recipe) -> frozenset[str]:
    """Return the names of the signals that a recipe's target has."""
    images = profile(recipe.data.dataset).kind == "image"
    frames = recipe.model.encoding in ("events", "delta")  # as many steps as there are frames
    lacking = {
        "time-sweep": frames,
        "curvature": last_parameters(recipe) > MOST_PARAMETERS,
        "releases": not recipe.audit.releases,
    }
    return frozenset(
        name
        for probe in PROBES
        for name in probe.signals
        if (recipe.model.spiking or not probe.spiking) and (images or not probe.images) and not lacking.get(name)
    )


def last_parameters(recipe: Recipe) -> int:
    """Return how many weights and biases the last layer has."""
    dataset = profile(recipe.data.dataset)
    *_, (_, before, after) = architectures.walk(architectures.layers(recipe.model, dataset.classes), input_shape(dataset))
    return (math.prod(before) + 1) * math.prod(after)


def probing_bytes(recipe: Recipe, wanted: frozenset[str], models: int) -> int:
    """Return what the hungriest of the wanted signals holds of a cohort of so many models; 0 where all need less than training.

    Gradients take a chunk of examples through the models and back. Curvature holds besides every model's Hessian [P, P] in doubles, a
    class's columns of it and one model's factorization; and of the chunk four and a half times its moves [K, B, P], and two and a half
    times what the last layer was fed at every step. Measured 0.55 GB (snn-q4) and 0.63 (ann) of 16 models on digits, P being 650.
    """
    if not wanted & {"curvature", "gradient-log-norms"}:
        return 0
    dataset, steps = profile(recipe.data.dataset), recipe.model.time_steps
    examples = min(filled(recipe.data.pool), max(1, CHUNK // (models * steps * math.prod(input_shape(dataset)))))
    passing = models * passing_bytes(recipe, examples)
    if "curvature" not in wanted:
        return passing
    parameters = last_parameters(recipe)
    hessians = (1.1 * models + 1.6) * parameters**2
    moves = models * examples * parameters * (4.5 + 2.5 * steps / dataset.classes)
    return passing + int(8 * (hessians + moves))


def probes_for(wanted: frozenset[str]) -> tuple[Probe, ...]:
    """Return the probes that give the wanted signals."""
    return tuple(probe for probe in PROBES if wanted & set(probe.signals))
