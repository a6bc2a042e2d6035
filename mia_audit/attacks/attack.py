"""What an attack is: a frozen choice of parameters, and a function from evidence to scores."""

from typing import ClassVar, Protocol

from mia_audit.types import Evidence, Floats


class Attack(Protocol):
    """One membership-inference attack. It sees arrays: never a model, never the target's membership.

    name              of its card
    shadows_per_side  how many shadow models trained with, and how many without, each example it needs; 0 = it counts no sides
    needs             what the evidence must offer (`Evidence.offers`): shadows, queries, population, features, signals by name
    """

    name: ClassVar[str]
    shadows_per_side: ClassVar[int]
    needs: ClassVar[frozenset[str]]

    def score(self, seen: Evidence) -> Floats:
        """Return one finite score per example, shape [examples]; larger means more likely a member."""
        ...
