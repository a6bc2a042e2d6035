"""How targets differ, read from their recipes: how they are called on one page, and which differ in exactly one thing.

A thing is what a reader would vary on purpose: weight, activation and input bits are one; a surrogate and its parameters another. What
is no such group is a thing by itself, every field that the recipe will ever have included (`mia_audit.recipe.differing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mia_audit.recipe.describing import told_apart
from mia_audit.recipe.differing import NOT_PLOTTED, fields
from mia_audit.record import AttackResult, Record

THINGS = {
    "bits": ("model.quantization.weight_bits", "model.quantization.activation_bits", "model.quantization.input_bits"),
    "quantized layers": ("model.quantization.first_layer", "model.quantization.last_layer"),
    "surrogate": (
        "model.neuron.surrogate",
        "model.neuron.surrogate_variant",
        *(f"model.neuron.surrogate_{name}" for name in ("slope", "height", "width", "bound", "mean", "variance")),
    ),
    "membranes": ("model.quantization.membrane_bits", "model.quantization.membrane_limits"),
    "epochs": ("training.epochs", "training.stop_epoch"),
    "network": ("model.architecture", "model.hidden", "model.channels", "model.kernel", "model.padding", "model.layers"),
}
"""Fields that are one thing together; any other field is one by itself, under its path."""

NEVER_A_LINE = ("data", "examples", "engine", "network", "training.seed", "audit.shadows", "model.neuron")
"""Seeds are repetitions; an ANN and a spiking network differ in several things; shadow models change what an attack sees, no target."""
LARGE_FIRST = ("bits",)


@dataclass(frozen=True, kw_only=True)
class Target:
    """A record of a comparison, the number that figures show it by, and a label that is unlike any other's."""

    number: int
    label: str
    record: Record

    @property
    def spiking(self) -> bool:
        """Whether the target is a spiking network."""
        return self.record.summary.recipe.model.spiking

    def attack(self, name: str) -> AttackResult:
        """Return an attack's result on this target."""
        return next(attack for attack in self.record.summary.attacks if attack.name == name)


@dataclass(frozen=True, kw_only=True)
class Line:
    """Targets that differ in one thing and in nothing else, in its order."""

    thing: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """The targets of one data set. `attack` is the one that the figures show, None when no attack was run on all."""

    title: str
    targets: tuple[Target, ...]
    attack: str | None
    lines: tuple[Line, ...]


def groups(records: Sequence[Record]) -> list[Group]:
    """Return the records by data set, never mixed, each numbered in the order given."""
    found: dict[tuple[Any, ...], list[Target]] = {}
    for number, (label, record) in enumerate(zip(labels(records), records, strict=True), start=1):
        facts = record.summary.data
        found.setdefault((facts.name, facts.title, facts.shape, facts.classes), []).append(
            Target(number=number, label=label, record=record)
        )
    return [
        Group(
            title=targets[0].record.summary.data.title, targets=tuple(targets), attack=common_attack(targets), lines=tuple(lines(targets))
        )
        for targets in found.values()
    ]


def labels(records: Sequence[Record]) -> list[str]:
    """Return what each record is called: its recipe in words; where recipes do not tell two records apart, their ids do."""
    told = told_apart([record.summary.recipe for record in records], NOT_PLOTTED)
    return [label if told.count(label) == 1 else f"{label}, {record.id[:8]}" for label, record in zip(told, records, strict=True)]


def common_attack(targets: Sequence[Target]) -> str | None:
    """Return the attack run on all targets that did best on shadow models alone, None when there is none."""
    common = set.intersection(*({attack.name for attack in target.record.summary.attacks} for target in targets))
    return max(sorted(common), key=lambda name: sum(target.attack(name).rehearsal_auc for target in targets), default=None)


def lines(targets: Sequence[Target]) -> list[Line]:
    """Return all lines through two or more targets that differ in exactly one thing."""
    things = {target.number: things_of(target.record) for target in targets}
    names = dict.fromkeys([*THINGS, *(name for told in things.values() for name in told)])
    return [line for name in names if name not in NEVER_A_LINE for line in _lines_of(name, targets, things)]


def things_of(record: Record) -> dict[str, Any]:
    """Return the things in which targets can differ, each with its values by path; and what they were made of beside the recipe."""
    found: dict[str, Any] = {}
    for path, value in fields(record.summary.recipe, NOT_PLOTTED).items():
        found.setdefault(_thing(path), {})[path] = value
    engine = record.summary.engine
    dealt = (record.summary.data.sha256, record.arrays["membership"][0].tobytes())
    return {**found, "examples": dealt, "engine": (engine.version, engine.device_type)}


def _thing(path: str) -> str:
    if path.startswith("data."):
        return "data"
    return next((thing for thing, paths in THINGS.items() if path in paths), path)


def _lines_of(thing: str, targets: Sequence[Target], things: Mapping[int, Mapping[str, Any]]) -> list[Line]:
    found: dict[str, dict[str, Target]] = {}
    for target in targets:
        own = things[target.number]
        if thing in own:
            rest = repr(sorted((name, told) for name, told in own.items() if name != thing))
            found.setdefault(rest, {}).setdefault(repr(own[thing]), target)
    called = thing.rpartition(".")[2].replace("_", " ")
    return [Line(thing=called, targets=_in_order(thing, group, things)) for group in found.values() if len(group) > 1]


def _in_order(thing: str, found: Mapping[str, Target], things: Mapping[int, Mapping[str, Any]]) -> tuple[Target, ...]:
    """Return a line's targets in the order of their numbers, by test accuracy where what varies is no number."""
    values = {target.number: tuple(things[target.number][thing].values()) for target in found.values()}
    if all(isinstance(value, int | float) for each in values.values() for value in each):
        return tuple(sorted(found.values(), key=lambda target: values[target.number], reverse=thing in LARGE_FIRST))
    return tuple(sorted(found.values(), key=lambda target: (_accuracy(target), target.number)))


def _accuracy(target: Target) -> float:
    return target.record.summary.utility.test_accuracy.value or 0.0
