"""Every signal at once: the log likelihood ratio of all the attacks' scores together, learnt on shadow models.

The Neyman-Pearson lemma makes the likelihood ratio of all that is observed the strongest test (Carlini et al., arXiv:2112.03570v2,
section V); where densities are out of reach, a classifier's log odds under an even split estimate its logarithm, as Ye et al.,
"Enhanced Membership Inference Attacks", arXiv:2111.09679v4, do for their attacks' signals. Each rehearsing shadow model takes the
target's part, with the others as its shadow models, and gives rows whose membership is known.

Departs from the papers: the signals are the scores of this catalogue's own attacks, but for those that grow trees or rehearse.
The target gives no row. One ensemble is content with answers; the other adds an attack for every further signal that the audit took,
whatever its other attacks needed.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.budget import judged
from mia_audit.attacks.checkpoints import TRAJECTORY_LIRA
from mia_audit.attacks.class_thresholds import ModifiedEntropyByClass
from mia_audit.attacks.firing import ENERGY, FIRING_SIGNATURE
from mia_audit.attacks.gradients import GRADIENT_LIRA, GRADIENT_NORM
from mia_audit.attacks.inverse_hessian import INVERSE_HESSIAN_LIRA
from mia_audit.attacks.label_only import BOUNDARY_LIRA, NOISE_DISTANCE, Augmentation
from mia_audit.attacks.learning import Draw, boosted, fitted_scores
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.lira_queries import MultiQueryLiRA
from mia_audit.attacks.lira_shrunken import ShrunkenLiRA
from mia_audit.attacks.merlin import MERLIN
from mia_audit.attacks.population import AttackP
from mia_audit.attacks.ranges import Count, Rows
from mia_audit.attacks.references import AttackR, DifficultyCalibration
from mia_audit.attacks.releases import RELEASES_LIRA
from mia_audit.attacks.rmia import OfflineRMIA
from mia_audit.attacks.steps import MEMBRANE_LIRA, SPIKE_LIRA, TIME_SWEEP_LIRA
from mia_audit.attacks.thresholds import CONFIDENCE, ENTROPY, LOSS, MARGIN, MODIFIED_ENTROPY
from mia_audit.types import Evidence, Floats

_SIGNALS: tuple[Attack, ...] = (
    LOSS,
    CONFIDENCE,
    ENTROPY,
    MODIFIED_ENTROPY,
    MARGIN,
    ModifiedEntropyByClass(),
    AttackR(),
    DifficultyCalibration(),
    OnlineLiRA(),
    ShrunkenLiRA(),
)


_MORE: tuple[Attack, ...] = (
    AttackP(),
    OfflineRMIA(),
    MultiQueryLiRA(),
    Augmentation(),
    NOISE_DISTANCE,
    BOUNDARY_LIRA,
    MERLIN,
    TRAJECTORY_LIRA,
    TIME_SWEEP_LIRA,
    MEMBRANE_LIRA,
    SPIKE_LIRA,
    FIRING_SIGNATURE,
    ENERGY,
    GRADIENT_NORM,
    GRADIENT_LIRA,
    INVERSE_HESSIAN_LIRA,
    RELEASES_LIRA,
)


@dataclass(frozen=True, kw_only=True)
class Ensemble(Attack):
    """All scores of one example weighed by trees that were fitted on shadow models.

    more        attacks that give a score too where the evidence offers what they need
    rehearsals  how many shadow models take the target's part
    rows        most rows the trees are fitted on, drawn at random
    trees       how many; each has at most eight leaves
    seed        of the draw
    """

    shadows_per_side = 3
    needs = frozenset({"shadows"})
    name: str
    more: tuple[Attack, ...]
    rehearsals: Count = 8
    rows: Rows = 20_000
    trees: Count = 50
    seed: int = 0

    def _score(self, seen: Evidence) -> Floats:
        models = min(self.rehearsals, len(seen.shadows))
        every = (*_SIGNALS, *(attack for attack in self.more if attack.needs <= seen.offers))
        asked = seen.with_signals(*(name for name in seen.signals if any(name in attack.needs for attack in every)))
        shadow = np.stack([signals(asked.against_shadow(index), every) for index in range(models)])
        target = signals(seen, every)
        return fitted_scores(boosted(self.trees, self.seed), shadow, seen.trained_on[:models], target, Draw(self.rows, self.seed))


def signals(seen: Evidence, attacks: tuple[Attack, ...] = _SIGNALS) -> Floats:
    """Return every attack's scores, [examples, attacks]."""
    most = max(attack.shadows_per_side for attack in attacks)
    assert judged(seen.trained_on, most).all(), "one side more was asked for"  # noqa: S101
    return np.stack([attack.score(seen) for attack in attacks], axis=-1)


ENSEMBLE = Ensemble(name="ensemble", more=())
ENSEMBLE_SIGNALS = Ensemble(name="ensemble-signals", more=_MORE)
