"""What privacy costs a training step: CPU seconds and peak memory of `dp-snn` and `dp-ann`, private against plain, and against Opacus.

    python -m benchmarks.private [--models 1 8] [--steps 6]

Each measurement is a process of its own, one thread, on random images as sparse as digits are; the first step, which compiles, is not
counted. Plain is the same network, batch size and optimizer, members shuffled. Opacus steps through the same network in PyTorch, spiking
step by step with snnTorch (`private_peer.py`), on a full batch of the same images. Rows go to standard output.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.setting import one_thread
from benchmarks.table import HEADER, Row, show
from mia_audit.audit.request.options import Options, describe
from mia_audit.data.profiles import profile
from mia_audit.machine import peak_bytes
from mia_audit.recipe import Recipe, filled
from mia_audit.training.feeding import Feed, feed
from mia_audit.training.lockstep import Pool, build
from mia_audit.training.procedure import Procedure, procedure

POOL = 4_000
TIME_BAR, MEMORY_BAR = 1.35, 1.25
PEER_BAR = {"dp-snn": "at least 4", "dp-ann": "-"}


def main() -> None:
    """Measure everything, or, as a child, one case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, nargs="*", default=[1, 8])
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--case", nargs=2, default=None, help="target, and plain, private or peer: measure it in this process")
    asked = parser.parse_args()
    if asked.case is not None:
        one_thread()
        target, kind = asked.case
        print(json.dumps(measured(target, kind, asked.models[0], asked.steps)))
        return
    print(HEADER)
    for target in ("dp-snn", "dp-ann"):
        for models in asked.models:
            show(*_rows(target, models, asked.steps))


def _rows(target: str, models: int, steps: int) -> Iterator[Row]:
    plain, private, peer = (_measured_apart(target, kind, models, steps) for kind in ("plain", "private", "peer"))
    for name, unit, bar in (("seconds", "ms", TIME_BAR), ("bytes", "MiB", MEMORY_BAR)):
        scale = 1e3 / models if name == "seconds" else 1 / 2**20
        yield Row(
            what=f"{target}, {models} model{'s' * (models > 1)}, {'a step of one' if name == 'seconds' else 'memory that steps add'}",
            ours=f"{private[name] * scale:.0f} {unit}",
            against=f"{plain[name] * scale:.0f} {unit} without privacy",
            ratio=f"{private[name] / plain[name]:.2f}",
            bar=f"at most {bar}",
            how=f"batch 250, median of {steps} steps" if name == "seconds" else "peak less the peak before the first step",
        )
    yield Row(
        what=f"{target}, {models} model{'s' * (models > 1)}, a step of one against libraries",
        ours=f"{private['seconds'] * 1e3 / models:.0f} ms",
        against=f"{peer['seconds'] * 1e3:.0f} ms by Opacus{' and snnTorch' * (target == 'dp-snn')}",
        ratio=f"{peer['seconds'] * models / private['seconds']:.1f} x",
        bar=PEER_BAR[target],
        how=f"batch 250, one model at a time there, median of {steps} steps",
    )


def _measured_apart(target: str, kind: str, models: int, steps: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.private", "--models", str(models), "--steps", str(steps), "--case", target, kind]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
    return found


def measured(target: str, kind: str, models: int, steps: int) -> dict[str, float]:
    """Return the median CPU seconds of a step of all models, and the bytes that steps add to the process's peak."""
    recipe = describe(target, Options(settings={"data.pool": POOL}))
    if kind == "peer":
        return {"seconds": _peer_seconds(recipe, steps), "bytes": 0.0}
    recipe = recipe if kind == "private" else recipe.model_copy(update={"privacy": None})
    way, given = _way(recipe, models)
    before, seconds = peak_bytes(), list[float]()
    dealt = (batch for epoch in way.sampler.epochs(steps) for batch in epoch)
    for number, batch in zip(range(steps + 1), dealt, strict=False):
        start = time.process_time()
        way.step.take(*given.batch(batch, number))
        seconds.append(time.process_time() - start)
    return {"seconds": float(np.median(seconds[1:])), "bytes": float(peak_bytes() - before)}


def _peer_seconds(recipe: Recipe, steps: int) -> float:
    """Return the median CPU seconds of a step by the libraries."""
    from benchmarks.private_peer import Peer  # noqa: PLC0415  its libraries' import is nobody else's

    peer, pool, batch, seconds = Peer(recipe), _pool(recipe), filled(recipe.training.batch_size), list[float]()
    for number in range(steps + 1):
        rows = slice(number * batch, (number + 1) * batch)
        start = time.process_time()
        peer.take(pool.inputs[rows], pool.labels[rows])
        seconds.append(time.process_time() - start)
    return float(np.median(seconds[1:]))


def _pool(recipe: Recipe) -> Pool:
    """Return random images, a fifth of whose places are not black."""
    rng, suits = np.random.default_rng(0), profile(recipe.data.dataset)
    images = rng.random((POOL, *suits.channels_last), dtype=np.float32) * (rng.random((POOL, *suits.channels_last)) < 0.2)
    return Pool(inputs=images.astype(np.float32), labels=rng.integers(0, suits.classes, POOL), classes=suits.classes)


def _way(recipe: Recipe, models: int) -> tuple[Procedure, Feed]:
    """Return how a cohort is trained, and what it is fed."""
    rng, indices, pool = np.random.default_rng(1), tuple(range(models)), _pool(recipe)
    way = procedure(recipe, indices, rng.random((models, POOL)) < 0.5, build(recipe, indices, pool).train())
    way.step.begin(0)
    return way, feed(recipe, indices, torch.from_numpy(pool.inputs), torch.from_numpy(pool.labels))


if __name__ == "__main__":
    main()
