"""Examples that stand twice: equal inputs on both sides of a line that an attack takes to be one.

In the pool, a non-member whose double is a member looks like a member, and is one in all but name; in the third pool, whose
examples are taken for nobody's, it is a member outright. Both make attacks look weaker than they are.
"""

import hashlib
from collections import Counter

import numpy as np

from mia_audit.data.examples import Examples
from mia_audit.types import Floats

FEW = 0.01
"""Share of doubles that is not worth a word."""


def doubles(examples: Examples) -> tuple[str, ...]:
    """Return a sentence for the pool, and for the third pool, where more than one example in a hundred has a double in the pool."""
    pool, third = _digests(examples.pool_inputs), _digests(examples.population_inputs)
    counts = Counter(pool)
    within, across = sum(count for count in counts.values() if count > 1), sum(one in counts for one in third)
    found = []
    if within > FEW * len(pool):
        found.append(f"{within} of {len(pool)} examples of the pool have a double in it: a non-member may be a member's double.")
    if across > FEW * len(third):
        found.append(f"{across} of {len(third)} examples of the outside population stand in the pool too: they pass for non-members.")
    return tuple(found)


def _digests(inputs: Floats) -> list[bytes]:
    return [hashlib.sha256(np.ascontiguousarray(each).tobytes()).digest() for each in inputs]
