"""What an outsider hands over of a DP-SGD training of theirs: one .npz file of arrays, any of the four kinds.

step test       with_canary, without_canary  noisy sums of one step replayed, [replays, parameters] or [canaries, replays, parameters]
                canary      perhaps: the canary's gradient, [parameters] or [canaries, parameters]
                unit        perhaps: what one clipping norm measures in these sums (R for sums, R / B for means)
                tensors     perhaps: parameters of each tensor, [tensors]
sampler test    included    who was in which step, bool [steps, examples] or [models, steps, examples]
one run         coins       which canary was put in, bool [canaries]
                projections noisy sums along each canary, over R, minus all else, [steps, canaries]; or instead of it
                sums        noisy sums minus all else, [steps, parameters], with gradients [canaries, parameters], not clipped, and clip: R
many trainings  scores_in, scores_out    a score of each training with and without the canary, [trainings]; larger: more likely in
                control_in, control_out  perhaps: the same of trainings whose noise was halved on purpose
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from numpy.lib.npyio import NpzFile

from mia_audit.errors import DataError, nearest
from mia_audit.statistics import likelihood
from mia_audit.statistics.likelihood import Canaries
from mia_audit.types import Bools, Floats

KINDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "step test": (("with_canary", "without_canary"), ("canary", "unit", "tensors")),
    "sampler test": (("included",), ()),
    "one run": (("coins",), ("projections", "sums", "gradients", "clip")),
    "many trainings": (("scores_in", "scores_out"), ("control_in", "control_out")),
}
"""What each instrument must have, and what it may."""

_BOOLS = {"coins", "included"}
_KNOWN = tuple(name for must, may in KINDS.values() for name in (*must, *may))


@dataclass(frozen=True, kw_only=True)
class Observations:
    """The arrays of a file, looked at."""

    path: str
    arrays: Mapping[str, npt.NDArray[Any]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The instruments that have what they need."""
        return tuple(kind for kind, (must, _) in KINDS.items() if all(name in self.arrays for name in must))

    def floats(self, name: str, *dimensions: int) -> Floats:
        """Return an array of finite numbers with one of these numbers of axes."""
        values = self.arrays[name]
        if values.dtype.kind not in "fiu" or values.ndim not in dimensions:
            wanted = " or ".join(str(each) for each in dimensions)
            raise DataError(f"{self.path}: {name} needs finite numbers with {wanted} axes, got {values.dtype} {values.shape}")
        if len(wrong := np.argwhere(~np.isfinite(values))):
            first = tuple(int(each) for each in wrong[0])
            place = f" at {name}[{', '.join(map(str, first))}]" if first else ""
            more = f", the first of {len(wrong):,}" if len(wrong) > 1 else ""
            raise DataError(
                f"{self.path}: {name} needs finite numbers, got {values[first]}{place}{more}; "
                "what failed is no observation: leave the array out, or measure again"
            )
        found: Floats = values.astype(np.float64)
        return found

    def bools(self, name: str) -> Bools:
        """Return an array of bools."""
        return np.asarray(self.arrays[name], dtype=np.bool_)

    def has(self, name: str) -> bool:
        """Say whether an array is there."""
        return name in self.arrays

    def projections(self, steps: int) -> tuple[Floats, Canaries | None]:
        """Return z [steps, canaries], and what the canaries are worth where their gradients are there."""
        if self.has("projections"):
            return self._stepped("projections", steps), None
        missing = [name for name in ("sums", "gradients", "clip") if not self.has(name)]
        if missing:
            raise DataError(f"{self.path}: one run needs projections, or sums with gradients and clip, got no {' and no '.join(missing)}")
        gradients, clip = self.floats("gradients", 2), self.number("clip")
        return likelihood.projected(self._stepped("sums", steps), gradients, clip), likelihood.examined(gradients, clip)

    def _stepped(self, name: str, steps: int) -> Floats:
        values = self.floats(name, 2)
        if len(values) != steps:
            raise DataError(
                f"{self.path}: {name} needs a row for each of the {steps:,} steps that are claimed, got {len(values):,} rows; "
                "hand over every step, or claim with --steps what was run"
            )
        return values

    def number(self, name: str) -> float:
        """Return a single number above 0."""
        values = self.floats(name, 0, 1)
        if values.size != 1 or values.item() <= 0:
            raise DataError(f"{self.path}: {name} needs one number above 0, got {values.tolist()}")
        return float(values.item())


def read(path: Path) -> Observations:
    """Return the observations of a file; DataError says what is wrong with it."""
    try:
        with path.open("rb") as file:  # numpy leaves a damaged one open
            held = np.load(file, allow_pickle=False)
            arrays = {name: held[name] for name in held.files} if isinstance(held, NpzFile) else None
    except (OSError, ValueError, BadZipFile, EOFError) as error:
        why = f"got {error}" if isinstance(error, OSError) else "which this is not"
        raise DataError(f"{path}: observations need an .npz file of arrays, {why}; write it with numpy.savez") from error
    if arrays is None:
        raise DataError(
            f"{path}: observations need an .npz file of named arrays, got one array; write it with numpy.savez(path, name=array)"
        )
    for name, values in arrays.items():
        if name not in _KNOWN:
            raise DataError(f"{path}: unknown array {name!r}{nearest(name, _KNOWN)}")
        if name in _BOOLS and not _are_bools(values):
            raise DataError(f"{path}: {name} needs bools, True where in, got {values.dtype} {values.shape}; use {name}.astype(bool)")
    found = Observations(path=str(path), arrays=arrays)
    if not found.kinds:
        raise DataError(f"{path}: observations need the arrays of one instrument, got {', '.join(sorted(arrays)) or 'none'}; {_wanted()}")
    half = [kind for kind, (must, may) in KINDS.items() if kind not in found.kinds and any(name in arrays for name in (*must, *may))]
    if half:
        must = KINDS[half[0]][0]
        raise DataError(
            f"{path}: the {half[0]} needs {' and '.join(must)}, got {', '.join(name for name in arrays if name in _of(half[0]))}"
        )
    return found


def _of(kind: str) -> tuple[str, ...]:
    must, may = KINDS[kind]
    return (*must, *may)


def _are_bools(values: npt.NDArray[Any]) -> bool:
    return bool(values.dtype == np.bool_ or (values.dtype.kind in "iu" and values.size and np.isin(values, (0, 1)).all()))


def _wanted() -> str:
    return "; ".join(f"{kind}: {', '.join(must)}" for kind, (must, _) in KINDS.items())
