"""Where the columns meet nothing is moved, copied or mixed up: answers, rows and labels reach an attack as they were dealt and given."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mia_audit.audit import Options, Silent
from mia_audit.audit.attacking import measuring
from mia_audit.audit.bank.prepared import Prepared, evidence, gather, shown
from mia_audit.audit.controls.guards import coins_control
from mia_audit.audit.findings import facts
from mia_audit.audit.running import prepare
from mia_audit.catalogue import load_recipe, override
from mia_audit.data import design
from mia_audit.data.profiles import resolve
from mia_audit.training.store import Tensors
from tests.support.records import make_record


def ready(folder: Path) -> Prepared:
    """Return an audit of iris before training."""
    settings = {"data.pool": 60, "data.population": 12, "data.test": 20}
    options = Options(dataset="iris", shadows=14, settings=settings, store=folder, out=folder, device="cpu", workers=1)
    return prepare("ann", options, Silent())


def cohort(models: int, seed: int) -> Tensors:
    """Return what the store would hold of so many models, every value another."""
    rng = np.random.default_rng(seed)
    shapes = {"pool/logits": (1, 60, 3), "population/logits": (1, 12, 3), "test/logits": (1, 20, 3), "pool/rates": (1,)}
    return {name: rng.normal(size=(models, *shape)).astype(np.float32) for name, shape in shapes.items()}


def test_cohorts_are_put_together_in_order() -> None:
    """Every model's answers stand once, at its own place, as its cohort gave them."""
    first, second = cohort(10, 0), cohort(6, 1)
    bank = gather([first, second])
    for name, found in {
        "pool/logits": bank.pool,
        "population/logits": bank.third,
        "test/logits": bank.test,
        "pool/rates": bank.rates,
    }.items():
        np.testing.assert_array_equal(found[:10], first[name])
        np.testing.assert_array_equal(found[10:], second[name])
        assert len({values.tobytes() for values in found}) == 16


@pytest.mark.parametrize("model", [design.TARGET, design.PHANTOM])
def test_evidence_holds_each_models_own(tmp_path: Path, model: int) -> None:
    """Answers, rows and labels of the audited examples, of the target and of the shadow models in their order."""
    prepared, bank = ready(tmp_path), gather([cohort(16, 2)])
    seen, audited = evidence(prepared, bank, model), prepared.audited
    np.testing.assert_array_equal(seen.target, bank.pool[model][:, audited])
    np.testing.assert_array_equal(seen.shadows, bank.pool[2:, :, audited])
    np.testing.assert_array_equal(seen.trained_on, prepared.rows[2:, audited])
    np.testing.assert_array_equal(seen.labels, prepared.examples.pool_labels[audited])
    assert seen.population is not None
    np.testing.assert_array_equal(seen.population.target, bank.third[model])
    np.testing.assert_array_equal(seen.population.shadows, bank.third[2:])


def test_the_phantom_answers_for_itself(tmp_path: Path) -> None:
    """What is shown of it is its own, answers, population data and signals; the shadow models and their rows are the target's."""
    prepared, bank = ready(tmp_path), gather([cohort(16, 4)])
    bank = replace(bank, signals={"numbers": np.random.default_rng(5).normal(size=(16, 60))})
    both = shown(prepared, bank)
    for seen, model in ((both.target, design.TARGET), (both.phantom, design.PHANTOM)):
        own = evidence(prepared, bank, model)
        np.testing.assert_array_equal(seen.target, own.target)
        np.testing.assert_array_equal(seen.shadows, own.shadows)
        np.testing.assert_array_equal(seen.trained_on, own.trained_on)
        np.testing.assert_array_equal(seen.signals["numbers"].target, bank.signals["numbers"][model][prepared.audited])
        assert seen.population is not None
        np.testing.assert_array_equal(seen.population.target, bank.third[model])


def test_truth_is_the_targets_row_and_those_that_rehearse(tmp_path: Path) -> None:
    """As they were dealt, on the examples that are audited."""
    prepared = ready(tmp_path)
    known, rows = facts.truth(prepared), prepared.rows[:, prepared.audited]
    np.testing.assert_array_equal(known.target, rows[design.TARGET])
    np.testing.assert_array_equal(known.rehearsals, rows[2:6])


def test_accuracies_are_of_members_and_of_the_test(tmp_path: Path) -> None:
    """A target that is right on its members and on a quarter of the test, and wrong elsewhere."""
    prepared, bank = ready(tmp_path), gather([cohort(16, 3)])
    right = prepared.rows[design.TARGET]
    pool, test = np.zeros_like(bank.pool), np.zeros_like(bank.test)
    told = np.where(right, prepared.examples.pool_labels, (prepared.examples.pool_labels + 1) % 3)
    pool[..., np.arange(60), told] = 1.0
    labels = prepared.examples.test_labels
    quarter = np.where(np.arange(20) < 5, labels, (labels + 1) % 3)
    test[..., np.arange(20), quarter] = 1.0
    found = facts.utility(prepared, replace(bank, pool=pool, test=test))
    assert found.train_accuracy.value == 1.0
    assert found.test_accuracy.value == 0.25
    assert found.shadow_test_accuracy_mean == 0.25


def test_the_headline_is_chosen_by_rehearsals() -> None:
    """However strong another attack is on the target."""
    attacks = make_record(leaky=True).summary.attacks
    best = measuring.headline(attacks)
    boosted = [
        one if one.name == best else one.model_copy(update={"auc": one.auc.model_copy(update={"value": 0.99, "high": 0.999})})
        for one in attacks
    ]
    assert measuring.headline(boosted) == best
    rehearsed = [one.model_copy(update={"rehearsal_auc": 0.99}) if one.name == attacks[-1].name else one for one in boosted]
    assert measuring.headline(rehearsed) == attacks[-1].name


@pytest.mark.parametrize("fraction", [0.5, 0.3])
def test_the_design_is_one_of_coins(fraction: float) -> None:
    """For five seeds the matrix that is dealt passes the control of coins, whole and shadow models alone; the control can fail."""
    for seed in range(5):
        changes = {"data.dataset": "digits", "data.pool": 400, "data.member_fraction": fraction, "training.seed": seed}
        recipe = resolve(override(load_recipe("ann"), changes))
        rows = design.membership(recipe, 24)
        assert coins_control(rows, fraction).passed is True
        assert coins_control(rows[2:], fraction).passed is True
        assert coins_control(np.vstack([rows, rows[:1]]), fraction).passed is False
