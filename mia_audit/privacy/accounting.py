"""The epsilon of a training: a bound by privacy loss distributions, one by Renyi divergences, and the limit that is none.

Privacy loss distributions are dp-accounting's, rounded so that epsilon is an upper bound (Koskela et al., arXiv:1906.03049;
Doroshenko et al., arXiv:2207.04380). Renyi divergences are Opacus' at its orders (Mironov et al., arXiv:1908.10530; conversion:
Balle et al., arXiv:1905.09982, Theorem 21): the figures that papers print. Balls and bins: arXiv:2602.17284, by PLD_accounting.

Two neighbours: under add/remove one data set has an example more, under replace-one an example is another. Replace-one is the
stronger claim and costs more.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from mia_audit.errors import RecipeError
from mia_audit.extras import extra
from mia_audit.privacy import gaussian
from mia_audit.privacy.mechanism import Mechanism, check_delta
from mia_audit.privacy.remembered import remembered

ORDERS: tuple[float, ...] = (*(1 + tenths / 10 for tenths in range(1, 100)), *map(float, range(12, 64)))
"""Opacus' orders; coarser ones miss published figures by up to 0.3."""

FINE, COARSE = 1e-4, 1e-3
"""Widths of the bins of a privacy loss: what is printed, and what a search makes do with. Both give upper bounds."""


MOST_NOISE, LEAST_NOISE = 1000.0, 0.05
"""Between which noise multipliers one is looked for."""
MOST_EPSILON = 700.0
"""Beyond this epsilon, e^epsilon is not a float; nobody asks for it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One way to an epsilon.

    bound      whether it is an upper bound of epsilon
    adjacency  which data sets are neighbours
    """

    name: str
    epsilon: float
    bound: bool
    adjacency: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Account:
    """What a training guarantees at one delta; the first entry is the guarantee."""

    mechanism: Mechanism
    delta: float
    entries: tuple[Entry, ...]

    @property
    def guarantee(self) -> Entry:
        """The tightest bound under add/remove."""
        return self.entries[0]


def account(mechanism: Mechanism, delta: float) -> Account:
    """Account for a training; RecipeError where delta is no delta, or the accountants are not installed."""
    check_delta(delta, mechanism.examples)
    ways = {"poisson": _poisson, "balls-and-bins": _balls_and_bins, "shuffle": _shuffle}
    return Account(mechanism=mechanism, delta=delta, entries=ways[mechanism.sampling](mechanism, delta))


def loss_epsilon(mechanism: Mechanism, delta: float, *, replace: bool = False, width: float = FINE) -> float:
    """Return the epsilon of Poisson sampling by its privacy loss distribution, under add/remove or replace-one."""
    dp, pld = library("dp_accounting"), library("dp_accounting.pld")
    relation = dp.NeighboringRelation.REPLACE_ONE if replace else dp.NeighboringRelation.ADD_OR_REMOVE_ONE
    accountant = pld.PLDAccountant(relation, value_discretization_interval=width)
    step: Any = dp.GaussianDpEvent(mechanism.noise_multiplier)
    accountant.compose(step if mechanism.rate == 1 else dp.PoissonSampledDpEvent(mechanism.rate, step), mechanism.steps)
    return float(accountant.get_epsilon(delta))


def renyi_epsilon(mechanism: Mechanism, delta: float) -> tuple[float, float]:
    """Return the epsilon of Poisson sampling by Renyi divergences, and the order that gave it."""
    analysis = library("opacus.accountants.analysis.rdp")
    orders = list(ORDERS)
    divergences = analysis.compute_rdp(q=mechanism.rate, noise_multiplier=mechanism.noise_multiplier, steps=mechanism.steps, orders=orders)
    epsilon, order = analysis.get_privacy_spent(orders=orders, rdp=divergences, delta=delta)
    return float(epsilon), float(order)


def noise_for(epsilon: float, delta: float, of: Callable[[float], Mechanism]) -> float:
    """Return the least noise multiplier, to four digits and rounded up, whose guarantee is at most epsilon.

    of: the training with a given noise multiplier. RecipeError where none up to a thousand will do.
    """
    if not 0 < epsilon <= MOST_EPSILON:
        raise RecipeError(f"--target-epsilon needs to be above 0 and at most {MOST_EPSILON:g}, got {epsilon:g}")
    check_delta(delta, of(1.0).examples)

    def enough(noise: float, width: float) -> bool:
        return _epsilon(of(noise), delta, width) <= epsilon

    high = MOST_NOISE
    if not enough(high, COARSE):
        raise RecipeError(f"no noise multiplier up to {high:,.0f} gives epsilon {epsilon:g} at delta {delta:g}; train for fewer epochs")
    while high > LEAST_NOISE and enough(high / 2, COARSE):  # from above: losses of little noise over many steps fill the memory
        high /= 2
    high = _least(high / 2, high, lambda noise: enough(noise, COARSE))
    least = _least(0.95 * high, high, lambda noise: enough(noise, FINE))  # coarse bins ask for a little more noise than fine ones
    digits = 10.0 ** (math.floor(math.log10(least)) - 3)
    return float(f"{math.ceil(least / digits) * digits:.10g}")


def _least(low: float, high: float, enough: Callable[[float], bool]) -> float:
    """Return the least noise between the two, to four digits, that is enough, as `high` is; by bisection."""
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _epsilon(mechanism: Mechanism, delta: float, width: float) -> float:
    if mechanism.sampling == "poisson":
        wide = width * max(1.0, 0.5 / mechanism.noise_multiplier**2)  # a large epsilon needs no finer bins, and takes minutes in them
        return loss_epsilon(mechanism, delta, width=wide)
    if mechanism.sampling == "shuffle":
        return gaussian.epsilon_of(gaussian.shuffled_mu(mechanism), delta)
    raise RecipeError("--target-epsilon needs --sampling poisson or shuffle; balls-and-bins takes minutes for a single epsilon")


def _poisson(mechanism: Mechanism, delta: float) -> tuple[Entry, ...]:
    renyi, order = renyi_epsilon(mechanism, delta)
    mu = gaussian.central_limit_mu(mechanism)
    return (
        Entry(name="PLD", epsilon=loss_epsilon(mechanism, delta), bound=True, adjacency="add/remove"),
        Entry(name="PLD", epsilon=loss_epsilon(mechanism, delta, replace=True), bound=True, adjacency="replace-one"),
        Entry(name="RDP", epsilon=renyi, bound=True, adjacency="add/remove", detail=f"order {order:g}"),
        Entry(name="CLT", epsilon=gaussian.epsilon_of(mu, delta), bound=False, adjacency="add/remove", detail=f"mu {mu:.4g}"),
    )


def _balls_and_bins(mechanism: Mechanism, delta: float) -> tuple[Entry, ...]:
    asked = {"sigma": mechanism.noise_multiplier, "num_steps": mechanism.epoch, "num_epochs": mechanism.epochs, "delta": delta}

    def computed() -> tuple[float, ...]:
        return tuple(float(each) for each in library("PLD_accounting").gaussian_allocation_epsilon_range(**asked))

    accountant = f"PLD_accounting {version('PLD_accounting')}" if _installed("PLD_accounting") else ""
    upper, lower = remembered({**asked, "by": accountant}, computed)
    return (Entry(name="PLD", epsilon=upper, bound=True, adjacency="add/remove", detail=f"true value at least {lower:.4g}"),)


def _installed(package: str) -> bool:
    return find_spec(package) is not None


def _shuffle(mechanism: Mechanism, delta: float) -> tuple[Entry, ...]:
    mu = gaussian.shuffled_mu(mechanism)
    told = "the order may be known, so nothing is gained by sampling"
    ways = (("add/remove", mu), ("replace-one", 2 * mu))  # another example in its place moves a sum twice as far
    return tuple(
        Entry(name="Gaussian", epsilon=gaussian.epsilon_of(each, delta), bound=True, adjacency=adjacency, detail=f"mu {each:.4g}; {told}")
        for adjacency, each in ways
    )


def library(name: str) -> Any:
    """Import an accountant; RecipeError says how to install it."""
    return extra(name, "accounting", RecipeError)
