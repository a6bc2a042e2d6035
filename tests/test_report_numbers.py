"""Numbers in words: signs, digits, limits where nothing is resolved."""

import pytest

from mia_audit.record import Estimate, RateAtFPR
from mia_audit.report import numbers


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [(0.12345, 3, "0.123"), (-0.5, 2, "\u22120.50"), (-0.0001, 3, "0.000"), (0.0, 1, "0.0"), (12.0, 0, "12"), (-0.4, 0, "0")],
)
def test_decimals(value: float, digits: int, said: str) -> None:
    """A true minus sign, and none before what rounds to nothing."""
    assert numbers.decimal(value, digits) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.5, "50.0"), (0.01, "1.0"), (0.00999, "1.00"), (0.0012, "0.12"), (0.0, "0.0"), (-0.2, "\u221220.0"), (1.0, "100.0")],
)
def test_shares_in_percent(share: float, said: str) -> None:
    """One digit behind the point, two below one percent."""
    assert numbers.percent(share) == f"{said}\u202f%"


@pytest.mark.parametrize(("fpr", "said"), [(0.1, "10"), (0.01, "1"), (0.001, "0.1"), (0.025, "2.5"), (0.05555, "5.55")])
def test_levels(fpr: float, said: str) -> None:
    """As many digits as a level has, up to three."""
    assert numbers.level(fpr) in {f"{said}\u202f%", f"{said[:-1]}6\u202f%"}


def test_what_is_not_resolved_is_a_limit() -> None:
    """A value says that it is one, an interval that there is none; both ends of a resolved one are its own."""
    found, limit = (Estimate(value=value, low=0.25, high=0.75, method="any") for value in (0.5, None))
    assert (numbers.value(found), numbers.value(limit)) == ("0.500", "at most 0.750")
    assert (numbers.interval(found), numbers.interval(limit)) == ("0.250 to 0.750", "not resolved")
    assert (numbers.value_percent(found), numbers.value_percent(limit)) == ("50.0\u202f%", "at most 75.0\u202f%")
    assert (numbers.interval_percent(found), numbers.interval_percent(limit)) == ("25.0 to 75.0\u202f%", "not resolved")


def test_the_rate_at_one_false_positive_rate() -> None:
    """That very one, wherever it stands; none where it was not measured."""
    rates = tuple(
        RateAtFPR(fpr=fpr, tpr=Estimate(value=fpr, low=0, high=1, method="any"), expected_false_positives=1) for fpr in (0.1, 0.01, 0.001)
    )
    for rate in rates:
        assert numbers.rate_at(rates, rate.fpr) is rate
    assert numbers.rate_at(rates, 0.05) is None
    assert numbers.count(1_234_567) == "1\u202f234\u202f567"
