"""The gradients of single examples, from one pass forward and one back: what differentially private training clips.

A layer that finds a tally in its passage takes its parameters out of the graph, and leaves what it was given and, on the way back,
the gradient of what it gave. A parameter's gradient for one example follows from these two:

dense layers   g[t] the gradient of the sums at step t, x[t] the inputs: the sum over t of g[t] x[t]'. Its squared norm is the sum over
               t and s of (g[t] g[s]) (x[t] x[s]) (Goodfellow 2015, arXiv:1510.01799v2, for one step), so that it need not be formed
convolutions   one product an example, over all its steps and places, of g and the patches of its image (`unfolding.py`)
others         biases and the scales and shifts of group norm: sums over steps and places

What is weighed and summed afterwards is made of the same rounded numbers that the norms are of. A quantized layer's gradient is
by the weights that it multiplies with; its way back through the quantizer, which no example is part of, is taken by the sum.
"""

from abc import abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from mia_audit.errors import TrainingError
from mia_audit.models import budget
from mia_audit.models.axes import Activations, Each, Float, Gain, Kernels, Matrices, Shaped
from mia_audit.models.unfolding import Images, Products


class Part:
    """One parameter's gradients, an example each.

    parameter  [K, ...], the leaf
    handle     [K, ...] float32, what a gradient is handed back to: the parameter, or what a quantizer makes of it
    """

    def __init__(self, parameter: Tensor, handle: Tensor) -> None:
        self.parameter, self.handle = parameter, handle
        self.received = False

    def receive(self, grad: Tensor) -> None:
        """Take the gradient of the layer's output."""
        self.received = True
        self.take(grad.detach())

    @abstractmethod
    def take(self, grad: Tensor) -> None:
        """Keep what is needed of the gradient of the layer's output."""

    @abstractmethod
    def squares(self) -> Shaped[Tensor, "K B"]:
        """Return the squared norm of each example's gradient, [K, B] float64."""

    @abstractmethod
    def total(self, factors: Each) -> Float[Tensor, "K *rest"]:
        """Return the sum of the examples' gradients times their factors [K, B], in the handle's shape, float32."""


class Dense(Part):
    """A dense layer's weights [K, out, in]: rows [K, T, B, in], and sums that are multiplied by gain [K] or [K, out] afterwards."""

    def __init__(self, parameter: Matrices, handle: Matrices, rows: Float[Tensor, "K T B in"], gain: Gain) -> None:
        super().__init__(parameter, handle)
        self._rows, self._gain = rows.detach(), gain.detach().view(len(gain), 1, -1)
        self._grad = rows.new_empty(0)

    def take(self, grad: Tensor) -> None:
        """Keep gradients of sums, [K, T B, out], by the weights as they multiply."""
        self._grad = (grad.float() / self._gain).view(*self._rows.shape[:3], -1)

    def squares(self) -> Shaped[Tensor, "K B"]:
        """Multiply Gram matrices of T steps, in double precision: what cancels over the steps is lost in less."""
        found = []
        for rows, grad in zip(self._rows.unbind(), self._grad.unbind(), strict=True):
            x, g = rows.transpose(0, 1).double(), grad.transpose(0, 1).double()
            found.append((torch.bmm(x, x.mT) * torch.bmm(g, g.mT)).sum(dim=(1, 2)).clamp_(min=0))
        return torch.stack(found)

    def total(self, factors: Each) -> Float[Tensor, "K *rest"]:
        """Weigh the gradients of sums and multiply once."""
        weighed = (self._grad * factors[:, None, :, None]).flatten(1, 2)
        return torch.bmm(weighed.mT, self._rows.flatten(1, 2).float())


class Convolved(Part):
    """A convolution's kernels [K, out, in, n, n], with gain [K] or [K, out] as in a dense layer."""

    def __init__(self, parameter: Kernels, handle: Kernels, images: Images, gain: Gain) -> None:
        super().__init__(parameter, handle)
        self._images, self._gain = images, gain.detach().view(len(gain), -1)
        self._products: Products | None = None

    def take(self, grad: Tensor) -> None:
        """Multiply at once where the products fit, else keep what they are made of."""
        self._products = Products(self._images, grad, self.handle.shape[-1])
        if self.handle[0].numel() * grad.shape[0] * grad.shape[2] <= budget.KEPT:
            self._products.keep()

    def squares(self) -> Shaped[Tensor, "K B"]:
        """Sum up squares."""
        return torch.stack([torch.cat([self._squares(k, part) for part in own]) for k, own in enumerate(self._all())])

    def total(self, factors: Each) -> Float[Tensor, "K *rest"]:
        """Sum up what was squared, times factors."""
        sums = [_weighed(factors[k], own) / self._gain[k].unsqueeze(1) for k, own in enumerate(self._all())]
        outs, ins, kernel_size, _ = self.handle.shape[1:]
        return torch.stack(sums).view(-1, outs, kernel_size, kernel_size, ins).permute(0, 1, 4, 2, 3)

    def _all(self) -> Iterable[Iterable[Tensor]]:
        assert self._products is not None, "it was received"  # noqa: S101
        return self._products.each()

    def _squares(self, k: int, part: Tensor) -> Tensor:
        norms = torch.linalg.vector_norm(part, dim=2, dtype=torch.float32).double()
        squares: Tensor = (norms / self._gain[k].double()).square()
        return squares.sum(dim=1)


def _weighed(factors: Float[Tensor, " B"], parts: Iterable[Tensor]) -> Float[Tensor, "out line"]:
    """Return the sum [out, n n in] of one model's gradients [b, out, n n in], in parts, times its factors [B]."""
    total, start = torch.zeros(()), 0
    for part in parts:
        own = factors[start : start + len(part)]
        share = (own @ part.float().flatten(1)).view(part.shape[1:])
        total, start = share if start == 0 else total + share, start + len(part)
    return total


class Summed(Part):
    """A bias or shift [K, C], or with `times` [K, T, B, ..., C] a scale: gradients of currents summed over steps and places."""

    def __init__(self, parameter: Float[Tensor, "K C"], times: Activations | None = None) -> None:
        super().__init__(parameter, parameter)
        self._times, self._each = None if times is None else times.detach(), parameter.new_empty(0)

    def take(self, grad: Tensor) -> None:
        """Sum gradients of currents [K, T, B, ..., C] to [K, B, C]."""
        each = grad.float() if self._times is None else grad.float() * self._times
        self._each, self._times = each.transpose(1, 2).flatten(2, -2).sum(dim=2), None

    def squares(self) -> Shaped[Tensor, "K B"]:
        """Sum up squares."""
        return self._each.double().square().sum(dim=2)

    def total(self, factors: Each) -> Float[Tensor, "K *rest"]:
        """Sum up what was squared, times factors."""
        return torch.bmm(factors.unsqueeze(1), self._each).squeeze(1)


class Tally:
    """What one pass leaves behind, a part for each parameter."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def add(self, part: Part, output: Tensor) -> None:
        """Let a part have the gradient of a layer's output, which is then computed even where nothing before it asks for one."""
        if not output.requires_grad:
            output.requires_grad_()
        output.register_hook(part.receive)
        self.parts.append(part)

    def norms(self, network: nn.Module) -> Each:
        """Return the norm of each example's gradient by all parameters together, [K, B], once the way back is done.

        TrainingError naming the parameter of which that is not known.
        """
        self._require_all(network)
        squares: Tensor = torch.stack([part.squares() for part in self.parts]).sum(dim=0)
        return squares.sqrt().float()

    def _require_all(self, network: nn.Module) -> None:
        for name, parameter in network.named_parameters(remove_duplicate=False):
            own = [part for part in self.parts if part.parameter is parameter]
            faults = {
                "is frozen": not parameter.requires_grad,
                "reported nothing": not any(part.received for part in own),
                "is used twice": len(own) > 1,
                "also gets a gradient of the whole batch": parameter.grad is not None,
            }
            if fault := next((said for said, found in faults.items() if found), None):
                raise TrainingError(
                    f"private training needs the gradient of every example by every parameter, got {name}, which {fault}; "
                    f"leave that layer out, or train without [privacy]"
                )
