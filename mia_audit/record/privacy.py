"""What a private training guarantees, as record.json tells it."""

from mia_audit.record.parts import Part


class Guarantee(Part):
    """One way to the epsilon of a training, and which data sets are neighbours; `bound`: whether it is an upper bound."""

    name: str
    epsilon: float
    bound: bool
    adjacency: str
    detail: str = ""


class DifferentialPrivacy(Part):
    """A target that was trained by DP-SGD.

    guarantees     at `delta`, the tightest first; none where there was no noise
    rate, divisor  of an example in a step, and what sums are divided by: constants, the same for every model
    steps          all that were run, in so many epochs
    seeded         whether noise and coins follow from the recipe's seed, so that whoever holds it can subtract the noise
    """

    guarantees: tuple[Guarantee, ...]
    delta: float
    noise_multiplier: float
    max_grad_norm: float
    sampling: str
    rate: float
    divisor: int
    steps: int
    epochs: int
    seeded: bool = True
