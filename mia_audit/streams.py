"""Random streams. Each depends on (seed, purpose, index) alone, so no stream moves when another is added."""

import hashlib

import numpy as np


def stream(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """Return the generator of one purpose of one model; equal arguments give equal streams on every machine."""
    return np.random.default_rng(np.random.SeedSequence([seed, _number(purpose), index]))


def stream_seed(seed: int, purpose: str, index: int = 0) -> int:
    """Return a 63-bit seed for a generator of another library."""
    return int(stream(seed, purpose, index).integers(2**63 - 1))


def _number(purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
