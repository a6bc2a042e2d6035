"""What a comparison of several records found, and why it found no more: the comparison page draws it."""

from collections.abc import Sequence
from statistics import NormalDist

from mia_audit.record.budget import HEADLINE_LEVEL
from mia_audit.record.findings import JOINT_LEVEL, VariantComparison
from mia_audit.record.hints import CHANCE, TAIL
from mia_audit.record.parts import Estimate, Part
from mia_audit.record.summary import Summary


class NetworkComparison(Part):
    """Two single networks, asked about the same examples: how much more the first leaks than the second. It tells nothing of their kinds.

    first, second  ids of records; p of DeLong's test for two correlated curves; p_holm is corrected over all pairs of the page
    """

    first: str
    second: str
    measure: str
    difference: Estimate
    p: float
    p_holm: float

    @property
    def told_apart(self) -> bool:
        """Whether the networks differ by more than chance explains, all comparisons corrected for."""
        return self.p_holm < JOINT_LEVEL


class Compared(Part):
    """All that was compared. The claims on one page hold together at 5 %: those about variants, or, where there are none, about networks.

    silent  why pairs were not compared, a sentence each
    """

    variants: tuple[VariantComparison, ...] = ()
    networks: tuple[NetworkComparison, ...] = ()
    silent: tuple[str, ...] = ()


def leak_among(summaries: Sequence[Summary]) -> tuple[bool, ...]:
    """Say of each audit whether its headline's AUC is above chance when so many are looked at (Bonferroni); a failed one's never is.

    Each is asked at its share of the level that the verdict of one audit gives its headline: the interval, which is a normal one or near
    it, has to lie above chance when it is widened to that share.
    """
    audits = len(summaries)
    return tuple(each.sound and each.leaks and (audits == 1 or _above(each.strongest.auc, audits)) for each in summaries)


def _above(auc: Estimate, audits: int) -> bool:
    normal = NormalDist()
    wider = normal.inv_cdf(1 - HEADLINE_LEVEL / audits) / normal.inv_cdf(1 - TAIL)
    return auc.value is not None and auc.value - wider * (auc.value - auc.low) > CHANCE
