"""Probes: every signal equals what a slow and obvious way gives, on small untrained networks; and is taken once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from mia_audit.audit import Options, Silent
from mia_audit.audit.bank.prepared import evidence, gather
from mia_audit.audit.running import prepare
from mia_audit.data import design
from mia_audit.errors import EvidenceError
from mia_audit.models.network import Population
from mia_audit.models.respondent import Outputs, silent
from mia_audit.probes import boundary, disturbed, gradients, names, reviving, states, taking
from mia_audit.probes.subject import Subject
from mia_audit.recipe import Model, Neuron
from mia_audit.training import plan, schedule
from mia_audit.training.material import material
from tests.support.engine_runs import SMALL

SPIKING = Model(architecture="mlp", hidden=(12,), neuron=Neuron(), time_steps=6)
PLAIN = Model(architecture="mlp", hidden=(12,))
LINEAR = Model(architecture="mlp", hidden=())


def subject(model: Model, *, models: int = 3, examples: int = 40, shape: tuple[int, ...] = (5,), classes: int = 3) -> Subject:
    """Return untrained models, loud enough to spike, and examples with labels in turn."""

    def build(steps: int) -> Population:
        generators = [torch.Generator().manual_seed(index) for index in range(models)]
        population = Population(model.model_copy(update={"time_steps": steps}), shape, classes, generators)
        with torch.no_grad():
            for value in population.parameters():
                value.mul_(4)
        return population.eval()

    rng = np.random.default_rng(0)
    inputs = rng.random((examples, *shape)) if len(shape) == 3 else 2 * rng.normal(size=(examples, *shape))
    return Subject(
        respondent=build(model.time_steps),
        model=model,
        inputs=inputs.astype(np.float32),
        labels=np.arange(examples) % classes,
        pool=examples,
        seed=0,
        rebuild=build,
    )


def answers(asked: Subject, inputs: Any = None) -> torch.Tensor:
    """Return logits [K, N, classes] of the examples, or of other inputs."""
    x = torch.from_numpy(asked.inputs) if inputs is None else inputs
    return asked.logits(x, asked.draws("test").encoding(0))


def test_states_add_up_to_what_the_network_says() -> None:
    """The mean membrane is the logits; spikes are membranes above the threshold; hidden spikes are rates times neurons and steps."""
    asked = subject(SPIKING)
    found = states.states(asked)
    np.testing.assert_allclose(found["membranes"].mean(axis=2), answers(asked), atol=1e-5)
    np.testing.assert_array_equal(found["spike-counts"], (found["membranes"] > 1.0).cumsum(axis=2))
    with torch.inference_mode():
        rates = asked.population.observe(torch.from_numpy(asked.inputs)[None, None].expand(3, 1, -1, -1)).rates
    np.testing.assert_allclose(found["layer-spikes"], rates.permute(1, 2, 0) * 12 * 6, atol=1e-4)
    assert found["spike-counts"].max() > 0
    assert found["layer-spikes"].min() < found["layer-spikes"].max()


def test_shorter_and_longer_runs() -> None:
    """The middle run is the network itself; with constant input the short one is the mean of its first membranes."""
    asked = subject(SPIKING)
    swept, membranes = states.time_sweep(asked)["time-sweep"], states.states(asked)["membranes"]
    np.testing.assert_allclose(swept[:, :, 1], answers(asked), atol=1e-5)
    np.testing.assert_allclose(swept[:, :, 0], membranes[:, :, :3].mean(axis=2), atol=1e-5)
    assert not np.allclose(swept[:, :, 2], swept[:, :, 1])


def test_dropping_nothing_is_asking_once() -> None:
    """At rate 0 the log-probabilities are the network's own; at other rates they differ, and averages stay log-probabilities' sums."""
    asked = subject(PLAIN)
    found = disturbed.dropout(asked)["dropout"]
    np.testing.assert_allclose(found[:, :, 0], F.log_softmax(answers(asked), dim=-1), atol=1e-5)
    assert found.shape == (3, 40, len(disturbed.RATES), 3)
    assert not np.allclose(found[:, :, 3], found[:, :, 0])
    assert (np.exp(found).sum(axis=-1) <= 1 + 1e-5).all()  # a geometric mean lies below the arithmetic one


def test_every_model_is_asked_the_same() -> None:
    """Equal models give equal signals, noise and all, and a second asking gives the same again."""
    asked = subject(PLAIN)
    with torch.no_grad():
        for value in asked.population.parameters():
            value.copy_(value[:1].expand_as(value).clone())
    for probe in (disturbed.dropout, disturbed.noise, boundary.boundary, gradients.gradients):
        for name, signal in probe(asked).items():
            np.testing.assert_allclose(signal[1], signal[0], atol=1e-5, err_msg=name)
            np.testing.assert_array_equal(probe(asked)[name], signal)


@pytest.mark.parametrize("encoding", ["direct", "rate"])
def test_a_cohort_of_one_is_asked_what_a_cohort_of_many_is(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws follow the example, not the chunk: signals do not depend on how many are asked at once, nor on copies behind the pool."""
    asked = subject(SPIKING.model_copy(update={"encoding": encoding}), models=1, shape=(4, 4, 1))
    probes = (
        states.states,
        states.time_sweep,
        disturbed.dropout,
        disturbed.noise,
        disturbed.shifts,
        boundary.boundary,
        gradients.gradients,
    )
    whole = [probe(asked) for probe in probes]
    behind = replace(
        asked, inputs=np.concatenate([asked.inputs, asked.inputs[:5]]), labels=np.concatenate([asked.labels, asked.labels[:5]])
    )
    monkeypatch.setattr("mia_audit.probes.subject.CHUNK", 2_000)
    assert len(list(asked.chunks())) > 1
    for probe, before in zip(probes, whole, strict=True):
        for name, signal in probe(behind).items():
            np.testing.assert_allclose(signal[:, :40], before[name], atol=1e-5, err_msg=name)


def test_random_encodings_are_the_same_for_every_model() -> None:
    """Inputs of its own give a model the spikes that the same inputs give all of them."""
    asked = subject(SPIKING.model_copy(update={"encoding": "rate"}), shape=(4, 4, 1))
    x = torch.from_numpy(asked.inputs)
    shared, own = (asked.encoded(given, asked.draws("test").encoding(0)) for given in (x, x.expand(3, *x.shape)))
    assert torch.equal(shared, own)


def test_noise_is_survived_the_less_the_stronger_it_is() -> None:
    """Shares of queries fall with strength for what is right, and faint noise raises the loss of about half of all examples."""
    asked = subject(PLAIN, examples=300)
    asked = replace(asked, labels=answers(asked)[0].argmax(dim=-1).numpy())
    found = disturbed.noise(asked)
    means = found["noise-hits"][0].mean(axis=0)
    assert (np.diff(means) < 0).all()
    assert means[0] > 0.8
    assert found["loss-rises"].shape == (3, 300, 1)
    assert 0.4 < found["loss-rises"].mean() < 0.6
    assert set(np.unique(np.rint(found["loss-rises"] * 10))) <= set(range(11))


def test_shifts_move_pixels() -> None:
    """The ninth in the middle is the image itself; the others are the image rolled by hand, with zeros shifted in."""
    asked = subject(Model(architecture="mlp", hidden=(8,)), shape=(4, 4, 1))
    found = disturbed.shifts(asked)["shift-hits"]
    for number, (down, right) in enumerate(disturbed.SHIFTS):
        moved = np.zeros_like(asked.inputs)
        for y in range(4):
            for x in range(4):
                if 0 <= y - down < 4 and 0 <= x - right < 4:
                    moved[:, y, x] = asked.inputs[:, y - down, x - right]
        right_answers = answers(asked, torch.from_numpy(moved)).argmax(dim=-1).numpy() == asked.labels
        np.testing.assert_array_equal(found[:, :, number], right_answers)


def test_the_walk_ends_near_the_boundary_of_a_linear_model() -> None:
    """With two classes and no hidden layer the distance is |z_0 - z_1| / |w_0 - w_1|: the walk never beats it and comes close."""
    asked = subject(LINEAR, classes=2, examples=200)
    asked = replace(asked, labels=answers(asked)[0].argmax(dim=-1).numpy())
    found = boundary.boundary(asked)["boundary-distance"][..., 0] * asked.spread
    logits = answers(asked).numpy()
    weight = next(value for name, value in asked.population.named_parameters() if value.ndim == 3).detach().numpy()
    truth = np.abs(logits[..., 0] - logits[..., 1]) / np.linalg.norm(weight[:, 0] - weight[:, 1], axis=-1)[:, None]
    wrong = logits.argmax(axis=-1) != asked.labels
    np.testing.assert_array_equal(found[wrong], 0)
    ratio = found[~wrong] / truth[~wrong]
    assert ratio.min() > 0.98
    assert np.median(ratio) < 1.3
    assert np.corrcoef(found[~wrong], truth[~wrong])[0, 1] > 0.9


@pytest.mark.parametrize("model", [SPIKING, PLAIN], ids=["spiking", "plain"])
def test_gradients_are_those_of_one_example_alone(model: Model) -> None:
    """Norms equal autograd's, model by model and example by example, and so do the sizes of gradients by biases."""
    asked = subject(model, examples=6)
    found, features = (gradients.gradients(asked)[name] for name in ("gradient-log-norms", "gradient-log-features"))
    bias, weight = list(asked.population.parameters())[-2:]
    for i, label in enumerate(asked.labels):
        x = torch.from_numpy(asked.inputs[i])[None, None, None].expand(3, 1, 1, -1).clone().requires_grad_()
        losses = F.cross_entropy(asked.population(x)[:, 0], torch.tensor([label] * 3), reduction="none")
        for k in range(3):
            of_x, of_weight, of_bias = torch.autograd.grad(losses[k], [x, weight, bias], retain_graph=True)
            both = (of_weight[k].norm() ** 2 + of_bias[k].norm() ** 2).sqrt()
            np.testing.assert_allclose(np.exp(features[k, i, 3:]), of_bias[k].flatten().abs(), rtol=1e-3, atol=1e-5)
            np.testing.assert_allclose(np.exp(features[k, i, 1]), float(of_bias[k].norm()), rtol=1e-3, atol=1e-5)
            np.testing.assert_allclose(np.exp(found[k, i]), [float(of_x[k].norm()), float(both)], rtol=1e-3, atol=1e-5)


def test_only_what_a_target_has_is_offered() -> None:
    """Tables have no shifts and ANNs no spikes; each signal has one probe."""
    ann, snn = (prepared_recipe(target, "iris") for target in ("ann", "snn"))
    assert {"membranes", "layer-spikes", "time-sweep"} <= names.available(snn) - names.available(ann)
    assert "shift-hits" not in names.available(ann)
    assert "shift-hits" in names.available(prepared_recipe("ann", "digits"))
    signals = [name for probe in names.PROBES for name in probe.signals]
    assert len(signals) == len(set(signals))
    assert [probe.name for probe in names.probes_for(frozenset({"membranes", "loss-rises", "shadows"}))] == ["states", "noise"]


def prepared_recipe(target: str, dataset: str) -> Any:
    """Return the resolved recipe of an audit."""
    from mia_audit.audit.request.options import describe  # noqa: PLC0415

    return describe(target, Options(dataset=dataset))


def test_a_stored_cohort_comes_back_as_it_was_and_is_probed_once(tmp_path: Path) -> None:
    """Revived models give the stored logits to the bit; what was taken is read the second time, and what is damaged taken anew."""
    settings = {**SMALL, "training.checkpoints": [1]}
    options = Options(dataset="iris", shadows=14, settings=settings, store=tmp_path, out=tmp_path, device="cpu", workers=1)
    ready = prepare("snn", options, Silent())
    tasks = plan.tasks(ready.recipe, ready.rows, ready.examples.sha256, "cpu")
    given, told = material(ready.recipe, ready.examples), []
    machine = schedule.Machine(device="cpu", workers=1, progress=told.append)
    trained = schedule.run(tasks, given, ready.store, machine)
    held = reviving.weights(tasks[0], given, ready.store, "cpu")
    revived = reviving.revived(tasks[0], given, held, "cpu")
    np.testing.assert_array_equal(answers(revived).numpy(), trained.cohorts[0]["pool/logits"][:, 0])
    probes, before = names.probes_for(frozenset({"membranes"})), len(told)
    first = taking.take(tasks, probes, given, ready.store, machine)
    assert told[before:] == [1.0]
    again = taking.take(tasks, probes, given, ready.store, machine)
    assert told[before:] == [1.0]
    np.testing.assert_array_equal(again[0]["membranes"], first[0]["membranes"])
    path = ready.store.path(taking.key(tasks[0], probes[0], ready.recipe))
    path.write_bytes(path.read_bytes()[:-5])
    np.testing.assert_array_equal(taking.take(tasks, probes, given, ready.store, machine)[0]["membranes"], first[0]["membranes"])
    bank = gather(trained.cohorts, first)
    seen = evidence(ready, bank, design.TARGET)
    assert {"membranes", "spike-counts", "layer-spikes", "trajectory", "population", "features"} <= seen.offers
    np.testing.assert_array_equal(seen.signals["trajectory"].target[:, -1], seen.target[0])
    np.testing.assert_array_equal(seen.signals["membranes"].shadows[0], first[0]["membranes"][design.FIRST_SHADOW, ready.audited])
    for harm in (lambda weights: weights.unlink(), lambda weights: weights.write_bytes(b"damaged")):
        harm(ready.store.weights_path(tasks[0].key))
        again_held = reviving.weights(tasks[0], given, ready.store, "cpu")  # trained once more, to the bit
        assert set(again_held) == set(held)
        assert all(np.array_equal(again_held[name], value) for name, value in held.items())


class Elsewhere:
    """Somebody who only answers, with what a population answers."""

    def __init__(self, asked: Population) -> None:
        self._asked = asked
        self.models, self.device = asked.models, asked.device

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Return its logits."""
        return self._asked.logits(x)

    def observe(self, x: torch.Tensor) -> Outputs:
        """Show no spikes."""
        return silent(self.logits(x))


def test_who_only_answers_can_be_asked_and_not_opened() -> None:
    """Probes of answers find with it what they find with the networks; those that look inside name what they lack."""
    own = subject(SPIKING, shape=(4, 4, 1))
    other = replace(own, respondent=Elsewhere(own.population))
    for probe in (disturbed.dropout, disturbed.noise, disturbed.shifts):
        for one, two in zip(probe(own).values(), probe(other).values(), strict=True):
            np.testing.assert_array_equal(one, two)
    for within in (states.states, gradients.gradients):
        with pytest.raises(EvidenceError, match="needs the network, got Elsewhere, which only answers; use attacks on answers"):
            within(other)
