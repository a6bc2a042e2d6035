"""The first screen answers in plain words: it follows from the record, limits are limits, no advice is invented."""

import re
from dataclasses import replace
from typing import Any

import pytest

from mia_audit import report
from mia_audit.audit.findings.risk import strict_of
from mia_audit.record import Control, Estimate, Kind, Named, RateAtFPR, Record, SliceResult, Vulnerable
from mia_audit.report import advice, answers
from mia_audit.report.families import families, leading
from mia_audit.report.provenance import Look
from tests.support.html import text
from tests.support.records import make_record


@pytest.fixture(scope="module")
def record() -> Record:
    """Make a record with enough non-members to resolve 1 % FPR."""
    return make_record(pool=2400)


def first(page: str) -> str:
    """Return the words before the numbers."""
    return text(page[: page.index('id="numbers"')].replace("<section", "<section "))


def changed(record: Record, **fields: Any) -> Record:
    """Return the record with other content."""
    return replace(record, summary=record.summary.model_copy(update=fields))


def estimate(low: float, value: float | None, high: float) -> Estimate:
    """Return a number and its interval."""
    return Estimate(value=value, low=low, high=high, method="test")


def rate(fpr: float, tpr: Estimate) -> RateAtFPR:
    """Return a true positive rate."""
    return RateAtFPR(fpr=fpr, tpr=tpr, expected_false_positives=12)


@pytest.mark.parametrize("changes", [{}, {"leaky": False}, {"failed_control": True}, {"pool": 300}])
def test_no_abbreviation_stands_undefined_on_the_first_screen(changes: dict[str, Any]) -> None:
    """The words of the field come later; DP-SGD is spelled out where it stands."""
    made = make_record(**changes)
    seen = first(report.render([made], look=Look(strict=strict_of(made)))).replace("training with differential privacy (DP-SGD)", "")
    assert not re.findall(r"\b(AUC|TPR|FPR|ROC|MIA|DP|SGD|SNN|ANN|LiRA|RMIA|p-value)\b", seen)
    assert len(seen.split()) < 480  # with advice, origin and contents
    found = answers.answers(made)
    assert len(" ".join(answer.short for answer in found).split()) < 30  # what is read in ten seconds
    assert len(" ".join(said for answer in found for said in answer.said).split()) < 150


@pytest.mark.parametrize(
    ("changes", "short"),
    [({}, "Yes"), ({"leaky": False}, "Not as far as was tried"), ({"failed_control": True}, "This audit cannot tell")],
)
def test_it_says_in_a_word_whether_it_leaks(changes: dict[str, bool], short: str) -> None:
    """Yes, not found, cannot tell; where a control failed nothing is said of how much."""
    made = make_record(**changes)  # type: ignore[arg-type]
    seen = first(report.render([made]))
    assert f"Does it leak who was in its training data? {short} " in seen
    assert ("How much?" in seen) == (short != "This audit cannot tell")
    assert ("How often is a name right?" in seen) == (short != "This audit cannot tell")


def test_a_missed_dose_makes_no_finding_say_little() -> None:
    """No leak found by an attack without power."""
    quiet = make_record(leaky=False)
    dose = Control(name="dose response", passed=False, detail="missed")
    found = answers.does_it_leak(changed(quiet, controls=(quiet.summary.controls[0], dose)).summary)
    assert found.short == "Not found, which says little"


@pytest.mark.parametrize(
    ("fpr", "tpr", "said"),
    [
        (0.01, estimate(0, None, 0.0441), "it names with one false accusation among 100 others is not known: 6 or more are ruled out."),
        (0.01, estimate(0, None, 0.05), "6 or more are ruled out."),
        (0.1, estimate(0, None, 0.4), "it names with 10 false accusations among 100 others is not known: 41 or more are ruled out."),
        (0.01, estimate(0.081, 0.124, 0.171), "names 12 members on average (8.1 to 17); a guesser one."),
        (0.01, estimate(0.004, 0.012, 0.021), "names 1.2 members on average (0.4 to 2.1), no more than luck explains; a guesser one."),
        (0.1, estimate(0.12, 0.16, 0.2), "allowed 10 false accusations names 16 members on average (12 to 20); a guesser 10."),
    ],
)
def test_rates_are_said_as_people(fpr: float, tpr: Estimate, said: str) -> None:
    """A limit is rounded up and called one; a value stands with its interval and beside the guesser's."""
    assert said in answers.as_people(rate(fpr, tpr))


def test_the_strictest_rate_of_one_in_a_hundred_or_more_is_told() -> None:
    """0.1 % is not for a hundred people."""
    rates = tuple(rate(fpr, estimate(0.1, 0.2, 0.3)) for fpr in (0.1, 0.02, 0.001))
    found = answers.strictest(rates)
    assert found is not None
    assert found.fpr == 0.02
    assert answers.strictest(rates[2:]) is None


def test_how_much_is_the_headlines_auc(record: Record) -> None:
    """0.77 is 77 of 100 pairs."""
    auc = record.summary.strongest.auc
    assert auc.value is not None
    found = answers.how_much(record.summary)
    assert found.short == f"{100 * auc.value:.0f} of 100 pairs told rightly"
    assert f"{100 * auc.value:.0f} times out of 100 ({100 * auc.low:.0f} to {100 * auc.high:.0f}); guessing: 50." in found.said[0]


@pytest.mark.parametrize(
    ("at_risk", "smallest_p", "short"),
    [(12, 1e-9, "12 of 200 examples stand out"), (0, 1e-9, "Nobody stands out"), (0, 0.1, "Not known")],
)
def test_who_stands_out_or_why_that_is_not_known(record: Record, at_risk: int, smallest_p: float, short: str) -> None:
    """Too few models to single anybody out is not the same as nobody."""
    found = Vulnerable(models=10, tested=200, unresolved=0, rate=0.05, at_risk=at_risk, smallest_p=smallest_p, auc_deciles=())
    assert answers.who(changed(record, vulnerable=found).summary).short == short
    assert answers.who(record.summary).short == "Not looked at"


def test_names_and_parts_are_told(record: Record) -> None:
    """Whom an attacker would name, and where the leak shows by itself."""
    parts = [
        SliceResult(by="class", name=name, members=50, nonmembers=50, auc=estimate(low, 0.6, 0.7), p=0.1, p_holm=0.1, p_alike=0.5)
        for name, low in (("a", 0.52), ("b", 0.48))
    ]
    with_parts = changed(record, named=Named(rate=0.1, names=40, right=37), slices=tuple(parts)).summary
    said = " ".join(answers.who(with_parts).said)
    assert "the attack could name 40 examples, 37 of them rightly." in said
    assert "1 of 2 parts of the data leak (class a); that the others leak less is not shown." in said
    nobody = changed(record, named=Named(rate=0.1, names=0, right=0)).summary
    assert "could name nobody" in " ".join(answers.who(nobody).said)


def test_how_sure_counts_checks_and_names_what_did_not_run(record: Record) -> None:
    """One passed, one not run; over its kind where that was looked at."""
    found = answers.how_sure(record.summary)
    assert found.short == "1 of the 1 checks that could run passed"
    assert "Not run: dose response." in found.said
    mean = estimate(0.57, 0.58, 0.59)
    kind = Kind(attack="loss", turns=9, mean_auc=mean, auc_sd=0.01, auc_least=0.5, auc_most=0.6, pairs=90, tpr_at_fpr=())
    assert (
        "Over 9 networks of this kind the mean is 58 of 100 pairs (57 to 59)." in answers.how_sure(changed(record, kind=kind).summary).said
    )


def test_the_precision_on_the_page_is_the_records(record: Record) -> None:
    """Three priors, each with value and interval, and the counts behind them; an older record without them says so."""
    strict = strict_of(record)
    assert strict is not None
    seen = first(report.render([record], look=Look(strict=strict)))
    for one in strict.precision:
        assert one.right.value is not None
        assert f"{round(100 * one.prior)} in 100 {100 * one.right.value:.1f} %" in seen
    assert f"{strict.true_positives} of " in seen
    assert "does not tell how often a name would be right" in first(report.render([record]))
    assert report.render([changed(record, strict=strict)]) != report.render([record])


def test_warnings_that_change_the_reading_come_first(record: Record) -> None:
    """What was left out, and limits that are said as limits, do not; an unknown warning does."""
    limits = "Too few non-members were audited for a TPR at 1 % FPR: only upper limits are given."
    known = ("Left out for lack of queries: lira-queries.", limits)
    page = report.render([changed(record, warnings=(*known, "Something new is odd."))])
    assert "Something new is odd." in first(page)
    for warning in known:
        assert warning not in first(page)
        assert warning in text(page)


def test_who_ran_it_is_told_by_the_record_or_by_whoever_draws(record: Record) -> None:
    """Title, organisation, contact, date, version; the options go before run.json, and the id does not change."""
    told = replace(record, run={**record.run, "date": "2026-01-02 03:04 UTC", "organisation": "Ward 7", "versions": {"mia-audit": "9.9"}})
    seen = first(report.render([told], look=Look(title="Do we leak?", contact="privacy@example.org")))
    assert seen.startswith("Membership-inference audit: Do we leak?")
    for word in ("Ward 7, privacy@example.org", "2026-01-02 03:04 UTC", "mia-audit 9.9", "E. Alpaydin and C. Kaynak"):
        assert word in seen
    assert "Ward 8, privacy" not in seen
    assert "Ward 8" in first(report.render([told], look=Look(organisation="Ward 8")))
    assert told.id == record.id


def test_a_failed_control_is_the_only_advice() -> None:
    """Nothing else is worth doing before."""
    (step,) = advice.steps(make_record(failed_control=True))
    assert step.act == "Find the fault, then audit again"


def test_without_a_finding_nothing_is_to_be_mended() -> None:
    """And what would have gone unseen is told."""
    made = make_record(leaky=False)
    (step,) = advice.steps(made)
    assert f"below {100 * made.summary.power.auc:.0f} of 100 pairs" in step.why


def test_another_record_is_advice_only_when_it_leaks_less_and_differs_in_one_thing(record: Record) -> None:
    """Fewer bits on the same data; not with two changes, other data, another seed alone, or a failed control."""
    leaks = make_record("snn-q4", pool=2400, strength=2.0)
    fewer = make_record("snn-q2", pool=2400, weight_bits=2, strength=0.1, seed=1)
    acts = [step.act for step in advice.steps(leaks, (fewer,))]
    assert acts[0] == "Fewer bits: as in snn-q2"
    assert "fewer bits" not in acts[-1]
    two = make_record("two", pool=2400, weight_bits=2, surrogate="atan", strength=0.1, seed=1)
    seed = make_record("seed", pool=2400, training_seed=7, strength=0.1, seed=1)
    failed = make_record("failed", pool=2400, weight_bits=2, strength=0.1, seed=1, failed_control=True)
    other = make_record("iris", pool=2400, weight_bits=2, dataset="iris", strength=0.1, seed=1)
    alike = make_record("alike", pool=2400, weight_bits=8, strength=2.0, seed=2)
    for useless in (two, seed, failed, other, alike):
        assert not any("as in" in step.act for step in advice.steps(leaks, (useless,)))
    assert "fewer bits, earlier stopping, more data" in advice.steps(leaks)[-1].act
    assert record.id


@pytest.mark.parametrize(("bits", "name"), [(8, "More bits"), (2, "Fewer bits")])
def test_a_change_is_named_by_its_direction(bits: Any, name: str) -> None:
    """Eight bits that leak less than four are more bits."""
    leaks = make_record("snn-q4", pool=2400, strength=2.0)
    less = make_record("other", pool=2400, weight_bits=bits, activation_bits=4, strength=0.1, seed=1)
    assert advice.steps(leaks, (less,))[0].act.startswith(name)


def test_the_class_alone_is_advised_only_where_it_was_tried_and_leaks_less(record: Record) -> None:
    """An attacker who reads the label once is no trial; one who asks many times is, and must do worse."""
    best = record.summary.strongest
    low = estimate(best.auc.low - 0.2, best.auc.low - 0.15, best.auc.low - 0.1)
    asked = best.model_copy(update={"name": "boundary-lira", "access": "labels", "auc": low})
    once = asked.model_copy(update={"name": "correctness"})
    well = asked.model_copy(update={"auc": best.auc})
    others = tuple(attack for attack in record.summary.attacks if attack.access != "labels")
    said = [[step.act for step in advice.steps(changed(record, attacks=(*others, one)))] for one in (asked, once, well)]
    assert [any("class alone" in act for act in acts) for acts in said] == [True, False, False]


def test_eight_curves_at_most_and_every_family_is_among_them(record: Record) -> None:
    """Of many attacks the headline, the first of each family and the next best; every attack is in one family."""
    base = record.summary.strongest
    made = [
        base.model_copy(update={"name": f"{access}-{number}", "access": access})
        for access in ("probabilities", "labels", "logits", "gradients")
        for number in range(7)
    ]
    attacks = [base, *made]
    drawn = leading(attacks)
    assert len(drawn) == 8
    assert drawn[0] is base
    assert set(families(drawn)) == set(families(attacks))
    assert sum(map(len, families(attacks).values())) == len(attacks)
    assert leading(attacks[:8]) == attacks[:8]
