"""What a reader of a user's own file gives, and what a card of the user's own may say of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from mia_audit.data.cards import Defaults, Shape
from mia_audit.data.checking import Where


class OwnCard(BaseModel):
    """A card of a user's own data; whatever it leaves open is taken from the data.

    path        of the data: a file or folder, beside the card unless it is a whole path
    label       the column of a table that holds the class
    ignore      columns of a table that are no features, such as a name or number of each row
    categories  columns of a table to be taken as categories though they hold numbers
    classes     what the classes are called, in the order of their labels
    shape       (channels, height, width) of pictures that are stored as rows, or in another order
    white       the stored value that a network sees as 1; 255 for bytes, 1 for fractions
    public      whether pictures or rows of exposed examples may go into the record
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    path: str = Field(min_length=1)
    source: Literal["own"] = "own"
    name: str = ""
    title: str = ""
    owner: str = ""
    origin: str = ""
    label: str = ""
    ignore: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    shape: Shape | None = None
    white: Annotated[float, Field(gt=0)] | None = None
    public: bool = False
    defaults: Defaults = Defaults()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A user's own data: what it is called in messages, where it lies, and its card."""

    name: str
    path: Path
    card: OwnCard


@dataclass(frozen=True, kw_only=True)
class Given:
    """A part as a file holds it: inputs [N, ...], a label for each (numbers or words) [N], and where a row stands."""

    inputs: npt.NDArray[Any]
    labels: npt.NDArray[Any]
    where: Where
