"""A training step does not grow unnoticed: operator calls, FLOPs and saved bytes are held at exact numbers, times are not.

Where a change makes a step cheaper, or dearer for a good reason, renew the numbers (and say why in the commit):

    .venv/bin/python benchmarks/counts.py --expected
"""

import pytest

from benchmarks.counts import CASES, Step, step

EXPECTED: dict[tuple[str, str, int, int], Step] = {
    ("snn-q4", "digits", 2, 3): Step(calls=815, flops=34168832, saved_bytes=424656),
    ("snn-q4", "digits", 4, 3): Step(calls=815, flops=68337664, saved_bytes=849288),
    ("snn-q4", "digits", 2, 303): Step(calls=785, flops=34168832, saved_bytes=375488),
    ("ann-q4", "digits", 2, 3): Step(calls=668, flops=5304320, saved_bytes=230864),
    ("ann-q4", "digits", 2, 303): Step(calls=634, flops=5304320, saved_bytes=218560),
    ("snn-q4", "fashion-mnist", 1, 3): Step(calls=797, flops=600268800, saved_bytes=2195844),
    ("snn-q4", "breast-cancer", 2, 3): Step(calls=547, flops=245760, saved_bytes=102226),
}
RENEW = "counts of a training step changed; if that is meant, put what `python benchmarks/counts.py --expected` prints into this file"


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_a_training_step_asks_torch_for_no_more_than_it_did(case: tuple[str, str, int, int]) -> None:
    """Counts depend on the engine and the pinned libraries alone."""
    assert step(*case) == EXPECTED[case], RENEW


def test_what_a_step_costs_follows_the_number_of_models_in_flops_and_not_in_calls() -> None:
    """Lockstep: twice the models are twice the arithmetic in the same calls."""
    two, four = (EXPECTED["snn-q4", "digits", models, 3] for models in (2, 4))
    assert (four.flops, four.calls) == (2 * two.flops, two.calls)
