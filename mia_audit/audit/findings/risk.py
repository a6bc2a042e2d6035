"""Who is at risk: examples that every network of the kind gives away, parts of the data, probabilities, and whom an attacker names."""

from collections.abc import Sequence

import numpy as np

from mia_audit.arrays import Arrays
from mia_audit.audit.attacking.measuring import Truth, estimate
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.data import design
from mia_audit.record import Calibration, CalibrationStep, Named, Precision, Record, SliceResult, Strict, Vulnerable
from mia_audit.statistics.calibration import brier, calibrate, named
from mia_audit.statistics.precision import precision, strict_threshold
from mia_audit.statistics.proportions import Share, accuracy, rates_above
from mia_audit.statistics.rates import FEWEST_FALSE_POSITIVES
from mia_audit.statistics.slices import Grouping, all_slices, differ
from mia_audit.statistics.vulnerability import Vulnerability, smallest_p, vulnerability
from mia_audit.types import Bools, Floats

RATE = 0.05
NAMED_RATE = 0.1
STRICT_FPR = 0.01
PRIORS = (0.5, 0.1, 0.01)
STEPS = np.array([0.0, 0.2, 0.35, 0.45, 0.55, 0.65, 0.8, 1.0])


def at_risk(signal: Floats, rows: Bools) -> tuple[Vulnerable, Arrays]:
    """Return how many examples of the pool are at risk, and the arrays behind it; signal and rows are [models, pool]."""
    found = vulnerability(signal, rows)
    return vulnerable(found, rows), {
        "signal": signal,
        "vulnerability/auc": found.auc,
        "vulnerability/p": found.p,
        "vulnerability/q": found.q,
        "vulnerability/resolved": found.resolved,
    }


def vulnerable(found: Vulnerability, rows: Bools) -> Vulnerable:
    """Return the counts of a test of every example."""
    known = found.auc[found.resolved]
    return Vulnerable(
        models=len(rows),
        tested=int(found.resolved.sum()),
        unresolved=int((~found.resolved).sum()),
        rate=RATE,
        at_risk=int((found.q[found.resolved] <= RATE).sum()),
        smallest_p=smallest_p(rows),
        least_q=float(found.q.min()),
        auc_deciles=tuple(float(part) for part in np.quantile(known, np.linspace(0, 1, 11))) if known.size else (),
    )


def parts(groupings: Sequence[Grouping], scores: Floats, member: Bools) -> tuple[SliceResult, ...]:
    """Return the attack on each part of the examples, corrected for how many there are over all groupings."""
    return tuple(
        SliceResult(
            by=grouping.by,
            name=one.name,
            members=one.members,
            nonmembers=one.nonmembers,
            auc=None if one.auc is None else estimate(one.auc),
            p=one.p,
            p_holm=one.p_holm,
            p_alike=alike,
        )
        for grouping, found in zip(groupings, all_slices(scores, member, groupings), strict=True)
        for alike in [differ(scores, member, grouping.groups) if sum(one.auc is not None for one in found) > 1 else None]
        for one in found
    )


def probabilities(scores: Scores, truth: Truth) -> tuple[Calibration, Arrays]:
    """Return how well the scores, as probabilities fitted on rehearsals, tell the target's members; and each example's."""
    found = calibrate(*truth.pooled(scores.rehearsals))(scores.target)
    step = np.clip(np.searchsorted(STEPS, found, side="right") - 1, 0, STEPS.size - 2)
    share = truth.target.mean()
    told = Calibration(
        steps=tuple(_step(number, found[step == number], truth.target[step == number]) for number in np.unique(step)),
        brier=brier(found, truth.target),
        coin=float(share * (1 - share)),
    )
    return told, {"probability": found}


def names(scores: Scores, truth: Truth) -> tuple[Named, Arrays]:
    """Return how many an attacker could name with few wrong names; and of each example whether it is named."""
    rehearsed, member = truth.pooled(scores.rehearsals)
    chosen = named(scores.target, rehearsed[~member], NAMED_RATE)
    return Named(rate=NAMED_RATE, names=int(chosen.sum()), right=int((chosen & truth.target).sum())), {"named": chosen}


def strict(scores: Scores, truth: Truth) -> Strict | None:
    """Return what a careful attacker's names are worth; the bar accuses 1 % of non-members, more where that is not resolved.

    None where nothing below 100 % is resolved.
    """
    fpr = max(STRICT_FPR, FEWEST_FALSE_POSITIVES / int((~truth.target).sum()))
    if fpr >= 1:
        return None
    rehearsed, member = truth.pooled(scores.rehearsals)
    threshold = strict_threshold(rehearsed[~member], fpr)
    hits, alarms = rates_above(scores.target, truth.target, threshold)
    return Strict(
        fpr=fpr,
        threshold=threshold,
        true_positives=hits.hits,
        false_positives=alarms.hits,
        precision=tuple(Precision(prior=prior, right=estimate(precision(hits, alarms, prior))) for prior in PRIORS),
    )


def strict_of(record: Record) -> Strict | None:
    """Return the same from a record's arrays: for those that were written before they said it."""
    arrays, best = record.arrays, record.summary.headline
    rows = arrays["membership"][:, arrays["audited"]]
    rehearsals = arrays[f"rehearsal/{best}"]
    truth = Truth(
        target=rows[design.TARGET],
        rehearsals=rows[design.FIRST_SHADOW : design.FIRST_SHADOW + len(rehearsals)],
        counted=arrays.get("counted"),
    )
    return strict(Scores(target=arrays[f"scores/{best}"], phantom=arrays[f"phantom/{best}"], rehearsals=rehearsals), truth)


def _step(number: int, found: Floats, member: Bools) -> CalibrationStep:
    return CalibrationStep(
        low=float(STEPS[number]),
        high=float(STEPS[number + 1]),
        examples=found.size,
        predicted=float(found.mean()),
        members=estimate(accuracy(Share(hits=int(member.sum()), total=member.size))),
    )
