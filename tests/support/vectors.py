"""Vectors whose truth is known: Gaussians, independent between values, members further up by a gap of its own in each value."""

import numpy as np

from mia_audit.types import Bools, Floats
from tests.support.gaussian import coins


def gaussian_vectors(gaps: Floats, *, examples: int, shadows: int, seed: int = 0) -> tuple[Floats, Bools]:
    """Return values [models, values, examples] with an ease of every example in every value, and membership [models, examples]."""
    rng, member = np.random.default_rng([seed, 7]), coins(1 + shadows, examples, seed)
    noise = rng.normal(size=(1 + shadows, len(gaps), examples)) + rng.normal(0, 2, (len(gaps), examples))
    return noise + np.asarray(gaps)[:, None] * member[:, None], member
