"""Attacks: arrays in, one score per example out, larger = more likely a member. Each pairs with a card in `attacks/`."""

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.lira import OnlineLiRA
from mia_audit.attacks.shadow_classifier import ShadowBoosting, ShadowLogistic, ShadowSVM
from mia_audit.attacks.thresholds import (
    ConfidenceThreshold,
    Correctness,
    EntropyThreshold,
    LossThreshold,
    MarginThreshold,
    ModifiedEntropyThreshold,
)

ATTACKS: tuple[type[Attack], ...] = (
    LossThreshold,
    ConfidenceThreshold,
    EntropyThreshold,
    ModifiedEntropyThreshold,
    MarginThreshold,
    Correctness,
    ShadowSVM,
    ShadowLogistic,
    ShadowBoosting,
    OnlineLiRA,
)

__all__ = ["ATTACKS", "Attack"]
