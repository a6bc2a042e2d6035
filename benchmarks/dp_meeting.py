"""Every instrument meets an engine: one step replayed, its sampler, one training with many canaries, many trainings with one."""

import itertools
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.dp_harness import Data, Engine, Network, Setting, Where
from mia_audit.instruments import one_run, sampler, step, trainings
from mia_audit.instruments.family import Family
from mia_audit.instruments.verdict import Finding, Reach
from mia_audit.statistics import likelihood
from mia_audit.types import Bools, Floats

LEVEL = 0.01
MODELS = 8
NARROW = Setting()
WIDE = Setting(batch=50, pool=2_000, steps=200, features=64, hidden=16)
LOUD = 10.0
"""Norm of a canary's gradient, in clipping norms."""


BLIND = Reach(
    instrument="many trainings, last model only",
    access="black box: the last model's loss",
    needs="as many trainings",
    factor=None,
    told="what it can see is in the row of forgotten noise",
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured: replays a side, steps of a sampler, canaries of one run, trainings a side."""

    replays: int = 10_000
    steps: int = 400
    canaries: int = 1_000
    trainings: int = 1_000


@cache
def family(setting: Setting) -> Family:
    """Return the claim of a setting; its curves are computed once."""
    return Family(claim=setting.claim())


def _dirac(setting: Setting, place: int, *, spread: bool = False, sign: float = 1.0) -> Floats:
    """Return a canary's gradient [time, parameters]: one coordinate, in the first step or in all of them."""
    gradient = np.zeros((setting.time_steps, setting.parameters))
    gradient[:, place] = sign * LOUD * setting.clip / setting.time_steps if spread else 0.0
    if not spread:
        gradient[0, place] = sign * LOUD * setting.clip
    return gradient


def steps_of(engine: Engine, seed: int, size: Size) -> Finding:
    """Replay a step with a canary in every tensor, one over all of time, and two against a batch that pulls the other way."""
    setting = NARROW
    data = Data.drawn(setting, setting.batch // 2, seed)
    batch = Network.begun(setting, seed).gradients(data.inputs, data.labels)
    ends = np.cumsum((0, *setting.tensors))
    rng = np.random.default_rng([seed, 4])
    places = [int(rng.integers(low, high)) for low, high in itertools.pairwise(ends)]
    cases = {f"tensor {number}": (batch, _dirac(setting, place)) for number, place in enumerate(places)}
    cases["over all of time"] = (batch, _dirac(setting, places[0], spread=True))
    company = np.stack([_dirac(setting, places[0])] * (setting.batch // 2))
    cases["against its batch"] = (company, _dirac(setting, places[0], sign=-1.0))
    cases["outweighs its batch"] = (company[:1] / 5, _dirac(setting, places[0], sign=-1.0))
    found = [
        step.replayed(
            _step(engine, setting, rows, canary, seed + number),
            size.replays,
            rng,
            name=name,
            known=canary.sum(axis=0),
            unit=setting.clip / setting.batch,
            tensors=setting.tensors,
        )
        for number, (name, (rows, canary)) in enumerate(cases.items())
    ]
    return step.judged(found, setting.claim(), LEVEL)


def _step(engine: Engine, setting: Setting, rows: Floats, canary: Floats, seed: int) -> step.Step:
    having = np.concatenate([canary[None], rows])

    def once(canary: bool, replay: int) -> Floats:
        where = Where(seed=seed, model=replay % MODELS, step=replay // MODELS)
        return engine.step(having if canary else rows, setting, where)

    return once


def sampler_of(engine: Engine, seed: int, size: Size) -> Finding:
    """Look at who was in which step, for models whose members were drawn by coins."""
    setting = NARROW
    matrices = []
    for model in range(MODELS):
        members = np.flatnonzero(np.random.default_rng([seed, model, 5]).random(setting.pool) < setting.fraction)
        matrix = np.zeros((size.steps, setting.pool), dtype=bool)
        for number in range(size.steps):
            matrix[number, engine.rows(setting, members, Where(seed=seed, model=model, step=number))] = True
        matrices.append(matrix[:, members])
    return sampler.judged_each(matrices, setting.claim(), LEVEL)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the observer of a training saw: every release times the divisor, minus what is no canary, in clipping norms."""

    z: Floats
    network: Network


def trained(engine: Engine, setting: Setting, data: Data, canaries: Floats, present: Bools, where: Where) -> Observed:  # noqa: PLR0913, PLR0917
    """Train on data and the canaries that are present; canaries' gradients are [canaries, time, parameters].

    Returns z [steps, canaries]. Data are members by coins; canaries stand behind them in the pool.
    """
    network = Network.begun(setting, where.seed)
    examples = data.labels.size
    coins = np.random.default_rng([where.seed, where.model, 5]).random(examples) < setting.fraction
    members = np.flatnonzero(np.concatenate([coins, present]))
    places = np.abs(canaries).sum(axis=1).argmax(axis=1)
    signs = np.sign(np.take_along_axis(canaries.sum(axis=1), places[:, None], axis=1)[:, 0])
    z = np.zeros((setting.steps, len(canaries)))
    for number in range(setting.steps):
        rows = engine.rows(setting, members, Where(seed=where.seed, model=where.model, step=number))
        own, put = rows[rows < examples], rows[rows >= examples] - examples
        gradients = network.gradients(data.inputs[own], data.labels[own])
        update = engine.step(np.concatenate([canaries[put], gradients]), setting, Where(seed=where.seed, model=where.model, step=number))
        known = SOUND.clipped(gradients, setting).sum(axis=0) if own.size else np.zeros(setting.parameters)
        z[number] = signs * (update * setting.batch - known)[places] / setting.clip
        network.flat = network.flat - setting.rate_of_learning * update
    return Observed(z=z, network=network)


SOUND = Engine()


@cache
def design(canaries: int) -> tuple[one_run.Design, Reach]:
    """Return the one-run test that was fixed before any training, and what it can see."""
    fixed = one_run.designed(family(WIDE), canaries, LEVEL)
    return fixed, one_run.reach(fixed)


def one_run_of(engine: Engine, seed: int, size: Size) -> tuple[Finding, Floats, Bools]:
    """Train once with canaries by coin, one a coordinate."""
    setting = WIDE
    rng = np.random.default_rng([seed, 6])
    places = rng.permutation(setting.parameters)[: size.canaries]
    canaries = np.stack([_dirac(setting, int(place)) for place in places])
    coins = rng.random(size.canaries) < 0.5
    data = Data.drawn(setting, setting.pool - size.canaries, seed)
    seen = trained(engine, setting, data, canaries, coins, Where(seed=seed, model=0, step=0))
    return one_run.judged(seen.z, coins, *design(size.canaries)), seen.z, coins


def trainings_of(engine: Engine, seed: int, size: Size) -> tuple[Finding, Finding]:
    """Train many times with and without a canary: by the likelihood ratio of all releases, and by the last model's loss alone.

    The second canary is an example with a wrong label; its coin is its own.
    """
    setting, count = NARROW, 2 * size.trainings
    rng = np.random.default_rng([seed, 7])
    data = Data.drawn(setting, setting.pool - 1, seed)
    wrong = Data(inputs=data.inputs[:1], labels=(data.labels[:1] + 1) % setting.classes)
    canary = _dirac(setting, int(rng.integers(setting.tensors[0])))[None]
    coins, others = rng.random(count) < 0.5, rng.random(count) < 0.5
    score, loss = np.zeros(count), np.zeros(count)
    for model in range(count):
        mine = (
            Data(inputs=np.concatenate([data.inputs, wrong.inputs]), labels=np.concatenate([data.labels, wrong.labels]))
            if others[model]
            else data
        )
        seen = trained(engine, setting, mine, canary, coins[model : model + 1], Where(seed=seed, model=model, step=0))
        score[model] = likelihood.log_ratio(seen.z, setting.sigma, setting.rate)[0]
        loss[model] = -seen.network.loss(wrong.inputs, wrong.labels)[0]
    claim = family(setting)
    return (
        trainings.judged(score[coins], score[~coins], claim, LEVEL),
        trainings.judged(loss[others], loss[~others], claim, LEVEL, BLIND),
    )
