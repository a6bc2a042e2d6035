"""Those who judge inverted images: three networks of different kinds, which learnt from data that neither teacher nor prior saw.

One is not enough: images of the same attack were recognised in 59, 60 and 89 of 100 cases by three. The third learns from noisy images,
so that a network's own noise does not count as a class.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from mia_audit.errors import DataError
from mia_audit.models.encoding import direct
from mia_audit.models.network import Population
from mia_audit.recipe import Model, Recipe, Training
from mia_audit.streams import stream
from mia_audit.training.lockstep import Cohort, Pool, train
from mia_audit.types import Floats, Ints

NOISE = 0.2
"""Standard deviation of the noise that the third learns with."""
SHARED = 0.01
"""Share of examples that may stand in both, as doubles do in public data sets."""
MODELS: Mapping[str, Model] = {
    "convolutions": Model(architecture="conv", channels=(16, 32), kernel=3, padding=1),
    "dense": Model(architecture="mlp", hidden=(128,)),
    "convolutions, noise": Model(architecture="conv", channels=(8, 16), kernel=3, padding=1),
}


def evaluators(pool: Pool, unseen_by: Sequence[Floats], *, epochs: int = 20, seed: int = 0) -> dict[str, Population]:
    """Train the three on a pool [N, H, W, C]; DataError where it shares examples with what teachers or priors saw."""
    require_apart(pool.inputs, unseen_by)
    found = {}
    for name, model in MODELS.items():
        inputs = pool.inputs
        if "noise" in name:
            noise = stream(seed, "evaluator noise").normal(0, NOISE, inputs.shape)
            inputs = np.clip(inputs + noise, 0, 1).astype(np.float32)
        training = Training(epochs=epochs, batch_size=32, learning_rate=2e-3, schedule="cosine", precision="fp32", seed=seed)
        recipe = Recipe(name="evaluator", summary="", model=model, training=training)
        cohort = Cohort(indices=(0,), rows=np.ones((1, len(inputs)), dtype=np.bool_))
        own = Pool(inputs=inputs, labels=pool.labels, classes=pool.classes)
        found[name] = train(recipe, cohort, own, torch.device("cpu"), lambda _: None).requires_grad_(requires_grad=False)
    return found


def require_apart(inputs: Floats, unseen_by: Sequence[Floats]) -> None:
    """Refuse to learn from what a teacher or a prior saw: evaluators would recognise the data, not the class."""
    known = {digest for others in unseen_by for digest in _digests(others)}
    shared = sum(digest in known for digest in _digests(inputs))
    if shared > SHARED * len(inputs):
        raise DataError(
            f"evaluators need examples that neither teacher nor prior saw, got {shared} of {len(inputs)} that they did; take them from the "
            f"test set, or from what the pool leaves over"
        )


@torch.inference_mode()
def seen_as(judges: Mapping[str, Population], images: Tensor) -> dict[str, Ints]:
    """Return the class that each evaluator sees in images [N, H, W, C], by its name."""
    return {
        name: torch.cat([judge.logits(direct(part.unsqueeze(0)))[0].argmax(dim=1) for part in images.split(500)]).numpy()
        for name, judge in judges.items()
    }


def _digests(inputs: Floats) -> list[bytes]:
    return [hashlib.sha256(np.ascontiguousarray(each, dtype=np.float32).tobytes()).digest() for each in inputs]
