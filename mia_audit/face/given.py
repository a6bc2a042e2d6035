"""What a caller gave to be scored, as evidence: arrays are taken as they are or refused, never guessed at.

The one thing that is mended is an axis of queries that was left out, since nothing else it could be.
"""

import operator
from typing import Any

import numpy as np

from mia_audit.errors import EvidenceError, UsageError, nearest
from mia_audit.types import Bools, Evidence, Floats, Ints, PopulationData

References = tuple[Floats, Bools] | None
OUTPUTS = ("outputs", "logits", "probabilities", "sigmoid", "labels")
Outside = tuple[Floats, Ints] | tuple[Floats, Ints, Floats]


def evidence(logits: Any, labels: Any, member: Any, references: References, population: Outside | None) -> tuple[Evidence, Bools]:
    """Return arrays as evidence, and the target's members; EvidenceError says which is not what it should be, and what to do."""
    target = _asked(logits, "logits", 2)
    if not isinstance(member, np.ndarray) or member.dtype != np.bool_ or member.shape != target.shape[1:2]:
        raise EvidenceError(
            f"scoring needs member as an array of {target.shape[1]} bools, True where trained on, got {_kind(member)}; "
            "use numpy.asarray(member, dtype=bool)"
        )
    if not member.size:
        raise EvidenceError(f"scoring needs examples, got logits {target.shape}; give members and others")
    if target.shape[-1] < 2:
        raise EvidenceError(
            "scoring needs logits of two classes or more, got one; of a single output z use numpy.stack([0 * z, z], axis=-1)"
        )
    none = np.zeros((0, *target.shape), dtype=target.dtype), np.zeros((0, member.size), dtype=np.bool_)
    others, rows = none if references is None else _tuple("references", references, ("logits", "member"))
    others = others if references is None else _asked(others, "logits of references", 3)
    if references is not None and isinstance(rows, np.ndarray) and rows.dtype == np.bool_ and rows.shape != others.shape[:1] + member.shape:
        raise EvidenceError(
            f"scoring needs member of references as bools {(len(others), *member.shape)}, [models, examples], got {rows.shape}; "
            "give a row a model, over the target's examples in their order"
        )
    outside = _outside(population, len(others), target.shape[-1])
    return Evidence(target=target, shadows=others, trained_on=rows, labels=labels, population=outside), member


def features(inputs: Any, examples: int) -> Floats | None:
    """Return inputs [examples, ...] as floats for a classifier that never sees the network; None where there are none."""
    if inputs is None:
        return None
    is_array = isinstance(inputs, np.ndarray) and inputs.dtype.kind in "fiub" and inputs.ndim >= 1
    if not is_array or len(inputs) != examples or not inputs[:1].size:
        raise EvidenceError(
            f"scoring needs inputs as an array of numbers [{examples} examples, ...], got {_kind(inputs)}; give what the network was "
            "given, in the order of the logits"
        )
    table: Floats = inputs.astype(np.float64 if inputs.dtype == np.float64 else np.float32)
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).reshape(examples, -1).all(axis=1))[0])
        raise EvidenceError(
            f"scoring needs finite inputs, got NaN or infinity in example {row}; fill in what is missing, or leave inputs out"
        )
    return table


def seed_of(seed: Any) -> int:
    """Return a seed; UsageError where it is no whole number from 0."""
    return whole("seed", seed, 0)


def whole(name: str, value: Any, least: int) -> int:
    """Return a whole number; UsageError where it is none, or smaller."""
    try:
        number = None if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least:
        raise UsageError(f"{name} needs a whole number from {least}, got {value!r}; leave it out for the default")
    return number


def output_of(output: Any) -> str:
    """Return what a function's scores are; UsageError where there is no such kind."""
    if output not in OUTPUTS:
        raise UsageError(f"output needs {', '.join(OUTPUTS[:-1])} or {OUTPUTS[-1]}, got {output!r}{nearest(str(output), OUTPUTS)}")
    return "outputs" if output == "sigmoid" else str(output)


def _outside(population: Outside | None, references: int, classes: int) -> PopulationData | None:
    """Return answers on examples that no model was trained on; without references, the target's alone."""
    if population is None:
        return None
    parts = _tuple("population", population, ("logits", "labels"), ("reference logits",))
    target = _asked(parts[0], "logits of the population", 2)
    shadows = _asked(parts[2], "reference logits of the population", 3) if len(parts) > 2 else np.zeros((0, *target.shape))
    if len(shadows) != references:
        raise EvidenceError(
            f"scoring needs answers of all {references} references on the population, got {len(shadows)}; "
            "use population=(logits, labels, reference logits)"
        )
    if target.shape[-1] != classes:
        raise EvidenceError(f"scoring needs logits of the population with {classes} classes, as the target's, got {target.shape[-1]}")
    return PopulationData(target=target, shadows=shadows, labels=parts[1])


def _tuple(name: str, given: Any, parts: tuple[str, ...], more: tuple[str, ...] = ()) -> Any:
    """Return what is a tuple of so many parts; an array alone would be taken apart along its first axis."""
    if not isinstance(given, tuple | list) or not len(parts) <= len(given) <= len(parts + more):
        got = f"{len(given)} parts" if isinstance(given, tuple | list) else type(given).__name__
        raise EvidenceError(f"scoring needs {name} as a tuple, got {got}; use {name}=({', '.join(parts + more)})")
    return given


def _asked(logits: Any, name: str, axes: int) -> Floats:
    """Return logits with their axis of queries, which is added where there is one axis fewer."""
    if not isinstance(logits, np.ndarray) or logits.dtype.kind != "f" or logits.ndim not in {axes, axes + 1}:
        shape = "[models, queries, examples, classes]" if axes == 3 else "[queries, examples, classes]"
        raise EvidenceError(
            f"scoring needs {name} as an array of floats {shape}, queries or not, got {_kind(logits)}; use numpy.asarray(..., float)"
        )
    if isinstance(logits, np.ma.MaskedArray) and np.ma.is_masked(logits):
        raise EvidenceError(
            f"scoring needs {name} of every example, got a masked array that hides some; leave those examples out of all arrays"
        )
    if logits.shape[-1] > 1 and logits.size and (logits >= 0).all() and np.allclose(logits.sum(axis=-1), 1, atol=1e-2):
        raise EvidenceError(
            f"scoring needs {name}, got probabilities: every row sums to 1; give what enters the softmax, or numpy.log of them in float64"
        )
    return logits if logits.ndim == axes + 1 else np.expand_dims(logits, axes - 2)


def _kind(value: Any) -> str:
    """Say what was given: its type, and of an array its dtype and shape."""
    return f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
