"""Differentially private training, as a recipe asks for it."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from mia_audit.recipe.section import Section

Sampling = Literal["poisson", "balls-and-bins", "shuffle"]


class Privacy(Section):
    """DP-SGD (Abadi et al. 2016, arXiv:1607.00133v2, Algorithm 1): gradients of single examples are clipped, summed and made noisy.

    noise_multiplier  standard deviation of the noise over the clipping norm; 0 clips only, and nothing is guaranteed
    target_epsilon    find the noise multiplier for this epsilon at `delta` instead
    delta             of the guarantee; below one over the members that are expected
    max_grad_norm     the clipping norm, of an example's gradient by all parameters together
    sampling          how members come into steps: each by a coin of its own ("poisson"), each into one random step of an epoch
                      ("balls-and-bins"), or so too, but accounted for as if the order were known ("shuffle")
    secure_noise      draw noise and sampling from the operating system: nobody can subtract the noise, nobody can train the same model
                      again, and what entered the models in training cannot be checked

    `training.batch_size` is the number of examples that a step holds on average and that sums are divided by: a constant.
    """

    noise_multiplier: Annotated[float, Field(ge=0, le=1000)] | None = None
    target_epsilon: Annotated[float, Field(gt=0, le=700)] | None = None
    delta: Annotated[float, Field(gt=0, lt=1)] = 1e-5
    max_grad_norm: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    sampling: Sampling = "poisson"
    secure_noise: bool = False


MaybePrivacy = Annotated[Privacy | None, BeforeValidator(lambda given: None if given == "none" else given)]
"""What a recipe may hold; the word "none" takes a target's privacy away."""
