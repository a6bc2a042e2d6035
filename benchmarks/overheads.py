"""What an audit costs beside training, how two workers and larger audits scale, peak memory, and the time of `--help`.

Everything here is a whole process measured from outside (processes.py). `outside`: one minus the share of CPU seconds that
training and querying take (timed_run.py, one worker). `workers`: wall seconds of the stage "train and query" with one
worker over two, against what two independent GEMM processes gain over one, in turns. `scaling`: training of a whole
population in this process, CPU seconds, double against single. `memory`: VmHWM of the audit's
largest worker, or of the parent where it trains alone, against what `--plan` says of it, and of the parent beside workers.

    python benchmarks/overheads.py [outside] [workers] [scaling] [memory] [help]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median

import torch

from benchmarks import processes
from benchmarks.setting import Setting, one_thread, setting, warmed_up
from benchmarks.table import Row, say, show
from mia_audit.training import plan
from mia_audit.training.lockstep import Cohort, train

GEMMS = """
import torch, time
torch.set_num_threads(1)
a = torch.randn(1024, 1024)
a @ a
start = time.perf_counter()
for _ in range({count}): a @ a
print(time.perf_counter() - start)
"""


def outside() -> list[Row]:
    """Measure the share of an audit that is neither training nor querying."""
    return [_outside("digits", "32"), _outside("fashion-mnist", "16", "--set", "training.epochs=4")]


def _outside(dataset: str, shadows: str, *less: str) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        program = (str(Path(__file__).with_name("timed_run.py")), f"{folder}/seconds")
        ran = processes.audit("--target", "snn-q4", "--dataset", dataset, "--shadows", shadows, "--workers", "1", *less, program=program)
        inside = json.loads(Path(f"{folder}/seconds").read_text())
    libraries, spent = _libraries(), sum(inside.values())
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in ran.stages.items())
    return Row(
        what=f"time outside training and querying, snn-q4 on {dataset}, {shadows} shadow models, one worker {' '.join(less)}".strip(),
        ours=f"{ran.cpu - spent:.1f} s, of which {libraries:.1f} s import libraries",
        against=f"{ran.cpu:.1f} s for all",
        ratio=f"{100 * (1 - spent / ran.cpu):.1f} %; without imports {100 * (1 - (spent + libraries) / ran.cpu):.1f} %",
        bar="at most 10 %",
        how=f"CPU seconds; wall seconds by stage: {stages}; inside: " + ", ".join(f"{n} {s:.1f}" for n, s in inside.items()),
    )


def _libraries() -> float:
    """Return the CPU seconds of importing what an audit imports."""
    modules = "torch, brevitas.nn, numba, scipy.stats, sklearn.ensemble, seaborn"
    return processes.run("-W", "ignore", "-c", f"import {modules}").cpu


def workers() -> list[Row]:
    """Measure what a second worker gains."""
    gains, gemm_gains = [], []
    for turn in range(2):
        gemm_gains.append(2 * _gemms(1) / _gemms(2))
        alone, together = (_stage(count) for count in ("1", "2"))
        gains.append(alone / together)
        say(f"turn {turn}: two workers gain {gains[-1]:.2f}, two GEMM processes {gemm_gains[-1]:.2f}")
    return [
        Row(
            what="two worker processes over one, snn-q4 on digits, 64 models (four cohorts)",
            ours=f"{median(gains):.2f} x",
            against=f"two GEMM processes over one: {median(gemm_gains):.2f} x",
            ratio=f"{100 * median(a / b for a, b in zip(gains, gemm_gains, strict=True)):.0f} %",
            bar="90 %",
            how='wall seconds of the stage "train and query", worker start included; median of two turns',
        )
    ]


def _stage(count: str) -> float:
    return processes.audit("--target", "snn-q4", "--shadows", "62", "--workers", count, "--attacks", "loss").stages["train and query"]


def _gemms(count: int) -> float:
    """Return the wall seconds that `count` processes at once take for equal work each; the slowest counts."""
    command = [sys.executable, "-c", GEMMS.format(count=200)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=processes.environment()) for _ in range(count)]
    return max(float(process.communicate()[0]) for process in running)


def scaling() -> list[Row]:
    """Measure what doubling costs, in turns."""
    one_thread()
    size = plan.cohort_size(setting("snn-q4", "digits", 1).recipe, "cpu")
    single = setting("snn-q4", "digits", size, training__epochs=15, data__pool=700)
    doubles = {
        "models": setting("snn-q4", "digits", 2 * size, training__epochs=15, data__pool=700),
        "examples": setting("snn-q4", "digits", size, training__epochs=15, data__pool=1400),
        "time steps": setting("snn-q4", "digits", size, training__epochs=15, data__pool=700, model__time_steps=20),
    }
    warmed_up(single, torch.device("cpu"))
    costs: dict[str, list[float]] = {name: [] for name in doubles}
    for _ in range(3):
        once = _population(single)
        for name, double in doubles.items():
            costs[name].append(_population(double) / once)
    return [
        Row(
            what=f"cost of 2 x the {name}, snn-q4 on digits",
            ours=f"{median(ratios):.2f} x",
            against=f"{size} models, pool 700, T 10",
            ratio=f"{median(ratios):.2f} x",
            bar="at most 2.1 x",
            how=f"CPU seconds of training, 15 epochs; median of three turns ({min(ratios):.2f} to {max(ratios):.2f})",
        )
        for name, ratios in costs.items()
    ]


def _population(chosen: Setting) -> float:
    """Return the CPU seconds of training a whole population, cohort by cohort."""
    start = time.process_time()
    for task in plan.tasks(chosen.recipe, chosen.rows, "", "cpu"):
        train(chosen.recipe, Cohort(indices=task.indices, rows=task.rows), chosen.pool, torch.device("cpu"), lambda _: None)
    return time.process_time() - start


MEASURED = (("snn-q4", "digits"), ("snn-q4", "fashion-mnist"), ("snn", "fashion-mnist"), ("ann-q4", "fashion-mnist"))


def memory() -> Iterator[Row]:
    """Measure peak memory against what `--plan` says of it; two epochs reach it."""
    for target, dataset in MEASURED:
        for count in (2, 1):
            yield from _memory(target, dataset, count)


def _memory(target: str, dataset: str, count: int) -> Iterator[Row]:
    few = ("30", "quick") if dataset == "digits" else ("4", "thresholds")  # so few shadow models suffice for thresholds alone
    given = ("--target", target, "--dataset", dataset, "--shadows", few[0], "--attacks", few[1])
    ran = processes.audit(*given, "--set", "training.epochs=2", "--workers", str(count))
    how = f"VmHWM; {' '.join(given)}, --workers {count}"
    trains = ran.worker_bytes if count > 1 else ran.parent_bytes
    yield Row(
        what=f"peak memory of {'the largest worker' if count > 1 else 'the parent, which trains alone'}, {target} on {dataset}",
        ours=f"{trains / 2**30:.2f} GiB",
        against=f"predicted {ran.predicted_bytes / 2**30:.2f} GiB",
        ratio=f"{trains / ran.predicted_bytes:.2f} x",
        bar="0.75 to 1.25",
        how=how,
    )
    if count > 1:
        yield Row(
            what=f"peak memory of the parent beside {count} workers, {target} on {dataset}",
            ours=f"{ran.parent_bytes / 2**30:.2f} GiB",
            against="not predicted",
            ratio="-",
            how=how,
        )


def start() -> list[Row]:
    """Measure `mia-audit --help`."""
    _wall("-m", "mia_audit", "--help")
    walls, bare = zip(*[(_wall("-m", "mia_audit", "--help"), _wall("-c", "pass")) for _ in range(5)], strict=True)
    return [
        Row(
            what="`mia-audit --help`",
            ours=f"{median(walls):.2f} s",
            against=f"bare Python {median(bare):.2f} s",
            ratio="-",
            how="wall seconds, median of five",
        )
    ]


def _wall(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, env=processes.environment())
    return time.perf_counter() - began


PARTS: dict[str, Callable[[], Iterable[Row]]] = {
    "outside": outside,
    "workers": workers,
    "scaling": scaling,
    "memory": memory,
    "help": start,
}


def main() -> None:
    """Measure the parts that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help=", ".join(PARTS))
    for part in parser.parse_args().parts:
        for row in PARTS[part]():
            show(row)


if __name__ == "__main__":
    main()
