"""Merlin and Morgan: whether a little noise makes the loss rise, alone and together with the loss.

Jayaraman, Wang, Knipmeyer, Gu and Evans, "Revisiting Membership Inference Under Realistic Assumptions", PoPETs 2021,
arXiv:2005.10881v5, Algorithms 2 and 3: members lie near a minimum of the loss, so that nearly every step away from them raises it
(Merlin); Morgan asks besides that the loss lies between two thresholds.

Departs from the paper: the scores are returned, not decisions; Morgan's three thresholds come from shadow models instead of a
held-out set, at the largest TPR - FPR instead of the largest PPV, since the pool is balanced. The queries are a signal.
"""

from dataclasses import dataclass
from itertools import product
from typing import Annotated

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.observables import each_model, phi
from mia_audit.attacks.ranges import Range
from mia_audit.attacks.thresholds import Threshold
from mia_audit.types import Bools, Evidence, Floats, Ints

MERLIN = Threshold(
    name="merlin",
    needs=frozenset({"loss-rises"}),
    of=lambda seen: seen.signals["loss-rises"].target[:, 0].astype(np.float64),  # the share of noisy queries with a larger loss
)


@dataclass(frozen=True, kw_only=True)
class Morgan(Attack):
    """Members' loss rises with noise, is small, and is not smaller than what an easy example has anyway.

    steps  how many quantiles each threshold is sought among
    """

    name = "morgan"
    shadows_per_side = 1
    needs = frozenset({"shadows", "loss-rises"})
    steps: Annotated[int, Range(least=2)] = 12

    def _score(self, seen: Evidence) -> Floats:
        """Return the smallest of three margins, 0 or more where the paper says "member", [examples]; larger means more likely a member."""
        signal = seen.signals["loss-rises"]
        shadow = np.stack([each_model(phi, seen.shadows, seen.labels), signal.shadows[..., 0].astype(float)])
        target: Floats = np.stack([phi(seen.target, seen.labels).mean(axis=0), signal.target[:, 0].astype(float)])
        low, high, rises = thresholds(shadow.reshape(2, -1), seen.trained_on.ravel(), self.steps)
        units = np.maximum(shadow.reshape(2, -1).std(axis=1), 1e-9)
        margins = [(target[0] - low) / units[0], (high - target[0]) / units[0], (target[1] - rises) / units[1]]
        least: Floats = np.min(margins, axis=0)
        return least


def thresholds(values: Floats, member: Bools, steps: int) -> tuple[float, float, float]:
    """Return the two thresholds on phi and the one on the share, among quantiles, with the largest TPR - FPR; values are [2, rows]."""
    sure, rises = (np.unique(np.quantile(row, np.linspace(0, 1, steps), method="inverted_cdf")) for row in values)
    weight = np.where(member, 1 / max(1, member.sum()), -1 / max(1, (~member).sum()))
    at = np.searchsorted(rises, values[1], side="right") - 1
    up_to = _gains(np.searchsorted(sure, values[0], side="left"), at, weight, (sure.size, rises.size))
    below = _gains(np.searchsorted(sure, values[0], side="right"), at, weight, (sure.size + 1, rises.size))
    pairs = [(low, high) for low, high in product(range(sure.size), repeat=2) if low <= high]
    gains = [(up_to[high, share] - below[low, share], -low, high, -share) for low, high in pairs for share in range(rises.size)]
    _, low, high, share = max(gains)  # of equally good ones, the widest range and the lowest share
    return float(sure[-low]), float(sure[high]), float(rises[-share])


def _gains(places: Ints, at: Ints, weight: Floats, shape: tuple[int, int]) -> Floats:
    """Return the weight of all rows up to each place of phi and from each place of the share on."""
    table = np.zeros(shape)
    np.add.at(table, (places, at), weight)
    gains: Floats = table[:, ::-1].cumsum(axis=1)[:, ::-1].cumsum(axis=0)
    return gains
