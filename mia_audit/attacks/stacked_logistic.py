"""Stacked logistic regression: nine statistics of an example, weighed as shadow models in the target's place teach.

Wolpert, "Stacked Generalization", Neural Networks 5 (1992): what several attacks say of an example is weighed by a model that was fitted
where the answer is known. Each shadow model takes the target's part, with the others as its references, as in the rehearsals of Ye et
al., "Enhanced Membership Inference Attacks", arXiv:2111.09679v4; ten numbers are learnt, so that few models suffice, where trees
(`ensemble.py`) overfit.

The statistics: LiRA's log ratio with a shared gap (`lira_shared_gap.py`), RMIA's log ratio, phi, its distances to the mean of all, of IN
and of OUT models, that mean, their deviation, and log p. A side without models has the mean that level and gap give it.

The target gives no row. In a turn there is one reference fewer than for the target, which matters the more the fewer there are: the
ridge penalty falls with the square of their number. With fewer than three shadow models nothing can be learnt, and the score is the
first statistic alone.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.learning import Draw, fitted_scores, logistic
from mia_audit.attacks.lira_shared_gap import shared
from mia_audit.attacks.nearly_one import log_mean_missing, log_ratio
from mia_audit.attacks.observables import each_model, loss_of, phi
from mia_audit.attacks.ranges import Cost, Count, Rows
from mia_audit.types import Bools, Evidence, Floats

FEWEST_SHADOWS = 3
_FREELY = 40
"""So many shadow models have the penalty that the card names; fewer have a larger one."""


@dataclass(frozen=True, kw_only=True)
class StackedLogistic(Attack):
    """A ridge logistic regression on nine statistics, fitted on the shadow models' own turns.

    turns  how many shadow models take the target's part
    rows   most rows the regression is fitted on, drawn at random
    cost   inverse of the ridge penalty where shadow models are many
    seed   of the draw
    """

    name = "stacked-logistic"
    shadows_per_side = 0
    needs = frozenset({"shadows"})
    turns: Count = 8
    rows: Rows = 20_000
    cost: Cost = 1.0
    seed: int = 0

    def _score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        target: Floats = phi(seen.target, seen.labels).mean(axis=0)
        shadow = each_model(phi, seen.shadows, seen.labels).astype(np.float64)
        own = statistics(target, shadow, seen.trained_on)
        if len(shadow) < FEWEST_SHADOWS:
            return own[:, 0]
        models = np.arange(len(shadow))
        turns = np.stack([statistics(shadow[k], shadow[models != k], seen.trained_on[models != k]) for k in models[: self.turns]])
        cost = self.cost * min(1.0, (len(shadow) / _FREELY) ** 2)
        return fitted_scores(logistic(cost), turns, seen.trained_on[: self.turns], own, Draw(self.rows, self.seed))


def statistics(target: Floats, shadow: Floats, trained_on: Bools) -> Floats:
    """Return the nine statistics [examples, 9] of phi [examples] of one model beside phi [models, examples] of its references."""
    known = shared(shadow, trained_on)
    mean, inside = shadow.mean(axis=0), trained_on.sum(axis=0)
    of_inside = np.where(trained_on, shadow, 0.0).sum(axis=0)
    outside = len(shadow) - inside
    with_it = np.where(inside > 0, of_inside / np.maximum(inside, 1), known.level + known.gap)
    without = np.where(outside > 0, (len(shadow) * mean - of_inside) / np.maximum(outside, 1), known.level)
    log_loss = loss_of(target)
    return np.stack(
        [
            known.log_ratio(target),
            log_ratio(log_loss, log_mean_missing(loss_of(shadow))),
            target,
            target - mean,
            target - with_it,
            target - without,
            mean,
            shadow.std(axis=0),
            -np.exp(log_loss),
        ],
        axis=-1,
    )
