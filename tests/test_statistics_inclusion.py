"""Samplers: those that are as claimed pass at their level, every other one is named."""

import numpy as np
import pytest

from mia_audit.errors import EvidenceError
from mia_audit.statistics import inclusion
from mia_audit.types import Bools


def poisson(rng: np.random.Generator, steps: int, examples: int, rate: float) -> Bools:
    """Return independent coins."""
    return rng.random((steps, examples)) < rate


def shuffled(rng: np.random.Generator, steps: int, examples: int, batch: int, *, once: bool) -> Bools:
    """Return batches cut from an order, drawn once or every epoch."""
    epoch, found, order = examples // batch, np.zeros((steps, examples), dtype=bool), rng.permutation(examples)
    for step in range(steps):
        if not once and step % epoch == 0:
            order = rng.permutation(examples)
        found[step, order[step % epoch * batch : (step % epoch + 1) * batch]] = True
    return found


def balls(rng: np.random.Generator, epochs: int, epoch: int, examples: int) -> Bools:
    """Return each example in one random step of every epoch."""
    places = rng.integers(epoch, size=(epochs, 1, examples))
    return (places == np.arange(epoch)[:, None]).reshape(-1, examples)


@pytest.mark.parametrize(("steps", "examples", "rate"), [(100, 200, 0.2), (120, 800, 0.1)])
def test_independent_coins_pass_at_the_level(steps: int, examples: int, rate: float) -> None:
    """Each p of 150 samplers is at or below 5 % in no more than the binomial's 99.9 % limit."""
    rng = np.random.default_rng(0)
    found = [inclusion.poisson_ps(poisson(rng, steps, examples, rate), rate) for _ in range(150)]
    for name in found[0]:
        assert sum(each[name] <= 0.05 for each in found) <= 18, name
        assert sum(each[name] <= 0.5 for each in found) >= 50, name


def test_each_departure_is_named() -> None:
    """By the number that is meant for it."""
    rng = np.random.default_rng(1)
    found = {
        "another rate": inclusion.poisson_ps(poisson(rng, 400, 200, 0.105), 0.1),
        "an order kept": inclusion.poisson_ps(shuffled(rng, 400, 200, 20, once=True), 0.1),
        "an order an epoch": inclusion.poisson_ps(shuffled(rng, 400, 200, 20, once=False), 0.1),
        "weighted": inclusion.poisson_ps(rng.random((400, 200)) < np.linspace(0.05, 0.15, 200), 0.1),
        "blocks": inclusion.poisson_ps(np.repeat(poisson(rng, 400, 100, 0.1), 2, axis=1), 0.1),
        "every step twice": inclusion.poisson_ps(np.repeat(poisson(rng, 200, 200, 0.1), 2, axis=0), 0.1),
    }
    named = {
        "another rate": "rate", "an order kept": "steps", "an order an epoch": "batches", "weighted": "examples",
        "blocks": "examples apart", "every step twice": "steps",
    }  # fmt: skip
    for fault, name in named.items():
        assert found[fault][name] < 1e-3, fault
    assert found["an order kept"]["rate"] == pytest.approx(1.0)


def test_distances_are_what_a_loop_counts() -> None:
    """The transform's products at each distance are sums over pairs of rows."""
    rng = np.random.default_rng(2)
    rate = 0.3
    centred = (poisson(rng, 30, 400, rate) - rate) / np.sqrt(rate * (1 - rate))
    slow = [
        abs(float((centred[apart:] * centred[:-apart]).sum())) / np.sqrt(400 * (30 - apart))
        for apart in range(1, 30)
        if 400 * (30 - apart) * rate**2 >= inclusion.FEWEST
    ]
    from scipy.stats import norm  # noqa: PLC0415

    assert inclusion._apart(centred, rate) == pytest.approx(min(1.0, len(slow) * 2 * float(norm.sf(max(slow)))), rel=1e-9)


def test_balls_and_bins_pass_and_poisson_does_not() -> None:
    """Exactly once an epoch, anywhere in it, and anew every time."""
    rng = np.random.default_rng(3)
    found = [inclusion.allocation_ps(balls(rng, 4, 10, 300), 10) for _ in range(200)]
    for name in ("places", "epochs"):
        assert sum(each[name] <= 0.05 for each in found) <= 22, name
    assert inclusion.allocation_ps(poisson(rng, 40, 300, 0.1), 10)["once"] == 0
    assert inclusion.allocation_ps(np.tile(balls(rng, 1, 10, 300), (4, 1)), 10)["epochs"] < 1e-6
    missing = balls(rng, 4, 10, 300)
    missing[:10, 7] = False
    assert inclusion.allocation_ps(missing, 10)["once"] == 0
    skewed = balls(rng, 4, 10, 300)
    skewed[::10] |= skewed[1::10]
    skewed[1::10] = False
    assert inclusion.allocation_ps(skewed, 10)["places"] < 1e-6


def test_the_smallest_rate_is_seen_as_often_as_promised() -> None:
    """Four times in five; a rate half way there less often."""
    rng, chances, level = np.random.default_rng(4), 20_000, 0.01
    least = inclusion.smallest_rate(chances, 0.1, level)

    def seen(rate: float) -> float:
        return float(np.mean([inclusion.rate_p(int(rng.binomial(chances, rate)), chances, 0.1) <= level for _ in range(300)]))

    assert seen(least) == pytest.approx(0.8, abs=0.08)
    assert seen((least + 0.1) / 2) < 0.4


@pytest.mark.parametrize(
    ("included", "rate", "said"),
    [
        (np.zeros((4, 4)), 0.5, "needs inclusions as bools"),
        (np.zeros((1, 4), dtype=bool), 0.5, "two of each or more"),
        (np.zeros((4, 4), dtype=bool), 1.0, "a rate between 0 and 1, got 1"),
    ],
)
def test_what_is_no_inclusion_is_refused(included: Bools, rate: float, said: str) -> None:
    """In one line."""
    with pytest.raises(EvidenceError, match=said):
        inclusion.poisson_ps(included, rate)
    with pytest.raises(EvidenceError, match="whole epochs of 3 steps"):
        inclusion.allocation_ps(np.zeros((4, 4), dtype=bool), 3)
