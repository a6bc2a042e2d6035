"""The names of the surrogates, apart from their formulas: checking a recipe or listing them needs no torch."""

from mia_audit.errors import CatalogueError, nearest

SURROGATE_SUMMARIES: dict[str, str] = {
    "atan": "arctangent, 1 / (1 + (pi x)^2); snnTorch's default",
    "fast-sigmoid": "fast sigmoid, 1 / (1 + 25 |x|)^2",
    "sre": "spike rate escape, exp(-|x|); snnTorch's variant peaks at threshold + 1 with height 25",
    "ste": "straight-through, 1 everywhere",
    "triangular": "triangle, max(0, 1 - |x|); snnTorch's variant is a sign flip, +1 below and -1 above",
}


def check_surrogate(name: str) -> None:
    """Raise CatalogueError, naming the nearest one, unless a surrogate has this name."""
    if name not in SURROGATE_SUMMARIES:
        raise CatalogueError(f"unknown surrogate {name!r}{nearest(name, SURROGATE_SUMMARIES)}")
