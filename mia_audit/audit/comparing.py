"""Records compared as variants: replicates are records that share data and coins, a variant is a recipe but for seed and fit.

Epochs and learning rate are no part of a variant: they are the points of its frontier in one replicate. Augmentation and the queries
are: an augmented and a plain recipe are no two fits of one. What only observes a training (checkpoints) or notes where a number came from
changes no model, and parts no variants.
"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mia_audit.audit.measuring import estimate
from mia_audit.record import Record, VariantComparison
from mia_audit.statistics.frontier import Frontier, common_accuracy, least_sign_p, paired, paired_p, sign_p
from mia_audit.statistics.nulltest import holm
from mia_audit.streams import stream

FIT = ("epochs", "learning_rate", "stop_epoch", "seed")
"""Fields of [training] that are points of a frontier, or the replicate."""
OBSERVED = ("stop_from", "checkpoints")
"""Fields of [training] that leave the trained model as it is."""
SIZES = ("pool", "population", "test")
"""Fields of [data] that the replicate tells: records of other sizes share no examples."""
QUERIES = ("queries", "augmented_queries")
"""Fields of [audit] that decide what a model is asked."""

Key = tuple[str, str]
Points = dict[Key, list[Record]]
"""Records by variant and replicate."""


def comparisons(records: Sequence[Record]) -> tuple[VariantComparison, ...]:
    """Return a comparison of every two variants that share two replicates or more, p corrected over all of them."""
    sound = [record for record in records if record.summary.sound]
    measure = common_measure(sound)
    if measure is None:
        return ()
    points: Points = {}
    names = names_apart(sound)
    for record in sound:
        points.setdefault((variant(record), replicate(record)), []).append(record)
    found = [one for pair in itertools.combinations(names, 2) if (one := _compare(pair, names, points, measure)) is not None]
    joint = holm([one.p for one in found]) if found else ()
    return tuple(one.model_copy(update={"p_holm": p}) for one, p in zip(found, joint, strict=True))


def variant(record: Record) -> str:
    """Return what makes a record's variant, as text: its settings."""
    return repr(settings(record))


def settings(record: Record) -> dict[str, Any]:
    """Return what makes a record's variant, by dotted path: data, model, training and queries, but for seed, fit and what only observes."""
    recipe = record.summary.recipe
    tables = {
        "data": recipe.data.model_dump(exclude=set(SIZES)),
        "model": recipe.model.model_dump(),
        "training": recipe.training.model_dump(exclude={*FIT, *OBSERVED}),
        "audit": recipe.audit.model_dump(include=set(QUERIES)),
    }
    return dict(_leaves(tables))


def names_apart(records: Sequence[Record]) -> dict[str, str]:
    """Return a name for each variant: its recipe's, with the settings that tell it from others of that name."""
    called = {variant(record): (record.summary.recipe.name, settings(record)) for record in reversed(records)}
    found = {}
    for key in dict.fromkeys(map(variant, records)):
        name, own = called[key]
        others = [other for again, other in called.values() if again == name]
        apart = [path for path in own if any(other.get(path) != own[path] for other in others)]
        told = ", ".join(f"{path} = {_written(own[path])}" for path in apart)
        found[key] = f"{name} ({told})" if told else name
    return found


def replicate(record: Record) -> str:
    """Return what two records of one replicate share: the examples, and every model's coins."""
    rows = np.packbits(record.arrays["membership"]).tobytes()
    return hashlib.sha256(record.summary.data.sha256.encode() + rows).hexdigest()


def common_measure(records: Sequence[Record]) -> str | None:
    """Return the attack that all records ran and that did best on their shadow models; None where there is none."""
    if not records:
        return None
    common = set.intersection(*({attack.name for attack in record.summary.attacks} for record in records))
    return max(sorted(common), key=lambda name: sum(_rehearsed(record, name) for record in records), default=None)


def _compare(pair: tuple[str, str], names: dict[str, str], points: Points, measure: str) -> VariantComparison | None:
    shared = sorted({place for own, place in points if own == pair[0]} & {place for own, place in points if own == pair[1]})
    if len(shared) < 2:
        return None
    sides = [[_frontier(points[own, place], measure) for place in shared] for own in pair]
    accuracy = common_accuracy([*sides[0], *sides[1]])
    leaks = [[float(one.leak.mean()) if accuracy is None else one.at(accuracy) for one in side] for side in sides]
    differences = np.array(leaks[0]) - np.array(leaks[1])
    p = paired_p(differences)
    apart = float(np.mean([one.accuracy.mean() - two.accuracy.mean() for one, two in zip(*sides, strict=True)]))
    return VariantComparison(
        first=names[pair[0]], second=names[pair[1]], measure=measure, replicates=len(shared), accuracy=accuracy,
        apart=apart, difference=estimate(paired(differences)), p=p, p_holm=p,
        p_sign=sign_p(differences, stream(0, "signs of replicates")), p_sign_least=least_sign_p(len(shared)),
    )  # fmt: skip


def _frontier(records: Sequence[Record], measure: str) -> Frontier:
    """Return the points of one variant in one replicate: mean test accuracy of the population, and AUC on the rehearsals and target.

    The mean over target and rehearsals stands for the population rather than for one network.
    """
    return Frontier(
        accuracy=np.array([record.summary.utility.shadow_test_accuracy_mean for record in records]),
        leak=np.array([_leak(record, measure) for record in records]),
    )


def _leak(record: Record, measure: str) -> float:
    attack = next(one for one in record.summary.attacks if one.name == measure)
    rehearsals = record.summary.counts.rehearsals
    return ((attack.auc.value or 0.0) + rehearsals * attack.rehearsal_auc) / (1 + rehearsals)


def _rehearsed(record: Record, name: str) -> float:
    return next(one.rehearsal_auc for one in record.summary.attacks if one.name == name)


def _leaves(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _written(value: Any) -> str:
    return "[" + ", ".join(map(str, value)) + "]" if isinstance(value, tuple | list) else str(value)
