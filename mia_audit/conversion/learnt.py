"""Whether networks do more than guess: a teacher that does not is refused, and so are steps too few for its successor."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from mia_audit.conversion import timing
from mia_audit.conversion.folding import build
from mia_audit.errors import TrainingError
from mia_audit.models.network import Population
from mia_audit.signals import query
from mia_audit.training.material import Material
from mia_audit.types import Floats, Ints

DEVIATIONS = 3.0
"""Above the share of the commonest class, in standard deviations of so many coins, where guessing ends."""
LONGEST = 1024
"""Steps up to which it is looked for those that suffice."""


def guessing(labels: Ints) -> float:
    """Return the accuracy up to which a network may only guess: always the commonest class, with luck."""
    share = float(np.bincount(labels).max() / len(labels))
    return share + DEVIATIONS * float(np.sqrt(share * (1 - share) / len(labels)))


def require_learnt(teacher: Population, given: Material, indices: Sequence[int]) -> None:
    """Refuse teachers that guess on the pool, their own members among it; TrainingError names the first."""
    answers = query(teacher, given.pool_inputs, given.recipe).logits.mean(axis=1).argmax(axis=-1)
    most = guessing(given.pool_labels)
    for index, accuracy in zip(indices, (answers == given.pool_labels).mean(axis=1).tolist(), strict=True):
        if accuracy <= most:
            raise TrainingError(
                f"[conversion] needs a teacher that has learnt its task, got model {index} with accuracy {accuracy:.3f} on the pool, where "
                f"guessing reaches up to {most:.3f}; use more training.epochs or another training.learning_rate"
            )


def require_steps(
    reached: Tensor, given: Material, population: Population, indices: Sequence[int], tried: tuple[Floats, Ints, int]
) -> None:
    """Refuse steps after which a converted network still guesses; TrainingError says how many suffice, found by running on.

    reached  accuracies [K] on what was tried: inputs, labels, and the seed of their codes
    """
    most = guessing(tried[1])
    for place, (index, accuracy) in enumerate(zip(indices, reached.tolist(), strict=True)):
        if accuracy <= most:
            found = _sufficient(given, population, place, tried)
            way_out = f"use --set model.time_steps={found}" if found else f"{LONGEST} do not suffice either: balance on other images"
            raise TrainingError(
                f"[conversion] needs enough steps to leave chance, got model {index} with accuracy {accuracy:.3f} after "
                f"{given.recipe.model.time_steps}, where guessing reaches up to {most:.3f}; {way_out}"
            )


def _sufficient(given: Material, population: Population, place: int, tried: tuple[Floats, Ints, int]) -> int | None:
    """Return the fewest steps, a power of two, after which a model is twice as good as guessing or better, or half right; None: none."""
    inputs, labels, seed = tried
    own = {name: value[place : place + 1] for name, value in population.state_dict().items()}
    wanted = min(2 * guessing(labels), 0.5)
    steps = 2
    while steps <= LONGEST:
        longer = build(given.recipe, given.shape, given.classes, 1, steps=steps)
        longer.load_state_dict(own)
        model = given.recipe.model.model_copy(update={"time_steps": steps})
        found = timing.accuracies(timing.over_time(longer.to(population.device), inputs, model, seed).logits, labels)
        if float(found[0, -1]) >= wanted:
            return steps
        steps *= 2
    return None
