"""What an attack is: a frozen choice of parameters, and a function from evidence to scores.

Every attack runs through one function, `Attack.score`: it refuses evidence that lacks what the attack declares, and scores that are
not one finite float per example. An attack itself declares (name, needs, shadow models, ranges of its parameters) and computes.
"""

from abc import ABC, abstractmethod
from typing import final

import numpy as np

from mia_audit.attacks import budget
from mia_audit.attacks.ranges import require_ranges
from mia_audit.errors import EvidenceError
from mia_audit.types import Evidence, Floats


class Attack(ABC):
    """One membership-inference attack. It sees arrays: never a model, never the target's membership.

    name              of its card
    needs             what the evidence must offer (`Evidence.offers`): shadows, queries, population, features, signals by name
    shadows_per_side  how many shadow models trained with, and how many without, each example it needs; 0 = it counts no sides
    offline           whether models trained without an example are all that it looks at
    Subclasses are frozen dataclasses: a field with a default is a parameter of the card; one without is fixed by a row of a table.
    """

    name: str
    needs: frozenset[str]
    shadows_per_side: int = 0
    offline: bool = False

    def __post_init__(self) -> None:
        """Refuse a parameter outside the range that is declared with its field, and those that do not go together."""
        require_ranges(self, self.name)
        self._check()

    def _check(self) -> None:  # noqa: B027  a hook that most leave empty
        """Raise RecipeError where parameters do not go together; most go with any other."""

    @final
    def score(self, seen: Evidence) -> Floats:
        """Return one finite score per example, shape [examples]; larger means more likely a member.

        EvidenceError or ShadowBudgetError where the evidence does not suffice: what is missing, and the way out.
        """
        budget.require_needs(seen, self)
        if "shadows" in self.needs:
            budget.require_shadows(seen, self)
        scores = self._score(seen)
        if scores.shape != (seen.examples,) or scores.dtype.kind != "f" or not np.isfinite(scores).all():
            raise EvidenceError(
                f"{self.name} needs to give one finite score for each of {seen.examples} examples, got {scores.dtype} {scores.shape}, "
                f"{int((~np.isfinite(scores)).sum())} not finite; mend its _score"
            )
        return scores

    @abstractmethod
    def _score(self, seen: Evidence) -> Floats:
        """Return the scores [examples] from evidence that offers what the attack needs."""
