"""Threshold balancing: each layer's threshold is the largest current that images send it, earlier layers spiking at theirs already.

Layer by layer from the input, theta = a high percentile (by the paper the maximum) of a layer's currents over images, places and steps.
It is folded into the weights, so that all neurons keep the threshold 1:

    W <- W / theta                        the layer's own weights
    b <- b / (theta_1 ... theta_l)        its biases, a constant current beside spikes that stand for 1 / (theta_1 ... theta_{l-1})
    W <- W theta_1 ... theta_L            the readout's weights, so that what it gathers over the steps is on the teacher's scale

All of it is exact: spikes are those of networks with the teacher's weights and thresholds theta, and logits are their readout's sums times
the product of thresholds.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_audit.conversion.folding import Weights, alike, firing, held, load, weighted
from mia_audit.errors import DataError, TrainingError
from mia_audit.models.encoding import encode
from mia_audit.models.network import Population
from mia_audit.models.passage import QUERY
from mia_audit.recipe import Model

ABOVE = 1 + 1e-5
"""Times the percentile is the threshold: the neuron that set it reaches it exactly, and rounding must not decide whether it fires."""
_VALUES = 2**24
"""Currents of one layer that are held at once, over all models, images and steps."""


@dataclass(frozen=True, kw_only=True)
class Balancing:
    """What thresholds are measured by.

    images      [K, N, H, W, C] from 0 to 1, each model's own
    percentile  of currents
    model       how images are encoded
    generators  of random codes, one a model
    indices     of the models in the population, for what is said of them
    """

    images: Tensor
    percentile: float
    model: Model
    generators: Callable[[], list[torch.Generator]]
    indices: Sequence[int]

    def chunks(self, size: int) -> Iterator[Tensor]:
        """Yield encoded images [K, T or 1, B, ...], the same codes at every call."""
        generators = self.generators()
        for start in range(0, self.images.shape[1], size):
            yield encode(self.images[:, start : start + size], self.model, generators)


@torch.no_grad()
def balance(population: Population, weights: list[Weights], by: Balancing) -> Tensor:
    """Fold a teacher's weights and thresholds into a population of spiking networks; return the thresholds [K, layers].

    The population runs for as many steps as thresholds are measured over. TrainingError names models of which a layer stays silent.
    """
    _require_shape(by.images, population)
    load(population, weights)
    layers = weighted(population)
    product, thetas = torch.ones(population.models, device=population.device), []
    for number, place in enumerate(firing(population)):
        _scale_bias(layers[number], 1 / product)
        theta = measured(population, place, by) * ABOVE
        _require_alive(theta, number + 1, by.indices)
        _scale(layers[number], 1 / theta)
        product = product * theta
        thetas.append(theta)
    _scale_weight(layers[-1], product)
    return torch.stack(thetas, dim=1)


@torch.no_grad()
def unfolded(population: Population, thetas: Tensor) -> list[Weights]:
    """Return the weights of the ordinary networks that converted ones [K] with these thresholds [K, layers] stand for: `balance` undone."""
    products = torch.cat([thetas.new_ones(len(thetas), 1), thetas.cumprod(dim=1)], dim=1)
    found = []
    for number, layer in enumerate(weighted(population)):
        own, last = held(layer), number == thetas.shape[1]
        by_weight = 1 / products[:, -1] if last else thetas[:, number]
        by_bias = torch.ones_like(by_weight) if last else products[:, number + 1]
        bias = None if own.bias is None else own.bias * alike(by_bias, own.bias)
        found.append(Weights(own.weight * alike(by_weight, own.weight), bias))
    return found


def measured(population: Population, place: int, by: Balancing) -> Tensor:
    """Return the percentile of the currents [K] that reach the spiking layer at a place of the chain."""
    most: Largest | None = None
    for fed in by.chunks(_images_at_once(population, by)):
        each = currents(population, place, fed)
        if most is None:
            most = Largest.of(each, by.images.shape[1], by.percentile)
        most.add(each)
    assert most is not None, "there are images"  # noqa: S101
    return most.least


def currents(population: Population, place: int, fed: Tensor) -> Tensor:
    """Return the currents [K, T or 1, B, ...] of the neurons at a place of the chain."""
    x: Tensor = population.receive(fed)
    for layer in population.layers[:place]:
        x = layer(x, QUERY)
    return x.float()


class Largest:
    """The largest `count` values of each model among those that were added."""

    def __init__(self, count: int) -> None:
        self.count, self._kept = count, torch.empty(0)

    @classmethod
    def of(cls, part: Tensor, images: int, percentile: float) -> "Largest":
        """Return what keeps as many values of `images` images, of which part [K, T, B, ...] are some, as lie at or above a percentile."""
        values = images * part[0].numel() // part.shape[2]
        return cls(1 + math.floor(values * (100 - percentile) / 100 + 1e-6))

    def add(self, part: Tensor) -> None:
        """Look at further values [K, ...]."""
        rows = part.flatten(1)
        if len(self._kept):
            rows = torch.cat([self._kept, rows], dim=1)
        self._kept = rows.amax(dim=1, keepdim=True) if self.count == 1 else rows.topk(min(self.count, rows.shape[1]), dim=1).values

    @property
    def least(self) -> Tensor:
        """The last of them, [K]."""
        least: Tensor = self._kept.amin(dim=1)
        return least


def _images_at_once(population: Population, by: Balancing) -> int:
    widest = max(_outputs(layer, by.images.shape[2:]) for layer in weighted(population))
    steps = population.layers[firing(population)[0]].steps
    assert isinstance(steps, int), "a spiking layer knows its steps"  # noqa: S101
    return max(1, _VALUES // (population.models * steps * widest))


def _outputs(layer: torch.nn.Module, image: Sequence[int]) -> int:
    """Return about how many values a layer gives for an image: as many places as the image itself has, which few layers have."""
    weight = held(layer).weight
    return weight.shape[1] * (math.prod(image[:2]) if weight.ndim > 3 else 1)


def _require_alive(theta: Tensor, layer: int, indices: Sequence[int]) -> None:
    silent = [str(index) for index, value in zip(indices, theta.tolist(), strict=True) if not value > 0]
    if silent:
        raise TrainingError(
            f"[conversion] needs layers that images excite, got layer {layer} of model {', '.join(silent)}, whose threshold would be 0 or "
            f"less: none of its neurons gets a positive current; train the teacher otherwise, or balance on other images"
        )


def _scale(layer: torch.nn.Module, factor: Tensor) -> None:
    _scale_weight(layer, factor)
    _scale_bias(layer, factor)


def _scale_weight(layer: torch.nn.Module, factor: Tensor) -> None:
    weight = held(layer).weight
    weight.mul_(alike(factor, weight))


def _scale_bias(layer: torch.nn.Module, factor: Tensor) -> None:
    bias = held(layer).bias
    if bias is not None:
        bias.mul_(alike(factor, bias))


def _require_shape(images: Tensor, population: Population) -> None:
    """Refuse images of another shape than the networks take."""
    try:
        with torch.no_grad():
            population(images[:, :1].unsqueeze(1))
    except RuntimeError as error:
        raise DataError(
            f"balancing needs images as the network takes them, got {population.models} times {tuple(images.shape[1:])} (images, height, "
            f"width, channels), which its layers do not fit; take them from the data set that the teacher was trained on"
        ) from error
