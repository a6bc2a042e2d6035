"""From scores to the record's numbers: metrics with intervals, the headline, the controls, the power."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mia_audit.attacks.cards import Card
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.record import AttackResult, Control, Estimate, Power, RateAtFPR
from mia_audit.record.budget import HEADLINE_LEVEL
from mia_audit.record.controls import PHANTOM
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.interval import Interval
from mia_audit.statistics.nulltest import holm, mann_whitney_p
from mia_audit.statistics.power import smallest_auc, smallest_tpr
from mia_audit.statistics.proportions import Share, accuracy, advantage, balanced_accuracy, difference, rates_above
from mia_audit.statistics.rates import resolved, tpr_interval
from mia_audit.statistics.roc import auc, best_threshold
from mia_audit.streams import stream
from mia_audit.types import Bools, Floats, Ints

FPRS = (0.1, 0.01, 0.001)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Who was a member, on the audited examples: of the target [A], and of the rehearsing models [R, A].

    The phantom was trained on coins of its own and is scored against the target's, which it cannot know. Attacks can, if they were
    fitted on rows that follow the target's, and so can whatever else sets the target's members apart.

    counted: which examples count in each rehearsal [R, A], as `attacking.counted` says; None: all of them.
    """

    target: Bools
    rehearsals: Bools
    counted: Bools | None = None

    def rehearsed(self, scores: Floats) -> list[tuple[Floats, Bools]]:
        """Return scores and membership of each rehearsal of [R, A], of the examples that count in it."""
        can = np.ones(scores.shape, dtype=np.bool_) if self.counted is None else self.counted
        return [(row[own], member[own]) for row, member, own in zip(scores, self.rehearsals, can, strict=True)]

    def pooled(self, scores: Floats) -> tuple[Floats, Bools]:
        """Return scores and membership of all rehearsals of [R, A] in a row, of the examples that count."""
        every, members = zip(*self.rehearsed(scores), strict=True)
        return np.concatenate(every), np.concatenate(members)


def results(cards: Sequence[Card], scores: Sequence[Scores], truth: Truth, seed: int) -> tuple[AttackResult, ...]:
    """Return every attack's numbers, the phantom's p-values corrected jointly."""
    p_values = [mann_whitney_p(score.phantom, truth.target) for score in scores]
    joint = holm(p_values)
    return tuple(
        _result(card, score, truth, (p, p_holm), seed) for card, score, p, p_holm in zip(cards, scores, p_values, joint, strict=True)
    )


def _result(card: Card, scores: Scores, truth: Truth, p: tuple[float, float], seed: int) -> AttackResult:
    threshold = best_threshold(*truth.pooled(scores.rehearsals))
    hits, alarms = rates_above(scores.target, truth.target, threshold)
    return AttackResult(
        name=card.name,
        summary=card.summary,
        paper=card.paper,
        access=card.access,
        knowledge=tuple(card.knowledge),
        auc=estimate(auc_interval(scores.target, truth.target)),
        tpr_at_fpr=tuple(_rate(card.name, scores.target, truth.target, fpr, seed) for fpr in FPRS),
        threshold=float(threshold),
        balanced_accuracy=estimate(balanced_accuracy(hits, alarms)),
        advantage=estimate(advantage(hits, alarms)),
        rehearsal_auc=float(np.mean([auc(row, member) for row, member in truth.rehearsed(scores.rehearsals)])),
        phantom_auc=estimate(auc_interval(scores.phantom, truth.target)),
        phantom_p=p[0],
        phantom_p_holm=p[1],
    )


def _rate(name: str, scores: Floats, member: Bools, fpr: float, seed: int) -> RateAtFPR:
    """Return the TPR at one FPR; every FPR of an attack is drawn from the same stream, so that limits do not cross by chance."""
    interval = tpr_interval(scores, member, fpr, stream(seed, f"bootstrap {name}"))
    return RateAtFPR(fpr=fpr, tpr=estimate(interval), expected_false_positives=fpr * int((~member).sum()))


def headline(attacks: Sequence[AttackResult]) -> str:
    """Return the strongest attack by its rehearsals on shadow models; the target has no say."""
    return max(attacks, key=lambda attack: attack.rehearsal_auc).name


def phantom_control(attacks: Sequence[AttackResult]) -> Control:
    """Judge the phantom target: to all attacks jointly, the target's members must look like chance on a model of other coins."""
    worst = min(attacks, key=lambda attack: attack.phantom_p_holm)
    return PHANTOM.told(
        worst.phantom_p_holm >= PHANTOM.level,
        f"A model trained on other coins, scored against the target's members: {worst.name} is furthest from chance, "
        f"AUC {worst.phantom_auc.value:.3f}, p = {worst.phantom_p_holm:.3f} after Holm over {len(attacks)} attacks "
        f"(fails below {PHANTOM.level}).",
    )


def power(member: Bools, critical: float, phantoms: int) -> Power:
    """Return what the verdict's tests find with 80 % power: the AUC by its own, the TPR at the smallest rate looked at by the joint one.

    critical  at how many standard deviations that one rejects
    phantoms  against how many the AUC is held
    """
    members, others = int(member.sum()), int((~member).sum())
    fpr = min((fpr for fpr in FPRS if resolved(fpr, others)), default=1.0)
    return Power(
        auc=smallest_auc(members, others, HEADLINE_LEVEL, phantoms),
        tpr=smallest_tpr(members, others, fpr, critical),
        at_fpr=fpr,
        level=HEADLINE_LEVEL,
    )


def share(predictions: Ints, labels: Ints) -> Share:
    """Return how many predictions are right."""
    return Share(hits=int((predictions == labels).sum()), total=int(labels.size))


def accuracies(train: Share, test: Share) -> dict[str, Estimate]:
    """Return train and test accuracy and their gap, with intervals."""
    return {
        "train_accuracy": estimate(accuracy(train)),
        "test_accuracy": estimate(accuracy(test)),
        "gap": estimate(difference(train, test)),
    }


def estimate(interval: Interval) -> Estimate:
    """Return an interval as the record keeps it."""
    return Estimate(value=interval.value, low=interval.low, high=interval.high, method=interval.method)
