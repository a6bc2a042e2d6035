"""What enters a network: fingerprints taken at its door, after every change and encoding, by a hook that each pass goes through.

What a worker meant to ask or to feed is noted elsewhere; here is what it did.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mia_audit.data import fingerprint


@dataclass(frozen=True, kw_only=True)
class Look:
    """One pass.

    prints    fingerprints of the inputs [K, B], or [1, B] where all models share them
    training  whether any part of the network was in training mode
    """

    prints: Tensor
    training: bool


@contextmanager
def watched(network: nn.Module) -> Iterator[list[Look]]:
    """Yield a list that every pass through the network adds to, until the block ends."""
    found: list[Look] = []

    def look(module: nn.Module, given: tuple[Any, ...]) -> None:
        found.append(Look(prints=prints(given[0]), training=any(part.training for part in module.modules())))

    handle = network.register_forward_pre_hook(look)
    try:
        yield found
    finally:
        handle.remove()


def prints(x: Tensor) -> Tensor:
    """Return the fingerprint of each example of encoded inputs [K, T or 1, B, ...], as `data.fingerprint` computes it over all steps."""
    shared = x[:1] if x.stride(0) == 0 else x
    words = shared.detach().to(torch.float32).transpose(1, 2).flatten(2).contiguous().view(torch.int32)
    return (words * torch.from_numpy(fingerprint.weights(words.shape[2])).to(x.device)).sum(dim=2)


def asked(looks: list[Look]) -> Tensor:
    """Return the fingerprints of one query, [K or 1, examples]: 1 less where the network was in training mode, which no query may be."""
    return torch.cat([one.prints - int(one.training) for one in looks], dim=1)


def fed(look: Look, labels: Tensor, weights: Tensor) -> Tensor:
    """Return one number for each model [K] that binds inputs, labels and weights [K, B] of a batch in whatever order, padding left out."""
    each: Tensor = fingerprint.bound(look.prints, labels, weights.to(torch.float32).contiguous().view(torch.int32).long())
    return (each * (weights > 0)).sum(dim=1)
