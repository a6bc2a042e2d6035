"""The verdict: what an audit found, in one plain sentence."""

from mia_audit.record.summary import POWER_CONTROL, Summary


def verdict(summary: Summary) -> str:
    """Say in plain words what the audit found. It never says "private", and "no leakage" only where nothing stored lies off chance."""
    best = summary.strongest
    if not summary.sound:
        failed = ", ".join(control.name for control in summary.controls if control.passed is False and control.name != POWER_CONTROL)
        return f"Do not rely on this audit: a control failed ({failed})."
    if summary.leaks:
        return (
            f"Membership leaks: {best.name} tells members from non-members with AUC {best.auc.value:.3f} "
            f"({best.auc.low:.3f} to {best.auc.high:.3f}); a coin would score 0.5."
        )
    if summary.hints:
        return _hinted(summary)
    if summary.powerless:
        return (
            f"The attacks run here found no leakage, but that says little: {best.name} does not find examples that were planted eight "
            "times either. It had no power here."
        )
    return (
        f"The attacks run here found no leakage ({best.name}: AUC {best.auc.value:.3f}, {best.auc.low:.3f} to "
        f"{best.auc.high:.3f}); this audit would have seen an AUC above {summary.power.auc:.3f}."
    )


def _hinted(summary: Summary) -> str:
    best = summary.strongest
    one = len(summary.hints) == 1
    return (
        f"The AUC of {best.name} is not above chance ({best.auc.value:.3f}, {best.auc.low:.3f} to {best.auc.high:.3f}), but not all is at "
        f"chance: {'; '.join(summary.hints)}. {'This' if one else 'Each'} holds with a correction for all that was looked at."
        + (f" {best.name} does not find examples that were planted eight times: it had little power here." if summary.powerless else "")
    )
