"""How much epsilon the headline attack shows, and what a claim would have permitted."""

from typing import Any

from mia_audit.audit.attacking.measuring import Truth
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.recipe import Recipe
from mia_audit.record import Claimed, Epsilon, EpsilonLimit
from mia_audit.statistics import epsilon as limits
from mia_audit.statistics import onerun, onerun_tradeoff
from mia_audit.statistics.epsilon import LEVEL
from mia_audit.statistics.joint import credible_low
from mia_audit.statistics.proportions import Share
from mia_audit.statistics.tradeoff import Claim

DELTA = 1e-5
"""Where nobody claims another one."""

ONE_TRAINING = "takes a training for each trial, and these examples share one"


def claim(recipe: Recipe) -> Claim | None:
    """Return what the recipe claims, None where it claims nothing."""
    told = recipe.audit
    if told.claimed_epsilon is None and told.claimed_mu is None:
        return None
    return Claim(epsilon=told.claimed_epsilon, delta=told.claimed_delta if told.claimed_mu is None else 0.0, mu=told.claimed_mu)


def shown(attack: str, scores: Scores, truth: Truth, recipe: Recipe) -> Epsilon:
    """Return every limit of epsilon at one delta; whatever is chosen is chosen on rehearsals."""
    told = claim(recipe)
    delta = told.delta if told is not None and told.mu is None else DELTA
    members = int(truth.target.sum())
    decision = limits.choose(*truth.pooled(scores.rehearsals), delta, (members, truth.target.size - members))
    right, wrong = decision.counts(scores.target, truth.target)
    rehearsed, member = zip(*truth.rehearsed(scores.rehearsals), strict=True)
    accused, cleared = onerun.choose(rehearsed, member, delta)
    guesses = onerun.guess(scores.target, truth.target, accused, cleared)
    fair = recipe.data.member_fraction == 0.5
    return Epsilon(
        attack=attack,
        delta=delta,
        level=LEVEL,
        threshold=decision.threshold,
        turned=decision.turned,
        accused=accused,
        cleared=cleared,
        limits=(*_one_run(guesses, delta, fair=fair), *_several_runs(right, wrong, delta), _best(scores, truth, delta)),
        mu=limits.gaussian_mu(right, wrong),
        guesses=guesses.made,
        right=guesses.right,
        ceiling=onerun.ceiling(truth.target.size, delta),
        claimed=None if told is None else _claimed(told, right, wrong, guesses if fair else None),
    )


def _one_run(guesses: onerun.Guesses, delta: float, *, fair: bool) -> tuple[EpsilonLimit, ...]:
    """Return what the guesses at the coins of one training show; each method errs in 5 % by itself, uncorrected for the others."""
    counted = f"{guesses.right} of {guesses.made} guesses right"
    names = (f"one run ({counted})", f"one run, trade-off ({counted})", f"one run, Gaussian trade-off ({counted})")
    if not fair:
        unfair = "needs members drawn by fair coins, these were not"
        return tuple(EpsilonLimit(method=name, epsilon=None, bound=False, assumptions=unfair) for name in names)
    coins = "members drawn by independent fair coins, as they were here"
    return (
        EpsilonLimit(
            method=names[0],
            epsilon=onerun.bound(guesses, delta),
            bound=True,
            assumptions=f"{coins}; nothing else; errs in 5 % by itself (arXiv:2305.08846)",
        ),
        EpsilonLimit(
            method=names[1],
            epsilon=onerun_tradeoff.bound(guesses, delta),
            bound=True,
            assumptions=f"{coins}; nothing else; errs in 5 % by itself (arXiv:2410.22235)",
        ),
        EpsilonLimit(
            method=names[2],
            epsilon=onerun_tradeoff.bound_gaussian(guesses, delta) if delta else None,
            bound=False,
            assumptions=f"if the trade-off is Gaussian; {coins} (arXiv:2410.22235)",
        ),
    )


def _several_runs(right: Share, wrong: Share, delta: float) -> tuple[EpsilonLimit, ...]:
    found: dict[str, tuple[float | None, str]] = {
        "Clopper-Pearson": (limits.exact(right, wrong, delta), ONE_TRAINING),
        "joint Bayesian": (credible_low(right, wrong, delta, LEVEL), f"a credible limit; {ONE_TRAINING}"),
        "Gaussian (mu)": (limits.gaussian(right, wrong, delta) if delta else None, f"if the trade-off is Gaussian; {ONE_TRAINING}"),
    }
    for name in limits.RATIOS:
        found[f"ratio, {name}"] = (limits.ratio(name, right, wrong), f"delta = 0, large counts; {ONE_TRAINING}")
    return tuple(EpsilonLimit(method=name, epsilon=value, bound=False, assumptions=why) for name, (value, why) in found.items())


def _best(scores: Scores, truth: Truth, delta: float) -> EpsilonLimit:
    decisions = limits.several(truth.pooled(scores.rehearsals)[0])
    return EpsilonLimit(
        method=f"Clopper-Pearson, best of {len(decisions)} thresholds (Bonferroni)",
        epsilon=limits.best_exact([decision.counts(scores.target, truth.target) for decision in decisions], delta),
        bound=False,
        assumptions=f"thresholds fixed on rehearsals, the best one taken on the target and paid for; {ONE_TRAINING}",
    )


def _claimed(told: Claim, right: Share, wrong: Share, guesses: onerun.Guesses | None) -> Claimed:
    bound = {} if guesses is None or told.epsilon is None else _by_coins(guesses, told.epsilon, told.delta)
    p = told.p_value(right, wrong)
    return Claimed(text=str(told), most_auc=told.most_auc, most_advantage=told.most_advantage, p=p, **{"p_bound": None, **bound})


def _by_coins(guesses: onerun.Guesses, epsilon: float, delta: float) -> dict[str, Any]:
    """Return the p of a claim by the guesses at one training's coins, and what they could have refuted."""
    needed = onerun.needed(guesses.examples, guesses.made, (epsilon, delta), LEVEL)
    p_bound, least_seen = onerun.p_value(guesses, epsilon, delta), onerun.least_seen(guesses.made, needed)
    return {"p_bound": p_bound, "needed": needed, "least_seen": least_seen}
