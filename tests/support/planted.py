"""Evidence with everything an attack may need, and a leak of known size planted in all of it."""

from dataclasses import replace

import numpy as np

from mia_audit.attacks.budget import judged
from mia_audit.types import Bools, Evidence, Floats, PopulationData, Signal
from tests.support.gaussian import coins


def planted(leak: float, *, examples: int = 600, shadows: int = 16, classes: int = 4, seed: int = 0) -> tuple[Evidence, Bools]:
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
        population=PopulationData(target=third[0], shadows=third[1:], labels=outside, features=ease_outside),
        features=ease,
        signals=_signals(rng, logits[:, 0], member, leak),
    )
    can = judged(member[1:], 3)
    return seen.only(can), member[0, can]


def _signals(rng: np.random.Generator, logits: Floats, member: Bools, leak: float) -> dict[str, Signal]:
    """Return one signal of each name; those with classes are the logits with noise, the others shift with membership."""

    def like_logits(many: int) -> Floats:
        return logits[:, :, None] + 0.3 * rng.normal(size=(*logits.shape[:2], many, logits.shape[2]))

    def shifted(many: int, sign: float = 1.0) -> Floats:
        return rng.normal(size=(*member.shape, many)) + 0.5 * sign * leak * member[..., None]

    found = {
        "membranes": like_logits(4),
        "spike-counts": np.maximum(np.rint(like_logits(4)), 0.0).cumsum(axis=2),
        "time-sweep": like_logits(3),
        "trajectory": like_logits(3),
        "other-surrogate": like_logits(2),
        "other-steps": like_logits(2) - 0.5,
        "other-bits": 1.5 * like_logits(2),
        "dropout": like_logits(3),
        "releases": 0.8 * like_logits(2),
        "layer-spikes": np.rint(np.exp(4 + 0.3 * shifted(2))),
        "noise-hits": shifted(4) > 0,
        "shift-hits": shifted(9) > 0,
        "loss-rises": np.rint(10 / (1 + np.exp(-shifted(1)))) / 10,
        "boundary-distance": np.maximum(3 + shifted(1), 0.0),
        "gradient-log-norms": shifted(2, sign=-1.0),
        "gradient-log-features": shifted(3 + logits.shape[-1], sign=-1.0),
        "curvature": np.concatenate([shifted(3, sign=-1.0) - (2.3, 0.0, 0.0), np.ones((*member.shape, 1))], axis=-1),
    }
    return {name: Signal(target=values[0].astype(np.float32), shadows=values[1:].astype(np.float32)) for name, values in found.items()}


def scaled(seen: Evidence, times: np.float32) -> Evidence:
    """Return the evidence with every logit and signal multiplied."""
    pool = seen.population
    return replace(
        seen,
        target=seen.target * times,
        shadows=seen.shadows * times,
        population=None if pool is None else replace(pool, target=pool.target * times, shadows=pool.shadows * times),
        signals={
            name: Signal(target=_times(signal.target, times), shadows=_times(signal.shadows, times))
            for name, signal in seen.signals.items()
        },
    )


def _times(values: Floats, times: np.float32) -> Floats:
    return (values.astype(np.float64) * times).clip(-3e38, 3e38).astype(np.float32)


def arrays(seen: Evidence) -> list[Floats]:
    """Return every array of the evidence."""
    pool = seen.population
    own: list[Floats | None] = [seen.target, seen.shadows, seen.trained_on.astype(float), seen.labels.astype(float), seen.features]
    third: list[Floats | None] = [] if pool is None else [pool.target, pool.shadows, pool.features]
    others = [array for signal in seen.signals.values() for array in (signal.target, signal.shadows)]
    return [array for array in (*own, *third, *others) if array is not None]
