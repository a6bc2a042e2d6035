"""The comparison page: several records, grouped by data set."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from mia_audit.record import Record, VariantComparison
from mia_audit.report import comparison_figures, variants
from mia_audit.report.numbers import decimal, percent
from mia_audit.report.page import fill
from mia_audit.report.variants import Group, Target

FEWEST_REPLICATES = 5


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A group with its figures; None where they cannot be drawn."""

    group: Group
    auc: Markup | None
    tpr: Markup | None
    apart: list[tuple[Target, list[Target]]]


def page(records: Sequence[Record], comparisons: Sequence[VariantComparison] = ()) -> str:
    """Return the comparison page of records."""
    leaking = sum(record.summary.sound and record.summary.leaks for record in records)
    hinted = sum(record.summary.sound and bool(record.summary.hints) for record in records)
    failed = sum(not record.summary.sound for record in records)
    return fill(
        "comparison.html",
        records=records,
        drawn=[_drawn(group, number) for number, group in enumerate(variants.groups(records), start=1)],
        finding=finding(len(records), leaking, hinted, failed),
        comparisons=comparisons,
        compared=compared,
        in_words=variants.in_words,
        colour_of=comparison_figures.colour_of,
    )


def finding(total: int, leaking: int, hinted: int, failed: int) -> str:
    """Say in one sentence what the audits found."""
    said = f"Membership leaks from {leaking} of {total} targets to the attacks run here"
    if hinted:
        said += f"; from {hinted} the headline's AUC is not above chance, but another number is off it"
    silent = total - leaking - hinted - failed
    if silent:
        said += f"; from {silent} they found no leakage"
    if failed:
        said += f"; {failed} audit{'s' * (failed != 1)} failed a control and cannot be relied on"
    return said + "."


def compared(one: VariantComparison) -> str:
    """Say what a comparison of two variants found, in one sentence; it follows the corrected p, not the comparison's own interval."""
    where = f"at a common test accuracy of {percent(one.accuracy)}" if one.accuracy is not None else _unmatched(one)
    more, less = (one.first, one.second) if one.difference.low > -one.difference.high else (one.second, one.first)
    if one.told_apart:
        said = f"{more} leaks more than {less}"
    elif one.difference.low > 0 or one.difference.high < 0:
        said = f"{one.first} and {one.second} are told apart by their own interval, but not once all comparisons are corrected for"
    else:
        said = f"{one.first} and {one.second} are not told apart"
    few = f" {one.replicates} replicates are few: five or more make a claim." if one.replicates < FEWEST_REPLICATES else ""
    return f"{said}, {where}.{few}"


def _unmatched(one: VariantComparison) -> str:
    return f"but their test accuracies differ by {decimal(100 * one.apart, 1)} points and were not matched: part of it may be fit"


def _drawn(group: Group, number: int) -> Drawn:
    if group.attack is None:
        return Drawn(group=group, auc=None, tpr=None, apart=[])
    return Drawn(
        group=group,
        auc=comparison_figures.auc_panel(group, group.attack, f"auc-{number}"),
        tpr=comparison_figures.tpr_panel(group, group.attack, f"tpr-{number}"),
        apart=variants.apart(group),
    )
