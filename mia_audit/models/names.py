"""Surrogates apart from their slopes: names, parameters, areas. Checking a recipe or listing them needs no torch.

Areas are closed forms of the slopes in `surrogates.py`; infinite ones cannot be made equal to anything.
"""

import math
from collections.abc import Callable, Mapping

from mia_audit.errors import CatalogueError, RecipeError, nearest
from mia_audit.recipe import Neuron

Parameters = Mapping[str, float]

SURROGATE_SUMMARIES: dict[str, str] = {
    "atan": "arctangent, 1 / (1 + (pi x)^2); snnTorch's default",
    "fast-sigmoid": "fast sigmoid, 1 / (1 + 25 |x|)^2",
    "sigmoid": "sigmoid, 25 s (1 - s) with s = 1 / (1 + exp(-25 x)); snnTorch's overflows, this one does not",
    "sre": "spike rate escape, exp(-|x|); snnTorch's variant peaks at threshold + 1 with height 25",
    "ste": "straight-through, 1 everywhere",
    "triangular": "triangle, max(0, 1 - |x|); snnTorch's variant is a sign flip, +1 below and -1 above",
    "gate": "gate, 1 where |x| < 1/2 (DPSNN, equation 4)",
    "sech2": "sech^2(x), the derivative of tanh (DPSNN, equation 5)",
    "gaussian": "exp(-2 x^2) (DPSNN, equation 6, with the minus sign that it lost)",
    "lso": "leaky spike operator, 1 above the threshold and 0.1 below",
    "sfs": "sparse fast sigmoid, 1 / (1 + 25 |x|)^2 where x > 1, else 0",
    "sso": "stochastic spike operator, 1 above the threshold and noise within 0.1 of 0 below",
}

_DEFAULTS: dict[str, dict[str, float]] = {
    "atan": {"slope": 2.0},
    "fast-sigmoid": {"slope": 25.0},
    "sigmoid": {"slope": 25.0},
    "sre": {"slope": 1.0, "height": 1.0},
    "ste": {},
    "triangular": {"width": 1.0},
    "gate": {"width": 1.0},
    "sech2": {"slope": 1.0},
    "gaussian": {"width": 0.5},
    "lso": {"slope": 0.1},
    "sfs": {"slope": 25.0, "bound": 1.0},
    "sso": {"mean": 0.0, "variance": 0.2},
}
_SNNTORCH: dict[str, dict[str, float]] = {"sre": {"height": 25.0}, "triangular": {}}
PARAMETERS = ("slope", "height", "width", "bound", "mean", "variance")

_AREAS: dict[str, Callable[[Parameters], float]] = {
    "atan": lambda _: 1.0,
    "fast-sigmoid": lambda p: 2 / p["slope"],
    "sigmoid": lambda _: 1.0,
    "sre": lambda p: 2 * p["height"] / p["slope"],
    "triangular": lambda p: p["width"],
    "gate": lambda p: p["width"],
    "sech2": lambda p: 2 / p["slope"],
    "gaussian": lambda p: p["width"] * math.sqrt(2 * math.pi),
    "sfs": lambda p: 1 / (p["slope"] * (1 + p["slope"] * p["bound"])),
}


def check_surrogate(name: str) -> None:
    """Raise CatalogueError, naming the nearest one, unless a surrogate has this name."""
    if name not in SURROGATE_SUMMARIES:
        raise CatalogueError(f"unknown surrogate {name!r}{nearest(name, SURROGATE_SUMMARIES)}")


def check_neuron(neuron: Neuron) -> None:
    """Raise when a neuron's surrogate is unknown, takes no such parameter, or has no area to set."""
    check_surrogate(neuron.surrogate)
    known = defaults(neuron.surrogate, neuron.surrogate_variant)
    given = {name for name in PARAMETERS if getattr(neuron, f"surrogate_{name}") is not None}
    for name in sorted(given - set(known)):
        takes = ", ".join(f"surrogate_{each}" for each in known) or "none"
        raise RecipeError(f"surrogate {neuron.surrogate} ({neuron.surrogate_variant}) takes no surrogate_{name}; its parameters: {takes}")
    if neuron.surrogate != "lso" and parameters(neuron).get("slope", 1.0) == 0:
        raise RecipeError(f"surrogate {neuron.surrogate} needs a slope above 0, got 0; its default is {known['slope']}")
    if neuron.surrogate == "lso" and not 0 <= parameters(neuron)["slope"] < 1:
        raise RecipeError(f"surrogate lso needs a slope from 0 to below 1, got {parameters(neuron)['slope']}; its default is 0.1")
    if neuron.surrogate_area is not None and math.isinf(area(neuron)):
        finite = ", ".join(name for name in SURROGATE_SUMMARIES if name in _AREAS)
        raise RecipeError(
            f"--surrogate-area needs a surrogate of finite area, got {neuron.surrogate} ({neuron.surrogate_variant}), whose area is "
            f"infinite; leave it out, or use one of {finite}"
        )


def defaults(name: str, variant: str) -> dict[str, float]:
    """Return a surrogate's parameters and their default values."""
    if variant == "snntorch" and name == "triangular":
        return {}
    return {**_DEFAULTS[name], **(_SNNTORCH.get(name, {}) if variant == "snntorch" else {})}


def parameters(neuron: Neuron) -> dict[str, float]:
    """Return the parameters of a neuron's surrogate."""
    found = defaults(neuron.surrogate, neuron.surrogate_variant)
    return {name: default if (own := getattr(neuron, f"surrogate_{name}")) is None else own for name, default in found.items()}


def area(neuron: Neuron) -> float:
    """Return the area under a neuron's surrogate, before any normalization."""
    if neuron.surrogate not in _AREAS or (neuron.surrogate == "triangular" and neuron.surrogate_variant == "snntorch"):
        return math.inf
    return _AREAS[neuron.surrogate](parameters(neuron))


def scale(neuron: Neuron) -> float:
    """Return the factor that gives a neuron's surrogate the area that the recipe asks for."""
    return 1.0 if neuron.surrogate_area is None else neuron.surrogate_area / area(neuron)
