"""Examples at risk and parts of the data, drawn and said."""

from math import comb
from typing import Any

import numpy as np
import seaborn as sns
from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from mia_audit.record import Record, Summary
from mia_audit.report import canvas
from mia_audit.report.numbers import count, decimal, level, percent
from mia_audit.report.theme import stand_in

BINS = np.linspace(0, 1, 41)
MILLION = 10**6


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
        for values, colour, hatch in ((auc[~at_risk], "series-1", None), (auc[at_risk], "series-2", "///")):
            if values.size:
                look: dict[str, Any] = {"color": stand_in(colour), "alpha": 0.22, "linewidth": 1.6, "hatch": hatch}
                sns.histplot(x=values, bins=list(BINS), element="step", ax=axes, **look)
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


def counts_in_words(summary: Summary) -> str:
    """Say how the counts of names, of examples at risk and of right guesses go together; "" where there are no two of them."""
    said = [*_names(summary), *_risk(summary), *_guesses(summary)]
    if len(said) < 2:
        return ""
    together = "So a leak can be shown by many guesses together where no single name can."
    return f"These counts answer different questions. {' '.join(said)} {together}"


def _names(summary: Summary) -> list[str]:
    found = summary.named
    if found is None:
        return []
    stand = "none does here" if not found.names else f"{count(found.names)} do here" if found.names > 1 else "one does here"
    return [f"A list of names on which few are wrong takes scores that stand out from those of nearly all non-members: {stand}."]


def _risk(summary: Summary) -> list[str]:
    found = summary.vulnerable
    if found is None:
        return []
    said = (
        "An example is at risk whatever network is released if models trained with it are plainly surer of it than models without, each "
        f"example judged by itself: {count(found.at_risk)} of {count(found.tested)}."
    )
    least = f" From {count(found.models)} models only the plainest can be found: none found does not mean that there is none."
    return [said + ("" if found.at_risk else least)]


def _guesses(summary: Summary) -> list[str]:
    found = summary.epsilon
    if found is None or not found.guesses or found.right is None or summary.recipe.data.member_fraction != 0.5:
        return []
    as_well = sum(comb(found.guesses, right) for right in range(found.right, found.guesses + 1))
    once_in = 2**found.guesses // as_well
    often = (
        "less than once in a million times"
        if once_in > MILLION
        else f"once in {count(once_in)} times"
        if once_in > 1
        else "more often than not"
    )
    said = (
        f"Where {found.attack} is surest it guesses {count(found.guesses)} examples, some to be members and some not, and is right in "
        f"{count(found.right)}: tossing coins does as well {often}. That counts all guesses together; none of them is sure by itself."
    )
    return [said]


def probabilities_in_words(summary: Summary) -> str:
    """Say what the calibrated probabilities are worth."""
    found = summary.calibration
    if found is None:
        return ""
    return (
        f"The scores of {summary.headline} as probabilities of membership, fitted on rehearsals. Their mean squared error (Brier score) is "
        f"{decimal(found.brier)}; guessing has {decimal(found.coin)}."
    )
