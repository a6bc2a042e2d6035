"""Fingerprints of inputs: one whole number an example, equal for equal inputs on every machine, another one when a bit changes.

The inputs' bits as 32-bit words, times fixed odd weights, added modulo 2^64: exact whatever the order, so that NumPy here and torch in
`mia_audit.signals` agree. It guards against our own mistakes, not against somebody who looks for two inputs of one fingerprint.
"""

import numpy as np

from mia_audit.types import Floats, Ints

_SEED = 20_260_101
_ROWS = 1_024  # examples looked at together


def weights(values: int) -> Ints:
    """Return the odd weight of each of an example's values, int64."""
    drawn: Ints = np.random.default_rng(_SEED).integers(-(2**63), 2**63, values) | 1
    return drawn


def fingerprints(inputs: Floats) -> Ints:
    """Return one int64 for each of the inputs [examples, ...]."""
    words = np.ascontiguousarray(inputs, dtype=np.float32).reshape(len(inputs), -1).view(np.int32)
    factors = weights(words.shape[1])
    return np.concatenate([(words[start : start + _ROWS] * factors).sum(axis=1) for start in range(0, len(words), _ROWS)])
