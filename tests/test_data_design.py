"""Membership by independent coins."""

import numpy as np
import pytest
from scipy import stats

from mia_audit.data.design import FIRST_SHADOW, PHANTOM, TARGET, membership
from mia_audit.errors import DataError
from mia_audit.recipe import Data, Recipe, Training


def asked(*, pool: int = 2000, fraction: float = 0.5, seed: int = 0) -> Recipe:
    """Return a recipe with a pool of this size."""
    return Recipe(name="t", summary="", data=Data(pool=pool, member_fraction=fraction), training=Training(seed=seed))


def test_roles_come_first() -> None:
    """Target and phantom lead every membership matrix; shadow models follow."""
    assert (TARGET, PHANTOM, FIRST_SHADOW) == (0, 1, 2)
    assert membership(asked(), 5).shape == (5, 2000)


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8])
def test_each_row_is_binomial(fraction: float) -> None:
    """Row sums have the binomial's mean and variance: coins, not "exactly half"."""
    sums = membership(asked(pool=500, fraction=fraction), 400).sum(axis=1)
    assert stats.kstest(sums, stats.binom(500, fraction).cdf).pvalue > 1e-3
    assert sums.std() == pytest.approx(np.sqrt(500 * fraction * (1 - fraction)), rel=0.15)


def test_each_column_is_binomial() -> None:
    """How many models hold an example varies as coins vary; a balanced design would give it away."""
    counts = membership(asked(), 100).sum(axis=0)
    assert counts.std() == pytest.approx(5.0, rel=0.1)


def test_rows_are_uncorrelated() -> None:
    """No pair of 60 rows is more alike than chance makes the most alike of 1,770 pairs."""
    rows = membership(asked(), 60).astype(float)
    pairs = np.asarray(np.corrcoef(rows))[np.triu_indices(60, 1)]
    assert np.abs(pairs).max() < 5 / np.sqrt(2000)
    assert pairs.std() == pytest.approx(1 / np.sqrt(2000), rel=0.1)


def test_more_shadows_change_no_earlier_row() -> None:
    """Row k depends on seed and k alone."""
    assert np.array_equal(membership(asked(), 40)[:7], membership(asked(), 7))


def test_a_larger_pool_flips_no_coin() -> None:
    """An example that stays in the pool keeps its coin."""
    assert np.array_equal(membership(asked(pool=3000), 3)[:, :2000], membership(asked(), 3))


def test_another_seed_draws_other_rows() -> None:
    """Seeds give independent designs."""
    agreement = (membership(asked(seed=0), 20) == membership(asked(seed=1), 20)).mean()
    assert agreement == pytest.approx(0.5, abs=0.02)


def test_a_pool_too_small_for_both_sides_is_refused() -> None:
    """A model without members cannot be trained; one without non-members cannot be audited."""
    with pytest.raises(
        DataError, match=r"^membership row \d+ needs members and non-members, got \d members in a pool of 3; .*--set data\.pool="
    ):
        membership(asked(pool=3), 64)


def test_an_open_recipe_is_our_own_mistake() -> None:
    """Callers resolve first."""
    with pytest.raises(AssertionError, match="resolve the recipe first"):
        membership(Recipe(name="t", summary=""), 2)
