"""Wrong guesses: one thing of the recipe differs, coins and examples do not, and a true model rehearses against degraded ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mia_audit.audit import Options, Silent
from mia_audit.audit.bank.degrading import GUESSES, available, degraded, train
from mia_audit.audit.bank.prepared import evidence, gather
from mia_audit.audit.request.options import describe
from mia_audit.audit.running import prepare
from mia_audit.data import design
from mia_audit.recipe import Quantization, filled
from mia_audit.training import plan, schedule
from mia_audit.training.material import material
from tests.support.engine_runs import SMALL


def test_each_guess_changes_one_thing_of_the_model() -> None:
    """Another surrogate, half the steps, other bits; everything else is the target's, checkpoints apart."""
    recipe = describe("snn-q4", Options(dataset="iris"))
    changed = {guess: degraded(recipe, guess) for guess in GUESSES}
    assert filled(changed["other-surrogate"].model.neuron).surrogate == "fast-sigmoid"
    assert changed["other-steps"].model.time_steps == recipe.model.time_steps // 2
    assert changed["other-bits"].model.quantization.weight_bits == changed["other-bits"].model.quantization.activation_bits == 32
    for guess, other in changed.items():
        field = {"other-surrogate": "neuron", "other-steps": "time_steps", "other-bits": "quantization"}[guess]
        assert other.model.model_copy(update={field: getattr(recipe.model, field)}) == recipe.model
        assert other.training == recipe.training
        assert other.data == recipe.data


def test_the_other_way_round_too() -> None:
    """A target in full precision meets four-bit shadow models, and one with another surrogate those that learnt with atan."""
    plain = describe("snn", Options(dataset="iris", surrogate="sre"))
    assert degraded(plain, "other-bits").model.quantization.weight_bits == 4
    assert filled(degraded(plain, "other-surrogate").model.neuron).surrogate == "atan"


@pytest.mark.parametrize(
    "widths",
    [{"membrane_bits": 2}, {"input_bits": 4}, {"weight_bits": 4, "activation_bits": 4, "when": "post-training"}],
    ids=["membranes", "inputs", "after training"],
)
def test_whatever_is_quantized_is_guessed_in_full_precision(widths: dict[str, object]) -> None:
    """Membranes alone, inputs alone, or everything after the training: the attacker's models have no quantizer at all."""
    recipe = describe("snn", Options(dataset="iris", settings={f"model.quantization.{name}": value for name, value in widths.items()}))
    assert "other-bits" in available(recipe)
    assert degraded(recipe, "other-bits").model.quantization == Quantization()


@pytest.mark.parametrize(
    ("target", "settings", "guesses"),
    [
        ("ann", {}, {"other-bits"}),
        ("snn", {}, {"other-bits", "other-surrogate", "other-steps"}),
        ("snn", {"model.time_steps": 1}, {"other-bits", "other-surrogate"}),
    ],
)
def test_only_what_can_be_guessed_wrong_is(target: str, settings: dict[str, object], guesses: set[str]) -> None:
    """An ANN has no surrogate and no steps."""
    assert available(describe(target, Options(dataset="iris", settings=settings))) == guesses


def test_true_models_meet_degraded_ones(tmp_path: Path) -> None:
    """The target's answers are its own, shadow models' are degraded, coins are shared; a rehearsal leaves its own coins out."""
    options = Options(dataset="iris", shadows=14, settings=SMALL, store=tmp_path, out=tmp_path, device="cpu", workers=1)
    ready = prepare("snn", options, Silent())
    tasks = plan.tasks(ready.recipe, ready.rows, ready.examples.sha256, "cpu")
    machine = schedule.Machine(device="cpu", workers=1, progress=lambda _: None)
    bank = gather(schedule.run(tasks, material(ready.recipe, ready.examples), ready.store, machine).cohorts)
    found = train(ready, bank, {"other-steps", "lira-online"}, machine)
    assert set(found) == {"other-steps"}
    degraded_bank = found["other-steps"]
    assert degraded_bank.shape == (16, 100, 1, 3)
    np.testing.assert_array_equal(degraded_bank[: design.FIRST_SHADOW, :, 0], bank.pool[: design.FIRST_SHADOW, 0])
    assert not np.allclose(degraded_bank[design.FIRST_SHADOW :, :, 0], bank.pool[design.FIRST_SHADOW :, 0])
    seen = evidence(ready, replace(bank, signals=found), design.TARGET)
    rehearsal = seen.against_shadow(3)
    np.testing.assert_array_equal(rehearsal.target, seen.shadows[3])
    np.testing.assert_array_equal(rehearsal.signals["other-steps"].shadows, np.delete(seen.signals["other-steps"].shadows, 3, axis=0))
