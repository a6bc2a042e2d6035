"""A training step does not grow unnoticed: operator calls, FLOPs and saved bytes are held at exact numbers, times are not.

Where a change makes a step cheaper, or dearer for a good reason, renew the numbers (and say why in the commit):

    .venv/bin/python benchmarks/counts.py --expected
"""

from dataclasses import asdict

import pytest

from benchmarks.counts import CASES, Step, step
from mia_audit.models import narrow

EXPECTED: dict[tuple[str, str, int, int], Step] = {
    ("snn-q4", "digits", 2, 3): Step(calls=816, flops=34168832, saved_bytes=424656),
    ("snn-q4", "digits", 4, 3): Step(calls=816, flops=68337664, saved_bytes=849288),
    ("snn-q4", "digits", 2, 303): Step(calls=786, flops=34168832, saved_bytes=375488),
    ("ann-q4", "digits", 2, 3): Step(calls=669, flops=5304320, saved_bytes=230864),
    ("ann-q4", "digits", 2, 303): Step(calls=635, flops=5304320, saved_bytes=218560),
    ("snn-q4", "fashion-mnist", 1, 3): Step(calls=908, flops=600268800, saved_bytes=2195844),
    ("snn-q4", "breast-cancer", 2, 3): Step(calls=546, flops=245760, saved_bytes=102226),
}
RENEW = "a training step grew; if that is meant, put what `python benchmarks/counts.py --expected` prints into this file"


@pytest.mark.parametrize(
    "case", [pytest.param(case, id="-".join(map(str, case)), marks=[pytest.mark.slow] if case[3] > 100 else []) for case in CASES]
)
def test_a_training_step_asks_torch_for_no_more_than_it_did(case: tuple[str, str, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts depend on the engine and the pinned libraries alone; a processor that has to widen bfloat16 is asked as one that has not."""
    monkeypatch.setattr(narrow, "_has_unit", lambda: True)
    counted, held = asdict(step(*case)), asdict(EXPECTED[case])
    assert {name: value for name, value in counted.items() if value > held[name]} == {}, f"{RENEW}; held were {held}"


def test_what_a_step_costs_follows_the_number_of_models_in_flops_and_not_in_calls() -> None:
    """Lockstep: twice the models are twice the arithmetic in the same calls."""
    two, four = (EXPECTED["snn-q4", "digits", models, 3] for models in (2, 4))
    assert (four.flops, four.calls) == (2 * two.flops, two.calls)
