"""The harness that is broken on purpose, its faults met by the step and the sampler test, and the same tests on the real engine."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import dp_engine, dp_faults
from benchmarks.dp_faults_list import DECOY, FAULTS
from benchmarks.dp_harness import Data, Engine, Network, Setting, Where
from benchmarks.dp_meeting import NARROW, Size, sampler_of, steps_of
from mia_audit.instruments.verdict import VIOLATED
from mia_audit.training.private_step import PrivateStep

SMALL = Size(replays=200, steps=200)
IN_THE_SAMPLER = {"q from the member count", "Poisson claimed, fixed order done"}


def test_gradients_are_the_slopes_of_the_loss() -> None:
    """Central differences of each example's loss, by every parameter; what steps in time add, summed."""
    setting = Setting(features=2, hidden=3, time_steps=3)
    data, network = Data.drawn(setting, 4, 0), Network.begun(setting, 1)
    found, start = network.gradients(data.inputs, data.labels).sum(axis=1), network.flat
    for place in range(setting.parameters):
        losses = []
        for sign in (1, -1):
            network.flat = start + sign * 1e-5 * np.eye(setting.parameters)[place]
            losses.append(network.loss(data.inputs, data.labels))
        assert np.allclose(found[:, place], (losses[0] - losses[1]) / 2e-5, atol=1e-8)


def test_a_step_is_a_loop_over_examples() -> None:
    """Clip each, sum, add the noise of this model and step, divide by a constant; nobody at all is pure noise."""
    data, where = Data.drawn(NARROW, 7, 0), Where(seed=3, model=2, step=5)
    gradients = 3 * Network.begun(NARROW, 0).gradients(data.inputs, data.labels)
    noise = Engine().noise(NARROW, where)
    total = np.zeros(NARROW.parameters)
    for each in gradients.sum(axis=1):
        total += each * min(1.0, 1.0 / float(np.linalg.norm(each)))
    assert np.allclose(Engine().step(gradients, NARROW, where), (total + noise) / NARROW.batch)
    assert np.allclose(Engine().step(gradients[:0], NARROW, where), noise / NARROW.batch)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_caught_by_the_step_or_the_sampler_test(fault: str) -> None:
    """Two hundred replays of seven canaries are enough, or two hundred steps of the sampler; the other of the two sees nothing."""
    way = sampler_of if fault in IN_THE_SAMPLER else steps_of
    assert way(FAULTS[fault], 1, SMALL).p < 1e-4


def test_the_decoy_is_not_accused() -> None:
    """Gradient and norm from one step leak nothing; nor does a sound step."""
    for engine in (DECOY, Engine()):
        assert steps_of(engine, 2, SMALL).verdict != VIOLATED


def test_a_page_says_what_was_missed_and_how_many_sound_trainings_were_accused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that nobody sees and three accused fail it."""
    monkeypatch.setattr(dp_faults, "_shown", lambda trainings: [str(len(trainings))])
    monkeypatch.setattr(dp_faults, "_claim", lambda size: f"{size.canaries}")

    def met(*p: float) -> dp_faults.Met:
        return dp_faults.Met(name="x", p=p, verdicts=("consistent",) * len(p), note="smallest p 1: a look", shown=(1.0,) * 4)

    caught, missed, lean = met(1e-9, 1, 1, 1, 1), met(0.009, 1, 1e-9, 1, 1), met(1.0, 1.0)
    text, passed = dp_faults.page([caught], [lean, missed], dp_faults.FULL, dp_faults.FEWER)
    assert passed
    assert "| one run | 1 of 1 |" in text
    assert "| sampler test | 0 of 2 |" in text
    for faults, sound in (([missed], [lean]), ([caught], [caught] * 3)):
        assert not dp_faults.page(faults, sound, dp_faults.FULL, dp_faults.FEWER)[1]
    assert "**Missed: x.**" in dp_faults.page([missed], [lean], dp_faults.FULL, dp_faults.FEWER)[0]


def quieter(step: PrivateStep) -> None:
    """Halve the noise in secret."""
    step._deviation /= 2


@pytest.mark.parametrize(("fault", "mu"), [(None, 1.0), (quieter, 2.0)], ids=["as it is", "noise halved"])
def test_the_engine_that_trains_targets_is_replayed(fault: object, mu: float) -> None:
    """Its canary is clipped to the norm, its noise is as claimed; half of it is seen."""
    recipe = dp_engine.recipe_of("snn", model__time_steps=2, model__channels=[3])
    found = dp_engine.step_of(dp_engine.Replayer(recipe=recipe, pool=dp_engine.pool_of(), fault=fault), 100)
    assert (found.verdict == VIOLATED) == (fault is not None)
    assert found.numbers["mu claimed"] == 1
    assert found.numbers["mu measured"] == pytest.approx(mu, abs=0.5)


@pytest.mark.parametrize("sampling", ["poisson", "balls-and-bins"])
def test_the_engines_sampler_is_as_claimed(sampling: str) -> None:
    """Models of different member counts are drawn from at one rate; the other sampler would have been seen."""
    recipe = dp_engine.recipe_of("snn", privacy__sampling=sampling)
    assert dp_engine.sampler_of(recipe, 20).verdict != VIOLATED
    if sampling == "balls-and-bins":
        poisson = replace(dp_engine.claim_of(recipe), sampling="poisson")
        assert dp_engine.sampler_of(recipe, 20, claimed=poisson).verdict == VIOLATED
