"""What a claim permits: the account's own numbers, closed forms where nothing is sampled, an exact single step, refusals."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from mia_audit.errors import RecipeError
from mia_audit.privacy import accounting, gaussian
from mia_audit.privacy import stated as claims
from mia_audit.privacy.mechanism import Mechanism
from mia_audit.privacy.stated import Stated
from mia_audit.statistics.curve import Curve


def claimed(noise: float = 1.0, rate: float = 0.05, steps: int = 40, **more: object) -> Stated:
    """Return a small claim."""
    return Stated(noise_multiplier=noise, rate=rate, steps=steps, delta=1e-5, **more)  # pyright: ignore[reportArgumentType]


def curve(claim: Stated) -> Curve:
    """Return its curve."""
    found = claims.profile(claim)
    return Curve.of_lines(found.epsilons, found.deltas)


@pytest.mark.parametrize("adjacency", claims.ADJACENCIES)
def test_epsilon_is_the_accounts_and_lies_between_its_bounds(adjacency: str) -> None:
    """The curve gives it back, from above; the bound from below is not far."""
    own = claimed(adjacency=adjacency)
    training = Mechanism(noise_multiplier=1.0, batch=50, examples=1_000, epochs=2)
    printed = accounting.loss_epsilon(training, 1e-5, replace=adjacency == "replace-one", width=accounting.COARSE)
    assert claims.epsilon_of(own) == pytest.approx(printed, rel=1e-9)
    assert claims.least_epsilon_of(own) < printed < claims.least_epsilon_of(own) + 0.03
    assert printed <= curve(own).epsilon_at(1e-5) < printed + 1e-3


@pytest.mark.parametrize(("more", "mu"), [({"rate": 1.0}, math.sqrt(40)), ({"rate": 0.05, "sampling": "shuffle"}, math.sqrt(2))])
def test_without_sampling_it_is_a_gaussian_release(more: dict[str, object], mu: float) -> None:
    """As many releases as steps, or as epochs; twice as far where an example is replaced."""
    own = claimed(8.0, **more)  # pyright: ignore[reportArgumentType]
    assert own.mu == pytest.approx(mu / 8)
    assert claims.epsilon_of(own) == pytest.approx(gaussian.epsilon_of(mu / 8, 1e-5))
    assert curve(own).epsilon_at(1e-5) == pytest.approx(gaussian.epsilon_of(mu / 8, 1e-5), rel=1e-3)
    assert claimed(8.0, adjacency="replace-one", **more).mu == pytest.approx(mu / 4)  # pyright: ignore[reportArgumentType]


def test_one_sampled_step_in_closed_form() -> None:
    """The most powerful test of a mixture against plain noise, in both directions, nowhere above the curve and touching it."""
    rate, at = 0.2, np.linspace(-4, 5, 400)
    fpr, tpr = norm.sf(at), (1 - rate) * norm.sf(at) + rate * norm.sf(at - 1)
    found = curve(claimed(1.0, rate, 1))
    above = np.array([found.most_tpr(fpr) - tpr, found.most_tpr(1 - tpr) - (1 - fpr)])
    assert above.min() > -1e-9
    assert above.min(axis=0).max() < 0.05
    assert above[0].max() < 0.08
    early = fpr < 0.05
    assert above[0][early].max() < 1e-4


def test_less_noise_permits_more() -> None:
    """A relative of the claim with half its noise lies above it everywhere."""
    own = claimed(2.0)
    x = np.linspace(0, 1, 50)
    assert (curve(own.with_noise(0.5)).most_tpr(x) >= curve(own).most_tpr(x) - 1e-12).all()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"noise": 0.0}, "a claim needs a noise multiplier above 0, got 0; without noise no epsilon is finite"),
        ({"noise": math.inf}, "a claim needs a noise multiplier above 0, got inf"),
        ({"rate": 0.0}, "--rate needs to be above 0 and at most 1, got 0"),
        ({"rate": 1.5}, "--rate needs to be above 0 and at most 1, got 1.5"),
        ({"steps": 0}, "--steps needs a whole number from 1, got 0"),
        ({"sampling": "poison"}, "did you mean 'poisson'?"),
        ({"adjacency": "replace one"}, "did you mean 'replace-one'?"),
        ({"epsilon": -1.0}, "--epsilon needs to be from 0 to 700, got -1"),
        ({"epsilon": math.nan}, "--epsilon needs to be from 0 to 700, got nan"),
        ({"sampling": "shuffle", "steps": 50}, "--steps needs whole epochs of 1 / rate = 20 steps with shuffle, got 50; give 60"),
    ],
)
def test_claims_that_say_nothing_are_refused(changed: dict[str, object], said: str) -> None:
    """Each with its value and the way out."""
    with pytest.raises(RecipeError) as refused:
        claimed(**changed)  # pyright: ignore[reportArgumentType]
    assert said in str(refused.value)


def test_balls_and_bins_have_no_curve() -> None:
    """One epsilon takes minutes; the message says what to give."""
    with pytest.raises(RecipeError, match="give --epsilon, from `mia-audit account`"):
        claims.profile(claimed(sampling="balls-and-bins"))
