"""What now: steps that the record, or others beside it, support by a measurement; and, named as such, what nobody measured here.

Another record supports a step when it audits the same data, differs from this one in one thing, passed its controls, and the attack
that did best on the rehearsals of both has an interval wholly below this one's, widened for how many records there are. Two
networks are compared, not their kinds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from mia_audit.recipe import Recipe
from mia_audit.recipe.differing import LOOKING, WORDS, differing, fields
from mia_audit.record import AttackResult, Record, Summary
from mia_audit.report.answers import in_hundred
from mia_audit.report.numbers import count, decimal, interval_percent, percent, value_percent

NOT_ASKED = (*WORDS, *LOOKING, "training.checkpoints")
STORED_LABEL = "correctness"
CLAIM_LEVEL = 0.01
DP = "Training with differential privacy (DP-SGD)"
THINGS: tuple[tuple[str, str, str, str], ...] = (
    ("model.quantization", "Fewer bits", "More bits", "Other quantization"),
    ("training.epochs", "Earlier stopping", "Longer training", "Other epochs"),
    ("training.stop_epoch", "Earlier stopping", "Later stopping", "Another stopping epoch"),
    ("data.pool", "Less data", "More data", "Other data"),
    ("training.privacy", DP, DP, DP),
    ("training.weight_decay", "Less weight decay", "More weight decay", "Other weight decay"),
    ("training.label_smoothing", "Less label smoothing", "More label smoothing", "Other label smoothing"),
    ("data.augment", "Other augmentation", "Other augmentation", "Other augmentation"),
    ("model.dropout", "Less dropout", "More dropout", "Other dropout"),
    ("model.neuron", "Another neuron or surrogate", "Another neuron or surrogate", "Another neuron or surrogate"),
    ("model.time_steps", "Fewer time steps", "More time steps", "Other time steps"),
)
"""What targets differ in: the beginning of its fields' paths, and how it is called where all its numbers fall, rise, or neither."""
SEED = "training.seed"
UNTRIED = "Not measured here: fewer bits, earlier stopping, more data, training with differential privacy (DP-SGD)"


@dataclass(frozen=True, kw_only=True)
class Step:
    """Something to do, why, and what supports it: "this record", another record, or nothing measured."""

    act: str
    why: str
    support: str


@dataclass(frozen=True, kw_only=True)
class Beside:
    """Another record that differs in one thing, and the attack that both are compared by."""

    record: Record
    act: str
    here: AttackResult
    there: AttackResult


def steps(record: Record, others: Sequence[Record] = ()) -> list[Step]:
    """Return what to do next, best supported first."""
    summary = record.summary
    if not summary.sound:
        return [Step(act="Find the fault, then audit again", why="The failed check below says where to look.", support="this record")]
    if not (summary.leaks or summary.hints):
        return [_look_harder(summary)]
    found = [*_broken_claim(summary), *_of_others(summary, others), *_class_alone(summary), *_those_at_risk(summary), *_closely(summary)]
    again = [Step(act="Audit again with another seed", why="One narrow exception may be luck; several are not.", support="this record")]
    return [*([] if summary.leaks else again), *found, _untried(found)]


def _look_harder(summary: Summary) -> Step:
    if summary.powerless:
        return Step(
            act="Audit again with more comparison networks or other attacks",
            why="Examples planted many times were missed: this audit had no power.",
            support="this record",
        )
    unseen = f"below {decimal(100 * summary.power.auc, 0)} of 100 pairs" if summary.power.auc < 1 else "of any size"
    why = f"Nothing here asks for a change of the network. A leak {unseen} would probably have gone unseen."
    return Step(act="Audit again when network or data change, with more examples where you can", why=why, support="this record")


def _broken_claim(summary: Summary) -> Iterator[Step]:
    claimed = summary.epsilon and summary.epsilon.claimed
    if claimed and claimed.p_bound is not None and claimed.p_bound < CLAIM_LEVEL:
        why = f"This attack does better than it permits (p = {decimal(claimed.p_bound)}): look for a fault in how it was kept."
        yield Step(act=f"Do not rely on the privacy claim {claimed.text}", why=why, support="this record")


def _of_others(summary: Summary, others: Sequence[Record]) -> list[Step]:
    """Return the other records that leak less, the least leaking first, three at most."""
    beside = [found for other in others if (found := compared(summary, other)) is not None]
    less = [one for one in beside if _apart(one.there, one.here, len(beside))]
    less.sort(key=lambda one: one.there.auc.value or 0.0)
    return [
        Step(
            act=f"{one.act}: as in {one.record.summary.recipe.name}",
            why=f"There {one.there.name} points at the member {in_hundred(one.there.auc)}, here {in_hundred(one.here.auc)}; new data are "
            f"answered rightly {value_percent(one.record.summary.utility.test_accuracy)} of the time, here "
            f"{value_percent(summary.utility.test_accuracy)}. Two networks, not their kinds.",
            support=f"record {one.record.id[:8]}",
        )
        for one in less[:3]
    ]


def compared(summary: Summary, other: Record) -> Beside | None:
    """Return how another record differs, None where it says nothing about one change."""
    there = other.summary
    apart = changes(summary.recipe, there.recipe)
    things = {_thing(path)[0] for path in apart}
    grown = things == {"data.pool"} and summary.data.name == there.data.name
    if not there.sound or len(things) != 1 or SEED in things or not (grown or summary.data.sha256 == there.data.sha256):
        return None
    here_by, there_by = ({attack.name: attack for attack in one.attacks} for one in (summary, there))
    common = sorted(set(here_by) & set(there_by))
    best = max(common, key=lambda name: here_by[name].rehearsal_auc + there_by[name].rehearsal_auc, default=None)
    return None if best is None else Beside(record=other, act=_act(apart), here=here_by[best], there=there_by[best])


def changes(first: Recipe, second: Recipe) -> dict[str, tuple[Any, Any]]:
    """Return the fields in which two recipes differ, by path, with both values; None where one has no such field."""
    one, two = fields(first, NOT_ASKED), fields(second, NOT_ASKED)
    return {path: (one.get(path), two.get(path)) for path in differing((first, second), NOT_ASKED)}


def _class_alone(summary: Summary) -> Iterator[Step]:
    """Compare with whoever sees the class alone, where such attackers were tried who ask more than one question."""
    best = summary.strongest
    blind = [attack for attack in summary.attacks if attack.access == "labels" and attack.name != STORED_LABEL]
    if not blind or best.access == "labels":
        return
    strongest = max(blind, key=lambda attack: attack.rehearsal_auc)
    if strongest.auc.high < best.auc.low:
        why = f"The best of {len(blind)} attacks that see no more, {strongest.name}, points at the member {in_hundred(strongest.auc)}."
        yield Step(act="Give out the predicted class alone, no probabilities", why=why, support="this record")


def _those_at_risk(summary: Summary) -> Iterator[Step]:
    found = summary.vulnerable
    if found and found.at_risk:
        why = "The command mia-audit export lists them. Leaving them out may expose others: audit again."
        yield Step(act=f"Look first at the {count(found.at_risk)} examples that stand out", why=why, support="this record")


def _closely(summary: Summary) -> Iterator[Step]:
    gap = summary.utility.gap
    if gap.value is not None and gap.low > 0:
        more = f"by {percent(gap.value)} ({interval_percent(gap)})"
        why = f"It is right more often on members than on new data, {more}. Whether less helps is not measured."
        yield Step(act="Train less closely to the data, and audit that", why=why, support="this record")


def _untried(found: Sequence[Step]) -> Step:
    known = {step.act.split(":")[0].lower() for step in found}
    left = [name for name in UNTRIED.partition(": ")[2].split(", ") if not any(name.lower() == one for one in known)]
    why = "Audit such a network with the same seed, and draw this page with its record beside (mia-audit report THIS --beside OTHER)."
    return Step(act=f"Not measured here: {', '.join(left)}", why=why, support="nothing yet")


def _thing(path: str) -> tuple[str, str, str, str]:
    other = f"Other {path}"
    return next((thing for thing in THINGS if path.startswith(thing[0])), (path, other, other, other))


def _act(apart: Mapping[str, tuple[Any, Any]]) -> str:
    """Name a change by its direction, which is that of all its numbers."""
    _, fewer, more, other = _thing(next(iter(apart)))
    if not all(isinstance(told, int | float) for pair in apart.values() for told in pair):
        return other
    falls, rises = ([there < here for here, there in apart.values()], [there > here for here, there in apart.values()])
    return fewer if all(falls) else more if all(rises) else other


def _apart(less: AttackResult, more: AttackResult, looks: int) -> bool:
    """Say whether one AUC's interval lies wholly below another's, both widened from 95 % for how many pairs are looked at (Bonferroni)."""
    if less.auc.value is None or more.auc.value is None:
        return False
    normal = NormalDist()
    wider = normal.inv_cdf(1 - 0.025 / looks) / normal.inv_cdf(0.975)
    top = less.auc.value + wider * (less.auc.high - less.auc.value)
    return top < more.auc.value - wider * (more.auc.value - more.auc.low)
