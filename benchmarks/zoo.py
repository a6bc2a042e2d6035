"""The zoo's architectures in lockstep against one model at a time in plain PyTorch and snnTorch: a training step of one model.

    python benchmarks/zoo.py [ARCHITECTURE ...] [--width W] [--rounds 5]

The other side is what a user writes: torch's layers and snnTorch's cells, one step of time after the other (the tests'
reference, `tests/support/zoo.py`). Both take turns on one thread, on the same inputs, with plain SGD and batch norm; four models
stand in lockstep. VGG nets and the ResNet have a quarter of their width unless asked otherwise, the small nets all of it. Times
are CPU seconds, so that what else runs on the machine does not count. Exit code 1 when an architecture is slower in lockstep.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmarks.setting import one_thread
from benchmarks.table import Row, show
from mia_audit.models.network import Population
from mia_audit.models.passage import Passage
from mia_audit.recipe import Model, Neuron
from tests.support.zoo import Plain

SHAPES = {
    "mlp-1000": (784,), "seed-conv": (28, 28, 1), "net1": (28, 28, 1), "net2": (28, 28, 1), "vgg5": (32, 32, 3), "vgg9": (32, 32, 3),
    "vgg16": (32, 32, 3), "resnet18": (32, 32, 3),
}  # fmt: skip
DEEP = {"vgg5", "vgg9", "vgg16", "resnet18"}
MODELS, BATCH, STEPS, CLASSES = 4, 32, 4, 10


@dataclass(frozen=True, kw_only=True)
class Measured:
    """CPU seconds of a training step of one model, round by round."""

    together: list[float]
    alone: list[float]

    @property
    def ratio(self) -> float:
        """How many times faster lockstep is: the median over rounds."""
        return median(self._ratios)

    @property
    def spread(self) -> str:
        """The smallest and the largest ratio of a round."""
        return f"{min(self._ratios):.1f} to {max(self._ratios):.1f}"

    @property
    def _ratios(self) -> list[float]:
        return [theirs / ours for ours, theirs in zip(self.together, self.alone, strict=True)]


def measured(model: Model, shape: tuple[int, ...], rounds: int) -> Measured:
    """Time a step of four models in lockstep and of a single one, in turns."""
    generators = [torch.Generator().manual_seed(k) for k in range(MODELS)]
    population = Population(model, shape, CLASSES, generators, torch.bfloat16).train()
    single = Plain(model, shape, CLASSES).train()
    x, y = torch.rand(MODELS, 1, BATCH, *shape), torch.randint(0, CLASSES, (MODELS, BATCH))
    steppers = [torch.optim.SGD(network.parameters(), lr=1e-3, fused=True) for network in (population, single)]

    def together() -> Tensor:
        logits = population(x, Passage(weights=torch.full((MODELS, BATCH), 1 / BATCH)))
        return F.cross_entropy(logits.flatten(0, 1), y.flatten()) * MODELS

    def alone() -> Tensor:
        return F.cross_entropy(single([x[0, 0]] * model.time_steps), y[0])

    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for side, loss in enumerate((together, alone)):
            start = time.process_time()
            steppers[side].zero_grad()
            loss().backward()
            steppers[side].step()
            if number:  # the first round compiles kernels
                times[side].append(time.process_time() - start)
    return Measured(together=[seconds / MODELS for seconds in times[0]], alone=times[1])


def row(architecture: str, found: Measured, *, spiking: bool, how: str) -> Row:
    """Say one architecture's times."""
    kind, library = ("spiking", "PyTorch + snnTorch") if spiking else ("ANN", "PyTorch")
    return Row(
        what=f"training step of {architecture}, {kind}, {MODELS} models in lockstep",
        ours=f"{median(found.together) * 1e3:.1f} ms a model",
        against=f"{library}, one at a time: {median(found.alone) * 1e3:.1f} ms",
        ratio=f"{found.ratio:.2f} x",
        bar="1 x",
        how=f"{how}; {len(found.alone)} rounds in turns, {found.spread}",
    )


def main() -> None:
    """Print one row an architecture and kind."""
    arguments = _arguments()
    one_thread()
    slower = False
    for architecture in arguments.architectures or SHAPES:
        width = arguments.width or (0.25 if architecture in DEEP else 1.0)
        how = f"CPU seconds, width {width:g}, batch {BATCH}, {STEPS} time steps where spiking, batch norm"
        for spiking in (False, True):
            model = Model(
                architecture=architecture, width=width, norm="batch", initial="kaiming", time_steps=STEPS if spiking else 1,
                neuron=Neuron() if spiking else None,
            )  # fmt: skip
            found = measured(model, SHAPES[architecture], arguments.rounds)
            slower |= found.ratio < 1
            show(row(architecture, found, spiking=spiking, how=how))
    sys.exit(slower)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architectures", nargs="*", choices=[*SHAPES, []])
    parser.add_argument("--width", type=float)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
