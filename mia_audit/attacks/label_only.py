"""Attacks that see nothing but the predicted class, of queries that they choose themselves.

Choquette-Choo, Tramèr, Carlini and Papernot, "Label-Only Membership Inference Attacks", ICML 2021, arXiv:2007.14321v3: members lie
further from the decision boundary, so their label survives more augmentation, more noise, and a longer walk; the walk is
HopSkipJump, Chen, Jordan and Wainwright, IEEE S&P 2020, arXiv:1904.02144v5. The queries themselves are signals
(`mia_audit/probes/`), the same for every model.

Departs from the paper: the augmentation attack's classifier is a logistic regression on which shifts the label survives.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.learning import Draw, fitted_scores, logistic
from mia_audit.attacks.ranges import Cost, Rows
from mia_audit.attacks.signal_lira import NumberLiRA, Values
from mia_audit.attacks.thresholds import Threshold
from mia_audit.types import Evidence, Floats


def _distances(seen: Evidence) -> Values:
    signal = seen.signals["boundary-distance"]
    return signal.target[:, 0].astype(float), signal.shadows[..., 0].astype(float)


NOISE_DISTANCE = Threshold(
    name="noise-distance",
    needs=frozenset({"noise-hits"}),
    of=lambda seen: seen.signals["noise-hits"].target.astype(np.float64).mean(axis=-1),  # over all strengths
)
BOUNDARY_DISTANCE = Threshold(
    name="boundary-distance",
    needs=frozenset({"boundary-distance"}),
    of=lambda seen: seen.signals["boundary-distance"].target[:, 0].astype(np.float64),
)
BOUNDARY_LIRA = NumberLiRA(name="boundary-lira", needs=frozenset({"shadows", "boundary-distance"}), of=_distances)


@dataclass(frozen=True, kw_only=True)
class Augmentation(Attack):
    """Which shifts of the image the label survives, weighed by a regression that was fitted on shadow models.

    rows  most rows the regression is fitted on, drawn at random
    cost  inverse of the ridge penalty
    seed  of the draw
    """

    name = "augmentation"
    shadows_per_side = 1
    needs = frozenset({"shadows", "shift-hits"})
    rows: Rows = 20_000
    cost: Cost = 1.0
    seed: int = 0

    def _score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        signal = seen.signals["shift-hits"]
        return fitted_scores(logistic(self.cost), signal.shadows, seen.trained_on, signal.target, Draw(self.rows, self.seed))
