"""Which records speak of one population: those whose targets share their coins on pools that overlap.

Nothing else counts. Records that differ in the size of the pool, in who stands outside it, in the number of shadow models or in the order
of the examples meet the same chance again: their target was dealt the same members. Counting them as replicates would take one draw for
many. A seed alone tells nothing: what was dealt does.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from mia_audit.data.design import TARGET
from mia_audit.record import Record
from mia_audit.types import Bools, Ints

FAR = 5.0
"""Standard errors off independence from which two rows of coins are dependent: independent ones are so once in two million pairs."""
MUCH = 0.5
"""Share of the smaller pool on which equal coins are the same coins, where pools are too small for `FAR`."""


def replicates(records: Sequence[Record]) -> tuple[int, ...]:
    """Return the number of each record's replicate, from 0 in the order of their first records."""
    dealt = [_dealt(record) for record in records]
    keys = dict(zip(dealt, records, strict=True))
    group = {key: {key} for key in keys}
    names = list(keys)
    for number, one in enumerate(names):
        for other in names[:number]:
            if group[one] is not group[other] and share_coins(keys[one], keys[other]):
                joined = group[one] | group[other]
                group |= dict.fromkeys(joined, joined)
    numbers: dict[int, int] = {}
    return tuple(numbers.setdefault(id(group[key]), len(numbers)) for key in dealt)


def design(record: Record) -> str:
    """Return what records must share to be compared example by example: all data, and every model's coins."""
    rows = np.packbits(record.arrays["membership"]).tobytes()
    return hashlib.sha256(f"{record.summary.data.sha256}{record.arrays['membership'].shape}".encode() + rows).hexdigest()


def share_coins(one: Record, other: Record) -> bool:
    """Say whether two targets' coins depend on one another where their pools overlap: equal, turned round, or nested."""
    if one.summary.data.sha256 != other.summary.data.sha256 and one.summary.data.name != other.summary.data.name:
        return False
    first, second = _overlap(one, other)
    if not first.size:
        return False
    smaller = min(one.arrays["labels"].size, other.arrays["labels"].size)
    agreeing = first == second
    if first.size >= MUCH * smaller and (agreeing.all() or not agreeing.any()):
        return True
    expected = first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean())
    error = np.sqrt(expected * (1 - expected) / first.size)
    return bool(abs(agreeing.mean() - expected) > FAR * error)


def _overlap(one: Record, other: Record) -> tuple[Bools, Bools]:
    """Return both targets' coins on the examples that both pools hold; by the place in the pool where a record tells no positions."""
    first, second = one.arrays["membership"][TARGET], other.arrays["membership"][TARGET]
    if "pool_positions" in one.arrays and "pool_positions" in other.arrays:
        places: tuple[Ints, Ints, Ints] = np.intersect1d(one.arrays["pool_positions"], other.arrays["pool_positions"], return_indices=True)
        return first[places[1]], second[places[2]]
    shared = min(first.size, second.size)
    return first[:shared], second[:shared]


def _dealt(record: Record) -> str:
    """Return a digest of the data set's name, the pool and the target's coins: records that share it need no closer look."""
    coins = record.arrays["membership"][TARGET]
    places = record.arrays.get("pool_positions", np.empty(0, dtype=np.int64)).astype("<i8")
    facts = record.summary.data
    state = hashlib.sha256(f"{facts.name}\0{facts.sha256 if not places.size else ''}\0{coins.size}\0".encode())
    state.update(places.tobytes())
    state.update(np.packbits(coins).tobytes())
    return state.hexdigest()
