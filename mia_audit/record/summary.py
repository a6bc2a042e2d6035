"""The content of record.json, and what follows from it alone."""

import json

from mia_audit.recipe import Recipe
from mia_audit.record import hints
from mia_audit.record.budget import HEADLINE_LEVEL
from mia_audit.record.controls import DOSE
from mia_audit.record.conversion import Converted
from mia_audit.record.findings import Beyond, Calibration, Epsilon, Growth, Kind, Looks, Named, SliceResult, Strict, Vulnerable
from mia_audit.record.parts import AttackResult, Control, Counts, DataFacts, Engine, Part, Power, Utility
from mia_audit.record.privacy import DifferentialPrivacy

SCHEMA_VERSION = 1
POWER_CONTROL = DOSE.name


class Summary(Part):
    """The content of record.json."""

    schema_version: int
    recipe: Recipe
    data: DataFacts
    counts: Counts
    engine: Engine
    utility: Utility
    attacks: tuple[AttackResult, ...]
    headline: str
    controls: tuple[Control, ...]
    power: Power
    kind: Kind | None = None
    growth: Growth | None = None
    vulnerable: Vulnerable | None = None
    slices: tuple[SliceResult, ...] = ()
    calibration: Calibration | None = None
    named: Named | None = None
    strict: Strict | None = None
    epsilon: Epsilon | None = None
    privacy: DifferentialPrivacy | None = None
    conversion: Converted | None = None
    looks: Looks | None = None
    beyond: Beyond | None = None
    warnings: tuple[str, ...]
    arrays_sha256: str

    @property
    def strongest(self) -> AttackResult:
        """The attack chosen for the headline, on shadow models alone."""
        return next(attack for attack in self.attacks if attack.name == self.headline)

    @property
    def above_chance(self) -> bool:
        """Whether the headline attack's AUC is above one half, by a one-sided test at most of the verdict's level.

        Records without redraws of the coins: whether its 95 % interval lies above one half.
        """
        if self.looks is None:
            return self.strongest.auc.low > hints.CHANCE
        return self.looks.headline_p <= HEADLINE_LEVEL

    @property
    def leaks(self) -> bool:
        """Whether that AUC is above chance and above what phantoms have, at the same level; `hints` do not decide.

        Records with one phantom: whether it is above chance.
        """
        return self.above_chance and (self.beyond is None or self.beyond.p <= HEADLINE_LEVEL)

    @property
    def hints(self) -> tuple[str, ...]:
        """What else lies off chance where that AUC does not lie above it, at the rest of that level; nothing where membership leaks."""
        if self.leaks:
            return ()
        doubt = hints.of_phantoms() if self.above_chance else ()
        on_target = (
            hints.widened(self.attacks, self.headline, self.slices)
            if self.looks is None
            else hints.redrawn(self.looks, self.attacks, self.headline, self.epsilon)
        )
        return (*doubt, *on_target, *hints.of_kind(self.kind), *hints.of_risk(self.vulnerable))

    @property
    def sound(self) -> bool:
        """Whether no control failed that would make a finding wrong; one about power makes only a missing finding worthless."""
        return all(control.passed is not False for control in self.controls if control.name != POWER_CONTROL)

    @property
    def powerless(self) -> bool:
        """Whether the headline attack missed examples that were planted many times."""
        return any(control.passed is False for control in self.controls if control.name == POWER_CONTROL)

    def to_json(self) -> str:
        """Return the canonical text of record.json."""
        return json.dumps(self.model_dump(mode="json"), indent=1, sort_keys=True, allow_nan=False) + "\n"
