"""Several releases of one trained model attacked together: pairs and more of bit widths.

Li et al., "CompLeak: Deep Learning Model Compression Exacerbates Privacy Leakage", arXiv:2507.16872v1: compression moves members' and
non-members' answers differently, so whoever holds the original and compressed versions of one model, or several of those, reads
more from their answers together than from each (CompLeakSR and CompLeakMR). The releases' answers are a signal
(`mia_audit/probes/releasing.py`), of shadow models as of the target.

Departs from the paper: a likelihood ratio beside the classifier; the classifier is boosted trees on phi, loss, margin and correctness of
each release and on what phi loses between the target and it, instead of a network on confidences; both are fitted on shadow models only.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import projected_log_ratio
from mia_audit.attacks.learning import Grown, require_least
from mia_audit.attacks.observables import correct, each_model, log_likelihood, margin, phi
from mia_audit.types import Evidence, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class ReleasesLiRA:
    """Weigh "trained on x" against "not trained on x" by the target's phi and that of every other release.

    ridge  share of the mean variance that is added to every release's variance
    """

    name: ClassVar[str] = "releases-lira"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "releases"})
    ridge: float = 0.001

    def __post_init__(self) -> None:
        require_least(self.name, "ridge", self.ridge, least=0)

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["releases"]
        own = np.concatenate([phi(seen.target, seen.labels).mean(axis=0)[None], _each(signal.target, seen.labels)])
        shadow = np.stack([_each(model, seen.labels) for model in signal.shadows])
        first = each_model(phi, seen.shadows, seen.labels)[:, None]
        return projected_log_ratio(own, np.concatenate([first, shadow], axis=1), seen.trained_on, self.ridge)


@dataclass(frozen=True, kw_only=True)
class ReleasesClassifier(Grown):
    """What every release answers, and how they differ, weighed by trees that were fitted on shadow models."""

    name: ClassVar[str] = "releases-classifier"
    shadows_per_side: ClassVar[int] = 1
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "releases"})

    def score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        signal = seen.signals["releases"]
        shadow = np.stack([features(*pair, seen.labels) for pair in zip(seen.shadows, signal.shadows, strict=True)])
        target = features(seen.target, signal.target, seen.labels)
        return self.odds(shadow, seen.trained_on, target)


def features(own: Floats, others: Floats, labels: Ints) -> Floats:
    """Return [examples, 5 releases - 1] of one model: own [queries, examples, classes], others [examples, releases, classes]."""
    turned = np.moveaxis(others, 1, 0)
    every = [
        np.concatenate([observe(own, labels).mean(axis=0)[None], observe(turned, labels)])
        for observe in (phi, log_likelihood, margin, correct)
    ]
    together: Floats = np.concatenate([*every, every[0][1:] - every[0][:1]]).T
    return together


def _each(logits: Floats, labels: Ints) -> Floats:
    """Return phi of every other release, [releases, examples], of one model's logits [examples, releases, classes]."""
    return phi(np.moveaxis(logits, 1, 0), labels)
