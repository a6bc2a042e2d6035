"""Leaky integrate-and-fire neurons over all time steps at once, in one autograd function.

U[t] = beta U[t-1] + I[t] - threshold S[t-1]   (reset by subtraction)
U[t] = beta (1 - S[t-1]) U[t-1] + I[t]         (reset to zero)
S[t] = 1 if U[t] > threshold else 0
U[-1] = start, 0 in all but converted networks

The reset acts one step after the spike and is detached: snnTorch 1.0.0's `Leaky` with its defaults, step for step. The
backward pass is written out, since autograd would keep five tensors a step where the membranes alone are enough.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mia_audit.models.axes import Float
from mia_audit.models.surrogates import Parameters, Slope, noisy

Steps = Float[Tensor, "K T *rest"]


@dataclass(frozen=True, kw_only=True)
class Dynamics:
    """The constants of a neuron, and the slope that stands in for dS/dU.

    start   the membrane before the first step, at most the threshold
    code    the slope's number among the CPU kernels, None where torch does the work
    noise   parameters of a stochastic slope, None for all others
    levels  of a membrane on a grid, in order; None: in full precision
    """

    beta: float
    threshold: float
    reset_to_zero: bool
    slope: Slope
    code: int | None
    noise: Parameters | None = None
    levels: Tensor | None = None
    start: float = 0.0


class LeakyOverTime(torch.autograd.Function):
    """Current [K, T or 1, ...] -> membranes and spikes, both [K, T, ...]. A current of one step is the same at every step.

    drawn: uniform numbers [K, T, ...] for a stochastic slope.
    """

    @staticmethod
    def forward(
        ctx: Any, current: Float[Tensor, "K static *rest"], steps: int, neuron: Dynamics, drawn: Steps | None = None
    ) -> tuple[Steps, Steps]:
        """Integrate and fire, keeping every membrane."""
        shape = (current.shape[0], steps, *current.shape[2:])
        membranes, spikes = current.new_empty(shape), current.new_empty(shape)
        inputs = current.expand(shape)
        previous = fired = None
        for t in range(steps):
            membrane, spike = membranes[:, t], spikes[:, t]
            _integrate(inputs[:, t], previous, fired, neuron, membrane)
            if neuron.levels is not None:
                membrane.copy_(nearest_level(membrane, neuron.levels))
            torch.gt(membrane, neuron.threshold, out=spike)
            previous, fired = membrane, spike
        ctx.save_for_backward(membranes, drawn)
        ctx.neuron, ctx.static = neuron, current.shape[1] == 1
        ctx.set_materialize_grads(False)
        return membranes, spikes

    @staticmethod
    def backward(
        ctx: Any, membrane_grad: Steps | None, spike_grad: Steps | None
    ) -> tuple[Float[Tensor, "K static *rest"], None, None, None]:
        """Walk back through time: dU[t] = dS[t] slope + (own gradient) + beta (1 - S[t] if reset to zero) dU[t+1]."""
        membranes, drawn = ctx.saved_tensors
        neuron: Dynamics = ctx.neuron
        steps = membranes.shape[1]
        total = membranes.new_zeros(membranes[:, :1].shape) if ctx.static else torch.empty_like(membranes)
        later: Tensor | None = None
        for t in reversed(range(steps)):
            membrane = membranes[:, t]
            here = total.new_zeros(membrane.shape) if later is None else _leak_back(later, membrane, neuron)
            if membrane_grad is not None:
                here.add_(membrane_grad[:, t])
            if spike_grad is not None:
                here.addcmul_(spike_grad[:, t], _slope(neuron, membrane - neuron.threshold, None if drawn is None else drawn[:, t]))
            if ctx.static:
                total[:, 0].add_(here)
            else:
                total[:, t].copy_(here)
            later = here
        return total, None, None, None


def nearest_level(membrane: Float[Tensor, "*rest"], levels: Float[Tensor, " levels"]) -> Float[Tensor, "*rest"]:
    """Return the nearest of evenly spaced levels, the lower one where two are as near: snnTorch's `state_quant`, whose gradient is 1."""
    levels = levels.to(membrane.device)
    step = (levels[-1] - levels[0]) / (len(levels) - 1)
    place = ((membrane - levels[0]) / step - 0.5).ceil_().clamp_(0, len(levels) - 1)
    return levels[place.long()]


def _slope(neuron: Dynamics, x: Tensor, drawn: Tensor | None) -> Tensor:
    """Return dS/dU at x = U - threshold; without numbers drawn for it, a stochastic slope is its own mean."""
    return neuron.slope(x) if neuron.noise is None or drawn is None else noisy(x, drawn, neuron.noise)


def _integrate(current: Tensor, previous: Tensor | None, fired: Tensor | None, neuron: Dynamics, out: Tensor) -> None:
    """Write U[t] into `out`."""
    if previous is None or fired is None:
        torch.add(current, neuron.beta * neuron.start, out=out)
    elif neuron.reset_to_zero:
        torch.addcmul(previous, previous, fired, value=-1, out=out).mul_(neuron.beta).add_(current)
    else:
        torch.mul(previous, neuron.beta, out=out).add_(current).sub_(fired, alpha=neuron.threshold)


def _leak_back(later: Tensor, membrane: Tensor, neuron: Dynamics) -> Tensor:
    """Return what dU[t+1] hands back to U[t]."""
    if not neuron.reset_to_zero:
        return later * neuron.beta
    return later.masked_fill(membrane > neuron.threshold, 0).mul_(neuron.beta)
