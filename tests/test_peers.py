"""The comparison with toolkits: what is measured briefly must scale to what the whole would have cost."""

import pytest

from benchmarks.peers import SHADOWS, Training, scaled


def test_a_brief_run_scales_to_the_whole_audit_the_toolkit_would_have_run() -> None:
    """An epoch costs 3 s, the first one 2 more; validation 1 s an epoch of a shadow model, predicting the pool 10 s a shadow model."""

    def cost(shadows: int, epochs: int) -> dict[str, float]:
        training, validation = shadows * (2 + 3 * epochs), shadows * epochs
        return {
            "shadows": training + validation + 10.0 * shadows,
            "shadows: training": float(training),
            "shadows: validation": float(validation),
        }

    target = {"target": 5.5, "target: training": 5.0}
    brief = {"start": 4.0, "prepare": 1.0, **target, **cost(2, 4), "attacks": 7.0}
    whole = 4.0 + 1.0 + (0.5 + 2 + 3 * 30) + cost(SHADOWS, 30)["shadows"] + 7.0
    assert scaled(brief, Training(shadows=2, target_epochs=1, shadow_epochs=4), 30) == pytest.approx(whole)
