"""Evidence whose truth is known: phi of every model is a Gaussian of unit spread, and members' is `gap` further up."""

from dataclasses import replace

import numpy as np

from mia_audit.types import Bools, Evidence, Floats, PopulationData


def coins(models: int, examples: int, seed: int, fraction: float = 0.5) -> Bools:
    """Return independent coins, [models, examples]."""
    return np.random.default_rng([seed, 1]).random((models, examples)) < fraction


def evidence_of(phi: Floats, member: Bools, classes: int = 2, seed: int = 0) -> tuple[Evidence, Bools]:
    """Return evidence whose phi is as given, [models, queries, examples]; the first model is the target."""
    labels = np.random.default_rng([seed, 2]).integers(0, classes, phi.shape[-1])
    logits = np.repeat(-phi[..., None] / 2 - np.log(classes - 1), classes, axis=-1)
    np.put_along_axis(logits, np.broadcast_to(labels, phi.shape)[..., None], phi[..., None] / 2, axis=-1)
    return Evidence(target=logits[0], shadows=logits[1:], trained_on=member[1:], labels=labels), member[0]


def gaussian_evidence(
    *, gap: float, examples: int = 2_000, shadows: int = 16, classes: int = 2, queries: int = 1, seed: int = 0
) -> tuple[Evidence, Bools]:
    """Return evidence and the target's membership; easy and hard examples differ by far more than the gap."""
    rng = np.random.default_rng([seed, 0])
    member = coins(1 + shadows, examples, seed)
    ease = rng.normal(3.0, 2.0, examples)
    noise = rng.normal(size=(1 + shadows, queries, examples))
    return evidence_of(ease + gap * member[:, None] + noise, member, classes, seed)


def with_third_pool(seen: Evidence, *, size: int = 400, seed: int = 0) -> Evidence:
    """Return the evidence with population data like the audited examples, for which every model is a stranger."""
    rng, models, queries = np.random.default_rng([seed, 3]), 1 + len(seen.shadows), len(seen.target)
    phi = rng.normal(3.0, 2.0, size) + rng.normal(size=(models, queries, size))
    outside, _ = evidence_of(phi, np.zeros((models, size), dtype=np.bool_), seen.classes, seed + 1)
    return replace(seen, population=PopulationData(target=outside.target, shadows=outside.shadows, labels=outside.labels))
