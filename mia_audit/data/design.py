"""The design of an audit: which model is trained on which example of the pool.

One independent coin for each model and example (docs/method.md, rule 1). Row k comes from a stream of its own, so further shadow
models never change an earlier row, and no row says anything about another: with "each example in exactly half of the
models" the other rows would give a held-out one away.
"""

import numpy as np

from mia_audit.errors import DataError
from mia_audit.recipe import Recipe, filled
from mia_audit.streams import stream
from mia_audit.types import Bools

TARGET = 0
PHANTOM = 1
FIRST_SHADOW = 2


def membership(recipe: Recipe, models: int) -> Bools:
    """Return who is trained on what, bool [models, pool]: rows TARGET and PHANTOM, shadow models from FIRST_SHADOW on."""
    return np.stack([_row(recipe, model) for model in range(models)])


def _row(recipe: Recipe, index: int) -> Bools:
    pool, fraction = filled(recipe.data.pool), recipe.data.member_fraction
    row: Bools = stream(recipe.training.seed, "membership", index).random(pool) < fraction
    if not 0 < row.sum() < pool:
        raise DataError(
            f"membership row {index} needs members and non-members, got {int(row.sum())} members in a pool of {pool}; "
            f"use a larger --set data.pool=... or a --set data.member_fraction=... nearer to 0.5 (now {fraction})"
        )
    return row
