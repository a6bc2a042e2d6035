"""What all controls cost: CPU seconds and peak memory of an audit with them and without.

    python -m benchmarks.controls [--dataset digits] [--target snn] [--shadows 16] [--set training.epochs=2 ...]

One audit trains and fills a store; then the same audit is judged from the store with all controls and with none, each in a process of its
own (one worker, so that all is in it). What controls add in training, fingerprints at the networks' door, is timed in the first.
Printed are shares of the whole audit's CPU seconds, and of the peak memory of judging. Leaves with 1 above 5 % and 10 %.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.table import say

ROOT = Path(__file__).resolve().parent.parent
MOST_SECONDS, MOST_MEMORY = 0.05, 0.10


def main() -> int:
    """Measure, print a table, and say whether the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--target", default="snn")
    parser.add_argument("--shadows", type=int, default=16)
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="NAME=VALUE")
    parser.add_argument("--child", choices=("with", "without"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        sys.stdout.write("\n" + json.dumps(_measured(given)))
        return 0
    with tempfile.TemporaryDirectory() as place:
        trained, judged, bare = (_child(given, Path(place), mode) for mode in ("with", "with", "without"))
    seconds = (judged["seconds"] - bare["seconds"] + trained["looking"]) / trained["seconds"]
    memory = judged["peak"] / bare["peak"] - 1
    say("| data | target | audit, CPU s | judging with controls | without | fingerprints | share of CPU | peak MiB with | without |")
    say("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    say(
        f"| {given.dataset} | {given.target} | {trained['seconds']:.1f} | {judged['seconds']:.1f} | {bare['seconds']:.1f} | "
        f"{trained['looking']:.2f} | {100 * seconds:.1f} % | {judged['peak'] / 2**20:.0f} | {bare['peak'] / 2**20:.0f} |"
    )
    return 0 if seconds <= MOST_SECONDS and memory <= MOST_MEMORY else 1


def _child(given: argparse.Namespace, folder: Path, mode: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.controls", "--child", mode, "--folder", str(folder), "--dataset", given.dataset]
    command += ["--target", given.target, "--shadows", str(given.shadows), *(f"--set={each}" for each in given.settings)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(given: argparse.Namespace) -> dict[str, float]:
    """Audit in this process; return CPU seconds, those spent on fingerprints, and the peak of memory in bytes."""
    import mia_audit  # noqa: PLC0415
    from mia_audit.data import entrance  # noqa: PLC0415

    looking = [0.0]
    entrance.prints = _timed(entrance.prints, looking)
    if given.child == "without":
        _disarm()
    settings = {name: json.loads(value) for name, _, value in (each.partition("=") for each in given.settings)}
    start = time.process_time()
    mia_audit.run(
        given.target, dataset=given.dataset, shadows=given.shadows, settings=settings, store=given.folder / "store",
        out=given.folder / "record", workers=1, device="cpu", force=True,
    )  # fmt: skip
    seconds = time.process_time() - start
    return {"seconds": seconds, "looking": looking[0], "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def _timed(work: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    def timed(*given: Any) -> Any:
        start = time.process_time()
        found = work(*given)
        spent[0] += time.process_time() - start
        return found

    return timed


def _disarm() -> None:
    """Leave out every control that costs more than a comparison."""
    from mia_audit.audit.controls import guards, panel, rehearsing  # noqa: PLC0415
    from mia_audit.record.controls import COINS, OWN_COINS, PANEL  # noqa: PLC0415
    from mia_audit.record.findings import Beyond  # noqa: PLC0415
    from mia_audit.record.parts import Estimate  # noqa: PLC0415

    nothing = Estimate(value=0.0, low=0.0, high=0.0, method="left out")
    spared = panel.Haunted(
        control=PANEL.told(passed=None, detail="left out"), beyond=Beyond(phantoms=1, auc=0.5, difference=nothing, p=1.0), arrays={}
    )
    guards.guards = lambda *_: (COINS.told(passed=None, detail="left out"),)
    panel.panel = lambda *_, **__: None  # type: ignore[assignment]
    panel.judge = lambda *_: spared
    rehearsing.own_coins_control = lambda *_, **__: OWN_COINS.told(passed=None, detail="left out")
    rehearsing.direction_control = lambda *_: OWN_COINS.told(passed=None, detail="left out")


if __name__ == "__main__":
    raise SystemExit(main())
