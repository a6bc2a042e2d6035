"""`mia_audit.score`: what runs on which arrays, how it is measured, and what its verdict claims."""

import doctest
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import mia_audit
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.errors import AuditError, EvidenceError, ShadowBudgetError
from mia_audit.record import claims
from mia_audit.statistics.interval import Interval
from mia_audit.types import Bools, Evidence, Floats, Ints
from tests.support.gaussian import coins


def arrays(gap: float, models: int = 17, examples: int = 400, seed: int = 0) -> tuple[Floats, Bools, Ints]:
    """Return logits [models, examples, 10] that are surer of members by a gap, who is a member, and labels."""
    rng = np.random.default_rng(seed)
    member, labels = coins(models, examples, seed), rng.integers(0, 10, examples)
    logits = rng.normal(size=(models, examples, 10)) + rng.normal(size=(examples, 1))
    logits[:, np.arange(examples), labels] += 2 + gap * member
    return logits, member, labels


def given(gap: float = 2.0, seed: int = 0) -> dict[str, Any]:
    """Return the arguments of a whole score."""
    logits, member, labels = arrays(gap, seed=seed)
    return {"logits": logits[0], "labels": labels, "member": member[0], "references": (logits[1:], member[1:])}


def test_the_docstring_is_true() -> None:
    """Its example runs as it stands."""
    runner = doctest.DocTestRunner()
    for test in doctest.DocTestFinder().find(mia_audit.score, "score", globs={}):
        runner.run(test)
    assert runner.summarize() == (0, runner.tries)
    assert runner.tries >= 7


def test_a_leak_is_found_and_measured_as_scikit_learn_does() -> None:
    """The headline is chosen on references; its AUC over the judged examples is the ROC area, its scores the attack's own."""
    arguments = given()
    found = mia_audit.score(**arguments)
    best = found.attacks[0]
    assert (found.headline, found.leaks, found.sound) == (best.name, True, True)
    assert best.auc.value == pytest.approx(roc_auc_score(arguments["member"][found.judged], best.scores))
    assert best.reference_auc == max(each.reference_auc or 0 for each in found.attacks)
    lira = next(each for each in found.attacks if each.name == "lira-online")
    shadows, rows = arguments["references"]
    seen = Evidence(target=arguments["logits"][None], shadows=shadows[:, None], trained_on=rows, labels=arguments["labels"])
    np.testing.assert_allclose(lira.scores, OnlineLiRA().score(seen.only(found.judged)))
    assert found.judged.mean() > 0.9
    assert list(found.table["attack"]) == [each.name for each in found.attacks]
    assert found.table["auc_low"][0] == best.auc.low
    assert found.verdict.startswith(f"Membership leaks ({best.name}: AUC")
    assert "not dealt by independent coins" in found.verdict
    few = f"an AUC below {found.power:.3f} is missed more often than in one of five cases."
    assert found.warnings == (f"Only {found.members} members and {found.others} others were judged: {few}",)
    assert len(repr(found).splitlines()) == 5
    assert f"{best.name} (headline)" in found._repr_html_()


def test_nothing_is_found_where_nothing_is() -> None:
    """Of 40 networks that remember nothing, few are called leaky, and few controls fail: both are at most 5 % tests."""
    found = [mia_audit.score(**given(gap=0.0, seed=seed), attacks="lira-online,loss") for seed in range(40)]
    assert sum(each.leaks for each in found) <= 5
    assert sum(not each.sound for each in found) <= 3
    assert "found no leakage" in found[0].verdict
    assert 0.5 < found[0].power < 0.65


@pytest.mark.parametrize("queries", [1, 3])
def test_the_axis_of_queries_may_be_left_out(queries: int) -> None:
    """Logits [examples, classes] are one query; several are an axis of their own."""
    arguments = given()
    plain = mia_audit.score(**arguments, attacks="lira-online")
    shadows, rows = arguments["references"]
    repeated = {"logits": np.stack([arguments["logits"]] * queries), "references": (np.stack([shadows] * queries, axis=1), rows)}
    asked = mia_audit.score(**{**arguments, **repeated}, attacks="lira-online")
    np.testing.assert_allclose(asked.attacks[0].scores, plain.attacks[0].scores)


def test_what_is_given_decides_what_runs() -> None:
    """Answers alone, references never trained on these examples, references with both, and a population beside."""
    arguments = given()
    shadows, rows = arguments.pop("references")
    alone = mia_audit.score(**arguments)
    assert {each.name for each in alone.attacks} == {"loss", "confidence", "entropy", "modified-entropy", "margin", "correctness"}
    assert alone.headline is None
    assert "For lack of references: attack-r, difficulty-calibration, lira-online, lira-offline." in alone.left_out
    offline = mia_audit.score(**arguments, references=(shadows, np.zeros_like(rows)))
    names = {each.name for each in offline.attacks}
    assert {"lira-offline", "attack-r"} <= names
    assert "lira-online" not in names
    assert "For lack of 3 references trained with and without each example: lira-online." in offline.left_out
    outside, _, classes = arrays(0.0, examples=80, seed=3)
    whole = mia_audit.score(**arguments, references=(shadows, rows), population=(outside[0], classes, outside[1:]))
    assert {"attack-p", "rmia-online", "rmia-offline", "lira-online"} <= {each.name for each in whole.attacks}
    assert whole.left_out == ()
    only = mia_audit.score(**arguments, population=(outside[0], classes))
    assert "attack-p" in {each.name for each in only.attacks}


@pytest.mark.parametrize(
    ("member", "others", "where"),
    [
        (False, True, "the references' masks"),
        (True, False, "`member`"),
        (True, True, "`member` and the references alike"),
    ],
)
def test_a_mask_turned_over_is_named(member: bool, others: bool, where: str) -> None:
    """Scores wholly below chance are no "no leakage": the side whose members look like others is named."""
    arguments = given()
    shadows, rows = arguments["references"]
    found = mia_audit.score(**{**arguments, "member": arguments["member"] ^ member, "references": (shadows, rows ^ others)})
    assert not found.sound
    assert f"swapped in {where}:" in found.verdict
    assert "no leakage" not in found.verdict
    assert len(repr(found).splitlines()) == 5


def test_thresholds_that_point_backwards_are_named() -> None:
    """Without references too: no attack finds members less sure of their labels."""
    logits, member, labels = arrays(2.0)
    found = mia_audit.score(logits=logits[0], labels=labels, member=~member[0])
    assert not found.leaks
    assert found.verdict.startswith("Do not rely on these numbers: they point backwards (")
    assert "swapped in `member`:" in found.verdict
    again = mia_audit.score(logits=-logits[0], labels=labels, member=member[0])
    assert "or logits are negated" in again.verdict


def test_a_target_that_leaks_nothing_seldom_points_backwards() -> None:
    """At most one in forty does by chance."""
    found = [mia_audit.score(**{**given(gap=0.0, seed=seed), "references": None}) for seed in range(20)]
    assert sum(bool(each.backwards) for each in found) <= 2
    assert sum(each.leaks for each in found) <= 2


def test_few_examples_are_refused_and_too_few_for_any_auc_said() -> None:
    """Nobody reads "an AUC above 1.000 would have been seen"."""
    logits, member, labels = arrays(0.0, models=1, examples=39)
    with pytest.raises(EvidenceError, match="scoring needs 20 members and 20 others at least, got"):
        mia_audit.score(logits=logits[0], labels=labels, member=member[0])
    small = claims.Finding(
        name="loss", auc=Interval(value=0.5, low=0.1, high=0.9, method=""), corrected=0, members=4, others=4, power=1.0,
        control_p=None, refuted=None, blind=None, backwards="",
    )  # fmt: skip
    assert "with so few examples no AUC, however large, would have been seen" in claims.verdict(small)
    assert claims.warnings(small) == ("Only 4 members and 4 others were judged: no AUC, however large, is seen in four of five cases.",)
    assert claims.warnings(replace(small, members=200, others=200)) == ()


def test_inputs_hold_a_classifier_that_sees_no_network_against_a_claim() -> None:
    """Two sources are told apart by their inputs, and the verdict says so; one source is not, and the claim stands on that."""
    logits, member, labels = arrays(1.0)
    plain = {"logits": logits[0], "labels": labels, "member": member[0]}
    inputs = np.random.default_rng(1).normal(size=(400, 2, 3))
    alone, fair = mia_audit.score(**plain), mia_audit.score(**plain, inputs=inputs)
    assert alone.verdict.startswith("Members and non-members are told apart (")
    assert "Give references, or inputs to be looked at." in alone.verdict
    assert fair.sound
    assert fair.verdict.startswith("Membership leaks (")
    assert "a classifier that never sees the network does not either" in fair.verdict
    apart = mia_audit.score(**plain, inputs=inputs + 0.5 * member[0][:, None, None])
    assert not apart.sound
    assert "a classifier that never sees the network tells members from the others by their inputs" in apart.verdict


def test_without_references_the_choice_is_paid_for() -> None:
    """The AUC that decides has an interval at a level divided by the attacks; the others keep theirs."""
    logits, member, labels = arrays(0.4)
    found = mia_audit.score(logits=logits[0], labels=labels, member=member[0])
    name, wide = found.tested
    own = next(each.auc for each in found.attacks if each.name == name)
    assert wide.low < own.low
    assert wide.high > own.high
    assert "corrected for 6 attacks" in found.verdict


def test_members_who_differ_by_themselves_are_noticed() -> None:
    """Easier examples that are members, and a target that remembers nothing: references see them too, and the verdict says so."""
    arguments = given(gap=0.0)
    shadows, rows = arguments["references"]
    easy = arguments["member"][:, None] * 1.5 * np.eye(10)[arguments["labels"]]
    moved = {**arguments, "logits": arguments["logits"] + easy, "references": (shadows + easy, rows)}
    assert not mia_audit.score(**moved, attacks="lira-online").leaks  # it compares an example with itself
    loss = mia_audit.score(**moved, attacks="loss")
    assert loss.tested[1].low > 0.5
    assert not loss.leaks  # above chance, and not to be relied on
    assert not loss.sound
    assert loss.verdict.startswith("Do not rely on these numbers")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"member": np.arange(400) % 2}, r"member as an array of 400 bools, True where trained on, got int64 \(400,\)"),
        ({"member": [True] * 400}, "member as an array of 400 bools, True where trained on, got list"),
        ({"member": np.ones(399, dtype=bool)}, r"got bool \(399,\)"),
        ({"member": np.ones(400, dtype=bool)}, "scoring needs 20 members and 20 others at least, got 398 and 0 to be"),
        ({"labels": np.zeros(400)}, "labels as an array of whole numbers, one a class, got float64"),
        ({"labels": np.full(400, 10)}, "labels from 0 to 9"),
        ({"logits": [[0.0] * 10] * 400}, "logits as an array of floats .* got list"),
        ({"logits": np.zeros(400)}, r"logits as an array of floats .* got float64 \(400,\)"),
        ({"logits": np.full((400, 10), np.nan)}, "evidence needs finite logits"),
        ({"references": (np.zeros((16, 400)), np.zeros((16, 400), dtype=bool))}, "logits of references as an array of floats"),
        ({"references": (np.zeros((16, 400, 10)), np.zeros((16, 400), dtype=int))}, "trained_on as an array of bools"),
        ({"references": (np.zeros((16, 400, 9)), np.zeros((16, 400), dtype=bool))}, "evidence needs target"),
        ({"population": (np.zeros((5, 10)), np.zeros(5, dtype=int))}, "answers of all 16 references on the population, got 0"),
        ({"references": np.zeros((16, 400, 10))}, r"references as a tuple, got ndarray; use references=\(logits, member\)"),
        ({"references": (np.zeros((16, 400, 10)),)}, "references as a tuple, got 1 parts"),
        ({"references": {"logits": 1, "member": 2}}, "references as a tuple, got dict"),
        ({"population": np.zeros((400, 10))}, "population as a tuple, got ndarray"),
        ({"population": (np.zeros((5, 10)),)}, "population as a tuple, got 1 parts"),
        (
            {"population": (np.zeros((5, 9)), np.zeros(5, dtype=int)), "references": None},
            "population with 10 classes, as the target's, got 9",
        ),
        ({"logits": np.full((400, 10), 0.1)}, "scoring needs logits, got probabilities: every row sums to 1"),
        ({"references": (np.full((16, 400, 10), 0.1), np.zeros((16, 400), dtype=bool))}, "logits of references, got probabilities"),
        ({"logits": np.zeros((400, 1)), "references": None}, "logits of two classes or more, got one; of a single output z use"),
        ({"logits": np.zeros((400, 10), dtype=complex)}, r"logits as an array of floats .* got complex128"),
        ({"logits": np.ma.masked_array(np.zeros((400, 10)), mask=True)}, "a masked array that hides some"),
        ({"labels": [0] * 400}, "labels as an array of whole numbers, one a class, got list"),
        ({"references": (np.zeros((16, 400, 10)), np.zeros((400, 16), dtype=bool))}, r"\(16, 400\), \[models, examples\], got \(400, 16\)"),
        ({"inputs": np.zeros((399, 3))}, r"inputs as an array of numbers \[400 examples, ...\], got float64 \(399, 3\)"),
        ({"inputs": [["a"]] * 400}, "inputs as an array of numbers .* got list"),
        ({"inputs": np.full((400, 3), np.nan)}, "finite inputs, got NaN or infinity in example 0"),
        ({"seed": -1}, "seed needs a whole number from 0, got -1"),
        ({"seed": 1.5}, "seed needs a whole number from 0, got 1.5"),
        ({"seed": "x"}, "seed needs a whole number from 0, got 'x'"),
        ({"seed": True}, "seed needs a whole number from 0, got True"),
        ({"attacks": 5}, "attacks needs names, got 5"),
        ({"attacks": [5]}, r"attacks needs names, got \[5\]"),
        ({"logits": np.zeros((0, 10)), "member": np.zeros(0, dtype=bool)}, r"scoring needs examples, got logits \(1, 0, 10\)"),
        ({"attacks": []}, "needs an attack or a suite, got none"),
        ({"attacks": "lira,rmia", "references": None}, "population, queries, references; use"),
        ({"attacks": "membrane-lira"}, "attack membrane-lira needs"),
        ({"attacks": "lir"}, "unknown attack 'lir'; did you mean 'lira'"),
        ({"attacks": "trajectory-lira,loss"}, "attack trajectory-lira needs trajectory"),
    ],
)
def test_what_cannot_be_scored_is_refused(wrong: dict[str, Any], message: str) -> None:
    """One line, what it should be, and what was given."""
    with pytest.raises(AuditError, match=message):
        mia_audit.score(**{**given(), **wrong})


def test_the_target_is_no_reference_of_itself() -> None:
    """Its own answers among the references are refused by their number."""
    arguments = given()
    shadows, rows = arguments["references"]
    again = shadows.copy()
    again[3] = arguments["logits"]
    with pytest.raises(EvidenceError, match="needs references other than the target, got its very answers from reference 3"):
        mia_audit.score(**{**arguments, "references": (again, rows)})


def test_too_few_references_are_refused_by_name_and_left_out_of_suites() -> None:
    """A suite runs what it can."""
    arguments = given()
    few = {**arguments, "references": tuple(each[:3] for each in arguments["references"])}
    with pytest.raises(ShadowBudgetError, match="attack lira-online needs 3 references trained with and without each example; give them"):
        mia_audit.score(**few, attacks="lira-online")
    assert "lira-online" not in {each.name for each in mia_audit.score(**few, attacks="quick").attacks}
    with pytest.raises(EvidenceError, match="none of the attacks can run on what was given"):
        mia_audit.score(**{**few, "references": None}, attacks="lira")


@pytest.mark.parametrize(
    ("turned", "few", "message"),
    [
        (False, 0, "got reference 5 trained on the target's members .100% of 400 examples.; train references on members of their own"),
        (True, 0, "got reference 5 trained on the target's non-members .100% of 400 examples."),
        (False, 8, "got reference 5 trained on the target's members .98% of 400 examples."),
    ],
)
def test_references_with_the_targets_members_are_refused(turned: bool, few: int, message: str) -> None:
    """What they know of its members is no control: they were trained on them, or on all others."""
    arguments = given()
    shadows, rows = arguments["references"]
    own = rows.copy()
    own[5] = arguments["member"] ^ turned
    own[5, :few] ^= True
    with pytest.raises(EvidenceError, match=message):
        mia_audit.score(**{**arguments, "references": (shadows, own)})


def test_references_that_follow_the_targets_members_serve_no_control() -> None:
    """Half of their members are drawn with the target's: it is said, and the control rests on the others, or is not there."""
    arguments = given()
    shadows, rows = arguments["references"]
    with_it = np.arange(400) % 2 == 0
    drawn = np.where(with_it, arguments["member"], rows)
    for many, control in ((1, True), (len(rows), False)):
        some = np.concatenate([drawn[:many], rows[many:]])
        found = mia_audit.score(**{**arguments, "references": (shadows, some)})
        assert found.warnings[0].startswith(f"The members of {many} reference")
        assert (found.control_p is not None) == control
        assert ("references that were not trained on the target's members" in found.verdict) == control
    assert not any("hang together" in each for each in mia_audit.score(**arguments).warnings)


@pytest.mark.parametrize(("gap", "words"), [(0.0, "What was not learnt cannot leak"), (2.0, "what it kept is the examples")])
def test_a_target_near_chance_is_called_that(gap: float, words: str) -> None:
    """As the zoo's page does: beside the verdict, with the share of non-members that it gets right and of their commonest class."""
    rng = np.random.default_rng(0)
    member, labels = rng.random(400) < 0.5, rng.integers(0, 4, 400)
    logits = rng.normal(size=(400, 4))
    logits[np.arange(400), labels] += gap * member
    found = mia_audit.score(logits=logits, labels=labels, member=member)
    right = (logits.argmax(axis=1) == labels)[~member].mean()
    commonest = np.bincount(labels[~member]).max() / (~member).sum()
    assert found.warnings[0].startswith("This network is not shown to have learnt its task: it gets ")
    assert f"{right:.1%} of the non-members right" in found.warnings[0]
    assert f"commonest class gets {commonest:.1%}" in found.warnings[0]
    assert words in found.warnings[0]


def test_a_value_that_is_no_number_is_told_by_its_place() -> None:
    """Of the target, or of the references."""
    arguments = given()
    arguments["references"][0][3, 7, 2] = np.nan
    with pytest.raises(EvidenceError, match="NaN or infinity of shadow models, first at example 7"):
        mia_audit.score(**arguments)
    arguments["logits"][9, 2] = np.inf
    with pytest.raises(EvidenceError, match="NaN or infinity of the target, first at example 9"):
        mia_audit.score(**arguments)
