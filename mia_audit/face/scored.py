"""What came out of scoring somebody's arrays: numbers with intervals, a verdict that claims no more than they carry, and a table."""

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mia_audit.face.tables import tabulated
from mia_audit.statistics.interval import Interval
from mia_audit.types import Bools, Floats

RATE = 0.01  # the false positive rate in the first lines


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
    left_out   attacks that cannot run on what was given, and why
    tested     the AUC that decides: its interval is at 95 %, or at a level corrected for all attacks where none could be chosen before
    power      the smallest AUC that would have been seen with 80 % power
    """

    attacks: tuple[AttackScore, ...]
    headline: str | None
    judged: Bools
    members: int
    others: int
    references: int
    control_p: float | None
    left_out: tuple[str, ...]
    tested: tuple[str, Interval]
    power: float
    sound: bool = field(default=True)

    @property
    def leaks(self) -> bool:
        """Whether the AUC that decides is above chance."""
        return self.tested[1].low > 0.5

    @property
    def verdict(self) -> str:
        """What was found, in two sentences; the second says what these numbers rest on."""
        name, area = self.tested
        numbers = f"{name}: AUC {area.value:.3f}, {area.low:.3f} to {area.high:.3f}"
        dealt = (
            "Who is a member was told by the caller, not dealt by independent coins: "
            "members who differ from the others in another way too are told apart by that as well."
        )
        if not self.sound:
            return (
                f"Do not rely on these numbers: reference models, asked for the target's members, tell them from the others too "
                f"(p = {self.control_p:.2g}). Members differ by themselves, or the references' members follow the target's."
            )
        if self.leaks:
            return f"Membership leaks ({numbers}; a coin would score 0.5{self._chosen}). {dealt}"
        return f"These attacks found no leakage ({numbers}); an AUC above {self.power:.3f} would have been seen{self._chosen}. {dealt}"

    @property
    def _chosen(self) -> str:
        return "" if self.headline else f"; corrected for {len(self.attacks)} attacks, since no reference could choose one"

    @property
    def table(self) -> Any:
        """The attacks as a flat table, a row each: a pandas.DataFrame where pandas is installed, else a list of dictionaries."""
        return tabulated([_row(each, headline=each.name == self.headline) for each in self.attacks], words=("attack", "headline"))

    def __repr__(self) -> str:
        """Four lines: what was scored, the verdict, the strongest attack's numbers, what was left out."""
        best = self.attacks[0]
        rate = best.tpr[RATE]
        found = f"at most {rate.high:.1%}" if rate.value is None else f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"
        return (
            f"Scored {self.members} members and {self.others} others, {self.references} references, {len(self.attacks)} attacks\n"
            f"{self.verdict}\n"
            f"{best.name}: AUC {best.auc.value:.3f} ({best.auc.low:.3f} to {best.auc.high:.3f}), TPR at {RATE:.0%} FPR {found}\n"
            f"Left out: {' '.join(self.left_out) or 'nothing'}"
        )

    def _repr_html_(self) -> str:
        """Show verdict and table in a notebook."""
        rows = "".join(
            f'<tr><th scope="row">{html.escape(each.name)}{" (headline)" if each.name == self.headline else ""}</th>'
            f"<td>{each.auc.value:.3f}</td><td>{each.auc.low:.3f} to {each.auc.high:.3f}</td></tr>"
            for each in self.attacks
        )
        head = "".join(f'<th scope="col">{name}</th>' for name in ("attack", "AUC", "95 % interval"))
        return f"<p>{html.escape(self.verdict)}</p><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(attack: AttackScore, *, headline: bool) -> dict[str, Any]:
    rates = {f"tpr_at_{fpr:g}_fpr": interval for fpr, interval in attack.tpr.items()}
    numbers = {"auc": attack.auc, **rates}
    spread = {
        key: value
        for name, each in numbers.items()
        for key, value in ((name, each.value), (f"{name}_low", each.low), (f"{name}_high", each.high))
    }
    return {"attack": attack.name, "headline": headline, **spread, "reference_auc": attack.reference_auc}
