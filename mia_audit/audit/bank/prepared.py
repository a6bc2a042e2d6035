"""What an audit holds between its stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.attacks import Attack
from mia_audit.attacks.cards import Card
from mia_audit.data import design
from mia_audit.data.examples import Examples
from mia_audit.recipe import Recipe
from mia_audit.statistics.slices import Grouping
from mia_audit.training.cost import Memory
from mia_audit.training.store import Store, Tensors
from mia_audit.types import Bools, Evidence, Floats, Ints, PopulationData, Signal

TOLD = "conversion/"
"""What the names begin with of what a cohort tells of its conversion."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Everything fixed before the first model trains; whatever the user got wrong has been said by now."""

    recipe: Recipe
    cards: tuple[Card, ...]
    attacks: tuple[Attack, ...]
    left_out: tuple[str, ...]  # sentences: attacks of a suite that cannot run here
    examples: Examples
    rows: Bools  # [2 + shadows, pool]
    audited: Ints  # pool positions [A]
    device: str
    store: Store
    memory: Memory
    workers: int
    groupings: tuple[Grouping, ...] = ()  # how the reader parts the pool, beside classes

    @property
    def wanted(self) -> frozenset[str]:
        """What the attacks need, all together."""
        return frozenset().union(*(attack.needs for attack in self.attacks))


@dataclass(frozen=True, kw_only=True)
class Bank:
    """What all models answered: logits [models, queries, examples, classes] of three pools, rates [models, layers].

    signals     further signals by name, [models, pool, ...]
    asked       fingerprints of what entered the models when asked, of every model (or cohort) and checkpoint, [askings, queries, pool]
    trained_on  what was in each model's batches, [models, pool]
    fed         what binds the batches that entered in training at the steps looked at, [models, steps]
    calibrated  fingerprints of what quantizers were calibrated on, of every cohort [cohorts, examples]; None where nothing was
    told        what is told of conversions by name, each [converted models, ...]; nothing where there are none
    teachers    where shadow models stand at another stage than the target: all models at theirs

    Those of what entered are None where a cohort was stored by a version that did not keep them.
    """

    pool: Floats
    third: Floats  # no examples where the recipe has no population
    test: Floats
    rates: Floats
    signals: Mapping[str, Floats] = field(default_factory=dict)
    asked: Ints | None = None
    trained_on: Bools | None = None
    fed: Ints | None = None
    calibrated: Ints | None = None
    told: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    teachers: "Bank | None" = None

    @property
    def alike(self) -> "Bank":
        """All models at one stage: what compares them with one another looks at these."""
        return self.teachers or self


def gather(cohorts: Sequence[Tensors], taken: Sequence[Tensors] = ()) -> Bank:
    """Put the cohorts of a population and the further signals taken from them together, in the order of the models."""
    return Bank(
        pool=np.concatenate([cohort["pool/logits"] for cohort in cohorts]),
        third=np.concatenate([cohort.get("population/logits", cohort["pool/logits"][:, :, :0]) for cohort in cohorts]),
        test=np.concatenate([cohort["test/logits"] for cohort in cohorts]),
        rates=np.concatenate([cohort["pool/rates"] for cohort in cohorts]),
        signals={**_trajectory(cohorts), **_joined(taken)},
        asked=_asked(cohorts),
        trained_on=_everywhere(cohorts, "pool/trained_on"),
        fed=_everywhere(cohorts, "pool/fed"),
        calibrated=np.stack([each["calibration/entered"] for each in cohorts])
        if all("calibration/entered" in each for each in cohorts)
        else None,
        told=_told(cohorts),
    )


def _everywhere(cohorts: Sequence[Tensors], name: str) -> npt.NDArray[Any] | None:
    """Return an array of all cohorts, one after the other; None where one was stored by a version that did not keep it."""
    return np.concatenate([each[name] for each in cohorts]) if all(name in each for each in cohorts) else None


def _told(cohorts: Sequence[Tensors]) -> dict[str, npt.NDArray[Any]]:
    """Return what is told of conversions."""
    names = [name for name in cohorts[0] if name.startswith(TOLD)]
    return {name.removeprefix(TOLD): np.concatenate([each[name] for each in cohorts]) for name in names}


def _asked(cohorts: Sequence[Tensors]) -> Ints | None:
    if not all("pool/entered" in cohort for cohort in cohorts):
        return None
    entered = [prints for cohort in cohorts for name, prints in cohort.items() if name.partition("@")[0] == "pool/entered"]
    return np.concatenate([np.moveaxis(prints, 1, 0) for prints in entered])


def _joined(taken: Sequence[Tensors]) -> dict[str, Floats]:
    return {name: np.concatenate([cohort[name] for cohort in taken]) for name in (taken[0] if taken else ())}


def _trajectory(cohorts: Sequence[Tensors]) -> dict[str, Floats]:
    """Return logits at every checkpoint and at the end, [models, pool, checkpoints, classes], averaged over queries; nothing without."""
    epochs = sorted(int(name.partition("@")[2]) for name in cohorts[0] if name.startswith("pool/logits@"))
    names = [f"pool/logits@{epoch}" for epoch in epochs]
    if not names:
        return {}
    return {
        "trajectory": np.stack([np.concatenate([each[name] for each in cohorts]).mean(axis=1) for name in (*names, "pool/logits")], axis=2)
    }


def evidence(prepared: Prepared, bank: Bank, model: int) -> Evidence:
    """Return what the attacks may see of one model (the target or the phantom target) and of all shadow models."""
    first, audited, examples = design.FIRST_SHADOW, prepared.audited, prepared.examples
    third = PopulationData(
        target=bank.third[model],
        shadows=bank.third[first:],
        labels=examples.population_labels,
        features=_flat(examples.population_inputs),
    )
    pool = bank.pool[:, :, audited]
    return Evidence(
        target=pool[model],
        shadows=pool[first:],
        trained_on=prepared.rows[first:, audited],
        labels=examples.pool_labels[audited],
        population=third if third.labels.size else None,
        features=_flat(examples.pool_inputs[audited]),
        signals={name: Signal(target=each[model, audited], shadows=each[first:, audited]) for name, each in bank.signals.items()},
    )


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What attacks may see of the target and of the phantom target: built once from the bank, and passed. Shadow models are shared."""

    target: Evidence
    phantom: Evidence


def shown(prepared: Prepared, bank: Bank) -> Shown:
    """Return both."""
    target, number = evidence(prepared, bank, design.TARGET), design.PHANTOM
    signals = {name: each[number] for name, each in bank.signals.items()}
    return Shown(target=target, phantom=of_another(target, prepared.audited, bank.pool[number], bank.third[number], signals))


def of_kind(prepared: Prepared, bank: Bank, seen: Shown) -> Shown:
    """Return both at the stage of the shadow models, for numbers about the kind of network; what was seen, where they all stand there."""
    return seen if bank.teachers is None else shown(prepared, bank.teachers)


def of_another(seen: Evidence, audited: Ints, pool: Floats, third: Floats, signals: Mapping[str, Floats]) -> Evidence:
    """Return the evidence with another model in the target's place, which answered both pools and gave these signals [N, ...]."""
    return replace(
        seen,
        target=pool[:, audited],
        population=seen.population and replace(seen.population, target=third),
        signals={name: replace(signal, target=signals[name][audited]) for name, signal in seen.signals.items()},
    )


def _flat(inputs: Floats) -> Floats:
    return inputs.reshape(len(inputs), int(np.prod(inputs.shape[1:])))
