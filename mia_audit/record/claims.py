"""What may be said of a target that was scored from arrays or by questions: no coins were dealt, so no sentence says more than it can.

"AUC with fair coins" and "members and non-members from two sources" are not one claim (Das, Zhang and Tramer, "Blind Baselines Beat
Membership Inference Attacks for Foundation Models", arXiv:2406.16201v2): two sources are told apart by themselves. Only references that
were asked for the target's members, or a classifier that never sees the network, stand between the two.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

FEW = 200
"""Members or others below which the power that is left is said."""


class Ranged(Protocol):
    """A number with its interval, wherever it is kept."""

    @property
    @abstractmethod
    def value(self) -> float | None:
        """The number; None where the data cannot resolve it."""

    @property
    @abstractmethod
    def low(self) -> float:
        """Where the interval begins."""

    @property
    @abstractmethod
    def high(self) -> float:
        """Where it ends."""


@dataclass(frozen=True, kw_only=True)
class Unseeing:
    """What a classifier that never sees the network made of the inputs alone."""

    auc: float
    p: float
    refutes: bool


@dataclass(frozen=True, kw_only=True)
class Finding:
    """All that a verdict is made of.

    corrected  for how many attacks the interval was widened; 0 where the headline was chosen on references
    refuted    whether references that cannot know the target's members tell them from the others; None where there were none to ask
    backwards  which mask is likely turned over; "" where members score no lower than the others
    following  references whose members hang together with the target's
    right      the share of non-members that the target gets right; None where nobody knows
    commonest  the share of the non-members' commonest class
    """

    name: str
    auc: Ranged
    corrected: int
    members: int
    others: int
    power: float
    control_p: float | None
    refuted: bool | None
    blind: Unseeing | None
    backwards: str
    following: int = 0
    right: Ranged | None = None
    commonest: float = 0.0

    @property
    def numbers(self) -> str:
        """Return the AUC that decides, in words."""
        return f"{self.name}: AUC {self.auc.value:.3f}, {self.auc.low:.3f} to {self.auc.high:.3f}"

    @property
    def held(self) -> bool:
        """Whether anything was held against a claim: references, or a classifier that never sees the network."""
        return self.refuted is not None or self.blind is not None

    @property
    def tone(self) -> str:
        """How the verdict is coloured: as a failure, a leak, a hint of one, or calmly; never as an all-clear."""
        if self.backwards or self.refuted or (self.blind is not None and self.blind.refutes):
            return "failed"
        if self.auc.low > 0.5:
            return "leak" if self.held else "hint"
        return "calm"

    @property
    def answer(self) -> str:
        """Whether it leaks, in a few words."""
        open_why = "Members and others are told apart; why, is open"
        return {"failed": "These numbers cannot tell", "leak": "Yes", "hint": open_why, "calm": "Not as far as was tried"}[self.tone]


def verdict(found: Finding) -> str:
    """Say what was found: faults first, then what the numbers carry."""
    if found.backwards:
        return found.backwards
    if found.refuted:
        return (
            f"Do not rely on these numbers: reference models, asked for the target's members, tell them from the others too "
            f"(p = {found.control_p:.2g}). Members differ by themselves, or the references' members follow the target's."
        )
    if found.blind is not None and found.blind.refutes:
        return (
            f"Do not rely on these numbers: a classifier that never sees the network tells members from the others by their inputs "
            f"(AUC {found.blind.auc:.3f}, p = {found.blind.p:.2g}). They come from two sources; an attack's success may be that alone."
        )
    if found.auc.low > 0.5:
        return f"{_leak(found)} {_basis(found)}"
    return f"These attacks found no leakage ({found.numbers}); {_power(found)}{_corrected(found)}. {_basis(found)}"


def warnings(found: Finding) -> tuple[str, ...]:
    """Say what else weighs on the numbers: a target that learnt nothing, references that follow it, and how little small sides show."""
    return (*_unlearnt(found), *_followed(found), *_small(found))


def _unlearnt(found: Finding) -> tuple[str, ...]:
    """Say what the verdict is worth where the target is not shown to have learnt its task."""
    if found.right is None or found.right.low > found.commonest or found.tone == "failed":
        return ()
    told = (
        f"This network is not shown to have learnt its task: it gets {found.right.value:.1%} of the non-members right "
        f"({found.right.low:.1%} to {found.right.high:.1%}), and always naming their commonest class gets {found.commonest:.1%}."
    )
    if found.auc.low > 0.5:
        return (f"{told} It tells members from the others all the same: what it kept is the examples.",)
    return (f"{told} What was not learnt cannot leak: that nothing was found here says nothing of a network that works.",)


def _followed(found: Finding) -> tuple[str, ...]:
    if not found.following:
        return ()
    which = f"{found.following} reference{'s' * (found.following > 1)}"
    why = "hang together with the target's, so that what they know of these is no control"
    return (f"The members of {which} {why}; draw members of references by coins.",)


def _small(found: Finding) -> tuple[str, ...]:
    if min(found.members, found.others) >= FEW:
        return ()
    left = "no AUC, however large, is seen" if found.power >= 1 else f"an AUC below {found.power:.3f} is missed more often than"
    rest = "in four of five cases" if found.power >= 1 else "in one of five cases"
    return (f"Only {found.members} members and {found.others} others were judged: {left} {rest}.",)


def turned(name: str, auc: Ranged, which: str) -> str:
    """Say that members score below the others, which no attack does, and which mask to look at."""
    return (
        f"Do not rely on these numbers: they point backwards ({name}: AUC {auc.value:.3f}, {auc.low:.3f} to {auc.high:.3f}, wholly "
        f"below 0.5). Members and non-members are likely swapped {which}: True must mean trained on, so turn that mask over (~) where it "
        "does not. Where it does, members are harder examples than the others, or logits are negated."
    )


def _leak(found: Finding) -> str:
    if not found.held:
        return f"Members and non-members are told apart ({found.numbers}; a coin would score 0.5{_corrected(found)})."
    return f"Membership leaks ({found.numbers}; a coin would score 0.5{_corrected(found)})."


def _basis(found: Finding) -> str:
    """Say what the claim rests on: who is a member was told, and what was held against it."""
    if not found.held:
        return (
            "Whether that is the network's memory, nothing here can tell: who is a member was told by the caller, not dealt by independent "
            "coins, and members and non-members from two sources differ in other ways too. Give references, or inputs to be looked at."
        )
    held = []
    if found.refuted is not None:
        held.append("references that were not trained on the target's members do not tell them from the others")
    if found.blind is not None:
        held.append(f"a classifier that never sees the network does not either (AUC {found.blind.auc:.3f}, p = {found.blind.p:.2g})")
    return (
        "Who is a member was told by the caller, not dealt by independent coins: members who differ from the others in another way too "
        f"are told apart by that as well. Against that stands: {'; '.join(held)}."
    )


def _power(found: Finding) -> str:
    if found.power >= 1:
        return "with so few examples no AUC, however large, would have been seen in four of five cases"
    return f"an AUC above {found.power:.3f} would have been seen"


def _corrected(found: Finding) -> str:
    return f"; corrected for {found.corrected} attacks, since no reference could choose one" if found.corrected else ""
