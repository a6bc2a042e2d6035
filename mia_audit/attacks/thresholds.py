"""Attacks that need no shadow model: one number per example, and a threshold.

Loss and correctness: Yeom et al., "Privacy Risk in Machine Learning", CSF 2018, arXiv:1709.01604v5 (the gap attack and the
bounded-loss adversary). Confidence and entropy: Salem et al., "ML-Leaks", NDSS 2019, arXiv:1806.01246v2, adversary 3.
Modified entropy: Song and Mittal, "Systematic Evaluation of Privacy Risks of Machine Learning Models", USENIX Security 2021,
arXiv:2003.10595v2. Margin: the hinge loss of Carlini et al., arXiv:2112.03570v2.

Departs from the papers: the score is returned, not a decision at a threshold; several queries are averaged; one threshold
serves all classes; losses and entropies are compared by their logs, which order as they do and never saturate.
"""

from dataclasses import dataclass
from typing import ClassVar

from mia_audit.attacks import observables
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class LossThreshold:
    """Members have a smaller cross-entropy loss."""

    name: ClassVar[str] = "loss"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset()

    def score(self, seen: Evidence) -> Floats:
        """Return minus the log of the loss, [examples]; larger means more likely a member."""
        return -observables.log_over_queries(observables.log_loss(seen.target, seen.labels))


@dataclass(frozen=True, kw_only=True)
class ConfidenceThreshold:
    """Members are predicted more confidently, whatever the prediction; the label is not used."""

    name: ClassVar[str] = "confidence"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset()

    def score(self, seen: Evidence) -> Floats:
        """Return -log(-log p) of the largest probability, [examples]; larger means more likely a member."""
        return -observables.log_over_queries(observables.log_confidence_loss(seen.target))


@dataclass(frozen=True, kw_only=True)
class EntropyThreshold:
    """Members' predictions have a smaller entropy; the label is not used."""

    name: ClassVar[str] = "entropy"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset()

    def score(self, seen: Evidence) -> Floats:
        """Return minus the log of the entropy in nats, [examples]; larger means more likely a member."""
        return -observables.log_over_queries(observables.log_entropy(seen.target))


@dataclass(frozen=True, kw_only=True)
class ModifiedEntropyThreshold:
    """Members' predictions have a smaller entropy towards the label: a confident wrong answer counts as large."""

    name: ClassVar[str] = "modified-entropy"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset()

    def score(self, seen: Evidence) -> Floats:
        """Return minus the log of the modified entropy in nats, [examples]; larger means more likely a member."""
        return -observables.log_over_queries(observables.log_modified_entropy(seen.target, seen.labels))


@dataclass(frozen=True, kw_only=True)
class MarginThreshold:
    """Members' labels win by a larger margin over the best other class."""

    name: ClassVar[str] = "margin"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset()

    def score(self, seen: Evidence) -> Floats:
        """Return z_y minus the largest other logit, [examples]; larger means more likely a member."""
        return _over_queries(observables.margin(seen.target, seen.labels))


@dataclass(frozen=True, kw_only=True)
class Correctness:
    """Members are predicted rightly: the baseline that any attack must beat."""

    name: ClassVar[str] = "correctness"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset()

    def score(self, seen: Evidence) -> Floats:
        """Return the share of queries answered rightly, [examples]; larger means more likely a member."""
        return _over_queries(observables.correct(seen.target, seen.labels))


def _over_queries(values: Floats) -> Floats:
    mean: Floats = values.mean(axis=0)
    return mean
