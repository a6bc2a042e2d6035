"""Dose response: a sibling of the target in whose training some members stand 1, 2, 4 and 8 times.

Its coins are its own; it is attacked with the same shadow models, of which half were trained once on each of those examples. More
copies are remembered better, so an attack that cannot tell the highest dose from the sibling's non-members had no power here,
and what it did not find on the target means little.
"""

from dataclasses import dataclass, replace

import numpy as np

from mia_audit.audit.bank import degrading
from mia_audit.audit.bank.prepared import Bank, Prepared, of_another
from mia_audit.audit.bank.staging import Staging
from mia_audit.data.examples import Examples
from mia_audit.errors import RecipeError
from mia_audit.recipe import Recipe, filled
from mia_audit.record import Control
from mia_audit.record.controls import DOSE
from mia_audit.statistics.nulltest import mann_whitney_p
from mia_audit.statistics.roc import auc
from mia_audit.streams import stream
from mia_audit.training import plan, schedule
from mia_audit.types import Bools, Evidence, Floats, Ints

DOSES = (1, 2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class Sibling:
    """A model beside the population: what it answered, its coins [N], and how often each example stood in its training [N]."""

    bank: Bank
    row: Bools
    dose: Ints


def require_room(recipe: Recipe, audited: Ints) -> None:
    """Refuse, before anything trains, canaries that the sibling's audited members do not suffice for; RecipeError says how many fit."""
    wanted, inside = recipe.audit.canaries, _sibling_row(recipe)[audited]
    members = int(inside.sum())
    most = members // len(DOSES)
    if wanted > most or (wanted and inside.all()):
        way_out = f"use --set audit.canaries={most}, or a larger --set data.pool=..." if most else "use a larger --set data.pool=..."
        raise RecipeError(
            f"audit.canaries needs {len(DOSES)} times as many audited members in the sibling's training, and a non-member beside them, "
            f"got {wanted} canaries at each of {len(DOSES)} doses, {members} members and {inside.size - members} non-members; {way_out}"
        )


def _sibling_row(recipe: Recipe) -> Bools:
    row: Bools = stream(recipe.training.seed, "sibling-membership").random(filled(recipe.data.pool)) < recipe.data.member_fraction
    return row


@dataclass(frozen=True, kw_only=True)
class Planting:
    """What the sibling is trained on: the examples with their copies behind them, its coins [N], its doses [N], and the cohort of one."""

    examples: Examples
    row: Bools
    dose: Ints
    tasks: tuple[plan.Task, ...]


def planting(prepared: Prepared) -> Planting:
    """Return what the sibling of an audit with canaries is trained on."""
    recipe = prepared.recipe
    row = _sibling_row(recipe)
    dose = doses(row, prepared.audited, recipe.audit.canaries, stream(recipe.training.seed, "canaries"))
    extended, rows = extend(prepared.examples, row, dose)
    return Planting(
        examples=extended, row=row, dose=dose, tasks=plan.tasks(recipe.teacher, rows[None], extended.sha256, prepared.device)
    )  # fmt: skip


def plant(prepared: Prepared, machine: schedule.Machine) -> Sibling | None:
    """Train the sibling, None where the recipe plants no canaries. The store keeps it like any cohort."""
    if not prepared.recipe.audit.canaries:
        return None
    planted = planting(prepared)
    staging = Staging(
        recipe=prepared.recipe,
        examples=planted.examples,
        rows=planted.tasks[0].rows,
        wanted=prepared.wanted,
        store=prepared.store,
        machine=machine,
    )
    return Sibling(bank=staging.bank(staging.train(), range(1)), row=planted.row, dose=planted.dose)


def doses(row: Bools, audited: Ints, canaries: int, rng: np.random.Generator) -> Ints:
    """Return how often each example stands in training: 0 or 1 by its coin, and so many members of the audited ones at each dose."""
    dose = row.astype(np.int64)
    members = rng.permutation(audited[row[audited]])
    for number, copies in enumerate(DOSES):
        dose[members[number * canaries : (number + 1) * canaries]] = copies
    return dose


def extend(examples: Examples, row: Bools, dose: Ints) -> tuple[Examples, Bools]:
    """Return the examples with the copies behind the pool, and the coins with them."""
    copies = np.repeat(np.arange(row.size), np.maximum(dose - 1, 0))
    extended = replace(
        examples,
        pool_inputs=np.concatenate([examples.pool_inputs, examples.pool_inputs[copies]]),
        pool_labels=np.concatenate([examples.pool_labels, examples.pool_labels[copies]]),
    )
    return extended, np.concatenate([row, np.ones(copies.size, dtype=np.bool_)])


def dose_control(prepared: Prepared, seen: Evidence, sibling: Sibling | None, headline: str) -> Control:
    """Judge whether the headline attack finds the highest dose; name the attacks that do not."""
    if sibling is None:
        return DOSE.told(None, "No canaries were planted (--set audit.canaries=32 plants them).")
    return judge(prepared, seen, sibling, headline)


def against(seen: Evidence, audited: Ints, sibling: Sibling) -> Evidence:
    """Return the evidence with the sibling in the target's place. To degraded shadow models it answers as any target does."""
    answers = sibling.bank.pool[0]
    own = {**dict.fromkeys(degrading.GUESSES, np.moveaxis(answers, 0, 1)), **{name: each[0] for name, each in sibling.bank.signals.items()}}
    return of_another(seen, audited, answers, sibling.bank.third[0], own)


def judge(prepared: Prepared, seen: Evidence, sibling: Sibling, headline: str) -> Control:
    """Attack the sibling, and say what each attack makes of the highest dose."""
    answered = against(seen, prepared.audited, sibling)
    dose, outside = sibling.dose[prepared.audited], ~sibling.row[prepared.audited]
    blind, told = [], ""
    for card, attack in zip(prepared.cards, prepared.attacks, strict=True):
        areas, p = response(attack.score(answered), dose, outside)
        if p >= DOSE.level:
            blind.append(card.name)
        if card.name == headline:
            told = ", ".join(
                f"{copies}x {area:.3f} ({int((dose == copies).sum())} members)" for copies, area in zip(DOSES, areas, strict=True)
            )
    missed = f" Without power here: {', '.join(blind)}." if blind else ""
    return DOSE.told(
        headline not in blind,
        f"Members at each dose against the sibling's {int(outside.sum())} non-members, AUC of {headline}: {told}.{missed}",
    )


def response(scores: Floats, dose: Ints, outside: Bools) -> tuple[list[float], float]:
    """Return the AUC at each dose, and the one-sided p of "the highest dose looks like a non-member".

    dose  how often each example stood in training [A]; all members that were not copied are at dose 1, chosen for it or not
    """
    areas = []
    for copies in DOSES:
        chosen = dose == copies
        both = chosen | outside
        areas.append(auc(scores[both], chosen[both]))
    both = (dose == DOSES[-1]) | outside
    p = mann_whitney_p(scores[both], (dose == DOSES[-1])[both])
    return areas, p / 2 if areas[-1] > 0.5 else 1.0
