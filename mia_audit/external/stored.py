"""A data set as a network from outside is given it: pictures from 0 to 1 with channels first, tables as they are stored, float32 tensors.

Positions count the training part as stored, from 0, and go on in the test part. Nothing is standardised: a network that wants it does it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mia_audit.data.checking import require_sound
from mia_audit.data.examples import Reading, read
from mia_audit.data.profiles import profile
from mia_audit.errors import RecipeError
from mia_audit.external import membership
from mia_audit.external.examples import Given
from mia_audit.external.recipe import Owned
from mia_audit.paths import expanded
from mia_audit.types import Bools, Ints

PARTS = ("train", "test")


@dataclass(frozen=True, kw_only=True)
class Known:
    """The examples, and who is a member and who is none of them, positions each."""

    given: Given
    members: Ints
    nonmembers: Ints


def known(owned: Owned, folder: Path, *, root: Path | None, offline: bool, progress: Callable[[str], None]) -> Known:
    """Return the data of a recipe; DataError or RecipeError where they, or the lists of members, are none."""
    beside = folder / owned.dataset
    dataset = str(beside) if os.path.lexists(beside) and "." in owned.dataset else owned.dataset
    card = profile(dataset)
    source = read(card, dataset, Reading(root=root, offline=offline, progress=progress))
    require_sound(source, card)
    splits = [source.train, *([source.test] if source.test is not None else [])]
    inputs, labels = [split.inputs for split in splits], np.concatenate([split.labels for split in splits]).astype(np.int64)
    first = len(inputs[0])
    white = np.float32(source.white)

    def batch(places: Ints) -> torch.Tensor:
        rows = np.stack([inputs[int(place >= first)][place - first * int(place >= first)] for place in places.tolist()])
        return torch.from_numpy((rows / white).astype(np.float32))

    member, used = _sides(owned, folder, first, labels.size)
    notes = ("Members and non-members are in different parts of the data set.",) if {owned.members, owned.nonmembers} & set(PARTS) else ()
    return Known(
        given=Given(size=labels.size, batch=batch, labels=labels, notes=notes),
        members=np.flatnonzero(member),
        nonmembers=np.flatnonzero(used & ~member),
    )


def _sides(owned: Owned, folder: Path, train: int, total: int) -> tuple[Bools, Bools]:
    """Return who is a member and who is on a side; words stand for whole parts, files are beside the recipe."""
    if owned.members == "train" and owned.nonmembers == "test":
        if total == train:
            raise RecipeError("[data]: nonmembers = 'test' needs a data set with a test part, got one without; name a file of positions")
        return np.arange(total) < train, np.ones(total, dtype=np.bool_)
    inside = folder / expanded(owned.members, "members")
    if owned.nonmembers == "test":
        member = np.zeros(total, dtype=np.bool_)
        member[[place for _, place in membership.positions(inside, train)]] = True
        return member, member | (np.arange(total) >= train)
    if owned.nonmembers == membership.REST:
        member, _ = membership.of_files(inside, membership.REST, train)
        rest = np.arange(total) < train
        return np.concatenate([member, np.zeros(total - train, dtype=np.bool_)]), rest
    return membership.of_files(inside, folder / expanded(owned.nonmembers, "nonmembers"), total)
