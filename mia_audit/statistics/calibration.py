"""From a score to the probability that an example is a member, and to a list of names with few wrong ones in it.

Both are fitted on rehearsals, where membership is known, and judged on the target.

Probability: isotonic regression (Zadrozny and Elkan, KDD 2002), the only shape assumed is that a larger score is never less
likely a member; within a step it is the share of members with one member and one non-member added (Laplace), so it is never 0 or 1.
List: each example's p-value is conformal (Vovk; Bates et al., arXiv:2104.08279v3): the share of the rehearsals' non-members that score as
high. Benjamini and Hochberg over them gives a list in which at most the share asked is expected to be wrong.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

from mia_audit.errors import EvidenceError
from mia_audit.statistics.roc import split
from mia_audit.statistics.vulnerability import benjamini_hochberg
from mia_audit.types import Bools, Floats


@dataclass(frozen=True, kw_only=True)
class Calibrator:
    """A rising step function from scores to probabilities: `probabilities[i]` from `starts[i]` on."""

    starts: Floats
    probabilities: Floats

    def __call__(self, scores: Floats) -> Floats:
        """Return the probability of membership of each score; below all steps it is the first one's."""
        step = np.searchsorted(self.starts, scores, side="right") - 1
        return self.probabilities[np.maximum(step, 0)]


def calibrate(rehearsals: Floats, member: Bools) -> Calibrator:
    """Fit a calibrator on rehearsals, scores and membership of any equal shape."""
    scores, truth = rehearsals.ravel().astype(np.float64), member.ravel()
    split(scores, truth)
    fitted = IsotonicRegression(increasing=True).fit_transform(scores, truth.astype(np.float64))
    order = np.argsort(scores, kind="stable")
    begins = np.flatnonzero(np.concatenate([[True], np.diff(fitted[order]) > 1e-12]))
    hits, totals = np.add.reduceat(truth[order].astype(np.float64), begins), np.diff(np.append(begins, scores.size))
    smoothed = np.maximum.accumulate((hits + 1) / (totals + 2))
    return Calibrator(starts=scores[order][begins], probabilities=smoothed)


def brier(probabilities: Floats, member: Bools) -> float:
    """Return the mean squared error of probabilities; 1/4 is what always saying one half has."""
    return float(np.mean((probabilities - member) ** 2))


def conformal_p(scores: Floats, nonmembers: Floats) -> Floats:
    """Return each score's p under "it is no member": the share of known non-members that score as high, itself counted."""
    if not nonmembers.size:
        raise EvidenceError("a conformal p needs non-members to compare with, got none; rehearse on models with some")
    as_high = nonmembers.size - np.searchsorted(np.sort(nonmembers), scores, side="left")
    return (as_high + 1) / (nonmembers.size + 1)


def named(scores: Floats, nonmembers: Floats, rate: float) -> Bools:
    """Return whom to name as members so that at most this share of the names is expected to be wrong."""
    return benjamini_hochberg(conformal_p(scores, nonmembers)) <= rate
