"""The inverse-Hessian attack's terms equal those of autograd's Hessian of the last layer, built example by example."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812

from mia_audit.audit.request.options import Options, describe
from mia_audit.data.profiles import profiles
from mia_audit.models.network import Population
from mia_audit.probes import curvature, gradients, names
from mia_audit.probes.subject import Subject
from mia_audit.recipe import Data, Model, Neuron, Recipe, Training
from mia_audit.types import Floats
from tests.test_probes import PLAIN, SPIKING, subject

RATE, MEMBERS = 0.01, 5


def terms_of(asked: Subject, recipe: Recipe) -> Floats:
    """Return I1, I2 and I3 themselves, [K, N, 3]."""
    found = curvature.curvature(asked, recipe)["curvature"].astype(np.float64)
    terms: Floats = np.exp(found[..., :3]) * np.stack([*np.ones((2, *found.shape[:2])), found[..., 3]], axis=-1)
    return terms


RECIPE = Recipe(name="test", summary="test", training=Training(learning_rate=RATE), data=Data(member_fraction=0.25))
MODELS = {
    "plain": PLAIN,
    "spiking": SPIKING,
    "zero": SPIKING.model_copy(update={"neuron": Neuron(reset="zero"), "readout": "membrane-last"}),
}


def by_autograd(asked: Subject, k: int, *, whole: bool) -> Floats:
    """Return loss, |H^-1 g|^2 and (H^-1 grad L0) (H^-1 g) of one model, [N, 3], one logit and one example at a time.

    whole: take the Hessian from torch itself, of a network of one hidden layer written out in torch's own operations.
    """
    bias, weight = [name for name, _ in asked.population.named_parameters()][-2:]
    held = {name: value.detach() for name, value in asked.population.named_parameters()}
    start, classes = torch.cat([held[weight][k].flatten(), held[bias][k]]), held[bias].shape[1]
    fed = torch.from_numpy(asked.inputs)[None, None].expand(asked.models, 1, -1, -1)
    labels = torch.from_numpy(asked.labels)

    def logits(flat: torch.Tensor) -> torch.Tensor:
        w, b = held[weight].clone(), held[bias].clone()
        w[k], b[k] = flat[:-classes].view(w.shape[1:]), flat[-classes:]
        answers: torch.Tensor = functional_call(asked.population, {weight: w, bias: b}, (fed,))[k]
        return answers

    def loss(flat: torch.Tensor) -> torch.Tensor:
        first_bias, first = list(held.values())[:2]
        hidden = (torch.from_numpy(asked.inputs) @ first[k].T + first_bias[k]).relu().double()
        return F.cross_entropy(hidden @ flat[:-classes].view(classes, -1).T + flat[-classes:], labels)

    moves = torch.autograd.functional.jacobian(logits, start).double()
    answers = logits(start).detach().double()
    p, losses = answers.softmax(dim=1), F.cross_entropy(answers, labels, reduction="none")
    h = torch.zeros(len(start), len(start), dtype=torch.float64)
    for j, q in zip(moves, p, strict=True):
        h += j.T @ (torch.diag(q) - torch.outer(q, q)) @ j / len(labels)
    if whole:
        h = torch.as_tensor(torch.autograd.functional.hessian(loss, start.double()))
    h = h + curvature.RIDGE * h.diagonal().mean() * torch.eye(len(h))
    g = torch.einsum("ncp,nc->np", moves, p - F.one_hot(labels))
    rows = []
    for i, own in enumerate(g):
        others = torch.cat([g[:i], g[i + 1 :]]).mean(dim=0)
        seen = torch.linalg.solve(h, own)
        rows.append([float(losses[i]), float(seen @ seen), float(torch.linalg.solve(h, others) @ seen)])
    return np.array(rows)


@pytest.mark.parametrize("name", MODELS)
def test_terms_are_those_of_the_whole_hessian(name: str) -> None:
    """Loss, square over n and rate, and twice the product over the rate, leaving the example itself out of L0."""
    asked = subject(MODELS[name], examples=MEMBERS * 4)
    found = terms_of(asked, RECIPE)
    for k in range(asked.models):
        loss, square, product = by_autograd(asked, k, whole=name == "plain").T
        np.testing.assert_allclose(found[k, :, 0], loss, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found[k, :, 1], square / MEMBERS / RATE, rtol=2e-3, atol=1e-3)
        np.testing.assert_allclose(found[k, :, 2], 2 * product / RATE, rtol=2e-3, atol=2e-3 * np.abs(product / RATE).max())


def test_momentum_shrinks_the_loss_alone() -> None:
    """Under SGD with momentum I1 is divided by 1 + momentum; Adam's momentum is no such thing."""
    asked = subject(PLAIN)
    plain = terms_of(asked, RECIPE)
    sgd = RECIPE.model_copy(update={"training": Training(learning_rate=RATE, optimizer="sgd", momentum=0.5)})
    found = terms_of(asked, sgd)
    np.testing.assert_allclose(found[..., 0], plain[..., 0] / 1.5, rtol=1e-6)
    np.testing.assert_array_equal(found[..., 1:], plain[..., 1:])


def test_neither_order_nor_chunks_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Permuted examples give permuted terms; small chunks give those of large ones."""
    asked = subject(SPIKING)
    whole = terms_of(asked, RECIPE)
    order = np.random.default_rng(0).permutation(len(asked.labels))
    turned = replace(asked, inputs=asked.inputs[order], labels=asked.labels[order])
    np.testing.assert_allclose(terms_of(turned, RECIPE), whole[:, order], rtol=1e-4, atol=1e-4)
    monkeypatch.setattr("mia_audit.probes.subject.CHUNK", 600)
    np.testing.assert_allclose(terms_of(asked, RECIPE), whole, rtol=1e-4, atol=1e-4)


def test_a_saturated_model_stays_finite() -> None:
    """Where every probability is 0 or 1 there is no curvature, and the terms are numbers still."""
    asked = subject(PLAIN)
    with torch.no_grad():
        for value in asked.population.parameters():
            value.mul_(1e4)
    assert np.isfinite(curvature.curvature(asked, RECIPE)["curvature"]).all()


def test_frames_of_an_ann_are_averaged() -> None:
    """An ANN on events answers the mean over frames: gradient norms equal autograd's there too."""
    model = Model(architecture="mlp", hidden=(8,), encoding="events", time_steps=4)
    asked = subject(model, examples=6, shape=(5,))
    frames = np.random.default_rng(0).random((6, 4, 3, 3, 1)).astype(np.float32)
    population = Population(model, (3, 3, 1), 3, [torch.Generator().manual_seed(index) for index in range(3)]).eval()
    asked = replace(asked, inputs=frames, respondent=population)
    found = np.exp(gradients.gradients(asked)["gradient-log-norms"])
    weight, bias = list(population.parameters())[-2:]
    for i, label in enumerate(asked.labels):
        fed = asked.encoded(torch.from_numpy(frames[[i]]), asked.draws("test").encoding(0))
        losses = F.cross_entropy(population(fed)[:, 0], torch.tensor([label] * 3), reduction="none")
        for k in range(3):
            of_weight, of_bias = torch.autograd.grad(losses[k], [weight, bias], retain_graph=True)
            assert found[k, i, 1] == pytest.approx(math.hypot(float(of_weight[k].norm()), float(of_bias[k].norm())), rel=1e-4)
    assert np.isfinite(curvature.curvature(asked, RECIPE)["curvature"]).all()


@pytest.mark.parametrize("dataset", [known.name for known in profiles()])
def test_only_small_last_layers_are_inverted(dataset: str) -> None:
    """Counted as the built network counts; a wide last layer has no such signal."""
    recipe = describe("snn-nmnist" if dataset == "nmnist-small" else "ann", Options(dataset=dataset))
    assert ("curvature" in names.available(recipe)) == (names.last_parameters(recipe) <= names.MOST_PARAMETERS)
    if dataset in {"iris", "digits"}:
        shape = (4,) if dataset == "iris" else (8, 8, 1)
        population = Population(recipe.model, shape, 3 if dataset == "iris" else 10, [torch.Generator()])
        assert names.last_parameters(recipe) == sum(value[0].numel() for value in list(population.parameters())[-2:])
        assert "curvature" in names.available(recipe)
    if dataset == "location30":
        assert "curvature" not in names.available(recipe)
