"""The verdict says "no leakage" only where no interval of the record lies off chance, on the page and in the terminal alike."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mia_audit.record import (
    POWER_CONTROL,
    AttackResult,
    Control,
    Epsilon,
    EpsilonLimit,
    Estimate,
    Kind,
    RateAtFPR,
    Record,
    SliceResult,
    Summary,
    Vulnerable,
    verdict,
)
from mia_audit.report import render
from mia_audit.report.console import summary_table
from tests.support.html import text
from tests.support.records import make_record

CALM = make_record(leaky=False)
ABOVE = Estimate(value=0.042, low=0.029, high=0.061, method="made up")
NEARLY = Estimate(value=0.022, low=0.011, high=0.041, method="made up")
AT = Estimate(value=0.012, low=0.006, high=0.021, method="made up")
LIMIT = Estimate(value=None, low=0.0, high=0.4, method="upper limit")


def rate(tpr: Estimate, fpr: float = 0.01) -> RateAtFPR:
    """Return a rate at an FPR."""
    return RateAtFPR(fpr=fpr, tpr=tpr, expected_false_positives=20)


def headline(**changes: Any) -> Summary:
    """Return the calm summary with another headline."""
    summary = CALM.summary
    changed = summary.strongest.model_copy(update=changes)
    return summary.model_copy(update={"attacks": tuple(changed if one.name == summary.headline else one for one in summary.attacks)})


def weakest(**changes: Any) -> Summary:
    """Return the calm summary with another result of an attack that is not the headline."""
    summary = CALM.summary
    last = next(one for one in reversed(summary.attacks) if one.name != summary.headline)
    attacks: tuple[AttackResult, ...] = tuple(one.model_copy(update=changes) if one is last else one for one in summary.attacks)
    return summary.model_copy(update={"attacks": attacks})


def having(**parts: Any) -> Summary:
    """Return the calm summary with further parts."""
    return CALM.summary.model_copy(update=parts)


def epsilon(value: float, *, bound: bool) -> Epsilon:
    """Return limits of epsilon, one of which is this."""
    limits = (
        EpsilonLimit(method="one run (60 of 80 guesses right)" if bound else "Clopper-Pearson", epsilon=value, bound=bound, assumptions=""),
        EpsilonLimit(method="ratio", epsilon=None, bound=False, assumptions=""),
    )
    return Epsilon(
        attack=CALM.summary.headline, delta=1e-5, level=0.05, threshold=0.0, turned=False, accused=0.1, cleared=0.1, limits=limits,
        ceiling=5.0, claimed=None,
    )  # fmt: skip


def kind(auc: float, tpr: Estimate) -> Kind:
    """Return what 34 networks show."""
    mean = Estimate(value=auc, low=auc - 0.01, high=auc + 0.01, method="made up")
    return Kind(attack="loss", turns=34, mean_auc=mean, auc_sd=0.01, auc_least=0.4, auc_most=0.6, pairs=9_000, tpr_at_fpr=(rate(tpr),))


def part(low: float) -> SliceResult:
    """Return one part of the data."""
    auc = Estimate(value=low + 0.1, low=low, high=low + 0.2, method="made up")
    return SliceResult(by="class", name="7", members=90, nonmembers=80, auc=auc, p=0.01, p_holm=0.02)


def risk(at_risk: int) -> Vulnerable:
    """Return so many examples at risk."""
    return Vulnerable(models=34, tested=900, unresolved=0, rate=0.05, at_risk=at_risk, smallest_p=1e-9, auc_deciles=())


OFF_CHANCE: dict[str, tuple[Callable[[], Summary], str]] = {
    "TPR": (lambda: headline(tpr_at_fpr=(rate(ABOVE),)), "its TPR at 1 % FPR is 4.2 % (2.9 to 6.1 %)"),
    "advantage": (lambda: headline(advantage=ABOVE), "its advantage at the threshold fixed beforehand is 0.042 (0.029 to 0.061)"),
    "AUC below": (lambda: headline(auc=Estimate(value=0.4, low=0.35, high=0.45, method="")), "that AUC lies below 0.5"),
    "another attack's AUC": (lambda: weakest(auc=Estimate(value=0.6, low=0.55, high=0.65, method="")), "1 of 4 other attacks has an"),
    "another attack's TPR": (lambda: weakest(tpr_at_fpr=(rate(ABOVE),)), "1 of 4 other attacks has an interval off chance"),
    "one run": (lambda: having(epsilon=epsilon(0.3, bound=True)), "epsilon is at least 0.30 by one run (60 of 80 guesses right)"),
    "kind": (lambda: having(kind=kind(0.53, AT)), "the mean AUC over 34 networks of its kind is 0.530 (0.520 to 0.540)"),
    "kind's TPR": (lambda: having(kind=kind(0.5, ABOVE)), "the pooled TPR at 1 % FPR is 4.2 % (2.9 to 6.1 %) over its kind"),
    "slice": (lambda: having(slices=(part(0.52), part(0.4))), "its AUC is off chance in 1 of 2 parts of the data (class 7)"),
    "at risk": (lambda: having(vulnerable=risk(3)), "examples at risk whatever network of its kind is released: 3 of 900"),
}


@pytest.mark.parametrize("what", OFF_CHANCE)
def test_an_interval_off_chance_is_told_beside_an_auc_at_chance(what: str) -> None:
    """The AUC's own outcome, then exactly what lies off chance; "no leakage" is said nowhere, and the tone is no all-clear."""
    make, said = OFF_CHANCE[what]
    record = replace(CALM, summary=make())
    assert not record.summary.leaks
    page, (_, lines) = render([record]), summary_table(record)
    for shown in (text(page), " ".join(lines[0].split())):
        assert f"The AUC of {record.summary.headline} is not above chance (" in shown
        assert said in shown
        assert "found no leakage" not in shown
    assert 'class="verdict tone-hint"' in page
    assert "as a reason to audit again" in page


@pytest.mark.parametrize(
    "summary",
    [
        CALM.summary, headline(tpr_at_fpr=(rate(AT), rate(LIMIT, 0.001))), having(epsilon=epsilon(0.0, bound=True)),
        having(epsilon=epsilon(0.2, bound=False)), headline(tpr_at_fpr=(rate(NEARLY),)), having(kind=kind(0.5, AT)),
        having(slices=(part(0.4),)), having(vulnerable=risk(0)),
    ],
)  # fmt: skip
def test_no_leakage_is_said_where_all_is_at_chance(summary: Summary) -> None:
    """A rate that is not resolved, an epsilon of 0, an estimate of it, and an interval off chance by a hair among many are no finding."""
    assert summary.hints == ()
    assert verdict(summary).startswith("The attacks run here found no leakage")


def test_a_leak_needs_no_hints() -> None:
    """Where the AUC decides, its sentence stands alone; where a control failed, nothing else is said; missing power is added."""
    assert make_record().summary.hints == ()
    failed = Control(name="blind classifier", passed=False, detail="")
    hinted = headline(tpr_at_fpr=(rate(ABOVE),))
    assert verdict(hinted.model_copy(update={"controls": (failed,)})).startswith("Do not rely on this audit")
    powerless = hinted.model_copy(update={"controls": (Control(name=POWER_CONTROL, passed=False, detail=""),)})
    added = f"{CALM.summary.headline} does not find examples that were planted eight times: it had little power here."
    assert verdict(powerless) == f"{verdict(hinted)} {added}"


def test_a_comparison_counts_what_is_only_hinted_at() -> None:
    """Neither among the leaks nor among those that show nothing."""
    hinted: Record = replace(CALM, summary=headline(tpr_at_fpr=(rate(ABOVE),)))
    page = render([hinted, make_record(leaky=False, seed=2)])
    said = "from 1 the headline's AUC is not above chance, but another number is off it; from 1 they found no leakage."
    assert f"Membership leaks from 0 of 2 targets to the attacks run here; {said}" in text(page)
    assert 'class="verdict tone-hint"' in page
