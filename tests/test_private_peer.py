"""The network that Opacus is timed on is ours: the same logits from the same weights, and a step that it takes whole."""

import numpy as np
import pytest
import torch

from benchmarks.private_peer import WIDTH, Net2, Peer
from mia_audit.audit.request.options import Options, describe
from mia_audit.models.surrogates import SURROGATES
from mia_audit.recipe import Recipe
from mia_audit.signals import query
from mia_audit.training.lockstep import Pool, build


def given(target: str) -> tuple[Recipe, Pool]:
    """Return a target in full precision and a few images."""
    rng = np.random.default_rng(0)
    pool = Pool(inputs=rng.random((6, 28, 28, 1), dtype=np.float32), labels=rng.integers(0, 10, 6), classes=10)
    return describe(target, Options(settings={"training.precision": "fp32"})), pool


@pytest.mark.parametrize("target", ["dp-snn", "dp-ann"])
def test_the_peer_is_the_same_network(target: str) -> None:
    """Weights copied layer by layer: equal logits, up to spikes that rounding turns."""
    recipe, pool = given(target)
    ours = build(recipe, (0,), pool).eval()
    theirs = Net2(recipe)
    layers = [*theirs.weighted, theirs.readout]
    with torch.no_grad():
        for (name, value), (layer, kind) in zip(
            ours.named_parameters(), [(layer, kind) for layer in layers for kind in ("bias", "weight")], strict=True
        ):
            assert name.endswith(kind)
            own = getattr(layer, kind)
            # our dense layer reads channels last
            own.copy_(value[0].view(32, 4, 4, 32).permute(0, 3, 1, 2).flatten(1) if own.shape == (32, 512) else value[0])
    with torch.no_grad():
        found = theirs(torch.from_numpy(np.moveaxis(pool.inputs, -1, 1).copy())).numpy()
    expected = query(ours, pool.inputs, recipe).logits[0].mean(axis=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_gate_is_as_wide_as_ours() -> None:
    """The default of the surrogate."""
    (form,) = [each.textbook for each in SURROGATES if each.name == "gate"]
    assert form.defaults["width"] == WIDTH


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_the_peer_takes_a_private_step() -> None:
    """Every parameter moves, and by noise at least as large as claimed."""
    recipe, pool = given("dp-ann")
    peer = Peer(recipe)
    before = torch.cat([each.detach().flatten().clone() for each in peer.net.parameters()])
    peer.take(pool.inputs, pool.labels)
    moved = torch.cat([each.detach().flatten() for each in peer.net.parameters()]) - before
    assert moved.std().item() == pytest.approx(0.25 * 1.5 / 250, rel=0.05)
