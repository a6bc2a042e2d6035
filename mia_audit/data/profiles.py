"""What suits each data set: its card, and the recipe fields that the card fills in."""

from functools import cache
from typing import Any

from mia_audit.catalogue import checked, dataset_names, folder, read_toml
from mia_audit.data.cards import Card, Profile, suited
from mia_audit.data.own import reading
from mia_audit.errors import CatalogueError, nearest
from mia_audit.recipe import Recipe


def profiles() -> tuple[Profile, ...]:
    """Return the data sets of the catalogue, by name."""
    return tuple(map(profile, dataset_names()))


def profile(name: str) -> Profile:
    """Return the profile of a data set by its name or the path of a user's own; CatalogueError names the nearest one."""
    if reading.is_place(name):
        return reading.profile(name)
    known = dataset_names()
    if name not in known:
        raise CatalogueError(f"unknown data set {name!r}{nearest(name, known)}")
    return _shipped(name)


@cache
def _shipped(name: str) -> Profile:
    """Return what a card of the catalogue says; it is asked for again and again, and ships with the code."""
    file = f"{name}.toml"
    return suited(checked(Card, read_toml(folder("datasets") / file), file))


def resolve(recipe: Recipe) -> Recipe:
    """Return the recipe with every open field filled in from its data set's profile."""
    dataset = profile(recipe.data.dataset)
    architecture = recipe.model.architecture
    if architecture == "auto":
        architecture = "conv" if dataset.kind == "image" else "mlp"
    training = _filled(recipe.training, dataset, ("epochs", "batch_size", "learning_rate"))
    recipe = _calibrating(recipe, dataset)
    sized = ("hidden", "channels", "kernel", "padding") if architecture in {"conv", "mlp"} else ()
    return recipe.model_copy(
        update={
            "data": _filled(recipe.data, dataset, ("pool", "population", "test")),
            "model": _filled(recipe.model, dataset, sized).model_copy(update={"architecture": architecture}),
            "training": training.model_copy(update={"stop_epoch": training.last_epoch}),
        }
    )


def _calibrating(recipe: Recipe, dataset: Profile) -> Recipe:
    """Fill in how many examples calibrate quantizers after training: a tenth of the pool, which gives them up where it is open."""
    if not recipe.quantized_later or recipe.model.quantization.calibration is not None:
        return recipe
    calibration = min(256, (recipe.data.pool or dataset.pool) // 10)
    quantization = recipe.model.quantization.model_copy(update={"calibration": calibration})
    pool = dataset.pool - calibration if recipe.data.pool is None else recipe.data.pool
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update={"pool": pool}),
            "model": recipe.model.model_copy(update={"quantization": quantization}),
        }
    )


def _filled(section: Any, dataset: Profile, fields: tuple[str, ...]) -> Any:
    return section.model_copy(update={name: getattr(dataset, name) for name in fields if getattr(section, name) is None})


__all__ = ["Card", "Profile", "profile", "profiles", "resolve"]
