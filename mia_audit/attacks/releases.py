"""Several releases of one trained model attacked together: pairs and more of bit widths.

Li et al., "CompLeak: Deep Learning Model Compression Exacerbates Privacy Leakage", arXiv:2507.16872v1: compression moves members' and
non-members' answers differently, so whoever holds the original and compressed versions of one model, or several of those, reads
more from their answers together than from each (CompLeakSR and CompLeakMR). The releases' answers are a signal
(`mia_audit/probes/releasing.py`), of shadow models as of the target.

Departs from the paper: a likelihood ratio beside the classifier; the classifier is boosted trees on phi, loss, margin and correctness of
each release and on what phi loses between the target and it, instead of a network on confidences; both are fitted on shadow models only.
"""

import numpy as np

from mia_audit.attacks.observables import correct, each_model, log_likelihood, margin, phi
from mia_audit.attacks.shadow_trees import ShadowTrees
from mia_audit.attacks.signal_lira import SignalLiRA, Values, described
from mia_audit.types import Evidence, Floats, Ints


def _together(seen: Evidence) -> Values:
    """Return the target's phi and that of every other release, and so for each shadow model."""
    target, shadow = described(seen, signals=("releases",), by=_each)
    own = np.concatenate([phi(seen.target, seen.labels).mean(axis=0)[None], target])
    return own, np.concatenate([each_model(phi, seen.shadows, seen.labels)[:, None], shadow], axis=1)


def _features(seen: Evidence) -> Values:
    signal = seen.signals["releases"]
    shadow = np.stack([features(*pair, seen.labels) for pair in zip(seen.shadows, signal.shadows, strict=True)])
    return features(seen.target, signal.target, seen.labels), shadow


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


_NEEDS = frozenset({"shadows", "releases"})

RELEASES_LIRA = SignalLiRA(name="releases-lira", needs=_NEEDS, of=_together)
RELEASES_CLASSIFIER = ShadowTrees(name="releases-classifier", needs=_NEEDS, of=_features)
