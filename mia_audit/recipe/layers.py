"""The layers that a network is made of: what an architecture is spelled out as, and what a recipe's `[[model.layers]]` may say.

Images are (height, width, channels), channels last. The dense layer that gives one logit a class is added behind the last one.
"""

from typing import Annotated, Literal

from pydantic import Field

from mia_audit.recipe.section import Positive, Section, Share

Normalization = Literal["batch", "batch-per-step", "group", "none"]
Activation = Literal["relu", "tanh"]


class Conv(Section):
    """A convolution with square kernels."""

    kind: Literal["conv"] = "conv"
    channels: Positive
    kernel: Positive = 3
    padding: Annotated[int, Field(ge=0)] = 1
    stride: Positive = 1
    bias: bool = True


class Linear(Section):
    """A dense layer; images are flattened."""

    kind: Literal["linear"] = "linear"
    features: Positive
    bias: bool = True


class Pool(Section):
    """The maximum or mean over squares of `size` by `size`, every `stride` (else `size`) places; what fills no square is dropped."""

    kind: Literal["pool"] = "pool"
    size: Positive = 2
    stride: Positive | None = None
    of: Literal["max", "average"] = "max"

    @property
    def every(self) -> int:
        """How far one square lies from the next."""
        return self.stride or self.size


class GlobalAverage(Section):
    """The mean over all places of an image: (height, width, channels) to (channels,)."""

    kind: Literal["global-average"] = "global-average"


class Fire(Section):
    """Neurons: leaky integrate-and-fire in a spiking network, the model's activation in an ANN.

    activation  puts ordinary neurons here in a spiking network too, as in the seed protocol's ReLU convolutions
    """

    kind: Literal["fire"] = "fire"
    activation: Activation | None = None


class Norm(Section):
    """Normalization of currents; what is left out is the model's own (`norm`, `groups`)."""

    kind: Literal["norm"] = "norm"
    over: Normalization | None = None
    groups: Positive | None = None


class Dropout(Section):
    """Zero this share of the values while training, the same ones at every time step, and scale the others up."""

    kind: Literal["dropout"] = "dropout"
    rate: Share


class Residual(Section):
    """A body whose output is added to its input; where their shapes differ, the input passes a 1 x 1 convolution first.

    That convolution has the stride that the shapes ask for, and the body's kind of normalization (He et al., option B).
    """

    kind: Literal["residual"] = "residual"
    body: Annotated[tuple["Layer", ...], Field(min_length=1)]


Layer = Annotated[Conv | Linear | Pool | GlobalAverage | Fire | Norm | Dropout | Residual, Field(discriminator="kind")]
Residual.model_rebuild()
