"""What an audit costs, said before it starts."""

import pytest

from mia_audit.audit.planning import longest, probed
from mia_audit.catalogue import load_recipe, override
from mia_audit.data.profiles import resolve
from mia_audit.errors import RecipeError
from mia_audit.probes.names import probing_bytes
from mia_audit.recipe import Recipe
from mia_audit.training import cost


def recipe(target: str = "snn-q4", **settings: object) -> Recipe:
    """Return a resolved recipe; double underscores stand for dots."""
    return resolve(override(load_recipe(target), {name.replace("__", "."): value for name, value in settings.items()}))


def test_memory_grows_with_the_batch_and_with_time() -> None:
    """Twice the batch or twice the steps is twice what a model needs beyond its libraries and examples."""
    base = cost.step_bytes(recipe())
    assert cost.step_bytes(recipe(training__batch_size=64)) == 2 * base
    assert cost.step_bytes(recipe(model__time_steps=20)) == 2 * base


def test_workers_are_as_many_as_fit() -> None:
    """A limit of three and a half workers lets three run, of however many there might be."""
    one = cost.worker_bytes(recipe(), "cpu")
    many = cost.Load(models=66)
    assert cost.memory(recipe(), "cpu", many, workers=8, limit=int(3.5 * one)) == cost.Memory(per_worker=one, workers=3)
    assert cost.memory(recipe(), "cpu", many, workers=2, limit=int(3.5 * one)).workers == 2


@pytest.mark.parametrize(("models", "workers", "share"), [(66, 1, 9), (16, 8, 9), (66, 8, 1.9)])
def test_a_single_worker_is_the_parent_beside_its_own_libraries(models: int, workers: int, share: float) -> None:
    """One worker asked for, one cohort to train, or memory for one alone: it takes what the parent takes, and must fit as such."""
    one, alone = cost.worker_bytes(recipe(), "cpu"), cost.worker_bytes(recipe(), "cpu", alone=True)
    assert alone > one
    assert cost.memory(recipe(), "cpu", cost.Load(models=models), workers=workers, limit=int(share * one)).per_worker == alone
    with pytest.raises(RecipeError, match="needs about"):
        cost.memory(recipe(), "cpu", cost.Load(models=models), workers=workers, limit=(one + alone) // 2)


@pytest.mark.parametrize(
    ("target", "dataset", "measured"),
    [("ann", "digits", 1124), ("snn", "digits", 1127), ("snn-q4", "digits", 1087), ("ann-q4", "digits", 1063),
     ("snn-q4", "fashion-mnist", 1251), ("ann", "fashion-mnist", 1253)],
)  # fmt: skip
def test_the_peaks_of_a_single_worker_are_those_that_were_measured(target: str, dataset: str, measured: int) -> None:
    """MiB, with the libraries of constraints.txt; a twentieth is less than what they differ by from run to run."""
    assert cost.worker_bytes(recipe(target, data__dataset=dataset), "cpu", alone=True) / cost.MIB == pytest.approx(measured, rel=0.05)


def test_a_probe_that_takes_more_than_training_counts() -> None:
    """The larger of the two counts beside libraries and examples; signals that need no gradients take less than training."""
    small, hungry = recipe(), frozenset({"curvature"})
    more = probing_bytes(small, hungry, 16)
    assert more > probing_bytes(small, frozenset({"gradient-log-norms"}), 16) > 16 * cost.step_bytes(small) > 0
    assert probing_bytes(small, frozenset({"dropout", "membranes"}), 16) == 0
    plain = cost.worker_bytes(small, "cpu")
    assert cost.worker_bytes(small, "cpu", probing=more) == plain + more - 16 * cost.step_bytes(small)
    assert cost.memory(small, "cpu", cost.Load(models=66, probing=more), workers=2, limit=2**40).per_worker > plain


def test_the_chunk_that_is_counted_is_the_one_a_probe_takes() -> None:
    """names.py may not import torch, and tells the size again."""


def test_a_cohort_that_does_not_fit_is_refused_before_training() -> None:
    """The refusal names the fields that make it smaller."""
    with pytest.raises(RecipeError, match=r"needs about .* GiB, got a limit of .* GiB; use a smaller --set training.batch_size"):
        cost.memory(recipe(), "cpu", cost.Load(models=66), workers=2, limit=100 * cost.MIB)


@pytest.mark.parametrize(
    ("text", "size"),
    [("8GiB", 8 * 2**30), ("8 GiB", 8 * 2**30), ("1.5g", 3 * 2**29), ("500MiB", 500 * 2**20), ("2e9", 2_000_000_000), ("3GB", 3 * 10**9)],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    """Binary and decimal units, in any case."""
    assert cost.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1GiB", "0", "5TB", "nan", "inf"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    """One line that shows how to write it."""
    with pytest.raises(RecipeError, match="--memory needs a size"):
        cost.parse_bytes(text)


def test_free_memory_is_a_plausible_number() -> None:
    """Between 64 MiB and 64 TiB on any machine that runs this."""
    assert 2**26 < cost.free_bytes() < 2**46


@pytest.mark.parametrize(("work", "workers", "end"), [([1, 1, 0.125], 2, 1.125), ([1, 1, 1], 2, 2), ([0.5, 1, 0.5], 2, 1), ([], 3, 0)])
def test_cohorts_go_to_whoever_is_free_first(work: list[float], workers: int, end: float) -> None:
    """Two full cohorts and a small one on two workers end when the small one does."""
    assert longest(work, workers) == end


def test_the_probe_of_a_plan_trains_one_epoch() -> None:
    """A resolved recipe stops after an epoch of its own, which the probe must not run to: its steps would count that many times."""
    assert recipe().training.last_epoch > 1
    assert probed(recipe(training__checkpoints=[5])).training.last_epoch == 1
    assert probed(recipe(training__checkpoints=[5])).training.checkpoints == ()


def test_a_private_step_keeps_single_gradients() -> None:
    """Net2's kernels have 7 x 7 x 16 and 4 x 4 x 16 x 32 values, four bytes each, for every example of a batch; wide layers keep none."""
    private = resolve(load_recipe("dp-snn"))
    plain = private.model_copy(update={"privacy": None})
    assert cost.step_bytes(private) - cost.step_bytes(plain) == 4 * 250 * (784 + 8192)
    wide = resolve(override(load_recipe("ann-vgg16"), {"model.norm": "none", "privacy.noise_multiplier": 1.0}))
    kept = cost.step_bytes(wide) - cost.step_bytes(wide.model_copy(update={"privacy": None}))
    assert 0 < kept <= 13 * 4 * 2**25
