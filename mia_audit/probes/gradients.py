"""Gradients of the loss of one example: by the input, and by the last layer's weights and biases.

The last layer's needs no gradient for each example: with g[t] the gradient by its output at step t and h[t] its input, the
gradient by the weights is the sum over t of g[t] h[t]', whose squared norm is the sum over t and s of (g[t] g[s]) (h[t] h[s]).
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.models.layers import LockstepLinear
from mia_audit.models.spiking import Readout
from mia_audit.probes.subject import Subject
from mia_audit.types import Floats


def gradients(subject: Subject) -> dict[str, Floats]:
    """Return the gradient's norms [K, N, 2]: by the input (as it is fed, all steps together) and by the last layer."""
    last = [module for module in subject.population.modules() if isinstance(module, LockstepLinear)][-1]
    readout = subject.population.answer
    rows: list[Tensor] = []
    outputs: list[Tensor] = []

    def at_last(_: Any, arguments: tuple[Any, ...]) -> None:
        rows.append(arguments[0].detach())

    def at_readout(_: Any, arguments: tuple[Any, ...]) -> None:
        outputs.append(arguments[0])

    hooks = [last.register_forward_pre_hook(at_last)]
    if isinstance(readout, Readout):
        hooks.append(readout.register_forward_pre_hook(at_readout))
    parts = []
    try:
        for place, (x, labels) in enumerate(subject.chunks()):
            fed = subject.encoded(x, subject.generator("gradients", place)).clone().requires_grad_()
            logits = subject.population(fed)
            output = outputs.pop() if outputs else logits
            loss = F.cross_entropy(logits.flatten(0, 1), labels.repeat(subject.models), reduction="sum")
            by_input, by_output = torch.autograd.grad(loss, [fed, output])
            steps = by_output if by_output.ndim == 4 else by_output.unsqueeze(1)
            parts.append(torch.stack([_length(by_input), _last_layer(steps, rows.pop())], dim=-1).detach().cpu().numpy())
    finally:
        for hook in hooks:
            hook.remove()
    return {"gradient-norms": np.concatenate(parts, axis=1).astype(np.float32)}


def _length(by_input: Tensor) -> Tensor:
    """Return norms [K, B] of gradients [K, T or 1, B, ...]."""
    lengths: Tensor = by_input.transpose(1, 2).flatten(2).norm(dim=2)
    return lengths


def _last_layer(g: Tensor, rows: Tensor) -> Tensor:
    """Return norms [K, B] of the gradients by weights and biases, from g [K, T, B, classes] and inputs [K, T, B, ...]."""
    h = rows.flatten(3).float().expand(-1, g.shape[1], -1, -1)
    gg, hh = (torch.einsum("ktbc,ksbc->kbts", values, values) for values in (g, h))
    return (gg * (hh + 1)).sum(dim=(2, 3)).clamp(min=0).sqrt()
