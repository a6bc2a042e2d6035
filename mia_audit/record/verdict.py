"""The verdict: what an audit found, in one plain sentence, and at which level it says so."""

from mia_audit.record import hints
from mia_audit.record.budget import HEADLINE_LEVEL
from mia_audit.record.findings import Beyond
from mia_audit.record.summary import POWER_CONTROL, Summary


def verdict(summary: Summary) -> str:
    """Say in plain words what the audit found. It never says "private", and "no leakage" only where nothing stored lies off chance."""
    best = summary.strongest
    if not summary.sound:
        failed = ", ".join(control.name for control in summary.controls if control.passed is False and control.name != POWER_CONTROL)
        return f"Do not rely on this audit: a control failed ({failed})."
    if summary.leaks:
        return f"Membership leaks: {best.name} tells members from non-members with AUC {_tested(summary)}; a coin would score 0.5."
    if summary.beyond is not None and summary.above_chance:
        return _doubtful(summary, summary.beyond)
    if summary.hints:
        return _hinted(summary)
    if summary.powerless:
        return (
            f"The attacks run here found no leakage, but that says little: {best.name} does not find examples that were planted eight "
            "times either. It had no power here."
        )
    return f"The attacks run here found no leakage ({best.name}: AUC {_tested(summary)}); {_seen(summary)}."


def _hinted(summary: Summary) -> str:
    best = summary.strongest
    return (
        f"The AUC of {best.name} is not above chance ({_tested(summary)}), but not all is at "
        f"chance: {'; '.join(summary.hints)}. {hints.corrected(summary.looks, summary.attacks)}"
        + (f" {best.name} does not find examples that were planted eight times: it had little power here." if summary.powerless else "")
    )


def _doubtful(summary: Summary, beyond: Beyond) -> str:
    apart, best = beyond.difference, summary.strongest
    return (
        f"Not told from an artefact: {best.name} has AUC {_tested(summary)}, but {beyond.auc:.3f} on {beyond.phantoms} networks "
        f"that never saw the target's members; the difference is {apart.value:+.3f} ({apart.low:+.3f} to {apart.high:+.3f})."
    )


def _tested(summary: Summary) -> str:
    """Return the AUC with its interval, which is two-sided at 95 %, and its test, which is one-sided at a level of its own."""
    auc, looks = summary.strongest.auc, summary.looks
    found = f"{auc.value:.3f}, 95 % interval {auc.low:.3f} to {auc.high:.3f}"
    if looks is None:
        return found
    least = "<= " if looks.headline_p <= 1 / (looks.draws + 1) else "= "
    return f"{found}, one-sided p {least}{looks.headline_p:.2g}, level {100 * HEADLINE_LEVEL:g} %"


def _seen(summary: Summary) -> str:
    if summary.power.auc >= 1:
        return "with so few examples, this audit would have seen no AUC, however large, in four of five cases"
    return f"this audit would have seen an AUC above {summary.power.auc:.3f} in four of five cases"
