"""Many trainings: a canary in or out, and a score of each training. Each is an independent trial, so the bound needs no theorem beyond.

The first tenth of the trials fixes the threshold; the rest are counted. Both counts are held against the claim's curve at once
(`statistics.refuting`). The Gaussian bound of epsilon stands beside it, exact where the training's trade-off is Gaussian, and
Clopper and Pearson's at one (epsilon, delta), which assumes nothing and shows little.
"""

import numpy as np
from scipy.stats import norm

from mia_audit.errors import EvidenceError
from mia_audit.instruments.family import Family
from mia_audit.instruments.verdict import HALF, POWER, Finding, Reach
from mia_audit.statistics import epsilon, refuting
from mia_audit.statistics.curve import Curve
from mia_audit.statistics.proportions import Share
from mia_audit.statistics.refuting import Permits
from mia_audit.statistics.tradeoff import gaussian_epsilon
from mia_audit.types import Floats

PILOT = 0.1
ACCESS = "white box: every noisy sum of many trainings"
_FEWEST = 50
_CANDIDATES = 60
_WORTH = 0.75


def judged(inside: Floats, outside: Floats, family: Family, level: float, known: Reach | None = None) -> Finding:
    """Return what scores of trainings with the canary [n] and without [k] say of the claim; larger means more likely inside.

    known  what the scores can see; without it they are taken for the best that there are, which of a black box they are not
    """
    if inside.ndim != 1 or outside.ndim != 1 or min(inside.size, outside.size) < _FEWEST:
        raise EvidenceError(
            f"a test by many trainings needs {_FEWEST} scores on each side, got {inside.shape} and {outside.shape}; train more often"
        )
    if not (np.isfinite(inside).all() and np.isfinite(outside).all()):
        raise EvidenceError("a test by many trainings needs finite scores, got NaN or infinity; a training that failed is no trial")
    threshold, (right, wrong) = counts(inside, outside, family.curve())
    delta = family.claim.delta
    return Finding(
        reach=known or reach(family, min(right.total, wrong.total), level),
        p=refuting.p_value(right, wrong, Permits.curve(family.curve())),
        level=level,
        numbers={
            "epsilon claimed": family.epsilon(),
            "epsilon at least, Gaussian": gaussian_epsilon(refuting.least_mu(right, wrong, level), delta),
            "epsilon at least, Clopper-Pearson": epsilon.exact(right, wrong, delta, level),
        },
        notes=(f"{right.hits} of {right.total} inside and {wrong.hits} of {wrong.total} outside above {threshold:.4g}",),
    )


def controlled(inside: Floats, outside: Floats, family: Family, level: float, control: tuple[Floats, Floats] | None) -> Reach:
    """Return what scores of unknown quality see: whether they refute the claim on trainings whose noise was halved on purpose.

    control  scores with and without the canary of such trainings; None where there are none
    """
    needs = f"{inside.size:,} trainings with the canary and {outside.size:,} without, and as many with half the noise"
    access = "whatever the scores were made of"
    if control is None:
        told = "its power is not known: no scores of trainings with half the noise were given"
        return Reach(instrument="many trainings", access=access, needs=needs, factor=None, told=told)
    _, (right, wrong) = counts(*control, family.curve())
    seen = refuting.p_value(right, wrong, Permits.curve(family.curve())) <= level
    epsilon = family.epsilon(HALF) if seen and family.whole else None
    return Reach(instrument="many trainings", access=access, needs=needs, factor=HALF if seen else None, epsilon=epsilon)


def counts(inside: Floats, outside: Floats, curve: Curve) -> tuple[float, tuple[Share, Share]]:
    """Return a threshold that the first tenth fixed, and right and wrong accusations among the rest."""
    cut = [max(10, int(PILOT * side.size)) for side in (inside, outside)]
    threshold = chosen(inside[: cut[0]], outside[: cut[1]], curve, (inside.size, outside.size))
    rest = inside[cut[0] :], outside[cut[1] :]
    right, wrong = (Share(hits=int((side > threshold).sum()), total=side.size) for side in rest)
    return threshold, (right, wrong)


def chosen(inside: Floats, outside: Floats, curve: Curve, like: tuple[int, int]) -> float:
    """Return the threshold at which pilot scores, taken for two normal laws, would be furthest above the curve on `like` many trials."""
    laws = [norm(side.mean(), max(float(side.std(ddof=1)), 1e-12)) for side in (inside, outside)]
    candidates = np.unique(np.quantile(np.concatenate([inside, outside]), np.linspace(0.02, 0.98, _CANDIDATES)))
    tpr, fpr = (np.clip(law.sf(candidates), 1e-9, 1 - 1e-9) for law in laws)
    return float(candidates[int(np.argmax(_distance(tpr, fpr, curve, like)))])


def _distance(tpr: Floats, fpr: Floats, curve: Curve, like: tuple[int, int]) -> Floats:
    """Return by how many standard deviations each TPR lies above what is permitted at its FPR."""
    permitted = curve.most_tpr(fpr)
    spread = tpr * (1 - tpr) / like[0] + curve.steepness(fpr) ** 2 * fpr * (1 - fpr) / like[1] + 0.25 / like[0] ** 2
    found: Floats = (tpr - permitted) / np.sqrt(spread)
    return found


def power(family: Family, trials: int, level: float, factor: float) -> float:
    """Return how often the best score of trainings with so many times the claimed noise refutes the claim: by the normal law.

    A threshold that few pilot trials fixed costs what a quarter of the trials are worth.
    """
    fpr = np.geomspace(1e-4, 0.9, 200)
    tpr = np.clip(family.curve(factor).most_tpr(fpr), 0.0, 1.0)
    worth = round(_WORTH * trials)
    best = float(_distance(tpr, fpr, family.curve(), (worth, worth)).max())
    return float(norm.cdf(best - norm.isf(level)))


def reach(family: Family, trials: int, level: float) -> Reach:
    """Return what so many trainings a side see with the best score there is: the likelihood ratio of every release."""
    factor = family.largest(lambda each: power(family, trials, level, each) >= POWER) if family.whole else None
    return Reach(
        instrument="many trainings",
        access=ACCESS,
        needs=f"{trials:,} trainings with the canary and {trials:,} without",
        factor=factor,
        epsilon=None if factor is None else family.epsilon(factor),
    )
