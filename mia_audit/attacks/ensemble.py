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
from typing import ClassVar

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.budget import judged, require_shadows
from mia_audit.attacks.checkpoints import TrajectoryLiRA
from mia_audit.attacks.class_thresholds import ModifiedEntropyByClass
from mia_audit.attacks.firing import Energy, FiringSignature
from mia_audit.attacks.gradients import GradientLiRA, GradientNorm
from mia_audit.attacks.inverse_hessian import InverseHessianLiRA
from mia_audit.attacks.label_only import Augmentation, BoundaryLiRA, NoiseDistance
from mia_audit.attacks.learning import Draw, boosted, fitted_scores, require_least
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.lira_queries import MultiQueryLiRA
from mia_audit.attacks.lira_shrunken import ShrunkenLiRA
from mia_audit.attacks.merlin import Merlin
from mia_audit.attacks.population import AttackP
from mia_audit.attacks.references import AttackR, DifficultyCalibration
from mia_audit.attacks.releases import ReleasesLiRA
from mia_audit.attacks.rmia import OfflineRMIA
from mia_audit.attacks.steps import MembraneLiRA, SpikeLiRA, TimeSweepLiRA
from mia_audit.attacks.thresholds import ConfidenceThreshold, EntropyThreshold, LossThreshold, MarginThreshold, ModifiedEntropyThreshold
from mia_audit.types import Evidence, Floats

_SIGNALS: tuple[Attack, ...] = (
    LossThreshold(),
    ConfidenceThreshold(),
    EntropyThreshold(),
    ModifiedEntropyThreshold(),
    MarginThreshold(),
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
    NoiseDistance(),
    BoundaryLiRA(),
    Merlin(),
    TrajectoryLiRA(),
    TimeSweepLiRA(),
    MembraneLiRA(),
    SpikeLiRA(),
    FiringSignature(),
    Energy(),
    GradientNorm(),
    GradientLiRA(),
    InverseHessianLiRA(),
    ReleasesLiRA(),
)


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """All scores of one example weighed by trees that were fitted on shadow models.

    rehearsals  how many shadow models take the target's part
    rows        most rows the trees are fitted on, drawn at random
    trees       how many; each has at most eight leaves
    seed        of the draw
    """

    name: ClassVar[str] = "ensemble"
    shadows_per_side: ClassVar[int] = 3
    needs: ClassVar[frozenset[str]] = frozenset({"shadows"})
    rehearsals: int = 8
    rows: int = 20_000
    trees: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        require_least(self.name, "rehearsals", self.rehearsals, least=1)
        require_least(self.name, "rows", self.rows, least=2)
        require_least(self.name, "trees", self.trees, least=1)

    def score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        require_shadows(seen, self)
        models, asked = min(self.rehearsals, len(seen.shadows)), seen.with_signals()
        shadow = np.stack([signals(asked.against_shadow(index)) for index in range(models)])
        return fitted_scores(boosted(self.trees, self.seed), shadow, seen.trained_on[:models], signals(seen), Draw(self.rows, self.seed))


@dataclass(frozen=True, kw_only=True)
class SignalEnsemble:
    """The same with the scores of attacks on whatever else the audit observed: states, gradients, adaptive queries, releases.

    rehearsals  how many shadow models take the target's part
    rows        most rows the trees are fitted on, drawn at random
    trees       how many; each has at most eight leaves
    seed        of the draw
    """

    name: ClassVar[str] = "ensemble-signals"
    shadows_per_side: ClassVar[int] = 3
    needs: ClassVar[frozenset[str]] = frozenset({"shadows"})
    rehearsals: int = 8
    rows: int = 20_000
    trees: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        require_least(self.name, "rehearsals", self.rehearsals, least=1)
        require_least(self.name, "rows", self.rows, least=2)
        require_least(self.name, "trees", self.trees, least=1)

    def score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        require_shadows(seen, self)
        models = min(self.rehearsals, len(seen.shadows))
        every = (*_SIGNALS, *(attack for attack in _MORE if attack.needs <= seen.offers))
        shadow = np.stack([signals(seen.against_shadow(index), every) for index in range(models)])
        target = signals(seen, every)
        return fitted_scores(boosted(self.trees, self.seed), shadow, seen.trained_on[:models], target, Draw(self.rows, self.seed))


def signals(seen: Evidence, attacks: tuple[Attack, ...] = _SIGNALS) -> Floats:
    """Return every attack's scores, [examples, attacks]."""
    most = max(attack.shadows_per_side for attack in attacks)
    assert judged(seen.trained_on, most).all(), "one side more was asked for"  # noqa: S101
    return np.stack([attack.score(seen) for attack in attacks], axis=-1)
