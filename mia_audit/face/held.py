"""What a target is held against before its numbers are believed: its owner's word on its accuracy, and shadow models of its kind."""

import math
from typing import Any

import numpy as np
from scipy.stats import norm

from mia_audit.attacks.observables import each_model, log_likelihood, phi
from mia_audit.errors import EvidenceError, UsageError
from mia_audit.statistics.interval import Interval
from mia_audit.statistics.nulltest import one_more_p
from mia_audit.statistics.proportions import Share
from mia_audit.statistics.proportions import accuracy as share_of
from mia_audit.types import Bools, Evidence, Floats, Ints

UNLIKE = 0.001
"""How surprising a target among its shadow models has to be before it is called another kind."""
FEWEST = 3
"""Shadow models that a target is compared with."""
SURE = 0.9999
"""How sure it has to be that an accuracy is another one before a network is refused."""


def require_accuracy(seen: Evidence, member: Bools, claimed: Any) -> None:
    """Refuse a target that gets another share of the non-members right than its owner says; nothing where nobody says anything."""
    if claimed is None:
        return
    if isinstance(claimed, bool) or not isinstance(claimed, int | float) or not 0 <= claimed <= 1:
        raise UsageError(f"accuracy needs a share from 0 to 1, got {claimed!r}; give what its owner measured, such as 0.808")
    require_share((seen.target.mean(axis=0).argmax(axis=-1) == seen.labels)[~member], claimed)


def require_share(right: Bools, claimed: float) -> None:
    """Refuse non-members of whom another share is right than claimed."""
    room = float(norm.isf((1 - SURE) / 2)) * math.sqrt(max(claimed * (1 - claimed), 0.25 / right.size) / right.size) + 0.01
    if abs(right.mean() - claimed) > room:
        about = f"{claimed:.3f} (give or take {room:.3f} on {right.size} non-members)"
        raise EvidenceError(
            f"the target needs the accuracy that its owner measured, {about}, got {right.mean():.3f}; it is another network, or its inputs "
            "are prepared otherwise"
        )


def learnt(seen: Evidence, member: Bools, truth: Ints) -> tuple[Interval, float]:
    """Return the share of non-members that the target gets right, and the share of their commonest class; truth: the right classes."""
    right = seen.target[:, ~member].mean(axis=0).argmax(axis=-1) == seen.labels[~member]
    return share_of(Share(hits=int(right.sum()), total=right.size)), float(np.bincount(truth[~member]).max() / right.size)


def unlike(seen: Evidence, member: Bools) -> tuple[str, ...]:
    """Say where the target is another kind of network than its shadow models: attacks then mistake it."""
    if len(seen.shadows) < FEWEST:
        return ()
    rows = np.vstack([member, seen.trained_on])
    found = {name: one_more_p(float(each[0]), each[1:], 0.01) for name, each in traits(seen, rows).items()}
    name = min(found, key=lambda each: found[each])
    p = min(1.0, len(found) * found[name])
    if p >= UNLIKE:
        return ()
    own = traits(seen, rows)[name]
    apart = f"its {name} is {own[0]:.3f}, theirs {own[1:].mean():.3f} with a deviation of {own[1:].std(ddof=1):.3f} (p = {p:.1g})"
    kind = f"The target is another kind of network than its {len(own) - 1} shadow models: {apart}."
    return (f"{kind} Attacks that learn from them may miss what it leaks: train them as it was.",)


def traits(seen: Evidence, rows: Bools) -> dict[str, Floats]:
    """Return what models [1 + S] are compared by: log of the loss on others, confidence in the labels of own members, and of others."""
    answers = np.concatenate([seen.target[None], seen.shadows])
    sure = each_model(phi, answers, seen.labels)
    loss = -each_model(log_likelihood, answers, seen.labels)
    return {
        "loss on non-members": np.log(np.maximum(np.mean(loss, axis=1, where=~rows), 1e-12)),
        "fit to members": np.mean(sure, axis=1, where=rows),
        "confidence in non-members": np.mean(sure, axis=1, where=~rows),
    }
