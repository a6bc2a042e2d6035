"""The step and the sampler test on the engine that trains targets, not on the small harness.

    python -m benchmarks.dp_engine [--target dp-snn] [--replays 2000]

Models of one cohort get the same parameters and the same batch, so that a step of K models is K replays; each has its own noise, as in
training. The canary is an example with a wrong label; its clipped gradient is what a step without noise moves more.
"""

import argparse
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from benchmarks.table import say
from mia_audit.catalogue import load_recipe, override
from mia_audit.data.profiles import resolve
from mia_audit.instruments import sampler as samplers
from mia_audit.instruments import step as steps
from mia_audit.instruments.verdict import Finding
from mia_audit.privacy.constants import mechanism
from mia_audit.privacy.stated import Stated
from mia_audit.recipe import Recipe, filled
from mia_audit.training.batches import Batch
from mia_audit.training.feeding import feed
from mia_audit.training.lockstep import Pool, build
from mia_audit.training.private_step import PrivateStep
from mia_audit.training.sampling import sampler
from mia_audit.types import Floats

MODELS = 50
LEVEL = 0.01
EXAMPLES = 60


def recipe_of(target: str, **changes: Any) -> Recipe:
    """Return a small private recipe on digits whose step of learning rate 1 is the release itself."""
    short: dict[str, Any] = {
        "data": {"dataset": "digits", "pool": EXAMPLES},
        "training": {"precision": "fp32", "optimizer": "sgd", "momentum": 0.0, "learning_rate": 1.0, "batch_size": 8, "epochs": 2},
        "privacy": {"noise_multiplier": 1.0, "max_grad_norm": 0.5, "delta": 1e-3},
    }
    return resolve(override(load_recipe(target), {**short, **{key.replace("__", "."): value for key, value in changes.items()}}))


def pool_of(seed: int = 3) -> Pool:
    """Return random images of the size of digits."""
    rng = np.random.default_rng(seed)
    return Pool(inputs=rng.random((EXAMPLES, 8, 8, 1), dtype=np.float32), labels=rng.integers(0, 10, EXAMPLES), classes=10)


@dataclass(kw_only=True)
class Replayer:
    """A step of the engine on a batch that stays, MODELS replays at once; with the canary first, and without.

    fault  what is done to the step before it is used: a patch that must be caught
    apart  where the numbers of replays without the canary begin
    """

    recipe: Recipe
    pool: Pool
    company: int = 5
    fault: Any = None
    apart: int = 0
    kept: dict[bool, list[Floats]] = field(default_factory=lambda: {True: [], False: []})
    going: dict[bool, tuple[Any, Any, Any]] = field(default_factory=dict)

    def __call__(self, canary: bool, replay: int) -> Floats:
        """Return the release [parameters]; replays are numbered anew on each side."""
        rows = self.kept[canary]
        place = replay if canary else replay - self.apart
        while len(rows) <= place:
            rows.extend(self._taken(canary=canary))
        return rows[place]

    def _taken(self, *, canary: bool) -> list[Floats]:
        if canary not in self.going:
            indices = tuple(range(MODELS)) if canary else tuple(range(MODELS, 2 * MODELS))
            self.going[canary] = self._made(self.recipe, indices)
        step, population, indices = self.going[canary]
        before = [parameter.detach().clone() for parameter in population.parameters()]
        step.begin(0)
        step.take(*self._given(self.recipe, indices, canary=canary))
        moved = [start - now.detach() for start, now in zip(before, population.parameters(), strict=True)]
        with torch.no_grad():
            for parameter, start in zip(population.parameters(), before, strict=True):
                parameter.copy_(start)
        return list(torch.cat([each.flatten(1) for each in moved], dim=1).double().numpy())

    def _made(self, recipe: Recipe, indices: tuple[int, ...]) -> tuple[Any, Any, Any]:
        population = build(recipe, indices, self.pool).train()
        start = build(recipe, (0,), self.pool)
        with torch.no_grad():
            for parameter, first in zip(population.parameters(), start.parameters(), strict=True):
                parameter.copy_(first.expand_as(parameter))
        step = PrivateStep(recipe, indices, population)
        if self.fault is not None:
            self.fault(step)
        return step, population, indices

    def _given(self, recipe: Recipe, indices: tuple[int, ...], *, canary: bool) -> tuple[Any, Any, Any]:
        width = self.company + 1
        real = np.full(width, 1 / width, dtype=np.float32)
        real[0] = real[0] if canary else 0.0  # without: its place is padding
        dealt = Batch(positions=np.tile(np.arange(width), (len(indices), 1)), weights=np.tile(real, (len(indices), 1)))
        return feed(recipe, indices, torch.from_numpy(self.pool.inputs), torch.from_numpy(self.pool.labels)).batch(dealt, 0)

    def canary(self) -> Floats:
        """Return the canary's clipped gradient over the divisor [parameters]: what a step without noise moves more with it."""
        privacy = filled(self.recipe.privacy)
        quiet = self.recipe.model_copy(update={"privacy": privacy.model_copy(update={"noise_multiplier": 0.0})})
        moved = []
        for side in (True, False):
            step, population, indices = self._made(quiet, (0,))
            before = [parameter.detach().clone() for parameter in population.parameters()]
            step.begin(0)
            step.take(*self._given(quiet, indices, canary=side))
            moved.append(torch.cat([(a - b.detach()).flatten() for a, b in zip(before, population.parameters(), strict=True)]))
        difference: Floats = (moved[0] - moved[1]).double().numpy()
        return difference

    def tensors(self) -> tuple[int, ...]:
        """Return the parameters of each tensor."""
        return tuple(int(each[0].numel()) for each in build(self.recipe, (0,), self.pool).parameters())


def claim_of(recipe: Recipe) -> Stated:
    """Return what a private recipe claims, as `mia-audit dp-audit` takes it."""
    told, delta = mechanism(recipe), filled(recipe.privacy).delta
    rate = told.rate if told.sampling == "poisson" else 1 / told.epoch
    return Stated(noise_multiplier=told.noise_multiplier, rate=rate, steps=told.steps, delta=delta, sampling=told.sampling)


def step_of(replayer: Replayer, replays: int, seed: int = 0, level: float = LEVEL) -> Finding:
    """Return what the step test says of the engine."""
    recipe = replayer.recipe
    replayer.apart = replays
    unit = filled(recipe.privacy).max_grad_norm / filled(recipe.training.batch_size)
    known = replayer.canary()
    case = steps.replayed(replayer, replays, np.random.default_rng(seed), known=known, unit=unit, tensors=replayer.tensors())
    return steps.judged([case], claim_of(recipe), level)


def sampler_of(recipe: Recipe, epochs: int, models: int = 4, claimed: Stated | None = None) -> Finding:
    """Return what the sampler test says of the engine's, for models whose members were drawn by coins; `claimed`: another claim."""
    rows = np.random.default_rng(1).random((models, EXAMPLES)) < recipe.data.member_fraction
    matrices = [np.zeros((0, int(row.sum())), dtype=bool) for row in rows]
    for dealt in sampler(recipe, tuple(range(models)), rows).epochs(epochs):
        for batch in dealt:
            for model, row in enumerate(rows):
                drawn = np.zeros(EXAMPLES, dtype=bool)
                drawn[batch.positions[model][batch.weights[model] > 0]] = True
                matrices[model] = np.concatenate([matrices[model], drawn[row][None]])
    return samplers.judged_each(matrices, claimed or claim_of(recipe), LEVEL)


def main() -> int:
    """Test the engine, and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="snn")
    parser.add_argument("--replays", type=int, default=2_000)
    given = parser.parse_args()
    recipe = recipe_of(given.target, model__time_steps=2, model__channels=[3])
    found = (step_of(Replayer(recipe=recipe, pool=pool_of()), given.replays), sampler_of(recipe, 60))
    for each in found:
        say(f"{each} {dict(each.numbers)} {each.notes}")
    return 1 if any(each.verdict == "violated" for each in found) else 0


if __name__ == "__main__":
    raise SystemExit(main())
