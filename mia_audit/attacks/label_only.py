"""Attacks that see nothing but the predicted class, of queries that they choose themselves.

Choquette-Choo, Tramèr, Carlini and Papernot, "Label-Only Membership Inference Attacks", ICML 2021, arXiv:2007.14321v3: members lie
further from the decision boundary, so their label survives more augmentation, more noise, and a longer walk; the walk is
HopSkipJump, Chen, Jordan and Wainwright, IEEE S&P 2020, arXiv:1904.02144v5. The queries themselves are signals
(`mia_audit/probes/`), the same for every model.

Departs from the paper: the augmentation attack's classifier is a logistic regression on which shifts the label survives.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import vector_log_ratio
from mia_audit.attacks.learning import Draw, fitted_scores, logistic, require_least
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class NoiseDistance:
    """How much Gaussian noise the label survives."""

    name: ClassVar[str] = "noise-distance"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset({"noise-hits"})

    def score(self, seen: Evidence) -> Floats:
        """Return the share of noisy queries that keep the label, over all strengths, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        share: Floats = seen.signals["noise-hits"].target.astype(np.float64).mean(axis=-1)
        return share


@dataclass(frozen=True, kw_only=True)
class BoundaryDistance:
    """How far the decision boundary is, found with 70 queries; 0 where the label was wrong from the start."""

    name: ClassVar[str] = "boundary-distance"
    shadows_per_side: ClassVar[int] = 0
    needs: ClassVar[frozenset[str]] = frozenset({"boundary-distance"})

    def score(self, seen: Evidence) -> Floats:
        """Return the distance, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        distance: Floats = seen.signals["boundary-distance"].target[:, 0].astype(np.float64)
        return distance


@dataclass(frozen=True, kw_only=True)
class BoundaryLiRA:
    """Weigh "trained on x" against "not trained on x" by the distance to the boundary: LiRA for whoever sees labels alone."""

    name: ClassVar[str] = "boundary-lira"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "boundary-distance"})

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda of the distance, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["boundary-distance"]
        target, shadow = signal.target.astype(float).T, signal.shadows.astype(float).transpose(0, 2, 1)
        return vector_log_ratio(target, shadow, seen.trained_on, 0.0)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Which shifts of the image the label survives, weighed by a regression that was fitted on shadow models.

    rows  most rows the regression is fitted on, drawn at random
    cost  inverse of the ridge penalty
    seed  of the draw
    """

    name: ClassVar[str] = "augmentation"
    shadows_per_side: ClassVar[int] = 1
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "shift-hits"})
    rows: int = 20_000
    cost: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_least(self.name, "rows", self.rows, least=2)
        require_least(self.name, "cost", self.cost, least=1e-6)

    def score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["shift-hits"]
        return fitted_scores(logistic(self.cost), signal.shadows, seen.trained_on, signal.target, Draw(self.rows, self.seed))
