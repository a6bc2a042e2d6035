"""Fingerprints of inputs: one whole number an example, equal for equal inputs on every machine, another one when a bit changes.

The inputs' bits as 32-bit words, times fixed odd weights, added modulo 2^64: exact whatever the order, so that NumPy here and torch in
`data.entrance` agree. It guards against our own mistakes, not against somebody who looks for two inputs of one fingerprint.
"""

from functools import cache
from typing import Any

import numpy as np

from mia_audit.types import Floats, Ints

_SEED = 20_260_101
_FACTOR = 6_364_136_223_846_793_005
_ROWS = 1_024  # examples looked at together


@cache
def weights(values: int) -> Ints:
    """Return the odd weight of each of an example's values, int64."""
    drawn: Ints = np.random.default_rng(_SEED).integers(-(2**63), 2**63, values) | 1
    return drawn


def fingerprints(inputs: Floats) -> Ints:
    """Return one int64 for each of the inputs [examples, ...]."""
    words = np.ascontiguousarray(inputs, dtype=np.float32).reshape(len(inputs), -1).view(np.int32)
    factors = weights(words.shape[1])
    return np.concatenate([(words[start : start + _ROWS] * factors).sum(axis=1) for start in range(0, len(words), _ROWS)])


def bound(prints: Any, labels: Any, bits: Any) -> Any:
    """Return int64s that tie each example's fingerprint to its label and to the bits of its weight, as 32-bit words; NumPy's or torch's.

    Sums of them modulo 2^64 tell batches apart, whatever their order: an example that has another's label makes another sum.
    """
    return prints * (2 * labels + 1) + bits * _FACTOR
