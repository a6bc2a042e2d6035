"""Shadow-model attack on features instead of raw outputs: one classifier for all classes.

Shokri et al., "Membership Inference Attacks Against Machine Learning Models", IEEE S&P 2017, arXiv:1610.05820v2, with the features of
Salem et al., "ML-Leaks", NDSS 2019, arXiv:1806.01246v2 (the posteriors, sorted) and Liu et al., "ML-Doctor", USENIX Security 2022,
arXiv:2102.02551v2 (loss and correctness beside them).

Departs from the papers: log-probabilities, which do not saturate; phi and margin beside them; boosted trees; several queries are
averaged; members and non-members are weighed alike.
"""

import numpy as np

from mia_audit.attacks import observables
from mia_audit.attacks.shadow_trees import ShadowTrees
from mia_audit.attacks.signal_lira import Values
from mia_audit.types import Evidence, Floats, Ints

_MOST_POSTERIORS = 10


def features(logits: Floats, labels: Ints) -> Floats:
    """Return [examples, features] of one model's logits [queries, examples, classes]: the ten largest posteriors and four more."""
    falling = -np.sort(-observables.log_probabilities(logits), axis=-1)[..., :_MOST_POSTERIORS]
    single = [observe(logits, labels) for observe in (observables.log_likelihood, observables.phi, observables.margin, observables.correct)]
    together: Floats = np.concatenate([falling, np.stack(single, axis=-1)], axis=-1).mean(axis=0)
    return together


def _each(seen: Evidence) -> Values:
    return features(seen.target, seen.labels), np.stack([features(logits, seen.labels) for logits in seen.shadows])


SHADOW_FEATURES = ShadowTrees(name="shadow-features", needs=frozenset({"shadows"}), of=_each)
