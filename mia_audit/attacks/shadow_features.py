"""Shadow-model attack on features instead of raw outputs: one classifier for all classes.

Shokri et al., "Membership Inference Attacks Against Machine Learning Models", IEEE S&P 2017, arXiv:1610.05820v2, with the features of
Salem et al., "ML-Leaks", NDSS 2019, arXiv:1806.01246v2 (the posteriors, sorted) and Liu et al., "ML-Doctor", USENIX Security 2022,
arXiv:2102.02551v2 (loss and correctness beside them).

Departs from the papers: log-probabilities, which do not saturate; phi and margin beside them; boosted trees; several queries are
averaged; members and non-members are weighed alike.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks import observables
from mia_audit.attacks.budget import require_shadows
from mia_audit.attacks.learning import Grown
from mia_audit.types import Evidence, Floats, Ints

_MOST_POSTERIORS = 10


@dataclass(frozen=True, kw_only=True)
class ShadowFeatures(Grown):
    """Sorted posteriors, loss, phi, margin and correctness, weighed by trees that were fitted on shadow models."""

    name: ClassVar[str] = "shadow-features"
    shadows_per_side: ClassVar[int] = 1
    needs: ClassVar[frozenset[str]] = frozenset({"shadows"})

    def score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        require_shadows(seen, self)
        shadow = np.stack([features(logits, seen.labels) for logits in seen.shadows])
        target = features(seen.target, seen.labels)
        return self.odds(shadow, seen.trained_on, target)


def features(logits: Floats, labels: Ints) -> Floats:
    """Return [examples, features] of one model's logits [queries, examples, classes]: the ten largest posteriors and four more."""
    falling = -np.sort(-observables.log_probabilities(logits), axis=-1)[..., :_MOST_POSTERIORS]
    single = [observe(logits, labels) for observe in (observables.log_likelihood, observables.phi, observables.margin, observables.correct)]
    together: Floats = np.concatenate([falling, np.stack(single, axis=-1)], axis=-1).mean(axis=0)
    return together
