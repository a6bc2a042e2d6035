"""Other releases are the same trained models through other quantizers: equal to audits of those targets, to the bit."""

from pathlib import Path

import numpy as np
import pytest

from mia_audit.audit import Options, Silent
from mia_audit.audit.attacking.choosing import choose, offers
from mia_audit.audit.bank.prepared import gather
from mia_audit.audit.request.options import describe
from mia_audit.audit.running import prepare
from mia_audit.errors import CatalogueError, RecipeError
from mia_audit.probes import names, taking
from mia_audit.recipe import Recipe
from mia_audit.training import plan, schedule
from mia_audit.training.material import material
from mia_audit.types import Floats
from tests.support.engine_runs import SMALL, small_audit

PROBES = names.probes_for(frozenset({"releases"}))
BITS = "model.quantization.weight_bits"


def answers(folder: Path, target: str, releases: list[int], **more: object) -> tuple[Floats, Floats | None]:
    """Return logits [models, pool, classes] of a target's population, and of its other releases [models, pool, releases, classes]."""
    settings = {**SMALL, "audit.releases": releases, "data.pool": 90, **more}
    if releases or more:  # nothing is calibrated without them
        settings["model.quantization.calibration"] = 10
    options = Options(dataset="iris", shadows=10, settings=settings, store=folder, out=folder, device="cpu", workers=1)
    ready = prepare(target, options, Silent())
    tasks = plan.tasks(ready.recipe, ready.rows, ready.examples.sha256, "cpu")
    given, machine = material(ready.recipe, ready.examples), schedule.Machine(device="cpu", workers=1, progress=lambda _: None)
    trained = schedule.run(tasks, given, ready.store, machine)
    taken = taking.take(tasks, PROBES, given, ready.store, machine) if releases else ()
    bank = gather(trained.cohorts, taken)
    return bank.pool.mean(axis=1), bank.signals.get("releases")


@pytest.mark.parametrize("target", ["ann", "snn"])
def test_a_release_is_the_target_quantized_after_training(tmp_path: Path, target: str) -> None:
    """4 bits of a full-precision target are what --ptq answers; full precision of that is what the first one answers."""
    later = {"model.quantization.when": "post-training", BITS: 4, "model.quantization.activation_bits": 4}
    plain, of_plain = answers(tmp_path, target, [4, 2])
    quantized, of_quantized = answers(tmp_path, target, [2, 32], **later)
    assert of_plain is not None
    assert of_quantized is not None
    np.testing.assert_array_equal(of_plain[:, :, 0], quantized)
    np.testing.assert_array_equal(of_quantized[:, :, 1], plain)
    np.testing.assert_array_equal(of_quantized[:, :, 0], of_plain[:, :, 1])
    assert not np.allclose(plain, quantized)


def test_each_choice_of_widths_is_taken_anew(tmp_path: Path) -> None:
    """The store tells them apart, in the order named."""
    first, second = (answers(tmp_path, "ann", widths)[1] for widths in ([8, 2], [2, 8]))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second[:, :, ::-1])
    assert not np.allclose(first[:, :, 0], first[:, :, 1])


def test_releases_leave_the_models_as_they_are(tmp_path: Path) -> None:
    """Off by default; with them, calibration examples come from outside the pool and training is the same."""
    plain, none = answers(tmp_path / "without", "ann", [])
    released, _ = answers(tmp_path / "with", "ann", [8])
    assert none is None
    np.testing.assert_array_equal(plain, released)
    recipe = describe("ann", Options(dataset="digits", settings={"audit.releases": [8]}))
    assert recipe.model.quantization.calibration
    assert describe("ann", Options(dataset="digits")).model.quantization.calibration is None


@pytest.mark.parametrize(
    ("target", "releases", "message"),
    [
        ("ann-q4", [8], "audit.releases needs models that are quantized after training, got ann-q4, quantized while training; use --ptq"),
        ("ann", [8, 8], "bit widths that differ from one another"),
        ("ann", [32], r"and from the target's own, got \[32\] beside 32"),
    ],
)
def test_impossible_releases_are_refused(target: str, releases: list[int], message: str) -> None:
    """Weights that grew up quantized were never released at another width; one release is no two."""
    with pytest.raises(RecipeError, match=message):
        describe(target, Options(dataset="iris", settings={"audit.releases": releases}))


def test_what_is_missing_is_said_with_its_way_out() -> None:
    """Without releases, and with a last layer too wide to invert its Hessian, a suite says so and a name is refused."""
    wide = offers(describe("ann", Options(dataset="location30")))
    with pytest.raises(CatalogueError, match=r"attack releases-lira needs releases, .*--set audit.releases=\[8,2\]"):
        choose(["releases-lira"], wide)
    with pytest.raises(CatalogueError, match=r"attack inverse-hessian needs curvature, .*a network whose last layer has at most 1500"):
        choose(["inverse-hessian"], wide)
    left_out = choose(["full"], wide).left_out
    assert "Left out for lack of releases: releases-lira, releases-classifier." in left_out
    assert any("more than 1500 parameters" in said and said.endswith(": inverse-hessian, inverse-hessian-lira.") for said in left_out)


def test_an_audit_attacks_releases_together(tmp_path: Path) -> None:
    """From the command's options to the record: both attacks run on releases at two widths."""
    settings = {**SMALL, "audit.releases": [8, 2], "audit.attacks": ["lira-online", "releases-lira", "releases-classifier"]}
    record = small_audit(tmp_path, settings=settings)
    assert [attack.name for attack in record.summary.attacks] == ["lira-online", "releases-lira", "releases-classifier"]
    assert record.summary.sound


def test_a_recipe_with_releases_is_read_as_it_was_written() -> None:
    """So is one without; and a recipe that was written before there were releases has none."""
    plain, with_two = (describe("ann", Options(dataset="iris", settings=changes)) for changes in ({}, {"audit.releases": [8, 2]}))
    assert Recipe.model_validate_json(plain.model_dump_json()) == plain
    assert with_two.model_dump(mode="json")["audit"]["releases"] == [8, 2]
    assert Recipe.model_validate_json(with_two.model_dump_json()) == with_two
    assert Recipe.model_validate_json(plain.model_dump_json(exclude={"audit": {"releases"}})) == plain
