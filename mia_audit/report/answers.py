"""The first screen: what a reader asks who has half a minute, answered in plain words, from the record alone.

No abbreviation stands here. A number that the data cannot resolve is said as a limit, every other with its interval.
"""

import math
from dataclasses import dataclass

from mia_audit.record import Estimate, Precision, RateAtFPR, Record, Summary
from mia_audit.record.summary import POWER_CONTROL
from mia_audit.report.numbers import count, decimal, percent
from mia_audit.report.words import access_in_words, unlearnt

BELOW = ("Left out for lack of", "Too few non-members were audited for a TPR")
"""Warnings that change no reading of the first screen: it says limits as limits, and what was not run is not in it."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A question, the answer in a few words, and what stands behind it."""

    question: str
    short: str
    said: tuple[str, ...]


def answers(record: Record) -> list[Answer]:
    """Return the questions of the first screen with their answers; those about size are silent where a control failed."""
    summary = record.summary
    found = [does_it_leak(summary)]
    if summary.sound:
        found += [how_much(summary), who(summary)]
    return [*found, how_sure(summary)]


def does_it_leak(summary: Summary) -> Answer:
    """Say it in a word and a sentence. It never says that nothing leaks."""
    if not summary.sound:
        failed = [control.name for control in summary.controls if control.passed is False and control.name != POWER_CONTROL]
        short, said = "This audit cannot tell", f"A test of the audit itself failed ({', '.join(failed)}). Do not rely on it."
    elif summary.leaks:
        short, said = "Yes", f"By what the network gives out ({_seen(summary)}), members are told from others better than by guessing."
    elif summary.hints:
        short, said = "Perhaps", "The one number that decides is no better than guessing, but others lie off what guessing would give."
    elif summary.powerless:
        short, said = "Not found, which says little", "The attack missed even examples that had been planted many times."
    else:
        short, said = "Not as far as was tried", "No attack did better than guessing. That is no proof that nothing leaks."
    return Answer(
        question="Does it leak who was in its training data?", short=short, said=(said, *(unlearnt(summary) if summary.sound else ()))
    )


def how_much(summary: Summary) -> Answer:
    """Say it as people: of one member and one other; of so many members and as many others."""
    best = summary.strongest
    short = "Unknown" if best.auc.value is None else f"{_pairs(best.auc.value)} of 100 pairs told rightly"
    pair = f"Shown one member and one other, the attack points at the member {in_hundred(best.auc)}; guessing: 50."
    rate = strictest(best.tpr_at_fpr)
    return Answer(question="How much?", short=short, said=(pair, *([] if rate is None else [as_people(rate)])))


def who(summary: Summary) -> Answer:
    """Say who stands out, and whom an attacker could name."""
    short, said = _at_risk(summary)
    named = summary.named
    if named is not None:
        rate = f"at most {round(100 * named.rate)} in 100 names expected wrong"
        someone = f"{count(named.names)} examples, {count(named.right)} of them rightly" if named.names else "nobody"
        said = [*said, f"With {rate}, the attack could name {someone}."]
    return Answer(question="Who?", short=short, said=(*said, *_parts(summary)))


def how_sure(summary: Summary) -> Answer:
    """Say how the audit checked itself, on how much it rests, and what it would have seen."""
    failed = [control.name for control in summary.controls if control.passed is False]
    idle = [control.name for control in summary.controls if control.passed is None]
    passed = len(summary.controls) - len(failed) - len(idle)
    could_run = " that could run" if idle else ""
    short = f"{passed} of the {passed + len(failed)} checks{could_run} passed" if passed + len(failed) else "The audit did not check itself"
    counts = summary.counts
    tried = f"{count(counts.audited_members)} members and {count(counts.audited_nonmembers)} others"
    said = [f"Tried on {tried}; ranges hold in 95 of 100 audits."]
    if not summary.leaks and summary.power.auc < 1:
        said.append(f"A leak of {_pairs(summary.power.auc)} of 100 pairs or more would have been seen in four of five audits.")
    elif not summary.leaks:
        said.append("No leak, however large, would have been seen in four of five audits: too few were tried.")
    if summary.kind is not None and summary.sound:
        mean = in_hundred(summary.kind.mean_auc, "of 100 pairs")
        said.append(f"Over {count(summary.kind.turns)} networks of this kind the mean is {mean}.")
    if idle:
        said.append(f"Not run: {', '.join(idle)}.")
    return Answer(question="How sure is that?", short=short, said=tuple(said))


def strictest(rates: tuple[RateAtFPR, ...]) -> RateAtFPR | None:
    """Return the rate of an attacker who may accuse one other in a hundred, or the strictest above it; None where none was measured."""
    return min((rate for rate in rates if rate.fpr >= 0.01), key=lambda rate: rate.fpr, default=None)


def as_people(rate: RateAtFPR) -> str:
    """Say a true positive rate at a false positive rate as people; a limit is said of the data, rounded up, so that it stays one."""
    allowed, tpr = round(100 * rate.fpr), rate.tpr
    accusations = "one false accusation" if allowed == 1 else f"{allowed} false accusations"
    guess = f"a guesser {'one' if allowed == 1 else allowed}"
    if tpr.value is None:
        limit = math.ceil(100 * tpr.high - 1e-9)
        return f"How many of 100 members it names with {accusations} among 100 others is not known: {limit + 1} or more are ruled out."
    within = ", no more than luck explains" if tpr.low <= rate.fpr else ""
    return (
        f"Of 100 members and 100 others, an attacker allowed {accusations} names {_people(tpr.value)} members on average "
        f"({_people(tpr.low)} to {_people(tpr.high)}){within}; {guess}."
    )


def in_hundred(estimate: Estimate, unit: str = "times out of 100") -> str:
    """Say a share as so many in a hundred with its interval; a limit as a limit."""
    if estimate.value is None:
        return f"at most {math.ceil(100 * estimate.high - 1e-9)} {unit}"
    return f"{_pairs(estimate.value)} {unit} ({_pairs(estimate.low)} to {_pairs(estimate.high)})"


def prior_in_words(one: Precision) -> str:
    """Say what share of those asked about are members."""
    return f"{count(round(100 * one.prior))} in 100"


def right_in_words(estimate: Estimate) -> str:
    """Say how often a name is right, with its interval; where nobody was named there is nothing to say."""
    return "nobody was named" if estimate.value is None else percent(estimate.value)


def grave(summary: Summary) -> list[str]:
    """Return what changes how the first screen is read: a network that learnt nothing, and warnings, unknown ones among them."""
    learnt = unlearnt(summary) if summary.sound else []
    return [*learnt, *(warning for warning in summary.warnings if not warning.startswith(BELOW))]


def slight(summary: Summary) -> list[str]:
    """Return the other warnings."""
    return [warning for warning in summary.warnings if warning.startswith(BELOW)]


def _seen(summary: Summary) -> str:
    return access_in_words(summary.strongest.access) or summary.strongest.access


def _at_risk(summary: Summary) -> tuple[str, list[str]]:
    found = summary.vulnerable
    if found is None:
        return "Not looked at", ["This record does not look at single examples."]
    if found.smallest_p > found.rate / max(1, found.tested):
        return "Not known", [f"The {count(found.models)} networks trained here cannot single out one of {count(found.tested)} examples."]
    if not found.at_risk:
        return "Nobody stands out", [f"None of {count(found.tested)} examples is given away by every network of this kind."]
    wrong = max(1, round(100 * found.rate))
    return (
        f"{count(found.at_risk)} of {count(found.tested)} examples stand out",
        [f"Any network of this kind gives them away; about {wrong} in 100 on that list are there by luck."],
    )


def _parts(summary: Summary) -> list[str]:
    parts = [one for one in summary.slices if one.auc is not None]
    above = [one for one in parts if one.auc is not None and one.auc.low > 0.5]
    if not above:
        return []
    unlike = any(one.p_alike is not None and one.p_alike < 0.05 for one in above)
    named = ", ".join(f"{one.by} {one.name}" for one in above[:3]) + (" and others" if len(above) > 3 else "")
    differ = "." if unlike else "; that the others leak less is not shown."
    return [f"Taken alone, {len(above)} of {len(parts)} parts of the data leak ({named}){differ}"]


def _pairs(share: float) -> str:
    return decimal(100 * share, 0)


def _people(share: float) -> str:
    return decimal(100 * share, 0 if share >= 0.0995 or share == 0 else 1)
