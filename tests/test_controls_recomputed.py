"""Whatever a record says beyond the table can be computed again from its own arrays, and it survives being written and read."""

import numpy as np
import pytest

from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.audit import Options, audit
from mia_audit.audit.attacking.measuring import Truth, power
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.audit.controls.guards import coins_control, likeness_control
from mia_audit.audit.controls.panel import judge
from mia_audit.audit.findings import epsilon, risk
from mia_audit.audit.findings.headline import Headline
from mia_audit.audit.findings.looking import Seen, looks
from mia_audit.audit.findings.turns import kind
from mia_audit.record import Record, load
from mia_audit.statistics.band import band
from mia_audit.statistics.epsilon import Decision, best_exact, gaussian_mu, several
from mia_audit.statistics.panel import Panel
from mia_audit.statistics.slices import Grouping, differ
from mia_audit.statistics.turns import Turns
from mia_audit.streams import stream


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Return a small audit with canaries and a claim, as read back from disk."""
    place = tmp_path_factory.mktemp("recomputed")
    settings = {"training.epochs": 6, "model.hidden": [16], "audit.canaries": 5, "audit.claimed_epsilon": 2.0, "audit.claimed_delta": 1e-4}
    options = Options(
        dataset="iris", shadows=14, attacks=["thresholds", "lira-online"], settings=settings, store=place / "store", out=place / "record",
        device="cpu", workers=1,
    )  # fmt: skip
    audit("ann", options)
    return load(place / "record")


def scores_and_truth(record: Record) -> tuple[Scores, Truth]:
    """Return the headline's scores and who was a member."""
    name, arrays = record.summary.headline, record.arrays
    scores = Scores(target=arrays[f"scores/{name}"], phantom=arrays[f"phantom/{name}"], rehearsals=arrays[f"rehearsal/{name}"])
    rows = arrays["membership"][:, arrays["audited"]]
    return scores, Truth(target=rows[0], rehearsals=rows[2 : 2 + len(scores.rehearsals)], counted=arrays["counted"])


def test_the_kind_follows_from_the_turns(record: Record) -> None:
    """Every model's turn, over the examples that it can judge; the same interval again."""
    arrays = record.arrays
    turns = Turns(
        scores=arrays["turns/scores"], member=arrays["membership"][:, arrays["audited"]][: len(arrays["turns/scores"])],
        judged=arrays["turns/judged"],
    )  # fmt: skip
    assert record.summary.kind == kind(record.summary.headline, turns, record.summary.recipe.training.seed)
    assert record.summary.kind is not None
    assert record.summary.kind.turns == 16


def test_a_turn_never_depends_on_its_own_coins(record: Record) -> None:
    """Whether the target's turn counts an example is judged from the shadow models alone, a shadow model's from the others."""
    rows = record.arrays["membership"][:, record.arrays["audited"]]
    judged = record.arrays["turns/judged"]
    for turn in (0, 1, 5):
        others = rows[2:] if turn < 2 else np.delete(rows[2:], turn - 2, axis=0)
        with_it = others.sum(axis=0)
        np.testing.assert_array_equal(judged[turn], np.minimum(with_it, len(others) - with_it) >= 3)
    assert judged[0].all()
    assert not judged[2:].all(), "LiRA is among the attacks: not every example is judged by thirteen models"
    np.testing.assert_array_equal(record.arrays["counted"], judged[2:6])


def test_examples_at_risk_follow_from_the_signal(record: Record) -> None:
    """Counts, p-values and deciles."""
    found, arrays = risk.at_risk(record.arrays["signal"], record.arrays["membership"])
    assert found == record.summary.vulnerable
    for name in ("vulnerability/auc", "vulnerability/p", "vulnerability/q"):
        np.testing.assert_array_equal(arrays[name], record.arrays[name])


def test_the_rest_follows_from_the_scores(record: Record) -> None:
    """Slices, probabilities, names, epsilon and the band."""
    scores, truth = scores_and_truth(record)
    labels = record.arrays["labels"][record.arrays["audited"]]
    names = dict(enumerate(record.summary.data.classes))
    assert risk.parts([Grouping(by="class", groups=labels, names=names)], scores.target, truth.target) == record.summary.slices
    calibration, probability = risk.probabilities(scores, truth)
    named, chosen = risk.names(scores, truth)
    assert (calibration, named) == (record.summary.calibration, record.summary.named)
    for name, again in {**probability, **chosen}.items():
        np.testing.assert_array_equal(record.arrays[name], again)
    assert epsilon.shown(record.summary.headline, scores, truth, record.summary.recipe) == record.summary.epsilon
    again = band(scores.target, truth.target, record.arrays["band/fpr"], stream(record.summary.recipe.training.seed, "band"))
    np.testing.assert_array_equal(again.low, record.arrays["band/low"])
    np.testing.assert_array_equal(again.high, record.arrays["band/high"])


def test_the_looks_and_the_power_follow_from_the_scores(record: Record) -> None:
    """The joint p of all numbers on the target, from every attack's scores, thresholds and the classes; and what these tests could see."""
    arrays, summary = record.arrays, record.summary
    member = arrays["membership"][0][arrays["audited"]]
    scores = [
        Scores(target=arrays[f"scores/{one.name}"], phantom=arrays[f"phantom/{one.name}"], rehearsals=arrays[f"rehearsal/{one.name}"])
        for one in summary.attacks
    ]
    labels = arrays["labels"][arrays["audited"]]
    shown = summary.epsilon
    assert shown is not None
    seen = Seen(
        results=summary.attacks, scores=scores, headline=summary.headline, accused=shown.accused, cleared=shown.cleared,
        groupings=[Grouping(by="class", groups=labels, names=dict(enumerate(summary.data.classes)))],
    )  # fmt: skip
    found = looks(seen, member, summary.recipe.training.seed)
    assert found == summary.looks
    assert found.count == 2 * len(scores) + 1 + 3
    assert summary.beyond is not None
    assert power(member, found.critical, summary.beyond.phantoms) == summary.power


def test_the_best_threshold_mu_and_slices_that_differ_are_in_the_record(record: Record) -> None:
    """Each is what its function says of the record's scores."""
    scores, truth = scores_and_truth(record)
    found = record.summary.epsilon
    assert found is not None
    counts = Decision(threshold=found.threshold, turned=found.turned).counts(scores.target, truth.target)
    assert found.mu == gaussian_mu(*counts)
    (best,) = (limit for limit in found.limits if "Bonferroni" in limit.method)
    each = [decision.counts(scores.target, truth.target) for decision in several(truth.pooled(scores.rehearsals)[0])]
    assert best.epsilon == best_exact(each, found.delta)
    assert "best of 20 thresholds" in best.method
    assert not best.bound
    groups = record.arrays["labels"][record.arrays["audited"]]
    assert {one.p_alike for one in record.summary.slices} == {differ(scores.target, truth.target, groups)}


def test_the_claim_and_the_canaries_are_told(record: Record) -> None:
    """The claim's ceiling is in the record, and the control of dose response was run."""
    assert record.summary.epsilon is not None
    assert record.summary.epsilon.claimed is not None
    assert record.summary.epsilon.claimed.text == "(epsilon = 2, delta = 0.0001)"
    assert (record.arrays["band/ceiling"] >= record.arrays["band/fpr"]).all()
    controls = {control.name: control.passed for control in record.summary.controls}
    assert controls["dose response"] is not None
    assert controls["independent shadow models"] is True


def test_the_controls_follow_from_the_arrays(record: Record) -> None:
    """Coins, likeness and the panel, from what the record keeps; firing rates of every model are there, an ANN has no layer of them."""
    arrays, told = record.arrays, {control.name: control for control in record.summary.controls}
    recipe, rows = record.summary.recipe, arrays["membership"]
    assert coins_control(rows, recipe.data.member_fraction) == told["fair coins"]
    compared = {name: arrays[f"models/{name}"] for name in ("accuracy", "loss", "fit", "gap")}
    assert likeness_control(compared, arrays["test_labels"].size) == told["target like its shadow models"]
    np.testing.assert_allclose(
        arrays["models/fit"], [signal[row].mean() for signal, row in zip(arrays["signal"], rows, strict=True)], rtol=1e-5
    )
    right = arrays["test_predictions"] == arrays["test_labels"]
    assert arrays["models/accuracy"][0] == pytest.approx(right.mean())
    assert arrays["models/rates"].shape == (16, 0)
    scores, truth = scores_and_truth(record)
    best = Headline(name=record.summary.headline, attack=OnlineLiRA(), scores=scores, truth=truth)
    again = judge(best, Panel(scores=arrays["panel/scores"], counted=arrays["panel/counted"]), recipe)
    assert again.control == told["phantom panel"]
    assert again.beyond == record.summary.beyond
