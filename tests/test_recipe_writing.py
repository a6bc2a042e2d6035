"""A recipe written as TOML reads back as the same recipe, by the page and by `mia-audit show` alike."""

import tomllib

import pytest

from mia_audit.audit.request.options import Options, describe
from mia_audit.catalogue import checked, load_recipe, target_names
from mia_audit.recipe import Model, Recipe
from mia_audit.recipe.layers import Conv, Dropout, Fire, GlobalAverage, Norm, Pool, Residual
from mia_audit.recipe.writing import toml
from mia_audit.report.repeat import recipe_toml

SPELLED_OUT = Recipe(
    name="own",
    summary='Quotes " and \\ and a tab\t, a delete \x7f, a line\nbreak, Tâm 🧠.',
    model=Model(
        architecture="layers",
        layers=(
            Conv(channels=4, bias=False),
            Norm(over="group", groups=2),
            Fire(),
            Residual(body=(Conv(channels=4), Residual(body=(Fire(activation="tanh"), Dropout(rate=0.25))))),
            Pool(stride=1, of="average"),
            GlobalAverage(),
        ),
    ),
)


def read(text: str) -> Recipe:
    """Return the recipe that a user's file of this text would give."""
    return checked(Recipe, tomllib.loads(text), "own.toml")


@pytest.mark.parametrize("name", target_names())
def test_every_recipe_of_the_zoo_reads_back(name: str) -> None:
    """As it stands in the catalogue and as it is audited."""
    for recipe in (load_recipe(name), describe(name, Options())):
        assert read(toml(recipe)) == recipe


def test_layers_that_are_spelled_out_read_back() -> None:
    """Tables inside lists inside tables, and words with every character that TOML escapes; the page prints the very same text."""
    assert read(toml(SPELLED_OUT)) == SPELLED_OUT
    assert recipe_toml(SPELLED_OUT) == toml(SPELLED_OUT)


def test_numbers_read_back_to_the_bit() -> None:
    """Small, large and whole floats keep their type and value."""
    for rate in (1e-07, 5.0, 0.1 + 0.2, 1e16):
        recipe = SPELLED_OUT.model_copy(update={"training": SPELLED_OUT.training.model_copy(update={"learning_rate": rate, "seed": 2**80})})
        assert read(toml(recipe)) == recipe
        assert isinstance(tomllib.loads(toml(recipe))["training"]["learning_rate"], float)
