"""Variants rather than networks: frontiers of leakage against test accuracy, compared replicate by replicate.

A replicate is a population whose coins all variants share; what differs within it is the variant. Each variant has a frontier in
each replicate: points (test accuracy, leak) from several epochs or learning rates. Both frontiers are read at one common
accuracy, straight between neighbouring points, never beyond their ends; the differences, one a replicate, get
Student's t interval and the p of the paired t test, both exact where the differences of replicates are normal. Beside it stands the
exact p of turning signs (Fisher's randomisation), which asks for no normality but cannot fall below 2 / 2^replicates: with five
replicates it decides nothing at 5 %.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from mia_audit.errors import EvidenceError
from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.types import Floats

MOST_EXACT = 14
SAME = 1e-12
"""Of the size of the differences: what lies nearer together is equal but for rounding."""


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """One variant in one replicate: points by accuracy."""

    accuracy: Floats
    leak: Floats

    def __post_init__(self) -> None:
        if self.accuracy.shape != self.leak.shape or not self.accuracy.size or not np.isfinite([self.accuracy, self.leak]).all():
            raise EvidenceError(
                f"a frontier needs finite points (accuracy, leak), got {self.accuracy.shape} and {self.leak.shape}; one of each a point"
            )

    @property
    def ends(self) -> tuple[float, float]:
        """The least and the largest accuracy."""
        return float(self.accuracy.min()), float(self.accuracy.max())

    def at(self, accuracy: float) -> float:
        """Return the leak at an accuracy between the ends; points of equal accuracy count by their mean."""
        places, where = np.unique(self.accuracy, return_inverse=True)
        means = np.bincount(where, weights=self.leak) / np.bincount(where)
        return float(np.interp(accuracy, places, means))


def common_accuracy(frontiers: Sequence[Frontier]) -> float | None:
    """Return the middle of the range of accuracies that all frontiers reach; None where there is none."""
    low, high = max(frontier.ends[0] for frontier in frontiers), min(frontier.ends[1] for frontier in frontiers)
    return (low + high) / 2 if low <= high else None


def varies(differences: Floats) -> bool:
    """Whether differences of replicates differ among themselves, by more than rounding: without that nothing says how sure a mean is."""
    return bool(np.ptp(differences) > SAME * np.abs(differences).max()) if differences.size else False


def paired(differences: Floats) -> Interval:
    """Return the mean difference over replicates with Student's t interval; two replicates or more, which differ."""
    half = float(student.ppf((1 + LEVEL) / 2, differences.size - 1)) * _standard_error(differences)
    value = float(differences.mean())
    return Interval(value=value, low=value - half, high=value + half, method="paired by replicate, Student's t")


def paired_p(differences: Floats) -> float:
    """Return the two-sided p of "no difference on average", Student's paired t test: below 5 % where `paired` leaves 0 out."""
    return 2 * float(student.sf(abs(differences.mean()) / _standard_error(differences), differences.size - 1))


def sign_p(differences: Floats, rng: np.random.Generator) -> float:
    """Return the two-sided p of "either variant could have been the other": all signs turned, or many drawn where there are more."""
    if differences.size <= MOST_EXACT:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=differences.size)))
        return float(np.mean(np.abs(signs @ differences) >= abs(differences.sum()) * (1 - 1e-12)))
    signs = rng.choice((-1.0, 1.0), size=(2**MOST_EXACT, differences.size))
    as_far = np.abs(signs @ differences) >= abs(differences.sum()) * (1 - 1e-12)
    return float((as_far.sum() + 1) / (as_far.size + 1))


def least_sign_p(replicates: int) -> float:
    """Return the least p that `sign_p` can give with so many replicates."""
    return 2 * 0.5**replicates if replicates <= MOST_EXACT else 1 / (2**MOST_EXACT + 1)


def _standard_error(differences: Floats) -> float:
    if differences.size < 2 or not varies(differences):
        raise EvidenceError(
            f"a paired comparison needs two replicates or more that do not all differ alike, got {differences.size} with differences "
            f"from {differences.min():.3g} to {differences.max():.3g}; run other seeds"
        )
    return float(differences.std(ddof=1) / np.sqrt(differences.size))
