"""A record at a glance: four lines in a terminal, a table in a notebook. From the totals alone."""

import html
from collections.abc import Iterator

from mia_audit.record.parts import AttackResult, Estimate
from mia_audit.record.summary import Summary
from mia_audit.record.verdict import verdict

RATE = 0.01  # the false positive rate that the table shows


def as_lines(name: str, summary: Summary) -> tuple[str, str, str, str]:
    """Return what was audited, the verdict, the headline's numbers, and how well the network works and what the controls said."""
    best, counts = summary.strongest, summary.counts
    audited = f"{counts.audited_members} members, {counts.audited_nonmembers} others"
    return (
        f"Record {name}: {summary.recipe.name} on {summary.data.title}, {counts.shadows} shadow models, attacks: {len(summary.attacks)}",
        verdict(summary),
        f"Headline {best.name}: AUC {decimal(best.auc)}, TPR at {RATE:.0%} FPR {percent(rate_of(best))} ({audited})",
        f"Test accuracy {percent(summary.utility.test_accuracy)}, train minus test {percent(summary.utility.gap)}; {_controls(summary)}",
    )


def as_html(name: str, summary: Summary) -> str:
    """Return verdict, accuracy and a table of the attacks: the headline marked and first, the others by strength on shadow models."""
    ranked = sorted(summary.attacks, key=lambda attack: (attack.name != summary.headline, -attack.rehearsal_auc, attack.name))
    rows = "".join(_row(attack, headline=attack.name == summary.headline) for attack in ranked)
    heads = ("attack", "AUC", "95 % interval", f"TPR at {RATE:.0%} FPR", "95 % interval", "AUC on shadow models")
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    accuracy = f"Test accuracy {percent(summary.utility.test_accuracy)}, train minus test {percent(summary.utility.gap)}"
    return (
        f"<p><b>{html.escape(name)}</b>: {html.escape(verdict(summary))}</p><p>{accuracy}; {html.escape(_controls(summary))}.</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def decimal(estimate: Estimate) -> str:
    """Return a number and its interval; where the number cannot be resolved, the upper limit."""
    if estimate.value is None:
        return f"not resolved, at most {estimate.high:.3f}"
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def percent(estimate: Estimate | None) -> str:
    """Return a share and its interval in percent; where the share cannot be resolved, the upper limit."""
    if estimate is None:
        return "not measured"
    if estimate.value is None:
        return f"not resolved, at most {estimate.high:.1%}"
    return f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%})"


def rate_of(attack: AttackResult) -> Estimate | None:
    """Return the true positive rate at the false positive rate that is shown, None where it was not measured."""
    return next((rate.tpr for rate in attack.tpr_at_fpr if rate.fpr == RATE), None)


def _row(attack: AttackResult, *, headline: bool) -> str:
    cells = "".join(f"<td>{cell}</td>" for cell in (*_split(attack.auc, "{:.3f}"), *_split(rate_of(attack), "{:.1%}")))
    name = html.escape(attack.name)
    marked = f"<b>{name}</b> (headline)" if headline else name
    return f'<tr><th scope="row">{marked}</th>{cells}<td>{attack.rehearsal_auc:.3f}</td></tr>'


def _split(estimate: Estimate | None, form: str) -> Iterator[str]:
    """Yield a number and its interval, each for a cell of its own."""
    if estimate is None:
        yield from ("not measured", "")
        return
    yield "not resolved" if estimate.value is None else form.format(estimate.value)
    yield f"{form.format(estimate.low)} to {form.format(estimate.high)}"


def _controls(summary: Summary) -> str:
    said = {True: "passed", False: "FAILED", None: "not run"}
    counted = {words: sum(control.passed is state for control in summary.controls) for state, words in said.items()}
    return "controls: " + ", ".join(f"{count} {words}" for words, count in counted.items() if count)
