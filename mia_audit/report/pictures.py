"""The most exposed examples: pictures as data URIs, rows of a table as text."""

import base64
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from mia_audit.record import Record
from mia_audit.report import words

SHOWN = 24
SIDE = 96  # pixels; small pictures are enlarged by the browser without smoothing


@dataclass(frozen=True, kw_only=True)
class Exposed:
    """One exposed example. `picture` is a data URI, or None for a row of a table, whose `cells` are its features.

    position  as stored where the record tells it (`as_stored`), otherwise the place in the pool
    """

    rank: int
    position: int
    label: str
    score: float
    member: bool
    picture: str | None
    cells: tuple[str, ...]


def exposed(record: Record) -> list[Exposed]:
    """Return the most exposed examples, largest score first; none where the record holds none."""
    arrays = record.exposed
    if not arrays:
        return []
    places = np.asarray(arrays["positions"])
    positions = record.arrays["pool_positions"][places] if as_stored(record) else places
    order = np.argsort(-arrays["scores"], kind="stable")[:SHOWN]
    pictures, rows = arrays.get("pictures"), arrays.get("rows")
    return [
        Exposed(
            rank=rank,
            position=int(positions[at]),
            label=words.classes(record.summary, int(arrays["labels"][at])),
            score=float(arrays["scores"][at]),
            member=bool(arrays["member"][at]),
            picture=None if pictures is None else data_uri(pictures[at]),
            cells=() if rows is None else tuple(f"{number:.4g}" for number in rows[at]),
        )
        for rank, at in enumerate(order, start=1)
    ]


def as_stored(record: Record) -> bool:
    """Say whether the record tells where its examples stand in the data set as stored; older ones know their place in the pool alone."""
    return "pool_positions" in record.arrays


def data_uri(pixels: npt.NDArray[np.uint8]) -> str:
    """Return a picture, [H, W] or [H, W, 3], as the data URI of a PNG."""
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
