"""Probes of saturated networks: losses and gradients of exp(-phi), against 60 digits."""

from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import torch
from scipy.stats import rankdata

from mia_audit.attacks.gradients import GRADIENT_NORM
from mia_audit.attacks.inverse_hessian import INVERSE_HESSIAN
from mia_audit.attacks.merlin import MERLIN
from mia_audit.probes import curvature, disturbed, gradients
from mia_audit.probes.losses import log_loss, log_missing, phi, pull
from mia_audit.probes.subject import Subject
from mia_audit.types import Evidence, Floats, Signal
from tests.support import exact
from tests.test_probes import LINEAR, PLAIN, SPIKING, answers, subject
from tests.test_probes_curvature import RECIPE

ONE = 1
"""The model that is looked at."""


def sure(asked: Subject, times: float = 30.0) -> Subject:
    """Return the subject with its last layer, and so its logits, times a number."""
    with torch.no_grad():
        for value in list(asked.population.parameters())[-2:]:
            value.mul_(times)
    return asked


def seen(asked: Subject, **signals: Floats) -> Evidence:
    """Return evidence of one model and its signals, without shadow models."""
    logits = answers(asked).numpy()[[ONE]]
    return Evidence(
        target=logits,
        shadows=np.zeros((0, *logits.shape)),
        trained_on=np.zeros((0, len(asked.labels)), dtype=np.bool_),
        labels=asked.labels,
        signals={name: Signal(target=value[ONE], shadows=np.zeros((0, *value.shape[1:]))) for name, value in signals.items()},
    )


def test_losses_are_exact() -> None:
    """phi, log loss, log(1 - p) and the pull, from logits up to 1,000 apart."""
    rng = np.random.default_rng(0)
    logits, labels = (300 * rng.normal(size=(1, 40, 4))).astype(np.float32), rng.integers(0, 4, 40)
    with localcontext() as context:
        context.prec = exact.DIGITS
        told = exact.each(logits, labels, lambda p, y: (-exact.log_of(p, y)).ln())[0]
        missing = exact.each(logits, labels, exact.log_without)[0]
        every = [(exact.probabilities(z), int(y)) for z, y in zip(logits[0], labels, strict=True)]
        shares = [[-1.0 if i == y else float(q / exact.rest(p, y)) for i, q in enumerate(p)] for p, y in every]
    confidence = phi(torch.from_numpy(logits), torch.from_numpy(labels))
    np.testing.assert_allclose(confidence[0], exact.exact_phi(logits, labels)[0], rtol=1e-12)
    np.testing.assert_allclose(log_loss(confidence)[0], np.array(told, dtype=float), rtol=1e-12)
    np.testing.assert_allclose(log_missing(confidence)[0], np.array(missing, dtype=float), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(pull(torch.from_numpy(logits), torch.from_numpy(labels))[0], shares, rtol=1e-10, atol=1e-300)


def test_gradients_of_a_linear_model_rank_as_its_formula() -> None:
    """|p - y| sqrt(|x|^2 + 1), in 60 digits: rank for rank, no ties, and the log to five digits."""
    asked = sure(subject(LINEAR, examples=60), 60.0)
    found = gradients.gradients(asked)["gradient-log-norms"]
    logits = answers(asked).numpy()[ONE]
    logs = []
    with localcontext() as context:
        context.prec = exact.DIGITS
        for z, x, label in zip(logits, asked.inputs, asked.labels, strict=True):
            p = exact.probabilities(z)
            square = exact.rest(p, int(label)) ** 2 + sum((q**2 for i, q in enumerate(p) if i != label), start=Decimal(0))
            logs.append(float(((square * (sum((Decimal(float(v)) ** 2 for v in x), start=Decimal(0)) + 1)).sqrt()).ln()))
    np.testing.assert_allclose(found[ONE, :, 1], logs, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(rankdata(GRADIENT_NORM.score(seen(asked, **{"gradient-log-norms": found}))), rankdata(-np.array(logs)))
    assert min(logs) < np.log(1e-38)
    assert len(set(logs)) == 60


def test_gradients_of_sure_networks_differ() -> None:
    """Hidden layers and spikes too: norms are apart where float32's cross-entropy has none, and fall with phi at the last layer."""
    for model in (PLAIN, SPIKING):
        asked = sure(subject(model, examples=60), 100.0)
        found = gradients.gradients(asked)
        certain = phi(answers(asked), torch.from_numpy(asked.labels)).numpy()
        vanished = certain > 100
        assert vanished.sum() > 20
        own = found["gradient-log-features"][:, 1::3, 4][vanished[:, 1::3]]  # by the bias of class 1, of which these examples are
        assert np.ptp(own + certain[:, 1::3][vanished[:, 1::3]]) < 1e-3  # log of a weight that readouts over time give to all alike
        assert len(np.unique(found["gradient-log-norms"][..., 1][vanished])) == len(np.unique(certain[vanished]))


def test_a_loss_that_rounds_to_nothing_still_rises() -> None:
    """Merlin's share is that of phi falling, whatever the scale of the logits."""
    asked = subject(LINEAR, examples=60)
    small = disturbed.noise(asked)["loss-rises"]
    large = disturbed.noise(sure(asked, 2.0**10))["loss-rises"]
    assert (large > 0).mean() > 0.9
    assert np.abs(large - small).mean() < 0.05
    certain = phi(answers(asked), torch.from_numpy(asked.labels)).numpy()
    assert small.squeeze(-1)[certain > 800].mean() > 0.3
    np.testing.assert_array_equal(MERLIN.score(seen(asked, **{"loss-rises": large})), large[ONE, :, 0].astype(float))


def test_terms_of_a_saturated_linear_model_are_exact() -> None:
    """Loss, square and product of the inverse-Hessian attack from a Hessian in 60 digits, and the score's ranks."""
    asked = sure(subject(LINEAR, examples=20, shape=(2,)), 12.0)
    found = curvature.curvature(asked, RECIPE)["curvature"][ONE].astype(float)
    terms = _exactly(answers(asked).numpy()[ONE], asked)
    with localcontext() as context:
        context.prec = exact.DIGITS
        logs = np.array([[float(abs(value).ln()) for value in row] for row in terms])
        odds = [a - b - c for a, b, c in terms]
    np.testing.assert_allclose(found[:, :3], logs, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(found[:, 3], [1.0 if row[2] > 0 else -1.0 for row in terms])
    places = {value: place for place, value in enumerate(sorted(odds))}
    score = INVERSE_HESSIAN.score(seen(asked, curvature=np.stack([found] * 3)))
    np.testing.assert_array_equal(rankdata(score) - 1, [places[value] for value in odds])
    assert logs.min() < -50


def _exactly(logits: Floats, asked: Subject) -> list[list[Decimal]]:
    """Return I1, I2 and I3 of every example of a linear model, by Gauss's elimination."""
    with localcontext() as context:
        context.prec = exact.DIGITS
        rows = [[*(Decimal(float(v)) for v in x), Decimal(1)] for x in asked.inputs]
        every = [exact.probabilities(z) for z in logits]
        gradients_ = [
            [(q if i != y else -exact.rest(p, i)) * v for i, q in enumerate(p) for v in x]
            for p, x, y in zip(every, rows, map(int, asked.labels), strict=True)
        ]
        size, n = len(gradients_[0]), len(rows)
        h = [[Decimal(0)] * size for _ in range(size)]
        for p, x in zip(every, rows, strict=True):
            moves = [(c, v) for c in range(len(p)) for v in x]
            for a, (c, v) in enumerate(moves):
                for b, (d, w) in enumerate(moves):
                    h[a][b] += (p[c] * exact.rest(p, c) if c == d else -p[c] * p[d]) * v * w / n
        ridge = Decimal(curvature.RIDGE) * sum((h[a][a] for a in range(size)), start=Decimal(0)) / size
        for a in range(size):
            h[a][a] += ridge
        solved = _solved(h, gradients_)
        total = [sum(column, start=Decimal(0)) for column in zip(*solved, strict=True)]
        found = []
        for p, y, own in zip(every, map(int, asked.labels), solved, strict=True):
            others = sum(((t - o) * o for t, o in zip(total, own, strict=True)), start=Decimal(0)) / (n - 1)
            square = sum((o * o for o in own), start=Decimal(0))
            rate = Decimal(RECIPE.training.learning_rate or 0)
            found.append([-exact.log_of(p, y), square / (Decimal(RECIPE.data.member_fraction) * n * rate), 2 * others / rate])
        return found


def _solved(h: list[list[Decimal]], right: list[list[Decimal]]) -> list[list[Decimal]]:
    """Return H^-1 times each of the right sides."""
    table = [row[:] + [each[a] for each in right] for a, row in enumerate(h)]
    size = len(h)
    for a in range(size):
        pivot = max(range(a, size), key=lambda b: abs(table[b][a]))
        table[a], table[pivot] = table[pivot], table[a]
        table[a] = [value / table[a][a] for value in table[a]]
        for b in range(size):
            if b != a and table[b][a]:
                table[b] = [value - table[b][a] * own for value, own in zip(table[b], table[a], strict=True)]
    return [[table[a][size + place] for a in range(size)] for place in range(len(right))]


def test_probes_that_do_not_look_at_losses_keep_their_answers() -> None:
    """Labels survive noise and shifts alike however large the logits, and log-probabilities give back phi."""
    asked = subject(LINEAR, examples=30)
    before = disturbed.noise(asked)["noise-hits"]
    dropped = disturbed.dropout(replace(sure(asked, 2.0**6)))["dropout"]
    np.testing.assert_array_equal(disturbed.noise(asked)["noise-hits"], before)
    labels = torch.from_numpy(asked.labels)
    given = phi(torch.from_numpy(dropped[:, :, 0]), labels)
    np.testing.assert_allclose(given, phi(answers(asked), labels), rtol=1e-5, atol=1e-3)
