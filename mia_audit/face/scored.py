"""What came out of scoring somebody's arrays: numbers with intervals, a verdict that claims no more than they carry, and a table."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mia_audit.face.tables import tabulated
from mia_audit.record import claims
from mia_audit.statistics.blind import Blind
from mia_audit.statistics.interval import Interval
from mia_audit.types import Bools, Floats

RATE = 0.01  # the false positive rate in the first lines
CONTROL_LEVEL = 0.01


@dataclass(frozen=True, kw_only=True)
class AttackScore:
    """One attack on the target.

    scores         larger: more likely a member; of the examples that were judged, in their order
    tpr            true positive rates by false positive rate; a value of None where so few non-members cannot resolve it
    reference_auc  its mean AUC on reference models that take the target's part; None where none can
    """

    name: str
    scores: Floats
    auc: Interval
    tpr: Mapping[float, Interval]
    reference_auc: float | None


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The attacks on a target of which answers are known, best first.

    headline   the attack that did best on reference models, which the target has no say in; None where no reference can stand in
    judged     which of the examples the references suffice for, [examples]; the others were left out
    control_p  how surprising it is that references, asked for the target's members, tell them from the others; None where none can
    blind      how well a classifier that never sees the network tells them apart by the inputs; None where no inputs were given
    backwards  which mask is likely turned over, where members score below the others; "" where they do not
    left_out   attacks that cannot run on what was given, and why
    tested     the AUC that decides: its interval is at 95 %, or at a level corrected for all attacks where none could be chosen before
    power      the smallest AUC that would have been seen with 80 % power; 1 where none would
    following  references whose members hang together with the target's: they serve no control
    learnt     the share of non-members that the target gets right, and that of their commonest class; None where no labels are known
    """

    attacks: tuple[AttackScore, ...]
    headline: str | None
    judged: Bools
    members: int
    others: int
    references: int
    control_p: float | None
    blind: Blind | None
    backwards: str
    left_out: tuple[str, ...]
    tested: tuple[str, Interval]
    power: float
    following: int = 0
    learnt: tuple[Interval, float] | None = None

    @property
    def leaks(self) -> bool:
        """Whether the AUC that decides is above chance, and nothing speaks against relying on it."""
        return self.finding.tone in {"leak", "hint"}

    @property
    def sound(self) -> bool:
        """Whether no control failed and nothing points backwards."""
        controls = [self.control_p, None if self.blind is None else self.blind.p]
        return not self.backwards and all(p is None or p >= CONTROL_LEVEL for p in controls)

    @property
    def verdict(self) -> str:
        """What was found, in two or three sentences; the last says what these numbers rest on."""
        return claims.verdict(self.finding)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What else a reader must know before using these numbers, a sentence each."""
        return claims.warnings(self.finding)

    @property
    def finding(self) -> claims.Finding:
        """All that the verdict is made of."""
        refuted = None if self.control_p is None else self.control_p < CONTROL_LEVEL
        blind = None if self.blind is None else claims.Unseeing(auc=self.blind.auc, p=self.blind.p, refutes=self.blind.p < CONTROL_LEVEL)
        return claims.Finding(
            name=self.tested[0], auc=self.tested[1], corrected=0 if self.headline else len(self.attacks), members=self.members,
            others=self.others, power=self.power, control_p=self.control_p, refuted=refuted, blind=blind, backwards=self.backwards,
            following=self.following, right=self.learnt and self.learnt[0], commonest=self.learnt[1] if self.learnt else 0.0,
        )  # fmt: skip

    @property
    def table(self) -> Any:
        """The attacks as a flat table, a row each: a pandas.DataFrame where pandas is installed, else a list of dictionaries."""
        return tabulated([_row(each, headline=each.name == self.headline) for each in self.attacks], words=("attack", "headline"))

    def __repr__(self) -> str:
        """Say what was scored, the verdict, the strongest attack's numbers, what was left out, and warnings, a line each."""
        best = self.attacks[0]
        rate = best.tpr[RATE]
        found = f"at most {rate.high:.1%}" if rate.value is None else f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"
        return "\n".join((
            f"Scored {self.members} members and {self.others} others, {self.references} references, {len(self.attacks)} attacks",
            self.verdict,
            f"{best.name}: AUC {best.auc.value:.3f} ({best.auc.low:.3f} to {best.auc.high:.3f}), TPR at {RATE:.0%} FPR {found}",
            f"Left out: {' '.join(self.left_out) or 'nothing'}",
            *self.warnings,
        ))  # fmt: skip

    def _repr_html_(self) -> str:
        """Show verdict and table in a notebook."""
        rows = "".join(
            f'<tr><th scope="row">{html.escape(each.name)}{" (headline)" if each.name == self.headline else ""}</th>'
            f"<td>{each.auc.value:.3f}</td><td>{each.auc.low:.3f} to {each.auc.high:.3f}</td></tr>"
            for each in self.attacks
        )
        head = "".join(f'<th scope="col">{name}</th>' for name in ("attack", "AUC", "95 % interval"))
        told = "".join(f"<p>{html.escape(each)}</p>" for each in (self.verdict, *self.warnings))
        return f"{told}<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(attack: AttackScore, *, headline: bool) -> dict[str, Any]:
    rates = {f"tpr_at_{fpr:g}_fpr": interval for fpr, interval in attack.tpr.items()}
    numbers = {"auc": attack.auc, **rates}
    spread = {
        key: value
        for name, each in numbers.items()
        for key, value in ((name, each.value), (f"{name}_low", each.low), (f"{name}_high", each.high))
    }
    return {"attack": attack.name, "headline": headline, **spread, "reference_auc": attack.reference_auc}
