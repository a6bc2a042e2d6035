"""Weights of a file put into a module that code has built: every key in its place, and nothing filled in or left out in silence.

Files nest their weights ("state_dict", "model"), and training tools put prefixes before the keys (`module.`, `_orig_mod.`, Lightning's).
Where two groups of a file fit, as with averaged weights (EMA), the caller says which. "All keys matched" is not enough: snnTorch's way to
reset is fixed when a neuron is built, and the buffer of that name in the file changes nothing; the two are compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import nn

from mia_audit.errors import DataError
from mia_audit.external.checkpoint import Weights
from mia_audit.external.files import reason, told

WRAPPERS = ("_orig_mod.", "module.")
FIXED = {"snntorch": ("reset_mechanism_val",)}
"""By the package of a module's class: buffers that the file holds and the module, once built, does not obey."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Weights by the module's own names, where they stood in the file, and which prefix was taken off."""

    weights: Weights
    group: str
    prefix: str


def fitted(file: str, groups: Mapping[str, Weights], module: nn.Module, *, key: str, drop: tuple[str, ...]) -> tuple[str, ...]:
    """Load the one group that fits into a module, and return notes; DataError says which keys do not fit, or which groups both do."""
    own = module.state_dict() | {name: each.detach() for name, each in module.named_parameters()}  # Brevitas hides scales that are not set
    if key and key not in groups:
        raise DataError(f"{file}: key needs one of {_listed(groups)}, got {told(key)!r}; correct it")
    chosen = {key: groups[key]} if key else groups
    fits = [fit for group, weights in chosen.items() for fit in _fits(group, _unwrapped(weights, drop), own)]
    if not fits:
        raise DataError(f"{file}: {_misfit(chosen, own, drop)}")
    if len(fits) > 1:
        choices = ", ".join(sorted({(fit.group or "the file itself") + (f" with {fit.prefix!r}" if fit.prefix else "") for fit in fits}))
        raise DataError(f"{file}: holds {len(fits)} models that fit, {choices}; say which with key = ..., or --key")
    fit = fits[0]
    _require_as_built(file, fit, module)
    try:
        module.load_state_dict(fit.weights, strict=True)
    except RuntimeError as error:
        raise DataError(f"{file}: needs the module's keys, got {reason(error)}; build the network that was trained") from error
    notes = [f"Weights from {fit.group!r} of the file." if fit.group else "", f"Prefix {fit.prefix!r} taken off." if fit.prefix else ""]
    wrapped = [each for each in WRAPPERS if any(name.startswith(each) or f".{each}" in name for name in groups[fit.group])]
    notes += [f"Wrappers {', '.join(wrapped)} taken off." if wrapped else ""]
    cast = sorted({str(fit.weights[name].dtype) for name in own if fit.weights[name].dtype != own[name].dtype})
    notes += [f"Weights of {', '.join(cast)} were taken as the module's own type." if cast else ""]
    return tuple(note for note in notes if note)


def _unwrapped(weights: Weights, drop: tuple[str, ...]) -> Weights:
    """Return weights without what is declared to be a state, and without the wrappers of parallel and compiled modules."""
    kept = {name: value for name, value in weights.items() if not any(fnmatchcase(name, each) for each in drop)}
    for wrapper in WRAPPERS:
        if any(name.startswith(wrapper) or f".{wrapper}" in name for name in kept):
            kept = {name.removeprefix(wrapper).replace(f".{wrapper}", "."): value for name, value in kept.items()}
    return kept


def _fits(group: str, weights: Weights, own: Mapping[str, torch.Tensor]) -> list[Fit]:
    """Return the ways in which all of a module's keys, and no others below the same prefix, are found with their shapes."""
    first = next(iter(own), None)
    prefixes = {name.removesuffix(first) for name in weights if name == first or name.endswith(f".{first}")} if first else set()
    found = []
    for prefix in sorted(prefixes):
        below = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
        if set(below) == set(own) and all(below[name].shape == own[name].shape for name in own):
            found.append(Fit(weights=below, group=group, prefix=prefix))
    return found


def _misfit(groups: Mapping[str, Weights], own: Mapping[str, torch.Tensor], drop: tuple[str, ...]) -> str:
    """Say what the group with the most keys in common lacks, has besides, or has in another shape."""
    best = max(groups.values(), key=lambda weights: len(set(own) & set(_bare(_unwrapped(weights, drop), own))))
    weights = _bare(_unwrapped(best, drop), own)
    missing, besides = [name for name in own if name not in weights], [name for name in weights if name not in own]
    other = [name for name in own if name in weights and weights[name].shape != own[name].shape]
    if other and not missing:
        name, shapes = other[0], f"{list(own[other[0]].shape)}, as the module has, got {list(weights[other[0]].shape)}"
        return f"{told(name)!r} needs shape {shapes} ({len(other)} are so); build the network that was trained"
    lists = (("missing", missing), ("besides", besides))
    parts = [f"{len(names)} {what} ({', '.join(told(each) for each in names[:3])})" for what, names in lists if names]
    build = "build the network that was trained"
    way = f"declare states that are no weights with drop = [...], or {build}" if besides else build
    return f"needs the module's {len(own)} keys, got {' and '.join(parts) or 'others'}; {way}"


def _bare(weights: Weights, own: Mapping[str, torch.Tensor]) -> Weights:
    """Return weights below the prefix that most of the module's keys have."""
    prefixes = {name.removesuffix(key) for key in list(own)[:3] for name in weights if name == key or name.endswith(f".{key}")} or {""}
    best = max(sorted(prefixes), key=lambda prefix: sum(prefix + name in weights for name in own))
    return {name.removeprefix(best): value for name, value in weights.items() if name.startswith(best)}


def _require_as_built(file: str, fit: Fit, module: nn.Module) -> None:
    for path, each in module.named_modules():
        for name in FIXED.get(type(each).__module__.partition(".")[0], ()):
            built = getattr(each, name, None)
            stored = fit.weights.get(f"{path}.{name}" if path else name)
            if isinstance(built, torch.Tensor) and stored is not None and not torch.equal(built, stored.to(built.dtype)):
                raise DataError(
                    f"{file}: {told(path)} was trained with {name} {stored.tolist()}, the code builds it with {built.tolist()}, and "
                    "loading does not change that; build it as it was trained (reset_mechanism)"
                )


def _listed(groups: Mapping[str, Weights]) -> str:
    return ", ".join(told(each) or "''" for each in list(groups)[:6])
