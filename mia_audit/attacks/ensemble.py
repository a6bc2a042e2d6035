"""Every black-box signal at once: the log likelihood ratio of all the attacks' scores together, learnt on shadow models.

The Neyman-Pearson lemma makes the likelihood ratio of all that is observed the strongest test (Carlini et al., arXiv:2112.03570v2,
section V); where densities are out of reach, a classifier's log odds under an even split estimate its logarithm, as Ye et al.,
"Enhanced Membership Inference Attacks", arXiv:2111.09679v4, do for their attacks' signals. Each rehearsing shadow model takes the
target's part, with the others as its shadow models, and gives rows whose membership is known.

Departs from the papers: the signals are the scores of this catalogue's own attacks. The target gives no row.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.budget import judged, require_shadows
from mia_audit.attacks.class_thresholds import ModifiedEntropyByClass
from mia_audit.attacks.learning import Draw, boosted, fitted_scores, require_least
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.lira_shrunken import ShrunkenLiRA
from mia_audit.attacks.references import AttackR, DifficultyCalibration
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


def signals(seen: Evidence) -> Floats:
    """Return every attack's scores, [examples, attacks]."""
    most = max(attack.shadows_per_side for attack in _SIGNALS)
    assert judged(seen.trained_on, most).all(), "one side more was asked for"  # noqa: S101
    return np.stack([attack.score(seen) for attack in _SIGNALS], axis=-1)
