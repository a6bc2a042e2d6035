"""Records compared as variants: a replicate is a population, known by its target's coins, a variant a recipe but for seed and fit.

Epochs and learning rate are no part of a variant: they are the points of its frontier in one replicate. Every other field of the
recipe is, unless `mia_audit.recipe.differing` says that it changes no model and no answer.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mia_audit.audit.attacking.measuring import estimate
from mia_audit.audit.comparing import networks
from mia_audit.audit.comparing.replicates import design, replicates
from mia_audit.recipe.describing import told_apart
from mia_audit.recipe.differing import NOT_A_VARIANT, fields
from mia_audit.record import Record, VariantComparison
from mia_audit.record.compared import Compared
from mia_audit.statistics.frontier import Frontier, common_accuracy, least_sign_p, paired, paired_p, sign_p, varies
from mia_audit.statistics.nulltest import holm
from mia_audit.streams import stream

MOST_TOLD = 5
"""Reasons that are told one by one."""

Points = dict[int, dict[str, list[Record]]]
"""One variant's records, by replicate and design."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A recipe but for seed and fit: its name on the page, and its records."""

    name: str
    points: Points

    @property
    def records(self) -> int:
        """How many records there are of it."""
        return sum(len(each) for designs in self.points.values() for each in designs.values())


def compare(records: Sequence[Record]) -> Compared:
    """Compare every two variants that share two replicates or more; single networks where no two do. Say what was not compared, and why.

    A record that is given twice counts once. All p-values of what is compared are corrected together (Holm).
    """
    different = list({record.id: record for record in records}.values())
    sound = [record for record in different if record.summary.sound]
    failed = len(different) - len(sound)
    silent = [f"{_records(failed)} failed a control and {'is' if failed == 1 else 'are'} compared with nothing."] if failed else []
    measure = common_measure(sound)
    if measure is None:
        return Compared(
            silent=(*silent, *(["No attack was run on all of these records: audit them with the same suite."] if sound else []))
        )
    found, reasons = _pairs(variants(sound), measure)
    alone = () if found else networks.compared(sound, measure)
    return Compared(variants=found, networks=alone, silent=(*silent, *reasons))


def variants(records: Sequence[Record]) -> tuple[Variant, ...]:
    """Return the records by variant, replicate and design."""
    found: dict[str, Points] = {}
    for record, number in zip(records, replicates(records), strict=True):
        found.setdefault(variant(record), {}).setdefault(number, {}).setdefault(design(record), []).append(record)
    names = names_apart(records)
    return tuple(Variant(name=names[own], points=points) for own, points in found.items())


def names_apart(records: Sequence[Record]) -> dict[str, str]:
    """Return a name for each variant: its recipe in words, with the settings that tell it from others of those words."""
    first = {variant(record): record.summary.recipe for record in reversed(records)}
    own = list(dict.fromkeys(map(variant, records)))
    return dict(zip(own, told_apart([first[each] for each in own], NOT_A_VARIANT), strict=True))


def variant(record: Record) -> str:
    """Return what makes a record's variant, as text: every field but for seed, fit and what changes no model and no answer."""
    return repr(sorted(fields(record.summary.recipe, NOT_A_VARIANT).items()))


def common_measure(records: Sequence[Record]) -> str | None:
    """Return the attack that all records ran and that did best on their shadow models; None where there is none."""
    if not records:
        return None
    common = set.intersection(*({attack.name for attack in record.summary.attacks} for record in records))
    return max(sorted(common), key=lambda name: sum(_rehearsed(record, name) for record in records), default=None)


def _pairs(known: Sequence[Variant], measure: str) -> tuple[tuple[VariantComparison, ...], tuple[str, ...]]:
    if len(known) < 2:
        return (), ("All records are of one variant: there is nothing to compare it with.",) if known else ()
    tried = [_compare(one, other, measure) for one, other in itertools.combinations(known, 2)]
    found = [one for one in tried if isinstance(one, VariantComparison)]
    joint = holm([one.p for one in found]) if found else ()
    corrected = tuple(one.model_copy(update={"p_holm": p}) for one, p in zip(found, joint, strict=True))
    return corrected, _shortened([reason for reason in tried if isinstance(reason, str)])


def _compare(one: Variant, other: Variant, measure: str) -> VariantComparison | str:
    """Return the comparison of two variants, or why there is none."""
    shared = [(number, sorted(one.points[number].keys() & other.points.get(number, {}).keys())) for number in one.points]
    shared = [(number, designs) for number, designs in shared if designs]
    if len(shared) < 2:
        return _too_few(one, other, len(shared))
    sides = [[[_frontier(side.points[number][each], measure) for each in designs] for number, designs in shared] for side in (one, other)]
    accuracy = common_accuracy([frontier for side in sides for designs in side for frontier in designs])
    leaks = [np.array([_read(designs, accuracy) for designs in side]) for side in sides]
    differences = leaks[0] - leaks[1]
    if not varies(differences):
        return (
            f"{one.name} and {other.name} were not compared: their AUCs differ by the same in all {len(shared)} replicates "
            f"({differences[0]:.3f}), so nothing tells how much that varies."
        )
    p = paired_p(differences)
    at = [np.mean([frontier.accuracy.mean() for designs in side for frontier in designs]) for side in sides]
    return VariantComparison(
        first=one.name, second=other.name, measure=measure, replicates=len(shared), accuracy=accuracy,
        apart=float(at[0] - at[1]), difference=estimate(paired(differences)), p=p, p_holm=p,
        p_sign=sign_p(differences, stream(0, "signs of replicates")), p_sign_least=least_sign_p(len(shared)),
    )  # fmt: skip


def _read(designs: Iterable[Frontier], accuracy: float | None) -> float:
    """Return a variant's leak in one replicate: the mean over designs, which are no replicates of one another."""
    return float(np.mean([float(one.leak.mean()) if accuracy is None else one.at(accuracy) for one in designs]))


def _too_few(one: Variant, other: Variant, shared: int) -> str:
    """Say why two variants are not compared."""
    both = len(one.points.keys() & other.points.keys())
    if len(one.points.keys() | other.points.keys()) == 1:
        why = (
            f"their {_records(one.records + other.records)} are one replicate, since they share the target's coins on the same pool, "
            "whatever else they differ in"
        )
    elif both > shared:
        why = f"they share {_number(both, 'replicate')}, but the same examples and the same shadow models in {shared or 'none'} of them"
    else:
        why = f"they share {_number(shared, 'replicate')}"
    return f"{one.name} and {other.name} were not compared: {why}. Two replicates give an interval, five a claim: audit on other seeds."


def _shortened(reasons: Sequence[str]) -> tuple[str, ...]:
    rest = len(reasons) - MOST_TOLD
    return (
        *reasons[:MOST_TOLD],
        *([f"{_number(rest, 'more pair')} {'was' if rest == 1 else 'were'} not compared either."] if rest > 0 else []),
    )


def _frontier(records: Sequence[Record], measure: str) -> Frontier:
    """Return the points of one variant in one design: mean test accuracy of the population, and AUC on the rehearsals and target.

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


def _records(number: int) -> str:
    return _number(number, "record")


def _number(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'s' * (number != 1)}"
