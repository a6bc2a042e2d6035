"""One training of this engine, watched as `mia-audit dp-audit` asks for: canaries put in by coins, and every noisy sum along them.

    python -m benchmarks.dp_canaries obs.npz [--target dp-snn] [--dataset mnist] [--set KEY=VALUE ...] [--canaries 1000] [--halved]

A canary is the gradient of an example that nobody has: of norm 10 R, along a coordinate of its own, put in before clipping, and drawn into
steps as members are. It costs nothing. What is written down is what the optimizer is given, times the divisor, less what is no canary;
and who was in which step. The command that judges it is printed. --halved: with half the noise that is claimed, in secret.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.dp_engine import claim_of
from benchmarks.setting import data_root, one_thread
from benchmarks.table import say
from mia_audit.audit.request.options import Options, describe
from mia_audit.catalogue import parse_settings
from mia_audit.data.examples import load
from mia_audit.models.network import Population
from mia_audit.models.passage import Passage
from mia_audit.models.tally import Tally
from mia_audit.privacy.constants import mechanism
from mia_audit.privacy.mechanism import Mechanism
from mia_audit.privacy.stated import Stated
from mia_audit.recipe import Recipe, filled
from mia_audit.streams import stream
from mia_audit.training.feeding import feed
from mia_audit.training.lockstep import Pool, build
from mia_audit.training.material import material
from mia_audit.training.private_step import PrivateStep, clipping
from mia_audit.training.sampling import sampler
from mia_audit.types import Bools, Floats

LENGTH = 10.0
"""Of a canary's gradient, in clipping norms."""


class CanaryStep(PrivateStep):
    """A private step of one model, with canaries among those whose gradients are clipped and summed.

    drawn   which canaries are in each step [canaries], step after step
    places  the coordinate of each among all parameters, in the order in which layers report
    heard   what was released of each step along them, less what is no canary, in clipping norms [canaries]
    """

    def __init__(self, recipe: Recipe, population: Population, drawn: Iterator[Bools], places: np.ndarray) -> None:
        super().__init__(recipe, (0,), population)
        self._drawn, self._places, self.heard = drawn, torch.from_numpy(places), list[Floats]()
        self._parts, self._others = Tally().parts, torch.empty(0)

    def take(self, x: Tensor, labels: Tensor, passage: Passage) -> Tensor:
        """Step, and write down what the optimizer was given."""
        losses = super().take(x, labels, passage)
        given = torch.cat([filled(part.parameter.grad).flatten() for part in self._parts]) * self._divisor
        self.heard.append(((given - self._others)[self._places] / self._norm).double().numpy())
        return losses

    def _sums(self, tally: Tally) -> list[Tensor]:
        sums = super()._sums(tally)
        self._parts, self._others = tally.parts, torch.cat([each.flatten() for each in sums])
        length = torch.tensor(LENGTH * self._norm)
        own = torch.zeros_like(self._others)
        own[self._places[torch.from_numpy(next(self._drawn))]] = length * clipping(length, self._norm)
        return [each + more.view_as(each) for each, more in zip(sums, own.split([each.numel() for each in sums]), strict=True)]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A training and what was seen of it."""

    claim: Stated
    arrays: Mapping[str, np.ndarray]


def watched(recipe: Recipe, pool: Pool, canaries: int, *, halved: bool = False, seed: int = 0) -> Watched:
    """Train model 0 of a private recipe with canaries, and return what was seen of it."""
    rng, told = stream(seed, "dp canaries"), mechanism(recipe)
    row = rng.random((1, len(pool.labels))) < recipe.data.member_fraction
    population = build(recipe, (0,), pool).train()
    size = sum(int(each.numel()) for each in population.parameters())
    coins, places = rng.random(canaries) < 0.5, rng.choice(size, canaries, replace=False)
    step = CanaryStep(recipe, population, (each & coins for each in _steps(told, canaries, rng)), places)
    if halved:
        step._deviation /= 2  # noqa: SLF001  a fault is a patch
    fed = feed(recipe, (0,), torch.from_numpy(pool.inputs), torch.from_numpy(pool.labels))
    included = list[Bools]()
    for epoch, deal in enumerate(sampler(recipe, (0,), row).epochs(told.epochs)):
        step.begin(epoch)
        for batch in deal:
            step.take(*fed.batch(batch, len(included)))
            drawn = np.zeros(len(pool.labels), dtype=np.bool_)
            drawn[batch.positions[0][batch.weights[0] > 0]] = True
            included.append(drawn[row[0]])
    arrays = {"coins": coins, "projections": np.stack(step.heard), "included": np.stack(included)}
    return Watched(claim=claim_of(recipe), arrays=arrays)


def _steps(told: Mechanism, canaries: int, rng: np.random.Generator) -> Iterator[Bools]:
    """Yield who of so many would be drawn into each step, as members are."""
    for _ in range(told.epochs):
        bins = rng.integers(told.epoch, size=canaries)
        for step in range(told.epoch):
            yield rng.random(canaries) < told.rate if told.sampling == "poisson" else bins == step


def pool_of(recipe: Recipe, root: Path | None) -> Pool:
    """Return the recipe's pool."""
    given = material(recipe, load(recipe, root=root, offline=True, progress=lambda _: None))
    return Pool(inputs=given.pool_inputs, labels=given.pool_labels, classes=given.classes)


def command(claim: Stated, path: Path | str) -> str:
    """Return the command that judges what was seen."""
    return (
        f"mia-audit dp-audit --noise-multiplier {claim.noise_multiplier:g} --rate {claim.rate:.10g} --steps {claim.steps} "
        f"--delta {claim.delta:g} --sampling {claim.sampling} --observations {path}"
    )


def main() -> None:
    """Train, write, and say how to judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--target", default="dp-snn")
    parser.add_argument("--dataset", default=None)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--canaries", type=int, default=1_000)
    parser.add_argument("--halved", action="store_true")
    asked = parser.parse_args()
    one_thread()
    settings: dict[str, Any] = parse_settings(asked.set)
    recipe = describe(asked.target, Options(dataset=asked.dataset, settings=settings))
    seen = watched(recipe, pool_of(recipe, data_root()), asked.canaries, halved=asked.halved)
    arrays: dict[str, Any] = dict(seen.arrays)
    np.savez_compressed(asked.out, **arrays)
    say(command(seen.claim, asked.out))


if __name__ == "__main__":
    main()
