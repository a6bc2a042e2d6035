"""How near training comes to the arithmetic limit of a thread: useful FLOP/s over the GEMM rate, measured in turns.

Useful are the multiply-adds of arithmetic.py, nothing else: surrogates, quantizers, pooling, Adam and data count as time only.
The GEMM rate is the best of square matrix products (1024 and 2048) of each type. Ours is one cohort's training of
snn-q4 on Fashion-MNIST (conv 12-64); after each epoch the GEMMs run again, and the share is the median over epochs. It is
given against fp32 and bf16; the bar is meant for the type in which the engine multiplies.

    python benchmarks/limit.py [--epochs 6]
"""

import argparse
from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor

from benchmarks.arithmetic import flops_per_example
from benchmarks.counts import working_type
from benchmarks.setting import clock_of, one_thread, setting
from benchmarks.table import Row, show
from mia_audit.training import plan
from mia_audit.training.lockstep import Cohort, train

SIZES = (1024, 2048)
"""Rows of the square matrices that are multiplied."""

TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def gemm_rate(kind: torch.dtype, device: torch.device, seconds: float = 0.5) -> float:
    """Return the best FLOP/s of square matrix products of a type."""
    return max(_product_rate(size, kind, device, seconds / 2) for size in SIZES)


def _product_rate(size: int, kind: torch.dtype, device: torch.device, seconds: float) -> float:
    a, b = (torch.randn(size, size, device=device).to(kind) for _ in range(2))
    out = torch.empty_like(a)
    product = _timed(lambda: torch.mm(a, b, out=out), device)
    times = [product() for _ in range(max(3, round(seconds / product())))]
    return float(2 * size**3 / min(times))


def _timed(call: Callable[[], Tensor], device: torch.device) -> Callable[[], float]:
    clock = clock_of(device)

    def seconds() -> float:
        start = clock()
        call()
        return clock() - start

    return seconds


def main() -> None:
    """Measure the share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=6, help="epochs of the cohort's training")
    arguments = parser.parse_args()
    one_thread()
    device = torch.device("cpu")
    chosen = setting("snn-q4", "fashion-mnist", 16, training__epochs=arguments.epochs)
    size = min(plan.cohort_size(chosen.recipe, "cpu"), len(chosen.rows))
    work = flops_per_example(chosen.recipe) * int(chosen.rows[:size].sum())
    useful: list[float] = []
    gemm: dict[str, list[float]] = {name: [] for name in TYPES}
    clock = clock_of(device)
    began = [clock()]

    def gemm_turn(_: float) -> None:
        useful.append(work / (clock() - began[0]))
        for name, kind in TYPES.items():
            gemm[name].append(gemm_rate(kind, device))
        began[0] = clock()

    train(chosen.recipe, Cohort(indices=tuple(range(size)), rows=chosen.rows[:size]), chosen.pool, device, gemm_turn)
    used = working_type()
    for name, rates in gemm.items():
        shares = [a / b for a, b in zip(useful, rates, strict=True)]
        show(
            Row(
                what=f"share of the arithmetic limit, snn-q4 on fashion-mnist, against {name} GEMM",
                ours=f"{median(useful) / 1e9:.1f} useful GFLOP/s",
                against=f"{median(rates) / 1e9:,.0f} GFLOP/s",
                ratio=f"{100 * median(shares):.1f} %",
                bar="15 %, aim 30" if name == used else "-",
                how=f"{len(useful)} epochs, {100 * min(shares):.1f} to {100 * max(shares):.1f} %; the engine multiplies in {used}",
            )
        )


if __name__ == "__main__":
    main()
