"""The record of predictions that were scored: what `mia-audit score` writes, and its page is drawn from. No coins, no shadow models.

Of an audit's record it has the form: record.json with all that came out, arrays.npz with what it was computed from, run.json with what
differs from run to run; the SHA-256 of record.json is its id, and stands in the other two.

Arrays in arrays.npz (N rows of the file, J of them judged):
  judged          bool [N]: which rows were judged; rows on no side, and those that the references do not suffice for, were not
  member          bool [J]
  scores/<attack> float [J]: larger = more likely a member
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from mia_audit.arrays import Arrays
from mia_audit.errors import RecordError
from mia_audit.paths import Place
from mia_audit.record import claims, proving
from mia_audit.record import folder as folders
from mia_audit.record.parts import Estimate, Part, RateAtFPR

SCHEMA = 1
KIND: Literal["scored"] = "scored"
_CLOSE = 1e-9
_LATER = ("following", "right", "commonest")


class ScoredAttack(Part):
    """One attack on the target; reference_auc is its mean AUC on references that take the target's part, None where none can."""

    name: str
    summary: str
    paper: str
    access: str
    auc: Estimate
    tpr_at_fpr: tuple[RateAtFPR, ...]
    reference_auc: float | None


class Read(Part):
    """What was read: the file, which column for what, and what was done to its values, a sentence each."""

    name: str
    sha256: str
    kind: str
    columns: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


class Blind(Part):
    """What a classifier that never sees the network made of the inputs alone."""

    auc: float
    p: float
    refutes: bool


class ScoredSummary(Part):
    """The content of record.json.

    tested, tested_auc  the attack that decides, and its AUC with the interval that decides
    corrected           for how many attacks that interval was widened; 0 where the headline was chosen on references
    doubts              what else weighs on the numbers: a network that answers at random, shadow models of another kind
    control_p, refuted  whether references tell the target's members from the others, which they cannot know
    following           references whose members hang together with the target's: no control
    right, commonest    the share of non-members that the target gets right, and of their commonest class; None where nobody knows
    """

    schema_version: int
    kind: Literal["scored"]
    version: str
    seed: int
    read: Read
    members: int
    others: int
    references: int
    classes: int
    attacks: tuple[ScoredAttack, ...]
    headline: str | None
    tested: str
    tested_auc: Estimate
    corrected: int
    control_p: float | None
    refuted: bool | None
    blind: Blind | None
    backwards: str
    left_out: tuple[str, ...]
    power: float
    doubts: tuple[str, ...] = ()
    following: int = 0
    right: Estimate | None = None
    commonest: float | None = None
    arrays_sha256: str

    @property
    def finding(self) -> claims.Finding:
        """All that the verdict is made of."""
        blind = None if self.blind is None else claims.Unseeing(auc=self.blind.auc, p=self.blind.p, refutes=self.blind.refutes)
        return claims.Finding(
            name=self.tested, auc=self.tested_auc, corrected=self.corrected, members=self.members, others=self.others, power=self.power,
            control_p=self.control_p, refuted=self.refuted, blind=blind, backwards=self.backwards, following=self.following,
            right=self.right, commonest=self.commonest or 0.0,
        )  # fmt: skip

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know before using these numbers, a sentence each."""
        return (*self.doubts, *claims.warnings(self.finding))

    @property
    def best(self) -> ScoredAttack:
        """The attack that decides."""
        return next(each for each in self.attacks if each.name == self.tested)

    def to_json(self) -> str:
        """Return the canonical text of record.json; fields that came later are left out where they say nothing, as older records do."""
        silent = {name for name in _LATER if not getattr(self, name)}
        return json.dumps(self.model_dump(mode="json", exclude=silent), indent=1, sort_keys=True, allow_nan=False) + "\n"


@dataclass(frozen=True, kw_only=True, repr=False)
class ScoredRecord:
    """A record of scored predictions, in memory. `folder` is where it lies on disk, None before it is written."""

    summary: ScoredSummary
    arrays: Arrays
    run: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def id(self) -> str:
        """SHA-256 of record.json."""
        return proving.sha256(self.summary.to_json())

    @property
    def verdict(self) -> str:
        """What was found."""
        return claims.verdict(self.summary.finding)

    @property
    def leaks(self) -> bool:
        """Whether the AUC that decides is above chance, and nothing speaks against relying on it."""
        return self.summary.finding.tone in {"leak", "hint"}

    def __repr__(self) -> str:
        """Say what was judged, the verdict, the attacks, warnings, and where the record lies."""
        told, best = self.summary, self.summary.best
        return "\n".join((
            f"{told.read.name}: {told.members} members and {told.others} others, {told.references} references, {len(told.attacks)} attacks",
            self.verdict,
            f"{best.name}: AUC {best.auc.value:.3f} ({best.auc.low:.3f} to {best.auc.high:.3f})",
            *told.warnings,
            str(self.folder or "not written to a folder"),
        ))  # fmt: skip

    def write(self, folder: Place) -> Self:
        """Write the record into a folder, made when it is absent, and return it with that folder; whole or not at all."""
        place = folders.write(folder, self.summary.to_json(), self.arrays, self.run)
        return replace(self, folder=place)


def is_scored(folder: Path) -> bool:
    """Say whether a folder holds a record of scored predictions, by its own word; what is no record says nothing."""
    try:
        content = json.loads((folder / "record.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("kind") == KIND


def load(folder: Place) -> ScoredRecord:
    """Read a record folder; RecordError says what is missing, damaged or of another version."""
    place, text = folders.found(folder, "`mia-audit score`")
    try:
        summary = ScoredSummary.model_validate_json(text)
    except (ValidationError, RecursionError) as error:
        raise RecordError(f"{place}/record.json is no record of scored predictions; score the predictions again") from error
    if summary.schema_version != SCHEMA or summary.to_json() != text:
        raise RecordError(f"{place}: record.json is not as `mia-audit score` of this version writes it; score the predictions again")
    arrays, run, told = folders.vouched(place, text, summary.arrays_sha256, "score the predictions again")
    if not any(told.values()):
        raise RecordError(f"{place}: nothing vouches for this record, neither run.json nor arrays.npz; score the predictions again")
    _require_own_numbers(place, summary, arrays)
    return ScoredRecord(summary=summary, arrays=arrays, run=run, folder=place)


def _require_own_numbers(folder: Path, summary: ScoredSummary, arrays: Arrays) -> None:
    """Refuse a record whose counts and AUCs are not those of its arrays."""
    lacking = [name for name in ("member", "judged", *(f"scores/{each.name}" for each in summary.attacks)) if name not in arrays]
    if lacking or summary.tested not in {each.name for each in summary.attacks}:
        raise RecordError(f"{folder}: a record needs members and scores of every attack, got none of {lacking[:3]}; score again")
    member = arrays["member"]
    told: dict[str, tuple[float, float]] = {
        "members": (summary.members, int(member.sum())),
        "others": (summary.others, int((~member).sum())),
    }
    told |= {f"AUC of {each.name}": (each.auc.value or 0.0, _auc(arrays[f"scores/{each.name}"], member)) for each in summary.attacks}
    for name, (said, counted) in told.items():
        if abs(said - counted) > _CLOSE:
            raise RecordError(f"{folder}: {name} in record.json is {said:.6g}, its arrays give {counted:.6g}; score the predictions again")


def _auc(scores: npt.NDArray[Any], member: npt.NDArray[np.bool_]) -> float:
    order = np.argsort(scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)
    inside, outside = np.cumsum(member[order])[ends], np.cumsum(~member[order])[ends]
    return 1 - float(np.trapezoid(np.append(0, inside) / inside[-1], np.append(0, outside) / outside[-1]))
