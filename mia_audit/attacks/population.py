"""Attack P: a threshold on the loss, read off the losses on examples that are known not to be members.

Ye et al., "Enhanced Membership Inference Attacks against Machine Learning Models", CCS 2022, arXiv:2111.09679v4: x is called a
member at false positive rate alpha where its loss is below the alpha-quantile of the target's losses on a population.

Departs from the paper: the score is the share of the population with a larger loss; between two neighbours of the population,
examples are ordered by phi, so that the population's size sets no resolution. Several queries are averaged.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.observables import phi
from mia_audit.attacks.references import squashed
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class AttackP(Attack):
    """Which share of the population data is harder for the target than the example."""

    name = "attack-p"
    shadows_per_side = 0
    needs = frozenset({"population"})

    def _score(self, seen: Evidence) -> Floats:
        """Return the share, ties counted half, [examples]; larger means more likely a member."""
        pool = seen.population
        assert pool is not None, "require_needs was asked"  # noqa: S101
        target: Floats = phi(seen.target, seen.labels).mean(axis=0)
        outside = np.sort(phi(pool.target, pool.labels).mean(axis=0))
        harder = 0.5 * (np.searchsorted(outside, target, side="left") + np.searchsorted(outside, target, side="right"))
        share: Floats = (harder + 0.5 + 0.125 * squashed(target)) / (outside.size + 1)
        return share
