"""The panel: the phantom target and shadow models, each attacked as the target is and scored against the target's members.

A phantom's evidence is that of a rehearsal: its own answers, and the remaining shadow models as its shadow models. The target is in
none of it, so that no score knows anything of the target's coins, and coins drawn anew say what chance gives.
"""

from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed

from mia_audit.arrays import Arrays
from mia_audit.audit.attacking.measuring import estimate
from mia_audit.audit.attacking.scoring import judged_by_others
from mia_audit.audit.findings.headline import Headline
from mia_audit.recipe import Recipe
from mia_audit.record import Control
from mia_audit.record.controls import PANEL
from mia_audit.record.findings import Beyond
from mia_audit.statistics.panel import Panel, beyond, mean_auc, panel_p
from mia_audit.streams import stream
from mia_audit.types import Bools, Evidence, Floats

MOST_PHANTOMS = 16
"""The phantom target and so many less one shadow models: noise of single models hardly counts then, and each costs a whole attack."""


@dataclass(frozen=True, kw_only=True)
class Haunted:
    """What the panel says: its control, the headline's AUC less the panel's mean, and the arrays behind them."""

    control: Control
    beyond: Beyond
    arrays: Arrays


def panel(best: Headline, target: Evidence, *, need: int, workers: int) -> Panel:
    """Return the panel of the headline attack; the phantom target and the rehearsals are scored already.

    need: `attacking.needed` of all the audit's attacks, by which examples were chosen to be audited.
    """
    scores, counted = best.scores, best.truth.counted
    more = range(len(scores.rehearsals), min(MOST_PHANTOMS - 1, len(target.shadows)))
    masks = [judged_by_others(target.trained_on, model, need) for model in more]

    def score(model: int, can: Bools) -> Floats:
        found = np.zeros(can.size, dtype=scores.phantom.dtype)
        found[can] = best.attack.score(target.against_shadow(model).only(can))
        return found

    jobs = (delayed(score)(model, can) for model, can in zip(more, masks, strict=True))
    found: list[Floats] = list(Parallel(n_jobs=workers, prefer="threads")(jobs))  # pyright: ignore[reportAssignmentType]
    can = np.ones(scores.rehearsals.shape, dtype=np.bool_) if counted is None else counted
    return Panel(
        scores=np.stack([scores.phantom, *scores.rehearsals, *found]),
        counted=np.stack([np.ones(target.examples, dtype=np.bool_), *can, *masks]),
    )


def judge(best: Headline, phantoms: Panel, recipe: Recipe) -> Haunted:
    """Hold the headline against its panel."""
    member, rng = best.truth.target, stream(recipe.training.seed, "phantom panel")
    mean, p = mean_auc(phantoms, member), panel_p(phantoms, member, recipe.data.member_fraction, rng)
    told = PANEL.told(
        p >= PANEL.level,
        f"{len(phantoms.scores)} models that never saw the target's coins, {best.name} scored against the target's members: mean AUC "
        f"{mean:.3f}, p = {p:.4f} by coins drawn anew (fails below {PANEL.level}).",
    )
    arrays = {"panel/scores": phantoms.scores, "panel/counted": phantoms.counted}
    found = beyond(best.scores.target, phantoms, member)
    told_beyond = Beyond(phantoms=len(phantoms.scores), auc=mean, difference=estimate(found.interval), p=found.p)
    return Haunted(control=told, beyond=told_beyond, arrays=arrays)
