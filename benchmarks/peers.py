"""The whole audit against the toolkits that install here: one target, 16 shadow models, a shadow and a threshold attack.

Theirs: peer.py, in an environment of its own (made here, in the user's cache), the networks of baseline.py trained by the
toolkit's own code. Ours: `mia-audit run --attacks seed --shadows 16 --workers 1`, which trains a phantom target besides,
and draws the report. Both are whole processes with one thread; seconds are CPU seconds from start to end.

Their trainings are alike, so two shadow models are trained, for a few epochs, and scaled. An epoch costs what a shadow model's
further epochs took beyond the target's, or the mean of all its epochs, whichever is less: in the first, quantizers collect
statistics. What a toolkit does once a shadow model (predicting the pool) counts 16 times, what it does after every epoch of one
(auditml validates) 16 times the epochs, and its attacks once, on the two. `--full` trains everything.

    python benchmarks/peers.py [digits] [fashion-mnist] [--toolkits ...] [--full]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.setting import data_root, setting
from benchmarks.table import Row, say, show
from mia_audit.recipe import filled

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"adversarial-robustness-toolbox": "1.20.1", "sacroml": "2.0.1", "auditml": "0.1.0"}
SHADOWS = 16
BRIEF = {"digits": (2, 6), "fashion-mnist": (1, 2)}  # epochs of the target and of each of two shadow models


@dataclass(frozen=True, kw_only=True)
class Training:
    """How much of their training is done: shadow models, epochs of the target and of a shadow model."""

    shadows: int
    target_epochs: int
    shadow_epochs: int


def environment() -> Path:
    """Return the Python of the toolkits' environment, made on first use."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mia-audit" / "peers-venv"
    python, made = folder / "bin" / "python", folder / ".made"
    packages = [f"{name}=={version}" for name, version in PACKAGES.items()]
    if not made.exists() or made.read_text(encoding="ascii").split() != packages:
        say(f"making {folder} (a minute, 2 GB)")
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
        install = [
            *uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            str(python),
            "--constraints",
            str(ROOT / "constraints.txt"),
            "--editable",
            str(ROOT),
        ]
        subprocess.run([*install, *packages], check=True)
        made.write_text("\n".join(packages), encoding="ascii")
    return python


def theirs(toolkit: str, dataset: str, training: Training) -> dict[str, float]:
    """Return CPU seconds of one toolkit's audit by phase."""
    numbers = [str(number) for number in (training.shadows, training.target_epochs, training.shadow_epochs)]
    command = [str(environment()), "-W", "ignore", str(ROOT / "benchmarks" / "peer.py"), toolkit, dataset, *numbers]
    phases: dict[str, float] = json.loads(_output(command).strip().splitlines()[-1])
    say(f"{toolkit} on {dataset}: {phases}")
    return phases


def scaled(phases: dict[str, float], training: Training, epochs: int) -> float:
    """Return the CPU seconds of the whole audit: target and 16 shadow models, all epochs."""
    target, shadow = phases["target: training"], phases["shadows: training"] / training.shadows
    validation = phases.get("shadows: validation", 0.0) / training.shadows
    besides = phases["shadows"] / training.shadows - shadow - validation
    epoch, more = shadow / training.shadow_epochs, training.shadow_epochs - training.target_epochs
    if more:
        epoch = min(epoch, (shadow - target) / more)
    model = shadow + (epochs - training.shadow_epochs) * epoch
    once = phases["start"] + phases["prepare"] + phases["target"] - target + phases["attacks"]
    return once + (1 + SHADOWS) * model + SHADOWS * (besides + validation * epochs / training.shadow_epochs)


def ours(dataset: str) -> float:
    """Return the CPU seconds of `mia-audit run`, with a store of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "mia_audit", "run", "--target", "snn-q4", "--dataset", dataset, "--attacks", "shokri", "--workers", "1",
            "--shadows", str(SHADOWS), "--offline", "--device", "cpu", "--store", f"{folder}/store", "--out", f"{folder}/record",
        ]  # fmt: skip
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _output(command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def rows(dataset: str, toolkits: list[str], *, full: bool) -> Iterator[Row]:
    """Measure one data set; each row comes as soon as its toolkit is done, and a toolkit that fails takes no other's along."""
    epochs = filled(setting("snn-q4", dataset, 1).recipe.training.epochs)
    brief = Training(shadows=2, target_epochs=BRIEF[dataset][0], shadow_epochs=BRIEF[dataset][1])
    training = Training(shadows=SHADOWS, target_epochs=epochs, shadow_epochs=epochs) if full else brief
    how = "measured whole" if full else f"2 shadow models, {training.shadow_epochs} of {epochs} epochs, scaled linearly"
    mine = ours(dataset)
    say(f"mia-audit on {dataset}: {mine:.1f} CPU seconds")
    for toolkit in toolkits:
        try:
            phases = theirs(toolkit, dataset, training)
        except subprocess.CalledProcessError as error:
            say(f"{toolkit} on {dataset} failed: {error}")
            continue
        seconds = scaled(phases, training, epochs)
        validated = ", its validation after every epoch of a shadow model included" if "shadows: validation" in phases else ""
        yield Row(
            what=f"whole audit of snn-q4 on {dataset}, {SHADOWS} shadow models, shadow and threshold attacks",
            ours=f"{mine:.1f} s (and a phantom target, and the report)",
            against=f"{toolkit} {PACKAGES[toolkit]}: {seconds:,.0f} s",
            ratio=f"{seconds / mine:.1f} x",
            bar="5 x",
            how=f"CPU seconds, one thread, process start to end; theirs: {how}{validated}",
        )


def _output(command: list[str]) -> str:
    """Return what a process writes; CalledProcessError, after its last words were shown, when it fails."""
    ran = subprocess.run(command, env=_env(), check=False, capture_output=True, text=True)
    if ran.returncode:
        say("\n".join(ran.stderr.splitlines()[-40:]))
        ran.check_returncode()
    return ran.stdout


def _env() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "MIA_AUDIT_DATA": str(data_root())}


def main() -> None:
    """Measure the data sets and toolkits that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=list(BRIEF))
    parser.add_argument("--toolkits", nargs="+", choices=PACKAGES, default=list(PACKAGES))
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    say(f"the toolkits' Python: {environment()}")  # made before anything is measured
    shown = 0
    for dataset in arguments.datasets:
        for row in rows(dataset, arguments.toolkits, full=arguments.full):
            show(row)
            shown += 1
    sys.exit(int(shown < len(arguments.datasets) * len(arguments.toolkits)))


if __name__ == "__main__":
    main()
