"""Data sets that ship with scikit-learn: no file to look for, nothing to download."""

import numpy as np

from mia_audit.data.cards import Profile
from mia_audit.data.source import Source, Split


def read(profile: Profile) -> Source:
    """Return a bundled data set, in scikit-learn's order."""
    from sklearn import datasets  # noqa: PLC0415  costs a second

    bunch = getattr(datasets, profile.card.loader)()
    inputs = np.asarray(bunch.data, dtype=np.float64).reshape(-1, *profile.shape)
    return Source(
        class_names=tuple(str(name) for name in bunch.target_names),
        train=Split(inputs=inputs, labels=np.asarray(bunch.target, dtype=np.int64)),
        test=None,
        white=16.0 if profile.kind == "image" else 1.0,
    )
