"""How targets differ, read from their recipes: which may be compared, and which differ in exactly one thing.

A thing is what a reader would vary on purpose: weight, activation and input bits are one; a surrogate and its variant another.
The number of shadow models is no property of a target, but it decides what an audit can see; it is told beside the plot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mia_audit.recipe import Recipe
from mia_audit.record import AttackResult, Record

NEVER_A_LINE = ("data", "network", "seed")  # seeds are repetitions; an ANN and a spiking network differ in several things
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
    names = [record.summary.recipe.name for record in records]
    found: dict[str, list[Target]] = {}
    for number, (name, record) in enumerate(zip(names, records, strict=True), start=1):
        label = name if names.count(name) == 1 else record.name
        found.setdefault(record.summary.data.sha256, []).append(Target(number=number, label=label, record=record))
    return [
        Group(
            title=targets[0].record.summary.data.title, targets=tuple(targets), attack=common_attack(targets), lines=tuple(lines(targets))
        )
        for targets in found.values()
    ]


def common_attack(targets: Sequence[Target]) -> str | None:
    """Return the attack run on all targets that did best on shadow models alone, None when there is none."""
    common = set.intersection(*({attack.name for attack in target.record.summary.attacks} for target in targets))
    return max(sorted(common), key=lambda name: sum(target.attack(name).rehearsal_auc for target in targets), default=None)


def lines(targets: Sequence[Target]) -> list[Line]:
    """Return all lines through two or more targets that differ in exactly one thing."""
    things = {target.number: things_of(target.record.summary.recipe) for target in targets}
    names = [name for name in next(iter(things.values())) if name not in NEVER_A_LINE]
    return [line for name in names for line in _lines_of(name, targets, things)]


def things_of(recipe: Recipe) -> dict[str, Any]:
    """Return the things in which targets can differ, each with its value."""
    model, training, bits = recipe.model, recipe.training, recipe.model.quantization
    neuron = model.neuron
    return {
        "data": recipe.data,
        "network": (model.architecture, model.hidden, model.channels, model.kernel, model.padding, model.spiking),
        "bits": (bits.weight_bits, bits.activation_bits, bits.input_bits),
        "quantized layers": (bits.first_layer, bits.last_layer),
        "surrogate": neuron and (neuron.surrogate, neuron.surrogate_variant),
        "neuron": neuron and (neuron.beta, neuron.threshold, neuron.reset),
        "time steps": model.time_steps,
        "encoding": model.encoding,
        "readout": model.readout,
        "epochs": training.epochs,
        "batch size": training.batch_size,
        "learning rate": training.learning_rate,
        "weight decay": training.weight_decay,
        "seed": training.seed,
    }


def in_words(recipe: Recipe) -> str:
    """Return what a target is, in a few words."""
    model, bits = recipe.model, recipe.model.quantization
    kind = f"spiking, {model.time_steps} steps, {model.neuron.surrogate}" if model.neuron else "ANN"
    return f"{kind}; weights {bits.weight_bits} bit, activations {bits.activation_bits} bit"


def apart(group: Group) -> list[tuple[Target, list[Target]]]:
    """Return each target with those that leak more: whose AUC intervals lie wholly above its own. Failed audits do not count."""
    name = group.attack
    if name is None:
        return []
    sound = [target for target in group.targets if target.record.summary.sound]
    ordered = sorted(sound, key=lambda target: target.attack(name).auc.low)
    above = [(less, [more for more in ordered if less.attack(name).auc.high < more.attack(name).auc.low]) for less in ordered]
    return [(less, more) for less, more in above if more]


def _lines_of(thing: str, targets: Sequence[Target], things: dict[int, dict[str, Any]]) -> list[Line]:
    found: dict[str, dict[str, Target]] = {}
    for target in targets:
        own = things[target.number]
        rest = repr({name: told for name, told in own.items() if name != thing})
        found.setdefault(rest, {}).setdefault(repr(own[thing]), target)
    return [Line(thing=thing, targets=_in_order(thing, group, things)) for group in found.values() if len(group) > 1]


def _in_order(thing: str, found: dict[str, Target], things: dict[int, dict[str, Any]]) -> tuple[Target, ...]:
    values = [things[target.number][thing] for target in found.values()]
    if thing == "bits" or all(isinstance(told, int | float) for told in values):
        return tuple(sorted(found.values(), key=lambda target: things[target.number][thing], reverse=thing in LARGE_FIRST))
    return tuple(sorted(found.values(), key=lambda target: (_accuracy(target), target.number)))


def _accuracy(target: Target) -> float:
    return target.record.summary.utility.test_accuracy.value or 0.0
