"""Examples at risk and parts of the data, drawn and said."""

import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from mia_audit.record import Record, Summary
from mia_audit.report import canvas
from mia_audit.report.numbers import count, decimal, level, percent
from mia_audit.report.theme import stand_in

BINS = np.linspace(0, 1, 41)


def histogram(record: Record) -> Markup | None:
    """Draw the examples' AUCs, IN against OUT models, those at risk apart; None where the record has none."""
    found = record.summary.vulnerable
    if found is None or "vulnerability/auc" not in record.arrays:
        return None
    known = record.arrays["vulnerability/resolved"]
    auc, q = record.arrays["vulnerability/auc"][known], record.arrays["vulnerability/q"][known]
    at_risk = q <= found.rate
    with canvas.style():
        figure, axes = canvas.panel(width=4.4, height=2.5)
        for values, colour in ((auc[~at_risk], "series-1"), (auc[at_risk], "series-2")):
            if values.size:
                sns.histplot(x=values, bins=list(BINS), element="step", ax=axes, color=stand_in(colour), alpha=0.22, linewidth=1.6)
        axes.axvline(0.5, color=stand_in("muted"), linewidth=1, linestyle=(0, (1, 2)))
        axes.set(xlabel="AUC of one example: models with it against models without", ylabel="Examples", xlim=(0, 1))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=False, axis="x")
        words = f"Histogram of the AUC of each example over {found.models} models; {found.at_risk} of {found.tested} examples are at risk."
        return canvas.to_svg(figure, "vulnerable", words)


def at_risk_in_words(summary: Summary) -> str:
    """Say how many examples are at risk, and what could have been found."""
    found = summary.vulnerable
    if found is None:
        return ""
    if found.smallest_p > found.rate / max(1, found.tested):
        return (
            f"{count(found.models)} models cannot single out one example among {count(found.tested)}: the smallest p-value that they could "
            f"give is {found.smallest_p:.1g}. More shadow models can."
        )
    return (
        f"{count(found.at_risk)} of {count(found.tested)} examples are at risk whatever network of this kind is released: models trained "
        f"with them are surer of them than models without, by more than chance explains. Of such a list {level(found.rate)} is expected "
        "to be wrong."
    )


def names_in_words(summary: Summary) -> str:
    """Say whom an attacker could name with few wrong names."""
    found = summary.named
    if found is None:
        return ""
    if not found.names:
        return f"Asked for a list of members with at most {level(found.rate)} wrong names expected, {summary.headline} can name nobody."
    right = percent(found.right / found.names)
    return (
        f"Asked for a list of members with at most {level(found.rate)} wrong names expected, {summary.headline} names "
        f"{count(found.names)} example{'s' * (found.names != 1)}; {count(found.right)} ({right}) are members."
    )


def probabilities_in_words(summary: Summary) -> str:
    """Say what the calibrated probabilities are worth."""
    found = summary.calibration
    if found is None:
        return ""
    return (
        f"The scores of {summary.headline} as probabilities of membership, fitted on rehearsals. Their mean squared error (Brier score) is "
        f"{decimal(found.brier)}; guessing has {decimal(found.coin)}."
    )
