"""What is left of LiRA when the attacker guesses the recipe wrong.

Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, section VI-E, where shadow
models of another architecture or optimizer cost part of the attack. Here: another surrogate gradient, half the time steps, other
bits. The degraded shadow models' logits are a signal, [models, examples, queries, classes].

Departs from the paper: spreads are pooled over examples, and the target's are taken as they are, so that a shift that all examples
share is taken off: the difference of mean phi between the target and the degraded models.
"""

from functools import partial

import numpy as np

from mia_audit.attacks.observables import each_model, phi
from mia_audit.attacks.signal_lira import NumberLiRA, Values
from mia_audit.types import Evidence, Floats


def _against(seen: Evidence, guess: str) -> Values:
    shadows = np.moveaxis(seen.signals[guess].shadows, 2, 1)
    target: Floats = phi(seen.target, seen.labels).mean(axis=0)
    shadow = each_model(phi, shadows, seen.labels).astype(np.float64)
    shift = np.median(target) - np.median(shadow)
    return target - shift, shadow


def _other(guess: str) -> NumberLiRA:
    return NumberLiRA(name=f"lira-{guess}", needs=frozenset({"shadows", guess}), of=partial(_against, guess=guess))


OTHER_SURROGATE = _other("other-surrogate")
OTHER_STEPS = _other("other-steps")
OTHER_BITS = _other("other-bits")
