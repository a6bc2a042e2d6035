"""The kind of network: every model takes its turn as the target of the headline attack, all others as its shadow models.

An example belongs to a turn when the *other* models suffice to judge it: whether it counts never depends on the coin in question.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from joblib import Parallel, delayed

from mia_audit.attacks import Attack
from mia_audit.audit.attacking.measuring import FPRS, estimate
from mia_audit.audit.attacking.scoring import judged_by_others
from mia_audit.record import Kind, RateAtFPR
from mia_audit.statistics.turns import PooledRate, Spread, Turns, each_auc, mean_auc, pooled_tprs
from mia_audit.streams import stream
from mia_audit.types import Bools, Evidence, Floats, Signal

MOST_TURNS = 66
"""Beyond so many the spread between networks is known well enough; every turn costs a whole attack."""


def everyone(target: Evidence, phantom: Evidence) -> Evidence:
    """Return the evidence with the target and the phantom target as the first two shadow models; their rows of membership are False."""
    pool = None
    if target.population is not None and phantom.population is not None:
        first = np.stack([target.population.target, phantom.population.target])
        pool = replace(target.population, shadows=np.concatenate([first, target.population.shadows]))
    return replace(
        target,
        shadows=np.concatenate([np.stack([target.target, phantom.target]), target.shadows]),
        trained_on=np.concatenate([np.zeros((2, target.examples), dtype=np.bool_), target.trained_on]),
        population=pool,
        signals={
            name: Signal(
                target=signal.target,
                shadows=np.concatenate([np.stack([signal.target, phantom.signals[name].target]), signal.shadows]),
            )
            for name, signal in target.signals.items()
        },
    )


def take_turns(  # noqa: PLR0913  who attacks whom, and which examples count
    attack: Attack, target: Evidence, phantom: Evidence, rows: Bools, *, need: int, workers: int
) -> Turns:
    """Return the turns of an attack; rows [2 + S, A] is the membership of all models on the audited examples.

    need: how many shadow models a side the audited examples were chosen to have, `attacking.needed` of all the audit's attacks.
    """
    whole = replace(everyone(target, phantom), trained_on=rows)
    jobs = (delayed(one_turn)(attack, whole, turn, need) for turn in range(min(len(rows), MOST_TURNS)))
    found: list[tuple[Floats, Bools]] = list(Parallel(n_jobs=workers, prefer="threads")(jobs))  # pyright: ignore[reportAssignmentType]
    scores, can = (np.stack(each) for each in zip(*found, strict=True))
    return Turns(scores=scores, member=rows[: len(scores)], judged=can)


def one_turn(attack: Attack, whole: Evidence, turn: int, need: int) -> tuple[Floats, Bools]:
    """Return the scores of one model of the evidence of `everyone`, 0 where an example does not count, and which ones do."""
    can = _judged(whole.trained_on[2:], turn - 2, need)
    scores = np.zeros(can.size)
    scores[can] = attack.score(whole.against_shadow(turn).only(can))
    return scores, can


def kind(attack: str, turns: Turns, seed: int) -> Kind:
    """Return what the turns say of the kind."""
    aucs = each_auc(turns)
    mean, rates = mean_auc(turns), pooled_tprs(turns, FPRS, stream(seed, "pooled turns"))
    return Kind(
        attack=attack,
        turns=len(aucs),
        mean_auc=estimate(mean.interval()),
        auc_sd=float(aucs.std(ddof=1)),
        auc_least=float(aucs.min()),
        auc_most=float(aucs.max()),
        pairs=turns.nonmembers,
        tpr_at_fpr=tuple(
            RateAtFPR(fpr=fpr, tpr=estimate(rate.interval()), expected_false_positives=fpr * turns.nonmembers)
            for fpr, rate in zip(FPRS, rates, strict=True)
        ),
        p=chance_p(mean, rates, FPRS),
    )


def chance_p(mean: Spread, rates: Sequence[PooledRate], fprs: Sequence[float]) -> float:
    """Return the one-sided p of "networks of this kind show no more than a coin", corrected for how many numbers there are (Bonferroni)."""
    p = [mean.chance_p(0.5), *(rate.spread.chance_p(fpr) for rate, fpr in zip(rates, fprs, strict=True) if rate.known)]
    return min(1.0, min(p) * len(p))


def _judged(shadows: Bools, model: int, need: int) -> Bools:
    """Return which examples count in a shadow model's turn: where the others suffice. All do in the target's and the phantom's (below 0).

    The audited examples were chosen on the shadow models' rows; where that choice could have hung on this row, it is left out.
    """
    return judged_by_others(shadows, model, need) if model >= 0 else np.ones(shadows.shape[1], dtype=np.bool_)
