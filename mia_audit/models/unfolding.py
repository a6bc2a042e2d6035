"""A convolution's gradient for each example: one product over all steps and places of the example, a few examples at a time.

The products are the same numbers however often they are computed, so that large ones need not be kept.
"""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.models import narrow
from mia_audit.models.axes import Float, Maps
from mia_audit.models.convolution import wide
from mia_audit.models.kernels import patches

_PIECE = 2**20  # values of a piece's patches


class Images(NamedTuple):
    """What a convolution was given: images [K, T, B, H, W, C]."""

    values: Maps
    padding: int
    stride: int


class Products:
    """Gradients [K, B, out, n n C] of kernels by each example, from the gradient of sums [K, T, B, h, w, out]."""

    def __init__(self, images: Images, grad: Tensor, kernel_size: int) -> None:
        self._images, self._grad, self._kernel_size = images._replace(values=images.values.detach()), grad, kernel_size
        self._kept: list[list[Tensor]] | None = None

    def keep(self) -> None:
        """Compute them now and once."""
        self._kept = [list(own) for own in self.each()]
        self._images, self._grad = self._images._replace(values=self._grad.new_empty(0)), self._grad.new_empty(0)

    def each(self) -> Iterator[Iterator[Tensor]]:
        """Yield each model's gradients in parts [b, out, n n C], in the type that the layer computes in."""
        if self._kept is not None:
            yield from map(iter, self._kept)
            return
        for images, grad in zip(self._images.values.unbind(), self._grad.unbind(), strict=True):
            yield self._model(images, grad)

    def _model(self, images: Float[Tensor, "T B H W C"], grad: Float[Tensor, "T B h w out"]) -> Iterator[Tensor]:
        steps, batch, height, width, outs = grad.shape
        rows, length = steps * height * width, self._kernel_size**2 * images.shape[-1]
        size = max(1, _PIECE // (rows * length))
        for start in range(0, batch, size):
            own = images[:, start : start + size].transpose(0, 1)
            back = grad[:, start : start + size].transpose(0, 1).reshape(-1, rows, outs)
            field = cut(own.flatten(0, 1).contiguous(), self._kernel_size, self._images.padding, self._images.stride)
            yield narrow.bmm(back.mT, field.view(-1, rows, length))


def cut(images: Float[Tensor, "rows H W C"], kernel_size: int, padding: int, stride: int) -> Float[Tensor, "rows h w n line"]:
    """Return patches [R, h, w, n, n C] of contiguous images [R, H, W, C]."""
    count, _, _, channels = images.shape
    height, width = ((side + 2 * padding - kernel_size) // stride + 1 for side in images.shape[1:3])
    if images.device.type == "cpu" and stride == 1:
        field = images.new_empty(count, height, width, kernel_size, kernel_size * channels)
        patches.cut(wide(images.flatten(2), channels), kernel_size, padding, wide(field, channels))
        return field
    padded = F.pad(images, (0, 0, padding, padding, padding, padding)).contiguous()
    line, row = padded.stride(1), padded.stride(2)
    view = padded.as_strided(
        (count, height, width, kernel_size, kernel_size * channels), (padded.stride(0), stride * line, stride * row, line, 1)
    )
    return view.contiguous()
