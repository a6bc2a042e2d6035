"""Train a cohort: K models as one tensor program, each on its own members, with its own streams.

The loss is summed over models, so that no gradient crosses from one to another, and Adam works element by element: a
model's training depends on the seed and its own index alone, up to floating-point rounding that the cohort's size sets.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.errors import TrainingError
from mia_audit.models.encoding import encode
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe, settled
from mia_audit.streams import stream_seed
from mia_audit.training import batches
from mia_audit.types import Bools, Floats, Ints

Progress = Callable[[float], None]
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
    return Population(recipe.model, pool.inputs.shape[1:], pool.classes, generators, KINDS[recipe.training.precision])


def train(recipe: Recipe, cohort: Cohort, pool: Pool, device: torch.device, progress: Progress) -> Population:
    """Train a cohort on the pool and return it in evaluation mode; progress is told the share of epochs done.

    Raises TrainingError, naming model and epoch, when a loss is not finite.
    """
    training = recipe.training
    population = build(recipe, cohort.indices, pool).to(device).train()
    optimizer = _optimizer(recipe, population)
    examples, targets = torch.from_numpy(pool.inputs).to(device), torch.from_numpy(pool.labels).to(device)
    encoders = [torch.Generator(device) for _ in cohort.indices]
    steps = batches.steps_per_epoch(len(pool.labels), recipe.data.member_fraction, settled(training.batch_size))
    count = settled(training.epochs)
    for epoch, deal in enumerate(batches.epochs(cohort.rows, cohort.indices, training.seed, steps, count)):
        losses = torch.zeros(len(cohort.indices), device=device)
        for number, batch in enumerate(deal, epoch * steps):
            if recipe.model.encoding == "rate":
                _reseed(encoders, cohort.indices, training.seed, number)
            positions = torch.from_numpy(batch.positions).to(device)
            x = encode(examples[positions], recipe.model, encoders)
            loss = _losses(population(x), targets[positions], torch.from_numpy(batch.weights).to(device))
            optimizer.zero_grad(set_to_none=True)
            loss.sum().backward()
            optimizer.step()
            losses += loss.detach()
        _check(losses, cohort.indices, epoch + 1)
        progress((epoch + 1) / count)
    return population.eval()


def _optimizer(recipe: Recipe, population: Population) -> torch.optim.Adam:
    """Return Adam, whose weight decay leaves the quantizers' scales alone: Brevitas multiplies into them what it measured."""
    named = list(population.named_parameters())
    scales = [parameter for name, parameter in named if name.endswith("scaling_impl.value")]
    others = [parameter for name, parameter in named if not name.endswith("scaling_impl.value")]
    groups = [{"params": others, "weight_decay": recipe.training.weight_decay}, {"params": scales, "weight_decay": 0.0}]
    return torch.optim.Adam([group for group in groups if group["params"]], lr=settled(recipe.training.learning_rate), fused=True)


def _reseed(encoders: list[torch.Generator], indices: tuple[int, ...], seed: int, step: int) -> None:
    """Start every model's encoder anew: what padding drew in one step must not move the next."""
    for encoder, index in zip(encoders, indices, strict=True):
        encoder.manual_seed(stream_seed(seed, f"encode {step}", index))


def _losses(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of each model [K], a weighted mean over its batch."""
    each = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return (each.view_as(weights) * weights).sum(dim=1)


def _check(losses: Tensor, indices: tuple[int, ...], epoch: int) -> None:
    for index, loss in zip(indices, losses.tolist(), strict=True):
        if not math.isfinite(loss):
            raise TrainingError(
                f"model {index} needs finite losses, got {loss} in epoch {epoch}; lower training.learning_rate "
                f"(cohorts that finished are kept in the store)"
            )
