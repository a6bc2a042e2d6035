"""The audit in the terminal: a short table and a few lines."""

from rich.table import Table
from rich.text import Text

from mia_audit.recipe.describing import described
from mia_audit.record import Record, verdict
from mia_audit.report.guarantee import claim_judged, guarantee_in_words
from mia_audit.report.numbers import decimal, interval, interval_percent, rate_at, value, value_percent
from mia_audit.report.words import unlearnt


def summary_table(record: Record) -> tuple[Table, tuple[str, ...]]:
    """Return the attacks as a table, and the lines that go with it: verdict, accuracy, controls, warnings. Plain text, no markup."""
    summary = record.summary
    title = f"{summary.recipe.name} ({described(summary.recipe).short}) on {summary.data.title}"
    table = Table(title=Text(title), title_justify="left", header_style="bold")
    table.add_column("Attack", overflow="fold")
    for column in ("AUC", "95 % interval", "TPR at 1 % FPR", "95 % interval"):
        table.add_column(column, justify="right", no_wrap=True)
    for attack in sorted(summary.attacks, key=lambda attack: (attack.name != summary.headline, -attack.rehearsal_auc, attack.name)):
        rate = rate_at(attack.tpr_at_fpr, 0.01)
        cells = ("not measured", "") if rate is None else (value_percent(rate.tpr), interval_percent(rate.tpr))
        style = "bold" if attack.name == summary.headline else ""
        table.add_row(*map(Text, (attack.name, value(attack.auc), interval(attack.auc), *cells)), style=style)
    return table, (
        verdict(summary),
        *unlearnt(summary),
        *guarantee_in_words(summary.privacy),
        *claim_judged(summary.epsilon),
        _accuracy(record),
        *_controls(record),
        *_warnings(record),
    )


def _warnings(record: Record) -> list[str]:
    return [f"Warning: {warning}" for warning in (*record.doubts, *record.summary.warnings)]


def _accuracy(record: Record) -> str:
    utility, best = record.summary.utility, record.summary.strongest
    test = f"Test accuracy {value_percent(utility.test_accuracy)} ({interval_percent(utility.test_accuracy)})"
    chosen = f"headline chosen on shadow models (mean AUC {decimal(best.rehearsal_auc)} there)"
    return f"{test}; train minus test {value_percent(utility.gap)}; {chosen}."


def _controls(record: Record) -> list[str]:
    outcomes = {True: "passed", False: "FAILED", None: "not run"}
    return [f"Control, {control.name}: {outcomes[control.passed]} ({control.detail})" for control in record.summary.controls]
