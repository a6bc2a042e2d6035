"""How often a name is right: the precision of an accusation, for any share of members among those who are asked about.

With the prior pi, the share of members there, Bayes gives

    precision = pi TPR / (pi TPR + (1 - pi) FPR),

which rises with TPR and falls with FPR. The threshold must have been fixed on other data, so that the two counts are binomial and
independent. Each end of the interval takes one rate's upper and the other's lower Clopper-Pearson limit, each with an error of
(1 - 0.95) / 4: the end fails only if one of its two limits does, so the interval covers at least 95 % for every prior and any rates.
All priors share the two limits: over several priors the intervals hold jointly.

An audit's own members are half of its examples; those of whom an attacker has a list are not (Jayaraman et al., "Revisiting Membership
Inference Under Realistic Assumptions", PoPETs 2021, arXiv:2005.10881, measure it so).
"""

import numpy as np

from mia_audit.errors import EvidenceError
from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.statistics.proportions import Share, lower, upper
from mia_audit.statistics.roc import allowed_false_positives
from mia_audit.types import Floats

METHOD = "Bayes on Clopper-Pearson limits of both rates, each at a quarter of the error"


def precision(true_positives: Share, false_positives: Share, prior: float) -> Interval:
    """Return how often a name is right when the share `prior` of those asked about are members; no value where nobody was named."""
    if not 0 < prior < 1:
        raise EvidenceError(f"a prior needs a share above 0 and below 1, got {prior}; give the share of members, such as 0.01")
    tail = (1 - LEVEL) / 4
    named = true_positives.hits + false_positives.hits > 0
    return Interval(
        value=_bayes(true_positives.value, false_positives.value, prior) if named else None,
        low=_bayes(lower(true_positives, tail), upper(false_positives, tail), prior),
        high=_bayes(upper(true_positives, tail), lower(false_positives, tail), prior),
        method=METHOD,
    )


def strict_threshold(nonmembers: Floats, fpr: float) -> float:
    """Return the lowest score above which at most the share `fpr` of non-members lie; for a bar that is fixed on rehearsals."""
    allowed = allowed_false_positives(nonmembers.size, fpr)
    if allowed >= nonmembers.size:
        return -np.inf
    place = nonmembers.size - 1 - allowed
    return float(np.partition(nonmembers, place)[place])


def _bayes(tpr: float, fpr: float, prior: float) -> float:
    named = prior * tpr + (1 - prior) * fpr
    return prior * tpr / named if named else 0.0
