"""Which examples an attack can judge, and whether the shadow models suffice. Judged from the shadow models alone.

Looking at the target's membership here would leak it: "enough models with this example" must not count the target.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from mia_audit.errors import EvidenceError, ShadowBudgetError
from mia_audit.types import Bools, Evidence, Floats

JUDGED_AT_LEAST = 0.9
"""Share of the pool that an audit must be able to judge."""

MOST_TRIED = 1024  # shadow models; who needs more than that per side has mistyped a parameter


class Declared(Protocol):
    """What an attack declares (`attack.Attack` says what each means)."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def needs(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def shadows_per_side(self) -> int: ...  # noqa: D102
    @property
    def offline(self) -> bool: ...  # noqa: D102


def judged(trained_on: Bools, per_side: int) -> Bools:
    """Return which examples so many shadow models were trained with and so many without, [examples]; trained_on is [models, examples]."""
    with_it = np.ones(len(trained_on), dtype=np.float32) @ trained_on.astype(np.float32)  # exact, and half the time of NumPy's own sum
    enough: Bools = np.minimum(with_it, len(trained_on) - with_it) >= per_side
    return enough


def require_budget(trained_on: Bools, attacks: Iterable[Declared], *, spare: int = 0, dealt: Callable[[int], Bools] | None = None) -> Bools:
    """Return which examples all the attacks can judge; ShadowBudgetError where that is less than 90 % of them.

    spare: how many shadow models per side will be missing later (1 where each rehearses as the target).
    dealt: the membership of so many shadow models, [models, examples]; the refusal then says the number that would do.
    """
    needy = max(attacks, key=lambda attack: attack.shadows_per_side)
    if not needy.shadows_per_side:
        return np.ones(trained_on.shape[1], dtype=np.bool_)
    need = needy.shadows_per_side + spare
    mask = judged(trained_on, need)
    if mask.mean() < JUDGED_AT_LEAST:
        raise ShadowBudgetError(_refusal(needy.name, need, mask, len(trained_on), spare) + _way_out(trained_on, need, dealt))
    return mask


def _enough(dealt: Callable[[int], Bools], need: int, models: int) -> int | None:
    """Return the smallest number of shadow models that leaves enough on both sides; None where not even very many would."""
    while models < MOST_TRIED:
        models *= 2
        with_it = np.cumsum(dealt(models), axis=0)
        sides = np.minimum(with_it, np.arange(1, models + 1)[:, None] - with_it)
        suffices = (sides >= need).mean(axis=1) >= JUDGED_AT_LEAST
        if suffices.any():
            return int(suffices.argmax()) + 1
    return None


def require_needs(seen: Evidence, attack: Declared) -> None:
    """Raise EvidenceError, naming what is missing, unless the evidence offers what the attack needs."""
    missing = attack.needs - seen.offers
    if missing:
        raise EvidenceError(f"{attack.name} needs {listed(missing)}; the evidence offers {listed(seen.offers) or 'logits alone'}")


def listed(names: Iterable[str]) -> str:
    """Return names in order, with commas."""
    return ", ".join(sorted(names))


def require_shadows(seen: Evidence, attack: Declared) -> None:
    """Raise ShadowBudgetError unless every example has enough shadow models, EvidenceError where the target is one of them.

    An offline attack has enough where every example has a model that was trained without it.
    """
    if attack.offline:
        _require_out(seen, attack)
        return
    _require_sides(seen, attack)
    varies = np.ptp(seen.target) > 0  # untrained models may all answer the same constant
    if varies and any(_same(shadow, seen.target) for shadow in seen.shadows):
        raise EvidenceError(
            f"{attack.name} needs shadow models other than the target, got one with the target's very answers; "
            "train shadow models with objects and seeds of their own"
        )


def _require_sides(seen: Evidence, attack: Declared) -> None:
    mask = judged(seen.trained_on, attack.shadows_per_side)
    if not mask.all():
        raise ShadowBudgetError(
            _refusal(attack.name, attack.shadows_per_side, mask, len(seen.trained_on), 0)
            + _way_out(seen.trained_on, attack.shadows_per_side)
        )


def _require_out(seen: Evidence, attack: Declared) -> None:
    never_out = int(seen.trained_on.all(axis=0).sum())
    if never_out:
        raise ShadowBudgetError(
            f"{attack.name} needs a shadow model trained without each example; {never_out} of {seen.examples} examples have none among "
            f"{len(seen.trained_on)}. Train more shadow models (--shadows), or use attacks that need none (suite thresholds)."
        )


def _same(shadow: Floats, target: Floats) -> bool:
    """Return whether all answers are equal; the first examples tell nearly always, at no cost."""
    return np.array_equal(shadow[:, :100], target[:, :100]) and np.array_equal(shadow, target)


def _refusal(name: str, need: int, mask: Bools, models: int, spare: int) -> str:
    why = f" ({spare} of them to rehearse as the target)" if spare else ""
    return (
        f"{name} needs at least {need} shadow models trained with and {need} without each example{why}; {int((~mask).sum())} of "
        f"{mask.size} examples have fewer among {models}. "
    )


def _way_out(trained_on: Bools, need: int, dealt: Callable[[int], Bools] | None = None) -> str:
    enough = None if dealt is None else _enough(dealt, need, len(trained_on))
    train = "Train more shadow models (--shadows)" if enough is None else f"Train {enough} (--shadows {enough})"
    return f"{train}, or use attacks that need none (suite thresholds)."
