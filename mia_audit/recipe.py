"""A recipe describes a target completely: data, model, training, audit. An unknown key is an error, not a default.

A field that is None is filled in by `mia_audit.data.profiles.resolve` with what suits the data set; a record
always holds the resolved recipe.
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Value = TypeVar("Value")
Bits = Literal[32, 8, 4, 2]
Positive = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """A table of a recipe: frozen, and strict about its keys and types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Data(Section):
    """Which examples, and how they are dealt out.

    Members and non-members come from one pool by an independent coin for each model and example (design rule 1).
    The population pool is trained on by no model and scored by nobody; the test set measures accuracy.
    """

    dataset: str = "digits"
    pool: Positive | None = None
    population: Annotated[int, Field(ge=0)] | None = None
    test: Positive | None = None
    member_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.5


class Neuron(Section):
    """A leaky integrate-and-fire neuron in discrete time.

    U[t] = beta U[t-1] + I[t] - threshold S[t-1]   (reset = "subtract")
    U[t] = beta (1 - S[t-1]) U[t-1] + I[t]         (reset = "zero")
    S[t] = 1 if U[t] > threshold else 0

    The input is not scaled by 1 - beta. beta = 1 is an integrate-and-fire neuron. The reset acts one step after the
    spike and carries no gradient: snnTorch's `Leaky` exactly. The surrogate replaces dS/dU in the backward pass.
    """

    beta: Annotated[float, Field(ge=0, le=1)] = 0.95
    threshold: Annotated[float, Field(gt=0)] = 1.0
    reset: Literal["subtract", "zero"] = "subtract"
    surrogate: str = "atan"
    surrogate_variant: Literal["textbook", "snntorch"] = "textbook"


class Quantization(Section):
    """What Brevitas quantizes while training (quantization-aware). 32 bits means full precision.

    weight_bits      weights, signed and narrow: 2 bits are ternary, {-1, 0, 1} times the scale
    activation_bits  an ANN's activations after ReLU; a spiking network's input currents (spikes are one bit already)
    input_bits       the network's input
    first_layer      whether the first layer's weights are quantized too
    last_layer       whether the last layer's weights are quantized too
    Biases stay in full precision, as do the last layer's outputs and all membranes.
    """

    weight_bits: Bits = 32
    activation_bits: Bits = 32
    input_bits: Bits = 32
    first_layer: bool = True
    last_layer: bool = True


class Model(Section):
    """The network. Architecture "auto" is `mlp` for tables and `conv` for images.

    A model with a neuron is spiking; without one it is an ANN with ReLU and runs for a single step.
    """

    architecture: str = "auto"
    hidden: tuple[Positive, ...] | None = None
    channels: tuple[Positive, ...] | None = None
    kernel: Positive | None = None
    padding: Annotated[int, Field(ge=0)] | None = None
    neuron: Neuron | None = None
    time_steps: Positive = 1
    encoding: Literal["direct", "rate"] = "direct"
    readout: Literal["membrane-mean", "membrane-last", "spike-count"] = "membrane-mean"
    quantization: Quantization = Quantization()

    @property
    def spiking(self) -> bool:
        """Whether the model has spiking neurons."""
        return self.neuron is not None


class Training(Section):
    """How every model of the population is trained: cross-entropy, Adam.

    precision  the type hidden layers multiply in; sums, membranes, logits and parameters are float32 either way. bf16 is
               several times faster; spikes and integer weights of up to 8 bits are exact in it.
    """

    epochs: Positive | None = None
    batch_size: Positive | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    precision: Literal["bf16", "fp32"] = "bf16"
    seed: Annotated[int, Field(ge=0)] = 0


class Audit(Section):
    """How hard the audit looks."""

    shadows: Annotated[int, Field(ge=1)] = 32
    attacks: tuple[str, ...] = ("quick",)
    queries: Positive = 1


class Recipe(Section):
    """A target and the audit of it."""

    name: str
    summary: str
    data: Data = Data()
    model: Model = Model()
    training: Training = Training()
    audit: Audit = Audit()


def settled(value: Value | None) -> Value:
    """Return a field of a resolved recipe, which is never open."""
    assert value is not None, "resolve the recipe first"  # noqa: S101  our own mistake, never the user's
    return value
