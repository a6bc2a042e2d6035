"""Attacks: arrays in, one score per example out, larger = more likely a member. Each pairs with a card in `attacks/`.

ATTACKS has them at their defaults, by what cards call their class, in the order of the suite `full`.
"""

from mia_audit.attacks import checkpoints, degraded, firing, gradients, inverse_hessian, label_only, releases, steps, thresholds
from mia_audit.attacks.attack import Attack
from mia_audit.attacks.class_thresholds import ModifiedEntropyByClass
from mia_audit.attacks.dropout import InputDropout
from mia_audit.attacks.ensemble import ENSEMBLE, ENSEMBLE_SIGNALS
from mia_audit.attacks.lira import OnlineLiRA, PerExampleLiRA
from mia_audit.attacks.lira_offline import OfflineLiRA
from mia_audit.attacks.lira_queries import MultiQueryLiRA
from mia_audit.attacks.lira_shared_gap import SharedGapLiRA
from mia_audit.attacks.lira_shrunken import ShrunkenLiRA
from mia_audit.attacks.merlin import MERLIN, Morgan
from mia_audit.attacks.population import AttackP
from mia_audit.attacks.quantile import QuantileRegression
from mia_audit.attacks.references import AttackR, DifficultyCalibration
from mia_audit.attacks.rmia import OfflineRMIA, OnlineRMIA
from mia_audit.attacks.shadow_classifier import SHADOW_LOGISTIC, SHADOW_SVM, ShadowBoosting, ShadowScikit
from mia_audit.attacks.shadow_features import SHADOW_FEATURES
from mia_audit.attacks.stacked_logistic import StackedLogistic

ATTACKS: dict[str, Attack] = {
    "LossThreshold": thresholds.LOSS,
    "ConfidenceThreshold": thresholds.CONFIDENCE,
    "EntropyThreshold": thresholds.ENTROPY,
    "ModifiedEntropyThreshold": thresholds.MODIFIED_ENTROPY,
    "MarginThreshold": thresholds.MARGIN,
    "Correctness": thresholds.CORRECTNESS,
    "AttackP": AttackP(),
    "QuantileRegression": QuantileRegression(),
    "ModifiedEntropyByClass": ModifiedEntropyByClass(),
    "ShadowSVM": SHADOW_SVM,
    "ShadowLogistic": SHADOW_LOGISTIC,
    "ShadowBoosting": ShadowBoosting(),
    "ShadowScikit": ShadowScikit(),
    "ShadowFeatures": SHADOW_FEATURES,
    "DifficultyCalibration": DifficultyCalibration(),
    "AttackR": AttackR(),
    "OnlineRMIA": OnlineRMIA(),
    "OfflineRMIA": OfflineRMIA(),
    "OnlineLiRA": OnlineLiRA(),
    "OfflineLiRA": OfflineLiRA(),
    "PerExampleLiRA": PerExampleLiRA(),
    "ShrunkenLiRA": ShrunkenLiRA(),
    "SharedGapLiRA": SharedGapLiRA(),
    "MultiQueryLiRA": MultiQueryLiRA(),
    "StackedLogistic": StackedLogistic(),
    "Ensemble": ENSEMBLE,
    "SignalEnsemble": ENSEMBLE_SIGNALS,
    "NoiseDistance": label_only.NOISE_DISTANCE,
    "BoundaryDistance": label_only.BOUNDARY_DISTANCE,
    "BoundaryLiRA": label_only.BOUNDARY_LIRA,
    "Augmentation": label_only.Augmentation(),
    "Merlin": MERLIN,
    "Morgan": Morgan(),
    "InputDropout": InputDropout(),
    "TrajectoryLiRA": checkpoints.TRAJECTORY_LIRA,
    "LossTrajectory": checkpoints.LOSS_TRAJECTORY,
    "Sequence": checkpoints.SEQUENCE,
    "TimeSweepLiRA": steps.TIME_SWEEP_LIRA,
    "MembraneLiRA": steps.MEMBRANE_LIRA,
    "SpikeLiRA": steps.SPIKE_LIRA,
    "StepClassifier": steps.STEP_CLASSIFIER,
    "FiringSignature": firing.FIRING_SIGNATURE,
    "Energy": firing.ENERGY,
    "GradientNorm": gradients.GRADIENT_NORM,
    "GradientLiRA": gradients.GRADIENT_LIRA,
    "GradientClassifier": gradients.GRADIENT_CLASSIFIER,
    "InverseHessian": inverse_hessian.INVERSE_HESSIAN,
    "InverseHessianLiRA": inverse_hessian.INVERSE_HESSIAN_LIRA,
    "ReleasesLiRA": releases.RELEASES_LIRA,
    "ReleasesClassifier": releases.RELEASES_CLASSIFIER,
    "OtherSurrogateLiRA": degraded.OTHER_SURROGATE,
    "OtherStepsLiRA": degraded.OTHER_STEPS,
    "OtherBitsLiRA": degraded.OTHER_BITS,
}

__all__ = ["ATTACKS", "Attack"]
