"""The epoch that training ends after, fixed on replicates that no audit looks at (docs/method.md, rule 6).

A target and its shadow models share one stopping epoch, chosen neither by their own examples nor by the target's accuracy:
replicates with other seeds deal other members, other test sets and other initial weights, and the epoch that serves them best
on average is the one to write into the recipe.

    found = fixed_epoch(recipe, seeds=(101, 102, 103), root=None)
    mia-audit run ... --set training.stop_epoch=<found.epoch> --set 'training.stop_from="<found.origin>"'
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mia_audit.data import design
from mia_audit.data.examples import load
from mia_audit.errors import RecipeError
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe
from mia_audit.signals import query
from mia_audit.training.lockstep import Cohort, Pool, train
from mia_audit.training.material import material
from mia_audit.types import Floats


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """The epoch with the best mean test accuracy, the first one of several; accuracies [replicates, epochs]; and what to say of it."""

    epoch: int
    accuracies: Floats
    origin: str


def fixed_epoch(recipe: Recipe, seeds: Sequence[int], *, root: Path | None, models: int = 4, device: str = "cpu") -> Stopping:
    """Train `models` models of a resolved recipe on each replicate seed, and return the epoch that suits them best."""
    if not seeds or recipe.training.seed in seeds:
        raise RecipeError(
            f"a stopping epoch needs replicates with seeds other than the audit's, {recipe.training.seed}, got {list(seeds)}; "
            f"use 101, 102, 103"
        )
    accuracies = np.array([_accuracies(_replicate(recipe, seed), root, models, torch.device(device)) for seed in seeds])
    said = ", ".join(map(str, seeds))
    return Stopping(
        epoch=int(accuracies.mean(axis=0).argmax()) + 1,
        accuracies=accuracies,
        origin=f"best mean test accuracy of {models} models on each of the replicate seeds {said}",
    )


def _replicate(recipe: Recipe, seed: int) -> Recipe:
    epochs = recipe.training.epochs or 1
    changes = {"seed": seed, "stop_epoch": epochs, "checkpoints": tuple(range(1, epochs + 1))}
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=changes)})


def _accuracies(recipe: Recipe, root: Path | None, models: int, device: torch.device) -> list[float]:
    """Return the mean test accuracy after every epoch."""
    examples = load(recipe, root=root, offline=True, progress=lambda _: None)
    given = material(recipe, examples)
    pool = Pool(inputs=given.pool_inputs, labels=given.pool_labels, classes=given.classes)
    cohort = Cohort(indices=tuple(range(models)), rows=design.membership(recipe, models))
    found: list[float] = []

    def measure(_: int, population: Population) -> None:
        answers = query(population, given.test_inputs, recipe).logits.mean(axis=1).argmax(axis=-1)
        found.append(float((answers == examples.test_labels).mean()))

    train(recipe, cohort, pool, device, lambda _: None, measure)
    return found
