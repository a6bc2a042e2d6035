"""The comparison page: several records, grouped by data set."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mia_audit.record import Record, VariantComparison
from mia_audit.record.compared import Compared, NetworkComparison, leak_among
from mia_audit.record.findings import FEWEST_REPLICATES
from mia_audit.report import comparison_figures, variants
from mia_audit.report.numbers import decimal, percent
from mia_audit.report.page import fill
from mia_audit.report.variants import Group, Target

NOT_ASKED = Compared(silent=("Nothing was compared: this page was drawn without a comparison (`mia-audit report` makes one).",))


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A group with its figures, None where they cannot be drawn, and the pairs of its networks that were compared."""

    group: Group
    auc: Markup | None
    tpr: Markup | None
    networks: list[tuple[Target, Target, NetworkComparison]]


def page(records: Sequence[Record], found: Compared = NOT_ASKED) -> str:
    """Return the comparison page of records."""
    summaries = [record.summary for record in records]
    jointly = leak_among(summaries)
    alone = sum(each.sound and (each.leaks or bool(each.hints)) for each, leaks in zip(summaries, jointly, strict=True) if not leaks)
    return fill(
        "comparison.html",
        records=records,
        drawn=[_drawn(group, number, found) for number, group in enumerate(variants.groups(records), start=1)],
        finding=finding(len(records), sum(jointly), alone, sum(not each.sound for each in summaries)),
        tone="leak" if any(jointly) else "calm",
        found=found,
        compared=compared,
        networks_in_words=networks_in_words,
        colour_of=comparison_figures.colour_of,
    )


def finding(total: int, leaking: int, alone: int, failed: int) -> str:
    """Say in one sentence what the audits found, all of them looked at together.

    leaking  targets whose headline is above chance at a level that all share
    alone    others whose own audit says that something is off chance, which one of many does by luck
    """
    said = f"Membership leaks from {leaking} of {total} targets to the attacks run here"
    if alone:
        said += f"; of {alone} the audit by itself says that something is off chance, which is not enough among {total} audits"
    silent = total - leaking - alone - failed
    if silent:
        said += f"; from {silent} they found no leakage"
    if failed:
        said += f"; {failed} audit{'s' * (failed != 1)} failed a control and cannot be relied on"
    return said + "."


def compared(one: VariantComparison) -> str:
    """Say what a comparison of two variants found, in one sentence; it follows the corrected p, not the comparison's own interval."""
    where = f"at a common test accuracy of {percent(one.accuracy)}" if one.accuracy is not None else _unmatched(one)
    more, less = (one.first, one.second) if (one.difference.value or 0.0) > 0 else (one.second, one.first)
    if one.told_apart:
        said = f"{more} leaks more than {less}"
    elif one.replicates < FEWEST_REPLICATES:
        said = f"Whether {one.first} or {one.second} leaks more cannot be said"
    elif one.difference.low > 0 or one.difference.high < 0:
        said = f"{one.first} and {one.second} are told apart by their own interval, but not once all comparisons are corrected for"
    else:
        said = f"{one.first} and {one.second} are not told apart"
    few = f" {one.replicates} replicates are few: five or more make a claim." if one.replicates < FEWEST_REPLICATES else ""
    return f"{said}, {where}.{few}"


def networks_in_words(first: Target, second: Target, one: NetworkComparison) -> str:
    """Say what a comparison of two single networks found: of these two networks, never of their kinds."""
    more, less = (first, second) if (one.difference.value or 0.0) > 0 else (second, first)
    if one.told_apart:
        return f"Network {more.number} leaks more than network {less.number}."
    return f"Networks {first.number} and {second.number} are not told apart."


def _unmatched(one: VariantComparison) -> str:
    return f"but their test accuracies differ by {decimal(100 * one.apart, 1)} points and were not matched: part of it may be fit"


def _drawn(group: Group, number: int, found: Compared) -> Drawn:
    by_id = {target.record.id: target for target in group.targets}
    networks = [(by_id[one.first], by_id[one.second], one) for one in found.networks if one.first in by_id and one.second in by_id]
    if group.attack is None:
        return Drawn(group=group, auc=None, tpr=None, networks=networks)
    return Drawn(
        group=group,
        auc=comparison_figures.auc_panel(group, group.attack, f"auc-{number}"),
        tpr=comparison_figures.tpr_panel(group, group.attack, f"tpr-{number}"),
        networks=networks,
    )
