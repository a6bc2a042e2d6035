"""The examples most at risk, as arrays of their own: an audit must not leak what it audits."""

import numpy as np

from mia_audit.arrays import Arrays
from mia_audit.data.examples import Examples
from mia_audit.types import Bools, Floats, Ints

SHOWN = 16


def exposed(examples: Examples, audited: Ints, scores: Floats, member: Bools) -> Arrays:
    """Return the audited examples with the highest scores: places in the pool, scores, membership, labels, and pictures or rows.

    audited: places in the pool [A]; scores and member [A], of the headline attack on the target.
    """
    first = np.argsort(-scores, kind="stable")[:SHOWN]
    positions = audited[first]
    inputs = examples.pool_inputs[positions]
    return {
        "positions": positions,
        "scores": scores[first],
        "member": member[first],
        "labels": examples.pool_labels[positions],
        **_shown(inputs),
    }


def _shown(inputs: Floats) -> Arrays:
    if inputs.ndim == 5:  # events: where they were, over all time and both signs
        total = inputs.sum(axis=(1, 2))
        inputs = (total / np.maximum(total.max(axis=(1, 2), keepdims=True), 1))[:, None]  # a sample may have no event
    if inputs.ndim != 4:
        return {"rows": inputs}
    pictures = np.moveaxis(np.rint(inputs * 255).astype(np.uint8), 1, -1)
    return {"pictures": pictures[..., 0] if pictures.shape[-1] == 1 else pictures}
