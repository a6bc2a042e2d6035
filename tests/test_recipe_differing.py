"""One definition of "differs": every field counts, for every purpose, until a list says that it does not."""

from typing import Any

import numpy as np
import pytest

from mia_audit.audit.request.options import Options, describe
from mia_audit.catalogue import override
from mia_audit.conversion.stages import stage_key
from mia_audit.errors import RecipeError
from mia_audit.recipe import Audit, Data, Model, Recipe, Training
from mia_audit.recipe.describing import described, told_apart
from mia_audit.recipe.differing import LOOKING, NOT_A_VARIANT, NOT_PLOTTED, NOT_STORED, WORDS, differing, fields, written
from mia_audit.recipe.model import Neuron
from mia_audit.training.plan import tasks

PLAIN = describe("snn", Options(dataset="iris", settings={"data.pool": 40}))
CANDIDATES: tuple[Any, ...] = (
    True, False, 3, 2, 8, 4, 0.25, "other", "sgd", "cosine", "fp32", "zero", "rate", "snntorch", "batch", "kaiming", "tanh",
    "spike-count", "channel", "post-training", [2, 3], [0.25, 0.5], ["flip"], ["loss"],
    [{"kind": "fire"}], {"train_accuracy": [1.0, 0.0], "test_accuracy": [1.0, 0.0], "models": 2, "how": "so"},
    {"noise_multiplier": 1.0}, "balls-and-bins", {"balancing": "noise"}, "teacher", "synthetic", "one-hot", 75.0,
)  # fmt: skip
"""Values of every type that a field of a recipe may have."""


def other(recipe: Recipe, path: str) -> Recipe:
    """Return the recipe with another value in one field, whichever the field takes."""
    for value in CANDIDATES:
        try:
            changed = override(recipe, {path: value})
        except RecipeError:
            continue
        if differing([recipe, changed]):
            return changed
    raise AssertionError(f"{path}: no candidate fits")


EVERY = {path: other(PLAIN, path) for path in fields(PLAIN)}
"""For every field of a recipe, a recipe that differs in that field alone."""


PRIVATE = override(PLAIN, {"privacy.noise_multiplier": 1.0})
PRIVATELY = {path: other(PRIVATE, path) for path in fields(PRIVATE) if path.startswith("privacy.")}
"""The same for what a private training adds."""

CONVERTED = override(PLAIN, {"conversion": {"balancing": "noise", "encryption": {}}})
CONVERTING = {path: other(CONVERTED, path) for path in fields(CONVERTED) if path.startswith("conversion.")}
"""The same for what a conversion adds."""


def key(recipe: Recipe) -> str:
    """Return the store's key of a recipe's first cohort, on the same data and coins."""
    return tasks(recipe, np.ones((2, 4), dtype=bool), "data", "cpu")[0].key


@pytest.mark.parametrize("path", EVERY)
def test_every_field_changes_the_stores_key_unless_it_is_listed(path: str) -> None:
    """A changed field can never meet a stale model; what the lists name leaves the models as they are."""
    if path in {"data.dataset", "model.architecture", "model.layers"}:  # no network that could be trained
        return
    assert (key(EVERY[path]) == key(PLAIN)) == (path in NOT_STORED)


@pytest.mark.parametrize("path", PRIVATELY)
def test_every_field_of_private_training_changes_the_key_unless_it_only_claims_and_is_told(path: str) -> None:
    """Noise, norm and sampler make another model, the delta of a claim does not; all of it stands in the lead."""
    assert (key(PRIVATELY[path]) == key(PRIVATE)) == (path in NOT_STORED)
    assert described(PRIVATELY[path]).lead != described(PRIVATE).lead


@pytest.mark.parametrize("path", CONVERTING)
def test_every_field_of_a_conversion_changes_the_last_stages_key_and_is_told(path: str) -> None:
    """Thresholds, images and training make another network of the same teacher, which stays as it is."""
    (teacher,) = tasks(CONVERTED.teacher, np.ones((2, 4), dtype=bool), "data", "cpu")
    found, own = (stage_key(recipe, teacher, (0, 1), "answers") for recipe in (CONVERTING[path], CONVERTED))
    assert found != own
    assert described(CONVERTING[path]).lead != described(CONVERTED).lead
    assert key(CONVERTING[path].teacher) == key(CONVERTED.teacher)


@pytest.mark.parametrize("path", EVERY)
def test_every_field_is_told_unless_it_is_words_or_how_hard_the_audit_looks(path: str) -> None:
    """The lead is worked out from what ran: there is no setting that it leaves out but the seed, which gives the target's members."""
    untold = {*WORDS, *LOOKING, "training.seed", "model.kernel", "model.padding"}  # a table's network has no kernels
    assert (described(EVERY[path]).lead == described(PLAIN).lead) == (path in untold)


def test_every_listed_path_is_a_field() -> None:
    """No list names what does not exist (any more)."""
    known = {*fields(PLAIN), *fields(PRIVATE)}
    for listed in (NOT_STORED, NOT_A_VARIANT, NOT_PLOTTED):
        assert set(listed) <= known
        assert len(set(listed)) == len(listed)


class LaterData(Data):
    """Data with a field that nobody knows yet."""

    late: int = 0


class LaterModel(Model):
    """A model with one."""

    late: int = 0


class LaterTraining(Training):
    """Training with one."""

    late: int = 0


class LaterAudit(Audit):
    """An audit with one."""

    late: int = 0


class Later(Recipe):
    """A recipe with new fields in every table."""

    late: int = 0
    data: LaterData = LaterData()
    model: LaterModel = LaterModel()
    training: LaterTraining = LaterTraining()
    audit: LaterAudit = LaterAudit()


@pytest.mark.parametrize("table", ["", "data", "model", "training", "audit"])
def test_a_new_field_counts_for_everything(table: str) -> None:
    """In whichever table it is added: it changes the key and the words until somebody says that it does not matter."""
    plain = Later.model_validate_json(PLAIN.model_dump_json())
    inner = plain if not table else getattr(plain, table)
    changed = inner.model_copy(update={"late": 1})
    later = changed if not table else plain.model_copy(update={table: changed})
    path = f"{table}.late" if table else "late"
    assert differing([plain, later], NOT_A_VARIANT) == differing([plain, later], NOT_PLOTTED) == (path,)
    assert key(later) != key(plain)
    assert described(later).lead != described(plain).lead


def test_fields_are_leaves_by_path() -> None:
    """Tables are walked through, lists are values, an absent table is a value too."""
    ann = describe("ann", Options(dataset="iris"))
    assert fields(PLAIN)["model.neuron.beta"] == 0.95
    assert fields(ann)["model.neuron"] is None
    assert fields(ann)["model.hidden"] == [64]
    assert not any(path.startswith("model") for path in fields(ann, ("model",)))
    assert "model.neuron.beta" in differing([ann, PLAIN])
    assert differing([PLAIN, PLAIN]) == ()
    assert [written(value) for value in (None, True, [1, [2]], "x", {"a": 1, "b": None})] == ["none", "true", "[1, [2]]", "x", "{a = 1}"]


@pytest.mark.parametrize(
    ("target", "settings", "short", "slug"),
    [
        ("snn-q4", {}, "spiking network, 10 time steps, surrogate atan, 4-bit weights and input currents", "snn-q4-iris-t10-atan-w4a4"),
        (
            "snn-q4",
            {
                "model.time_steps": 1, "model.quantization.weight_bits": 8, "model.quantization.membrane_bits": 8,
                "model.neuron.surrogate": "sre", "model.neuron.surrogate_variant": "snntorch", "model.neuron.surrogate_area": 2.0,
                "model.norm": "batch", "training.optimizer": "sgd",
            },
            (
                "spiking network, 1 time step, surrogate sre as in snnTorch at area 2, 4-bit input currents and 8-bit weights and "
                "membranes, batch norm, training.optimizer = sgd"
            ),
            "snn-q4-iris-t1-sre-snntorch-area2-w8a4m8-batch",
        ),
        ("ann", {}, "ordinary network, full precision", "ann-iris-fp"),
        (
            "ann-q4",
            {"model.quantization.when": "post-training", "model.quantization.input_bits": 2},
            "ordinary network, 2-bit inputs and 4-bit weights and activations quantized after training, calibrated on 10 examples",
            "ann-q4-iris-w4a4i2-ptq",
        ),
    ],
)  # fmt: skip
def test_what_ran_is_told_not_what_the_file_says(target: str, settings: dict[str, Any], short: str, slug: str) -> None:
    """Steps, bits, surrogate, norm and everything out of the ordinary, from the resolved recipe."""
    recipe = describe(target, Options(dataset="iris", settings=settings))
    found = described(recipe.model_copy(update={"summary": "ten time steps, full precision"}))
    assert (found.short, found.slug) == (short, slug)
    assert "ten time steps" not in found.lead


def test_a_slug_is_fit_for_a_folder() -> None:
    """Whatever a recipe is called."""
    for name in ("../../etc/passwd", "a b\tc", "", '<script>"', ".hidden"):
        slug = described(PLAIN.model_copy(update={"name": name})).slug
        assert not set(slug) & set('/\\ \t<>"')
        assert not slug.startswith((".", "-"))


def test_recipes_of_one_name_are_told_apart_by_their_settings() -> None:
    """By what is in words, then by fields; equal ones stay equal."""
    seeds = [override(PLAIN, {"training.seed": seed}) for seed in (0, 1)]
    assert [label.endswith(f", training.seed = {seed})") for seed, label in enumerate(told_apart(seeds))] == [True, True]
    same = told_apart(seeds, NOT_A_VARIANT)
    assert same[0] == same[1] == f"snn ({described(PLAIN).short})"
    shapes = [override(PLAIN, {"model.neuron.surrogate": name}) for name in ("sre", "atan")]
    assert ["surrogate sre" in label for label in told_apart(shapes)] == [True, False]
    assert isinstance(PLAIN.model.neuron, Neuron)
