"""What one training step asks of torch, counted and not timed: operator calls, FLOPs, and bytes kept for the backward pass.

Counts do not depend on the machine's mood, so a test holds them (tests/test_counts.py). A cohort is trained through the
engine's public `train` in epochs of one step each; what happens between its last two reports is one step. Kernels of
our own (numba) are not torch's operators and are not counted; what they are called for is.

    python benchmarks/counts.py                   Markdown rows
    python benchmarks/counts.py --expected        the literal that the test holds
"""

import argparse
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.arithmetic import flops_per_example
from benchmarks.table import Row, show
from mia_audit.audit import Options
from mia_audit.audit.request.options import describe
from mia_audit.data.profiles import profile
from mia_audit.recipe import Recipe
from mia_audit.training.lockstep import Cohort, Pool, train
from mia_audit.training.plan import input_shape

NAMES = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16", torch.int8: "int8"}
CASES: tuple[tuple[str, str, int, int], ...] = (  # target, data set, models, number of the step
    ("snn-q4", "digits", 2, 3),
    ("snn-q4", "digits", 4, 3),
    ("snn-q4", "digits", 2, 303),
    ("ann-q4", "digits", 2, 3),
    ("ann-q4", "digits", 2, 303),
    ("snn-q4", "fashion-mnist", 1, 3),
    ("snn-q4", "breast-cancer", 2, 3),
)
PRODUCTS = ("convolution", "mm", "addmm", "bmm", "baddbmm", "mkldnn")
EXAMPLES = 8  # in a model's batch


@dataclass(frozen=True, kw_only=True)
class Step:
    """One training step: operator calls, FLOPs of matrix products and convolutions, bytes saved for the backward pass."""

    calls: int
    flops: int
    saved_bytes: int


class Calls(TorchDispatchMode):
    """Counts operator calls, and the elements that enter convolutions and matrix products, by type."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[str] = Counter()  # by operator, so that a difference can be looked into
        self.multiplied: Counter[torch.dtype] = Counter()

    def total(self) -> int:
        """Return how many calls there were."""
        return sum(self.counts.values())

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count a call and let it pass."""
        self.counts[str(func)] += 1
        if str(func).removeprefix("aten.").startswith(PRODUCTS):
            self.multiplied.update({value.dtype: value.numel() for value in args if isinstance(value, Tensor)})
        return func(*args, **(kwargs or {}))


def step(target: str, dataset: str, models: int, number: int) -> Step:
    """Return the counts of the training step of this number; quantizers collect statistics up to the 300th."""
    logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)
    recipe, cohort, pool = _tiny(target, dataset, models, number)
    calls, flops, saved = Calls(), FlopCounterMode(display=False), [0]

    def keep(tensor: Tensor) -> Tensor:
        saved[0] += tensor.nbytes
        return tensor

    with ExitStack() as counting:

        def watch(share: float) -> None:
            if round(share * number) == number - 1:
                for counter in (calls, flops, saved_tensors_hooks(keep, lambda tensor: tensor)):
                    counting.enter_context(counter)
            else:
                counting.close()

        train(recipe, cohort, pool, torch.device("cpu"), watch)
    return Step(calls=calls.total(), flops=flops.get_total_flops(), saved_bytes=saved[0])


def working_type() -> str:
    """Return the name of the type in which the engine multiplies most, on snn-q4 and Fashion-MNIST."""
    calls = Calls()
    recipe, cohort, pool = _tiny("snn-q4", "fashion-mnist", 1, 1)
    with calls:
        train(recipe, cohort, pool, torch.device("cpu"), lambda _: None)
    kind, _ = calls.multiplied.most_common(1)[0]
    return NAMES.get(kind, str(kind))


def _tiny(target: str, dataset: str, models: int, epochs: int) -> tuple[Recipe, Cohort, Pool]:
    """Return a cohort whose epoch is one step, on made-up examples."""
    settings = {"training.epochs": epochs, "training.batch_size": EXAMPLES, "data.pool": 2 * EXAMPLES}
    recipe = describe(target, Options(dataset=dataset, settings=settings))
    suits = profile(dataset)
    inputs = np.random.default_rng(0).random((2 * EXAMPLES, *input_shape(suits)), dtype=np.float32)
    rows = np.arange(2 * EXAMPLES) % 2 == np.arange(models)[:, None] % 2
    pool = Pool(inputs=inputs, labels=np.arange(2 * EXAMPLES) % suits.classes, classes=suits.classes)
    return recipe, Cohort(indices=tuple(range(models)), rows=rows), pool


def main() -> None:
    """Print the counts of all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expected", action="store_true", help="print the literal that tests/test_counts.py holds")
    arguments = parser.parse_args()
    for case in CASES:
        counted = step(*case)
        if arguments.expected:
            print(f"    {case!r}: {counted!r},".replace("'", '"'))
            continue
        useful = flops_per_example(_tiny(*case)[0]) * EXAMPLES * case[2]
        show(
            Row(
                what=f"one training step of {case[0]} on {case[1]}, {case[2]} models of {EXAMPLES} examples, step {case[3]}",
                ours=f"{counted.calls} operator calls, {counted.saved_bytes / 2**20:.2f} MiB kept for the backward pass",
                against=f"{useful / 1e6:.1f} useful MFLOP",
                ratio=f"{counted.flops / useful:.2f} x the useful FLOPs",
                bar="tests/test_counts.py",
                how="TorchDispatchMode, FlopCounterMode, saved_tensors_hooks",
            )
        )


if __name__ == "__main__":
    main()
