"""Every control that an audit knows: its name, what it is there for, and how often it fails in a sound audit.

An audit makes a control of a record by its declaration alone, and a report takes the explanation from there, so that none lacks one.
The levels add up to less than 3 %: so many sound audits raise a false alarm at most.
"""

from dataclasses import dataclass

from mia_audit.record.parts import Control


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """A kind of control.

    why    what it means, in a sentence or two for a reader who is no specialist
    level  the chance that it fails in a sound audit, at most; 0 where chance plays no part
    """

    name: str
    why: str
    level: float = 0.0

    def told(self, passed: bool | None, detail: str) -> Control:
        """Return the control with its outcome: None where it could not be run."""
        return Control(name=self.name, passed=passed, detail=detail)


PHANTOM = Declaration(
    name="phantom target",
    why="Every attack runs again on a network that was trained on other examples, and is asked for the target's members. There is "
    "nothing to find, so an attack that finds something reads an artefact of the audit.",
    level=0.01,
)
PANEL = Declaration(
    name="phantom panel",
    why="No shadow model saw the target's coins either, so each is one more phantom for the headline attack. What they find together is "
    "an artefact that all models share, too small to be seen on one of them.",
    level=0.005,
)
DOSE = Declaration(
    name="dose response",
    why="Examples are planted one, two, four and eight times. An attack that misses the highest dose has no power here.",
    level=0.05,
)
QUERIES = Declaration(
    name="same queries",
    why="Members, non-members and all models must be asked alike; otherwise an attack recognises the question. What entered the network is "
    "looked at, after every change and encoding.",
)
TRAINED = Declaration(
    name="coins as trained",
    why="What stood in a model's training batches must be what its coins say, or attacks learn from wrong answers. Where members are drawn "
    "by coins anew at every step, some may never have been drawn: as many as that explains.",
    level=1e-4,
)
FED = Declaration(
    name="fed as dealt",
    why="What enters a network in training is looked at in a sample of steps: inputs, labels and weights must be those that the recipe "
    "deals.",
)
OFFLINE = Declaration(
    name="offline attacks",
    why="Attacks that claim to need no model trained with the example must not make use of one.",
)
BLIND = Declaration(
    name="blind classifier",
    why="A classifier that never sees the network must not tell the two sides apart; otherwise they differ by themselves.",
    level=0.01,
)
COINS = Declaration(
    name="fair coins",
    why="Who is trained on what must be drawn by independent fair coins; any pattern in them tells an attack about the target's.",
    level=0.001,
)
INDEPENDENT = Declaration(
    name="independent shadow models",
    why="No shadow model may share the target's coins or be the target itself: it would know the answers.",
)
COPIES = Declaration(
    name="different models",
    why="Models that were trained apart have errors of their own. Two whose answers are alike beyond that are one model, or share a part "
    "of it.",
    level=0.001,
)
LIKENESS = Declaration(
    name="target like its shadow models",
    why="A target that works much better or worse than its shadow models, or has learnt its members more or less by heart, is another kind "
    "of network: attacks mistake it.",
    level=0.001,
)
OWN_COINS = Declaration(
    name="own coins unused",
    why="When a model takes the target's part, its own coins and answers must not be among what the attack learns from. They are "
    "changed, and nothing may change.",
)
DIRECTION = Declaration(
    name="direction of attacks",
    why="An attack that ranks members below non-members in its rehearsals has its sign turned, or what it takes for a sign of membership "
    "is none.",
    level=0.0005,
)
CONTROLS = (
    PHANTOM, PANEL, DOSE, QUERIES, TRAINED, FED, OFFLINE, BLIND, COINS, INDEPENDENT, COPIES, LIKENESS, OWN_COINS, DIRECTION,
)  # fmt: skip


def why(name: str) -> str:
    """Return what a control of this name means, "" for one that is not known here."""
    return next((one.why for one in CONTROLS if one.name == name), "")
