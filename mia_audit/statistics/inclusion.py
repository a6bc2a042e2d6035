"""Was each example in each step by an independent coin of the claimed rate? The inclusion matrix against Poisson sampling.

rate      how often anybody was in a step: a rate worked out from a model's own members, or another batch size
examples  in how many steps each example was: too even where each is in once an epoch, too uneven where some are preferred
batches   how many examples each step had: always the same where batches are cut from an order
steps     how often an example is in two steps so far apart, every distance looked at: an order that is kept, or epochs without return
examples apart  the same between examples so far apart in a row: blocks that go together

The first is an exact binomial; spreads are sums of squares with their own mean and variance, distances standardised counts of pairs.
Pairs need to be met often enough for that: distances at which fewer than FEWEST are expected are left out.
"""

import numpy as np
from scipy.stats import binom, binomtest, chi2, norm

from mia_audit.errors import EvidenceError
from mia_audit.statistics.coins import spread_p
from mia_audit.types import Bools, Floats

FEWEST = 400
"""Expected meetings below which a distance is not judged: a count's skew would raise false alarms far out."""


def poisson_ps(included: Bools, rate: float) -> dict[str, float]:
    """Return the p of each way to depart from Poisson sampling, by name; included [steps, examples], True where in the step."""
    if included.dtype != np.bool_ or included.ndim != 2 or min(included.shape) < 2:
        raise EvidenceError(
            f"a sampler test needs inclusions as bools [steps, examples], two of each or more, got {included.dtype} {included.shape}"
        )
    if not 0 < rate < 1:
        raise EvidenceError(f"a sampler test needs a rate between 0 and 1, got {rate:g}; at rate 1 there is nothing to test")
    steps, examples = included.shape
    centred = (included - rate) / np.sqrt(rate * (1 - rate))
    return {
        "rate": rate_p(int(included.sum()), included.size, rate),
        "examples": spread_p(centred.sum(axis=0) / np.sqrt(steps), steps, rate),
        "batches": spread_p(centred.sum(axis=1) / np.sqrt(examples), examples, rate),
        "steps": _apart(centred, rate),
        "examples apart": _apart(centred.T, rate),
    }


def rate_p(hits: int, chances: int, rate: float) -> float:
    """Return the two-sided exact p of so many inclusions."""
    return float(binomtest(hits, chances, rate).pvalue)


def _apart(centred: Floats, rate: float) -> float:
    """Return the p of the strangest distance between rows, Bonferroni over all that are judged; 1 where none is."""
    rows, columns = centred.shape
    spectrum = np.fft.rfft(centred, n=2 * rows, axis=0)
    products = np.fft.irfft((spectrum.real**2 + spectrum.imag**2).sum(axis=1), n=2 * rows)[1:rows]
    pairs = columns * (rows - np.arange(1, rows))
    judged = pairs * rate**2 >= FEWEST
    if not judged.any():
        return 1.0
    strange = np.abs(products[judged] / np.sqrt(pairs[judged]))
    return min(1.0, int(judged.sum()) * 2 * float(norm.sf(strange.max())))


def smallest_rate(chances: int, rate: float, level: float, power: float = 0.8) -> float:
    """Return the smallest rate above the claimed one that so many chances tell from it, with this power; 1 where none is told."""
    critical = binom.isf(level / 2, chances, rate)
    low, high = rate, 1.0
    if float(binom.sf(critical, chances, high)) < power:
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if float(binom.sf(critical, chances, middle)) >= power else (middle, high)
    return high


def allocation_ps(included: Bools, epoch: int) -> dict[str, float]:
    """Return the p of each way to depart from balls and bins: each example in one random step of every epoch of so many steps.

    once      everybody is in exactly one step an epoch; one exception refutes it
    places    steps of an epoch are chosen equally often
    epochs    where an example was in one epoch says nothing about the next
    """
    steps, examples = included.shape
    if included.dtype != np.bool_ or epoch < 2 or steps % epoch:
        raise EvidenceError(
            f"a sampler test needs bools [steps, examples] of whole epochs of {epoch} steps, two or more, got {included.dtype} "
            f"{included.shape}; leave an unfinished epoch out"
        )
    epochs = included.reshape(-1, epoch, examples)
    if (epochs.sum(axis=1) != 1).any():
        return {"once": 0.0, "places": 1.0, "epochs": 1.0}
    places = epochs.argmax(axis=1)
    seen = np.bincount(places.ravel(), minlength=epoch)
    expected = places.size / epoch
    again = int((places[1:] == places[:-1]).sum())
    return {
        "once": 1.0,
        "places": float(chi2.sf(((seen - expected) ** 2 / expected).sum(), epoch - 1)),
        "epochs": rate_p(again, examples * (len(places) - 1), 1 / epoch) if len(places) > 1 else 1.0,
    }
