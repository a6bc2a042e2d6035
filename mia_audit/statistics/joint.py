"""The joint Bayesian estimate of epsilon.

Zanella-Beguelin et al., "Bayesian Estimation of Differential Privacy", ICML 2023, arXiv:2206.05199v2, Section 5: FPR and FNR have
independent Jeffreys posteriors, and F(epsilon) is the posterior weight of the privacy region R(epsilon, delta) of their Equation (2);
the credible interval of epsilon is where F passes the tails. It is often much shorter than Clopper-Pearson's.

Departs from the paper: the double integral over a polygon is one sum: for each quantile of FPR the region begins at one FNR, whose
weight is a value of the Beta distribution. That takes milliseconds where adaptive quadrature takes a minute. And the side of the
decision is fixed beforehand, so of the region's four lines only the two that such a decision can break count: with all four,
epsilon = 0 is a line without weight, and noise alone always "shows" an epsilon above 0.

A credible limit is not a confidence limit, and it presumes independent trials.
"""

import math

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import beta

from mia_audit.statistics.proportions import Share
from mia_audit.types import Floats

NODES = 1_000
_TOP = 60.0
"""Epsilon beyond which no count of trials that fits a machine reaches."""


def region_weight(right: Share, wrong: Share, epsilon: float, delta: float) -> float:
    """Return the posterior weight of the privacy region: the probability that no decision of these rates breaks (epsilon, delta)."""
    fpr = _quantiles(wrong)
    missed = (right.total - right.hits + 0.5, right.hits + 0.5)
    grown = math.exp(epsilon)
    low = np.maximum(1 - delta - grown * fpr, (1 - delta - fpr) / grown)
    return float(beta.sf(np.clip(low, 0.0, 1.0), *missed).mean())


def credible_low(right: Share, wrong: Share, delta: float, level: float) -> float:
    """Return the epsilon below which lies at most the posterior weight `level`; 0 where more lies at 0."""

    def surplus(epsilon: float) -> float:
        return region_weight(right, wrong, epsilon, delta) - level

    if surplus(0.0) >= 0:
        return 0.0
    return float(root_scalar(surplus, bracket=(0.0, _TOP), method="brentq", xtol=1e-6).root) if surplus(_TOP) > 0 else _TOP


def _quantiles(wrong: Share) -> Floats:
    middles = (np.arange(NODES) + 0.5) / NODES
    found: Floats = beta.ppf(middles, wrong.hits + 0.5, wrong.total - wrong.hits + 0.5)
    return found
