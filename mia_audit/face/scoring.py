"""Membership inference for whoever has arrays: a network's answers, and those of others like it where there are any. No model is seen.

The rules are an audit's (docs/method.md): everything that is chosen is chosen on references, never on the target, and every number has
an interval. What an audit deals by itself, who is a member, is told by the caller here, and the verdict says so.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm

from mia_audit.attacks import Attack
from mia_audit.attacks.budget import JUDGED_AT_LEAST, judged, listed
from mia_audit.attacks.cards import Card, asked_by_name, load_attacks
from mia_audit.errors import EvidenceError, ShadowBudgetError
from mia_audit.face import masks
from mia_audit.face.held import learnt
from mia_audit.face.scored import AttackScore, Scored
from mia_audit.machine import cores
from mia_audit.record.claims import turned
from mia_audit.statistics.blind import MOST_EXAMPLES, Blind, blind
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.interval import LEVEL, Interval
from mia_audit.statistics.nulltest import holm, mann_whitney_p
from mia_audit.statistics.power import smallest_auc
from mia_audit.statistics.rates import tpr_interval
from mia_audit.statistics.roc import auc
from mia_audit.statistics.traces import pictures_of, traces
from mia_audit.streams import stream
from mia_audit.types import Bools, Evidence, Floats, Ints

FPRS = (0.1, 0.01, 0.001)
REHEARSALS = 4
MANY = 200_000
"""Examples above which scores are rounded to float32, before anything is measured: what is kept is what was measured."""
FEWEST = 20
"""Members, or others, below which nothing is scored."""
CERTAIN = 0.999
"""Level at which the direction of attacks that learn from nobody accuses a mask that references seem to confirm."""
SYMMETRIC = "DeLong, logit scale"
PLAIN = ("loss", "confidence", "entropy", "modified-entropy", "margin", "correctness")
STRONG = ("thresholds", "attack-p", "attack-r", "difficulty-calibration", "rmia-online", "rmia-offline", "lira-online", "lira-offline")
"""What is run unless something else is asked for: no classifier to fit, seconds on a CPU."""


@dataclass(frozen=True, kw_only=True)
class Beside:
    """What else is known of what is scored.

    inputs   examples [looked, ...], for a classifier that never sees the network; `looked` says which they are, None: all
    truth    the right classes [examples] where the evidence knows no more than right and wrong
    able     attacks that what is there suffices for, None where all are; `lacking` is what the others need
    """

    inputs: Floats | None = None
    looked: Ints | None = None
    able: frozenset[str] | None = None
    lacking: str = ""
    truth: Ints | None = None


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A reference model, by number, in the target's part: every attack's scores [A], its own members, and which examples count."""

    model: int
    scores: tuple[Floats, ...]
    member: Bools
    counted: Bools


NOTHING = Beside()


def score(seen: Evidence, member: Bools, attacks: Sequence[str] | None, seed: int, beside: Beside = NOTHING) -> Scored:
    """Attack the evidence and measure; ShadowBudgetError or EvidenceError where what was asked for cannot run on it."""
    _require_others(seen)
    masks.require_apart(member, seen.trained_on)
    cards, left_out = _runnable(seen, attacks, beside)
    can = _suffices(cards, seen.trained_on, spare=1)
    part, truth = seen.only(can), member[can]
    _require_sides(truth)
    rehearsals = tuple(_rehearse(cards, part))
    strengths = [_strength(rehearsals, place) for place in range(len(cards))]
    found = _all_measured([attack for _, attack in cards], part, truth, strengths, seed)
    best = None if None in strengths else int(np.argmax([strength or 0.0 for strength in strengths]))
    level = LEVEL if best is not None else 1 - (1 - LEVEL) / len(found)
    tested = found[best] if best is not None else max(found, key=lambda each: at_level(each.auc, each.scores, truth, level).low)
    decides = tested.name, at_level(tested.auc, tested.scores, truth, level)
    follows = masks.following(truth, part.trained_on)
    apart = [each for each in rehearsals if not follows[each.model]]
    ranked = sorted(found, key=lambda each: (each is not tested, -(each.reference_auc or each.auc.value or 0.0), each.name))
    return Scored(
        attacks=tuple(ranked),
        headline=None if best is None else tested.name,
        judged=can,
        members=int(truth.sum()),
        others=int((~truth).sum()),
        references=len(seen.shadows),
        control_p=None if best is None else _control(apart, truth, best),
        following=int(follows.sum()),
        learnt=_learnt(beside, part, truth, can),
        blind=_blind(beside, seen.labels, member, can, seed),
        backwards=_backwards(decides, [each for each in found if each.name in PLAIN], truth, chosen=best is not None),
        left_out=left_out,
        tested=decides,
        power=smallest_auc(int(truth.sum()), int((~truth).sum()), (1 - level) / 2),
    )


def _learnt(beside: Beside, part: Evidence, member: Bools, can: Bools) -> tuple[Interval, float] | None:
    """Return how often the target is right, and would be by naming the commonest class; None where nobody knows the right ones."""
    if beside.truth is not None:
        return learnt(part, member, beside.truth[can])
    return learnt(part, member, part.labels) if beside.able is None else None


def _blind(beside: Beside, labels: Ints, member: Bools, can: Bools, seed: int) -> Blind | None:
    """Try to tell members from the others by inputs and labels alone, among those that are judged."""
    if beside.inputs is None:
        return None
    looked = np.arange(can.size) if beside.looked is None else beside.looked
    here = stream(seed, "blind rows").permutation(np.flatnonzero(can[looked]))[:MOST_EXAMPLES]
    inputs, some = beside.inputs[here], looked[here]
    pictures = pictures_of(inputs)
    tables = [inputs.reshape(len(inputs), -1), *([] if pictures is None else [traces(pictures)])]
    found = [blind(each, labels[some], member[some], stream(seed, "blind", number)) for number, each in enumerate(tables)]
    return Blind(auc=max(each.auc for each in found), p=min(1.0, len(found) * min(each.p for each in found)))


def _require_others(seen: Evidence) -> None:
    """Refuse references that are the target itself: what they tell of its members is what it was asked."""
    if np.ptp(seen.target) == 0:  # untrained networks may all answer the same constant
        return
    same = next((number for number, each in enumerate(seen.shadows) if np.array_equal(each, seen.target)), None)
    if same is not None:
        raise EvidenceError(f"scoring needs references other than the target, got its very answers from reference {same}; leave it out")


def _require_sides(member: Bools) -> None:
    """Refuse what no test could make anything of."""
    members, others = int(member.sum()), int((~member).sum())
    if min(members, others) < FEWEST:
        raise EvidenceError(
            f"scoring needs {FEWEST} members and {FEWEST} others at least, got {members} and {others} to be judged; give more examples"
        )


def _backwards(decides: tuple[str, Interval], plain: Sequence[AttackScore], member: Bools, *, chosen: bool) -> str:
    """Say which mask is likely turned over, "" where none is: no attack ranks members below the others, but for a turned mask.

    decides  the AUC that decides; an attack that learns from references points where their masks say
    plain    attacks that learn from nobody: their direction is known, and tells which mask it is
    chosen   whether the attack was chosen on references
    """
    name, area = decides
    if not chosen:
        joint = 1 - (1 - LEVEL) / max(1, len(plain))
        below = [(each.name, found) for each in plain if (found := at_level(each.auc, each.scores, member, joint)).high < 0.5]
        worst = min(below, key=lambda each: each[1].high, default=None)
        return turned(*worst, "in `member`") if worst and area.low <= 0.5 else ""
    sides = [(each.name, at_level(each.auc, each.scores, member, CERTAIN)) for each in plain]
    down = min((each for each in sides if each[1].high < 0.5), key=lambda each: each[1].high, default=None)
    up = any(found.low > 0.5 for _, found in sides)
    if area.high < 0.5:
        which = "in `member`" if down and not up else "in the references' masks" if up and not down else "in `member` or in the references"
        return turned(name, area, "in `member`" if name in PLAIN else which)
    return turned(*down, "in `member` and the references alike") if down and not up and area.low > 0.5 else ""


def _runnable(seen: Evidence, names: Sequence[str] | None, beside: Beside) -> tuple[list[tuple[Card, Attack]], tuple[str, ...]]:
    """Return the attacks that can run, and a sentence for each kind that cannot; an attack asked for by its own name is refused."""
    loaded, asked = load_attacks(STRONG if names is None else names), asked_by_name(names) if names else frozenset[str]()
    able, lacking = [], dict[str, list[str]]()
    for card, attack in loaded:
        barred = beside.able is not None and card.name not in beside.able
        why = beside.lacking if barred else _lack(card, attack, seen)
        if not why:
            able.append((card, attack))
        elif card.name in asked:
            raise ShadowBudgetError(f"attack {card.name} needs {why}; give them, or leave it out")
        else:
            lacking.setdefault(why, []).append(card.name)
    if not able:
        each = {need for why in lacking for need in why.split(", ")}
        raise EvidenceError(f"none of the attacks can run on what was given: they need {listed(each)}; use attacks='thresholds'")
    return able, tuple(f"For lack of {why}: {', '.join(names)}." for why, names in lacking.items())


def _lack(card: Card, attack: Attack, seen: Evidence) -> str:
    missing = attack.needs - seen.offers
    if missing:
        return listed("references" if need == "shadows" else need for need in missing)
    if _suffices([(card, attack)], seen.trained_on, spare=1).mean() >= JUDGED_AT_LEAST:
        return ""
    without = "references trained without each example" if card.offline else "references trained with and without each example"
    return f"{attack.shadows_per_side + 1} {without}"


def _suffices(cards: Sequence[tuple[Card, Attack]], trained_on: Bools, *, spare: int) -> Bools:
    """Return which examples the references suffice for, with some to spare: one of them rehearses as the target."""
    enough = np.ones(trained_on.shape[1], dtype=np.bool_)
    for card, attack in cards:
        need = attack.shadows_per_side
        if need and card.offline:
            enough &= (~trained_on).sum(axis=0) >= need
        elif need:
            enough &= judged(trained_on, need + spare)
    return enough


def _rehearse(cards: Sequence[tuple[Card, Attack]], seen: Evidence) -> Sequence[Rehearsal]:
    """Let references take the target's part; those whose members and others are not both there cannot."""
    found: list[Rehearsal] = []
    for model, row in enumerate(seen.trained_on):
        others = np.delete(seen.trained_on, model, axis=0)
        can = _suffices(cards, others, spare=1)
        if len(others) and 0 < row[can].sum() < can.sum() and len(found) < REHEARSALS:
            part = seen.against_shadow(model).only(can)
            found.append(Rehearsal(model=model, scores=tuple(attack.score(part) for _, attack in cards), member=row[can], counted=can))
    return found


def _strength(rehearsals: Sequence[Rehearsal], place: int) -> float | None:
    """Return an attack's mean AUC over rehearsals."""
    return float(np.mean([auc(each.scores[place], each.member) for each in rehearsals])) if rehearsals else None


def _control(rehearsals: Sequence[Rehearsal], member: Bools, best: int) -> float | None:
    """Return the smallest p, after Holm, of "a reference tells the target's members from the others": it cannot know them."""
    asked = [(each.scores[best], member[each.counted]) for each in rehearsals]
    p_values = [mann_whitney_p(scores, row) for scores, row in asked if 0 < row.sum() < row.size]
    return min(holm(p_values)) if p_values else None


def _all_measured(
    attacks: Sequence[Attack], part: Evidence, truth: Bools, strengths: Sequence[float | None], seed: int
) -> list[AttackScore]:
    """Return every attack's numbers; a few attacks at a time, a core each: NumPy lets other threads run while it sorts.

    Members are measured before the others: a mask that changes once is read several times as fast.
    """
    order = np.argsort(~truth, kind="stable")

    def one(place: int) -> AttackScore:
        return _measured((attacks[place].name, attacks[place].score(part)), (order, truth[order]), strengths[place], seed)

    if truth.size <= MANY:
        return [one(place) for place in range(len(attacks))]
    with ThreadPoolExecutor(max_workers=min(cores(), 2)) as threads:
        return list(threads.map(one, range(len(attacks))))


def _measured(named: tuple[str, Floats], ordered: tuple[Ints, Bools], strength: float | None, seed: int) -> AttackScore:
    (name, scores), (order, member) = named, ordered
    if scores.size > MANY:
        scores = scores.astype(np.float32)
    given = scores[order]
    rates = {fpr: tpr_interval(given, member, fpr, stream(seed, f"bootstrap {name}")) for fpr in FPRS}
    return AttackScore(name=name, scores=scores, auc=auc_interval(given, member), tpr=rates, reference_auc=strength)


def at_level(found: Interval, scores: Floats, member: Bools, level: float) -> Interval:
    """Return an AUC's 95 % interval at another level; DeLong's is widened on its logit scale, without ranking the scores anew."""
    area = found.value
    if found.method != SYMMETRIC or area is None or not 0 < found.low < found.high < 1:
        return auc_interval(scores, member, level)
    wider = float(norm.ppf((1 + level) / 2) / norm.ppf((1 + LEVEL) / 2))
    centre = float(logit(area))
    low, high = (float(expit(centre + wider * (logit(end) - centre))) for end in (found.low, found.high))
    return Interval(value=area, low=low, high=high, method=found.method)
