"""Losses and their gradients where predictions are saturated: by phi, in double precision, with what is small kept as a logarithm.

A network that is sure of its answer has a loss, and a gradient of it by the logits, of exp(-phi), which is lost as soon as a probability
is subtracted from 1. The gradient by the logits is exp(log_missing) times the `pull`, whose values are at most 1 and never vanish all
together; gradients by whatever lies before the logits are linear in it.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

CERTAIN = 36.0
"""Above this phi the loss is exp(-phi), to the last digit of a double."""


def phi(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the logit-scaled confidence log p / (1 - p) [K, B] of labels [B], from logits [K, B, classes]."""
    wide, own = logits.double(), _own(logits, labels)
    others = wide.masked_fill(own, -torch.inf).logsumexp(dim=-1)
    surplus: Tensor = wide[own].view(others.shape) - others
    return surplus


def log_loss(phis: Tensor) -> Tensor:
    """Return the log of the cross-entropy."""
    return torch.where(phis > CERTAIN, -phis, F.softplus(-phis.clamp(max=CERTAIN)).log())


def log_missing(phis: Tensor) -> Tensor:
    """Return log(1 - p) of the label."""
    return -F.softplus(phis)


def pull(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of the loss by the logits over 1 - p: -1 for the label, and for the others their shares of 1 - p."""
    own = _own(logits, labels)
    shares = logits.double().masked_fill(own, -torch.inf).softmax(dim=-1)
    return torch.where(own, -1.0, shares)


def _own(logits: Tensor, labels: Tensor) -> Tensor:
    """Return which logit is the label's, [K, B, classes]."""
    own: Tensor = F.one_hot(labels, logits.shape[-1]).bool().expand_as(logits)
    return own
