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
    Look,
    Looks,
    RateAtFPR,
    Record,
    SliceResult,
    Summary,
    Vulnerable,
    verdict,
)
from mia_audit.record.budget import HEADLINE_LEVEL, KIND_LEVEL, LOOKS_LEVEL, RISK_LEVEL, VERDICT_LEVEL
from mia_audit.record.hints import PERCENT
from mia_audit.report import render
from mia_audit.report.console import summary_table
from tests.support.html import text
from tests.support.records import make_record

CALM = make_record(leaky=False)
ABOVE = Estimate(value=0.042, low=0.029, high=0.061, method="made up")
NEARLY = Estimate(value=0.0195, low=0.011, high=0.041, method="made up")
AT = Estimate(value=0.012, low=0.006, high=0.021, method="made up")
LIMIT = Estimate(value=None, low=0.0, high=0.4, method="upper limit")


def plain(text: str) -> str:
    """Return the text with ordinary spaces."""
    return text.replace(PERCENT, " %")


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


def kind(p: float | None) -> Kind:
    """Return what 34 networks show."""
    mean = Estimate(value=0.53, low=0.52, high=0.54, method="made up")
    return Kind(attack="loss", turns=34, mean_auc=mean, auc_sd=0.01, auc_least=0.4, auc_most=0.6, pairs=9_000, tpr_at_fpr=(rate(AT),), p=p)


def part(p: float) -> SliceResult:
    """Return one part of the data."""
    auc = Estimate(value=0.62, low=0.52, high=0.72, method="made up")
    return SliceResult(by="class", name="7", members=90, nonmembers=80, auc=auc, p=p, p_holm=min(1.0, 2 * p))


def risk(least_q: float | None) -> Vulnerable:
    """Return three examples at risk."""
    return Vulnerable(models=34, tested=900, unresolved=0, rate=0.05, at_risk=3, smallest_p=1e-9, auc_deciles=(), least_q=least_q)


def looks(*found: Look, headline_p: float = 0.3) -> Looks:
    """Return what redraws of the coins found."""
    return Looks(headline_p=headline_p, draws=1_999, count=37, critical=3.4, found=found)


def look(what: Any, p: float = LOOKS_LEVEL, of: str = CALM.summary.headline, fpr: float | None = None) -> Look:
    """Return one number, off chance."""
    return Look(what=what, of=of, p=p, fpr=fpr)


OFF_CHANCE: dict[str, tuple[Callable[[], Summary], str]] = {
    "TPR": (lambda: headline(tpr_at_fpr=(rate(ABOVE),)), "its TPR at 1 % FPR is 4.2 % (2.9 to 6.1 %)"),
    "advantage": (lambda: headline(advantage=ABOVE), "its advantage at the threshold fixed beforehand is 0.042 (0.029 to 0.061)"),
    "AUC below": (lambda: headline(auc=Estimate(value=0.4, low=0.35, high=0.45, method="")), "that AUC lies below 0.5"),
    "another attack's AUC": (lambda: weakest(auc=Estimate(value=0.6, low=0.55, high=0.65, method="")), "1 of 4 other attacks has numbers"),
    "another attack's TPR": (lambda: weakest(tpr_at_fpr=(rate(ABOVE),)), "1 of 4 other attacks has numbers off chance"),
    "kind": (lambda: having(kind=kind(KIND_LEVEL)), "the mean AUC over 34 networks of its kind is 0.530 (0.520 to 0.540)"),
    "slice": (lambda: having(slices=(part(1e-4), part(0.01))), "its AUC is off chance in 1 part of the data (class 7)"),
    "at risk": (lambda: having(vulnerable=risk(RISK_LEVEL)), "examples at risk whatever network of its kind is released: 3 of 900"),
    "redrawn TPR": (lambda: having(looks=looks(look("tpr", fpr=0.01))), "its TPR at 1 % FPR is"),
    "redrawn advantage": (lambda: having(looks=looks(look("advantage"))), "its advantage at the threshold fixed beforehand is"),
    "redrawn others": (
        lambda: having(looks=looks(look("auc", of="loss"), look("tpr", of="loss", fpr=0.1), look("advantage", of="margin"))),
        "2 of 4 other attacks have numbers off chance (loss, margin)",
    ),
    "redrawn part": (lambda: having(looks=looks(look("part", of="class 7"))), "its AUC is off chance in 1 part of the data (class 7)"),
    "guesses": (
        lambda: having(looks=looks(look("guesses")), epsilon=epsilon(0.3, bound=True)),
        "right more often than a coin (one run (60 of 80 guesses right): epsilon is at least 0.30 by itself, at a level of 5 % that is not",
    ),
    "guesses alone": (
        lambda: having(looks=looks(look("guesses")), epsilon=epsilon(0.3, bound=False)),
        "its guesses at who is a member are right more often than a coin.",
    ),
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
        CALM.summary, headline(tpr_at_fpr=(rate(AT), rate(LIMIT, 0.001))), having(epsilon=epsilon(0.2, bound=True)),
        headline(tpr_at_fpr=(rate(NEARLY),)), having(kind=kind(1.01 * KIND_LEVEL)), having(kind=kind(None)),
        having(slices=(part(0.01),)), having(vulnerable=risk(1.01 * RISK_LEVEL)), having(vulnerable=risk(None)),
        having(looks=looks(look("tpr", fpr=0.01, p=1.01 * LOOKS_LEVEL), headline_p=1.01 * HEADLINE_LEVEL)),
    ],
)  # fmt: skip
def test_no_leakage_is_said_where_all_is_at_chance(summary: Summary) -> None:
    """A rate that is not resolved, a bound at its own level alone, and what is off chance by a hair among many are no finding."""
    assert summary.hints == ()
    assert verdict(summary).startswith("The attacks run here found no leakage")


def test_the_shares_add_up() -> None:
    """The headline's and all others' are the verdict's level together, and the headline's is most of it."""
    assert pytest.approx(VERDICT_LEVEL) == HEADLINE_LEVEL + LOOKS_LEVEL + KIND_LEVEL + RISK_LEVEL
    assert HEADLINE_LEVEL > VERDICT_LEVEL / 2


def test_the_headlines_test_decides_and_is_told_with_its_level() -> None:
    """At its level it leaks although a two-sided 95 % interval holds one half; above it, it does not, whatever that interval says."""
    auc = Estimate(value=0.53, low=0.499, high=0.561, method="")
    within = headline(auc=auc).model_copy(update={"looks": looks(headline_p=HEADLINE_LEVEL)})
    assert within.leaks
    said = "with AUC 0.530, 95 % interval 0.499 to 0.561, one-sided p = 0.04, level 4 %; a coin would score 0.5."
    assert plain(verdict(within)).endswith(said)
    above = headline(auc=auc.model_copy(update={"low": 0.51})).model_copy(update={"looks": looks(headline_p=1.01 * HEADLINE_LEVEL)})
    assert not above.leaks
    assert "one-sided p <= 0.0005, level 4 %" in plain(verdict(having(looks=looks(headline_p=0.0005))))


def test_the_correction_is_told() -> None:
    """How many numbers were looked at, how often the coins were redrawn, and each family's share."""
    said = plain(verdict(having(looks=looks(look("advantage")))))
    assert "at most 0.6 % find any such number" in said
    assert "(37 were looked at, its coins redrawn 1,999 times), 0.2 % one of the network's kind, and 0.2 % an example at risk." in said
    assert "widened for all numbers of the 5 attacks" in verdict(headline(tpr_at_fpr=(rate(ABOVE),)))


def test_an_auc_below_one_half_is_a_finding_and_one_above_is_the_headlines_own() -> None:
    """A joint p of the headline's AUC counts below one half alone: above it, the headline's own test has spoken."""
    for value, told in ((0.4, True), (0.55, False)):
        auc = Estimate(value=value, low=value - 0.05, high=value + 0.05, method="")
        found = headline(auc=auc).model_copy(update={"looks": looks(look("auc"))})
        assert any("read backwards" in hint for hint in found.hints) == told


def test_an_audit_too_small_says_so() -> None:
    """Where no AUC could have been told, none is promised."""
    power = CALM.summary.power.model_copy(update={"auc": 1.0})
    assert "would have seen no AUC, however large, in four of five cases" in verdict(having(power=power))


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
    said = "of 1 the audit by itself says that something is off chance, which is not enough among 2 audits; from 1 they found no leakage."
    assert f"Membership leaks from 0 of 2 targets to the attacks run here; {said}" in text(page)
    assert 'class="verdict tone-calm"' in page
