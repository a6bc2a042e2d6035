"""LiRA on answers to inputs of which a share was dropped, averaged over many queries.

Guan et al., "Are Neuromorphic Architectures Robust to Membership Inference", UAI 2025, arXiv:2502.13191v1: a spiking network's coarse
answers become fine ones when a few inputs are dropped at random and the answers averaged; with random encodings every query is a
new encoding.

Departs from the paper, whose rate was tuned on the target's true membership: the rate is chosen by rehearsals, in which shadow
models take the target's part; the attack is LiRA, which won over the paper's ratio where both have shadow models on both sides.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.gaussians import vector_log_ratio
from mia_audit.attacks.observables import phi
from mia_audit.attacks.ranges import Count
from mia_audit.types import Bools, Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class InputDropout(Attack):
    """Weigh "trained on x" against "not trained on x" at the dropout rate that told shadow models' members best.

    rehearsals  how many shadow models take the target's part to choose the rate
    """

    name = "input-dropout"
    shadows_per_side = 3
    needs = frozenset({"shadows", "dropout"})
    rehearsals: Count = 4

    def _score(self, seen: Evidence) -> Floats:
        """Return log Lambda at the chosen rate, [examples]; larger means more likely a member."""
        return _at_rate(seen, self.rate(seen))

    def rate(self, seen: Evidence) -> int:
        """Return which of the signal's rates has the largest mean AUC over rehearsals; the smallest of equally good ones."""
        totals, asked = np.zeros(seen.signals["dropout"].target.shape[1]), seen.with_signals("dropout")
        for index in range(min(self.rehearsals, len(seen.shadows))):
            turned = asked.against_shadow(index)
            totals += [_area(_at_rate(turned, rate), seen.trained_on[index]) for rate in range(totals.size)]
        return int(np.argmax(totals))


def _at_rate(seen: Evidence, rate: int) -> Floats:
    signal = seen.signals["dropout"]
    target = phi(signal.target[:, rate], seen.labels)[None]
    shadow = np.stack([phi(model[:, rate], seen.labels) for model in signal.shadows])[:, None]
    return vector_log_ratio(target, shadow, seen.trained_on, 0.0)


def _area(scores: Floats, member: Bools) -> float:
    """Return the AUC, one half where one side is empty."""
    pairs = int(member.sum()) * int((~member).sum())
    above = rankdata(scores)[member].sum() - member.sum() * (member.sum() + 1) / 2
    return float(above / pairs) if pairs else 0.5
