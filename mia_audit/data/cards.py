"""Cards of data sets: what a set is, how it is read, and what suits it.

A card is a TOML file in the catalogue, one for each data set; its `[defaults]` fill in what a recipe leaves open.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mia_audit.errors import RecipeError
from mia_audit.recipe import Positive

Shape = Annotated[tuple[Positive, ...], Field(min_length=1, max_length=3)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Defaults(_Table):
    """What a recipe gets when it leaves fields open; see `mia_audit.recipe`."""

    pool: Positive | None = None
    population: Annotated[int, Field(ge=0)] | None = None
    test: Positive | None = None
    epochs: Positive | None = None
    batch_size: Positive | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    hidden: tuple[Positive, ...] | None = None
    channels: tuple[Positive, ...] | None = None
    kernel: Positive | None = None
    padding: Annotated[int, Field(ge=0)] | None = None


class Files(_Table):
    """Where a data set's files lie below the data root.

    torchvision  the class of torchvision that fetches them, `megabytes` in all; none where the user does
    archive      the file that they are published in, where there is one
    """

    folder: str
    names: tuple[str, ...] = Field(min_length=1)
    archive: str = ""
    torchvision: str = ""
    megabytes: int = 0


class Card(_Table):
    """A data set in words, and how it is read.

    owner    who made it, when, and the paper where there is one
    origin   where it comes from
    source   bundled with scikit-learn, read (and fetched when absent) by torchvision, files that the user fetches, or the user's
             own (`mia_audit/data/own/`)
    reader   what reads it, by the files' format
    loader   scikit-learn's function
    shape    of one example: (features,) or (channels, height, width); of one frame of events
    classes  how many, or what they are called
    events   examples are as many frames as the model has time steps
    public   whether pictures of exposed examples may be shown without being asked for
    """

    name: str = Field(min_length=1)
    title: str = ""
    owner: str = ""
    origin: str = ""
    source: Literal["bundled", "torchvision", "files", "own"]
    reader: Literal["scikit-learn", "idx", "cifar", "location", "adult", "events", "own"]
    loader: str = ""
    shape: Shape
    classes: Positive | tuple[str, ...]
    public: bool = False
    events: bool = False
    files: Files | None = None
    defaults: Defaults = Defaults()

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the classes are called; nothing where only the data set's own files tell."""
        return self.classes if isinstance(self.classes, tuple) else ()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A data set that a recipe can name, and what a recipe gets when it leaves fields open.

    shape      of one example: (features,) or (channels, height, width); of one frame of events
    population examples of the population data, that no model trains on and nobody scores
    """

    card: Card
    name: str
    title: str
    shape: tuple[int, ...]
    classes: int
    pool: int
    population: int
    test: int
    epochs: int
    batch_size: int
    learning_rate: float
    hidden: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    kernel: int = 3
    padding: int = 1
    public: bool = False
    events: bool = False

    @property
    def source(self) -> Literal["bundled", "torchvision", "files", "own"]:
        """Where its examples come from."""
        return self.card.source

    @property
    def kind(self) -> Literal["image", "table"]:
        """Whether examples are images or rows of a table."""
        return "image" if len(self.shape) == 3 else "table"

    @property
    def channels_last(self) -> tuple[int, ...]:
        """The shape of one example (of one frame of events) as the engine holds it: (features,) or (height, width, channels)."""
        return (*self.shape[1:], self.shape[0]) if self.kind == "image" else self.shape


def suited(card: Card) -> Profile:
    """Return what suits the data set of a card that says it all; RecipeError names what it does not say."""
    told = card.defaults.model_dump(exclude_none=True)
    needed = ("pool", "population", "test", "epochs", "batch_size", "learning_rate", "hidden")
    absent = [name for name in needed if name not in told]
    if absent:
        raise RecipeError(f"the card of {card.name}: [defaults]: key {absent[0]!r} is missing; add it")
    return Profile(
        card=card,
        name=card.name,
        title=card.title or card.name,
        shape=card.shape,
        classes=card.classes if isinstance(card.classes, int) else len(card.classes),
        public=card.public,
        events=card.events,
        **told,
    )
