"""A record for a page that may be passed on: without what tells who was in the training data.

The seed gives the target's members to whoever has the data, and so does everything that the seed can be found by: the data's
fingerprint is over the examples in the order in which the seed dealt them. The other numbers follow from the seed too, but only by
training again for every seed that is tried; so a seed has to be one that nobody guesses.
"""

from dataclasses import replace
from pathlib import PurePath
from typing import Any

from mia_audit.record import Record, Summary

LEFT_OUT = "left out"
KEPT = ("versions", "machine", "python", "date", "title", "organisation", "contact")
"""What a shared page tells of the run; the command is not among it, since it names the seed, paths and settings."""
GUESSED_BELOW = 2**48
"""Seeds below this can be tried one after another."""

NOTE = (
    "This page was made to be passed on. Left out: the seed, the command, the data's fingerprint, who was a member, positions, pictures, "
    "rows and classes of exposed examples. Parts of the data keep their names and sizes. The numbers follow from the seed, so that it has "
    "to be one that nobody guesses. The record itself holds all of it: keep that as you keep the training data."
)


def shared(record: Record) -> Record:
    """Return a record to draw a page from that may be passed on; it keeps its id, and is no record to be written."""
    summary = record.summary
    training = summary.recipe.training.model_copy(update={"seed": 0})
    data = summary.recipe.data.model_copy(update={"dataset": PurePath(summary.recipe.data.dataset).name})  # of a path, no folders
    told = {
        "recipe": summary.recipe.model_copy(update={"training": training, "data": data}),
        "data": summary.data.model_copy(update={"sha256": LEFT_OUT}),
    }
    run: dict[str, Any] = {name: value for name, value in record.run.items() if name in KEPT}
    arrays = {name: values for name, values in record.arrays.items() if name != "pool_positions"}
    return replace(
        record, summary=summary.model_copy(update=told), arrays=arrays, run={**run, LEFT_OUT: True}, exposed={}, known_as=record.id
    )


def is_shared(record: Record) -> bool:
    """Whether a record was made to be passed on."""
    return bool(record.run.get(LEFT_OUT))


def guessable(summary: Summary) -> bool:
    """Whether a record's seed is one that can be found by trying."""
    return summary.recipe.training.seed < GUESSED_BELOW
