"""Gradients of the loss of one example, as logs: by the input, and by the last layer's weights and biases.

The last layer's needs no gradient for each example: with g[t] the gradient by its output at step t and h[t] its input, the
gradient by the weights is the sum over t of g[t] h[t]', whose squared norm is the sum over t and s of (g[t] g[s]) (h[t] h[s]).

All are linear in the gradient by the logits. What goes back through the network is that gradient's `pull` (losses.py), whose size does
not vanish with the loss; the log of its factor 1 - p is added to the logs.
"""

import numpy as np
import torch
from torch import Tensor

from mia_audit.probes.last_layer import passages
from mia_audit.probes.losses import log_missing, phi, pull
from mia_audit.probes.subject import Subject
from mia_audit.types import Floats

SMALLEST = 1e-30
"""Stands for a gradient of 0, before the factor 1 - p."""


def gradients(subject: Subject) -> dict[str, Floats]:
    """Return logs of the gradient's norms [K, N, 2], by the input (as it is fed, all steps together) and by the last layer; and features.

    Features [K, N, 3 + classes]: logs of the norms of the gradient by the last layer's outputs, by its biases and of its inputs, over all
    steps; then of the gradient's size by each bias.
    """
    norms, features = [], []
    for chunk in passages(subject, "gradients"):
        pulled = pull(chunk.logits, chunk.labels).to(chunk.logits.dtype)
        by_input, by_output = torch.autograd.grad((chunk.logits * pulled.detach()).sum(), [chunk.fed, chunk.output])
        factor = log_missing(phi(chunk.logits.detach(), chunk.labels))
        norms.append(_logs([_length(by_input), _last_layer(by_output, chunk.rows)]) + factor.unsqueeze(-1))
        biases = by_output.double().sum(dim=1)
        of_gradient = _logs([_length(by_output), biases.norm(dim=2), *biases.unbind(dim=2)]) + factor.unsqueeze(-1)
        features.append(torch.cat([of_gradient[..., :2], _logs([_length(chunk.rows)]), of_gradient[..., 2:]], dim=-1))
    return {"gradient-log-norms": _joined(norms), "gradient-log-features": _joined(features)}


def _joined(parts: list[Tensor]) -> Floats:
    joined: Floats = torch.cat(parts, dim=1).detach().cpu().numpy().astype(np.float32)
    return joined


def _logs(sizes: list[Tensor]) -> Tensor:
    """Return the logs of values of any sign [K, B] each, [K, B, values]."""
    return torch.stack([size.double() for size in sizes], dim=-1).abs().clamp(min=SMALLEST).log()


def _length(by_input: Tensor) -> Tensor:
    """Return norms [K, B] of values [K, T or 1, B, ...], all steps together."""
    lengths: Tensor = by_input.transpose(1, 2).flatten(2).norm(dim=2)
    return lengths


def _last_layer(g: Tensor, h: Tensor) -> Tensor:
    """Return norms [K, B] of the gradients by weights and biases, from g [K, S, B, classes] and inputs [K, S, B, features]."""
    gg, hh = (torch.einsum("ktbc,ksbc->kbts", values, values) for values in (g, h))
    return (gg * (hh + 1)).sum(dim=(2, 3)).clamp(min=0).sqrt()
