"""Two sides trained in turns in one process: an epoch of a lockstep cohort, a few steps of the single model, and so on.

The engine reports every epoch; the other side takes its turn inside that report. A machine that slows down for a while
slows both; seconds are CPU seconds (one thread), so that what else runs there does not count.

Quantizers of both sides collect statistics for 300 training steps, slowly. A single model that trains to the end has them in its
turns as the cohort has; one that does not is first trained past them, unmeasured, in its favour.
"""

from dataclasses import dataclass
from statistics import median

import torch

from benchmarks.baseline import STATISTICS, SingleModel
from benchmarks.setting import Setting, clock_of, warmed_up
from mia_audit.signals import query
from mia_audit.training import plan
from mia_audit.training.lockstep import Cohort, train


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a duel: examples per second by turn, and test accuracies (theirs only when its training was run to the end)."""

    models: int
    ours: list[float]
    theirs: list[float]
    our_seconds: float
    our_accuracy: list[float]
    their_accuracy: float | None

    @property
    def our_rate(self) -> float:
        """Our examples per second over the whole training."""
        return len(self.ours) / sum(1 / rate for rate in self.ours)

    @property
    def their_rate(self) -> float:
        """Their examples per second over the same turns."""
        return len(self.theirs) / sum(1 / rate for rate in self.theirs)

    @property
    def ratio(self) -> float:
        """How much faster we are over the whole training: quantizers that still collect statistics are slower than later ones."""
        return self.our_rate / self.their_rate

    @property
    def spread(self) -> str:
        """How much faster we are turn by turn: median, smallest and largest."""
        ratios = [a / b for a, b in zip(self.ours, self.theirs, strict=True)]
        return f"turn by turn {median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


def duel(setting: Setting, *, seconds_a_turn: float, device: torch.device, to_the_end: bool, warm_up: int = STATISTICS + 1) -> Outcome:
    """Train one cohort of the plan's size and one single model in turns.

    to_the_end: train the single model fully too; else its first `warm_up` steps are not measured.
    """
    size = min(plan.cohort_size(setting.recipe, device.type), len(setting.rows))
    single = SingleModel(setting, 0, device)
    steps = single.steps_per_epoch
    single.train(1 if to_the_end else warm_up)
    each, _ = single.train(1)
    turn = steps if to_the_end else min(steps, max(1, round(seconds_a_turn / each)))
    ours: list[float] = []
    theirs: list[float] = []
    seen = int(setting.rows[:size].sum())
    warmed_up(setting, device)
    clock = clock_of(device)
    began = [clock()]

    def their_turn(_: float) -> None:
        ours.append(seen / (clock() - began[0]))
        seconds, examples = single.train(turn)
        if examples:
            theirs.append(examples / seconds)
        began[0] = clock()

    cohort = Cohort(indices=tuple(range(size)), rows=setting.rows[:size])
    population = train(setting.recipe, cohort, setting.pool, device, their_turn)
    answers = query(population, setting.test_inputs, setting.recipe).logits.mean(axis=1)
    return Outcome(
        models=size,
        ours=ours[: len(theirs)],
        theirs=theirs,
        our_seconds=sum(seen / rate for rate in ours),
        our_accuracy=[float((each.argmax(-1) == setting.test_labels).mean()) for each in answers],
        their_accuracy=float((single.logits(setting.test_inputs).argmax(-1) == setting.test_labels).mean()) if to_the_end else None,
    )
