"""Tables of mutants, one a room."""

from benchmarks.mutations import (
    attacks,
    audit,
    conversion,
    data,
    external,
    floor,
    instruments,
    models,
    pages,
    private,
    probes,
    record,
    statistics,
    training,
)

ROOMS = (attacks, statistics, probes, floor, training, audit, record, data, models, pages, private, instruments, external, conversion)
MUTANTS = tuple(mutant for room in ROOMS for mutant in room.MUTANTS)
"""Every mutant, room by room."""
