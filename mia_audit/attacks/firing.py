"""Attacks on how much a spiking network fires: a signature of its layers, and the energy that a query costs.

LiRA as in Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, on spike counts
instead of confidences. On neuromorphic hardware energy is proportional to spikes, so whoever can measure the supply current counts
them, without an answer and without a label; which spikes leak is tested on traces by the public snn-privacy-benchmark. The
signature is this project's.

Counts enter as logarithms of one more than they are; spreads are pooled over examples.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import projected_log_ratio, vector_log_ratio
from mia_audit.attacks.learning import require_least
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class FiringSignature:
    """Weigh "trained on x" against "not trained on x" by every hidden layer's spikes.

    ridge  share of the mean variance that is added to every layer's variance
    """

    name: ClassVar[str] = "firing-signature"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "layer-spikes"})
    ridge: float = 0.001

    def __post_init__(self) -> None:
        require_least(self.name, "ridge", self.ridge, least=0)

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda of the layers' log counts, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["layer-spikes"]
        target, shadow = np.log1p(signal.target.astype(float)).T, np.log1p(signal.shadows.astype(float)).transpose(0, 2, 1)
        return projected_log_ratio(target, shadow, seen.trained_on, self.ridge)


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Weigh "trained on x" against "not trained on x" by how many spikes the query cost in all; needs no answer and no label."""

    name: ClassVar[str] = "energy"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "layer-spikes"})

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda of the log count, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["layer-spikes"]
        target = np.log1p(signal.target.astype(float).sum(axis=-1))[None]
        shadow = np.log1p(signal.shadows.astype(float).sum(axis=-1))[:, None]
        return vector_log_ratio(target, shadow, seen.trained_on, 0.0)
