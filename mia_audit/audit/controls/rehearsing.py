"""Guards on rehearsals and turns, in which a shadow model takes the target's part.

Own coins: what an attack says of a model must not hang on that model's own coins, or it was told the answer. They are turned over, and
not a bit of the headline's scores, nor which examples count, may change. Exact: a sound audit never fails it.
Direction: an attack may be worth nothing, but not less.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mia_audit.arrays import Arrays
from mia_audit.attacks.cards import Card
from mia_audit.audit.attacking.measuring import Truth
from mia_audit.audit.attacking.scoring import Scores, judged_by_others, rehearsal
from mia_audit.audit.bank.prepared import Shown
from mia_audit.audit.findings.headline import Headline
from mia_audit.audit.findings.turns import everyone, one_turn
from mia_audit.record import Control
from mia_audit.record.controls import DIRECTION, OWN_COINS
from mia_audit.statistics.delong import below_p
from mia_audit.statistics.nulltest import holm
from mia_audit.types import Bools

FIRST_SHADOW = 2


def own_coins_control(best: Headline, shown: Shown, rows: Bools, turned: Arrays, *, need: int) -> Control:
    """Turn over the coins of the first shadow model and repeat its rehearsal, and its turn where turns were taken.

    rows    [2 + S, A]: membership of all models on the audited examples
    turned  the arrays of the turns, as recorded; without them there were none
    need    `attacking.needed` of all the audit's attacks
    """
    told = shown.target.trained_on.copy()
    told[0] = ~told[0]
    can = judged_by_others(told, 0, need)
    recorded = np.ones(can.size, dtype=np.bool_) if best.truth.counted is None else best.truth.counted[0]
    again = best.attack.score(rehearsal(replace(shown.target, trained_on=told), 0, can))
    moved = [] if np.array_equal(can, recorded) and np.array_equal(again, best.scores.rehearsals[0][can]) else ["rehearsal"]
    if "turns/scores" in turned:
        other = rows.copy()
        other[FIRST_SHADOW] = ~other[FIRST_SHADOW]
        scores, can = one_turn(best.attack, replace(everyone(shown.target, shown.phantom), trained_on=other), FIRST_SHADOW, need)
        same = np.array_equal(can, turned["turns/judged"][FIRST_SHADOW]) and np.array_equal(scores, turned["turns/scores"][FIRST_SHADOW])
        moved += [] if same else ["turn"]
    where = "rehearsal and turn" if "turns/scores" in turned else "rehearsal"
    if moved:
        return OWN_COINS.told(passed=False, detail=f"In the {' and '.join(moved)} of shadow model 1 {best.name} hangs on its own coins.")
    return OWN_COINS.told(passed=True, detail=f"In the {where} of shadow model 1 {best.name} says the same with its coins turned over.")


def direction_control(cards: Sequence[Card], scores: Sequence[Scores], truth: Truth) -> Control:
    """Name the attacks that rank members below non-members in their rehearsals, all attacks jointly."""
    p = holm([below_p(truth.rehearsed(one.rehearsals)) for one in scores])
    backwards = [card.name for card, value in zip(cards, p, strict=True) if value < DIRECTION.level]
    if backwards:
        return DIRECTION.told(
            passed=False, detail=f"Backwards in rehearsals: {', '.join(backwards)} (p below {DIRECTION.level} after Holm)."
        )
    return DIRECTION.told(
        passed=True,
        detail=f"None of {len(p)} attacks points backwards in its rehearsals; least p = {min(p):.2g} (fails below {DIRECTION.level}).",
    )
