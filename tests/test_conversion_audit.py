"""Audits of converted targets: stages in the store, shadow models at either stage, and what the record and its page say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mia_audit.audit import asked
from mia_audit.audit.bank.prepared import Bank
from mia_audit.audit.bank.staging import mixed
from mia_audit.audit.controls import dose
from mia_audit.audit.request.options import Options, describe
from mia_audit.audit.running import prepare
from mia_audit.audit.watching import Silent
from mia_audit.conversion import stages
from mia_audit.data import design
from mia_audit.errors import TrainingError
from mia_audit.recipe import Recipe, filled
from mia_audit.recipe.differing import NOT_STORED, differing, fields
from mia_audit.record import Record
from mia_audit.report.audit_page import page
from mia_audit.training import plan
from mia_audit.training.schedule import Machine
from mia_audit.training.store import Store
from tests.support.engine_runs import small_audit

NETWORK: dict[str, Any] = {
    "data.pool": 160, "data.population": 40, "model.architecture": "layers", "model.width": 1.0, "training.epochs": 15,
    "training.batch_size": 16, "training.learning_rate": 1e-2,
    "model.layers": [
        {"kind": "conv", "channels": 4, "bias": False}, {"kind": "fire"}, {"kind": "pool", "of": "average"},
        {"kind": "linear", "features": 24, "bias": False}, {"kind": "fire"},
    ],
}  # fmt: skip
CONVERSION: dict[str, Any] = {"conversion.images": 40, "conversion.steps": 10, "model.time_steps": 12}
MADE: dict[str, Any] = {"conversion.synthesis.images": 40, "conversion.synthesis.learning_rate": 0.05}
HIDDEN: dict[str, Any] = {"conversion.encryption.epochs": 1, "conversion.encryption.batch_size": 20}


def audited(folder: Path, target: str, **changes: Any) -> Record:
    """Audit a small target on digits."""
    settings = {**NETWORK, **(CONVERSION if target != "ann-teacher" else {}), **(MADE if target == "private-snn" else {})}
    settings |= {**(HIDDEN if target == "private-snn" else {}), **{key.replace("__", "."): value for key, value in changes.items()}}
    return small_audit(folder, target, dataset="digits", shadows=4, attacks="thresholds", settings=settings, out=target)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose store all audits of this file share."""
    return tmp_path_factory.mktemp("conversion")


@pytest.fixture(scope="module")
def teacher(folder: Path) -> Record:
    """Return the audit of the teacher."""
    return audited(folder, "ann-teacher")


@pytest.fixture(scope="module")
def converted(folder: Path, teacher: Record) -> Record:
    """Return the audit of a converted target whose shadow models are teachers."""
    assert teacher.summary.conversion is None
    return audited(folder, "converted-snn")


def recipe(target: str, dataset: str = "digits", **settings: Any) -> Recipe:
    """Return a resolved recipe of the zoo."""
    return describe(target, Options(dataset=dataset, settings={key.replace("__", "."): value for key, value in settings.items()}))


CONVERTED = ("converted-snn", "converted-snn-synthetic", "converted-snn-noise", "private-snn")


@pytest.mark.parametrize("target", CONVERTED)
@pytest.mark.parametrize("dataset", ["digits", "fashion-mnist", "cifar10"])
def test_teachers_are_those_of_the_zoo(target: str, dataset: str) -> None:
    """Whatever is converted from it, a teacher is trained once: no field that a cohort hangs on differs from ann-teacher's."""
    assert differing([recipe(target, dataset).teacher, recipe("ann-teacher", dataset)], NOT_STORED) == ()
    assert recipe("ann-teacher", dataset).teacher == recipe("ann-teacher", dataset)


def test_stages_have_keys_of_their_own() -> None:
    """A key changes with what its stage hangs on, and with nothing else."""
    rows = design.membership(recipe("private-snn"), 3)
    whole = recipe("private-snn")
    (task,) = plan.tasks(whole.teacher, rows, "data", "cpu")

    def keys(other: Recipe, indices: tuple[int, ...] = (0, 1)) -> tuple[str, ...]:
        return tuple(stages.stage_key(other, task, indices, stage) for stage in ("synthesis", "conversion", "answers"))

    own = keys(whole)
    changed = {
        "conversion.synthesis.iterations": (True, True, True),
        "conversion.percentile": (False, True, True),
        "model.neuron.start": (False, True, True),
        "conversion.encryption.learning_rate": (False, False, True),
        "model.time_steps": (False, False, True),
    }
    values = {"conversion.synthesis.iterations": 10, "conversion.percentile": 99.0, "model.neuron.start": 0.0,
              "conversion.encryption.learning_rate": 1e-3, "model.time_steps": 16}  # fmt: skip
    for path, expected in changed.items():
        found = keys(recipe("private-snn", **{path.replace(".", "__"): values[path]}))
        assert tuple(a != b for a, b in zip(own, found, strict=True)) == expected, path
    assert len({*own, *keys(whole, (0, 1, 2))}) == 6
    assert stages.staged(whole, task, (1, 2)).rows.tolist() == rows[1:].tolist()


def test_what_answers_is_spelled_out() -> None:
    """A converted network has neither norms nor dropout, biases where norms were, and spelling it out again changes nothing."""
    whole = recipe("converted-snn", model__norm="batch", model__dropout=0.1)
    network = stages.converted(whole).model
    kinds = [layer.kind for layer in filled(network.layers)]
    assert "norm" not in kinds
    assert "dropout" not in kinds
    assert all(getattr(layer, "bias", True) for layer in filled(network.layers))
    assert stages.spelled_out(network, 10) == network


def test_every_field_of_a_conversion_is_part_of_a_key() -> None:
    """One that nobody thinks of would let models of another conversion be taken for these."""
    named = {path.partition(".")[0] for path in fields(filled(recipe("private-snn").conversion))}
    assert named == {"balancing", "images", "steps", "percentile", "synthesis", "encryption"}


def test_shadow_models_may_stay_teachers(teacher: Record, converted: Record) -> None:
    """They cost nothing, the target and the phantom alone are converted, and what compares models compares teachers."""
    assert converted.run["cohorts_trained_now"] == 0
    np.testing.assert_array_equal(converted.arrays["membership"], teacher.arrays["membership"])
    np.testing.assert_array_equal(converted.arrays["models/accuracy"], teacher.arrays["models/accuracy"])
    np.testing.assert_array_equal(converted.arrays["rehearsal/loss"], teacher.arrays["rehearsal/loss"])
    assert not np.array_equal(converted.arrays["scores/loss"], teacher.arrays["scores/loss"])
    assert not np.array_equal(converted.arrays["phantom/loss"], teacher.arrays["phantom/loss"])
    assert np.corrcoef(converted.arrays["scores/loss"], teacher.arrays["scores/loss"])[0, 1] > 0.5
    assert (converted.arrays["models/rates"][:2] > 0).all()
    assert not converted.arrays["models/rates"][2:].any()


def test_the_record_says_what_was_converted(teacher: Record, converted: Record) -> None:
    """Stages, thresholds, what the teacher reached: in the record and on its page; old records have none of it."""
    told = filled(converted.summary.conversion)
    assert told.stages == ("teacher", "conversion")
    assert (told.balancing, told.shadow_stage, told.images) == ("members", "teacher", 40)
    assert told.teacher == teacher.summary.utility.test_accuracy
    assert len(told.thresholds) == len(told.spikes) == 2
    assert 0 < told.balanced_on <= 40
    drawn = " ".join(page(converted).split())
    assert "The target went through teacher and conversion and answers after 12 time steps" in drawn
    assert "balanced on 40 of its teacher&#39;s own members" in drawn
    assert "Its shadow models are teachers, not converted" in drawn
    assert "The target went through" not in page(teacher)


def test_queries_of_both_stages_are_held_to_the_recipe(converted: Record) -> None:
    """Controls that look at what entered the networks find nothing, at either stage."""
    judged = {control.name: control.passed for control in converted.summary.controls}
    assert judged["same queries"]
    assert judged["coins as trained"]
    assert judged["fed as dealt"]
    assert judged["own coins unused"]


def test_shadow_models_may_go_through_every_stage(folder: Path, teacher: Record, converted: Record) -> None:
    """Then all models are converted: the target is the same network, and its shadow models are none of the teachers'."""
    own = audited(folder, "converted-snn", audit__shadow_stage="own")
    assert own.run["cohorts_trained_now"] == 0
    np.testing.assert_allclose(own.arrays["scores/loss"], converted.arrays["scores/loss"], rtol=1e-3, atol=1e-4)
    assert not np.array_equal(own.arrays["rehearsal/loss"], teacher.arrays["rehearsal/loss"])
    assert (own.arrays["models/rates"] > 0).all()
    assert filled(own.summary.conversion).shadow_stage == "own"
    assert "went through every stage as it did" in page(own)


def test_random_codes_are_checked_at_both_stages(folder: Path, teacher: Record) -> None:
    """Teachers see images, converted networks see spikes; each is held to what it should have been asked."""
    assert teacher.summary.recipe.model.encoding == "direct"
    found = audited(folder, "converted-snn-noise", model__encoding="rate")
    judged = {control.name: control.passed for control in found.summary.controls}
    assert judged["same queries"]
    assert judged["fed as dealt"]


def test_an_encrypted_target_is_audited(folder: Path, teacher: Record) -> None:
    """Every stage lies in the store under its own key, and another encryption makes no images anew."""
    assert teacher.summary.recipe.conversion is None
    first = audited(folder, "private-snn")
    told = filled(first.summary.conversion)
    assert told.stages == ("teacher", "synthesis", "conversion", "encryption")
    assert len(told.moved) == 3
    assert all(0 < each < 0.2 for each in told.moved)
    assert filled(told.agreement) >= 0.9 or told.iterations == told.at_most
    rows = design.membership(first.summary.recipe, 6)
    (task,) = plan.tasks(first.summary.recipe.teacher, rows, first.summary.data.sha256, "cpu")
    store = Store(folder=folder / "store")
    key = stages.stage_key(first.summary.recipe, task, (0, 1), "synthesis")
    images = filled(store.load(key))["images"]
    assert images.dtype == np.uint8
    written = store.path(key).stat().st_mtime_ns
    second = audited(folder, "private-snn", conversion__encryption__learning_rate=1e-2)
    assert store.path(key).stat().st_mtime_ns == written
    assert min(filled(second.summary.conversion).moved) > 5 * min(told.moved)
    assert "called encryption, but there is no key" in page(second)


def test_canaries_are_planted_in_a_converted_sibling(folder: Path, teacher: Record) -> None:
    """The control of power is run at the target's own stage."""
    assert teacher.summary.headline
    found = audited(folder, "converted-snn-noise", audit__canaries=8)
    told = next(control for control in found.summary.controls if control.name == "dose response")
    assert "8x" in told.detail
    store, crew = folder / "store", Machine(device="cpu", workers=1, progress=lambda _: None)
    prepared = prepare(found.summary.recipe, asked(store=store, out=folder / "again", device="cpu"), Silent())
    sibling = filled(dose.plant(prepared, crew))
    assert sibling.bank.rates.shape == (1, 2)
    assert (sibling.bank.rates > 0).all()
    assert sibling.bank.told["thresholds"].shape == (1, 2)
    planted = dose.planting(prepared).tasks[0]
    assert filled(Store(folder=store).load(planted.key))["pool/rates"].shape == (1, 0)  # its teacher does not spike


def test_a_teacher_that_guesses_is_refused(tmp_path: Path) -> None:
    """Before anything is made of it, by name."""
    with pytest.raises(TrainingError, match=r"needs a teacher that has learnt its task, got model 0 with accuracy 0\.\d+ on the pool"):
        audited(tmp_path, "converted-snn", training__learning_rate=1e-9, training__epochs=1)


def test_steps_that_do_not_suffice_are_told_with_those_that_do(folder: Path, teacher: Record) -> None:
    """Without a head start nothing reaches the last layer in two steps; with the steps that the line names it is no longer refused."""
    assert teacher.summary.headline
    with pytest.raises(
        TrainingError, match=r"needs enough steps to leave chance, got model 0 .* after 1, .*; use --set model.time_s"
    ) as told:
        audited(folder, "converted-snn", model__time_steps=1, model__neuron__start=0.0)
    steps = int(str(told.value).rpartition("=")[2])
    assert steps in {2**power for power in range(1, 11)}
    found = audited(folder, "converted-snn", model__time_steps=steps, model__neuron__start=0.0)
    assert filled(found.summary.utility.test_accuracy.value) > 0.3


def test_banks_are_mixed_by_model() -> None:
    """Target and phantom target of the one, shadow models of the other; all of the other stay at hand."""

    def bank(models: int, value: float, layers: int, **signals: float) -> Bank:
        shape = (models, 1, 5, 3)
        return Bank(
            pool=np.full(shape, value),
            third=np.full(shape, value),
            test=np.full(shape, value),
            rates=np.full((models, layers), value),
            signals={name: np.full((models, 5, 1), each) for name, each in signals.items()},
            asked=np.full((models, 1, 5), int(value)),
            trained_on=np.full((models, 5), value > 1),
            told={"thresholds": np.full(models, value)},
        )

    one = mixed(bank(2, 7.0, 4, dropout=70.0), bank(6, 1.0, 0, dropout=10.0, gradients=3.0))
    assert one.pool[:, 0, 0, 0].tolist() == one.test[:, 0, 0, 0].tolist() == one.third[:, 0, 0, 0].tolist() == [7, 7, 1, 1, 1, 1]
    assert one.signals["dropout"][:, 0, 0].tolist() == [70, 70, 10, 10, 10, 10]
    assert set(one.signals) == {"dropout"}
    assert one.rates.shape == (6, 4)
    assert one.rates[:, 0].tolist() == [7, 7, 0, 0, 0, 0]
    assert filled(one.trained_on).shape == (6, 5)
    assert filled(one.asked).shape == (2, 1, 5)
    assert one.told["thresholds"].tolist() == [7, 7]
    assert one.alike.pool[:, 0, 0, 0].tolist() == [1] * 6
    assert bank(6, 1.0, 0).alike.teachers is None


def test_conversion_leaves_the_process_as_it_was(converted: Record) -> None:
    """Small numbers are not flushed to zero once a conversion is over: statistics must not depend on it."""
    assert converted.summary.headline
    assert float(torch.tensor(1e-40) * 1.0) > 0
