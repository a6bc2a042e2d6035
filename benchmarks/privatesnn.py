"""PrivateSNN on a small scale: what conversion costs, what encryption hides, what each stage leaks; the paper's claims one by one.

    python -m benchmarks.privatesnn [digits | fashion-mnist] [--kept DIR]

Teachers are trained once, 14 of them with coins of their own; the audits of every stage share them. Networks 0 to 4 are the targets of
all that is not about membership, network 5 the shadow on which an attack's settings are chosen. Parts are kept in a folder, and what is
there is not computed again. Writes reports/privatesnn.md and privatesnn.json. Digits take half an hour of one busy core, Fashion-MNIST
hours. CIFAR-10 with the paper's vgg16 is for a GPU, and was not run:

    mia-audit run --target private-snn --dataset cifar10 --set model.architecture=vgg16 --set model.width=1.0 --device cuda
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.privatesnn_page import page
from benchmarks.setting import data_root
from benchmarks.table import say
from mia_audit.audit import asked, audit
from mia_audit.audit.request.options import Options, describe
from mia_audit.conversion import energy, exposure, folding, images, synthesis, timing
from mia_audit.conversion.balancing import Balancing, balance, currents, unfolded
from mia_audit.conversion.encryption import Lesson, encrypt
from mia_audit.conversion.stages import converted
from mia_audit.data import design
from mia_audit.data.examples import Examples, load
from mia_audit.inversion.ascent import Found, Settings
from mia_audit.inversion.evaluators import evaluators
from mia_audit.inversion.judging import Attack, member_shows, success, wrong_class
from mia_audit.inversion.prior import prior
from mia_audit.models.encoding import direct
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe, filled
from mia_audit.recipe.conversion import Encryption
from mia_audit.record import load as load_record
from mia_audit.training import plan
from mia_audit.training.lockstep import Pool, build
from mia_audit.training.material import Material, material
from mia_audit.training.store import Store
from mia_audit.types import Floats

ROOT = Path(__file__).resolve().parent.parent
REPORT, NUMBERS = ROOT / "reports" / "privatesnn.md", ROOT / "reports" / "privatesnn.json"
STAGES = ("ann-teacher", "converted-snn", "converted-snn-synthetic", "converted-snn-noise", "private-snn")
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "digits": {"data.pool": 900, "data.population": 200, "data.test": 690},
    "fashion-mnist": {"data.pool": 4_000, "data.population": 1_000, "data.test": 4_000},
}
SHADOWS, TARGETS, SHADOW = 12, 5, 5
STEPS = (4, 8, 16, 32, 64, 128)
IMAGES = 200  # of balancing, as of each inverted network
SYNTHESIS: Mapping[str, Any] = {"conversion.synthesis.images": 500, "conversion.synthesis.iterations": 150}
STRENGTHS = ((1e-4, 1), (1e-4, 5), (1e-3, 1), (1e-3, 5), (5e-3, 5), (2e-2, 5))  # learning rate, epochs
THROUGH = 8  # time steps in encryption and through time
GRID = tuple(Settings(iterations=50, learning_rate=rate, smoothness=price) for rate in (0.02, 0.1) for price in (0.0, 5.0))


@dataclass(frozen=True)
class Bench:
    """One data set, its teachers out of the store, and what all parts share."""

    dataset: str
    kept: Path

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe of an encrypted target; its teacher is everybody's."""
        own = {"conversion.images": IMAGES, "audit.shadows": SHADOWS, **SYNTHESIS}
        return describe("private-snn", Options(dataset=self.dataset, settings={**SETTINGS[self.dataset], **own}))

    @cached_property
    def examples(self) -> Examples:
        """The examples; the first half of the test set measures accuracy, the second teaches evaluators."""
        return load(self.recipe, root=data_root(), offline=True, progress=lambda _: None)

    @cached_property
    def given(self) -> Material:
        """The same as the engine holds them."""
        return material(self.recipe, self.examples)

    @property
    def half(self) -> int:
        """Where the test set is parted."""
        return len(self.examples.test_labels) // 2

    @cached_property
    def teachers(self) -> Population:
        """The first cohort of teachers, out of the store that the audits filled."""
        task = plan.tasks(self.recipe.teacher, self.rows, self.examples.sha256, "cpu")[0]
        pool = Pool(inputs=self.given.pool_inputs, labels=self.given.pool_labels, classes=self.given.classes)
        population = build(self.recipe.teacher, task.indices, pool)
        held = Store(folder=self.kept / "store").weights(task.key)
        assert held is not None, "membership comes first"  # noqa: S101
        population.load_state_dict({name: torch.from_numpy(value) for name, value in held.items()})
        return population.eval().requires_grad_(requires_grad=False)

    @cached_property
    def rows(self) -> Any:
        """Coins of all models."""
        return design.membership(self.recipe, design.FIRST_SHADOW + SHADOWS)

    def weights(self, models: list[int]) -> list[folding.Weights]:
        """Return some teachers' weights."""
        return folding.select(folding.folded(self.teachers), models)

    def plain(self, weights: list[folding.Weights]) -> Population:
        """Return ordinary networks of these weights."""
        return folding.build_plain(self.recipe, self.given.shape, self.given.classes, weights)

    def network(self, steps: int, start: float, models: int = TARGETS) -> Population:
        """Return blank converted networks."""
        return folding.build(self.started(start), self.given.shape, self.given.classes, models, steps=steps)

    def started(self, start: float) -> Recipe:
        """Return the recipe with another membrane before the first step."""
        return describe(self.recipe, Options(settings={"model.neuron.start": start}))

    @cached_property
    def made(self) -> synthesis.Synthetic:
        """Synthetic images of the targets."""
        targets = list(range(TARGETS))
        how = filled(self.recipe.conversion)
        return synthesis.synthesise(self.plain(self.weights(targets)), how.synthesis, self.given.shape, targets, self.recipe.training.seed)

    def balancing(self, source: str) -> Floats:
        """Return balancing images of the targets."""
        how, indices, rows, seed = filled(self.recipe.conversion), tuple(range(TARGETS)), self.rows[:TARGETS], self.recipe.training.seed
        if source == "members":
            return images.members(how, self.given.pool_inputs, rows, indices, seed).images
        if source == "noise":
            return images.noise(how, self.given.shape, rows, indices, seed).images
        return images.synthetic(how, self.made.images.numpy(), rows, indices, seed).images

    def balanced(self, source: str, start: float) -> tuple[Population, torch.Tensor]:
        """Return converted targets, for 50 steps, and their thresholds."""
        population = self.network(50, start)
        by = Balancing(
            images=torch.from_numpy(self.balancing(source)), percentile=100.0, model=self.started(start).model, generators=list,
            indices=range(TARGETS),
        )  # fmt: skip
        return population, balance(population, self.weights(list(range(TARGETS))), by)


def membership(bench: Bench) -> dict[str, Any]:
    """Audit every stage by suite quick, with shadow models that are teachers."""
    found = {}
    for target in STAGES:
        own = {**SETTINGS[bench.dataset], **({"conversion.images": IMAGES} if target != "ann-teacher" else {})}
        own |= SYNTHESIS if target in {"converted-snn-synthetic", "private-snn"} else {}
        options = asked(
            dataset=bench.dataset, settings=own, shadows=SHADOWS, workers=1, store=bench.kept / "store", device="cpu",
            out=bench.kept / f"{bench.dataset}-{target}", force=True, data_root=data_root(), offline=True,
        )  # fmt: skip
        folder = filled(options.out)
        summary = (load_record(folder) if (folder / "record.json").exists() else audit(target, options)).summary
        attacks = {each.name: each.auc.model_dump() for each in summary.attacks}
        failed = [control.name for control in summary.controls if control.passed is False]
        found[target] = {
            "accuracy": summary.utility.test_accuracy.model_dump(), "attacks": attacks, "headline": summary.headline, "failed": failed,
            "conversion": None if summary.conversion is None else summary.conversion.model_dump(),
        }  # fmt: skip
    return found


def by_steps(bench: Bench) -> dict[str, Any]:
    """Measure accuracy and energy at every number of steps, for both starts and all sources of balancing images."""
    inputs, labels = bench.given.test_inputs[: bench.half], bench.examples.test_labels[: bench.half]
    own = converted(bench.recipe).model
    counted = energy.sums(own, bench.given.classes, bench.given.shape)
    found: dict[str, Any] = {"teacher": _accuracy(bench.plain(bench.weights(list(range(TARGETS)))), inputs, labels).tolist(), "runs": []}
    for start in (0.0, 0.5):
        for source in ("members", "synthetic", "noise"):
            population, thetas = bench.balanced(source, start)
            longer = bench.network(STEPS[-1], start)
            longer.load_state_dict(population.state_dict())
            run = timing.over_time(longer, inputs, own, 0)
            places = [steps - 1 for steps in STEPS]
            gains = [energy.gain(counted, spikes.numpy(), static=True) for spikes in run.spikes]
            reached = timing.accuracies(run.logits, labels)[:, places].tolist()
            gained = {pair: [gain[pair][places].tolist() for gain in gains] for pair in energy.PICOJOULES}
            found["runs"].append({"start": start, "source": source, "accuracy": reached, "gain": gained, "thresholds": thetas.tolist()})
    found["agreement"], found["iterations"] = bench.made.agreement.tolist(), bench.made.iterations.tolist()
    return found


def exposed(bench: Bench) -> dict[str, Any]:
    """Count how many of the first target's balancing members a threshold gives away, layer by layer."""
    population, _ = bench.balanced("members", 0.5)
    x = direct(torch.from_numpy(bench.balancing("members")))
    found = []
    with torch.no_grad():
        for place in folding.firing(population):
            each = currents(population, place, x)[0].transpose(0, 1).flatten(1).numpy()
            most, some = exposure.exposure(each, 100.0), exposure.exposure(each, 99.9)
            found.append({
                "maximum": int(most.moves().sum()), "maximum moves": float(np.abs(most.without / most.whole - 1).max()),
                "percentile": int(some.moves().sum()), "percentile by 1 %": int(some.moves(0.01).sum()),
            })  # fmt: skip
    return {"images": IMAGES, "layers": found}


def leakage(bench: Bench) -> dict[str, Any]:
    """Invert teachers, converted networks through time and encrypted ones; judge images and controls."""
    judge = _Judging(bench)
    targets = bench.plain(bench.weights(list(range(TARGETS))))
    population, thetas = bench.balanced("synthetic", 0.5)
    found: dict[str, Any] = {"rows": [judge.row("teacher", targets, known) for known in (False, True)], "natural": judge.natural}
    found["rows"] += [judge.row("untrained", judge.untrained, known) for known in (False, True)]
    found["rows"].append(judge.through(population))
    found["curve"] = [_strength(bench, judge, population, thetas, rate, epochs) for rate, epochs in STRENGTHS]
    found["settings"] = {str(known): str(judge.settings[known]) for known in (False, True)}
    return found


def _strength(bench: Bench, judge: "_Judging", start: Population, thetas: torch.Tensor, rate: float, epochs: int) -> dict[str, Any]:  # noqa: PLR0913, PLR0917
    """Encrypt at one strength, and invert what the weights are mapped back to."""
    population = bench.network(THROUGH, 0.5)
    population.load_state_dict(start.state_dict())
    made, targets = bench.made, bench.plain(bench.weights(list(range(TARGETS))))
    taught = targets.logits(direct(made.images)).detach()
    lesson = Lesson(images=made.images, labels=made.labels, teacher=taught, indices=range(TARGETS), seed=bench.recipe.training.seed)
    moved = encrypt(population, lesson, Encryption(epochs=epochs, batch_size=50, learning_rate=rate), converted(bench.recipe).model)
    inputs, labels = bench.given.test_inputs[: bench.half], bench.examples.test_labels[: bench.half]
    mapped = bench.plain([own._replace(weight=own.weight.detach()) for own in unfolded(population, thetas)])
    run = timing.over_time(population.requires_grad_(requires_grad=False), inputs, converted(bench.recipe).model, 0)
    return {
        "learning_rate": rate, "epochs": epochs, "moved": moved.tolist(), "accuracy": timing.accuracies(run.logits, labels)[:, -1].tolist(),
        "mapped": _accuracy(mapped, inputs, labels).tolist(), "rows": [judge.row("mapped back", mapped, known) for known in (False, True)],
    }  # fmt: skip


class _Judging:
    """Evaluators, the prior, and settings chosen on the shadow."""

    def __init__(self, bench: Bench) -> None:
        given, half = bench.given, bench.half
        taught = Pool(inputs=given.test_inputs[half:], labels=bench.examples.test_labels[half:], classes=given.classes)
        self.bench, self.judges = bench, evaluators(taught, [given.pool_inputs, given.population_inputs], epochs=25)
        self.known = prior(given.population_inputs)
        self.classes = torch.arange(IMAGES) % given.classes
        shadow = bench.plain(bench.weights([SHADOW]))
        self.attacks = {known: self._attack(known=known) for known in (False, True)}
        self.settings = {known: attack.chosen(shadow, GRID, self.judges) for known, attack in self.attacks.items()}
        right = success(self.judges, Found(
            images=torch.from_numpy(given.test_inputs[:half]).unsqueeze(0), classes=torch.from_numpy(bench.examples.test_labels[:half]),
            recognised=torch.ones(1),
        ))  # fmt: skip
        noise = np.random.default_rng(0).random((1, IMAGES, *given.shape), dtype=np.float32)
        told = success(self.judges, Found(images=torch.from_numpy(noise), classes=self.classes, recognised=torch.ones(1)))
        self.natural = {"natural": {name: float(each[0]) for name, each in right.items()},
                        "noise": {name: float(each[0]) for name, each in told.items()}}  # fmt: skip

    def _attack(self, *, known: bool) -> Attack:
        return Attack(classes=self.classes, shape=self.bench.given.shape, seed=11, known=self.known if known else None)

    @property
    def untrained(self) -> Population:
        """Networks that learnt nothing."""
        pool = Pool(inputs=self.bench.given.pool_inputs, labels=self.bench.given.pool_labels, classes=self.bench.given.classes)
        return build(self.bench.recipe.teacher, tuple(range(TARGETS)), pool).eval()

    def row(self, name: str, networks: Population, known: bool) -> dict[str, Any]:
        """Invert networks and say what is seen in the images."""
        return self._told(name, self.attacks[known].run(networks, self.settings[known]), known)

    def through(self, population: Population) -> dict[str, Any]:
        """Invert converted networks through time, for so many steps, fewer images."""
        shorter = self.bench.network(THROUGH, 0.5)
        shorter.load_state_dict(population.state_dict())
        attack = Attack(classes=self.classes[:50], shape=self.bench.given.shape, seed=11)
        return self._told("converted, through time", attack.run(shorter, self.settings[False]), known=False)

    def _told(self, name: str, found: Found, known: bool) -> dict[str, Any]:
        given = self.bench.given
        right, wrong = success(self.judges, found), wrong_class(self.judges, found, given.classes)
        return {
            "name": name, "prior": known, "recognised": found.recognised.tolist(), "images": found.images.shape[1],
            "success": {judge: each.tolist() for judge, each in right.items()},
            "wrong": {judge: each.tolist() for judge, each in wrong.items()}
        }  # fmt: skip


def members(bench: Bench) -> dict[str, Any]:
    """Ask of each target's images whether the nearest member is nearer than the nearest of as many others; images of one are alike."""
    chosen = json.loads((bench.kept / f"{bench.dataset}-leakage.json").read_text(encoding="utf-8"))["settings"]["False"]
    how = next(each for each in GRID if str(each) == chosen)
    attack = Attack(classes=torch.arange(IMAGES) % bench.given.classes, shape=bench.given.shape, seed=11)
    found = attack.run(bench.plain(bench.weights(list(range(TARGETS)))), how)
    shown = []
    for own, row in zip(found.images, bench.rows[:TARGETS], strict=True):
        inside, outside = bench.given.pool_inputs[row], bench.given.pool_inputs[~row]
        fewer = min(len(inside), len(outside))
        told = member_shows(own, inside[:fewer], outside[:fewer])
        shown.append(told.nearer / told.pairs)
    return {"nearer": shown}


def _accuracy(networks: Population, inputs: Floats, labels: Any) -> Floats:
    """Return the accuracies [K] of ordinary networks."""
    with torch.no_grad():
        x = torch.from_numpy(inputs)
        seen = [networks.logits(direct(part.expand(networks.models, *part.shape))).argmax(dim=2) for part in x.split(500)]
    accuracies: Floats = (torch.cat(seen, dim=1).numpy() == labels).mean(axis=1)
    return accuracies


PARTS: Mapping[str, Callable[[Bench], dict[str, Any]]] = {
    "membership": membership, "by_steps": by_steps, "exposed": exposed, "leakage": leakage,
    "members": members,
}  # fmt: skip


def main() -> None:
    """Compute what is not there yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", nargs="?", default="digits", choices=SETTINGS)
    parser.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()) / "privatesnn")
    told = parser.parse_args()
    told.kept.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    bench = Bench(dataset=told.dataset, kept=told.kept)
    for name, part in PARTS.items():
        file = told.kept / f"{told.dataset}-{name}.json"
        if not file.exists():
            say(f"{told.dataset}: {name}")
            file.write_text(json.dumps(part(bench), indent=1) + "\n", encoding="utf-8")
    found = {} if not NUMBERS.exists() else json.loads(NUMBERS.read_text(encoding="utf-8"))
    found[told.dataset] = {name: json.loads((told.kept / f"{told.dataset}-{name}.json").read_text(encoding="utf-8")) for name in PARTS}
    NUMBERS.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    REPORT.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
