"""The published protocol's defects (docs/method.md), planted again: each trips a control or a guard, and a sound audit trips none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.audit import Options, Silent, audit
from mia_audit.audit.bank import degrading
from mia_audit.audit.bank.prepared import Bank, gather, shown
from mia_audit.audit.bank.repeats import repeats
from mia_audit.audit.controls.copying import copies_control
from mia_audit.audit.controls.dose import DOSES, against, dose_control, doses, extend, plant, response
from mia_audit.audit.controls.guards import blind_control, coins_control, independence_control, likeness_control
from mia_audit.audit.findings.facts import ordinary_layers
from mia_audit.audit.request.options import describe
from mia_audit.audit.running import prepare
from mia_audit.data.examples import Examples
from mia_audit.data.profiles import profile
from mia_audit.errors import EvidenceError, RecipeError
from mia_audit.probes import taking
from mia_audit.probes.names import probes_for
from mia_audit.record import POWER_CONTROL, Control, verdict
from mia_audit.statistics.blind import blind, line_p
from mia_audit.statistics.nulltest import angle, one_more_p
from mia_audit.statistics.proportions import balanced_accuracy, rates_above
from mia_audit.statistics.roc import auc
from mia_audit.statistics.slices import slices
from mia_audit.training import plan, schedule
from mia_audit.training.material import material
from mia_audit.types import Bools, Floats, Ints
from tests.support.engine_runs import SMALL, small_audit
from tests.support.gaussian import gaussian_evidence
from tests.support.records import make_record


def pool(seed: int, examples: int = 600, values: int = 12) -> tuple[Floats, Ints, Bools]:
    """Return inputs, labels and fair coins that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, examples)
    return rng.normal(size=(examples, values)) + labels[:, None], labels, rng.random(examples) < 0.5


def population(seed: int) -> tuple[Bools, Floats]:
    """Return coins [12, 400] and answers [12, 1, 400, 3], all independent."""
    rng = np.random.default_rng(seed)
    return rng.random((12, 400)) < 0.5, rng.normal(size=(12, 1, 400, 3))


def bank_of(logits: Floats, **signals: Floats) -> Bank:
    """Return models' answers [models, queries, examples, classes] as an audit holds them."""
    nothing = logits[:, :, :0]
    return Bank(pool=logits, third=nothing, test=nothing, rates=np.zeros((len(logits), 0)), signals=signals)


def test_a_sound_audit_trips_nothing() -> None:
    """Fair coins, separate models, a target like its shadow models: at most one of 40 audits fails any guard."""
    failed = 0
    for seed in range(40):
        rows, logits = population(seed)
        accuracies = np.random.default_rng(seed).normal(0.9, 0.01, 12)
        found = (
            independence_control(rows, logits),
            coins_control(rows, 0.5),
            copies_control(bank_of(logits), np.arange(400) % 3, seed),
            likeness_control({"accuracy": accuracies}, 300),
        )
        failed += any(control.passed is False for control in found)
    failed += sum(blind_control(*pool(seed, 200), seed).passed is False for seed in range(10))
    assert failed <= 1


def test_defect_1_shadow_and_target_are_one_object() -> None:
    """Its very answers among the shadow models': the control fails, and an attack that needs shadow models refuses."""
    rows, logits = population(0)
    logits[5] = logits[0]
    found = independence_control(rows, logits)
    assert found.passed is False
    assert "Shadow model 4 gives the target's very answers" in found.detail
    seen, _ = gaussian_evidence(gap=1.0, examples=50, shadows=16)
    seen.shadows[3] = seen.target
    with pytest.raises(EvidenceError, match="the target's very answers"):
        OnlineLiRA().score(seen)


@pytest.mark.parametrize("share", [1.0, 0.8, 0.0])
def test_defect_2_shadow_members_are_the_targets(share: float) -> None:
    """Trained on 80 % of the target's members and on none else, on all of them, or on the exact complement."""
    rows, logits = population(1)
    keep = np.random.default_rng(0).random(400) < share
    rows[4] = rows[0] & keep if share else ~rows[0]
    assert independence_control(rows, logits).passed is False


def test_uneven_coins_are_no_fault() -> None:
    """Independent coins that fall on "member" in three of ten cases agree more often than not; that is expected."""
    rng = np.random.default_rng(2)
    assert independence_control(rng.random((20, 1_000)) < 0.3, population(0)[1][[0] * 20] + rng.normal(size=(20, 1, 400, 3))).passed


@pytest.mark.parametrize("fault", ["augmented members", "members from another source", "members of other classes"])
def test_defect_3_members_differ_by_themselves(fault: str) -> None:
    """Members queried through crops and noise, from another year, or of other classes: told apart without any network."""
    inputs, labels, member = pool(3)
    if fault == "augmented members":
        inputs[member] += np.random.default_rng(4).normal(size=inputs[member].shape)
    elif fault == "members from another source":
        inputs[member, 0] += 0.5
    else:
        member = np.where(np.random.default_rng(5).random(600) < 0.9, labels == 0, member)
    found = blind_control(inputs, labels, member, 0)
    assert found.passed is False
    assert "Without any network" in found.detail


def test_defect_4_imbalance_and_missing_classes() -> None:
    """Five members to one non-member leave AUC and balanced accuracy in place, and every class has a line, small ones without a number."""
    rng = np.random.default_rng(6)
    member = np.arange(40_000) < 20_000
    scores = rng.normal(size=40_000) + member
    kept = member | (rng.random(40_000) < 0.2)
    assert auc(scores[kept], member[kept]) == pytest.approx(auc(scores, member), abs=0.01)
    uneven, even = (balanced_accuracy(*rates_above(s, m, 0.5)).value for s, m in ((scores[kept], member[kept]), (scores, member)))
    assert uneven == pytest.approx(even, abs=0.01)
    groups = rng.integers(0, 99, 40_000)
    found = slices(scores, member, groups, {group: str(group) for group in range(100)})
    assert len(found) == 100
    assert found[99].auc is None
    assert sum(one.members + one.nonmembers for one in found) == 40_000


def test_defect_5_the_target_is_another_kind_of_network() -> None:
    """A target far more accurate than its shadow models fails; with two shadow models nothing can be said."""
    shadows = (0.80, 0.81, 0.79, 0.80, 0.82, 0.80, 0.81, 0.80)
    assert likeness_control({"accuracy": np.array([0.95, 0.5, *shadows])}, 300).passed is False
    assert likeness_control({"accuracy": np.array([0.81, 0.5, *shadows])}, 300).passed is True
    assert likeness_control({"accuracy": np.array([0.95, 0.5, *shadows[:2]])}, 300).passed is None
    assert likeness_control({"accuracy": np.array([299 / 300, 0.5, *[1.0] * 20])}, 300).passed is True
    assert likeness_control({"accuracy": np.array([0.95, 0.5, *[1.0] * 20])}, 300).passed is False
    fit = np.array([3.0, 9.0, 2.0, 2.1, 1.9, 2.05, 1.95, 2.02, 1.98, 2.1, 1.9])
    found = likeness_control({"accuracy": np.array([0.81, 0.5, *shadows, 0.8]), "fit": fit}, 300)
    assert found.passed is False
    assert found.detail.startswith("By accuracy, fit: fit is furthest off, target 3.000, shadow models 2.000")
    assert one_more_p(0.8, np.full(9, 0.8), 5e-4) == 1.0
    assert one_more_p(0.9, np.full(9, 0.8), 5e-4) < 1e-6


def test_accuracies_near_one_are_skewed_and_alarm_no_more_for_it() -> None:
    """Networks that differ around 97 % on 300 examples: few targets have p below 0.1 %; of bare accuracies several times as many had."""
    rng = np.random.default_rng(11)
    p: dict[str, list[float]] = {"angles": [], "accuracies": []}
    for _ in range(4_000):
        found = rng.binomial(300, 1 / (1 + np.exp(-(3.4 + 0.5 * rng.normal(size=33))))) / 300
        turned = angle(found, 300)
        p["angles"].append(one_more_p(float(turned[0]), turned[1:], 5e-4))
        p["accuracies"].append(one_more_p(float(found[0]), found[1:], 5e-4))
    assert np.mean(np.array(p["angles"]) < 0.001) < 0.004
    assert np.mean(np.array(p["accuracies"]) < 0.001) > 0.006


def test_defect_6_an_snn_that_hardly_spikes(tmp_path: Path) -> None:
    """The seed protocol's image net is a ReLU network with two spiking layers behind it: the record says so, and not of others."""
    part, whole, none = (describe(target, Options(dataset="digits")) for target in ("snn-seed-conv", "snn", "ann-seed-conv"))
    assert ordinary_layers(part) == (2, 3)
    assert ordinary_layers(whole)[0] == 0
    assert ordinary_layers(none)[0] > 0
    layers = [
        {"kind": "linear", "features": 4},
        {"kind": "fire", "activation": "relu"},
        {"kind": "linear", "features": 4},
        {"kind": "fire"},
    ]
    settings = {"training.epochs": 1, "model.architecture": "layers", "model.layers": layers}
    warnings = small_audit(tmp_path, "snn", attacks="thresholds", shadows=2, settings=settings).summary.warnings
    assert any(said.startswith("1 of 2 hidden layers have neurons that do not spike") for said in warnings)


def test_doubles_are_told() -> None:
    """Examples twice in the pool, and outside examples that stand in it, are counted; one in a hundred is let pass."""
    rng = np.random.default_rng(9)
    inputs, third = rng.normal(size=(200, 4)).astype(np.float32), rng.normal(size=(100, 4)).astype(np.float32)
    whole = Examples(
        profile=profile("iris"), class_names=("a", "b", "c"), pool_inputs=inputs, pool_labels=np.arange(200) % 3, population_inputs=third,
        population_labels=np.arange(100) % 3, test_inputs=inputs[:9], test_labels=np.arange(9) % 3, calibration_inputs=inputs[:0],
        pool_positions=np.arange(200),
    )  # fmt: skip
    assert repeats(whole) == ()
    third[:2], inputs[:2] = inputs[5:7], inputs[10:12]
    within, across = repeats(whole)
    assert within.startswith("4 of 200 examples of the pool have a double in it")
    assert across.startswith("2 of 100 examples of the outside population stand in the pool too")
    third[0], inputs[0] = 7.0, 8.0
    assert repeats(whole) == ()


def test_attacks_on_signals_are_tried_on_canaries_too(tmp_path: Path) -> None:
    """The sibling's own signals are attacked: none is left without the control, and the answers are the sibling's."""
    settings = {**SMALL, "audit.canaries": 4, "training.checkpoints": [1]}
    options = Options(
        dataset="iris", shadows=12, settings=settings, attacks=["membrane-lira", "trajectory-lira", "lira-other-bits"], store=tmp_path,
        out=tmp_path, device="cpu", workers=1,
    )  # fmt: skip
    ready = prepare("snn", options, Silent())
    machine = schedule.Machine(device="cpu", workers=1, progress=lambda _: None)
    tasks, given = plan.tasks(ready.recipe, ready.rows, ready.examples.sha256, "cpu"), material(ready.recipe, ready.examples)
    trained = schedule.run(tasks, given, ready.store, machine)
    bank = gather(trained.cohorts, taking.take(tasks, probes_for(frozenset({"membranes"})), given, ready.store, machine))
    bank = replace(bank, signals={**bank.signals, **degrading.train(ready, bank, {"other-bits"}, machine)})
    sibling = plant(ready, machine)
    assert sibling is not None
    seen = against(shown(ready, bank).target, ready.audited, sibling)
    np.testing.assert_allclose(seen.signals["membranes"].target.mean(axis=1), seen.target[0], atol=1e-5)
    np.testing.assert_array_equal(seen.signals["trajectory"].target[:, -1], seen.target[0])
    np.testing.assert_array_equal(seen.signals["other-bits"].target[:, 0], seen.target[0])
    assert not np.allclose(seen.target, bank.pool[0][:, ready.audited])
    for name in ("membrane-lira", "trajectory-lira", "lira-other-bits"):
        assert dose_control(ready, shown(ready, bank).target, sibling, name).passed is not None


def test_the_blind_classifier_alarms_at_its_level() -> None:
    """Of 250 honest splits no more are told apart, at 1, 5 and 10 %, than happens once in a thousand times; few are enough to see it.

    With 60 examples of 64 values, scores of cross-validation under one Mann-Whitney test alarm in 7 % at 1 %. Many features are summed.
    """
    p = np.array([blind(*pool(seed, 60, 100 if seed % 5 == 0 else 64), np.random.default_rng(seed)).p for seed in range(250)])
    for level in (0.01, 0.05, 0.1):
        assert (p < level).sum() <= binom.isf(0.001, p.size, level), level


@pytest.mark.parametrize(("values", "often"), [(12, 0.8), (64, 0.4)])
def test_the_blind_classifier_sees_a_shift_that_it_should(values: int, often: float) -> None:
    """Half a standard deviation of one value in 600 examples: found at 1 % in so many of 20 pools; and by the line alone."""
    found = []
    for seed in range(20):
        inputs, labels, member = pool(seed, 600, values)
        inputs[member, 0] += 0.5
        found.append(blind(inputs, labels, member, np.random.default_rng(seed)).p < 0.01)
    assert np.mean(found) >= often
    assert line_p(inputs, member, np.random.default_rng(0)) < 0.01
    assert line_p(np.ones((600, 3)), member, np.random.default_rng(0)) == 1.0


def test_too_few_examples_for_a_blind_classifier_are_refused() -> None:
    """With seven members or fewer there is nothing to learn; the control says that it was not run."""
    inputs, labels, _ = pool(0, 30)
    with pytest.raises(EvidenceError, match="a blind classifier needs 8 members"):
        blind(inputs, labels, np.arange(30) < 3, np.random.default_rng(0))
    assert blind_control(inputs, labels, np.arange(30) < 3, 0).passed is None


def test_canaries_are_members_at_four_doses() -> None:
    """So many audited members at 2, 4 and 8; copies go behind the pool, all of them trained on; nothing else moves."""
    rng = np.random.default_rng(7)
    row = rng.random(100) < 0.5
    dose = doses(row, np.arange(0, 100, 1), 5, rng)
    assert [(dose == copies).sum() for copies in DOSES[1:]] == [5, 5, 5]
    assert (dose[~row] == 0).all()
    inputs, labels = rng.normal(size=(100, 4)).astype(np.float32), rng.integers(0, 3, 100)
    whole = Examples(
        profile=profile("iris"), class_names=("a", "b", "c"), pool_inputs=inputs, pool_labels=labels, population_inputs=inputs[:0],
        population_labels=labels[:0], test_inputs=inputs[:9], test_labels=labels[:9], calibration_inputs=inputs[:0],
        pool_positions=np.arange(100),
    )  # fmt: skip
    extended, rows = extend(whole, row, dose)
    np.testing.assert_array_equal(extended.pool_inputs[:100], inputs)
    np.testing.assert_array_equal(rows[:100], row)
    assert rows[100:].all()
    assert len(rows) == 100 + 5 * (1 + 3 + 7)
    at_eight = int(np.flatnonzero(dose == 8)[0])
    assert (extended.pool_inputs == inputs[at_eight]).all(axis=1).sum() == 8
    assert extended.sha256 != whole.sha256


def test_too_many_canaries_are_refused_before_anything_trains(tmp_path: Path) -> None:
    """Nothing lies in the store when the refusal names the field, the value and the most that fits; that many then fill every dose."""

    def asked(canaries: int) -> Options:
        settings = {**SMALL, "data.pool": 100, "data.population": 10, "data.test": 20, "audit.canaries": canaries}
        return Options(
            dataset="iris", shadows=12, settings=settings, attacks=["loss"], store=tmp_path / "store", out=tmp_path / "out", device="cpu",
            workers=1,
        )  # fmt: skip

    with pytest.raises(
        RecipeError, match=r"audit.canaries needs 4 times as many .*got 32 canaries .*use --set audit.canaries=\d+"
    ) as caught:
        audit("ann", asked(32))
    assert not list((tmp_path / "store").rglob("*.safetensors"))
    most = int(str(caught.value).partition("audit.canaries=")[2].split(",")[0])
    ready = prepare("ann", asked(most), Silent())
    with pytest.raises(RecipeError, match=f"got {most + 1} canaries"):
        prepare("ann", asked(most + 1), Silent())
    record = audit("ann", asked(most))
    told = next(control.detail for control in record.summary.controls if control.name == POWER_CONTROL)
    sizes = [int(part.split()[0]) for part in told.split("(")[1:]]
    assert sizes[1:] == [most] * 3
    assert sizes[0] + sum(sizes[1:]) + int(told.partition("sibling's ")[2].split()[0]) == ready.audited.size


def test_an_attack_without_power_is_named() -> None:
    """Scores that rise with the dose find the highest one; noise does not."""
    rng = np.random.default_rng(8)
    dose = rng.permutation(np.repeat([0, 1, 2, 4, 8], 40))
    outside = dose == 0
    areas, p = response(rng.normal(size=200) + 0.4 * dose, dose, outside)
    assert areas == sorted(areas)
    assert p < 1e-6
    assert response(-dose.astype(float), dose, outside)[1] == 1.0


def test_no_power_is_said_and_does_not_undo_a_finding() -> None:
    """A missed dose makes a missing finding worthless; a leak that was found stands; any other failed control undoes both."""
    missed = Control(name=POWER_CONTROL, passed=False, detail="missed")
    calm, leaky = (make_record(leaky=leaks).summary.model_copy(update={"controls": (missed,)}) for leaks in (False, True))
    assert "had no power here" in verdict(calm)
    assert "Membership leaks" in verdict(leaky)
    broken = leaky.model_copy(update={"controls": (missed, Control(name="blind classifier", passed=False, detail="told apart"))})
    assert verdict(broken) == "Do not rely on this audit: a control failed (blind classifier)."
