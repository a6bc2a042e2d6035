"""Whoever can be asked: models that answer together, trained here or not.

A population of networks is one. So is a network from elsewhere, one that is served, a stage of a conversion or a release of the target:
what asks (`mia_audit.signals`, probes that need answers alone) knows no more of them than this.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from mia_audit.models.axes import Activations, Float, Logits


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What is answered: logits [K, B, classes]; rates [layers, K, B], spikes per neuron and step (no layers where nothing spikes)."""

    logits: Logits
    rates: Float[Tensor, "layers K B"]


class Respondent(Protocol):
    """K models, and the device that questions have to lie on."""

    @property
    def models(self) -> int:
        """How many models answer."""
        ...

    @property
    def device(self) -> torch.device:
        """Where inputs have to lie."""
        ...

    def logits(self, x: Activations) -> Logits:
        """Return logits [K, B, classes] of encoded inputs [K, T or 1, B, ...], channels last."""
        ...

    def observe(self, x: Activations) -> Outputs:
        """Return logits and firing rates."""
        ...


def silent(logits: Logits) -> Outputs:
    """Return what a respondent gives that shows no spikes."""
    return Outputs(logits=logits, rates=logits.new_empty(0, *logits.shape[:2]))
