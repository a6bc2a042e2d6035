"""A file of predictions as evidence: columns found by name, answers as logits, labels as classes, and every step that was taken said."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import DataError
from mia_audit.external import classes as classes_of
from mia_audit.external import membership, outputs, roles, tables
from mia_audit.external.files import told
from mia_audit.external.roles import Roles, Wanted
from mia_audit.types import Bools, Floats, Ints

ODDS = frozenset((
    "loss", "attack-p", "attack-r", "difficulty-calibration", "rmia-online", "rmia-offline", "lira-online", "lira-offline",
    "lira-per-example", "lira-shrunken", "lira-shared-gap",
))  # fmt: skip
"""Attacks that look at the odds of the right class alone, which a loss tells."""
UNLABELLED = frozenset((
    "confidence", "entropy", "attack-p", "attack-r", "rmia-online", "rmia-offline", "lira-online", "lira-offline", "lira-shared-gap",
))  # fmt: skip
"""Attacks that make sense of the class that the target predicts where nobody knows the right one."""
DECIDED = frozenset(("correctness",))
"""Attacks on nothing but the predicted class."""


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a file of predictions holds, ready to be scored.

    logits  [queries, examples, classes]; of losses two classes, the right one first
    truth   the right classes where `labels` are not those, since no more is known than right or wrong
    able    attacks that what is there suffices for; None where all are, and `lacking` is what the others need
    notes   what was taken for what, a sentence each
    """

    name: str
    logits: Floats
    labels: Ints
    member: Bools
    able: frozenset[str] | None
    lacking: str
    notes: tuple[str, ...]
    columns: tuple[tuple[str, str], ...]
    inputs: Floats | None = None
    classes: tuple[str, ...] = ()
    kind: str = "logits"
    kept: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    truth: Ints | None = None


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Files of positions of members and non-members, where no column tells; `nonmembers` may be "rest"."""

    members: Path
    nonmembers: Path | str


def read(path: Path, wanted: Wanted, sides: Sides | None = None, classes: tuple[str, ...] = ()) -> Predictions:
    """Return what a file of predictions holds; DataError or UsageError, in one line, where it cannot be scored.

    classes  what the classes are called, where labels are words and the columns do not say it
    """
    table = tables.opened(path)
    chosen = _chosen(table, wanted)
    if not chosen.member and sides is None:
        raise DataError(
            f"{table.name}: needs a column that says who is a member, such as member or is_member, got "
            f"{', '.join(told(name, 30) for name in table.names[:8])}; say which with --member NAME, or give --members and --nonmembers"
        )
    read = table.read([*(name for name in (chosen.member, chosen.label) if name), *chosen.outputs, *chosen.inputs])
    answers, names = _answers(table, chosen, read)
    logits, labels, able, lacking, said = _labelled(table, chosen, read, answers, classes or names)
    member, kept, told_sides = _sides(table, (chosen.member, read.get(chosen.member)), sides, logits.shape[-2])
    notes = [*chosen.notes, *answers.notes, *said, *told_sides]
    notes += [f"Not used, since {chosen.kind} tell more: {', '.join(map(told, chosen.unused[:6]))}."] if chosen.unused else []
    every = bool(kept.all())
    return Predictions(
        name=table.name,
        logits=logits if every else logits[..., kept, :],
        labels=labels if every else labels[kept],
        member=member if every else member[kept],
        able=able,
        lacking=lacking,
        notes=tuple(notes),
        columns=_columns(chosen, answers.kind),
        inputs=_inputs(table, chosen, read, kept),
        classes=classes or names,
        kind=answers.kind,
        kept=kept,
        truth=np.unique(read[chosen.label], return_inverse=True)[1].reshape(-1)[kept] if answers.kind == "labels" else None,
    )


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Answers as logits [queries, examples, classes], what they were, and what was done to them."""

    logits: Floats
    kind: str
    notes: tuple[str, ...]


def answers_of(values: Floats, kind: str, place: outputs.Place) -> Answers:
    """Return values of a kind as logits; of losses as the odds of the right class."""
    if kind == "losses":
        logits, notes = outputs.as_odds(values, place)
        return Answers(logits=logits, kind=kind, notes=notes)
    logits, notes = outputs.as_logits(values, kind, place)
    return Answers(logits=logits, kind=kind, notes=notes)


def _chosen(table: tables.Table, wanted: Wanted) -> Roles:
    chosen = None
    try:
        chosen = roles.found(table.name, table.names, wanted)
        if len(chosen.outputs) > 1 or not chosen.label:
            return chosen
    except DataError:
        label = wanted.label or next((name for name in table.names if name.lower() in roles.LABEL), "")
        if not label:
            raise
    label = wanted.label or next((name for name in table.names if name.lower() in roles.LABEL), "")
    words = table.read([label])[label] if label else np.zeros(0)
    if words.dtype.kind == "U" and (chosen is None or not chosen.outputs):
        return roles.found(table.name, table.names, wanted, np.unique(words).tolist())
    return chosen if chosen is not None else roles.found(table.name, table.names, wanted)


def _answers(table: tables.Table, chosen: Roles, read: dict[str, npt.NDArray[Any]]) -> tuple[Answers, tuple[str, ...]]:
    """Return the answers, and what the classes are called."""
    if chosen.kind == "labels":
        return Answers(logits=np.zeros((1, len(read[chosen.outputs[0]]), 2)), kind="labels", notes=()), ()
    parts = [tables.numbers(table, name, read[name], _axis_of_rows(chosen.kind, read[name])) for name in chosen.outputs]
    values = parts[0] if len(parts) == 1 else np.stack(parts, axis=-1)
    if chosen.kind == "losses":
        values = values[..., 0] if values.ndim > 1 and values.shape[-1] == 1 else values
        values = values if values.ndim == 2 else values[None]
    else:
        values = values[:, None] if values.ndim == 1 else values
        values = values if values.ndim == 3 else values[None]
    if not values.size:
        raise DataError(
            f"{table.name}: needs a row for each example, got {told(chosen.outputs[0])!r} of {parts[0].shape}; put all rows there"
        )
    if values.ndim != (2 if chosen.kind == "losses" else 3):
        shape = parts[0].shape
        raise DataError(f"{table.name}: {told(chosen.outputs[0])!r} needs [examples, classes] or [queries, examples, classes], got {shape}")
    place = outputs.Place(file=table.name, columns=chosen.outputs, where=table.where)
    return answers_of(values, chosen.kind, place), chosen.classes


def _axis_of_rows(kind: str, values: npt.NDArray[Any]) -> int:
    """Return which axis has the rows: the last of losses [queries, rows], else the one before the last."""
    return -1 if kind == "losses" and values.ndim > 1 and values.shape[-1] != 1 else -2


Labelled = tuple[Floats, Ints, frozenset[str] | None, str, tuple[str, ...]]


def _labelled(
    table: tables.Table, chosen: Roles, read: dict[str, npt.NDArray[Any]], answers: Answers, classes: tuple[str, ...]
) -> Labelled:
    """Return logits and labels that fit each other, which attacks they suffice for, what the others lack, and notes."""
    logits = answers.logits
    if answers.kind == "labels":
        return _decided(table, chosen, read)
    if answers.kind == "losses":
        return logits, np.zeros(logits.shape[-2], dtype=np.int64), ODDS, "the answers for every class", ()
    if not chosen.label:
        predicted = logits.mean(axis=0).argmax(axis=-1)
        note = "There are no labels: attacks that need none run, on the class that the target predicts."
        return logits, predicted, UNLABELLED, "labels", (note,)
    labels, notes = classes_of.places(table, chosen.label, read[chosen.label], logits.shape[-1], classes)
    if len(labels) != logits.shape[-2]:
        raise DataError(f"{table.name}: needs a label for each of {logits.shape[-2]} rows, got {len(labels)}; give equal lengths")
    return logits, labels, None, "", (*notes, *classes_of.accuracy(logits, labels))


def _decided(table: tables.Table, chosen: Roles, read: dict[str, npt.NDArray[Any]]) -> Labelled:
    """Return predicted classes as logits of "right" and "wrong"."""
    if not chosen.label:
        raise DataError(f"{table.name}: predicted classes need the right ones beside them, got none; add a column label, or give logits")
    right = read[chosen.outputs[0]].astype(np.str_) == read[chosen.label].astype(np.str_)
    if not right.any():
        raise DataError(
            f"{table.name}: no predicted class is the label; write {told(chosen.outputs[0])!r} and {told(chosen.label)!r} alike"
        )
    logits = np.where(np.stack([right, ~right], axis=-1), 1.0, 0.0)[None]
    note = f"Only predicted classes are there: {right.mean():.1%} are right."
    return logits, np.zeros(right.size, dtype=np.int64), DECIDED, "logits, probabilities or losses", (note,)


def _sides(
    table: tables.Table, column: tuple[str, npt.NDArray[Any] | None], sides: Sides | None, rows: int
) -> tuple[Bools, Bools, tuple[str, ...]]:
    """Return who is a member [rows], which rows are on a side at all, and a note where some are on none."""
    name, values = column
    if sides is not None:
        member, used = membership.of_files(sides.members, sides.nonmembers, rows)
        left = int((~used).sum())
        return member, used, ((f"{left} of {rows} rows are neither among members nor non-members: left out.",) if left else ())
    member = membership.of_column(table.name, name, np.zeros(0) if values is None else values, table.where)
    if len(member) != rows:
        raise DataError(f"{table.name}: needs to tell of each of {rows} rows who is a member, got {len(member)}; give equal lengths")
    return member, np.ones(rows, dtype=np.bool_), ()


def _inputs(table: tables.Table, chosen: Roles, read: dict[str, npt.NDArray[Any]], kept: Bools) -> Floats | None:
    if not chosen.inputs:
        return None
    parts = [tables.numbers(table, name, read[name], 0) for name in chosen.inputs]
    if any(len(part) != kept.size for part in parts):
        raise DataError(f"{table.name}: needs an input for each of {kept.size} rows, got {', '.join(str(len(part)) for part in parts[:4])}")
    whole = parts[0] if len(parts) == 1 else np.concatenate([part.reshape(kept.size, -1) for part in parts], axis=1)
    return (whole[:, None] if whole.ndim == 1 else whole)[kept]


def _columns(chosen: Roles, kind: str) -> tuple[tuple[str, str], ...]:
    """Return which column was taken for what, to be printed."""
    listed = chosen.outputs if len(chosen.outputs) <= 4 else (*chosen.outputs[:2], "...", chosen.outputs[-1])
    parts = [("member", chosen.member), ("label", chosen.label), (kind, ", ".join(map(told, listed)))]
    parts.append(("inputs", ", ".join(map(told, chosen.inputs[:3]))))
    return tuple((part, told(name, 200)) for part, name in parts if name)
