"""Attacks at work: every attack on the target, on the phantom target, and on shadow models that rehearse the target's part.

Rehearsals are where everything is chosen: the strongest attack for the headline, and the threshold of each. Coins are
independent, so a shadow model is a fair stand-in for the target, with the others as its shadow models (design rule 2).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed

from mia_audit.attacks import Attack
from mia_audit.types import Bools, Evidence, Floats, Ints

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


def attack_all(attacks: Sequence[Attack], bank: Floats, trained_on: Bools, labels: Ints, workers: int) -> tuple[Scores, ...]:
    """Score with every attack.

    bank        logits [2 + S, queries, A, classes]: the target, the phantom target, the shadow models
    trained_on  shadow membership [S, A]
    """
    target = Evidence(target=bank[0], shadows=bank[2:], trained_on=trained_on, labels=labels)
    phantom = Evidence(target=bank[1], shadows=bank[2:], trained_on=trained_on, labels=labels)
    parts = [target, phantom, *(target.against_shadow(index) for index in range(rehearsals(len(trained_on))))]
    jobs = [delayed(_score)(attack, part) for attack in attacks for part in parts]
    flat: list[Floats] = list(Parallel(n_jobs=workers, prefer="threads")(jobs))  # pyright: ignore[reportAssignmentType]
    rows = [flat[start : start + len(parts)] for start in range(0, len(flat), len(parts))]
    return tuple(Scores(target=row[0], phantom=row[1], rehearsals=np.stack(row[2:])) for row in rows)


def _score(attack: Attack, seen: Evidence) -> Floats:
    return attack.score(seen)
