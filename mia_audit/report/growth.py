"""What more shadow models would buy, in words."""

from mia_audit.record import Grown, Summary
from mia_audit.report.numbers import count, decimal, interval, value, value_percent

LITTLE = 0.005
"""An AUC more or less that nobody would train as many models again for."""


def growth_in_words(summary: Summary) -> str:
    """Return the headline attack's AUC and TPR by shadow models, what the last doubling added, and what that says; "" where unknown."""
    found = summary.growth
    if found is None:
        return ""
    last = found.doubling
    told = "; ".join(_point(point) for point in found.points)
    return (
        f"{summary.headline} on the same {count(found.examples)} examples: {told}. The last doubling changed its AUC by "
        f"{decimal(last.value or 0.0)} ({interval(last)}), {_meaning(last.low, last.high)}"
    )


def _point(point: Grown) -> str:
    area, share = f"{value(point.auc)} ({interval(point.auc)})", value_percent(point.tpr.tpr)
    return f"with {count(point.shadows)} shadow models AUC {area} and TPR {share} at 1 % FPR"


def _meaning(low: float, high: float) -> str:
    if low > 0:
        return "so that an attacker with more shadow models would do better than this audit."
    if high < LITTLE:
        return "so that more shadow models would hardly make this attack stronger."
    return "which does not tell whether more shadow models would make this attack stronger."
