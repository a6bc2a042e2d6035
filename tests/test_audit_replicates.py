"""What counts as one replicate: the target's coins on pools that overlap, whatever else differs."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from mia_audit.audit.comparing.replicates import replicates, share_coins
from mia_audit.audit.comparing.variants import compare
from mia_audit.catalogue import override
from mia_audit.record import Record, load
from mia_audit.report import render
from mia_audit.types import Bools, Ints
from tests.support.html import text
from tests.support.records import make_record
from tests.support.sketches import SKETCHES

STORED = 2000


def dealt(seed: int = 0, *, pool: int = 400, fraction: float = 0.5, models: int = 6) -> tuple[Ints, Bools]:
    """Return what an audit of this seed deals: the pool's positions as stored, and coins [models, pool]."""
    order = np.random.default_rng([seed, 1]).permutation(STORED)
    rows = np.stack([np.random.default_rng([seed, 2, row]).random(pool) < fraction for row in range(models)])
    return order[:pool], rows


@cache
def audited(bits: int, pool: int, shadows: int) -> Record:
    """Return some record of that size; what it was dealt is replaced below."""
    name, width = ("a", 4) if bits == 4 else ("b", 8)
    return make_record(name, weight_bits=width, pool=pool, shadows=shadows, sketches=SKETCHES[:1], exposed=False)  # type: ignore[arg-type]


def record(positions: Ints | None, rows: Bools, *, bits: int = 4, data: str = "", lift: float = 0.0) -> Record:
    """Return a record of these positions and coins; `data` names what else was dealt, `lift` raises its rehearsals."""
    made = audited(bits, rows.shape[1], len(rows) - 2)
    arrays = {**made.arrays, "membership": rows, **({} if positions is None else {"pool_positions": positions})}
    attacks = tuple(each.model_copy(update={"rehearsal_auc": each.rehearsal_auc + lift}) for each in made.summary.attacks)
    facts = made.summary.data.model_copy(update={"sha256": hashlib.sha256(rows.tobytes() + data.encode()).hexdigest()})
    return replace(made, arrays=arrays, summary=made.summary.model_copy(update={"data": facts, "attacks": attacks}))


def turned(positions: Ints, rows: Bools) -> tuple[Ints, Bools]:
    """Return the same examples and coins in another order."""
    order = np.random.default_rng(9).permutation(positions.size)
    return positions[order], rows[:, order]


@pytest.mark.parametrize(
    "other",
    [
        dealt(pool=300), dealt(pool=900), dealt(models=12), turned(*dealt()), turned(*dealt(pool=300)), dealt(fraction=0.4),
        dealt(fraction=0.7, pool=250), (dealt()[0], ~dealt()[1]),
    ],
    ids=["smaller pool", "larger pool", "more shadow models", "another order", "smaller and another order", "nested coins",
         "nested and smaller", "turned round"],
)  # fmt: skip
def test_records_that_share_the_targets_coins_are_one_replicate(other: tuple[Ints, Bools]) -> None:
    """Pool size, outsiders, order, shadow models and the share of members make no second draw."""
    assert replicates([record(*dealt()), record(*other, data="other outsiders")]) == (0, 0)
    assert replicates([record(*other), record(*dealt(3)), record(*dealt())]) == (0, 1, 0)


def test_older_records_that_tell_no_positions_are_known_by_their_coins() -> None:
    """The coins in the order of the pool; a larger pool begins with the smaller one."""
    assert replicates([record(None, dealt()[1]), record(None, dealt(pool=300)[1]), record(None, dealt(1)[1])]) == (0, 0, 1)
    assert replicates([record(None, dealt()[1]), record(*dealt(pool=500))]) == (0, 0)


def test_other_coins_are_other_replicates() -> None:
    """Seeds deal overlapping pools of one data set with coins of their own; pools without a common example share none."""
    assert replicates([record(*dealt(seed)) for seed in range(8)]) == tuple(range(8))
    assert replicates([record(*dealt(seed, pool=40)) for seed in range(12)]) == tuple(range(12))
    positions, rows = dealt()
    assert replicates([record(positions, rows), record(positions + STORED, rows)]) == (0, 1)
    assert not share_coins(record(*dealt()), replace(record(*dealt()), summary=make_record(dataset="iris").summary))


def test_a_chain_of_overlaps_is_one_replicate() -> None:
    """The first and the third share no example, but each shares coins with the second."""
    positions, rows = dealt(pool=900)
    parts = [record(positions[part], rows[:, part]) for part in (slice(0, 300), slice(600, 900), slice(150, 750))]
    assert replicates(parts[:2]) == (0, 1)
    assert replicates(parts) == (0, 0, 0)


def spread(designs: Sequence[tuple[Ints, Bools, str]], gap: float = 0.0) -> list[Record]:
    """Return two variants on these designs, whose AUCs differ by noise and a gap."""
    rng = np.random.default_rng(1)
    return [
        record(positions, rows, bits=bits, data=data, lift=0.01 * rng.normal() + gap * (bits == 4))
        for (positions, rows, data), bits in product(designs, (4, 8))
    ]


def test_one_population_is_one_replicate_however_often_it_is_audited() -> None:
    """Five numbers of outsiders, five pools: nothing is compared, and the page says why."""
    for designs in (
        [(*dealt(), f"outsiders {number}") for number in range(5)],
        [(*dealt(pool=pool), "") for pool in (300, 320, 340, 360, 380)],
        [(*dealt(models=models), "") for models in (5, 6, 7, 8, 9)],
    ):
        made = spread(designs, gap=0.2)
        found = compare(made)
        assert found.variants == ()
        assert "10 records are one replicate, since they share the target's coins on the same pool" in found.silent[0]
        page = text(render(made, found))
        assert found.silent[0] in page
        assert ") leaks more than" not in page


def test_five_populations_are_five_replicates_however_often_each_is_audited() -> None:
    """A replicate counts once, with the mean over its designs; the interval has the width of five."""
    once = [(*dealt(seed), "") for seed in range(5)]
    twice = [*once, *[(*dealt(seed), "more outsiders") for seed in range(5)]]
    for designs in (once, twice):
        (found,) = compare(spread(designs, gap=0.2)).variants
        assert found.replicates == 5
        assert found.told_apart
        assert found.difference.low < found.difference.high


def test_a_record_given_twice_counts_once() -> None:
    """In one folder or as a copy in another."""
    made = spread([(*dealt(seed), "") for seed in range(5)])
    assert compare([*made, *made]) == compare(made)
    assert compare([*reversed(made), *made]).variants[0].p == pytest.approx(compare(made).variants[0].p)


def test_copies_of_a_record_are_one(tmp_path: Path) -> None:
    """Two folders with the same files hold one record."""
    made = audited(4, 400, 4)
    loaded = [load(made.write(tmp_path / name).folder or tmp_path) for name in ("a", "b")]
    assert replicates(loaded) == (0, 0)
    assert compare(loaded) == compare(loaded[:1])


def test_variants_on_other_shadow_models_are_not_compared() -> None:
    """The same replicates, but other shadow models: an attack with fewer sees less, so the pair waits for equal audits."""
    made = [record(*dealt(seed, models=models), bits=bits) for seed in range(5) for bits, models in ((4, 6), (8, 12))]
    found = compare(made)
    assert found.variants == ()
    assert "they share 5 replicates, but the same examples and the same shadow models in none of them" in found.silent[0]


def test_differences_that_do_not_vary_have_no_interval() -> None:
    """Five replicates with one and the same difference tell nothing of how sure it is."""
    designs = [(*dealt(seed), "") for seed in range(5)]
    made = [record(*each[:2], bits=bits) for each in designs for bits in (4, 8)]
    found = compare(made)
    assert found.variants == ()
    assert "so nothing tells how much that varies" in found.silent[0]


def test_no_two_variants_of_data_sets_that_differ_are_compared() -> None:
    """Equal coins on another data set are no replicate of it."""
    made = [record(*dealt(seed)) for seed in range(5)]
    other = [
        replace(one, summary=one.summary.model_copy(update={"recipe": override(one.summary.recipe, {"data.dataset": "mnist"})}))
        for one in (record(*dealt(seed), data="mnist", lift=0.1) for seed in range(5))
    ]
    assert compare([*made, *other]).variants == ()
