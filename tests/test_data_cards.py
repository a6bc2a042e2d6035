"""Cards of data sets: every one loads and finds its reader, and recipes get from them what they always got."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sklearn import datasets as scikit

from mia_audit.catalogue import checked, dataset_names, folder, load_recipe, override, read_toml
from mia_audit.data import bundled, files, vision
from mia_audit.data.cards import Card, suited
from mia_audit.data.examples import load
from mia_audit.data.profiles import profile, profiles, resolve
from mia_audit.errors import CatalogueError, DataError, RecipeError

BEFORE: dict[str, tuple[Any, ...]] = {
    "digits": ("bundled", (1, 8, 8), 10, True, 1400, 100, 297, 30, 30, 32, 0.005, "conv", (128,), (8, 16), 3, 1, 1260, 140),
    "iris": ("bundled", (4,), 3, True, 100, 10, 40, 60, 60, 10, 0.005, "mlp", (64,), (), 3, 1, 90, 10),
    "breast-cancer": ("bundled", (30,), 2, True, 400, 40, 129, 40, 40, 20, 0.005, "mlp", (64,), (), 3, 1, 360, 40),
    "mnist": ("torchvision", (1, 28, 28), 10, True, 10000, 1000, 2000, 12, 12, 128, 0.002, "conv", (256,), (12, 64), 5, 0, 9744, 256),
    "fashion-mnist": (
        "torchvision",
        (1, 28, 28),
        10,
        True,
        10000,
        1000,
        2000,
        12,
        12,
        128,
        0.002,
        "conv",
        (256,),
        (12, 64),
        5,
        0,
        9744,
        256,
    ),
    "cifar10": ("torchvision", (3, 32, 32), 10, True, 10000, 1000, 2000, 15, 15, 128, 0.002, "conv", (256,), (32, 64), 3, 1, 9744, 256),
    "cifar100": ("torchvision", (3, 32, 32), 100, True, 10000, 1000, 2000, 20, 20, 128, 0.002, "conv", (256,), (32, 64), 3, 1, 9744, 256),
    "location30": ("files", (446,), 30, False, 3200, 500, 1000, 40, 40, 64, 0.002, "mlp", (256,), (), 3, 1, 2944, 256),
    "adult": ("files", (108,), 2, False, 10000, 1000, 4000, 20, 20, 128, 0.002, "mlp", (128,), (), 3, 1, 9744, 256),
    "nmnist-small": ("files", (2, 34, 34), 10, True, 800, 100, 100, 20, 20, 32, 0.002, "conv", (128,), (8, 16), 5, 0, 720, 80),
}
"""What recipes of snn-q4 were resolved to when data sets were a table in the code: source, shape, classes, public; pool, population, test;
epochs, last epoch, batch, learning rate; architecture, hidden, channels, kernel, padding; pool and calibration when quantized later."""

DIGESTS = {
    "digits": "1252247c31c1e274c8cd580e6de7454f6b41632152d2e21acd114adcc5e510a6",
    "iris": "70f8674d2c623c43987c7fc4124150cacc4496037b71647dc9273fef3bef8234",
    "breast-cancer": "570cd39cda6133b518ec5df0fc9e8f3d026f961721388990766575a956f71789",
}


@pytest.mark.parametrize("name", BEFORE)
def test_recipes_get_what_they_got_before(name: str) -> None:
    """Defaults are fields of recipes, and so of the keys of stored models: a change of one is a change of numbers."""
    dataset = profile(name)
    recipe = resolve(override(load_recipe("snn-q4"), {"data.dataset": name}))
    later = resolve(override(load_recipe("snn-q4"), {"data.dataset": name, "model.quantization.when": "post-training"}))
    data, model, training = recipe.data, recipe.model, recipe.training
    got = (
        dataset.source, dataset.shape, dataset.classes, dataset.public, data.pool, data.population, data.test,
        training.epochs, training.stop_epoch, training.batch_size, training.learning_rate,
        model.architecture, model.hidden, model.channels, model.kernel, model.padding,
        later.data.pool, later.model.quantization.calibration,
    )  # fmt: skip
    assert got == BEFORE[name]


@pytest.mark.parametrize("name", DIGESTS)
def test_the_same_examples_are_dealt_as_before(name: str) -> None:
    """The digest is over every input and label in order; it is part of every stored model's key."""
    assert (
        load(resolve(override(load_recipe("snn"), {"data.dataset": name})), root=None, offline=True, progress=print).sha256 == DIGESTS[name]
    )


def test_no_data_set_is_lost_and_none_goes_untested() -> None:
    """A card that is added gets a line above: what its recipes are resolved to is then known for good."""
    assert set(dataset_names()) == set(BEFORE)


@pytest.mark.parametrize("name", dataset_names())
def test_a_card_says_its_own_name_and_whose_it_is(name: str) -> None:
    """File name and name agree; title, owner and origin are told; as many classes as it says have names."""
    card = profile(name).card
    assert card.name == name
    assert card.title
    assert re.search(r"\b(19|20)\d\d\b", card.owner)
    assert card.origin.startswith("http")
    assert len(card.class_names) in {0, profile(name).classes}


@pytest.mark.parametrize("name", dataset_names())
def test_a_card_finds_its_reader(name: str, tmp_path: Path) -> None:
    """What ships is read; of everything else the reader misses the first of the card's files, in their folder."""
    dataset = profile(name)
    if dataset.source == "bundled":
        assert hasattr(scikit, dataset.card.loader)
        source = bundled.read(dataset)
        assert source.class_names == dataset.card.class_names
        assert source.train.inputs.shape[1:] == dataset.shape
        return
    assert dataset.card.files is not None
    reading = partial(files.read, steps=1) if dataset.source == "files" else partial(vision.read, offline=True, progress=print)
    with pytest.raises(DataError, match=f"^{name} needs {dataset.card.files.folder}/{dataset.card.files.names[0]} in"):
        reading(dataset, root=tmp_path)


def test_an_unknown_key_of_a_card_is_refused() -> None:
    """Strict as every file of the catalogue; what is missing from it is named."""
    content = read_toml(folder("datasets") / "iris.toml")
    with pytest.raises(RecipeError, match=r"^iris: \[defaults\]: unknown key 'pol'; did you mean 'pool'\?$"):
        checked(Card, {**content, "defaults": {"pol": 3}}, "iris")
    with pytest.raises(RecipeError, match=r"^the card of iris: \[defaults\]: key 'population' is missing; add it$"):
        suited(checked(Card, {**content, "defaults": {"pool": 3}}, "iris"))
    with pytest.raises(DataError, match=r"^iris needs a card with files that torchvision knows, got none"):
        vision.layout_of(profile("iris").card)


def test_an_unknown_data_set_names_the_nearest() -> None:
    """By the names of the cards."""
    with pytest.raises(CatalogueError, match="unknown data set 'digts'; did you mean 'digits'"):
        profile("digts")
    assert [each.name for each in profiles()] == sorted(BEFORE)
