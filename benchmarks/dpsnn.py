"""What DPSNN (Wang et al. 2022, arXiv:2205.12718v1) reports, trained again: Net2, spiking and tanh, by DP-SGD on all 60,000 examples.

    python -m benchmarks.dpsnn [--small] [--only WORD] [--kept DIR] [--report]

Five noise multipliers on MNIST (60 epochs) and Fashion-MNIST (80), then the paper's ablations at noise 1 on Fashion-MNIST, all at one
epsilon. Test accuracy is measured after every epoch: the paper's is its best epoch's, which no epsilon covers, so the last one's stands
first. Each run is a part in a folder; what is there is not run again, and the report names what is missing. --small: noise 1, 0.5 and 1.6,
5 epochs, no ablations; a table of its own in the same report.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.setting import data_root, one_thread
from benchmarks.table import say
from mia_audit.audit.request.options import Options, describe
from mia_audit.data.examples import load
from mia_audit.models.network import Population
from mia_audit.privacy.claim import claimed
from mia_audit.privacy.constants import mechanism
from mia_audit.recipe import Recipe
from mia_audit.signals import query
from mia_audit.training.lockstep import Cohort, Pool, train
from mia_audit.training.material import material

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "benchmarks" / "results" / "dpsnn"
EXAMPLES = 60_000
NOISES = (1.0, 0.5, 1.6, 0.7, 1.3)
SMALL, FEW = 3, 5
"""How many of them, and how many epochs, the small runs have."""
EPOCHS: Mapping[str, int] = {"mnist": 60, "fashion-mnist": 80}
PAPER: Mapping[tuple[str, str], tuple[float, ...]] = {
    ("mnist", "dp-snn"): (98.36, 98.63, 97.96, 98.55, 98.19),
    ("mnist", "dp-ann"): (97.31, 98.45, 95.35, 97.95, 96.57),
    ("fashion-mnist", "dp-snn"): (87.93, 88.37, 87.31, 88.34, 87.51),
    ("fashion-mnist", "dp-ann"): (85.90, 88.33, 83.82, 87.72, 84.75),
}
"""Its tables 1 and 2 in percent, in the order of NOISES, each at the best epoch."""

ABLATIONS: Mapping[str, Mapping[str, Any]] = {
    "surrogate sech2": {"model.neuron.surrogate": "sech2"},
    "surrogate gaussian": {"model.neuron.surrogate": "gaussian"},
    "leaky, beta 0.8": {"model.neuron.beta": 0.8},
    "T = 10": {"model.time_steps": 10},
    "T = 15": {"model.time_steps": 15},
    "threshold 1": {"model.neuron.threshold": 1.0},
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training: target, data set, noise multiplier, epochs; what is changed, and the accuracy that the paper has for it, in percent."""

    target: str
    dataset: str
    noise: float
    epochs: int
    change: str = ""
    paper: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """A name fit for a file."""
        told = f"{self.target}-{self.dataset}-{self.noise:g}-{self.epochs}{f'-{self.change}' if self.change else ''}"
        return "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in told)

    def recipe(self) -> Recipe:
        """Return the claimed recipe, in which every example of the training part is a member."""
        own = {
            "data.pool": EXAMPLES,
            "data.population": 0,
            "data.test": 10_000,
            "training.epochs": self.epochs,
            "data.member_fraction": 0.5,
        }
        settings = {**own, "training.precision": "fp32", "privacy.noise_multiplier": self.noise, **self.settings}
        recipe = describe(self.target, Options(dataset=self.dataset, settings=settings))
        every = tuple(range(1, self.epochs + 1))
        data = recipe.data.model_copy(update={"member_fraction": 1.0})  # no audit: there are no coins
        training = recipe.training.model_copy(update={"checkpoints": every})
        return claimed(recipe.model_copy(update={"data": data, "training": training}))


def runs(*, small: bool) -> Iterator[Run]:
    """Yield all runs, those that matter most first."""
    for number, noise in enumerate(NOISES[:SMALL] if small else NOISES):
        for dataset, epochs in EPOCHS.items():
            for target in ("dp-snn", "dp-ann"):
                paper = PAPER[dataset, target][number]
                yield Run(target=target, dataset=dataset, noise=noise, epochs=FEW if small else epochs, paper=None if small else paper)
    for change, settings in {} if small else ABLATIONS.items():
        yield Run(target="dp-snn", dataset="fashion-mnist", noise=1.0, epochs=20, change=change, settings=settings)
    if not small:
        yield Run(target="dp-snn", dataset="fashion-mnist", noise=1.0, epochs=20, change="as it is")


def trained(run: Run) -> dict[str, Any]:
    """Train one model and return its test accuracy after every epoch, and what its training guarantees."""
    recipe = run.recipe()
    examples = load(recipe, root=data_root(), offline=True, progress=lambda _: None)
    given, found = material(recipe, examples), list[float]()

    def measure(epoch: int, population: Population) -> None:
        answers = query(population, given.test_inputs, recipe).logits[0].mean(axis=0).argmax(axis=-1)
        found.append(float((answers == examples.test_labels).mean()))
        say(f"{run.name}: epoch {epoch}, {found[-1]:.4f}")

    cohort = Cohort(indices=(0,), rows=np.ones((1, len(given.pool_labels)), dtype=np.bool_))
    pool = Pool(inputs=given.pool_inputs, labels=given.pool_labels, classes=given.classes)
    train(recipe, cohort, pool, torch.device("cpu"), lambda _: None, measure)
    told = mechanism(recipe)
    return {"accuracies": found, "epsilon": recipe.audit.claimed_epsilon, "rate": told.rate, "steps": told.steps}


HEAD = """# DPSNN, trained again

Made by `python -m benchmarks.dpsnn` and `python -m benchmarks.dpsnn --small`: Net2 on all 60,000 examples, one model a row, seed 0. Epsilon
is of all epochs, by privacy loss distributions under add/remove at delta 1e-5. The paper's accuracy is its best epoch's; choosing one costs
privacy that no epsilon here covers, so compare it with the column `best`, and believe `last`."""


def page(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the report: both sizes, networks at equal epsilon, and what of the paper holds so far."""
    whole, small = list(runs(small=False)), list(runs(small=True))
    named = (("As the paper trains", whole), (f"{FEW} epochs", small))
    told = [f"## {title}\n\n{table(each, parts)}" for title, each in named]
    return (
        "\n\n".join([HEAD, *told, f"## At equal epsilon\n\n{equal([*whole, *small], parts)}", f"## The paper\n\n{claims(whole, parts)}"])
        + "\n"
    )


def table(all_runs: list[Run], parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a row for each run that is there, and the names of those that are missing."""
    rows = []
    for run in all_runs:
        if (part := parts.get(run.name)) is None:
            continue
        last, best = part["accuracies"][-1], max(part["accuracies"])
        paper = "-" if run.paper is None else f"{run.paper:.2f}"
        rows.append(
            f"| {run.dataset} | {run.target}{f', {run.change}' if run.change else ''} | {run.noise:g} | {run.epochs} "
            f"| {part['epsilon']:.2f} | {100 * last:.2f} | {100 * best:.2f} | {paper} |"
        )
    missing = [run.name for run in all_runs if run.name not in parts]
    head = "| data | target | noise | epochs | epsilon | last, % | best, % | paper, % |\n|---|---|---:|---:|---:|---:|---:|---:|"
    said = f"Missing: {', '.join(missing)}." if missing else "All runs are there."
    return "\n\n".join([*(["\n".join([head, *rows])] if rows else []), said])


def equal(all_runs: list[Run], parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the spiking network's last accuracy less its ordinary twin's, where noise and epochs, hence epsilon, are the same."""
    there = {(run.dataset, run.noise, run.epochs, run.target): parts[run.name] for run in all_runs if run.name in parts and not run.change}
    lines = []
    for (dataset, noise, epochs, target), spiking in there.items():
        plain = there.get((dataset, noise, epochs, "dp-ann"))
        if target == "dp-snn" and plain is not None:
            ours, theirs = (100 * each["accuracies"][-1] for each in (spiking, plain))
            lines.append(
                f"- {dataset}, epsilon {spiking['epsilon']:.2f} (noise {noise:g}, {epochs} epochs): dp-snn {ours:.2f}, dp-ann "
                f"{theirs:.2f}, difference {ours - theirs:+.2f}"
            )
    return "\n".join(lines) or "No pair is there yet."


def claims(whole: list[Run], parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Say of each accuracy that the paper reports for noise 1 whether it was reached, or that it was not tried."""
    lines = []
    for run in whole:
        if run.noise != NOISES[0] or run.change:
            continue
        part = parts.get(run.name)
        found = "not run at this size" if part is None else f"{100 * max(part['accuracies']):.2f} here, at its best epoch"
        lines.append(f"- {run.target} on {run.dataset}, noise 1, {run.epochs} epochs: {run.paper:.2f} there; {found}")
    return "\n".join(lines)


def kept(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the parts that are there, by name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def main() -> None:
    """Run what is missing, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--kept", type=Path, default=KEPT)
    parser.add_argument("--report", action="store_true", help="write the report of what is there, and run nothing")
    asked = parser.parse_args()
    one_thread()
    asked.kept.mkdir(parents=True, exist_ok=True)
    all_runs = list(runs(small=asked.small))
    for run in [] if asked.report else all_runs:
        path = asked.kept / f"{run.name}.json"
        if asked.only in run.name and not path.exists():
            found = json.dumps(trained(run), indent=1)
            path.with_suffix(".part").write_text(found + "\n", encoding="utf-8")
            path.with_suffix(".part").replace(path)
    report = ROOT / "reports" / "dpsnn.md"
    report.write_text(page(kept(asked.kept)), encoding="utf-8")
    say(f"{report} written")


if __name__ == "__main__":
    main()
