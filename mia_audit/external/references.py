"""Answers of other networks to the same examples, in an .npz: which of them was trained on which example."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mia_audit.errors import DataError
from mia_audit.external import archive, outputs
from mia_audit.external.files import told
from mia_audit.external.predictions import Predictions, answers_of
from mia_audit.types import Bools, Floats

MEMBER = ("member", "members", "trained_on", "membership", "in_train")
ANSWERS = ("logits", "probabilities", "probs", "losses", "loss", "outputs")


@dataclass(frozen=True, kw_only=True)
class References:
    """Logits [models, queries, examples, classes] and masks [models, examples]."""

    logits: Floats
    member: Bools
    notes: tuple[str, ...]


def read(path: Path, predictions: Predictions) -> References:
    """Return references that were asked about the rows of these predictions, in their order."""
    name, arrays = told(path.name), archive.read(path)
    rows = next((arrays[each] for each in MEMBER if each in arrays), None)
    answers = next((each for each in ANSWERS if each in arrays), None)
    if rows is None or answers is None:
        raise DataError(
            f"{name}: references need arrays logits [models, rows, classes] (or probabilities, losses) and member [models, rows], got "
            f"{', '.join(map(told, arrays)) or 'none'}; rename them"
        )
    kind = {"probs": "probabilities", "loss": "losses"}.get(answers, answers)
    values, total = arrays[answers], predictions.kept.size
    if (kind == "losses") != (predictions.kind == "losses"):
        raise DataError(f"{name}: references need what the target has, {predictions.kind}, got {kind}; give both of one kind")
    if rows.dtype.kind in "iu" and np.isin(rows, (0, 1)).all():
        rows = rows.astype(np.bool_)
    if rows.dtype != np.bool_ or rows.ndim != 2 or rows.shape[1] != total or not len(rows):
        got = f"{rows.dtype} {rows.shape}"
        raise DataError(f"{name}: member needs bools [models, {total}], a row a model over the rows of {predictions.name}, got {got}")
    axes = 2 if kind == "losses" else 3
    if (
        values.dtype.kind != "f"
        or values.ndim not in {axes, axes + 1}
        or values.shape[0] != len(rows)
        or values.shape[-(axes - 1)] != total
    ):
        got = f"{values.dtype} {values.shape}"
        raise DataError(f"{name}: {answers} need floats of {len(rows)} models and {total} rows, got {got}; give one a model")
    if not np.isfinite(values).all():
        model, row = (int(each) for each in np.argwhere(~np.isfinite(values))[0][[0, -(axes - 1)]])
        raise DataError(f"{name}: {answers} need finite numbers, got NaN or infinity of model {model}, row {row} (from 0); ask it again")
    values = values if values.ndim == axes + 1 else values[:, None]
    found = answers_of(values, kind, outputs.Place(file=name, columns=(answers,), where=lambda row: f"row {row} (from 0)"))
    if found.logits.shape[-1] != predictions.logits.shape[-1]:
        raise DataError(f"{name}: references need {predictions.logits.shape[-1]} classes, as the target's, got {found.logits.shape[-1]}")
    kept = predictions.kept
    notes = tuple(f"References: {note}" for note in found.notes)
    return References(logits=found.logits[:, :, kept], member=rows[:, kept], notes=notes)
