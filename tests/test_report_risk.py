"""The page on examples at risk, the kind and epsilon: what the record holds is said, what it cannot resolve is said too."""

from dataclasses import replace

import numpy as np
import pytest

from mia_audit.record import (
    Calibration,
    CalibrationStep,
    Claimed,
    Epsilon,
    EpsilonLimit,
    Estimate,
    Kind,
    Named,
    RateAtFPR,
    Record,
    SliceResult,
    Vulnerable,
)
from mia_audit.report import render
from mia_audit.report.figures import roc_log, series
from mia_audit.report.risk import at_risk_in_words, counts_in_words, names_in_words
from tests.support.records import make_record

SOME = Estimate(value=0.61, low=0.58, high=0.64, method="made up")
NONE = Estimate(value=None, low=0.0, high=0.02, method="upper limit")


@pytest.fixture(scope="module")
def record() -> Record:
    """Return a record with every finding there is."""
    plain = make_record()
    name = plain.summary.headline
    models, examples = plain.arrays["membership"].shape
    limits = (
        EpsilonLimit(method="one run", epsilon=0.81, bound=True, assumptions="fair coins"),
        EpsilonLimit(method="Clopper-Pearson", epsilon=0.15, bound=False, assumptions="one training"),
        EpsilonLimit(method="ratio", epsilon=None, bound=False, assumptions="large counts"),
    )
    found = {
        "kind": Kind(
            attack=name, turns=models, mean_auc=SOME, auc_sd=0.02, auc_least=0.55, auc_most=0.66, pairs=5_000,
            tpr_at_fpr=tuple(RateAtFPR(fpr=f, tpr=t, expected_false_positives=5_000 * f) for f, t in ((0.01, SOME), (0.001, NONE))),
        ),
        "vulnerable": Vulnerable(
            models=models, tested=examples - 2, unresolved=2, rate=0.05, at_risk=7, smallest_p=1e-9, auc_deciles=(0.1, 0.5, 0.9)
        ),
        "slices": (
            SliceResult(by="class", name="<b>0</b>", members=40, nonmembers=50, auc=SOME, p=0.01, p_holm=0.02),
            SliceResult(by="class", name="1", members=3, nonmembers=50, auc=None, p=1.0, p_holm=1.0),
        ),
        "calibration": Calibration(
            steps=(CalibrationStep(low=0.8, high=1.0, examples=31, predicted=0.9, members=SOME),), brier=0.2, coin=0.25
        ),
        "named": Named(rate=0.1, names=20, right=19),
        "epsilon": Epsilon(
            attack=name, delta=1e-5, level=0.05, threshold=1.0, turned=False, accused=0.1, cleared=0.0, limits=limits, ceiling=5.1,
            claimed=Claimed(text="(epsilon = 1, delta = 1e-05)", most_auc=0.731, most_advantage=0.462, p=0.5, p_bound=0.3),
        ),
    }  # fmt: skip
    grid = np.geomspace(1e-4, 1, 30)
    arrays = dict(plain.arrays) | {
        "vulnerability/auc": np.linspace(0, 1, examples), "vulnerability/q": np.linspace(1, 0, examples),
        "vulnerability/resolved": np.arange(examples) > 1,
        "band/fpr": grid, "band/low": grid / 2, "band/high": np.minimum(1, 3 * grid), "band/ceiling": np.minimum(1, 2 * grid),
    }  # fmt: skip
    return replace(plain, summary=plain.summary.model_copy(update=found), arrays=arrays)


def test_every_finding_is_on_the_page(record: Record) -> None:
    """Numbers, limits, what is a bound and what is not, and what is not resolved."""
    page = render([record])
    for text in (
        'id="kind"', 'id="risk"', 'id="epsilon"', "7 of 1\u202f398 examples are at risk", "a lower bound", "an estimate, not a bound",
        "(epsilon = 1, delta = 1e-05)", "0.731", "19 (95.0\u202f%) are members", "not resolved", "2 were in all models or in none",
    ):  # fmt: skip
        assert text in page, text
    assert "&lt;b&gt;0&lt;/b&gt;" in page
    assert "<b>0</b>" not in page


def test_whom_an_attacker_names_can_be_exported(record: Record) -> None:
    """The page says where the names are, if the record holds them."""
    named = replace(record, arrays={**record.arrays, "named": np.zeros(record.arrays["audited"].size, bool)})
    assert "writes who they are" in render([named])
    assert "writes who they are" not in render([record])


def test_mu_and_whether_slices_differ_are_said_where_they_are_known(record: Record) -> None:
    """Both in a sentence, mu with its family; a record without them says nothing of either."""
    bare, found = render([record]), record.summary.epsilon
    assert found is not None
    assert "leak alike" not in bare
    assert "mu is at least" not in bare
    slices = tuple(one.model_copy(update={"p_alike": 0.037}) for one in record.summary.slices)
    summary = record.summary.model_copy(update={"slices": slices, "epsilon": found.model_copy(update={"mu": 0.42})})
    page = render([replace(record, summary=summary)])
    assert "That all of these leak alike: p = 0.037" in page
    assert "is Gaussian, mu is at least 0.42" in page


def test_a_claims_ceiling_is_drawn(record: Record) -> None:
    """One dashed line more in the ROC with logarithmic axes, and a caption that says what it is."""
    drawn = series(record, record.summary.attacks)
    bare = replace(record, arrays={name: value for name, value in record.arrays.items() if name != "band/ceiling"})
    lines = [str(roc_log(each, drawn)).count("stroke-dasharray") for each in (record, bare)]
    assert lines[0] == lines[1] + 1
    assert "The long-dashed line is the most that the claim (epsilon = 1, delta = 1e-05) permits." in render([record])


def test_a_record_without_findings_has_no_empty_sections() -> None:
    """An older record shows what it has."""
    page = render([make_record()])
    assert 'id="kind"' not in page
    assert 'id="epsilon"' not in page


def test_what_cannot_be_found_is_said(record: Record) -> None:
    """Too few models to single anybody out, and nobody to name: both in words."""
    found = record.summary.vulnerable
    assert found is not None
    few = record.summary.model_copy(update={"vulnerable": found.model_copy(update={"smallest_p": 0.02})})
    assert "cannot single out one example" in at_risk_in_words(few)
    nobody = record.summary.model_copy(update={"named": Named(rate=0.1, names=0, right=0)})
    assert "can name nobody" in names_in_words(nobody)


def test_counts_that_seem_to_contradict_each_other_are_reconciled(record: Record) -> None:
    """Nobody to name, none at risk, and 28 of 28 guesses right: one paragraph says why all three hold."""
    summary = record.summary
    assert summary.epsilon is not None
    assert summary.vulnerable is not None
    told = {
        "named": Named(rate=0.1, names=0, right=0),
        "vulnerable": summary.vulnerable.model_copy(update={"at_risk": 0, "tested": 200, "models": 16}),
        "epsilon": summary.epsilon.model_copy(update={"guesses": 28, "right": 28}),
    }
    seen = counts_in_words(summary.model_copy(update=told))
    for said in (
        "none does here", "0 of 200", "From 16 models only the plainest can be found", "guesses 28 examples", "is right in 28",
        "less than once in a million times", "none of them is sure by itself", "where no single name can",
    ):  # fmt: skip
        assert said in seen, said
    assert seen in render([replace(record, summary=summary.model_copy(update=told))])
    fewer = summary.epsilon.model_copy(update={"guesses": 10, "right": 9})
    assert "tossing coins does as well once in 93 times" in counts_in_words(summary.model_copy(update={**told, "epsilon": fewer}))
    luck = summary.epsilon.model_copy(update={"guesses": 3000, "right": 1400})
    assert "more often than not" in counts_in_words(summary.model_copy(update={**told, "epsilon": luck}))
    assert counts_in_words(summary.model_copy(update={"named": None, "epsilon": None})) == ""
