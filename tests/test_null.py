"""The audits of nothing: they name what they leave out, see an alarm where there is one, and go on where they were cut off."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks import null_alarms, null_audits
from benchmarks.null import written
from benchmarks.null_parts import Rate, Result, batches, counted, found, kept, together
from mia_audit.attacks.observables import each_model, phi
from mia_audit.audit.attacking import measuring
from mia_audit.statistics.delong import auc_interval

KEY = ("phantom target", "4", "loss", "AUC")


@pytest.fixture(name="models")
def _models() -> null_audits.Models:
    return null_audits.noise_models(5, np.random.default_rng(0))


def test_every_attack_is_run_or_named(models: null_audits.Models) -> None:
    """On logits alone and four shadow models: what needs membranes, and what needs six shadow models, is left out with its reason."""
    run, left_out = null_audits.chosen(["loss", "lira-online", "membrane-lira", "ensemble"], models)
    assert [card.name for card, _ in run] == ["loss", "lira-online"]
    assert [why.split()[:3] for why in left_out] == [["membrane-lira", "needs", "membranes,"], ["ensemble", "needs", "3"]]


def test_a_wrong_guess_is_the_shadow_models_own(models: null_audits.Models) -> None:
    """The target answers as it does; only the shadow models are degraded ones, and some models are some of them."""
    guessed = np.moveaxis(models.logits, 1, 2) + 1
    both = null_audits.Models(**{**vars(models), "guessed": {"other-bits": guessed}}).only([4, 2, 0])
    everyone = np.ones(models.labels.size, dtype=np.bool_)
    seen = both.evidence(0, [1, 2], everyone).signals["other-bits"]
    assert np.array_equal(seen.target, np.moveaxis(models.logits[4], 0, 1))
    assert np.array_equal(seen.shadows, guessed[[2, 0]])


def test_the_limit_is_the_binomials() -> None:
    """Of twenty rows at 200 audits, nineteen with as many alarms as 99.995 % of honest rows have at most pass; one more fails."""
    most = int(binom.isf(0.001 / 20, 200, 0.05))
    assert most > int(binom.isf(0.001, 200, 0.05))
    rows = [Rate(key=(*KEY[:3], f"metric {number:02d}"), audits=200, alarms=most + (number == 19)) for number in range(20)]
    lines, failed = null_alarms.table(rows)
    assert len(lines) == 20
    assert failed == lines[19:]


def test_a_leak_is_an_alarm() -> None:
    """An interval above chance raises one, an interval around it does not."""
    member = np.arange(100) < 50
    leak, none = (measuring.estimate(auc_interval(scores, member)) for scores in (member + 0.0, np.tile([0.0, 1.0], 50)))
    assert [null_audits.excludes(one, 0.5) for one in (leak, none)] == [True, False]


def test_a_part_is_kept_and_not_done_again(tmp_path: Path) -> None:
    """The second time it comes from its file, as it was; another share of the work is done anew."""
    result = Result(rates=counted([(KEY, True), (KEY, False)]).rates, left_out=("one",), section="## A", failed=1, rows=2)
    assert kept(tmp_path, "part", "1 full", lambda: result) == result
    assert kept(tmp_path, "part", "1 full", Result) == result
    assert found(tmp_path, "part", "20 full") is None
    assert kept(tmp_path, "part", "20 full", Result) == Result()


def test_the_page_names_what_was_not_run() -> None:
    """Rows of the parts that are there, and a warning that names the others."""
    page, failed = written({"part": counted([(KEY, False)] * 20)}, ["phantom-64-4"])
    assert "**Not run yet:** phantom-64-4" in page
    assert "| phantom target | 4 | loss | AUC | 20 | 0.000 |" in page
    assert failed == []
    assert "Not run" not in written({"part": counted([(KEY, False)] * 20)}, [])[0]


def test_batches_are_the_whole() -> None:
    """Their numbers are all different and as many as asked for, and their alarms add up."""
    assert sorted(number for batch in batches(200) for number in batch) == list(range(200))
    assert together([counted([(KEY, True)]), counted([(KEY, False), (KEY, True)])]) == [Rate(key=KEY, audits=3, alarms=2)]


def test_many_models_are_observed_as_one_is() -> None:
    """In blocks on several threads or one after the other: every model's own phi."""
    rng = np.random.default_rng(0)
    shadows, labels = rng.normal(size=(50, 2, 1500, 10)), rng.integers(0, 10, 1500)
    expected = np.stack([phi(model, labels).mean(axis=0) for model in shadows])
    assert np.array_equal(each_model(phi, shadows, labels), expected)
