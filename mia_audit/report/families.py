"""Attacks by family: what the attacker sees, and whether networks of his own tell him what to expect."""

from collections.abc import Sequence

from mia_audit.record import AttackResult

MOST_DRAWN = 8
SHADOWS = "shadow model"
WRONG = "lira-other-"
NAMES: tuple[tuple[str, str, str], ...] = (
    ("label", "Predicted class alone", "Predicted class alone"),
    ("probabilit", "Probabilities", "Probabilities, shadow models"),
    ("logit", "Raw outputs", "Raw outputs"),
    ("internal", "Inside the network", "Inside the network"),
    ("gradient", "Gradients", "Gradients"),
)
"""What stands in an attack's access, and the names of its family without and with shadow models."""


def family(attack: AttackResult) -> str:
    """Return the name of an attack's family."""
    if attack.name.startswith(WRONG):
        return "Wrong guess of the recipe"
    compares = any(SHADOWS in known for known in attack.knowledge)
    access = attack.access.lower()
    return next(((compared if compares else alone) for key, alone, compared in NAMES if key in access), "Others")


def families(attacks: Sequence[AttackResult]) -> dict[str, list[AttackResult]]:
    """Return the attacks by family, families and members in the order given."""
    found: dict[str, list[AttackResult]] = {}
    for attack in attacks:
        found.setdefault(family(attack), []).append(attack)
    return found


def leading(attacks: Sequence[AttackResult]) -> list[AttackResult]:
    """Return the eight attacks to draw, in the order given: the first of each family, the best of the rest; all where there are no more."""
    firsts = [members[0].name for members in families(attacks).values()][:MOST_DRAWN]
    rest = [attack.name for attack in attacks if attack.name not in firsts]
    chosen = {*firsts, *rest[: MOST_DRAWN - len(firsts)]}
    return [attack for attack in attacks if attack.name in chosen]
