"""Evidence with everything an attack may need, and a leak of known size planted in all of it."""

from dataclasses import replace

import numpy as np

from mia_audit.attacks.budget import judged
from mia_audit.types import Bools, Evidence, Floats, Signal, ThirdPool
from tests.support.gaussian import coins


def planted(leak: float, *, examples: int = 1_500, shadows: int = 16, classes: int = 4, seed: int = 0) -> tuple[Evidence, Bools]:
    """Return the signals of imperfect models that are `leak` surer of the labels they were trained on, and the target's membership."""
    rng, member = np.random.default_rng(seed), coins(1 + shadows, examples, seed)
    labels, outside = rng.integers(0, classes, examples), rng.integers(0, classes, 200)
    ease, ease_outside = 0.5 * rng.normal(size=(examples, classes)), 0.5 * rng.normal(size=(200, classes))
    logits = rng.normal(size=(1 + shadows, 2, examples, classes)) + ease
    third = rng.normal(size=(1 + shadows, 2, 200, classes)) + ease_outside
    logits[..., np.arange(examples), labels] += 1.5 + leak * member[:, None]
    third[..., np.arange(200), outside] += 1.5
    logits, third = logits.astype(np.float32), third.astype(np.float32)
    seen = Evidence(
        target=logits[0],
        shadows=logits[1:],
        trained_on=member[1:],
        labels=labels,
        population=ThirdPool(target=third[0], shadows=third[1:], labels=outside, features=ease_outside),
        features=ease,
    )
    can = judged(member[1:], 3)
    return seen.only(can), member[0, can]


def scaled(seen: Evidence, times: np.float32) -> Evidence:
    """Return the evidence with every logit and signal multiplied."""
    pool = seen.population
    return replace(
        seen,
        target=seen.target * times,
        shadows=seen.shadows * times,
        population=None if pool is None else replace(pool, target=pool.target * times, shadows=pool.shadows * times),
        signals={name: Signal(target=signal.target * times, shadows=signal.shadows * times) for name, signal in seen.signals.items()},
    )


def arrays(seen: Evidence) -> list[Floats]:
    """Return every array of the evidence."""
    pool = seen.population
    own: list[Floats | None] = [seen.target, seen.shadows, seen.trained_on.astype(float), seen.labels.astype(float), seen.features]
    third: list[Floats | None] = [] if pool is None else [pool.target, pool.shadows, pool.features]
    others = [array for signal in seen.signals.values() for array in (signal.target, signal.shadows)]
    return [array for array in (*own, *third, *others) if array is not None]
