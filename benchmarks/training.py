"""How fast a population trains in lockstep, against one model at a time with the libraries (baseline.py), one thread each.

Both sides train in turns in this process (duel.py): one cohort of the plan's size from first to last epoch, an epoch a
turn, and one single model. A population of more models repeats that cohort. Rates are examples per second over the whole
training; accuracies are test accuracies after the recipe's epochs, ours of every model of the cohort.

    python benchmarks/training.py [row ...] [--accuracy]     rows: digits, fashion, fashion-ann
                                  --accuracy                  train the single model to the end everywhere (minutes more)
"""

import argparse
from dataclasses import dataclass
from statistics import mean, stdev

import torch

from benchmarks.duel import Outcome, duel
from benchmarks.setting import one_thread, setting
from benchmarks.table import Row, show


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row: a target on a data set, how many models, the bar, and whether the single model's whole training is short."""

    target: str
    dataset: str
    models: int
    libraries: str
    bar: str
    short: bool


CASES = {
    "digits": Case(target="snn-q4", dataset="digits", models=64, libraries="snnTorch + Brevitas", bar="30 x, aim 60", short=True),
    "fashion": Case(target="snn-q4", dataset="fashion-mnist", models=16, libraries="snnTorch + Brevitas", bar="6 x, aim 10", short=False),
    "fashion-ann": Case(target="ann-q4", dataset="fashion-mnist", models=16, libraries="PyTorch + Brevitas", bar="2 x, aim 3", short=True),
}


def row(case: Case, *, accuracy: bool) -> Row:
    """Measure one row."""
    with_end = accuracy or case.short
    chosen = setting(case.target, case.dataset, case.models)
    outcome = duel(chosen, seconds_a_turn=4.0, device=torch.device("cpu"), to_the_end=with_end)
    return Row(
        what=f"training {case.target} on {case.dataset}, {case.models} models in cohorts of {outcome.models}",
        ours=f"{outcome.our_rate:,.0f} examples/s, accuracy {_spread(outcome)}",
        against=f"{case.libraries}, one at a time: {outcome.their_rate:,.0f} examples/s{_their_accuracy(outcome)}",
        ratio=f"{outcome.ratio:.1f} x",
        bar=case.bar,
        how=f"one cohort's whole training, {len(outcome.ours)} turns; theirs "
        + ("whole too" if with_end else "past its slower first 300 steps, in which quantizers collect statistics")
        + f"; {outcome.spread}",
    )


def _spread(outcome: Outcome) -> str:
    accuracy = outcome.our_accuracy
    return f"{mean(accuracy):.3f}" + (f" ± {stdev(accuracy):.3f}" if len(accuracy) > 1 else "")


def _their_accuracy(outcome: Outcome) -> str:
    return "" if outcome.their_accuracy is None else f", accuracy {outcome.their_accuracy:.3f}"


def main() -> None:
    """Measure the rows that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", choices=[*CASES, []], default=[])
    parser.add_argument("--accuracy", action="store_true")
    arguments = parser.parse_args()
    one_thread()
    for name in arguments.rows or CASES:
        show(row(CASES[name], accuracy=arguments.accuracy))


if __name__ == "__main__":
    main()
