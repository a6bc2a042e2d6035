"""Operations counted one by one, and thresholds measured again without each image."""

import numpy as np
import pytest

from mia_audit.conversion.energy import PICOJOULES, additions, gain, sums
from mia_audit.conversion.exposure import exposure
from mia_audit.models.architectures import layers
from mia_audit.recipe import Model
from mia_audit.recipe.layers import Conv, Fire, Linear, Pool

NETWORK = Model(
    architecture="layers",
    layers=(Conv(channels=3, padding=0), Fire(), Pool(of="average"), Linear(features=5), Fire()),
)


def test_multiplications_are_counted_one_by_one() -> None:
    """A loop over outputs and what each of them sums up gives the same."""
    found = sums(NETWORK, 4, (6, 6, 2))
    assert len(layers(NETWORK, 4)) == 6
    conv = sum(1 for _ in range(4 * 4 * 3) for _ in range(3 * 3 * 2))
    assert [each.macs for each in found] == [conv, 2 * 2 * 3 * 5, 5 * 4]
    assert [each.inputs for each in found] == [72, 12, 5]


def test_every_spike_is_added_along_its_connections() -> None:
    """Counted connection by connection in a dense network; with all neurons spiking at every step, T times the teacher's sums."""
    dense = Model(architecture="layers", layers=(Linear(features=6), Fire(), Linear(features=5), Fire()))
    counted, rng = sums(dense, 4, (3,)), np.random.default_rng(1)
    fired = [rng.random((7, width)) < 0.3 for width in (6, 5)]
    slow = np.zeros(7)
    for t in range(7):
        for neurons, outputs in zip(fired, (5, 4), strict=True):
            slow[t:] += sum(1 for spike in neurons[t] if spike for _ in range(outputs))
    spikes = np.stack([each.sum(axis=1, dtype=np.float64).cumsum() for each in fired])
    np.testing.assert_allclose(additions(counted, spikes), slow)
    always = np.stack([width * np.arange(1.0, 8.0) for width in (6, 5)])
    np.testing.assert_allclose(additions(counted, always), np.arange(1, 8) * (6 * 5 + 5 * 4))


@pytest.mark.parametrize("name", PICOJOULES)
def test_silence_costs_the_first_layer_alone(name: str) -> None:
    """Once where the input is static, at every step otherwise; and nobody gains by spikes without end."""
    counted = sums(NETWORK, 4, (6, 6, 2))
    whole = sum(each.macs for each in counted) / counted[0].macs
    np.testing.assert_allclose(gain(counted, np.zeros((2, 3)), static=True)[name], whole)
    np.testing.assert_allclose(gain(counted, np.zeros((2, 3)), static=False)[name], whole / np.arange(1, 4))
    assert gain(counted, np.full((2, 1), 1e9), static=True)[name][0] < 1e-3


@pytest.mark.parametrize("percentile", [100.0, 99.0, 90.0])
def test_a_threshold_is_measured_again_without_each_image(percentile: float) -> None:
    """Sorting the currents of all others gives what one pass over the largest gives."""
    currents = np.random.default_rng(2).normal(size=(12, 50))
    found = exposure(currents, percentile)

    def threshold(values: np.ndarray) -> float:
        return float(np.sort(values, axis=None)[::-1][int(values.size * (100 - percentile) / 100 + 1e-6)])

    assert found.whole == threshold(currents)
    assert found.without.tolist() == [threshold(np.delete(currents, image, axis=0)) for image in range(12)]


def test_a_bright_image_is_found() -> None:
    """The maximum gives one image away and no other; a percentile moves without any, and least without the ordinary ones."""
    rng = np.random.default_rng(3)
    currents = rng.random((40, 1000))
    currents[17] *= 3
    most = exposure(currents, 100.0)
    assert np.flatnonzero(most.moves()).tolist() == [17]
    assert most.whole == currents.max()
    some = exposure(currents, 99.9)
    assert some.moves()[17]
    assert some.moves(0.01).sum() == 1
    assert np.abs(some.without / some.whole - 1).argmax() == 17
