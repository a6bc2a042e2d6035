"""Bundled data sets, and how any data set is dealt."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.preprocessing import StandardScaler

from mia_audit.data.deal import deal
from mia_audit.data.examples import Examples, default_root, load
from mia_audit.data.profiles import profiles, resolve
from mia_audit.data.source import Source, Split
from mia_audit.errors import CatalogueError, DataError
from mia_audit.recipe import Data, Recipe, Training

BUNDLED = [known.name for known in profiles() if known.source == "bundled"]


def asked(dataset: str, *, seed: int = 0, **sizes: int) -> Recipe:
    """Return a resolved recipe."""
    data = Data(dataset=dataset, **sizes)  # pyright: ignore[reportArgumentType]
    return resolve(Recipe(name="t", summary="", data=data, training=Training(seed=seed)))


def bundled(dataset: str, *, seed: int = 0, **sizes: int) -> Examples:
    """Return bundled examples, which need no folder."""
    return load(asked(dataset, seed=seed, **sizes), root=None, offline=True, progress=print)


def numbered(examples: int, *, official_test: int | None = None, classes: int = 2) -> Source:
    """Return a table whose example i has the one feature i, so that a deal can be read off."""

    def split(first: int, size: int) -> Split:
        return Split(inputs=np.arange(first, first + size, dtype=float)[:, None], labels=np.arange(size) % classes)

    return Source(
        class_names=tuple(f"class {number}" for number in range(classes)),
        train=split(0, examples),
        test=None if official_test is None else split(10_000, official_test),
        white=1.0,
    )


@pytest.mark.parametrize("dataset", BUNDLED)
def test_a_bundled_set_has_its_profile(dataset: str) -> None:
    """Types, shapes and sizes are those the profile states."""
    got = bundled(dataset)
    suits = got.profile
    assert got.pool_inputs.shape == (suits.pool, *suits.shape)
    assert got.population_inputs.shape == (suits.population, *suits.shape)
    assert got.test_inputs.shape == (suits.test, *suits.shape)
    assert got.pool_inputs.dtype == got.population_inputs.dtype == got.test_inputs.dtype == np.float32
    assert got.pool_labels.dtype == got.population_labels.dtype == got.test_labels.dtype == np.int64
    assert len(got.class_names) == suits.classes


def test_digits_are_scikit_learns_divided_by_sixteen() -> None:
    """Every example of the data set is dealt exactly once, pixels from 0 to 1, with its own label."""
    got = bundled("digits")
    pixels, targets = load_digits(return_X_y=True)
    rows = np.concatenate([got.pool_inputs, got.population_inputs, got.test_inputs]).reshape(-1, 64) * 16
    labels = np.concatenate([got.pool_labels, got.population_labels, got.test_labels])
    assert sorted(map(tuple, np.column_stack([rows, labels]))) == sorted(map(tuple, np.column_stack([pixels, targets])))


@pytest.mark.parametrize(("dataset", "loader"), [("iris", load_iris), ("breast-cancer", load_breast_cancer)])
def test_tables_are_standardised_on_the_pool(dataset: str, loader: Any) -> None:
    """The pool alone sets mean and deviation, as scikit-learn's scaler does; population and test follow."""
    got, (features, targets) = bundled(dataset), loader(return_X_y=True)
    source = Source(class_names=got.class_names, train=Split(inputs=features, labels=targets), test=None, white=1.0)
    dealt = deal(source, asked(dataset))
    scaler = StandardScaler().fit(dealt.pool.inputs)
    assert np.allclose(got.pool_inputs, scaler.transform(dealt.pool.inputs), atol=1e-6)
    assert np.allclose(got.test_inputs, scaler.transform(dealt.test.inputs), atol=1e-6)
    assert np.allclose(got.population_inputs, scaler.transform(dealt.population.inputs), atol=1e-6)


def test_class_names_follow_the_labels() -> None:
    """Label 0 of the breast cancer set is the malignant one."""
    assert bundled("breast-cancer").class_names == ("malignant", "benign")


@settings(max_examples=50, deadline=None)
@given(pool=st.integers(4, 60), population=st.integers(0, 20), test=st.integers(1, 20), seed=st.integers(0, 5), split=st.booleans())
def test_no_example_is_dealt_twice(pool: int, population: int, test: int, seed: int, split: bool) -> None:
    """Pool, population and test set are disjoint and have the sizes asked for."""
    recipe = asked("iris", pool=pool, population=population, test=test, seed=seed)
    dealt = deal(numbered(100, official_test=20 if split else None, classes=1), recipe)
    parts = (dealt.pool, dealt.population, dealt.test)
    assert tuple(part.labels.size for part in parts) == (pool, population, test)
    numbers = np.concatenate([part.inputs[:, 0] for part in parts])
    assert len(set(numbers.tolist())) == pool + population + test
    assert (dealt.test.inputs >= 10_000).all() == split


def test_a_larger_population_moves_nothing_else() -> None:
    """Pool and test set stay when the population grows."""
    small, large = (deal(numbered(100), asked("iris", pool=40, population=size, test=20)) for size in (0, 40))
    assert np.array_equal(small.pool.inputs, large.pool.inputs)
    assert np.array_equal(small.test.inputs, large.test.inputs)


def test_a_larger_official_test_set_begins_with_the_smaller() -> None:
    """Measuring accuracy on more examples keeps those measured before; another seed takes others."""
    small, large, other = (
        deal(numbered(100, official_test=200), asked("iris", pool=40, population=0, test=size, seed=seed)).test.inputs
        for size, seed in ((50, 0), (200, 0), (50, 1))
    )
    assert np.array_equal(small, large[:50])
    assert not np.array_equal(small, other)


def test_the_whole_data_set_can_be_dealt() -> None:
    """A deal that leaves nothing over is allowed."""
    assert deal(numbered(100), asked("iris", pool=70, population=10, test=20)).test.labels.size == 20


def test_another_seed_deals_another_pool() -> None:
    """The deal depends on the seed and on nothing else."""
    assert bundled("iris").sha256 == bundled("iris").sha256 != bundled("iris", seed=1).sha256


def test_the_digest_of_the_digits_is_known() -> None:
    """The deal and the digest stay the same from machine to machine and release to release."""
    assert bundled("digits").sha256 == "1252247c31c1e274c8cd580e6de7454f6b41632152d2e21acd114adcc5e510a6"


@pytest.mark.parametrize("part", ["pool", "population", "test"])
def test_the_digest_sees_every_input_and_label(part: str) -> None:
    """One changed pixel, one changed label or another order is another digest."""
    got = bundled("digits")
    inputs, labels = getattr(got, f"{part}_inputs"), getattr(got, f"{part}_labels")
    brighter, other = inputs.copy(), labels.copy()
    brighter[3, 0, 2, 2] += 1e-3
    other[3] = (other[3] + 1) % 10
    changes = ({f"{part}_inputs": brighter}, {f"{part}_labels": other}, {f"{part}_inputs": inputs[::-1], f"{part}_labels": labels[::-1]})
    digests = {replace(got, **change).sha256 for change in changes}
    assert len(digests | {got.sha256}) == 4


def test_the_digest_does_not_depend_on_memory_layout() -> None:
    """A copy in Fortran order holds the same examples."""
    got = bundled("digits")
    assert replace(got, pool_inputs=np.asfortranarray(got.pool_inputs)).sha256 == got.sha256


def test_a_constant_feature_stays_finite() -> None:
    """A column without spread is centred, not divided by zero."""
    from mia_audit.data.examples import _scaled, _standard  # noqa: PLC0415

    split = Split(inputs=np.array([[1.0, 2.0], [1.0, 4.0]]), labels=np.array([0, 1]))
    assert _scaled(split, *_standard(split)).tolist() == [[0.0, -1.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (
            {"pool": 1500},
            "a pool of 1500, a population of 100 and a test set of 297 need 1897 examples, the data set has 1797; use --set data.pool=1400",
        ),
        (
            {"pool": 10, "population": 1000, "test": 1000},
            "a pool of 10, a population of 1000 and a test set of 1000 need 2010 examples, the data set has 1797; "  # noqa: ISC004
            "use a smaller --set data.population=... or --set data.test=...",
        ),
        (
            {"pool": 10, "population": 1500},
            "a pool of 10, a population of 1500 and a test set of 297 need 1807 examples, the data set has 1797; "  # noqa: ISC004
            "use a smaller --set data.population=... or --set data.test=...",
        ),
        (
            {"pool": 4},
            "a pool needs an example of every class, the pool of 4 has none of 3, 4, 5 ...; use a larger --set data.pool=...",
        ),
    ],
)
def test_sizes_that_cannot_be_dealt_are_refused(sizes: dict[str, int], message: str) -> None:
    """One line with the numbers and the way out."""
    with pytest.raises(DataError) as refusal:
        bundled("digits", **sizes)
    assert str(refusal.value) == f"digits: {message}"


def test_an_official_test_split_is_not_exceeded() -> None:
    """The test set is no larger than the split it comes from."""
    with pytest.raises(DataError, match=r"^iris: the test set needs at most the 20 examples .*, got 21; use --set data\.test=20$"):
        deal(numbered(100, official_test=20), asked("iris", pool=50, population=10, test=21))
    with pytest.raises(DataError, match=r"^iris: a pool of 95 and a population of 10 need 105 examples, the data set has 100; .*pool=90$"):
        deal(numbered(100, official_test=20), asked("iris", pool=95, population=10, test=20))


def test_an_unknown_data_set_names_the_nearest() -> None:
    """A slip of the pen gets a suggestion."""
    with pytest.raises(CatalogueError, match="unknown data set 'digit'; did you mean 'digits'"):
        asked("digit")


def test_an_open_recipe_is_our_own_mistake() -> None:
    """Callers resolve first."""
    with pytest.raises(AssertionError, match="resolve the recipe first"):
        load(Recipe(name="t", summary=""), root=None, offline=True, progress=print)


def test_data_sets_without_a_folder_live_in_the_cache() -> None:
    """The folder of downloads is the user's own."""
    assert default_root() == Path.home() / ".cache" / "mia-audit" / "data"


def test_bundled_data_costs_no_torch() -> None:
    """A table is read without importing torch: that costs seconds."""
    code = "import sys, mia_audit.data.examples, mia_audit.data.design; print({'torch', 'torchvision', 'sklearn'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
