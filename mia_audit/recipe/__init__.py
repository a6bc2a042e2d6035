"""A recipe describes a target completely: data, model, training, audit. An unknown key is an error, not a default.

A field that is None is filled in by `mia_audit.data.profiles.resolve` with what suits the data set; a record
always holds the resolved recipe.
"""

from typing import Annotated, Literal

from pydantic import Field

from mia_audit.recipe.conversion import Conversion
from mia_audit.recipe.model import Bits, Model, Neuron, Quantization
from mia_audit.recipe.privacy import MaybePrivacy, Privacy
from mia_audit.recipe.section import Positive, Section, Share, filled


class Data(Section):
    """Which examples, and how they are dealt out.

    Members and non-members come from one pool by an independent coin for each model and example (docs/method.md, rule 1).
    The population pool is trained on by no model and scored by nobody; the test set measures accuracy.

    augment  of images while training: "crop" after padding by `crop_padding`, "flip" left to right
    """

    dataset: str = "digits"
    pool: Positive | None = None
    population: Annotated[int, Field(ge=0)] | None = None
    test: Positive | None = None
    member_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.5
    augment: tuple[Literal["crop", "flip"], ...] = ()
    crop_padding: Positive = 4


class Training(Section):
    """How every model of the population is trained: cross-entropy, mini-batches.

    optimizer        "adam", or "sgd" with `momentum`
    schedule         learning rate over `epochs`: "constant", "cosine" down to zero, or "steps": times `decay` at each of
                     `milestones`, shares of all epochs
    label_smoothing  share of a label that is spread over all classes
    stop_epoch       the epoch that training ends after, fixed on other replicates (docs/method.md, rule 6; `training.stopping` finds it);
                     `stop_from` says where it came from
    checkpoints      epochs whose answers are kept beside the last one's, for attacks on trajectories
    precision        the type hidden layers multiply in. bf16 is several times faster: spikes and integer weights of up to 8 bits
                     are exact in it, sums are added up in float32 and then rounded to bf16. Membranes, logits and parameters are
                     float32 either way; in fp32 a model equals one built from Brevitas' layers to the bit.
    """

    epochs: Annotated[int, Field(gt=0, le=100_000)] | None = None
    batch_size: Positive | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    optimizer: Literal["adam", "sgd"] = "adam"
    momentum: Share = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["constant", "cosine", "steps"] = "constant"
    milestones: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.5, 0.75)
    decay: Annotated[float, Field(gt=0, le=1)] = 0.1
    label_smoothing: Share = 0.0
    stop_epoch: Positive | None = None
    stop_from: str = ""
    checkpoints: tuple[Positive, ...] = ()
    precision: Literal["bf16", "fp32"] = "bf16"
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def last_epoch(self) -> int:
        """The epoch that training ends after."""
        return filled(self.epochs) if self.stop_epoch is None else self.stop_epoch


class Audit(Section):
    """How hard the audit looks.

    queries            how often every model is asked about every example
    augmented_queries  ask about augmented copies (the recipe's `data.augment`), the same ones of every model, members and
                       non-members alike; without it, about the examples as they are
    turns              whether every model takes its turn as the target, for numbers about the kind rather than the network
    shadow_stage       of a converted target: its shadow models are converted as it was ("own"), or left as the "teacher" networks that
                       they come from, which costs nothing more than those
    releases           bit widths at which the same trained models are released besides, quantized after training; 32 is full precision.
                       For targets in full precision or quantized after training
    canaries           examples planted at each dose (1, 2, 4, 8 times) in a sibling target, the control of dose response; 0: none.
                       Four times as many audited members must stand in the sibling's training
    claimed_epsilon    of a privacy claim to be held against the attacks, with claimed_delta; or claimed_mu, of a Gaussian one
    """

    shadows: Annotated[int, Field(ge=1)] = 32
    attacks: tuple[str, ...] = ("quick",)
    queries: Positive = 1
    augmented_queries: bool = False
    turns: bool = True
    shadow_stage: Literal["own", "teacher"] = "own"
    releases: tuple[Bits, ...] = ()
    canaries: Annotated[int, Field(ge=0)] = 0
    claimed_epsilon: Annotated[float, Field(ge=0, le=700)] | None = None
    claimed_delta: Annotated[float, Field(ge=0, lt=1)] = 0.0
    claimed_mu: Annotated[float, Field(ge=0, le=700)] | None = None


class Expect(Section):
    """What the target reached, measured by us: mean and standard deviation of accuracies over models.

    models  how many were trained; `how` says on what, and what differed from the recipe
    """

    train_accuracy: tuple[float, float]
    test_accuracy: tuple[float, float]
    models: Positive
    how: str


class Recipe(Section):
    """A target and the audit of it.

    paper   where the target comes from
    expect  what it reached when we trained it
    privacy differentially private training; without it, training is ordinary
    conversion  the network comes from an ordinary one that was trained; without it, it was trained itself
    """

    name: str
    summary: str
    paper: str = ""
    expect: Expect | None = None
    data: Data = Data()
    model: Model = Model()
    training: Training = Training()
    privacy: MaybePrivacy = None
    conversion: Conversion | None = None
    audit: Audit = Audit()

    @property
    def teacher(self) -> "Recipe":
        """The recipe that models train by: this one, or the ordinary network's that a converted one comes from."""
        if self.conversion is None:
            return self
        usual = {name: Model.model_fields[name].default for name in ("neuron", "time_steps", "encoding", "readout")}
        return self.model_copy(update={"model": self.model.model_copy(update=usual), "conversion": None})

    @property
    def quantized_later(self) -> bool:
        """Whether something passes through quantizers after training: the target itself, or another release of it."""
        return self.model.quantization.when == "post-training" or bool(self.audit.releases)


__all__ = [
    "Audit",
    "Bits",
    "Conversion",
    "Data",
    "Model",
    "Neuron",
    "Positive",
    "Privacy",
    "Quantization",
    "Recipe",
    "Section",
    "Training",
    "filled",
]
