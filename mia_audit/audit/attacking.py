"""Attacks at work: every attack on the target, on the phantom target, and on shadow models that rehearse the target's part.

Rehearsals are where everything is chosen: the strongest attack for the headline, and the threshold of each. Coins are
independent, so a shadow model is a fair stand-in for the target, with the others as its shadow models (design rule 2).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed

from mia_audit.attacks import Attack
from mia_audit.types import Evidence, Floats

REHEARSALS = 4


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One attack's scores over the audited examples: target and phantom [A], rehearsals [R, A]."""

    target: Floats
    phantom: Floats
    rehearsals: Floats


def rehearsals(shadows: int) -> int:
    """Return how many shadow models rehearse: four, or all but one where there are fewer."""
    return min(REHEARSALS, shadows - 1)


def attack_all(attacks: Sequence[Attack], target: Evidence, phantom: Evidence, workers: int) -> tuple[Scores, ...]:
    """Score with every attack: the target, the phantom target, and each rehearsing shadow model, one after the other.

    One at a time, since a rehearsal copies the shadow models' answers.
    """
    parts = itertools.chain([target, phantom], (target.against_shadow(index) for index in range(rehearsals(len(target.shadows)))))
    columns = [_scores(attacks, part, workers) for part in parts]
    rows = zip(*columns, strict=True)
    return tuple(Scores(target=row[0], phantom=row[1], rehearsals=np.stack(row[2:])) for row in rows)


def _scores(attacks: Sequence[Attack], seen: Evidence, workers: int) -> list[Floats]:
    jobs = [delayed(_score)(attack, seen) for attack in attacks]
    return list(Parallel(n_jobs=workers, prefer="threads")(jobs))  # pyright: ignore[reportReturnType]


def _score(attack: Attack, seen: Evidence) -> Floats:
    return attack.score(seen)
