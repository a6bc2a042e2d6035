"""What an instrument says of a claim: violated, consistent, or that it had no power to see a violation.

violated     the claim is refuted at the instrument's level
consistent   it is not, though a training with half the claimed noise would have been, four times in five
no power     it is not, and neither would that training have been: silence says nothing
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

POWER = 0.8
HALF = 0.5
"""The violation that a consistent instrument would have seen: noise halved in secret."""

VIOLATED, CONSISTENT, NO_POWER = "violated", "consistent", "no power"


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What an instrument can see, known before anything is measured.

    access    what somebody must have to use it
    needs     what is measured, and how much of it
    factor    the largest share of the claimed noise at which it refutes the claim with 80 % power; None where none is seen
    epsilon   what a training with that share of the noise would come to; None where that is not computed
    """

    instrument: str
    access: str
    needs: str
    factor: float | None
    epsilon: float | None = None
    told: str = ""

    @property
    def enough(self) -> bool:
        """Whether noise halved in secret would be seen."""
        return self.factor is not None and self.factor >= HALF

    def __str__(self) -> str:
        """Write the reach as a reader would."""
        if self.told:
            return self.told
        if self.factor is None:
            return "sees no violation of this kind with 80 % power"
        more = "" if self.epsilon is None else f" (epsilon {self.epsilon:.3g})"
        return f"sees noise of {self.factor:.3g} times the claimed or less{more} with 80 % power"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What an instrument found.

    p        of "the claim holds", corrected for all that the instrument looked at
    numbers  what else was measured, by name
    notes    sentences about what was looked at
    """

    reach: Reach
    p: float
    level: float
    numbers: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """One of the three words."""
        if self.p <= self.level:
            return VIOLATED
        return CONSISTENT if self.reach.enough else NO_POWER

    def __str__(self) -> str:
        """Write the finding in one line."""
        said = f"{self.reach.instrument}: {self.verdict}, p {self.p:.2g} at level {self.level:g}"
        return f"{said}; {self.reach}" if self.verdict != VIOLATED else said


def together(ps: Mapping[str, float]) -> float:
    """Return the p of several looks, Bonferroni."""
    return min(1.0, len(ps) * min(ps.values()))
