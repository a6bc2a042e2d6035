"""An audit's numbers worked out a second way: from arrays made here, with scikit-learn, SciPy or by counting."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from scipy.stats import beta, false_discovery_control
from sklearn.metrics import brier_score_loss, roc_auc_score

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.budget import judged
from mia_audit.audit.attacking.measuring import FPRS, Truth, headline, phantom_control, results, share
from mia_audit.audit.attacking.measuring import accuracies as with_gap
from mia_audit.audit.attacking.scoring import Scores, attack_all, counted
from mia_audit.audit.bank.prepared import Bank, gather, shown
from mia_audit.audit.findings import epsilon, exposing, facts, risk
from mia_audit.audit.findings.headline import _groupings
from mia_audit.audit.findings.turns import kind, take_turns
from mia_audit.recipe import Audit, Data, Recipe
from mia_audit.statistics.slices import Grouping
from mia_audit.statistics.turns import Turns
from mia_audit.types import Bools, Evidence, Floats
from tests.support.planted import planted

AUDITED = 400


@dataclass(frozen=True)
class Echo(Attack):
    """An attack that says what it was shown: of the answers, the membership, a signal, or the population data."""

    part: str
    name = "echo"
    needs = frozenset({"shadows"})
    shadows_per_side = 2

    def _score(self, seen: Evidence) -> Floats:
        """Return one number an example."""
        if self.part == "answers":
            return seen.target[0, :, 0].astype(np.float64)
        if self.part == "others":
            return seen.shadows[:, 0, :, 1].sum(axis=0).astype(np.float64)
        if self.part == "membership":
            return seen.trained_on.sum(axis=0).astype(np.float64)
        if self.part == "signal":
            return seen.signals["membranes"].target[:, 0, 0].astype(np.float64)
        assert seen.population is not None
        return np.full(seen.examples, float(seen.population.target.sum()))


def two_targets() -> tuple[Evidence, Evidence, Bools]:
    """Return the evidence of a target and of a phantom with answers of its own, and all models' coins [2 + S, A]."""
    seen, member = planted(0.5, seed=1)
    rng, third = np.random.default_rng(7), seen.population
    assert third is not None
    phantom = replace(
        seen,
        target=rng.normal(size=seen.target.shape).astype(np.float32),
        population=replace(third, target=rng.normal(size=third.target.shape).astype(np.float32)),
        signals={name: replace(each, target=each.target[::-1].copy()) for name, each in seen.signals.items()},
    )
    return seen, phantom, np.vstack([member, rng.random(member.size) < 0.5, seen.trained_on])


@pytest.mark.parametrize("part", ["answers", "signal", "third"])
def test_everybody_plays_the_right_part(part: str) -> None:
    """Target, phantom and the first four shadow models are attacked by their own answers; what does not count is 0."""
    target, phantom, rows = two_targets()
    attack = cast("Any", Echo(part))
    (scores,) = attack_all([attack], target, phantom, 1)
    np.testing.assert_array_equal(scores.target, attack.score(target))
    np.testing.assert_array_equal(scores.phantom, attack.score(phantom))
    assert len(scores.rehearsals) == 4
    for model, row in enumerate(scores.rehearsals):
        can = judged(np.delete(rows[2:], model, axis=0), 3)
        np.testing.assert_array_equal(can, counted([attack], rows[2:])[model])
        np.testing.assert_array_equal(row, np.where(can, attack.score(target.against_shadow(model)), 0.0))


@pytest.mark.parametrize("part", ["answers", "signal", "third"])
def test_every_model_takes_its_own_turn(part: str) -> None:
    """Its own answers, signals and population data, whichever model it is."""
    target, phantom, rows = two_targets()
    attack = cast("Any", Echo(part))
    turns = take_turns(attack, target, phantom, rows, need=3, workers=1)
    own = [attack.score(target), attack.score(phantom), *(attack.score(target.against_shadow(model)) for model in range(len(rows) - 2))]
    for turn, scores in enumerate(own):
        others = judged(np.delete(rows[2:], turn - 2, axis=0), 3) if turn >= 2 else np.ones(rows.shape[1], dtype=np.bool_)
        np.testing.assert_array_equal(turns.judged[turn], others)
        np.testing.assert_array_equal(turns.scores[turn], np.where(others, scores, 0.0))
    np.testing.assert_array_equal(turns.member, rows)


def test_in_a_turn_all_others_are_the_shadow_models() -> None:
    """With the coins and the answers that they have: the target's and the phantom's among them."""
    target, phantom, rows = two_targets()
    coins = take_turns(cast("Any", Echo("membership")), target, phantom, rows, need=0, workers=1)
    answers = take_turns(cast("Any", Echo("others")), target, phantom, rows, need=0, workers=1)
    every = np.concatenate([target.target[None], phantom.target[None], target.shadows])[:, 0, :, 1].astype(np.float64)
    for turn in range(len(rows)):
        np.testing.assert_array_equal(coins.scores[turn], rows.sum(axis=0) - rows[turn])
        np.testing.assert_allclose(answers.scores[turn], np.delete(every, turn, axis=0).sum(axis=0), atol=1e-4)


def test_the_kind_is_a_mean_over_turns() -> None:
    """Mean, spread and ends of the turns' AUCs, by scikit-learn; non-members counted over all turns."""
    rng = np.random.default_rng(0)
    member = rng.random((12, 150)) < 0.4
    judged_here = rng.random((12, 150)) < 0.9
    scores = rng.normal(size=(12, 150)) + np.linspace(0, 1, 12)[:, None] * member
    found = kind("echo", Turns(scores=scores, member=member, judged=judged_here), seed=3)
    aucs = [roc_auc_score(member[k, can], scores[k, can]) for k, can in enumerate(judged_here)]
    assert found.turns == 12
    assert found.mean_auc.value == pytest.approx(np.mean(aucs), abs=0.01)
    assert (found.auc_sd, found.auc_least, found.auc_most) == pytest.approx((np.std(aucs, ddof=1), min(aucs), max(aucs)))
    assert found.pairs == (judged_here & ~member).sum()


def case(seed: int = 0, gap: float = 1.0, false_gap: float = 0.0, share_in: float = 0.4) -> tuple[Scores, Truth]:
    """Return scores of a target, a phantom and four rehearsals whose members lie `gap` (the phantom's: `false_gap`) higher."""
    rng = np.random.default_rng(seed)
    rows, can = rng.random((5, AUDITED)) < share_in, rng.random((4, AUDITED)) < 0.8
    draws = rng.normal(size=(6, AUDITED))
    rehearsals = np.where(can, draws[2:] + gap * rows[1:], 0.0)
    truth = Truth(target=rows[0], rehearsals=rows[1:], counted=can)
    return Scores(target=draws[0] + gap * rows[0], phantom=draws[1] + false_gap * rows[0], rehearsals=rehearsals), truth


def card(name: str) -> Any:
    """Return what the results take of a card."""
    return SimpleNamespace(name=name, summary="", paper="", access="logits", knowledge=("data",))


def test_results_are_those_of_scikit_learn_and_of_counting() -> None:
    """AUCs, the mean over rehearsals of what counts, the threshold that serves rehearsals best, and what it does to the target."""
    (one, truth), (other, _) = case(), case(seed=1, gap=0.3)
    first, second = results([card("one"), card("other")], [one, replace(other, phantom=-one.phantom)], truth, seed=5)
    assert first.auc.value == pytest.approx(roc_auc_score(truth.target, one.target))
    assert first.phantom_auc.value == pytest.approx(roc_auc_score(truth.target, one.phantom))
    assert truth.counted is not None
    parts = list(zip(one.rehearsals, truth.rehearsals, truth.counted, strict=True))
    assert first.rehearsal_auc == pytest.approx(np.mean([roc_auc_score(member[can], row[can]) for row, member, can in parts]))
    pooled, members = (np.concatenate(each) for each in zip(*[(row[can], member[can]) for row, member, can in parts], strict=True))

    def served(bar: float) -> float:
        return float((pooled[members] > bar).mean() - (pooled[~members] > bar).mean())

    assert served(first.threshold) == pytest.approx(max(served(bar) for bar in pooled))
    hits, alarms = (one.target[truth.target] > first.threshold).mean(), (one.target[~truth.target] > first.threshold).mean()
    assert first.advantage.value == pytest.approx(hits - alarms, abs=1e-9)
    assert first.balanced_accuracy.value == pytest.approx((1 + hits - alarms) / 2, abs=1e-9)
    assert [rate.expected_false_positives for rate in first.tpr_at_fpr] == pytest.approx([fpr * (~truth.target).sum() for fpr in FPRS])
    assert first.phantom_p == pytest.approx(second.phantom_p)
    assert first.phantom_p_holm == pytest.approx(min(1.0, 2 * first.phantom_p))
    assert headline((first, second)) == headline((second, first)) == "one"
    again = results([card("one")], [one], truth, seed=6)[0]
    assert again.tpr_at_fpr != first.tpr_at_fpr, "intervals are drawn with the recipe's seed"


def test_the_headline_is_the_rehearsals_choice() -> None:
    """Neither the target's own success nor the worst rehearsal counts: an attack that shines on the target alone is not chosen."""
    (strong, truth), (weak, _) = case(gap=0.8), case(gap=0.2)
    shining = replace(weak, target=strong.target + 3 * truth.target)
    found = results([card("strong"), card("shining")], [strong, shining], truth, seed=0)
    assert (found[1].auc.value or 0) > (found[0].auc.value or 1)
    assert headline(found) == "strong"


@pytest.mark.parametrize(("false_gap", "passed"), [(0.0, True), (0.6, False), (-0.6, False)])
def test_the_phantom_fails_where_one_attack_beats_chance(false_gap: float, passed: bool) -> None:
    """In either direction, among attacks that do not; the one at fault is named."""
    (bad, truth), (good, _) = case(seed=4, false_gap=false_gap), case(seed=5)
    control = phantom_control(results([card("good"), card("bad")], [good, bad], truth, seed=0))
    assert control.passed is passed
    assert passed or "bad is furthest from chance" in control.detail


def test_the_gap_is_train_minus_test() -> None:
    """With the right shares, and a sign that says who is better."""
    predicted, labels = np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0])
    found = with_gap(share(predicted, labels), share(predicted[1:], labels[1:]))
    assert found["train_accuracy"].value == pytest.approx(3 / 4)
    assert found["test_accuracy"].value == pytest.approx(2 / 3)
    assert found["gap"].value == pytest.approx(3 / 4 - 2 / 3)


def test_examples_at_risk_are_benjamini_and_hochbergs() -> None:
    """Among those that were in and out often enough; deciles are of these alone."""
    rng = np.random.default_rng(2)
    rows = rng.random((40, 60)) < 0.5
    rows[:, :4] = True
    signal = rng.normal(size=rows.shape) + np.where(np.arange(60) >= 40, 1.1, 0.0) * rows
    found, arrays = risk.at_risk(signal, rows)
    known = arrays["vulnerability/resolved"]
    p = arrays["vulnerability/p"][known]
    q = false_discovery_control(p)
    np.testing.assert_allclose(arrays["vulnerability/q"][known], q)
    assert (found.tested, found.unresolved, found.models) == (56, 4, 40)
    assert found.at_risk == (q <= 0.05).sum()
    assert found.at_risk < (p <= 0.05).sum()
    assert found.least_q == pytest.approx(q.min())
    assert q.min() > p.min()
    by_hand = [roc_auc_score(rows[:, example], signal[:, example]) for example in np.flatnonzero(known)]
    assert found.auc_deciles == pytest.approx(tuple(np.quantile(by_hand, np.linspace(0, 1, 11))))


def test_probabilities_come_from_rehearsals_and_are_judged_on_the_target() -> None:
    """Brier's score by scikit-learn, a coin's from the share of members, steps by counting; the target's coins change no probability."""
    scores, truth = case(share_in=0.3)
    told, arrays = risk.probabilities(scores, truth)
    found, member = arrays["probability"], truth.target
    assert told.brier == pytest.approx(brier_score_loss(member, found))
    assert told.coin == pytest.approx(member.mean() * (1 - member.mean()))
    assert sum(step.examples for step in told.steps) == AUDITED
    for step in told.steps:
        here = (found >= step.low) & ((found < step.high) | (step.high == 1.0))
        assert step.examples == here.sum()
        assert step.predicted == pytest.approx(found[here].mean())
        assert step.members.value == pytest.approx(member[here].mean())
    other = risk.probabilities(scores, replace(truth, target=np.roll(member, 1)))[1]["probability"]
    np.testing.assert_array_equal(found, other)


def test_whom_an_attacker_names() -> None:
    """Names are counted against the target's members; who is one, or what the phantom scored, names nobody."""
    scores, truth = case(gap=2.5)
    told, arrays = risk.names(scores, truth)
    assert told.names == arrays["named"].sum() > 0
    assert told.right == (arrays["named"] & truth.target).sum()
    assert told.right > told.names / 2
    least = scores.target[arrays["named"]].min()
    np.testing.assert_array_equal(arrays["named"], scores.target >= least)
    for scored, known in ((replace(scores, phantom=scores.target[::-1]), truth), (scores, replace(truth, target=~truth.target))):
        np.testing.assert_array_equal(risk.names(scored, known)[1]["named"], arrays["named"])
    members_higher = replace(scores, rehearsals=scores.rehearsals + 50 * truth.rehearsals)
    np.testing.assert_array_equal(risk.names(members_higher, truth)[1]["named"], arrays["named"])


def test_the_careful_attackers_bar_is_set_on_rehearsals() -> None:
    """The share of rehearsals' non-members above it is what it says, or just below; hits and alarms are the target's."""
    scores, truth = case(gap=2.0)
    found = risk.strict(scores, truth)
    assert found is not None
    outside = (~truth.target).sum()
    assert found.fpr == pytest.approx(max(0.01, 10 / outside))
    pooled, members = truth.pooled(scores.rehearsals)
    accused = (pooled[~members] > found.threshold).mean()
    assert accused <= found.fpr < accused + 2 / (~members).sum()
    assert found.true_positives == (scores.target[truth.target] > found.threshold).sum()
    assert found.false_positives == (scores.target[~truth.target] > found.threshold).sum()
    few = replace(truth, target=np.arange(AUDITED) >= 9)
    assert risk.strict(scores, few) is None


def recipe(**audit: Any) -> Recipe:
    """Return a recipe with a claim."""
    return Recipe(name="any", summary="", data=Data(dataset="iris"), audit=Audit(**audit))


def test_epsilon_is_chosen_on_rehearsals_and_counted_on_the_target() -> None:
    """The target's coins move neither thresholds nor shares; the phantom's scores move nothing at all; only the one-run bound is one."""
    scores, truth = case(gap=2.0, share_in=0.5)
    found = epsilon.shown("echo", scores, truth, recipe(claimed_epsilon=1.0, claimed_delta=1e-4))
    assert found == epsilon.shown("echo", replace(scores, phantom=scores.target), truth, recipe(claimed_epsilon=1.0, claimed_delta=1e-4))
    other = epsilon.shown("echo", scores, replace(truth, target=np.roll(truth.target, 3)), recipe(claimed_epsilon=1.0, claimed_delta=1e-4))
    assert (other.threshold, other.turned, other.accused, other.cleared) == (found.threshold, found.turned, found.accused, found.cleared)
    assert other.limits != found.limits
    assert found.delta == 1e-4
    assert found.claimed is not None
    assert found.claimed.p_bound is not None
    by_method = {limit.method: limit for limit in found.limits}
    assert by_method["Clopper-Pearson"].epsilon == pytest.approx(
        _clopper_pearson(scores, truth, found.threshold, turned=found.turned), rel=1e-6
    )
    assert {limit.method for limit in found.limits if limit.bound} == {
        name for name in by_method if name.startswith("one run") and "Gaussian" not in name
    }


def _clopper_pearson(scores: Scores, truth: Truth, threshold: float, *, turned: bool) -> float:
    """Return log of (lowest rate of true names - delta) over (highest rate of false ones), each at half of the level."""
    named = scores.target < threshold if turned else scores.target > threshold
    members, others = truth.target, ~truth.target
    if turned:
        members, others = others, members
    hits, alarms, m, n = (named & members).sum(), (named & others).sum(), members.sum(), others.sum()
    low, high = beta.ppf(0.025, hits, m - hits + 1), beta.ppf(0.975, alarms + 1, n - alarms)
    return float(np.log((low - 1e-4) / high))


def test_unfair_coins_have_no_one_run_bound() -> None:
    """Neither for epsilon nor against a claim."""
    scores, truth = case(gap=2.0)
    given = recipe(claimed_epsilon=1.0, claimed_delta=1e-4)
    unfair = given.model_copy(update={"data": given.data.model_copy(update={"member_fraction": 0.4})})
    found = epsilon.shown("echo", scores, truth, unfair)
    assert not any(limit.bound for limit in found.limits)
    assert all(limit.epsilon is None for limit in found.limits if limit.method.startswith("one run"))
    assert found.claimed is not None
    assert found.claimed.p_bound is None


POOL, MODELS = 6, 5


def cohorts() -> list[dict[str, Any]]:
    """Return what two cohorts left, of three and two models; every value tells its model, query, example and class."""
    place = (
        np.arange(MODELS)[:, None, None, None] * 1000.0 + np.arange(2)[:, None, None] * 100 + np.arange(POOL)[:, None] * 10 + np.arange(3)
    )
    whole = {
        "pool/logits": place, "test/logits": place[:, :, :4] + 0.1, "population/logits": place[:, :, :2] + 0.2,
        "pool/logits@2": place + 0.3, "pool/logits@10": place + 0.4, "pool/rates": np.arange(MODELS)[:, None] + np.zeros((1, 2)),
        "pool/trained_on": np.arange(MODELS)[:, None] > np.arange(POOL),
    }  # fmt: skip
    parts = [{name: value[models] for name, value in whole.items()} for models in (slice(0, 3), slice(3, None))]
    for number, part in enumerate(parts):
        for name in ("pool/entered", "pool/entered@2", "pool/entered@10"):
            part[name] = np.full((2, 1, POOL), 10 * number + len(name))
    return parts


def test_cohorts_are_put_together_in_the_order_of_models() -> None:
    """Every part in its place; checkpoints by number, the end behind them; every asking, at checkpoints too."""
    taken = [{"noise": np.arange(3.0)[:, None]}, {"noise": np.arange(3.0, 5.0)[:, None]}]
    bank = gather(cohorts(), taken)
    assert bank.pool[:, 1, 2, 1].tolist() == [model * 1000 + 121 for model in range(MODELS)]
    assert bank.test[4, 0, 3, 0] == pytest.approx(4030.1)
    assert bank.third[3, 1, 1, 2] == pytest.approx(3112.2)
    np.testing.assert_allclose(bank.signals["trajectory"][2, 1, :, 0], [2060.3, 2060.4, 2060.0])
    assert bank.signals["noise"][:, 0].tolist() == [0, 1, 2, 3, 4]
    assert bank.asked is not None
    assert sorted(bank.asked[:, 0, 0].tolist()) == [12, 14, 15, 22, 24, 25]
    assert bank.trained_on is not None
    assert bank.trained_on.sum(axis=1).tolist() == [0, 1, 2, 3, 4]


def made() -> tuple[Any, Bank]:
    """Return what an audit of three shadow models holds, as far as it is looked at here: examples 1, 3 and 4 are audited."""
    rows = np.array([[1, 0, 1, 0, 1, 0], [0, 0, 0, 1, 1, 1], [1, 1, 0, 0, 1, 1], [0, 1, 1, 0, 0, 1], [1, 1, 1, 1, 0, 0]], dtype=np.bool_)
    examples = SimpleNamespace(
        pool_labels=np.array([0, 1, 2, 0, 2, 1]), population_labels=np.array([2, 0]), test_labels=np.array([0, 1, 2, 2]),
        pool_inputs=np.arange(12.0).reshape(6, 2), population_inputs=np.arange(4.0).reshape(2, 2), class_names=("a", "b", "c"),
    )  # fmt: skip
    prepared = SimpleNamespace(rows=rows, audited=np.array([1, 3, 4]), examples=examples, attacks=(Echo("answers"),), groupings=())
    return prepared, gather(cohorts())


@pytest.mark.parametrize("model", [0, 1])
def test_evidence_is_of_the_audited_examples(model: int) -> None:
    """Target or phantom, the shadow models behind both, their coins, labels and signals, all of the same examples."""
    prepared, bank = made()
    both = shown(prepared, bank)
    seen = (both.target, both.phantom)[model]
    assert seen.target[1, :, 2].tolist() == [model * 1000 + 100 + place * 10 + 2 for place in (1, 3, 4)]
    assert seen.shadows[:, 0, 2, 0].tolist() == [2040, 3040, 4040]
    np.testing.assert_array_equal(seen.trained_on, prepared.rows[2:][:, [1, 3, 4]])
    assert seen.labels.tolist() == [1, 0, 2]
    assert seen.population is not None
    assert seen.population.target[0, 1, 0] == pytest.approx(model * 1000 + 10.2)
    assert seen.population.shadows[:, 0, 1, 0] == pytest.approx([2010.2, 3010.2, 4010.2])
    assert seen.signals["trajectory"].target[:, 0, 0] == pytest.approx([model * 1000 + 50 + place * 10 + 0.3 for place in (1, 3, 4)])
    assert seen.signals["trajectory"].shadows[:, 1, 2, 0] == pytest.approx([2080, 3080, 4080])
    assert seen.features is not None
    assert seen.features.tolist() == [[2, 3], [6, 7], [8, 9]]


def test_truth_is_the_targets_row() -> None:
    """For the phantom too, which knows nothing of it; rehearsals are the first shadow models."""
    prepared, _ = made()
    known = facts.truth(prepared)
    assert known.target.tolist() == [False, False, True]
    np.testing.assert_array_equal(known.rehearsals, prepared.rows[2:4][:, [1, 3, 4]])
    np.testing.assert_array_equal(_groupings(prepared)[0].groups, [1, 0, 2])
    named = Grouping(by="half", groups=np.array([0, 1, 0, 0, 1, 1]), names={0: "a", 1: "b"})
    prepared.groupings = (named,)
    np.testing.assert_array_equal(_groupings(prepared)[1].groups, [1, 0, 1])


def test_accuracies_average_the_queries() -> None:
    """Two queries that disagree: their mean decides, for every model and in every number."""
    prepared, bank = made()
    logits = np.zeros((MODELS, 2, 4, 3))
    logits[:, 0, np.arange(4), (prepared.examples.test_labels + 1) % 3] = 1.0
    logits[:, 1, np.arange(4), prepared.examples.test_labels] = 2.0  # the second query is right, and surer
    logits[3, 1, 0] = 0.0
    logits[4, 1, :2] = 0.0
    bank = replace(bank, test=logits)
    assert facts.test_accuracies(prepared, bank).tolist() == [1, 1, 1, 0.75, 0.5]
    works = facts.utility(prepared, bank)
    assert works.shadow_test_accuracy_mean == pytest.approx(0.75)
    assert works.shadow_test_accuracy_sd == pytest.approx(0.25)
    assert works.test_accuracy.value == 1.0
    assert works.commonest == 0.5
    hits = np.argmax(bank.pool[0].mean(axis=0), axis=-1) == prepared.examples.pool_labels
    assert works.train_accuracy.value == pytest.approx(hits[prepared.rows[0]].mean())
    assert hits[prepared.rows[0]].mean() != hits.mean()


def test_the_most_exposed_examples_are_shown_with_what_is_theirs() -> None:
    """The highest scores first; places, coins, labels and pictures of the same examples, not of others."""
    rng = np.random.default_rng(0)
    examples: Any = SimpleNamespace(pool_inputs=rng.random((40, 1, 3, 3)), pool_labels=np.arange(40))
    audited, scores, member = np.arange(1, 40, 2), rng.permutation(20).astype(np.float64), rng.random(20) < 0.5
    found = exposing.exposed(examples, audited, scores, member)
    assert found["scores"].tolist() == list(range(19, 3, -1))
    for place, score, inside, label, picture in zip(
        *(found[name] for name in ("positions", "scores", "member", "labels", "pictures")), strict=True
    ):
        row = int(np.flatnonzero(scores == score)[0])
        assert (place, inside, label) == (audited[row], member[row], audited[row])
        np.testing.assert_array_equal(picture, np.rint(examples.pool_inputs[place, 0] * 255))
    events: Any = SimpleNamespace(pool_inputs=rng.integers(0, 3, (4, 5, 2, 3, 3)), pool_labels=np.arange(4))
    shown = exposing.exposed(events, np.arange(4), np.arange(4.0), np.ones(4, dtype=np.bool_))["pictures"]
    total = events.pool_inputs.sum(axis=(1, 2))
    np.testing.assert_array_equal(shown[0], np.rint(total[3] / total[3].max() * 255))
