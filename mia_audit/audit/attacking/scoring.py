"""Attacks at work: every attack on the target, on the phantom target, and on shadow models that rehearse the target's part.

Rehearsals are where everything is chosen: the strongest attack for the headline, and the threshold of each. Coins are
independent, so a shadow model is a fair stand-in for the target, with the others as its shadow models (docs/method.md, rule 2).

An example counts in a rehearsal when the *other* shadow models suffice to judge it. Whether all of them together suffice hangs on the
rehearsing model's own coin: with that choice the null AUC of a likelihood ratio was .4725 with 10 shadow models.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed

from mia_audit.attacks import Attack
from mia_audit.attacks.budget import judged
from mia_audit.types import Bools, Evidence, Floats

REHEARSALS = 4


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One attack's scores over the audited examples: target and phantom [A], rehearsals [R, A] (0 where an example does not count)."""

    target: Floats
    phantom: Floats
    rehearsals: Floats


def rehearsals(shadows: int) -> int:
    """Return how many shadow models rehearse: four, or all but one where there are fewer."""
    return min(REHEARSALS, shadows - 1)


def needed(attacks: Sequence[Attack]) -> int:
    """Return how many models a side the others must have for an example to count: one more than the neediest attack asks for.

    The audited examples have so many among all shadow models; that the others have them makes the coin in question indifferent.
    """
    most = max((attack.shadows_per_side for attack in attacks), default=0)
    return most + 1 if most else 0


def judged_by_others(trained_on: Bools, model: int, need: int) -> Bools:
    """Return which examples the shadow models [S, A] beside this one suffice for, so many a side; its own row is not looked at."""
    return judged(np.delete(trained_on, model, axis=0), need) if need else np.ones(trained_on.shape[1], dtype=np.bool_)


def counted(attacks: Sequence[Attack], trained_on: Bools) -> Bools:
    """Return which of the audited examples count in each rehearsal, [R, A]."""
    need = needed(attacks)
    return np.stack([judged_by_others(trained_on, model, need) for model in range(rehearsals(len(trained_on)))])


def attack_all(attacks: Sequence[Attack], target: Evidence, phantom: Evidence, workers: int) -> tuple[Scores, ...]:
    """Score with every attack: the target, the phantom target, and each rehearsing shadow model, one after the other.

    One at a time, since a rehearsal copies the shadow models' answers.
    """
    masks = counted(attacks, target.trained_on)
    parts = itertools.chain([target, phantom], (rehearsal(target, model, can) for model, can in enumerate(masks)))
    columns = [_scores(attacks, part, workers) for part in parts]
    rows = zip(*columns, strict=True)
    return tuple(Scores(target=row[0], phantom=row[1], rehearsals=_spread(row[2:], masks)) for row in rows)


def rehearsal(target: Evidence, model: int, can: Bools) -> Evidence:
    """Return what an attack sees when a shadow model takes the target's part, on the examples that count."""
    return target.against_shadow(model).only(can)


def _spread(scores: Sequence[Floats], masks: Bools) -> Floats:
    """Return scores of those that count at their places, [R, A]."""
    found = np.zeros(masks.shape, dtype=np.result_type(*scores))
    for row, can, own in zip(found, masks, scores, strict=True):
        row[can] = own
    return found


def _scores(attacks: Sequence[Attack], seen: Evidence, workers: int) -> list[Floats]:
    jobs = [delayed(_score)(attack, seen) for attack in attacks]
    return list(Parallel(n_jobs=workers, prefer="threads")(jobs))  # pyright: ignore[reportReturnType]


def _score(attack: Attack, seen: Evidence) -> Floats:
    return attack.score(seen)
