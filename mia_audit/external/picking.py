"""Which part of what a network returns are its scores: "1.mean(0)" is element 1, averaged over axis 0; a word behind says what they are."""

import re
from collections.abc import Callable
from typing import Any

from mia_audit.errors import UsageError, nearest

KINDS = ("logits", "probabilities", "sigmoid", "labels", "outputs")
_STEP = re.compile(r"(?P<element>\d+)|(?P<way>mean|sum|last)\((?P<axis>\d)\)|(?P<name>[A-Za-z_]\w*)")


def parsed(output: str) -> tuple[Callable[[Any], Any], str]:
    """Return what takes the scores out of a network's answer, and their kind; UsageError where the words say neither."""
    steps = [each for each in output.split(".") if each]
    kind = steps.pop() if steps and steps[-1] in KINDS else "outputs"
    matched = [_STEP.fullmatch(each) for each in steps]
    wrong = next((each for each, found in zip(steps, matched, strict=True) if found is None), None)
    if wrong is not None:
        raise UsageError(
            f"output needs elements and mean(axis), sum(axis) or last(axis), with points between, and {', '.join(KINDS)}, got "
            f"{wrong!r}{nearest(wrong, KINDS)}; for example '1.mean(0)'"
        )
    found = [each for each in matched if each is not None]

    def pick(answer: Any) -> Any:
        for step in found:
            answer = _taken(answer, step)
        if not hasattr(answer, "shape") and hasattr(answer, "logits"):  # what transformers return
            answer = answer.logits
        return answer

    return pick, "outputs" if kind == "sigmoid" else kind


def _taken(answer: Any, step: re.Match[str]) -> Any:
    if step["element"] is not None:
        return answer[int(step["element"])]
    if step["name"] is not None:
        return answer[step["name"]] if isinstance(answer, dict) else getattr(answer, step["name"])
    axis = int(step["axis"])
    return answer.select(axis, -1) if step["way"] == "last" else getattr(answer, step["way"])(axis)
