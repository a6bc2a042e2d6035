"""A file of predictions, scored, written as a record and drawn: what `mia-audit score` does."""

import hashlib
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from mia_audit.arrays import digest
from mia_audit.attacks.cards import load_card
from mia_audit.audit.request.options import unclaimed, writable
from mia_audit.errors import OutputError
from mia_audit.external import predictions, references
from mia_audit.external.roles import BY_NAME, Wanted
from mia_audit.face import given
from mia_audit.face.scored import AttackScore, Scored
from mia_audit.face.scoring import MANY, Beside, score
from mia_audit.record.parts import Estimate, RateAtFPR
from mia_audit.record.scored import KIND, SCHEMA, Blind, Read, ScoredAttack, ScoredRecord, ScoredSummary
from mia_audit.report import write_scored
from mia_audit.statistics.interval import Interval
from mia_audit.types import Bools, Evidence

BRIEF = f"More than {MANY} rows: answers were taken as float32, which is right to six digits."


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a caller of `mia-audit score` may say beside the file."""

    wanted: Wanted = BY_NAME
    sides: predictions.Sides | None = None
    classes: tuple[str, ...] = ()
    references: Path | None = None
    attacks: Sequence[str] | None = None
    seed: int = 0
    out: Path | None = None
    force: bool = False
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What was scored of what was there: which rows [N], who of these was a member, how many classes, and the seed."""

    kept: Bools
    member: Bools
    classes: int
    seed: int


def score_file(path: Path, asked: Asked) -> ScoredRecord:
    """Score a file of predictions, write the record and its page, and return it; AuditError, in one line, where it cannot."""
    started, seed = time.monotonic(), given.seed_of(asked.seed)
    require_room(asked.out, force=asked.force)
    read = predictions.read(path, asked.wanted, asked.sides, asked.classes)
    others = None if asked.references is None else references.read(asked.references, read)
    seen = _evidence(read, others)
    brief = (BRIEF,) if seen.target.dtype != read.logits.dtype else ()
    found = score(
        seen, read.member, asked.attacks, seed, Beside(inputs=read.inputs, able=read.able, lacking=read.lacking, truth=read.truth)
    )
    notes = (*read.notes, *brief, *(() if others is None else others.notes))
    told = Read(name=read.name, sha256=_sha256(path), kind=read.kind, columns=read.columns, notes=notes)
    part = Part(kept=read.kept, member=read.member, classes=read.logits.shape[-1], seed=seed)
    return written(recorded(found, told, part), ran(started, asked.command), asked.out)


def require_room(out: Path | None, *, force: bool) -> None:
    """Refuse, before anything is computed, a folder that cannot be written or that holds a record."""
    writable(unclaimed(out, force=force) if out else Path("audits"))


def _evidence(read: predictions.Predictions, others: references.References | None) -> Evidence:
    kind = np.dtype(np.float32) if read.member.size > MANY else read.logits.dtype
    none = np.zeros((0, *read.logits.shape), kind), np.zeros((0, read.member.size), np.bool_)
    shadows, rows = none if others is None else (others.logits, others.member)
    return Evidence(
        target=read.logits.astype(kind, copy=False), shadows=shadows.astype(kind, copy=False), trained_on=rows, labels=read.labels
    )


def recorded(found: Scored, told: Read, part: Part, doubts: tuple[str, ...] = ()) -> ScoredRecord:
    """Return what was found as a record that lies nowhere yet."""
    judged = part.kept.copy()
    judged[part.kept] = found.judged
    arrays = {"judged": judged, "member": part.member[found.judged], **{f"scores/{each.name}": each.scores for each in found.attacks}}
    finding = found.finding
    summary = ScoredSummary(
        schema_version=SCHEMA,
        kind=KIND,
        version=version("mia-audit"),
        seed=part.seed,
        read=told,
        members=found.members,
        others=found.others,
        references=found.references,
        classes=part.classes,
        attacks=tuple(_attack(each, found.others) for each in found.attacks),
        headline=found.headline,
        tested=finding.name,
        tested_auc=_estimate(found.tested[1]),
        corrected=finding.corrected,
        control_p=finding.control_p,
        refuted=finding.refuted,
        blind=None if finding.blind is None else Blind(auc=finding.blind.auc, p=finding.blind.p, refutes=finding.blind.refutes),
        backwards=found.backwards,
        left_out=found.left_out,
        power=found.power,
        doubts=doubts,
        following=found.following,
        right=found.learnt and _estimate(found.learnt[0]),
        commonest=found.learnt and found.learnt[1],
        arrays_sha256=digest(arrays),
    )
    return ScoredRecord(summary=summary, arrays=arrays)


def ran(started: float, command: str) -> dict[str, Any]:
    """Return run.json: everything that differs from run to run."""
    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": round(time.monotonic() - started, 3),
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "python": sys.version.split()[0],
        "versions": {name: version(name) for name in ("mia-audit", "numpy", "scipy", "scikit-learn")},
    }


def _attack(each: AttackScore, others: int) -> ScoredAttack:
    card = load_card(each.name)
    rates = tuple(RateAtFPR(fpr=fpr, tpr=_estimate(tpr), expected_false_positives=fpr * others) for fpr, tpr in each.tpr.items())
    return ScoredAttack(
        name=each.name, summary=card.summary, paper=card.paper, access=card.access, auc=_estimate(each.auc), tpr_at_fpr=rates,
        reference_auc=each.reference_auc,
    )  # fmt: skip


def _estimate(interval: Interval) -> Estimate:
    return Estimate(value=interval.value, low=interval.low, high=interval.high, method=interval.method)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def written(record: ScoredRecord, run: dict[str, Any], out: Path | None) -> ScoredRecord:
    """Write a record and its page, and return it with its folder; OutputError where the disk is full by now."""
    folder = out or Path("audits") / f"{Path(record.summary.read.name).stem or 'predictions'}-{record.id[:8]}"
    try:
        placed = replace(record, run=run).write(writable(folder))
    except OSError as error:
        raise OutputError(f"{folder}: the record cannot be written, got: {error.strerror}; make room or give another --out") from error
    write_scored(placed, folder / "report.html")
    return placed
