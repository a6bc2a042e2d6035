"""Dealing a data set out: pool, population, calibration and test set, no example twice.

One shuffle decides. The pool is its beginning, the population follows, then what calibrates quantizers after training; the
test set comes from the official test split or, where there is none, from the far end, so that a larger population moves
neither the pool nor the test set.
"""

from dataclasses import dataclass

import numpy as np

from mia_audit.data.source import Source, Split
from mia_audit.errors import DataError
from mia_audit.recipe import Recipe, filled
from mia_audit.streams import stream
from mia_audit.types import Ints


@dataclass(frozen=True, kw_only=True)
class Deal:
    """The parts, as stored; nothing calibrates where nothing is quantized after training.

    positions  of the pool's examples in the data set's training part, [N]
    repeated   how many of the test set's examples stand in the training part too, as stored
    """

    positions: Ints
    pool: Split
    population: Split
    calibration: Split
    test: Split
    repeated: int


def deal(source: Source, recipe: Recipe) -> Deal:
    """Deal a data set out as a resolved recipe asks; DataError when it is too small or the pool misses a class."""
    pool, population, test = _sizes(recipe)
    name, seed = recipe.data.dataset, recipe.training.seed
    within = source.train.labels.size - (test if source.test is None else 0)
    calibration = _calibration(recipe)
    if pool + population + calibration > within:
        raise DataError(_too_small(name, source, recipe))
    order = stream(seed, "deal").permutation(source.train.labels.size)
    apart = order[pool + population : pool + population + calibration]
    require_apart(order[:pool], apart)
    dealt = _take(source.train, order[:pool])
    _require_every_class(source, name, dealt)
    tested = _take(source.train, order[within:]) if source.test is None else _official(source.test, name, test, seed)
    return Deal(
        positions=order[:pool],
        pool=dealt,
        population=_take(source.train, order[pool : pool + population]),
        calibration=_take(source.train, apart),
        test=tested,
        repeated=_repeated(tested, source.train, order[:within]),
    )


def _repeated(test: Split, train: Split, rows: Ints) -> int:
    """Count the examples of the test set that equal one of these rows of the training part."""
    tested = [each.tobytes() for each in test.inputs]
    sought = set(tested)
    found = {content for row in rows.tolist() if (content := train.inputs[row].tobytes()) in sought}
    return sum(content in found for content in tested)


def require_apart(pool: Ints, calibration: Ints) -> None:
    """Refuse calibration examples (positions) that lie in the membership pool: their quantizers would know members."""
    shared = np.intersect1d(pool, calibration)
    if shared.size:
        raise DataError(
            f"calibration needs examples outside the membership pool, got {shared.size} of {len(calibration)} inside it; "
            f"deal them from what the pool leaves over"
        )


def _calibration(recipe: Recipe) -> int:
    """Return how many examples calibrate quantizers."""
    quantization = recipe.model.quantization
    return filled(quantization.calibration) if recipe.quantized_later else 0


def _sizes(recipe: Recipe) -> tuple[int, int, int]:
    return filled(recipe.data.pool), filled(recipe.data.population), filled(recipe.data.test)


def _official(split: Split, name: str, test: int, seed: int) -> Split:
    if test > split.labels.size:
        raise DataError(
            f"{name}: the test set needs at most the {split.labels.size} examples of the official test split, got {test}; "
            f"use --set data.test={split.labels.size}"
        )
    return _take(split, stream(seed, "deal", 1).permutation(split.labels.size)[:test])


def _take(split: Split, rows: np.ndarray) -> Split:
    return Split(inputs=split.inputs[rows], labels=split.labels[rows])


def _too_small(name: str, source: Source, recipe: Recipe) -> str:
    pool, population, test = _sizes(recipe)
    parts, rest = f"a pool of {pool} and a population of {population}", population
    if source.test is None:
        parts, rest = f"a pool of {pool}, a population of {population} and a test set of {test}", population + test
    if calibration := _calibration(recipe):
        parts, rest = f"{calibration} calibration examples, {parts}", rest + calibration
    examples = source.train.labels.size
    fits = examples - rest
    way_out = f"--set data.pool={fits}" if fits > 0 else "a smaller --set data.population=... or --set data.test=..."
    return f"{name}: {parts} need {pool + rest} examples, the data set has {examples}; use {way_out}"


def _require_every_class(source: Source, name: str, pool: Split) -> None:
    present = set(pool.labels.tolist())
    absent = [label for number, label in enumerate(source.class_names) if number not in present]
    if absent:
        stored = set(source.train.labels.tolist())
        never = [label for number, label in enumerate(source.class_names) if number not in stored]
        holder, way_out = f"pool of {pool.labels.size}", "use a larger --set data.pool=..."
        if never:
            absent, holder = never, f"whole training part of {source.train.labels.size}"
            way_out = "these are not all of the data set's examples, or its labels are other ones"
        names = f"{', '.join(absent[:3])}{' ...' if len(absent) > 3 else ''}"
        raise DataError(f"{name}: a pool needs an example of every class, the {holder} has none of {names}; {way_out}")
