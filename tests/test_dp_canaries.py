"""Canaries in a training of the real engine: heard as they were put in, and a verdict that halved noise turns."""

import numpy as np
import pytest

from benchmarks import dp_canaries, dp_engine
from mia_audit.instruments import one_run
from mia_audit.instruments.family import Family
from mia_audit.recipe import Recipe

CANARIES = 1_000


def recipe(noise: float, sampling: str = "poisson", epochs: int = 5) -> Recipe:
    """Return a small private recipe with parameters enough for every canary."""
    changes = {"privacy__noise_multiplier": noise, "privacy__sampling": sampling, "training__epochs": epochs, "data__pool": 60}
    return dp_engine.recipe_of("dp-ann", model__architecture="mlp", model__hidden=[20], **changes)


@pytest.mark.parametrize("sampling", ["poisson", "balls-and-bins"])
def test_a_canary_moves_a_release_by_the_clipping_norm_where_it_was_drawn(sampling: str) -> None:
    """With hardly any noise: 1 where it is drawn, else 0; never where its coin says out; as often as members are."""
    seen = dp_canaries.watched(recipe(1e-3, sampling), dp_engine.pool_of(), CANARIES)
    coins, z = seen.arrays["coins"], seen.arrays["projections"]
    drawn = np.round(z)
    assert z.shape == (seen.claim.steps, CANARIES) == (20, 1_000)
    np.testing.assert_allclose(z, drawn, atol=0.02)
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert not drawn[:, ~coins].any()
    assert drawn[:, coins].mean() == pytest.approx(seen.claim.rate, abs=0.03)
    if sampling == "balls-and-bins":
        assert (drawn[:, coins].reshape(5, 4, -1).sum(axis=1) == 1).all()
    assert seen.arrays["included"].mean() == pytest.approx(seen.claim.rate, abs=0.08)


@pytest.mark.parametrize("halved", [False, True])
def test_half_the_noise_in_secret_is_seen_in_one_run(halved: bool) -> None:
    """The noise that is heard is what was drawn; the claim's own curve is refuted by the training that broke it alone."""
    seen = dp_canaries.watched(recipe(2.0, epochs=10), dp_engine.pool_of(), CANARIES, halved=halved)
    coins, z = seen.arrays["coins"], seen.arrays["projections"]
    assert z[:, ~coins].std() == pytest.approx(1.0 if halved else 2.0, rel=0.03)
    design = one_run.designed(Family(claim=seen.claim), CANARIES, 0.05)
    assert (one_run.p_value(design.guess(z, coins), design.family.curve()) <= 0.05) == halved
    assert dp_canaries.command(seen.claim, "obs.npz").startswith("mia-audit dp-audit --noise-multiplier 2 --rate 0.26666")
