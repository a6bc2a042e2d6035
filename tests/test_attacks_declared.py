"""What every attack declares is held to: one function checks needs, shadow models and scores; ranges stand with their fields."""

from dataclasses import dataclass
from typing import Annotated, Any, cast

import numpy as np
import pytest

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.ranges import Range
from mia_audit.errors import EvidenceError, RecipeError, ShadowBudgetError
from mia_audit.types import Evidence, Floats
from tests.support.gaussian import gaussian_evidence


@dataclass(frozen=True, kw_only=True)
class Given(Attack):
    """An attack that answers what it is told to."""

    name = "given"
    needs = frozenset({"shadows"})
    shadows_per_side = 1
    answer: Any = None
    part: Annotated[float, Range(above=0, below=1)] = 0.5
    share: Annotated[float, Range(above=0, most=1)] = 0.5
    most: Annotated[float, Range(least=0, most=2)] = 0.5
    size: Annotated[float, Range(above=0)] = 0.5
    least: Annotated[int, Range(least=2)] = 2

    def _score(self, seen: Evidence) -> Floats:
        return np.zeros(seen.examples) if self.answer is None else self.answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (np.zeros(7), r"one finite score for each of 8 examples, got float64 \(7,\), 0 not finite; mend its _score"),
        (np.zeros((8, 1)), r"got float64 \(8, 1\)"),
        (np.zeros(8, dtype=np.int64), r"got int64 \(8,\)"),
        (np.array([0, 1, np.nan, np.inf, 0, 0, 0, 0]), r"got float64 \(8,\), 2 not finite"),
    ],
)
def test_scores_that_are_none_are_refused(answer: Floats, told: str) -> None:
    """One finite float an example, or the attack is named."""
    seen, _ = gaussian_evidence(gap=1.0, examples=8, shadows=24)
    assert Given().score(seen).tolist() == [0.0] * 8
    with pytest.raises(EvidenceError, match=f"given needs to give .*{told}"):
        Given(answer=answer).score(seen)


def test_what_is_declared_is_asked_for() -> None:
    """Before the attack computes anything: what it needs, and enough shadow models on both sides."""
    seen, _ = gaussian_evidence(gap=1.0, examples=8, shadows=24)
    nobody = np.zeros(0, dtype=np.int64)
    with pytest.raises(EvidenceError, match="given needs shadows; the evidence offers logits alone"):
        Given(answer="never reached").score(seen.with_shadows(nobody))
    with pytest.raises(ShadowBudgetError, match="given needs at least 1 shadow models trained with and 1 without"):
        Given(answer="never reached").score(seen.with_shadows(np.array([0])))


@pytest.mark.parametrize(
    ("field", "good", "bad", "told"),
    [
        ("part", (0.001, 0.999), (0, 1, np.nan), "a share between 0 and 1, got"),
        ("share", (0.001, 1), (0, 1.001, np.nan), "a share above 0 and up to 1, got"),
        ("most", (0, 2), (-0.001, 2.001, np.nan), "0 to 2, got"),
        ("size", (0.001, 1e9), (0, -1, np.inf, np.nan), "a number above 0, got"),
        ("least", (2, 10**9), (1, np.nan), "2 or more, got"),
    ],
)
def test_ranges_are_kept_at_their_ends(field: str, good: tuple[float, ...], bad: tuple[float, ...], told: str) -> None:
    """Ends count or not as declared; the message has the value and the default."""
    for value in good:
        assert getattr(cast("Any", Given)(**{field: value}), field) == value
    for value in bad:
        with pytest.raises(RecipeError, match=f"given: {field} needs {told} {value}; leave it out for the default, "):
            cast("Any", Given)(**{field: value})
