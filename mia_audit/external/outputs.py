"""What a network answered, as logits: probabilities by their logarithm, a sigmoid as two classes, a loss as the odds of the right class.

Nothing is guessed in silence: what is done to the values is said in a note, and what cannot be is refused with its row and column.
A probability of 0 or 1 is one that was rounded: a zero is taken as half of the smallest step that the values are written in, so that
logarithms stay finite. Rounded values tie, and ties are exact everywhere; what rounding took away no attack brings back.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mia_audit.errors import DataError
from mia_audit.external.files import told
from mia_audit.types import Bools, Floats

Notes = tuple[str, ...]
SUMS = 0.02
"""How far from one a row of probabilities may sum before it is none."""
_DIGITS = 8
_TINY = 1e-38


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where values stand: the file, its columns, and what a row is called."""

    file: str
    columns: Sequence[str]
    where: Callable[[int], str]

    def of(self, row: int, column: int) -> str:
        """Return the words for one value."""
        name = self.columns[column] if column < len(self.columns) and len(self.columns) > 1 else f"{self.columns[0]}[{column}]"
        return f"{self.file}: {self.where(row)}, column {told(name)!r}"


def as_logits(values: Floats, kind: str, place: Place) -> tuple[Floats, Notes]:
    """Return answers [..., rows, classes] of a kind (logits, probabilities, or outputs, which may be either) as logits, and notes."""
    if values.shape[-1] == 1:
        return _one_output(values[..., 0], kind, place)
    what = _looks_like(values)
    if kind == "logits" and what == "probabilities":
        return _with(("Columns called logits hold probabilities (every row sums to 1): taken as that.",), _probabilities(values, place))
    if kind == "logits":
        return values, ()
    if kind == "outputs" and what == "logits":
        _require_no_shares(values, place)
        return values, ("Outputs were taken as logits: rows do not sum to one. --as says otherwise.",)
    said = ("Outputs were taken as probabilities: rows sum to one.",) if kind == "outputs" and what == "probabilities" else ()
    hundredths = what == "percentages"
    shares = values / np.asarray(100, values.dtype) if hundredths else values
    return _with(said, _probabilities(shares, place, percent=hundredths))


def as_odds(losses: Floats, place: Place) -> tuple[Floats, Notes]:
    """Return losses [..., rows] (cross-entropy, in nats) as logits [..., rows, 2] whose first class is the right one: log(p / (1 - p))."""
    if (losses < 0).any():
        row = int(np.argwhere(losses < 0)[0][-1])
        least = losses[..., row].min()
        raise DataError(f"{place.of(row, 0)} needs a loss of 0 or more, got {least:g}; give the cross-entropy, not its negative")
    floor, notes = _floor(losses, "losses")
    positive = np.maximum(losses.astype(np.float64), floor)
    with np.errstate(over="ignore"):
        odds = np.where(positive > 30, -positive, -np.log(np.expm1(np.minimum(positive, 30))))
    return np.stack([odds, np.zeros_like(odds)], axis=-1), notes


def _with(notes: Notes, found: tuple[Floats, Notes]) -> tuple[Floats, Notes]:
    return found[0], (*notes, *found[1])


def _looks_like(values: Floats) -> str:
    """Say what rows of several values are by their sums: probabilities, percentages, or logits."""
    if (values < 0).any():
        return "logits"
    for total, what in ((1.0, "probabilities"), (100.0, "percentages")):
        if _near(values / total).mean() >= 0.9:
            return what
    return "logits"


def _near(shares: Floats) -> Bools:
    """Say which rows [..., rows] of shares [..., rows, classes] sum to one, but for what rounding each of them can add up to."""
    digits = _digits(shares)
    rounding = 0.0 if digits is None else shares.shape[-1] * 0.5 * 10.0**-digits
    near: Bools = np.abs(shares.sum(axis=-1, dtype=np.float64) - 1) <= max(SUMS, min(rounding, 0.1)) + 1e-9
    return near


def _require_no_shares(values: Floats, place: Place) -> None:
    """Refuse to take for logits what seems to be shares: none below zero, and all at most one, or all of one sum, or many of one."""
    if (values < 0).any():
        return
    sums, near = values.sum(axis=-1, dtype=np.float64), _near(values)
    level = bool(np.ptp(sums) <= SUMS * np.abs(sums).max())
    if not level and values.max() > 1 + SUMS and near.mean() < 0.1:
        return
    row = int(np.argwhere(~near)[0][-1])
    raise DataError(
        f"{place.file}: {place.where(row)} needs to be logits, or probabilities that sum to 1, got no value below 0 and a sum of "
        f"{float(sums[..., row].flat[0]):g} ({int((~near).sum())} of {near.size} rows do not sum to 1); give every class, or --as logits"
    )


def _probabilities(values: Floats, place: Place, *, percent: bool = False) -> tuple[Floats, Notes]:
    """Return logarithms of probabilities [..., rows, classes], each row brought to a sum of one."""
    notes: list[str] = ["Percentages were taken as hundredths."] if percent else []
    _require_shares(values, place)
    sums = values.sum(axis=-1, dtype=np.float64)
    off = ~_near(values)
    if off.any():
        row = int(np.argwhere(off)[0][-1])
        many = (
            ", or, where each class has an answer of its own (sigmoids), one class at a time: --outputs COLUMN" if off.mean() > 0.5 else ""
        )
        columns = f"columns {told(place.columns[0])!r} to {told(place.columns[-1])!r}"
        raise DataError(
            f"{place.file}: {place.where(row)}, {columns} need probabilities that sum to 1, got a sum of {float(sums[..., row].flat[0]):g} "
            f"({int(off.sum())} of {off.size} rows are so); give every class, or logits{many}"
        )
    floor, rounded = _floor(values, "probabilities")
    notes += rounded
    if np.abs(sums - 1).max() > 1e-3:
        notes.append(f"Rows that sum to {sums.min():.4g} to {sums.max():.4g} were brought to 1.")
    logs: Floats = np.log(np.maximum(values, np.asarray(floor, values.dtype)))
    return logs, tuple(notes)


def _one_output(values: Floats, kind: str, place: Place) -> tuple[Floats, Notes]:
    """Return one output [..., rows], a logit or the probability of class 1, as logits [..., rows, 2]."""
    inside = bool(((values >= 0) & (values <= 1)).all())
    percent = kind == "probabilities" and not inside and bool(((values >= 0) & (values <= 100)).all())
    if kind == "logits" or (kind == "outputs" and not inside):
        return np.stack([np.zeros_like(values), values], axis=-1), ("One output was taken as the logit of class 1 against class 0.",)
    shares = values / np.asarray(100, values.dtype) if percent else values
    _require_shares(shares[..., None], place)
    said = ("One output was taken as the probability of class 1.", *(["Percentages were taken as hundredths."] if percent else []))
    both = np.stack([1 - shares, shares], axis=-1).astype(np.float64)
    floor, notes = _floor(both, "probabilities")
    return np.log(np.maximum(both, floor)), (*said, *notes)


def _require_shares(values: Floats, place: Place) -> None:
    wrong = (values < 0) | (values > 1 + SUMS)
    if wrong.any():
        spot = np.argwhere(wrong)[0]
        raise DataError(
            f"{place.of(int(spot[-2]), int(spot[-1]))} needs a probability from 0 to 1, got {values[tuple(spot)]:g} ({int(wrong.sum())} "
            "values are so); say --as logits where these are logits"
        )


def _floor(values: Floats, what: str) -> tuple[float, Notes]:
    """Return what a zero is taken as, and notes: half of the step that values are written in, or of the smallest there is."""
    zeros = int((values == 0).sum())
    digits = _digits(values)
    notes: list[str] = []
    if digits is not None:
        notes.append(f"The {what} are rounded to {digits} decimals: attacks see no more than that.")
    if not zeros:
        return _TINY, tuple(notes)
    positive = values[values > 0]
    floor = 0.5 * 10.0**-digits if digits is not None else max(_TINY, float(positive.min()) / 2) if positive.size else 1e-9
    notes.append(f"{zeros} of {values.size} {what} are 0, which no network answers: taken as {floor:.2g}.")
    return floor, tuple(notes)


def _digits(values: Floats) -> int | None:
    """Return how many decimals all values are written with; None where they are not rounded."""
    some = values.reshape(-1)[:: max(1, values.size // 5_000)].astype(np.float64)
    for digits in range(_DIGITS - (2 if values.dtype == np.float32 else 0)):
        scaled = some * 10.0**digits
        if (np.abs(scaled - np.round(scaled)) <= (1e-3 if values.dtype == np.float32 else 1e-6)).all():
            return digits
    return None
