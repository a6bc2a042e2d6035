"""Examples that stand twice: equal inputs on both sides of a line that an attack, or the accuracy, takes to be one.

In the pool, a non-member whose double is a member looks like a member, and is one in all but name; in the population data, whose
examples are taken for nobody's, it is a member outright. Both make attacks look weaker than they are. Test
examples that were trained on make the accuracy look better than it is, and the gap smaller.
"""

import hashlib
from collections import Counter

import numpy as np

from mia_audit.data.examples import Examples
from mia_audit.types import Floats

FEW = 0.01
"""Share of doubles that is not worth a word."""


def repeats(examples: Examples) -> tuple[str, ...]:
    """Return a sentence for the pool, for the population data and for the test set, where more than one example in a hundred has a double.

    A double of the pool and of the population data stands in the pool, one of the test set in the data set's training part.
    """
    pool, third = _digests(examples.pool_inputs), _digests(examples.population_inputs)
    counts = Counter(pool)
    within, across = sum(count for count in counts.values() if count > 1), sum(one in counts for one in third)
    found = []
    if within > FEW * len(pool):
        found.append(f"{within} of {len(pool)} examples of the pool have a double in it: a non-member may be a member's double.")
    if across > FEW * len(third):
        found.append(f"{across} of {len(third)} examples of the outside population stand in the pool too: they pass for non-members.")
    if examples.repeated > max(1, FEW * len(examples.test_inputs)):
        pooled = sum(one in counts for one in _digests(examples.test_inputs))
        found.append(
            f"{examples.repeated} of {len(examples.test_inputs)} test examples stand in the training part too, {pooled} of them in the "
            "pool: test accuracy and the gap are not what they say."
        )
    return tuple(found)


def _digests(inputs: Floats) -> list[bytes]:
    return [hashlib.sha256(np.ascontiguousarray(each).tobytes()).digest() for each in inputs]
