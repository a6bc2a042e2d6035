"""What a record says beyond the table of attacks, all of it about the headline attack and from the record's own arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mia_audit.arrays import Arrays
from mia_audit.attacks import Attack
from mia_audit.attacks.observables import each_model, phi
from mia_audit.audit.attacking.measuring import Truth
from mia_audit.audit.attacking.scoring import Scores, needed
from mia_audit.audit.bank.prepared import Bank, Prepared, Shown, of_kind
from mia_audit.audit.findings import epsilon, growing, looking, risk
from mia_audit.audit.findings.converting import conversion
from mia_audit.audit.findings.guaranteeing import guaranteed
from mia_audit.audit.findings.turns import kind, take_turns
from mia_audit.data import design
from mia_audit.record import AttackResult, Epsilon, Looks
from mia_audit.statistics.band import band
from mia_audit.statistics.slices import Grouping
from mia_audit.streams import stream

GRID = 120


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The headline attack, and its scores over the audited examples."""

    name: str
    attack: Attack
    scores: Scores
    truth: Truth


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Fields of the summary, and the arrays behind them."""

    parts: dict[str, Any]
    arrays: Arrays


def findings(prepared: Prepared, bank: Bank, shown: Shown, best: Headline) -> Findings:
    """Return everything that is said of the headline attack beyond its row in the table."""
    labels = prepared.examples.pool_labels
    signal = each_model(phi, bank.alike.pool, labels).astype(np.float32)
    vulnerable, at_risk = risk.at_risk(signal, prepared.rows)
    calibration, probability = risk.probabilities(best.scores, best.truth)
    named, names = risk.names(best.scores, best.truth)
    groupings = _groupings(prepared)
    found = {
        "vulnerable": vulnerable,
        "slices": risk.parts(groupings, best.scores.target, best.truth.target),
        "calibration": calibration,
        "named": named,
        "strict": risk.strict(best.scores, best.truth),
        "epsilon": epsilon.shown(best.name, best.scores, best.truth, prepared.recipe),
        "privacy": guaranteed(prepared.recipe),
        "conversion": conversion(prepared, bank),
    }
    groups = {f"groups/{grouping.by}": grouping.groups for grouping in groupings[1:]}
    arrays = {**at_risk, **probability, **names, **_band(prepared, best), **groups}
    growth = growing.growth(best.attack, shown.target, best.scores.target, best.truth.target, seed=prepared.recipe.training.seed)
    alike = of_kind(prepared, bank, shown)
    turned = _turns(prepared, alike, best) if prepared.recipe.audit.turns else Findings(parts={}, arrays={})
    return Findings(parts={**found, "growth": growth, **turned.parts}, arrays={**arrays, **turned.arrays})


def looks(prepared: Prepared, results: Sequence[AttackResult], scores: Sequence[Scores], best: str, found: Findings) -> Looks:
    """Return what of all numbers on the target lies off chance, the findings' own included."""
    told: Epsilon = found.parts["epsilon"]
    seen = looking.Seen(
        results=results, scores=scores, headline=best, groupings=_groupings(prepared), accused=told.accused, cleared=told.cleared
    )
    return looking.looks(seen, prepared.rows[design.TARGET, prepared.audited], prepared.recipe.training.seed)


def _groupings(prepared: Prepared) -> tuple[Grouping, ...]:
    """Return how the audited examples are parted: by class, and as the reader asked."""
    audited, examples = prepared.audited, prepared.examples
    classes = Grouping(by="class", groups=examples.pool_labels[audited], names=dict(enumerate(examples.class_names)))
    return (classes, *(replace(named, groups=named.groups[audited]) for named in prepared.groupings))


def _band(prepared: Prepared, best: Headline) -> Arrays:
    """Return the headline's ROC band, and what a claim permits at most, on one grid of false positive rates."""
    grid = np.geomspace(1e-4, 1, GRID)
    found = band(best.scores.target, best.truth.target, grid, stream(prepared.recipe.training.seed, "band"))
    told = epsilon.claim(prepared.recipe)
    ceiling = {} if told is None else {"band/ceiling": told.most_tpr(grid)}
    return {"band/fpr": grid, "band/low": found.low, "band/high": found.high, **ceiling}


def _turns(prepared: Prepared, shown: Shown, best: Headline) -> Findings:
    need, rows = needed(prepared.attacks), prepared.rows[:, prepared.audited]
    turns = take_turns(best.attack, shown.target, shown.phantom, rows, need=need, workers=prepared.workers)
    return Findings(
        parts={"kind": kind(best.name, turns, prepared.recipe.training.seed)},
        arrays={"turns/scores": turns.scores, "turns/judged": turns.judged},
    )
