"""The phantom target fails where it must: defects planted in the pipeline that let an attack find members who were never trained on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mia_audit.attacks.budget import judged
from mia_audit.attacks.cards import load_attacks
from mia_audit.audit import Options, Silent
from mia_audit.audit.attacking.measuring import Truth, phantom_control, results
from mia_audit.audit.attacking.scoring import attack_all
from mia_audit.audit.bank.prepared import Prepared
from mia_audit.audit.running import judge, prepare
from mia_audit.data import design
from mia_audit.types import Evidence
from tests.test_audit_truths import bank


def ready(folder: Path) -> Prepared:
    """Return an audit of small networks by their confidence."""
    options = Options(
        dataset="digits",
        shadows=4,
        settings={"data.pool": 200, "training.epochs": 10},
        attacks=("confidence",),
        store=folder,
        out=folder,
        device="cpu",
        workers=1,
    )
    return prepare("ann", options, Silent())


@pytest.mark.parametrize("share", [0.0, 0.7])
def test_shadow_models_trained_on_the_targets_members(share: float) -> None:
    """Where seven coins in ten of every shadow model are the target's, classifiers learn its members by heart and know them in any model.

    These models have memorised nothing: all answer alike but for noise.
    """
    rng = np.random.default_rng(0)
    rows = rng.random((14, 300)) < 0.5
    rows[2:] = np.where(rng.random((12, 300)) < share, rows[0], rows[2:])
    kept = judged(rows[2:], 2)
    rows, labels = rows[:, kept], rng.integers(0, 3, int(kept.sum()))
    logits = rng.normal(0, 3, (labels.size, 3)) + 0.2 * rng.normal(size=(14, 1, labels.size, 3))
    cards, attacks = zip(*load_attacks(("shadow-boosting", "shadow-features")), strict=True)
    target, phantom = (Evidence(target=logits[own], shadows=logits[2:], trained_on=rows[2:], labels=labels) for own in (0, 1))
    scores = attack_all(attacks, target, phantom, 1)
    truth = Truth(target=rows[0], rehearsals=rows[2:6])
    assert phantom_control(results(cards, scores, truth, 0)).passed is (share == 0.0)


def test_members_who_were_changed_before_anybody_was_asked(tmp_path: Path) -> None:
    """Members with brighter pictures look alike to a model that never saw one of them, and that is told."""
    sound = ready(tmp_path)
    inputs = sound.examples.pool_inputs.copy()
    inputs[sound.rows[design.TARGET]] *= 3
    planted = replace(sound, examples=replace(sound.examples, pool_inputs=inputs))
    summary = judge(planted, bank(planted), public_only=True, expose=False)[0]
    found = next(control for control in summary.controls if control.name == "phantom target")
    assert found.passed is False
    assert "A model trained on other coins" in found.detail
