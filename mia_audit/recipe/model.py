"""The network of a recipe: architecture, neurons, quantization."""

from typing import Annotated, Literal

from pydantic import Field

from mia_audit.recipe.layers import Activation, Layer, Normalization
from mia_audit.recipe.section import Positive, Section, Share

Bits = Literal[32, 8, 6, 4, 3, 2, 1]
Above0 = Annotated[float, Field(gt=0, le=1e4)]


class Neuron(Section):
    """A leaky integrate-and-fire neuron in discrete time.

    U[t] = beta U[t-1] + I[t] - threshold S[t-1]   (reset = "subtract")
    U[t] = beta (1 - S[t-1]) U[t-1] + I[t]         (reset = "zero")
    S[t] = 1 if U[t] > threshold else 0

    The input is not scaled by 1 - beta. beta = 1 is an integrate-and-fire neuron. The reset acts one step after the
    spike and carries no gradient: snnTorch's `Leaky` exactly. The surrogate replaces dS/dU in the backward pass.

    start                                   the membrane before the first step, as a share of the threshold: U[-1] = start threshold
    surrogate_slope ... surrogate_variance  a surrogate's parameters (`mia_audit.models.surrogates`), its defaults where left out
    surrogate_area                          scales the surrogate to this area, so that none differs by size alone
    """

    beta: Annotated[float, Field(ge=0, le=1)] = 0.95
    threshold: Annotated[float, Field(gt=0)] = 1.0
    reset: Literal["subtract", "zero"] = "subtract"
    start: Share = 0.0
    surrogate: str = "atan"
    surrogate_variant: Literal["textbook", "snntorch"] = "textbook"
    surrogate_slope: Annotated[float, Field(ge=0, le=1e4)] | None = None
    surrogate_height: Above0 | None = None
    surrogate_width: Above0 | None = None
    surrogate_bound: Annotated[float, Field(ge=0, le=1e4)] | None = None
    surrogate_mean: Annotated[float, Field(ge=-10, le=10)] | None = None
    surrogate_variance: Annotated[float, Field(ge=0, le=10)] | None = None
    surrogate_area: Above0 | None = None


class Quantization(Section):
    """What is quantized, by Brevitas but for membranes. 32 bits means full precision.

    when             "training" (quantization-aware), or "post-training": models train in full precision, and each then passes
                     through the same quantizers, which are calibrated on `calibration` examples outside the membership pool
    weight_bits      weights, signed and narrow: 2 bits are ternary, {-1, 0, 1} times the scale; 1 bit is the sign times the
                     mean magnitude (Rastegari et al. 2016, arXiv:1603.05279v4, equation 6)
    activation_bits  an ANN's activations after ReLU; a spiking network's input currents (spikes are one bit already)
    input_bits       the network's input
    membrane_bits    membranes, readout neurons' included, on a straight-through grid of 2^bits levels from -threshold
                     (1 + lower) to threshold (1 + upper): snnTorch's `state_quant`; `membrane_limits` = [lower, upper]
    granularity      one weight scale a layer ("tensor") or one an output channel ("channel")
    first_layer      whether the first layer's weights are quantized too
    last_layer       whether the last layer's weights are quantized too
    Biases stay in full precision, as do the last layer's outputs.
    """

    when: Literal["training", "post-training"] = "training"
    weight_bits: Bits = 32
    activation_bits: Bits = 32
    input_bits: Bits = 32
    membrane_bits: Bits = 32
    membrane_limits: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0)]] = (0.0, 0.2)
    granularity: Literal["tensor", "channel"] = "tensor"
    first_layer: bool = True
    last_layer: bool = True
    calibration: Positive | None = None


class Model(Section):
    """The network. Architecture "auto" is `mlp` for tables and `conv` for images; "layers" is what `[[model.layers]]` spells out.

    A model with a neuron is spiking; without one it is an ANN with `activation` and runs for a single step.

    width    times the channels and features of a named architecture, rounded up
    norm     what stands before the neurons of a named architecture: "batch" norm over time steps, examples and places,
             "batch-per-step" over examples and places at each step, with a scale and shift of each step's own (on the CPU
             both see a model's own batch alone), "group" norm over places and `groups` of channels, or "none"
    dropout  share of neurons silenced in a named architecture that has dropout (the VGG nets)
    output_bias  whether the dense layer that gives a logit a class has a bias
    initial  weights before training: "torch" is uniform within 1 / sqrt(fan in), as torch's layers do; "kaiming" is Gaussian
             of variance 2 / fan in and zero bias (He et al. 2015), for deep nets without normalization
    readout  the readout neurons' mean membrane, their last one, or how often they spike; "accumulated": they never fire, and what they
             have gathered at the end is divided by the steps (Wang et al. 2022, arXiv:2205.12718v1, equation 7)
    encoding the same input at every step ("direct"), random spikes ("rate"), one spike, the earlier the brighter ("latency");
             for frames of events, the frames ("events") or the signs of their changes ("delta"). An ANN on events sees every
             frame by itself and answers the mean
    """

    architecture: str = "auto"
    hidden: tuple[Positive, ...] | None = None
    channels: tuple[Positive, ...] | None = None
    kernel: Positive | None = None
    padding: Annotated[int, Field(ge=0)] | None = None
    layers: tuple[Layer, ...] | None = None
    width: Annotated[float, Field(gt=0, le=4)] = 1.0
    activation: Activation = "relu"
    norm: Normalization = "none"
    groups: Positive = 8
    dropout: Share = 0.0
    output_bias: bool = True
    initial: Literal["torch", "kaiming"] = "torch"
    neuron: Neuron | None = None
    time_steps: Positive = 1
    encoding: Literal["direct", "rate", "latency", "delta", "events"] = "direct"
    readout: Literal["membrane-mean", "membrane-last", "spike-count", "accumulated"] = "membrane-mean"
    quantization: Quantization = Quantization()

    @property
    def spiking(self) -> bool:
        """Whether the model has spiking neurons."""
        return self.neuron is not None
