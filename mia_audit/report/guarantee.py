"""What a private training guarantees, in sentences."""

from mia_audit.record.privacy import DifferentialPrivacy
from mia_audit.report.numbers import count, decimal


def guarantee_in_words(found: DifferentialPrivacy | None) -> tuple[str, ...]:
    """Say what the target's training guarantees, of whom, and what that does not cover; nothing where training is ordinary."""
    if found is None:
        return ()
    return (_claim(found), _how(found), *_uncovered(found))


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
