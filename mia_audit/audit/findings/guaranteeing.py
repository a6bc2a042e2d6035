"""What the target's training guarantees, told in the record."""

from dataclasses import asdict

from mia_audit.privacy.claim import guarantees
from mia_audit.privacy.constants import constants
from mia_audit.recipe import Recipe, filled
from mia_audit.record.privacy import DifferentialPrivacy, Guarantee


def guaranteed(recipe: Recipe) -> DifferentialPrivacy | None:
    """Return the guarantee of a claimed recipe, None where training is ordinary."""
    private = recipe.privacy
    if private is None:
        return None
    told = constants(recipe, filled(recipe.data.pool))
    return DifferentialPrivacy(
        guarantees=tuple(Guarantee(**asdict(each)) for each in guarantees(recipe)),
        delta=private.delta,
        noise_multiplier=filled(private.noise_multiplier),
        max_grad_norm=private.max_grad_norm,
        sampling=private.sampling,
        rate=told.rate,
        divisor=told.batch,
        steps=told.steps * recipe.training.last_epoch,
        epochs=recipe.training.last_epoch,
        seeded=not private.secure_noise,
    )
