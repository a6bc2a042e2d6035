"""Train a cohort: K models as one tensor program, each on its own members, with its own streams.

The loss is summed over models, so that no gradient crosses from one to another, and optimizers work element by element: a
model's training depends on the seed and its own index alone, up to floating-point rounding that the cohort's size sets.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mia_audit.data import entrance
from mia_audit.errors import TrainingError
from mia_audit.models.network import Population
from mia_audit.models.normalization import BatchNorm
from mia_audit.models.passage import Passage
from mia_audit.recipe import Recipe, filled
from mia_audit.streams import stream_seed
from mia_audit.training import batches
from mia_audit.training.feeding import feed
from mia_audit.training.material import frame
from mia_audit.training.procedure import procedure
from mia_audit.training.stepping import Step
from mia_audit.types import Bools, Floats, Ints

Progress = Callable[[float], None]
Keep = Callable[[int, Population], None]
Note = Callable[[batches.Batch, Tensor | None], None]
KINDS = {"bf16": torch.bfloat16, "fp32": torch.float32}


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """Models to be trained together: their indices in the population and membership rows [K, pool]."""

    indices: tuple[int, ...]
    rows: Bools


@dataclass(frozen=True, kw_only=True)
class Pool:
    """The examples of the pool as the engine holds them: inputs channels last, labels [N], and how many classes there are."""

    inputs: Floats
    labels: Ints
    classes: int


def build(recipe: Recipe, indices: tuple[int, ...], pool: Pool) -> Population:
    """Build the untrained models of these indices; each draws its initial weights from its own stream."""
    generators = [torch.Generator().manual_seed(stream_seed(recipe.training.seed, "init", index)) for index in indices]
    return Population(recipe.model, frame(pool.inputs), pool.classes, generators, KINDS[recipe.training.precision])


def train(  # noqa: PLR0913, PLR0917  who is trained on what, where, and who is told
    recipe: Recipe,
    cohort: Cohort,
    pool: Pool,
    device: torch.device,
    progress: Progress,
    keep: Keep | None = None,
    note: Note | None = None,
) -> Population:
    """Train a cohort on the pool and return it in evaluation mode; progress is told the share of epochs done.

    keep: called with the epoch and the population, in evaluation mode, after each of the recipe's checkpoints.
    note: called with every batch that was trained on, and with what entered the networks where that was looked at.
    Raises TrainingError, naming model and epoch, when a loss is not finite.
    """
    training = recipe.training
    population = build(recipe, cohort.indices, pool).to(device).train()
    way = procedure(recipe, cohort.indices, cohort.rows, population)
    steps = way.sampler.steps
    fed = feed(recipe, cohort.indices, torch.from_numpy(pool.inputs).to(device), torch.from_numpy(pool.labels).to(device))
    looks = batches.looked_at(steps * training.last_epoch, training.seed)
    _require_pairs(population, cohort, steps)
    for epoch, deal in enumerate(way.sampler.epochs(training.last_epoch)):
        way.step.begin(epoch)
        losses = torch.zeros(len(cohort.indices), device=device)
        for number, batch in enumerate(deal, epoch * steps):
            loss, entered = _taken(way.step, population, fed.batch(batch, number), look=note is not None and number in looks)
            losses += loss
            if note is not None:
                note(batch, entered)
        _check(losses, cohort.indices, epoch + 1)
        if keep is not None and epoch + 1 in training.checkpoints:
            keep(epoch + 1, population.eval())
            population.train()
        progress((epoch + 1) / training.last_epoch)
    return population.eval()


def _taken(step: Step, population: Population, given: tuple[Tensor, Tensor, Passage], *, look: bool) -> tuple[Tensor, Tensor | None]:
    """Take a step; return each model's loss [K], and what entered each network [K] where it is looked at."""
    if not look:
        return step.take(*given), None
    with entrance.watched(population) as looks:
        losses = step.take(*given)
    _, labels, passage = given
    return losses, entrance.fed(looks[0], labels, filled(passage.weights))


def _require_pairs(population: Population, cohort: Cohort, steps: int) -> None:
    """Refuse batch norm over a single example, which it would make zero whatever the example is."""
    smallest = [int(row.sum()) // steps for row in cohort.rows]
    if any(isinstance(module, BatchNorm) for module in population.modules()) and min(smallest) < 2:
        raise TrainingError(
            f"batch norm needs at least two examples in every batch, got {min(smallest)} for model "
            f"{cohort.indices[smallest.index(min(smallest))]}; use a larger --set training.batch_size=... or --set model.norm=group"
        )


def _check(losses: Tensor, indices: tuple[int, ...], epoch: int) -> None:
    for index, loss in zip(indices, losses.tolist(), strict=True):
        if not math.isfinite(loss):
            raise TrainingError(
                f"model {index} needs finite losses, got {loss} in epoch {epoch}; lower training.learning_rate "
                f"(cohorts that finished are kept in the store)"
            )
