"""Attacks: arrays in, one score per example out, larger = more likely a member. Each pairs with a card in `attacks/`."""

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.checkpoints import LossTrajectory, Sequence, TrajectoryLiRA
from mia_audit.attacks.class_thresholds import ModifiedEntropyByClass
from mia_audit.attacks.degraded import OtherBitsLiRA, OtherStepsLiRA, OtherSurrogateLiRA
from mia_audit.attacks.dropout import InputDropout
from mia_audit.attacks.ensemble import Ensemble, SignalEnsemble
from mia_audit.attacks.firing import Energy, FiringSignature
from mia_audit.attacks.gradients import GradientClassifier, GradientLiRA, GradientNorm
from mia_audit.attacks.inverse_hessian import InverseHessian, InverseHessianLiRA
from mia_audit.attacks.label_only import Augmentation, BoundaryDistance, BoundaryLiRA, NoiseDistance
from mia_audit.attacks.lira import OnlineLiRA, PerExampleLiRA
from mia_audit.attacks.lira_offline import OfflineLiRA
from mia_audit.attacks.lira_queries import MultiQueryLiRA
from mia_audit.attacks.lira_shared_gap import SharedGapLiRA
from mia_audit.attacks.lira_shrunken import ShrunkenLiRA
from mia_audit.attacks.merlin import Merlin, Morgan
from mia_audit.attacks.population import AttackP
from mia_audit.attacks.quantile import QuantileRegression
from mia_audit.attacks.references import AttackR, DifficultyCalibration
from mia_audit.attacks.releases import ReleasesClassifier, ReleasesLiRA
from mia_audit.attacks.rmia import OfflineRMIA, OnlineRMIA
from mia_audit.attacks.shadow_classifier import ShadowBoosting, ShadowLogistic, ShadowScikit, ShadowSVM
from mia_audit.attacks.shadow_features import ShadowFeatures
from mia_audit.attacks.stacked_logistic import StackedLogistic
from mia_audit.attacks.steps import MembraneLiRA, SpikeLiRA, StepClassifier, TimeSweepLiRA
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
    AttackP,
    QuantileRegression,
    ModifiedEntropyByClass,
    ShadowSVM,
    ShadowLogistic,
    ShadowBoosting,
    ShadowScikit,
    ShadowFeatures,
    DifficultyCalibration,
    AttackR,
    OnlineRMIA,
    OfflineRMIA,
    OnlineLiRA,
    OfflineLiRA,
    PerExampleLiRA,
    ShrunkenLiRA,
    SharedGapLiRA,
    MultiQueryLiRA,
    StackedLogistic,
    Ensemble,
    SignalEnsemble,
    NoiseDistance,
    BoundaryDistance,
    BoundaryLiRA,
    Augmentation,
    Merlin,
    Morgan,
    InputDropout,
    TrajectoryLiRA,
    LossTrajectory,
    Sequence,
    TimeSweepLiRA,
    MembraneLiRA,
    SpikeLiRA,
    StepClassifier,
    FiringSignature,
    Energy,
    GradientNorm,
    GradientLiRA,
    GradientClassifier,
    InverseHessian,
    InverseHessianLiRA,
    ReleasesLiRA,
    ReleasesClassifier,
    OtherSurrogateLiRA,
    OtherStepsLiRA,
    OtherBitsLiRA,
)

__all__ = ["ATTACKS", "Attack"]
