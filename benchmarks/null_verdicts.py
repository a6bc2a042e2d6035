"""Whole verdicts of audits of nothing: how often anything is claimed, by which part of the error budget.

The same code as an audit's: the headline's test, the joint test of all numbers on the target, the kind over every model's turn,
examples at risk. Every attack is seen on the examples that all of them can judge, as in an audit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from benchmarks.null_parts import Rate
from mia_audit.attacks import Attack
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.audit.findings import looking
from mia_audit.record import AttackResult
from mia_audit.record.budget import HEADLINE_LEVEL, KIND_LEVEL, LOOKS_LEVEL, RISK_LEVEL, VERDICT_LEVEL
from mia_audit.statistics.slices import Grouping
from mia_audit.types import Bools, Ints

VERDICT = "verdict"
ANY = "any claim"
GUESSED = 0.2
"""Share of the examples that are accused, and cleared; an audit chooses its shares on rehearsals."""


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One attack, its result, its scores over the examples that it can judge, and which these are [N]."""

    attack: Attack
    result: AttackResult
    scores: Scores
    judged: Bools


@dataclass(frozen=True, kw_only=True)
class Audited:
    """One audit of nothing: its attacks, the redrawn row over all examples, labels, p of the kind, least q."""

    scored: Sequence[Scored]
    headline: str
    member: Bools
    labels: Ints
    kind_p: float
    least_q: float


def verdict_alarms(audited: Audited, seed: int) -> Iterator[tuple[str, str, bool]]:
    """Yield what the verdict claims, and which part of it does."""
    common = np.all([one.judged for one in audited.scored], axis=0)
    scores = [_narrowed(one, common) for one in audited.scored]
    labels = audited.labels[common]
    classes = Grouping(by="class", groups=labels, names={int(group): str(group) for group in np.unique(labels)})
    seen = looking.Seen(
        results=[one.result for one in audited.scored], scores=scores, headline=audited.headline, groupings=(classes,), accused=GUESSED,
        cleared=GUESSED,
    )  # fmt: skip
    found = looking.looks(seen, audited.member[common], seed)
    claims = {
        "claim by the headline": found.headline_p <= HEADLINE_LEVEL,
        "claim by other numbers": any(look.p <= LOOKS_LEVEL for look in found.found),
        "claim by the kind": audited.kind_p <= KIND_LEVEL,
        "claim by examples at risk": audited.least_q <= RISK_LEVEL,
    }
    yield VERDICT, ANY, any(claims.values())
    yield from ((VERDICT, part, claimed) for part, claimed in claims.items())


def _narrowed(one: Scored, common: Bools) -> Scores:
    here = common[one.judged]
    return Scores(target=one.scores.target[here], phantom=one.scores.phantom[here], rehearsals=one.scores.rehearsals[:, here])


def section(rates: Sequence[Rate]) -> tuple[str, bool]:
    """Return the section of the page about verdicts, and whether all of them together claim something too often."""
    own = [rate for rate in rates if rate.key[2:] == (VERDICT, ANY)]
    if not own:
        return "", False
    audits, alarms = sum(rate.audits for rate in own), sum(rate.alarms for rate in own)
    limit = float(binom.isf(0.001, audits, VERDICT_LEVEL)) / audits
    failed = alarms / audits > limit
    parts = _parts(rates)
    lines = [f"| {rate.key[0]} | {rate.key[1]} | {rate.audits:,} | {rate.alarms / rate.audits:.4f} |" for rate in own]
    said = (
        f"Headline {HEADLINE_LEVEL:.1%}, other numbers on the target {LOOKS_LEVEL:.1%}, the kind {KIND_LEVEL:.1%}, examples at risk "
        f"{RISK_LEVEL:.1%}. Of {audits:,} verdicts {alarms / audits:.2%} claim anything (limit {limit:.2%}, the one-sided 99.9 % binomial "
        f"limit of {VERDICT_LEVEL:.0%}; passes: {'**NO**' if failed else 'yes'}): {parts}."
    )
    table = "\n".join(["| audits of | shadow models | verdicts | any claim |", "|---|---:|---:|---:|", *lines])
    return f"## What verdicts claim where there is nothing to claim\n\n{said}\n\n{table}", failed


def _parts(rates: Sequence[Rate]) -> str:
    """Return each part's own rate."""
    totals: Mapping[str, tuple[int, int]] = {
        name: (sum(rate.alarms for rate in own), sum(rate.audits for rate in own))
        for name in sorted({rate.key[3] for rate in rates if rate.key[2] == VERDICT and rate.key[3] != ANY})
        for own in [[rate for rate in rates if rate.key[2:] == (VERDICT, name)]]
    }
    return ", ".join(f"{name} {alarms / audits:.2%}" for name, (alarms, audits) in totals.items())
