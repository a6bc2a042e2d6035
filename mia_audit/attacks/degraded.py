"""What is left of LiRA when the attacker guesses the recipe wrong.

Carlini et al., "Membership Inference Attacks From First Principles", IEEE S&P 2022, arXiv:2112.03570v2, section VI-E, where shadow
models of another architecture or optimizer cost part of the attack. Here: another surrogate gradient, half the time steps, other
bits. The degraded shadow models' logits are a signal, [models, examples, queries, classes].

Departs from the paper: spreads are pooled over examples, and the target's are taken as they are, so that a shift that all examples
share is taken off: the difference of mean phi between the target and the degraded models.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mia_audit.attacks.budget import require_needs, require_shadows
from mia_audit.attacks.gaussians import vector_log_ratio
from mia_audit.attacks.observables import each_model, phi
from mia_audit.types import Evidence, Floats


@dataclass(frozen=True, kw_only=True)
class OtherSurrogateLiRA:
    """LiRA by an attacker whose shadow models learnt with another surrogate gradient."""

    name: ClassVar[str] = "lira-other-surrogate"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "other-surrogate"})

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda against the degraded shadow models, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        return _against(seen, "other-surrogate")


@dataclass(frozen=True, kw_only=True)
class OtherStepsLiRA:
    """LiRA by an attacker whose shadow models run for half as many steps."""

    name: ClassVar[str] = "lira-other-steps"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "other-steps"})

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda against the degraded shadow models, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        return _against(seen, "other-steps")


@dataclass(frozen=True, kw_only=True)
class OtherBitsLiRA:
    """LiRA by an attacker whose shadow models have full precision where the target is quantized, or four bits where it is not."""

    name: ClassVar[str] = "lira-other-bits"
    shadows_per_side: ClassVar[int] = 2
    needs: ClassVar[frozenset[str]] = frozenset({"shadows", "other-bits"})

    def score(self, seen: Evidence) -> Floats:
        """Return log Lambda against the degraded shadow models, [examples]; larger means more likely a member."""
        require_needs(seen, self)
        require_shadows(seen, self)
        return _against(seen, "other-bits")


def _against(seen: Evidence, guess: str) -> Floats:
    shadows = np.moveaxis(seen.signals[guess].shadows, 2, 1)
    target: Floats = phi(seen.target, seen.labels).mean(axis=0)
    shadow = each_model(phi, shadows, seen.labels).astype(np.float64)
    shift = np.median(target) - np.median(shadow)
    return vector_log_ratio((target - shift)[None], shadow[:, None], seen.trained_on, 0.0)
