"""On a GPU: 256 shadow models of snn-q4 on Fashion-MNIST in lockstep, against one at a time in snnTorch + Brevitas.

A GPU's cohort of snn-q4 on Fashion-MNIST is 64 models (`plan.cohort_size`), so that 256 models are four cohorts, one after the
other; one of them is measured. The two sides train in turns in this process (duel.py), the single model past its first 300 steps.
While the cohort trains, `nvidia-smi` is asked every 0.2 s how busy the GPU is and how much memory is taken; turns of the other
side are in that number too, so utilisation is taken from a second cohort trained alone. The share of peak is the useful FLOP/s of
arithmetic.py over the best GEMM rate of each type in the same run.

    python benchmarks/gpu.py [--epochs 12] [--models 256]      does nothing, and says so, where there is no GPU
"""

import argparse
import math
import subprocess
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from statistics import mean
from typing import Self

import torch

from benchmarks.arithmetic import flops_per_example
from benchmarks.baseline import STATISTICS
from benchmarks.duel import duel
from benchmarks.limit import TYPES, gemm_rate
from benchmarks.setting import Setting, clock_of, setting
from benchmarks.table import Row, say, show
from mia_audit.training import plan
from mia_audit.training.lockstep import Cohort, train

ASK = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "-i", "0"]


class Gauge:
    """Asks how busy the GPU is until the block ends: per cent, and MiB in use."""

    def __init__(self) -> None:
        self.busy: list[float] = []
        self.mebibytes: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin to ask."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop asking."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            busy, used = subprocess.run(ASK, check=True, capture_output=True, text=True).stdout.split(",")
            self.busy.append(float(busy))
            self.mebibytes.append(float(used))


def measure(chosen: Setting, device: torch.device, *, warm_up: int, gauge: Gauge | None, turn: float = 4.0) -> Iterator[Row]:
    """Measure a population on any device, in turns of some seconds; not the single model's first `warm_up` steps.

    How busy the device is, only a gauge tells.
    """
    outcome = duel(chosen, seconds_a_turn=turn, device=device, to_the_end=False, warm_up=warm_up)
    with gauge or nullcontext():
        rate = alone(chosen, device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"
    models, epochs = len(chosen.rows), chosen.recipe.training.epochs
    busy = f", GPU busy {mean(gauge.busy):.0f} %, {max(gauge.mebibytes) / 1024:.1f} GiB" if gauge and gauge.busy else ""
    yield Row(
        what=f"training {chosen.recipe.name} on {chosen.recipe.data.dataset}, {models} models in cohorts of {outcome.models} "
        f"({math.ceil(models / outcome.models)} of them), {name}",
        ours=f"{outcome.our_rate:,.0f} examples/s, accuracy {mean(outcome.our_accuracy):.3f}",
        against=f"snnTorch + Brevitas, one at a time: {outcome.their_rate:,.0f} examples/s",
        ratio=f"{outcome.ratio:.0f} x",
        bar="100 x",
        how=f"one cohort's whole training of {epochs} epochs; {outcome.spread}; alone {rate:,.0f} examples/s{busy}",
    )
    useful = rate * flops_per_example(chosen.recipe)
    for kind, dtype in TYPES.items():
        peak = gemm_rate(dtype, device)
        yield Row(
            what=f"share of the arithmetic limit on {name}, against {kind} GEMM",
            ours=f"{useful / 1e12:.2f} useful TFLOP/s",
            against=f"{peak / 1e12:.1f} TFLOP/s",
            ratio=f"{100 * useful / peak:.1f} %",
            how="the cohort alone, from the end of its first epoch on",
        )


def alone(chosen: Setting, device: torch.device) -> float:
    """Train one cohort alone; return its examples per second from the end of its first epoch on."""
    size = min(plan.cohort_size(chosen.recipe, device.type), len(chosen.rows))
    seen: list[float] = []
    clock = clock_of(device)
    cohort = Cohort(indices=tuple(range(size)), rows=chosen.rows[:size])
    train(chosen.recipe, cohort, chosen.pool, device, lambda _: seen.append(clock()))
    return int(chosen.rows[:size].sum()) * (len(seen) - 1) / (seen[-1] - seen[0])


def main() -> None:
    """Measure on the first GPU."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12, help="epochs of the cohort's training; the quantizers learn from the eighth on")
    parser.add_argument("--models", type=int, default=256)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        say("gpu.py: no GPU here that torch can see; nothing measured.")
        return
    chosen = setting("snn-q4", "fashion-mnist", arguments.models, training__epochs=arguments.epochs)
    for row in measure(chosen, torch.device("cuda"), warm_up=STATISTICS + 1, gauge=Gauge()):
        show(row)


if __name__ == "__main__":
    main()
