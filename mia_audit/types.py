"""The arrays that pass between rooms, and the evidence that an attack may see.

One sign everywhere: a score is one float per example, larger means more likely a member.
One mask everywhere: True means trained on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mia_audit.errors import EvidenceError

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]

_PIECE = 2**20  # values looked at together


@dataclass(frozen=True, kw_only=True)
class PopulationData:
    """Answers on examples that no model was trained on and nobody scores: RMIA's Z.

    target    logits of the target, [queries, Z, classes]
    shadows   logits of the shadow models, [models, queries, Z, classes]
    labels    true class of each, [Z]
    features  the inputs themselves, [Z, values], where the attacker knows them
    """

    target: Floats
    shadows: Floats
    labels: Ints
    features: Floats | None = None

    def __post_init__(self) -> None:
        what = "the population data"
        _require_floats(what, target=self.target, shadows=self.shadows, features=self.features)
        _require_integers(what, self.labels)
        _require_logits(what, self.target, self.shadows, len(self.shadows), self.labels.size)
        _require_one_each(what, self.labels, self.target.shape[1])
        _require_labels(what, self.labels, self.target.shape[-1])
        _require_length(what, "features", self.features, self.labels.size)


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One more signal beside the logits: of the target [examples, ...] and of the shadow models [models, examples, ...]."""

    target: Floats
    shadows: Floats


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What an attack may see of a target and its shadow models; never the target's membership, never a model.

    target      logits of the target, [queries, examples, classes]
    shadows     logits of the shadow models, [models, queries, examples, classes]
    trained_on  which shadow model was trained on which example, [models, examples]
    labels      true class of each example, [examples]
    population  answers on the population data, where the attacker has one
    features    the audited inputs themselves, [examples, values]
    signals     what else was observed, by name: states inside the network, answers to adaptive queries
    """

    target: Floats
    shadows: Floats
    trained_on: Bools
    labels: Ints
    population: PopulationData | None = None
    features: Floats | None = None
    signals: Mapping[str, Signal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_floats("evidence", target=self.target, shadows=self.shadows, features=self.features)
        _require_mask("evidence", self.trained_on)
        _require_integers("evidence", self.labels)
        models, examples = self.trained_on.shape
        _require_logits("evidence", self.target, self.shadows, models, examples)
        _require_one_each("evidence", self.labels, examples)
        _require_labels("evidence", self.labels, self.classes)
        _require_length("evidence", "features", self.features, examples)
        if self.population is not None and len(self.population.shadows) != models:
            raise EvidenceError(f"evidence needs {models} shadow models on the population data too, got {len(self.population.shadows)}")
        for name, signal in self.signals.items():
            _require_signal(name, signal, models, examples)

    @property
    def examples(self) -> int:
        """How many examples are audited."""
        return int(self.labels.size)

    @property
    def classes(self) -> int:
        """How many classes the model tells apart."""
        return int(self.target.shape[-1])

    @property
    def offers(self) -> frozenset[str]:
        """What an attack may need and finds here: shadows, queries (more than one), population, features, and signals by name."""
        there = {
            "shadows": len(self.shadows) > 0,
            "queries": len(self.target) > 1,
            "population": self.population is not None,
            "features": self.features is not None,
        }
        return frozenset(name for name, is_there in there.items() if is_there) | frozenset(self.signals)

    def only(self, examples: Bools | Ints) -> "Evidence":
        """Return the evidence on some of the examples: where a mask is True, or at distinct places in the order given."""
        _require_choice("examples", examples, self.examples)
        return replace(
            self,
            target=self.target[:, examples],
            shadows=self.shadows[:, :, examples],
            trained_on=self.trained_on[:, examples],
            labels=self.labels[examples],
            features=None if self.features is None else self.features[examples],
            signals={
                name: Signal(target=signal.target[examples], shadows=signal.shadows[:, examples]) for name, signal in self.signals.items()
            },
        )

    def with_shadows(self, models: Bools | Ints) -> "Evidence":
        """Return the evidence with some of the shadow models: where a mask is True, or at distinct places in the order given."""
        _require_choice("shadow models", models, len(self.shadows))
        pool = self.population
        return replace(
            self,
            shadows=self.shadows[models],
            trained_on=self.trained_on[models],
            population=None if pool is None else replace(pool, shadows=pool.shadows[models]),
            signals={name: replace(signal, shadows=signal.shadows[models]) for name, signal in self.signals.items()},
        )

    def with_signals(self, *names: str) -> "Evidence":
        """Return the evidence with these signals alone: what turns shadow models into targets copies all that is there."""
        return replace(self, signals={name: self.signals[name] for name in names})

    def against_shadow(self, index: int) -> "Evidence":
        """Return the evidence with one shadow model as the target and the others as its shadow models."""
        rest = self.with_shadows(np.arange(len(self.shadows)) != index)
        pool = self.population
        return replace(
            rest,
            target=self.shadows[index],
            population=None if pool is None or rest.population is None else replace(rest.population, target=pool.shadows[index]),
            signals={name: replace(signal, target=self.signals[name].shadows[index]) for name, signal in rest.signals.items()},
        )


def _require_floats(what: str, **arrays: Any) -> None:
    """Refuse lists, tensors, counts and words: attacks compute with floating point, and counts wrap around or are divided whole."""
    for name, values in arrays.items():
        if values is not None and not (isinstance(values, np.ndarray) and values.dtype.kind == "f"):
            raise EvidenceError(
                f"{what} needs {name} as an array of floats, got {_kind(values)}; use numpy.asarray({name}, dtype=numpy.float32)"
            )


def _require_mask(what: str, mask: Any) -> None:
    """Refuse 0 and 1 for False and True: `~` of a 1 is -2, and an array of them indexes instead of choosing."""
    if not (isinstance(mask, np.ndarray) and mask.dtype == np.bool_ and mask.ndim == 2):
        raise EvidenceError(
            f"{what} needs trained_on as an array of bools [models, examples], True where trained on, got {_kind(mask)}; "
            "use numpy.asarray(trained_on, dtype=bool)"
        )


def _require_integers(what: str, labels: Any) -> None:
    if not (isinstance(labels, np.ndarray) and labels.dtype.kind in "iu"):
        raise EvidenceError(
            f"{what} needs labels as an array of whole numbers, one a class, got {_kind(labels)}; use numpy.asarray(labels, dtype=int)"
        )


def _require_one_each(what: str, labels: Ints, examples: int) -> None:
    if labels.shape != (examples,):
        raise EvidenceError(f"{what} needs one label for each of {examples} examples, got {labels.shape}")


def _require_choice(what: str, chosen: Any, count: int) -> None:
    """Refuse a mask of 0 and 1, which would be taken for the places 0 and 1, over and over."""
    is_array = isinstance(chosen, np.ndarray) and chosen.ndim == 1
    mask = is_array and chosen.dtype == np.bool_ and chosen.size == count
    places = is_array and chosen.dtype.kind in "iu" and len(np.unique(chosen % max(1, count))) == chosen.size
    if not (mask or places):
        raise EvidenceError(f"a choice of {what} needs a mask of {count} bools or distinct places below it, got {_kind(chosen)}")


def _kind(values: Any) -> str:
    """Say what was given: its type, and of an array its dtype and shape."""
    return f"{values.dtype} {values.shape}" if isinstance(values, np.ndarray) else type(values).__name__


def _require_logits(what: str, target: Floats, shadows: Floats, models: int, examples: int) -> None:
    if shadows.shape != (models, *target.shape) or target.ndim != 3 or target.shape[1] != examples:
        raise EvidenceError(
            f"{what} needs target [queries, examples, classes] and shadows [models, queries, examples, classes], "
            f"got {target.shape} and {shadows.shape} with {models} models and {examples} examples{_axis(target, shadows)}"
        )
    if not (_all_finite(target) and _all_finite(shadows)):
        where = "the target" if not _all_finite(target) else "shadow models"
        example = int(np.argwhere(~np.isfinite(target if where == "the target" else shadows))[0][-2])
        raise EvidenceError(
            f"{what} needs finite logits, got NaN or infinity of {where}, first at example {example}; the model that gave them did not "
            "train, or leave such examples out"
        )


def _axis(target: Floats, shadows: Floats) -> str:
    """Name what is most often missing: the axis of queries."""
    lacking = ["target[None]"] * (target.ndim == 2) + ["shadows[:, None]"] * (shadows.ndim == 3)
    return f"; add an axis of queries: {' and '.join(lacking)}" if lacking else ""


def _require_labels(what: str, labels: Ints, classes: int) -> None:
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise EvidenceError(f"{what} needs labels from 0 to {classes - 1}, one a class, got {labels.min()} to {labels.max()}")


def _require_length(what: str, name: str, values: Floats | None, examples: int) -> None:
    if values is not None and (values.ndim != 2 or len(values) != examples or not _all_finite(values)):
        raise EvidenceError(f"{what} needs finite {name} [{examples}, values], got {values.shape}")


def _require_signal(name: str, signal: Signal, models: int, examples: int) -> None:
    _require_floats(f"signal {name}", target=signal.target, shadows=signal.shadows)
    if signal.target.shape[:1] != (examples,) or signal.shadows.shape != (models, *signal.target.shape):
        raise EvidenceError(
            f"signal {name} needs [{examples} examples, ...] of the target and [{models} models, {examples} examples, ...] of the "
            f"shadow models, got {signal.target.shape} and {signal.shadows.shape}"
        )
    if not (_all_finite(signal.target) and _all_finite(signal.shadows)):
        raise EvidenceError(f"signal {name} needs finite values, got NaN or infinity")


def _all_finite(values: Floats) -> bool:
    """Say whether all values are finite, a piece at a time: no array of their size is made."""
    if values.ndim == 0 or not values.size:
        return bool(np.isfinite(values).all())
    step = max(1, _PIECE * len(values) // values.size)
    return all(bool(np.isfinite(values[start : start + step]).all()) for start in range(0, len(values), step))
