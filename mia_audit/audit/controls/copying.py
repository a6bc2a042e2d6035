"""Whether the models are different models: near-copies among them, by answers and by every further signal.

Equal bits are seen elsewhere; here noise, rounding or half of another model's answers do not hide a copy.
"""

import numpy as np

from mia_audit.attacks.observables import each_model, phi
from mia_audit.audit.bank.prepared import Bank
from mia_audit.record import Control
from mia_audit.record.controls import COPIES
from mia_audit.statistics.copies import FEWEST, Nearest, nearest
from mia_audit.streams import stream
from mia_audit.types import Floats, Ints

MOST_EXAMPLES = 2_000
"""Examples looked at: more hardly see more."""

NAMES = ("the target", "the phantom target")


def copies_control(bank: Bank, labels: Ints, seed: int) -> Control:
    """Judge whether any two models are nearly one, by logit-scaled confidence in the label and by each signal; labels [pool]."""
    if len(bank.pool) < FEWEST:
        return COPIES.told(None, f"Fewer than {FEWEST} models: too few pairs to see by how much pairs differ.")
    picked = np.sort(stream(seed, "copies").permutation(labels.size)[:MOST_EXAMPLES])
    found = {"answers": nearest(each_model(phi, bank.pool[:, :, picked], labels[picked]), labels[picked])}
    for name, values in bank.signals.items():
        found[name] = nearest(one_number(values[:, picked], stream(seed, f"copies {name}")), labels[picked])
    known = {name: pair for name, pair in found.items() if pair is not None}
    if not known:
        return COPIES.told(None, "Models answer all alike: there is nothing to tell them apart by.")
    level = COPIES.level / len(known)
    faults = [f"{_named(pair)} are nearly one by {name}, {_told(pair)}" for name, pair in known.items() if pair.copied(level)]
    first, best = min(known.items(), key=lambda each: each[1].p)
    sound = f"By {', '.join(known)}: {_named(best)} are most alike, by {first}, {_told(best)} (fails below {level:.2g})"
    told = "; ".join(faults[:3]) or sound
    return COPIES.told(not faults, f"{told[0].upper()}{told[1:]}.")


def one_number(values: Floats, rng: np.random.Generator) -> Floats:
    """Return one number for each model and example [models, examples] of a signal [models, examples, ...]: a random sum of its values."""
    flat = values.reshape(*values.shape[:2], -1).astype(np.float64)
    return flat[..., 0] if flat.shape[2] == 1 else flat @ rng.normal(size=flat.shape[2])


def _named(pair: Nearest) -> str:
    return " and ".join(NAMES[model] if model < len(NAMES) else f"shadow model {model - 1}" for model in (pair.first, pair.second))


def _told(pair: Nearest) -> str:
    return f"correlation {pair.correlation:.2f} of what is their own, p = {pair.p:.2g}"
