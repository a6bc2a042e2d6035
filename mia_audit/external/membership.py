"""Who was a member, as others write it down: a column of a table, or files of positions. What is no clear answer is refused by its line."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import DataError, UsageError
from mia_audit.external import archive
from mia_audit.external.files import reason, regular, told
from mia_audit.types import Bools, Ints

YES = ("1", "true", "yes", "y", "t", "train", "training", "trained", "member", "members", "in")
NO = (
    "0", "false", "no", "n", "f", "test", "testing", "nonmember", "non-member", "non_member", "nonmembers", "holdout", "held-out",
    "held_out", "heldout", "out",
)  # fmt: skip
REST = "rest"
"""In place of a file of non-members: everybody else."""
_MOST_TEXT = 2**28


def of_column(file: str, name: str, values: npt.NDArray[Any], where: Callable[[int], str]) -> Bools:
    """Return a column of 0 and 1, true and false, yes and no, or train and test as bools; DataError names the first other value."""
    if values.ndim != 1:
        raise DataError(f"{file}: column {told(name)!r} needs one value a row, got {values.shape}; name another with --member")
    if values.dtype == np.bool_:
        return values
    if values.dtype.kind in "iuf":
        yes, no = np.equal(values, 1), np.equal(values, 0)
    else:
        words = np.char.lower(np.char.strip(values.astype(np.str_)))
        yes, no = np.isin(words, YES), np.isin(words, NO)
    wrong = ~(yes | no)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{file}: {where(row)}, column {told(name)!r} needs 0 or 1, true or false, yes or no, train or test, got "
            f"{told(str(values[row]))!r}{f' ({int(wrong.sum())} rows are so)' if wrong.sum() > 1 else ''}; leave such rows out"
        )
    found: Bools = yes
    return found


def of_files(members: Path, nonmembers: Path | str, total: int) -> tuple[Bools, Bools]:
    """Return who is a member, and who is one or the other, [total] each, from two files of positions from 0.

    nonmembers  a file, or "rest" for everybody who is not in the first
    """
    inside = positions(members, total)
    member = np.zeros(total, dtype=np.bool_)
    member[[place for _, place in inside]] = True
    if str(nonmembers) == REST:
        return member, np.ones(total, dtype=np.bool_)
    if not nonmembers:
        raise UsageError("members need non-members to be told from, got members alone; give a file with --nonmembers, or --nonmembers rest")
    outside = positions(Path(nonmembers), total)
    both = next(((where, place) for where, place in outside if member[place]), None)
    if both is not None:
        first = next(where for where, place in inside if place == both[1])
        raise DataError(f"{both[0]}: {both[1]} is among the members too ({first}); an example is on one side, take it out of one")
    used = member.copy()
    used[[place for _, place in outside]] = True
    return member, used


def of_indices(members: Any, nonmembers: Any, total: int) -> tuple[Bools, Bools]:
    """Return the same from arrays of positions, or from masks of bools; UsageError where they are neither."""
    inside, outside = _places("members", members, total), _places("nonmembers", nonmembers, total)
    member, used = np.zeros(total, dtype=np.bool_), np.zeros(total, dtype=np.bool_)
    member[inside] = True
    both = outside[member[outside]]
    if both.size:
        raise UsageError(f"nonmembers need to be others than members, got {int(both[0])} in both ({both.size} in all); take it out of one")
    used[inside], used[outside] = True, True
    return member, used


def _places(name: str, given: Any, total: int) -> Ints:
    values = np.asarray(list(given) if isinstance(given, range | set | frozenset | tuple) else given)
    if values.dtype == np.bool_ and values.shape == (total,):
        return np.flatnonzero(values)
    _require_positions(name, given, values, total)
    wrong = (values < 0) | (values >= total)
    if wrong.any():
        raise UsageError(f"{name} needs positions from 0 to {total - 1}, got {int(values[wrong.argmax()])}; the data have {total} examples")
    known, counts = np.unique(values, return_counts=True)
    if len(known) < len(values):
        raise UsageError(
            f"{name} needs every position once, got {int(known[counts.argmax()])} {int(counts.max())} times; leave doubles out"
        )
    return values.astype(np.int64)


def _require_positions(name: str, given: Any, values: npt.NDArray[Any], total: int) -> None:
    """Refuse what are no positions, and a mask of 0 and 1, which would be taken for the positions 0 and 1 over and over."""
    needs = f"{name} needs positions of examples, whole numbers from 0, or a bool for each of {total}"
    if isinstance(given, str | bytes | Path):
        raise UsageError(
            f"{needs}, got the text {told(str(given), 30)!r}; a file of positions is read by `mia-audit init`, here give an array"
        )
    if values.dtype == np.bool_:
        raise UsageError(f"{needs}, got a mask of {values.shape}; give a bool for each example, or numpy.flatnonzero(mask)")
    if values.dtype.kind not in "iu" or values.ndim != 1 or not values.size:
        got = (
            f"{values.dtype.name} of shape {values.shape}"
            if values.dtype.kind in "biufc"
            else f"words or objects, {told(str(given), 30)!r}"
        )
        raise UsageError(f"{needs}, got {got if values.size else 'none'}; give a list or an array")
    if values.size > 2 and np.isin(values, (0, 1)).all():
        raise UsageError(f"{needs}, got a mask of {values.size} zeros and ones; give it as bools, {name} == 1, one for each of {total}")


def positions(path: Path, total: int) -> list[tuple[str, int]]:
    """Return positions in a file of text, .npz, .npy-free .json or a table's column, each with where it stands; none twice."""
    file, listed = told(path.name), _listed(regular(path, "a list of members"))
    if not listed:
        raise DataError(f"{file}: needs positions of examples, got none; write one a line")
    seen: dict[int, str] = {}
    for where, cell in listed:
        place = _whole(file, where, cell)
        if not 0 <= place < total:
            raise DataError(f"{file}: {where} needs a position from 0 to {total - 1}, got {place}; the data have {total} examples")
        if place in seen:
            raise DataError(f"{file}: {where} has {place}, which {seen[place]} has already; take one out")
        seen[place] = where
    return [(f"{file}, {where}", place) for place, where in seen.items()]


def _whole(file: str, where: str, cell: Any) -> int:
    if isinstance(cell, bool):
        cell = str(cell)
    try:
        number = float(cell)
        if number != int(number):
            raise ValueError(cell)
        return int(number)
    except (ValueError, TypeError, OverflowError):
        raise DataError(f"{file}: {where} needs a whole number from 0, got {told(str(cell))!r}; write one position a line") from None


def _listed(path: Path) -> Sequence[tuple[str, Any]]:
    file, suffix = told(path.name), path.suffix.lower()
    if suffix == ".npz":
        arrays = archive.read(path)
        if len(arrays) != 1 or next(iter(arrays.values())).ndim != 1:
            raise DataError(f"{file}: needs one array of positions, got {', '.join(map(told, arrays)) or 'none'}; write one")
        return [(f"place {row}", value) for row, value in enumerate(next(iter(arrays.values())).tolist())]
    try:
        if path.stat().st_size > _MOST_TEXT:
            raise DataError(f"{file}: a list of members needs at most {_MOST_TEXT // 2**20} MiB, got more; write it as .npz")
        text = path.read_text(encoding="utf-8-sig")
        if suffix == ".json":
            content = json.loads(text)
            if not isinstance(content, list):
                raise DataError(f"{file}: needs a list of positions, got {type(content).__name__}; write [0, 1, ...]")
            return [(f"place {row}", value) for row, value in enumerate(content)]
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise DataError(f"{file}: needs to be a list of positions, got {reason(error)}; write one a line") from error
    cells = [(f"line {number}", line.partition("#")[0].strip().rstrip(",")) for number, line in enumerate(text.splitlines(), 1)]
    kept = [(where, cell) for where, cell in cells if cell]
    return kept[1:] if kept and kept[0][1].lower() in {"index", "position", "indices", "id"} else kept
