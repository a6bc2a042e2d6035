"""A recipe describes a target completely: data, model, training, audit. An unknown key is an error, not a default.

A field that is None is filled in by `mia_audit.data.profiles.resolve` with what suits the data set; a record
always holds the resolved recipe.
"""

from typing import Annotated, Literal

from pydantic import Field

from mia_audit.recipe.model import Bits, Model, Neuron, Quantization
from mia_audit.recipe.section import Positive, Section, settled


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


__all__ = ["Audit", "Bits", "Data", "Model", "Neuron", "Positive", "Quantization", "Recipe", "Section", "Training", "settled"]
