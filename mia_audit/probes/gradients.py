"""Gradients of the loss of one example: by the input, and by the last layer's weights and biases.

The last layer's needs no gradient for each example: with g[t] the gradient by its output at step t and h[t] its input, the
gradient by the weights is the sum over t of g[t] h[t]', whose squared norm is the sum over t and s of (g[t] g[s]) (h[t] h[s]).
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.probes.last_layer import passages
from mia_audit.probes.subject import Subject
from mia_audit.types import Floats


def gradients(subject: Subject) -> dict[str, Floats]:
    """Return the gradient's norms [K, N, 2], by the input (as it is fed, all steps together) and by the last layer, and its features.

    Features [K, N, 3 + classes]: the norms of the gradient by the last layer's outputs, by its biases and of its inputs, over all
    steps; then the gradient by each bias.
    """
    parts, features = [], []
    for chunk in passages(subject, "gradients"):
        loss = F.cross_entropy(chunk.logits.flatten(0, 1), chunk.labels.repeat(subject.models), reduction="sum")
        by_input, by_output = torch.autograd.grad(loss, [chunk.fed, chunk.output])
        parts.append(torch.stack([_length(by_input), _last_layer(by_output, chunk.rows)], dim=-1).detach().cpu().numpy())
        features.append(_features(by_output, chunk.rows).detach().cpu().numpy())
    return {
        "gradient-norms": np.concatenate(parts, axis=1).astype(np.float32),
        "gradient-features": np.concatenate(features, axis=1).astype(np.float32),
    }


def _length(by_input: Tensor) -> Tensor:
    """Return norms [K, B] of values [K, T or 1, B, ...], all steps together."""
    lengths: Tensor = by_input.transpose(1, 2).flatten(2).norm(dim=2)
    return lengths


def _features(g: Tensor, h: Tensor) -> Tensor:
    """Return features [K, B, 3 + classes] of g [K, S, B, classes] and inputs h [K, S, B, features]."""
    biases = g.sum(dim=1)
    norms = [_length(g), biases.norm(dim=2), _length(h)]
    return torch.cat([torch.stack(norms, dim=-1), biases], dim=-1)


def _last_layer(g: Tensor, h: Tensor) -> Tensor:
    """Return norms [K, B] of the gradients by weights and biases, from g [K, S, B, classes] and inputs [K, S, B, features]."""
    gg, hh = (torch.einsum("ktbc,ksbc->kbts", values, values) for values in (g, h))
    return (gg * (hh + 1)).sum(dim=(2, 3)).clamp(min=0).sqrt()
