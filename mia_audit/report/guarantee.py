"""What a private training guarantees, in sentences."""

from mia_audit.record import Epsilon
from mia_audit.record.privacy import DifferentialPrivacy
from mia_audit.report.numbers import count, decimal


def guarantee_in_words(found: DifferentialPrivacy | None) -> tuple[str, ...]:
    """Say what the target's training guarantees, of whom, and what that does not cover; nothing where training is ordinary."""
    if found is None:
        return ()
    return (_claim(found), _how(found), *_uncovered(found))


def claim_judged(shown: Epsilon | None) -> tuple[str, ...]:
    """Return the verdict on a claim by answers alone: violated, or no power, with the epsilon above which a violation would have been seen.

    How good an attack is that sees answers, nobody knows: that it refutes nothing never makes a claim consistent.
    """
    if shown is None or shown.claimed is None or shown.claimed.p_bound is None or shown.claimed.needed is None:
        return ()
    claimed, right, made = shown.claimed, count(shown.right or 0), count(shown.guesses or 0)
    counted = f"{right} of {made} guesses at the coins were right"
    if shown.claimed.p_bound <= shown.level:
        return (f"The claim, put to the test by answers alone: violated. {counted}, p = {decimal(shown.claimed.p_bound)}.",)
    if claimed.least_seen is None:
        seen = "had all been right, the claim would have stood, so that no violation would have been seen"
    else:
        least = decimal(claimed.least_seen, 2)
        seen = f"{count(shown.claimed.needed)} would have refuted it, so that a violation would have been seen only above epsilon {least}"
    return (f"The claim, put to the test by answers alone: no power. {counted}; {seen}. `mia-audit dp-audit` sees more (docs/privacy.md).",)


def _claim(found: DifferentialPrivacy) -> str:
    if not found.guarantees:
        return "The target was trained by DP-SGD without noise: no epsilon is guaranteed."
    first, *others = found.guarantees
    also = "".join(f"; under {each.adjacency}, epsilon {decimal(each.epsilon, 2)}" for each in others if each.bound)
    return (
        f"The target was trained by DP-SGD, which guarantees epsilon {decimal(first.epsilon, 2)} at delta {found.delta:g} under "
        f"{first.adjacency} ({first.name}, an upper bound){also}."
    )


def _how(found: DifferentialPrivacy) -> str:
    sampling = found.sampling.replace("poisson", "Poisson")
    return (
        f"Gradients of single examples were clipped at {found.max_grad_norm:g}, the noise was {found.noise_multiplier:g} times that, and "
        f"{sampling} sampling put each member into a step with probability {found.rate:.4g}; all {count(found.steps)} steps of "
        f"{count(found.epochs)} epochs are counted. Rate, steps and the divisor, {count(found.divisor)}, are constants, the same for every "
        "model."
    )


def _uncovered(found: DifferentialPrivacy) -> tuple[str, ...]:
    chosen = "An epoch, a setting or a model that is chosen by its accuracy is a use of data that no epsilon covers."
    if not found.seeded:
        return (chosen,)
    seeded = (
        "This is an audit of the mechanism: noise and sampling follow from the recipe's seed, and whoever holds it can subtract the noise. "
        "The models trained here must not be released as private."
    )
    return (seeded, chosen)
