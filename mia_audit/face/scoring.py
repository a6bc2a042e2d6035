"""Membership inference for whoever has arrays: a network's answers, and those of others like it where there are any. No model is seen.

The rules are an audit's (docs/method.md): everything that is chosen is chosen on references, never on the target, and every number has
an interval. What an audit deals by itself, who is a member, is told by the caller here, and the verdict says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mia_audit.attacks import Attack
from mia_audit.attacks.budget import JUDGED_AT_LEAST, judged, listed
from mia_audit.attacks.cards import Card, asked_by_name, load_attacks
from mia_audit.errors import EvidenceError, ShadowBudgetError
from mia_audit.face.scored import AttackScore, Scored
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.interval import LEVEL
from mia_audit.statistics.nulltest import holm, mann_whitney_p
from mia_audit.statistics.power import smallest_auc
from mia_audit.statistics.rates import tpr_interval
from mia_audit.statistics.roc import auc
from mia_audit.streams import stream
from mia_audit.types import Bools, Evidence, Floats, Ints, ThirdPool

FPRS = (0.1, 0.01, 0.001)
REHEARSALS = 4
CONTROL_LEVEL = 0.01
STRONG = ("thresholds", "attack-p", "attack-r", "difficulty-calibration", "rmia-online", "rmia-offline", "lira-online", "lira-offline")
"""What is run unless something else is asked for: no classifier to fit, seconds on a CPU."""

References = tuple[Floats, Bools] | None
Outside = tuple[Floats, Ints] | tuple[Floats, Ints, Floats]


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A reference model in the target's part: every attack's scores [A], its own members, and which examples count."""

    scores: tuple[Floats, ...]
    member: Bools
    counted: Bools


def score(seen: Evidence, member: Bools, attacks: Sequence[str] | None, seed: int) -> Scored:
    """Attack the evidence and measure; ShadowBudgetError or EvidenceError where what was asked for cannot run on it."""
    cards, left_out = _runnable(seen, attacks)
    able = [attack for _, attack in cards]
    can = _suffices(cards, seen.trained_on, spare=1)
    if member[can].all() or not member[can].any():
        raise EvidenceError(f"scoring needs members and others, got {int(member[can].sum())} members of {int(can.sum())} examples judged")
    part, truth = seen.only(can), member[can]
    rehearsals = tuple(_rehearse(cards, part))
    strengths = [_strength(rehearsals, place) for place in range(len(able))]
    found = [_measured(attack.name, attack.score(part), truth, strength, seed) for attack, strength in zip(able, strengths, strict=True)]
    best = None if None in strengths else int(np.argmax([strength or 0.0 for strength in strengths]))
    level = LEVEL if best is not None else 1 - (1 - LEVEL) / len(found)
    tested = found[best] if best is not None else max(found, key=lambda each: auc_interval(each.scores, truth, level).low)
    p = None if best is None else _control(rehearsals, truth, best)
    ranked = sorted(found, key=lambda each: (each is not tested, -(each.reference_auc or each.auc.value or 0.0), each.name))
    return Scored(
        attacks=tuple(ranked),
        headline=None if best is None else tested.name,
        judged=can,
        members=int(truth.sum()),
        others=int((~truth).sum()),
        references=len(seen.shadows),
        control_p=p,
        left_out=left_out,
        tested=(tested.name, auc_interval(tested.scores, truth, level)),
        power=smallest_auc(int(truth.sum()), int((~truth).sum()), (1 - level) / 2),
        sound=p is None or p >= CONTROL_LEVEL,
    )


def evidence(logits: Any, labels: Any, member: Any, references: References, population: Outside | None) -> tuple[Evidence, Bools]:
    """Return arrays as evidence, and the target's members; EvidenceError says which is not what it should be, and what to do."""
    target = _asked(logits, "logits", 2)
    if not isinstance(member, np.ndarray) or member.dtype != np.bool_ or member.shape != target.shape[1:2]:
        got = f"{member.dtype} {member.shape}" if isinstance(member, np.ndarray) else type(member).__name__
        raise EvidenceError(
            f"scoring needs member as an array of {target.shape[1]} bools, True where trained on, got {got}; use numpy.asarray(member, "
            "dtype=bool)"
        )
    if not member.size:
        raise EvidenceError(f"scoring needs examples, got logits {target.shape}; give members and others")
    none = np.zeros((0, *target.shape), dtype=target.dtype), np.zeros((0, member.size), dtype=np.bool_)
    others, rows = none if references is None else _tuple("references", references, ("logits", "member"))
    others = others if references is None else _asked(others, "logits of references", 3)
    outside = _outside(population, len(others), target.shape[-1])
    return Evidence(target=target, shadows=others, trained_on=rows, labels=labels, population=outside), member


def _outside(population: Outside | None, references: int, classes: int) -> ThirdPool | None:
    """Return answers on examples that no model was trained on; without references, the target's alone."""
    if population is None:
        return None
    parts = _tuple("population", population, ("logits", "labels"), ("reference logits",))
    target = _asked(parts[0], "logits of the population", 2)
    shadows = _asked(parts[2], "reference logits of the population", 3) if len(parts) > 2 else np.zeros((0, *target.shape))
    if len(shadows) != references:
        raise EvidenceError(
            f"scoring needs answers of all {references} references on the population, got {len(shadows)}; "
            "use population=(logits, labels, reference logits)"
        )
    if target.shape[-1] != classes:
        raise EvidenceError(f"scoring needs logits of the population with {classes} classes, as the target's, got {target.shape[-1]}")
    return ThirdPool(target=target, shadows=shadows, labels=parts[1])


def _tuple(name: str, given: Any, parts: tuple[str, ...], more: tuple[str, ...] = ()) -> Any:
    """Return what is a tuple of so many parts; an array alone would be taken apart along its first axis."""
    if not isinstance(given, tuple | list) or not len(parts) <= len(given) <= len(parts + more):
        got = f"{len(given)} parts" if isinstance(given, tuple | list) else type(given).__name__
        raise EvidenceError(f"scoring needs {name} as a tuple, got {got}; use {name}=({', '.join(parts + more)})")
    return given


def _asked(logits: Any, name: str, axes: int) -> Floats:
    """Return logits with their axis of queries, which is added where there is one axis fewer."""
    if not isinstance(logits, np.ndarray) or logits.dtype.kind != "f" or logits.ndim not in {axes, axes + 1}:
        got = f"{logits.dtype} {logits.shape}" if isinstance(logits, np.ndarray) else type(logits).__name__
        shape = "[models, queries, examples, classes]" if axes == 3 else "[queries, examples, classes]"
        raise EvidenceError(f"scoring needs {name} as an array of floats {shape}, queries or not, got {got}; use numpy.asarray(..., float)")
    if logits.shape[-1] > 1 and logits.size and (logits >= 0).all() and np.allclose(logits.sum(axis=-1), 1, atol=1e-2):
        raise EvidenceError(
            f"scoring needs {name}, got probabilities: every row sums to 1; give what enters the softmax, or numpy.log of them in float64"
        )
    return logits if logits.ndim == axes + 1 else np.expand_dims(logits, axes - 2)


def _runnable(seen: Evidence, names: Sequence[str] | None) -> tuple[list[tuple[Card, Attack]], tuple[str, ...]]:
    """Return the attacks that can run, and a sentence for each kind that cannot; an attack asked for by its own name is refused."""
    loaded, asked = load_attacks(STRONG if names is None else names), asked_by_name(names) if names else frozenset[str]()
    able, lacking = [], dict[str, list[str]]()
    for card, attack in loaded:
        why = _lack(card, attack, seen)
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
            found.append(Rehearsal(scores=tuple(attack.score(part) for _, attack in cards), member=row[can], counted=can))
    return found


def _strength(rehearsals: Sequence[Rehearsal], place: int) -> float | None:
    """Return an attack's mean AUC over rehearsals."""
    return float(np.mean([auc(each.scores[place], each.member) for each in rehearsals])) if rehearsals else None


def _control(rehearsals: Sequence[Rehearsal], member: Bools, best: int) -> float | None:
    """Return the smallest p, after Holm, of "a reference tells the target's members from the others": it cannot know them."""
    asked = [(each.scores[best], member[each.counted]) for each in rehearsals]
    p_values = [mann_whitney_p(scores, row) for scores, row in asked if 0 < row.sum() < row.size]
    return min(holm(p_values)) if p_values else None


def _measured(name: str, scores: Floats, member: Bools, strength: float | None, seed: int) -> AttackScore:
    rates = {fpr: tpr_interval(scores, member, fpr, stream(seed, f"bootstrap {name}")) for fpr in FPRS}
    return AttackScore(name=name, scores=scores, auc=auc_interval(scores, member), tpr=rates, reference_auc=strength)
