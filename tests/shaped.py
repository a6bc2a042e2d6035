"""Steps of training and questions with every call of a layer held to the shapes that its annotations name.

`test_models_shapes.py` runs this file in a process of its own, since the checks have to be there before the layers are imported
(MIA_AUDIT_SHAPES, see `conftest.py`) and would slow down every other test by a third.
"""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from mia_audit.catalogue import load_recipe, override, target_names
from mia_audit.data.profiles import profile, resolve
from mia_audit.models.encoding import direct
from mia_audit.training.lockstep import build
from tests.test_training_lockstep import answers, pool, trained

FITTING = [name for name in target_names() if load_recipe(name).model.architecture == "auto"]  # the others have a data set of their own


PRIVATE = {"training.optimizer": "sgd", "training.momentum": 0.0, "privacy.noise_multiplier": 1.0, "privacy.delta": 1e-3}
MORE: tuple[tuple[str, str, dict[str, Any]], ...] = (
    *(("snn", "digits", {"model.encoding": encoding, "model.time_steps": 3}) for encoding in ("rate", "latency")),
    *(("snn", "digits", {"model.norm": norm, "model.time_steps": 2}) for norm in ("batch", "batch-per-step", "group")),
    *(("snn", "digits", {"model.readout": readout, "model.time_steps": 2}) for readout in ("membrane-last", "spike-count", "accumulated")),
    *(("snn", "digits", {"model.neuron.surrogate": surrogate, "model.time_steps": 2}) for surrogate in ("gate", "sre")),
    *((target, "digits", {**PRIVATE, "model.norm": "group"}) for target in ("ann", "snn")),
    *((target, dataset, {"training.precision": "fp32"}) for target, dataset in product(("ann", "snn-q4"), ("iris", "digits"))),
    ("snn-q4", "digits", {"model.quantization.granularity": "channel"}),
    ("snn-q4", "digits", {"model.quantization.weight_bits": 1}),
)


@pytest.mark.parametrize(("target", "dataset", "changes"), [*((*both, {}) for both in product(FITTING, ("iris", "digits"))), *MORE])
def test_every_target_takes_a_training_step(target: str, dataset: str, changes: dict[str, Any]) -> None:
    """Each recipe that fits any data builds and learns on tables and images: every weight moves, every answer is finite."""
    settings = {"data.dataset": dataset, "data.pool": 40, "training.epochs": 1, **changes}
    recipe = resolve(override(load_recipe(target), settings))
    before, after = build(recipe, (0, 1), pool(recipe)), trained(recipe, 0, 1)
    for name, value in before.named_parameters():
        if not name.endswith("value"):
            assert (value != dict(after.named_parameters())[name]).any(), name
    found = answers(after, pool(recipe).inputs, recipe)
    assert found.shape == (2, 1, 40, profile(dataset).classes)
    assert np.isfinite(found).all()


def test_the_checks_are_on() -> None:
    """What has the axes of another array is refused; so the steps above were held to theirs."""
    with pytest.raises(TypeCheckError):
        direct(torch.zeros(3))
