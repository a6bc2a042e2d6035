"""Where a training step's time goes: torch's operators and our own autograd functions, milliseconds of one step.

A cohort of the plan's size trains under torch.profiler for an epoch, after the quantizers have their statistics or, with
--early, before. Self CPU time; the profiler itself slows small operators.

    python benchmarks/breakdown.py [digits] [fashion-mnist] [--target snn-q4] [--early]
"""

import argparse

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.setting import one_thread, setting, warmed_up
from benchmarks.table import say
from mia_audit.training import batches, plan
from mia_audit.training.lockstep import Cohort, train


def breakdown(target: str, dataset: str, *, early: bool) -> str:
    """Return the table of one epoch's steps."""
    chosen = setting(target, dataset, 16)
    size = min(plan.cohort_size(chosen.recipe, "cpu"), len(chosen.rows))
    steps = batches.steps_per_epoch(len(chosen.pool.labels), 0.5, chosen.recipe.training.batch_size or 1)
    epoch = 1 if early else 300 // steps + 2
    chosen = setting(target, dataset, 16, training__epochs=epoch + 1)
    device = torch.device("cpu")
    warmed_up(chosen, device)
    profiler = profile(activities=[ProfilerActivity.CPU])

    def watch(share: float) -> None:
        if round(share * (epoch + 1)) == epoch:
            profiler.start()
        elif share == 1:
            profiler.stop()

    train(chosen.recipe, Cohort(indices=tuple(range(size)), rows=chosen.rows[:size]), chosen.pool, device, watch)
    events = sorted(profiler.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    lines = [f"{target} on {dataset}, {size} models: {total / steps / 1000:.2f} ms a step"]
    lines += [_line(event.key, event.self_cpu_time_total, total, steps, event.count) for event in events[:24]]
    return "\n".join(lines)


def _line(name: str, microseconds: float, total: float, steps: int, count: int) -> str:
    return f"{microseconds / steps / 1000:8.2f} ms {100 * microseconds / total:5.1f} % {count / steps:7.1f} x  {name}"


def main() -> None:
    """Print the tables that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=["digits", "fashion-mnist"])
    parser.add_argument("--target", default="snn-q4")
    parser.add_argument("--early", action="store_true")
    arguments = parser.parse_args()
    one_thread()
    for dataset in arguments.datasets:
        say(breakdown(arguments.target, dataset, early=arguments.early))


if __name__ == "__main__":
    main()
