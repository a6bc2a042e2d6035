"""All that a reader may look at beside the headline's AUC, with the p that all those numbers on the target share.

Every attack's AUC, rates and advantage, the headline's guesses at the coins and its AUC on parts of the data, tested jointly by redrawing
the target's coins. The headline's AUC has a test of its own, by the same redraws.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mia_audit.audit.attacking.measuring import FPRS
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.record import AttackResult, Look, Looks, SliceResult
from mia_audit.record.budget import LOOKS_LEVEL
from mia_audit.statistics.looks import DRAWS, Linear, Rates, area, chance_p, count, joint, rate_name
from mia_audit.statistics.onerun import guessed
from mia_audit.statistics.slices import FEWEST, Grouping
from mia_audit.streams import stream
from mia_audit.types import Bools, Floats

KEPT = 0.05
"""Looks whose p is larger are counted, not listed."""

Named = tuple[Look, Linear]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is looked at: every attack's result and scores, which is the headline, the parts of the data, shares that are guessed."""

    results: Sequence[AttackResult]
    scores: Sequence[Scores]
    headline: str
    groupings: Sequence[Grouping]
    accused: float
    cleared: float


def looks(seen: Seen, member: Bools, seed: int) -> Looks:
    """Return the p of the headline's AUC by itself, and of all other numbers together; member [A] is the target's."""
    target = {result.name: one.target.astype(np.float64) for result, one in zip(seen.results, seen.scores, strict=True)}
    sums = [*_of_attacks(seen, target), *_of_headline(seen, target[seen.headline])]
    rates = [Rates(name=name, scores=own, fprs=FPRS) for name, own in target.items()]
    found = joint([one for _, one in sums], rates, member, stream(seed, "looks"))
    every = [look.model_copy(update={"p": found.p[one.name]}) for look, one in sums]
    every += [
        Look(what="tpr", of=name, fpr=fpr, p=found.p[key]) for name in target for fpr in FPRS if (key := rate_name(name, fpr)) in found.p
    ]
    return Looks(
        headline_p=chance_p(target[seen.headline], member, stream(seed, "headline")),
        draws=DRAWS,
        count=len(every),
        critical=found.critical(LOOKS_LEVEL),
        found=tuple(look for look in every if look.p <= KEPT),
    )


def _of_attacks(seen: Seen, target: Mapping[str, Floats]) -> Iterator[Named]:
    """Yield each attack's AUC, and how many it accuses at the threshold fixed beforehand: its advantage, on fixed sides."""
    for result in seen.results:
        scores = target[result.name]
        yield Look(what="auc", of=result.name, p=1.0), area(f"{result.name}: AUC", scores, np.ones(scores.size, dtype=np.bool_))
        yield Look(what="advantage", of=result.name, p=1.0), count(f"{result.name}: advantage", scores > result.threshold)


def _of_headline(seen: Seen, scores: Floats) -> Iterator[Named]:
    """Yield the headline's guesses at the coins, and its AUC in each part of the data."""
    yield Look(what="guesses", of=seen.headline, p=1.0), count("guesses", guessed(scores, seen.accused, seen.cleared))
    for grouping in seen.groupings:
        for group, name in grouping.names.items():
            here = grouping.groups == group
            if here.any():
                part = area(f"part: {grouping.by} {group}", scores, here, FEWEST)
                yield Look(what="part", of=SliceResult.label(grouping.by, name), p=1.0), part
