"""The zoo in lockstep against one model at a time: seconds for one training step of one model, in turns.

    python benchmarks/zoo.py [ARCHITECTURE ...] [--width 0.25] [--rounds 5]

The other side is what a user writes: torch's layers and snnTorch's cells, one step of time after the other (the tests'
reference, `tests/support/zoo.py`). Both run on one thread, on the same inputs, with plain SGD and batch norm; four models stand in
lockstep, and architectures have a quarter of their width unless asked otherwise.
"""

import argparse
import statistics
import time

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.models.network import Population
from mia_audit.models.passage import Passage
from mia_audit.recipe import Model, Neuron
from tests.support.zoo import Plain

SHAPES = {
    "mlp-1000": (784,), "seed-conv": (28, 28, 1), "net1": (28, 28, 1), "net2": (28, 28, 1), "vgg5": (32, 32, 3), "vgg9": (32, 32, 3),
    "vgg16": (32, 32, 3), "resnet18": (32, 32, 3),
}  # fmt: skip
MODELS, BATCH, STEPS, CLASSES = 4, 32, 4, 10


def main() -> None:
    """Print one line an architecture and kind."""
    arguments = _arguments()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    for architecture in arguments.architectures or SHAPES:
        for spiking in (False, True):
            model = Model(
                architecture=architecture, width=arguments.width, norm="batch", initial="kaiming", time_steps=STEPS if spiking else 1,
                neuron=Neuron() if spiking else None,
            )  # fmt: skip
            together, alone = _measured(model, SHAPES[architecture], arguments.rounds)
            kind = "spiking" if spiking else "ANN"
            times = f"{together * 1e3:8.1f} ms in lockstep  {alone * 1e3:8.1f} ms alone  {alone / together:5.2f}x"
            print(f"{architecture:<10} {kind:<8} {times}", flush=True)


def _measured(model: Model, shape: tuple[int, ...], rounds: int) -> tuple[float, float]:
    """Return the median seconds of a step of one model, in lockstep and alone."""
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
            start = time.perf_counter()
            steppers[side].zero_grad()
            loss().backward()
            steppers[side].step()
            if number:  # the first round compiles kernels
                times[side].append(time.perf_counter() - start)
    return statistics.median(times[0]) / MODELS, statistics.median(times[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architectures", nargs="*", choices=[*SHAPES, []])
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


if __name__ == "__main__":
    main()
