"""How numbers are written, on the page and in the terminal: one way for each kind."""

from mia_audit.record import Estimate, RateAtFPR

THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
_SIGN = f"{THIN}%"


def decimal(value: float, digits: int = 3) -> str:
    """Return a number with fixed decimals, a true minus sign, and never a negative zero."""
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return text.removeprefix("-")
    return text.replace("-", MINUS)


def percent(share: float) -> str:
    """Return a share as a percentage: one decimal, two below one per cent."""
    return f"{decimal(100 * share, 1 if abs(share) >= 0.01 or share == 0 else 2)}{THIN}%"


def level(fpr: float) -> str:
    """Return a false positive rate: 0.01, which somebody chose, gives "1 %", and 10 / 722, which nobody did, "1.39 %"."""
    return f"{100 * fpr:.3g}{THIN}%"


def value(estimate: Estimate) -> str:
    """Return an estimate without its interval; "at most x" where the data cannot resolve it."""
    return f"at most {decimal(estimate.high)}" if estimate.value is None else decimal(estimate.value)


def interval(estimate: Estimate) -> str:
    """Return the 95 % interval, or "not resolved" where only its upper end is known."""
    return "not resolved" if estimate.value is None else f"{decimal(estimate.low)} to {decimal(estimate.high)}"


def value_percent(estimate: Estimate) -> str:
    """Return an estimate of a share as a percentage; "at most x" where the data cannot resolve it."""
    return f"at most {percent(estimate.high)}" if estimate.value is None else percent(estimate.value)


def interval_percent(estimate: Estimate) -> str:
    """Return the 95 % interval of a share as percentages, or "not resolved"."""
    return "not resolved" if estimate.value is None else f"{percent(estimate.low).removesuffix(_SIGN)} to {percent(estimate.high)}"


def count(number: int) -> str:
    """Return a whole number with thin spaces between thousands."""
    return f"{number:,}".replace(",", THIN)


def rate_at(rates: tuple[RateAtFPR, ...], fpr: float) -> RateAtFPR | None:
    """Return the rate measured at one false positive rate, None when it was not measured."""
    return next((rate for rate in rates if rate.fpr == fpr), None)
