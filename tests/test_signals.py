"""Querying: chunks change nothing, every model is asked the same, every query anew, and nothing depends on who was a member."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from mia_audit import signals
from mia_audit.catalogue import load_recipe, override
from mia_audit.data.fingerprint import fingerprints
from mia_audit.data.profiles import resolve
from mia_audit.models.respondent import Outputs
from mia_audit.recipe import Recipe
from mia_audit.signals import Signals, query

CPU = torch.device("cpu")
MODELS = 3
INPUTS = np.random.default_rng(0).random((13, 8, 8, 1), dtype=np.float32)


class Sums:
    """A respondent that is no network: it answers with sums over steps, rows and columns of what it is fed, model k k + 1 times as much."""

    models, device = MODELS, CPU

    def logits(self, x: Tensor) -> Tensor:
        """Return logits [K, B, 8] of inputs [K, T or 1, B, H, W, C]."""
        return x.float().mean(dim=1).sum(dim=(2, 4)) * torch.arange(1, len(x) + 1)[:, None, None]

    def observe(self, x: Tensor) -> Outputs:
        """Return the logits, and as rates [2, K, B] the first two of them."""
        each = self.logits(x)
        return Outputs(logits=each, rates=torch.stack([each[..., 0], each[..., 1]]))


def recipe(**changes: Any) -> Recipe:
    """Return the resolved recipe of a spiking network on digits."""
    settings = {"data.dataset": "digits", "audit.queries": 3, **{key.replace("__", "."): value for key, value in changes.items()}}
    return resolve(override(load_recipe("snn"), settings))


def asked(given: Recipe) -> Signals:
    """Return what the summing models answer."""
    return query(Sums(), INPUTS, given)


@pytest.mark.parametrize("chunk", [1, 3 * 10 * 64 * 4, 2**21])
def test_answers_stand_where_their_examples_stand(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logits [K, Q, N, C], rates [K, layers] a mean over examples and queries, fingerprints [Q, N], however large a chunk is."""
    monkeypatch.setattr(signals, "_CHUNK", chunk)
    found = asked(recipe())
    sums = INPUTS.sum(axis=(1, 3))  # columns
    for model in range(MODELS):
        for number in range(3):
            np.testing.assert_allclose(found.logits[model, number], sums * (model + 1), rtol=1e-5)
        np.testing.assert_allclose(found.rates[model], sums.mean(axis=0)[:2] * (model + 1), rtol=1e-5)
    np.testing.assert_array_equal(found.entered[:, 0], np.tile(fingerprints(INPUTS), (3, 1)))


def test_random_encodings_are_the_querys_own() -> None:
    """Every model meets the same spikes; each query, and each seed, others; asked again they are the same. Rates average the queries."""
    given = recipe(model__encoding="rate")
    found, again, other = asked(given), asked(given), asked(recipe(model__encoding="rate", training__seed=1))
    np.testing.assert_allclose(found.logits[1], 2 * found.logits[0], rtol=1e-5)
    np.testing.assert_array_equal(found.logits, again.logits)
    for one, two in ((0, 1), (0, 2), (1, 2)):
        assert (found.logits[0, one] != found.logits[0, two]).any()
        assert (found.entered[one] != found.entered[two]).all()
    assert (found.logits[0, 0] != other.logits[0, 0]).any()
    np.testing.assert_allclose(found.rates[0], found.logits[0, :, :, :2].mean(axis=(0, 1)), rtol=1e-5)


def test_augmented_queries_move_every_example_anew() -> None:
    """Each query has moves of its own, the same for all models; fingerprints are of what was put to them."""
    found = asked(recipe(data__augment=["flip", "crop"], data__crop_padding=1, audit__augmented_queries=True))
    np.testing.assert_allclose(found.logits[2], 3 * found.logits[0], rtol=1e-5)
    for one, two in ((0, 1), (0, 2), (1, 2)):
        assert (found.entered[one] != found.entered[two]).mean() > 0.5
        assert (found.logits[0, one] != found.logits[0, two]).any()
    plain = asked(recipe(data__augment=["flip", "crop"], data__crop_padding=1))
    np.testing.assert_array_equal(plain.entered[:, 0], np.tile(fingerprints(INPUTS), (3, 1)))
