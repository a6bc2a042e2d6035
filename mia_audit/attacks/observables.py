"""What an observer computes from a model's logits: log-probabilities, phi, entropies, margins.

Arrays are [..., examples, classes] in and [..., examples] out (`log_...` of every class keep the classes); `chosen` is one class
per row, or the labels [examples]. All are float64, finite for every finite logit and exact where a softmax would saturate:
they are computed from differences of logits, never from probabilities.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mia_audit.errors import EvidenceError
from mia_audit.machine import cores
from mia_audit.types import Bools, Floats, Ints

Observable = Callable[[Floats, Ints], Floats]

_SMALLEST = 1e-30
"""Where float32 keeps its digits: from here to one over it."""

_CERTAIN = 36.0
"""Above this phi the loss is exp(-phi), to the last digit of float64."""

_THREADS = 4
_WORTH_A_THREAD = 2**18
"""Logits that are worth a thread of their own."""

LARGEST = 1e30
"""Logits beyond this are taken as this, so that their squares stay finite."""


def each_model(observe: Observable, shadows: Floats, labels: Ints, *, logs: bool = False) -> Floats:
    """Return an observable of every shadow model, averaged over queries, [models, examples]; float32 where the logits are.

    logs: the observable is the log of what is averaged
    A few models at a time, one a core: the temporaries stay small beside shadows [models, queries, examples, classes].
    """
    found = np.empty((len(shadows), shadows.shape[2]), dtype=np.float32 if shadows.dtype == np.float32 else np.float64)

    def fill(first: int) -> None:
        here = slice(first, first + together)
        answers = observe(shadows[here], labels)
        if answers.shape[1] == 1:
            averaged = answers[:, 0]
        else:
            averaged = log_over_queries(np.moveaxis(answers, 1, 0)) if logs else answers.mean(axis=1)
        averaged.clip(-LARGEST, LARGEST, out=found[here], casting="same_kind")

    together = max(1, _WORTH_A_THREAD // max(1, shadows[0].size)) if len(shadows) else 1
    on_cores(fill, range(0, len(shadows), together))
    return found


def on_cores(work: Callable[[int], None], numbers: Iterable[int]) -> None:
    """Do the work for every number, a few at a time; NumPy lets other threads run while it computes."""
    listed = list(numbers)
    workers = max(1, min(_THREADS, cores(), len(listed)))

    def share(first: int) -> None:
        for number in listed[first::workers]:
            work(number)

    if workers == 1:  # starting a thread takes longer than a small audit's work
        share(0)
        return
    with ThreadPoolExecutor(max_workers=workers) as threads:
        for _ in threads.map(share, range(workers)):
            pass


def phi(logits: Floats, chosen: Ints) -> Floats:
    """Return the logit-scaled confidence log(p_y / (1 - p_y)) = z_y - logsumexp of the others; larger = surer of the class."""
    if logits.dtype == np.float32:
        return _quickly(logits, chosen, lambda odds: -np.log(odds), phi)
    others = _without(logits, chosen)
    top = others.max(axis=0)
    with np.errstate(over="ignore"):  # a difference too large for the type is minus infinity, whose exponential is 0
        total = np.exp(others - top).sum(axis=0)
    surplus: Floats = _of(logits, chosen) - within_reach(top) - np.log(total)
    return surplus


def log_likelihood(logits: Floats, chosen: Ints) -> Floats:
    """Return log p_y, minus the cross-entropy loss; it keeps increasing in phi where p_y rounds to 1."""
    if logits.dtype == np.float32:
        return _quickly(logits, chosen, lambda odds: -np.log1p(odds), log_likelihood)
    return -np.logaddexp(0.0, -phi(logits, chosen))


def log_loss(logits: Floats, chosen: Ints) -> Floats:
    """Return the log of the cross-entropy, log(-log p_y); minus phi where p_y rounds to 1, so that it never saturates."""
    if logits.dtype == np.float32:
        return _quickly(logits, chosen, lambda odds: np.log(np.log1p(odds)), log_loss)
    return loss_of(phi(logits, chosen))


def loss_of(phis: Floats) -> Floats:
    """Return the log of the cross-entropy from phi."""
    softened = np.log(np.logaddexp(0.0, -np.minimum(phis, _CERTAIN)))
    logs: Floats = np.where(phis > _CERTAIN, -phis, softened)
    return logs


def log_confidence_loss(logits: Floats) -> Floats:
    """Return the log of minus the log of the largest probability."""
    return log_loss(logits, np.argmax(logits, axis=-1))


def phis(logits: Floats) -> Floats:
    """Return phi of every class, [..., examples, classes]."""
    return log_probabilities(logits) - log_complements(logits)


def log_entropy(logits: Floats) -> Floats:
    """Return the log of the entropy in nats: a sum of terms that are all positive, taken in order of size."""
    each = phis(logits)
    return _log_sum(loss_of(each) - np.logaddexp(0.0, -each))


def log_modified_entropy(logits: Floats, chosen: Ints) -> Floats:
    """Return the log of the modified entropy, summed as above."""
    each = phis(logits)
    of_class = np.arange(logits.shape[-1]) == np.asarray(chosen)[..., None]
    towards = np.where(of_class, each, -each)  # the class counts by 1 - p and the log of p, the others the other way round
    return _log_sum(loss_of(towards) - np.logaddexp(0.0, towards))


def log_over_queries(logs: Floats) -> Floats:
    """Return the log of the mean over queries, the first axis, of what has these logs."""
    mean: Floats = _log_sum(np.moveaxis(logs, 0, -1)) - np.log(len(logs))
    return mean


def log_confidence(logits: Floats) -> Floats:
    """Return the log of the largest probability."""
    return log_likelihood(logits, np.argmax(logits, axis=-1))


def log_probabilities(logits: Floats) -> Floats:
    """Return log p of every class."""
    top = np.argmax(logits, axis=-1)
    below_top: Floats = within_reach(logits) - _of(logits, top)[..., None]
    return below_top + log_likelihood(logits, top)[..., None]


def log_complements(logits: Floats) -> Floats:
    """Return log(1 - p) of every class; finite also where p rounds to 1."""
    top = np.argmax(logits, axis=-1)
    of_top: Floats = -np.logaddexp(0.0, phi(logits, top))
    is_top = np.arange(logits.shape[-1]) == top[..., None]
    p = np.exp(np.where(is_top, -np.inf, log_probabilities(logits)))
    return np.where(is_top, of_top[..., None], np.log1p(-p))


def entropy(logits: Floats) -> Floats:
    """Return the entropy of the prediction in nats."""
    logp = log_probabilities(logits)
    expected: Floats = (np.exp(logp) * logp).sum(axis=-1)
    return -expected


def modified_entropy(logits: Floats, chosen: Ints) -> Floats:
    """Return Mentr = -(1 - p_y) log p_y - sum over i != y of p_i log(1 - p_i), in nats; 0 when p_y = 1, large when p_y = 0."""
    logp, complements = log_probabilities(logits), log_complements(logits)
    of_class = np.arange(logits.shape[-1]) == np.asarray(chosen)[..., None]
    terms: Floats = np.where(of_class, np.exp(complements) * logp, np.exp(logp) * complements).sum(axis=-1)
    return -terms


def margin(logits: Floats, chosen: Ints) -> Floats:
    """Return z_y minus the largest other logit, which is log p_y minus the largest other log-probability."""
    surplus: Floats = _of(logits, chosen) - within_reach(_without(logits, chosen).max(axis=0))
    return surplus


def correct(logits: Floats, chosen: Ints) -> Floats:
    """Return 1 where the model predicts the class, else 0."""
    hits: Floats = (np.argmax(logits, axis=-1) == chosen).astype(np.float64)
    return hits


def _quickly(logits: Floats, chosen: Ints, of_odds: Callable[[Floats], Floats], exactly: Observable) -> Floats:
    """Return an observable that is a function of the odds against the class, sum over i != y of exp(z_i) / exp(z_y), in float32.

    Several times faster than in order of size, and right to a millionth where these fit; rows where they do not are done exactly.
    """
    _require_two_classes(logits)
    rows = np.ascontiguousarray(logits).reshape(-1, logits.shape[-1])
    places = np.arange(len(rows)) * rows.shape[1] + np.broadcast_to(chosen, logits.shape[:-1]).reshape(-1)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        terms = np.exp(rows)
        of_class = terms.ravel()[places]
        terms.ravel()[places] = 0.0
        others = terms @ np.ones(rows.shape[1], dtype=np.float32)
        odds = others / of_class
    unfit = np.flatnonzero(~(_fits(of_class) & _fits(others) & _fits(odds)))
    odds[unfit] = 1.0
    found: Floats = of_odds(odds).astype(np.float64)
    if unfit.size:
        found[unfit] = exactly(rows[unfit].astype(np.float64), places[unfit] - unfit * rows.shape[1])
    return found.reshape(logits.shape[:-1])


def _log_sum(logs: Floats) -> Floats:
    """Return log sum exp over the last axis, all of it finite."""
    top = logs.max(axis=-1)
    total: Floats = top + np.log(np.exp(logs - top[..., None]).sum(axis=-1))
    return total


def _fits(values: Floats) -> Bools:
    """Return where float32 keeps its digits."""
    fits: Bools = (values > _SMALLEST) & (values < 1 / _SMALLEST)
    return fits


def _require_two_classes(logits: Floats) -> None:
    if logits.shape[-1] < 2:
        raise EvidenceError(f"an attack needs logits of two classes or more, got {logits.shape[-1]}; give a binary model two outputs")


def _without(logits: Floats, chosen: Ints) -> Floats:
    """Return a copy with classes first (which makes reductions over few classes fast) and the chosen class at minus infinity."""
    _require_two_classes(logits)
    others = np.array(np.moveaxis(logits, -1, 0), order="C")
    np.put_along_axis(others, np.broadcast_to(chosen, logits.shape[:-1])[None], -np.inf, axis=0)
    return others


def _of(logits: Floats, chosen: Ints) -> Floats:
    places = np.broadcast_to(chosen, logits.shape[:-1])[..., None]
    return within_reach(np.take_along_axis(logits, places, axis=-1)[..., 0])


def within_reach(values: Floats) -> Floats:
    """Return the values in float64, none beyond what can be squared."""
    within: Floats = values.astype(np.float64).clip(-LARGEST, LARGEST)
    return within
