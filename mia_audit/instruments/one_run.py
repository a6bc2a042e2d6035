"""One training, many canaries: guesses at their coins against the whole curve that the claim permits.

Every canary is put in by a fair coin, its gradient along a direction of its own. The observer sees all noisy sums, minus what is no
canary. Canaries are ranked by the log likelihood ratio of the claimed sampler, at the noise that is heard. So many are accused and so
many cleared: shares that were fixed on simulations of the claimed training with half its noise. The bound is f-DP in one run
(arXiv:2410.22235) against the claim's own curve; Steinke's (arXiv:2305.08846) stands beside it. It holds for fair coins, however the
sums came about.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mia_audit.errors import EvidenceError
from mia_audit.instruments.family import Family
from mia_audit.instruments.verdict import HALF, POWER, Finding, Reach
from mia_audit.privacy.stated import Stated
from mia_audit.statistics import gaussian_pair, likelihood, onerun, onerun_tradeoff
from mia_audit.statistics.curve import Curve
from mia_audit.statistics.onerun import Guesses
from mia_audit.streams import stream
from mia_audit.types import Bools, Floats

REHEARSALS = 4
TRIALS = 20
_DRAWS = 2e8
_DEEPEST = -30.0
_QUIETEST = 0.05

Score = Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True)
class Design:
    """What is fixed before a training is looked at: the claim, how many canaries, the level, and which shares are accused and cleared."""

    family: Family
    canaries: int
    level: float
    accused: float
    cleared: float
    seed: int = 0

    def guess(self, z: Floats, coins: Bools) -> Guesses:
        """Return the guesses at coins [canaries] from projections [steps, canaries]."""
        return onerun.guess(score_of(self.family.claim)(z), coins, self.accused, self.cleared)


def score_of(claim: Stated) -> Score:
    """Return the most powerful score of projections [steps, canaries] under the claim's sampler, at the noise that they have.

    Where they are quieter than claimed the ratio is that of the quieter noise. It is read off the projections without the coins, so that
    the guesses stay fair.
    """

    def score(z: Floats) -> Floats:
        noise = min(claim.noise_multiplier, max(_heard(z), _QUIETEST * claim.noise_multiplier))
        if claim.rate == 1 or claim.sampling == "poisson":
            return likelihood.log_ratio(z, noise, claim.rate)
        return likelihood.allocation_log_ratio(z, noise, claim.epoch)

    return score


def _heard(z: Floats) -> float:
    """Return the noise's standard deviation from the median distance to the median: most projections are noise alone."""
    return float(np.median(np.abs(z - np.median(z)))) / 0.6745


def simulated(claim: Stated, canaries: int, factor: float, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Return projections [steps, canaries] and coins [canaries] of a training as claimed, with so many times the noise."""
    coins = rng.random(canaries) < 0.5
    z: Floats = rng.standard_normal((claim.steps, canaries), dtype=np.float32) * np.float32(factor * claim.noise_multiplier)
    z += _drawn(claim, canaries, rng) & coins
    return z, coins


def _drawn(claim: Stated, canaries: int, rng: np.random.Generator) -> Bools:
    if claim.rate == 1 or claim.sampling == "poisson":
        return rng.random((claim.steps, canaries), dtype=np.float32) < claim.rate
    epochs = claim.steps // claim.epoch
    places = rng.integers(claim.epoch, size=(epochs, 1, canaries))
    drawn: Bools = (places == np.arange(claim.epoch)[:, None]).reshape(claim.steps, canaries)
    return drawn


def designed(family: Family, canaries: int, level: float, seed: int = 0) -> Design:
    """Return the shares whose p is smallest, in the mean of logarithms, on simulated trainings with half the claimed noise."""
    score, claim, curve = score_of(family.claim), family.claim, family.curve()
    streams = [stream(seed, "dp one run, rehearsal", each) for each in range(_affordable(claim, canaries, REHEARSALS))]
    runs = [(score(z), coins) for z, coins in (simulated(claim, canaries, HALF, each) for each in streams)]

    def strength(shares: tuple[float, float]) -> tuple[float, float]:
        found = [onerun.guess(scores, coins, *shares) for scores, coins in runs]
        return -float(np.mean([math.log10(p_value(each, curve)) for each in found])), sum(each.right / max(1, each.made) for each in found)

    accused, cleared = max(((a, b) for a in onerun.SHARES for b in onerun.SHARES if 0 < a + b <= 1), key=strength)
    return Design(family=family, canaries=canaries, level=level, accused=accused, cleared=cleared, seed=seed)


def _affordable(claim: Stated, canaries: int, most: int) -> int:
    return max(1, min(most, int(_DRAWS / 4 / (claim.steps * canaries))))


def p_value(guesses: Guesses, curve: Curve) -> float:
    """Return the smallest level at which so many right guesses refute a curve; 1 where none does."""
    least = curve.least()

    def refuted(log_level: float) -> bool:
        return onerun_tradeoff.surplus(guesses, least, 10.0**log_level) > 0

    if guesses.made == 0 or not refuted(0.0):
        return 1.0
    if refuted(_DEEPEST):
        return float(10.0**_DEEPEST)
    low, high = _DEEPEST, 0.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if refuted(middle) else (middle, high)
    return float(10.0**high)


def refutes(guesses: Guesses, curve: Curve, level: float) -> bool:
    """Say whether so many right guesses refute a curve at this level."""
    return guesses.made > 0 and onerun_tradeoff.surplus(guesses, curve.least(), level) > 0


def power(design: Design, factor: float) -> float:
    """Return how often simulated trainings with so many times the claimed noise refute the claim."""
    claim, curve = design.family.claim, design.family.curve()
    trials = _affordable(claim, design.canaries, TRIALS)
    runs = (simulated(claim, design.canaries, factor, stream(design.seed, "dp one run, power", each)) for each in range(trials))
    return sum(refutes(design.guess(z, coins), curve, design.level) for z, coins in runs) / trials


def reach(design: Design) -> Reach:
    """Return what one training with so many canaries sees, by simulation."""
    family = design.family
    factor = family.largest(lambda each: power(design, each) >= POWER)
    return Reach(
        instrument="one run",
        access="white box: every noisy sum of one training",
        needs=f"{design.canaries:,} canaries put in by fair coins, {family.claim.steps:,} steps",
        factor=factor,
        epsilon=None if factor is None or not family.whole else family.epsilon(factor),
    )


def judged(z: Floats, coins: Bools, design: Design, known: Reach | None = None) -> Finding:
    """Return what projections [steps, canaries], in clipping norms, and coins [canaries] say of the claim."""
    family, level = design.family, design.level
    steps, shape = family.claim.steps, (design.canaries,)
    if z.shape != (steps, *shape) or coins.shape != shape or coins.dtype != np.bool_ or not np.isfinite(z).all():
        raise EvidenceError(
            f"a one-run test needs finite projections [{steps} steps, {design.canaries} canaries] and a bool coin for each canary, got "
            f"{z.shape} and {coins.dtype} {coins.shape}"
        )
    guesses = design.guess(z, coins)
    pair = gaussian_pair.fitted(score_of(family.claim)(z), coins)
    return Finding(
        reach=known or reach(design),
        p=p_value(guesses, family.curve()),
        level=level,
        numbers={
            "epsilon claimed": family.epsilon(),
            "epsilon at least, f-DP": family.shown(lambda curve: refutes(guesses, curve, level)) if family.whole else math.nan,
            "epsilon at least, Steinke": onerun.bound(guesses, family.claim.delta, level),
            "epsilon estimated by a Gaussian pair (no bound: mostly above the truth)": pair.epsilon(family.claim.delta),
        },
        notes=(f"{guesses.right} of {guesses.made} guesses right ({design.accused:g} accused, {design.cleared:g} cleared)",),
    )
