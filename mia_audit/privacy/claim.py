"""What a private training claims: the noise that a recipe asks for, and the epsilon that follows from it.

The claim is of every epoch that is run and of public constants alone. Its epsilon, under add/remove, is what an audit of the recipe
holds its attacks against.
"""

import math
from functools import cache

from mia_audit.errors import RecipeError
from mia_audit.privacy import accounting
from mia_audit.privacy.accounting import Entry
from mia_audit.privacy.constants import mechanism
from mia_audit.privacy.mechanism import Mechanism
from mia_audit.recipe import Recipe

DIGITS = 1e4
"""Epsilon is rounded up to a whole number over this, so that a claim can be read and stays one."""


def claimed(recipe: Recipe) -> Recipe:
    """Return a resolved recipe with the noise multiplier that it asks for, and with the epsilon that its training guarantees as its claim.

    RecipeError where no noise gives the epsilon, where the recipe claims less than its training guarantees, or without an accountant.
    """
    private = recipe.privacy
    if private is None:
        return recipe
    if private.noise_multiplier is None:
        noise = accounting.noise_for(private.target_epsilon or 0.0, private.delta, lambda noise: _with_noise(recipe, noise))
        recipe = recipe.model_copy(update={"privacy": private.model_copy(update={"noise_multiplier": noise, "target_epsilon": None})})
    if private.noise_multiplier == 0:
        return _nothing_claimed(recipe)
    epsilon = math.ceil(guarantees(recipe)[0].epsilon * DIGITS) / DIGITS
    return _compared(recipe, epsilon, private.delta)


def guarantees(recipe: Recipe) -> tuple[Entry, ...]:
    """Return what a private training of a claimed recipe guarantees, the tightest bound under add/remove first; nothing without noise."""
    if recipe.privacy is None or not recipe.privacy.noise_multiplier:
        return ()
    return _accounted(mechanism(recipe), recipe.privacy.delta)


@cache
def _accounted(told: Mechanism, delta: float) -> tuple[Entry, ...]:
    """Account by what dp-accounting alone can tell where that is enough."""
    if told.sampling != "poisson":
        return accounting.account(told, delta).entries
    return tuple(
        Entry(name="PLD", epsilon=accounting.loss_epsilon(told, delta, replace=replace), bound=True, adjacency=adjacency)
        for replace, adjacency in ((False, "add/remove"), (True, "replace-one"))
    )


def _with_noise(recipe: Recipe, noise: float) -> Mechanism:
    assert recipe.privacy is not None, "it asks for an epsilon"  # noqa: S101
    private = recipe.privacy.model_copy(update={"noise_multiplier": noise})
    return mechanism(recipe.model_copy(update={"privacy": private}))


def _nothing_claimed(recipe: Recipe) -> Recipe:
    told = recipe.audit
    if told.claimed_epsilon is not None or told.claimed_mu is not None:
        raise RecipeError(
            "a claim needs noise, got privacy.noise_multiplier = 0, which guarantees no epsilon; add noise, or leave the claim out"
        )
    return recipe


def _compared(recipe: Recipe, epsilon: float, delta: float) -> Recipe:
    """Return the recipe with this claim, unless its own is weaker; refuse one that the training does not guarantee."""
    told = recipe.audit
    if told.claimed_mu is not None:
        raise RecipeError(
            f"a private training claims what it guarantees, ({epsilon:g}, {delta:g}), got audit.claimed_mu = {told.claimed_mu:g}; "
            f"leave that out"
        )
    if told.claimed_epsilon is not None:
        if told.claimed_delta != delta:
            raise RecipeError(
                f"audit.claimed_delta needs to be privacy.delta = {delta:g}, got {told.claimed_delta:g}; leave the claim to [privacy]"
            )
        if told.claimed_epsilon < epsilon:
            raise RecipeError(
                f"audit.claimed_epsilon needs at least {epsilon:g}, which [privacy] guarantees at delta {delta:g}, got "
                f"{told.claimed_epsilon:g}; leave it out, or use --set privacy.target_epsilon={told.claimed_epsilon:g}"
            )
        return recipe
    return recipe.model_copy(update={"audit": told.model_copy(update={"claimed_epsilon": epsilon, "claimed_delta": delta})})
