"""How a spiking network comes from an ordinary one, as a recipe asks for it (PrivateSNN: Kim et al. 2022, arXiv:2104.03414v3)."""

from typing import Annotated, Literal

from pydantic import Field

from mia_audit.recipe.section import Positive, Section

Above0 = Annotated[float, Field(gt=0, le=1e4)]
Source = Literal["members", "synthetic", "noise"]


class Synthesis(Section):
    """Images made from a teacher alone (data impressions), by Adam on their pixels.

    images         of each model, equally many drawn for each class
    soft_labels    "dirichlet": drawn by how alike the class layer's rows are; "one-hot": the class itself
    temperature    that the teacher's logits are divided by
    learning_rate  of Adam, of pixels from 0 to 1
    iterations     after which it ends, whatever the teacher says by then
    agreement      it ends as soon as the teacher gives so many images the class of their label, their soft label's largest entry
    """

    images: Positive = 1000
    soft_labels: Literal["dirichlet", "one-hot"] = "dirichlet"
    temperature: Above0 = 20.0
    learning_rate: Above0 = 1e-2
    iterations: Positive = 800
    agreement: Annotated[float, Field(gt=0, le=1)] = 0.9


class Encryption(Section):
    """Training of the converted network on synthetic images alone, through time: what hides classes, by the paper.

    distillation   the teacher's share of the loss: cross-entropy with the images' labels has the rest
    temperature    that both networks' logits are divided by for it
    """

    epochs: Annotated[int, Field(gt=0, le=100_000)] = 20
    batch_size: Positive = 50
    learning_rate: Above0 = 1e-4
    distillation: Annotated[float, Field(ge=0, le=1)] = 0.7
    temperature: Above0 = 20.0


class Conversion(Section):
    """The network of `[model]` is not trained but converted from a teacher: the same layers with ReLU in place of its neurons.

    balancing   images that thresholds are set by: the teacher's "members", "synthetic" ones, or "noise", uniform from 0 to 1
    images      of them, for each model
    steps       that thresholds are measured over
    percentile  a layer's threshold is this percentile of its currents over images, places and steps; 100 is their maximum
    synthesis   how synthetic images are made
    encryption  training after conversion; without it there is none
    """

    balancing: Source
    images: Positive = 500
    steps: Positive = 50
    percentile: Annotated[float, Field(gt=50, le=100)] = 100.0
    synthesis: Synthesis = Synthesis()
    encryption: Encryption | None = None

    @property
    def synthetic(self) -> bool:
        """Whether images are made from the teacher."""
        return self.balancing == "synthetic" or self.encryption is not None

    @property
    def stages(self) -> tuple[str, ...]:
        """What the target went through, in order."""
        made, hidden = self.balancing == "synthetic", self.encryption is not None
        return ("teacher", *(["synthesis"] * made), "conversion", *(["synthesis"] * (hidden and not made)), *(["encryption"] * hidden))
