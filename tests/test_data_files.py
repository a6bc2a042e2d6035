"""Tables and events from files: what is no label, no number or no event is refused with its place, and no row is dropped or moved."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mia_audit.data import checking, events, files, tables
from mia_audit.data.examples import load
from mia_audit.data.profiles import profile, resolve
from mia_audit.data.source import Source, Split
from mia_audit.errors import DataError
from mia_audit.recipe import Data, Model, Recipe

Rows = list[list[str]]

SIZES = {1: 9, 3: 16, 5: 7, 6: 15, 7: 6, 8: 5, 9: 2, 13: 42}


def people(count: int = 60) -> Rows:
    """Return rows of an Adult of our own: six numbers, every value of eight categories, and who earns more."""
    rng = np.random.default_rng(0)
    return [
        [
            *(f"v{column}-{row % SIZES[column]}" if column in SIZES else str(int(rng.integers(1, 90))) for column in range(14)),
            INCOMES[row % 2],
        ]
        for row in range(count)
    ]


INCOMES = ("<=50K", ">50K")


def written(rows: Rows, separator: str = ", ", end: str = "\n") -> str:
    """Return rows as a file's text."""
    return "".join(separator.join(row) + end for row in rows)


def adult(folder: Path, train: str | None = None, test: str | None = None) -> tuple[Path, Path]:
    """Write Adult's two files, as given or as they are published."""
    plain = "|1x3 Cross validator\n" + written([[*row[:-1], f"{row[-1]}."] for row in people(20)]) + "\n"
    (folder / "adult.data").write_text(written(people()) if train is None else train, encoding="utf-8", newline="")
    (folder / "adult.test").write_text(plain if test is None else test, encoding="utf-8", newline="")
    return folder / "adult.data", folder / "adult.test"


def changed(row: int, column: int, value: str) -> str:
    """Return Adult's training file with another value at one place."""
    rows = people()
    rows[row][column] = value
    return written(rows)


HEADER = "age,workclass,fnlwgt,education,edunum,marital,occupation,relation,race,sex,gain,loss,hours,country,income\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(", ", ","),
        lambda text: text.replace(", ", " , "),
        lambda text: "\ufeff" + text,
        lambda text: HEADER + text,
        lambda text: text + "\n\n",
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace("<=50K", "<= 50K").replace(">50K", ">50K."),
        lambda text: text.replace("50K", "50k"),
    ],
)
def test_adult_written_otherwise_is_the_same_data(tmp_path: Path, change: Callable[[str], str]) -> None:
    """Line ends, blanks, a header, a byte-order mark, blank lines, the full stop of the test file: all rows, each with its own label."""
    plain = tables.adult(*adult(tmp_path))
    other = tables.adult(*adult(tmp_path, change(written(people()))))
    for first, second in ((plain.train, other.train), (plain.test, other.test)):
        assert first is not None
        assert second is not None
        assert np.array_equal(first.inputs, second.inputs)
        assert np.array_equal(first.labels, second.labels)
    assert plain.train.inputs.shape == (60, 108)
    assert plain.train.labels.tolist() == [0, 1] * 30
    assert plain.train.inputs[:, 0].tolist() == [float(row[0]) for row in people()]
    assert (plain.train.inputs[:, [*range(1, 10)]].sum(axis=1) == 1).all()


def test_compressed_tables_are_told_by_their_content(tmp_path: Path) -> None:
    """Whatever a file is called."""
    train, test = adult(tmp_path)
    plain = tables.adult(train, test)
    train.write_bytes(gzip.compress(train.read_bytes()))
    assert np.array_equal(tables.adult(train, test).train.inputs, plain.train.inputs)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed(7, 0, "NaN"), "finite and at most 3.4e+38 (float32), got nan in {}, line 8, column 1; mend"),
        (changed(7, 4, "-inf"), "got -inf in {}, line 8, column 5; mend"),
        (changed(7, 12, "1e40"), "got 1e+40 in {}, line 8, column 13; mend"),
        (changed(7, 10, "many"), "a value needs to be a number, got 'many' in {}, line 8, column 11"),
        (changed(7, 2, ""), "line 8 of {} needs a value in column 3, got an empty cell"),
        (changed(7, 1, ""), "line 8 of {} needs a value in column 2, got an empty cell"),
        (changed(7, 14, "1"), "a label needs to be <=50K or >50K, got '1' in {}, line 8"),
        (changed(0, 14, "high"), "a label needs to be <=50K or >50K, got 'high' in {}, line 1"),
        (changed(7, 14, ""), "line 8 of {} needs a value in column 15, got an empty cell"),
        (
            written([row[: 14 if number % 3 else 15] for number, row in enumerate(people())]),
            "40 of 60 rows of {} have not 15 values: the first is line 2, with 14; mend",
        ),
        (written([[*row, "x"] for row in people()]), "60 of 60 rows of {} have not 15 values: the first is line 1, with 16"),
        (written(people(), ";"), "the first is line 1, with 1; the separator has to be a comma, not ';'"),
        (written(people(), "\t"), "not '\\t'"),
        ("", "{} needs rows of 15 values, got none"),
        (written(people(30)), "column 14 of {} needs the 42 values of the published file, got 30"),
        (written(people()) + '"open, 1', "line 61 of {} needs to be a row of CSV"),
    ],
)  # fmt: skip
def test_adult_with_something_else_in_it_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """File, line, column, value, and how many rows are so."""
    train, test = adult(tmp_path, text)
    with pytest.raises(DataError) as refusal:
        tables.adult(train, test)
    assert message.format(train) in str(refusal.value)
    assert str(refusal.value).startswith("adult: ")


def test_the_test_file_is_looked_at_too(tmp_path: Path) -> None:
    """A NaN that only accuracy would have met."""
    train, test = adult(tmp_path, test=changed(3, 0, "nan"))
    with pytest.raises(DataError, match=rf"got nan in {test}, line 4, column 1"):
        tables.adult(train, test)


def test_how_many_rows_are_so(tmp_path: Path) -> None:
    """Rows are counted, not values."""
    rows = [
        ["nan" if number % 20 == 0 and column in {0, 2} else cell for column, cell in enumerate(row)] for number, row in enumerate(people())
    ]
    with pytest.raises(DataError, match=r"line 1, column 1 \(3 of 60 rows are so\)"):
        tables.adult(*adult(tmp_path, written(rows)))


def location(folder: Path, change: Callable[[list[str]], list[str]] = lambda lines: lines) -> Path:
    """Write Location-30's archive: a class from 1, in quotes, and 446 zeros and ones a line."""
    rng = np.random.default_rng(0)
    lines = [f'"{row % 30 + 1}",' + ",".join(map(str, rng.integers(0, 2, 446))) for row in range(90)]
    content = ("\n".join(change(lines)) + "\n").encode()
    with tarfile.open(folder / "dataset_location.tgz", "w:gz") as archive:
        member = tarfile.TarInfo("bangkok")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return folder / "dataset_location.tgz"


def at(row: int, change: Callable[[str], str]) -> Callable[[list[str]], list[str]]:
    """Return what changes one line."""
    return lambda lines: [change(line) if number == row else line for number, line in enumerate(lines)]


def test_location_is_read_row_by_row(tmp_path: Path) -> None:
    """Classes from 0, and every feature."""
    source = tables.location(location(tmp_path))
    rng = np.random.default_rng(0)
    assert source.train.labels.tolist() == [row % 30 for row in range(90)]
    assert np.array_equal(source.train.inputs, np.stack([rng.integers(0, 2, 446) for _ in range(90)]))
    spaced = tables.location(location(tmp_path, at(4, lambda line: line.replace(",", ", ") + " \r")))
    assert np.array_equal(spaced.train.inputs, source.train.inputs)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda lines: [line.replace('"1"', '"0"') for line in lines],
            "a label needs a whole number from 1 to 30, got 0 in bangkok in {}, line 1 (3 of 90 rows",
        ),
        (at(4, lambda line: '"31"' + line[3:]), "got 31 in bangkok in {}, line 5; mend"),
        (at(4, lambda line: '"nan"' + line[3:]), "got nan in bangkok in {}, line 5"),
        (at(4, lambda line: '"2.5"' + line[3:]), "got 2.5 in bangkok in {}, line 5; mend"),
        (at(4, lambda line: '"x"' + line[3:]), "a value needs to be a number, got 'x' in bangkok in {}, line 5, column 1"),
        (at(7, lambda line: line[:-1] + "nan"), "got nan in bangkok in {}, line 8, column 447"),
        (at(7, lambda line: line[:-1] + "inf"), "got inf in bangkok in {}, line 8, column 447"),
        (at(7, lambda line: line[:-1]), "got '' in bangkok in {}, line 8, column 447"),
        (at(7, lambda line: line[:-2]), "1 of 90 rows of bangkok in {} have not 447 values: the first is line 8, with 446"),
        (lambda lines: [line.replace(",", ";") for line in lines], "line 1 of bangkok in {} needs to be a row of CSV"),
        (lambda lines: [line.replace(",", " ").replace('"', "") for line in lines], "the first is line 1, with 1; mend"),
        (lambda _: [], "bangkok in {} needs rows of 447 values, got none"),
    ],
)  # fmt: skip
def test_location_with_something_else_in_it_is_refused(tmp_path: Path, change: Callable[[list[str]], list[str]], message: str) -> None:
    """Before anything trains, with line and column."""
    path = location(tmp_path, change)
    with pytest.raises(DataError) as refusal:
        tables.location(path)
    assert message.format(path) in str(refusal.value)


def recording(samples: int = 1003, each: int = 3) -> dict[str, Any]:
    """Return a file of events: as many of each sample, the first at its sample's start."""
    rng = np.random.default_rng(0)
    count = samples * each
    return {
        "x": rng.integers(0, 34, count),
        "y": rng.integers(0, 34, count),
        "p": rng.integers(0, 2, count),
        "dt": np.where(np.arange(count) % each == 0, 0, rng.integers(0, 100_000, count)),
        "offsets": np.arange(samples + 1) * each,
        "labels": np.arange(samples) % 10,
    }


def recorded(folder: Path, **changes: Any) -> Path:
    """Write a file of events with some arrays changed, or left out where they are None."""
    arrays = {name: value for name, value in {**recording(), **changes}.items() if value is not None}
    np.savez(folder / "events.npz", **arrays)
    return folder / "events.npz"


def test_events_are_binned_one_by_one(tmp_path: Path) -> None:
    """Against the obvious loop; a sample without events is dark."""
    arrays = recording()
    arrays["offsets"] = np.concatenate([arrays["offsets"][:6], [15], arrays["offsets"][6:]])  # sample 5 has none
    arrays["labels"] = np.arange(1004) % 10
    source = events.read(recorded(tmp_path, **arrays), 4)
    slow = np.zeros((1000, 4, 2, 34, 34))
    for sample in range(1000):
        time = 0
        for event in range(arrays["offsets"][sample], arrays["offsets"][sample + 1]):
            time += int(arrays["dt"][event])
            slow[sample, time * 4 // 340_000, arrays["p"][event], arrays["y"][event], arrays["x"][event]] += 1
    assert np.array_equal(source.train.inputs, slow)
    assert source.train.inputs[5].sum() == 0
    assert source.test is not None
    assert source.test.inputs.sum() == 4 * 3
    assert source.test.labels.tolist() == [0, 1, 2, 3]


def one(name: str, event: int, value: float) -> dict[str, Any]:
    """Return an array of events with another value at one place."""
    values = recording()[name]
    values = values.astype(float) if value != int(value) or np.isnan(value) else values
    values[event] = value
    return {name: values}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"p": 2 * recording()["p"] - 1}, "p of an event needs a whole number from 0 to 1, got -1 at event"),
        ({"p": recording()["p"] + 1}, "p of an event needs a whole number from 0 to 1, got 2 at event"),
        ({"p": recording()["p"] * 255}, "got 255 at event"),
        (one("p", 7, 0.5), "got 0.5 at event 7"),
        (one("x", 7, 34), "x of an event needs a whole number from 0 to 33, got 34 at event 7 (1 of 3009 events are so)"),
        (one("y", 7, -1), "y of an event needs a whole number from 0 to 33, got -1 at event 7"),
        (one("dt", 7, -5), "dt of an event needs a whole number from 0 to 339999, got -5 at event 7"),
        (one("dt", 7, 340_000), "dt of an event needs a whole number from 0 to 339999, got 340000 at event 7"),
        ({"dt": np.full(3009, 2**64 - 400_000, dtype=np.uint64)}, "dt of an event needs a whole number from 0 to 339999"),
        ({"dt": np.full(3009, 150_000)}, "a time below 340000 microseconds, got 450000 at event 2, of sample 0 (1003 events"),
        ({"offsets": recording()["offsets"][1:]}, "offsets need whole numbers that rise from 0 to 3009"),
        ({"offsets": recording()["offsets"][::-1]}, "offsets need whole numbers that rise from 0 to 3009"),
        ({"offsets": recording()["offsets"].astype(float)}, "offsets need whole numbers"),
        ({"x": np.zeros(5, int)}, "events need x, y, p and dt of one length, got x (5,), y (3009,)"),
        ({"x": np.array(["1"] * 3009)}, "x of events needs numbers, got <U1"),
        ({"labels": np.zeros(3, int)}, "and a label for each, got 1003 samples and 3 labels"),
        (recording(samples=900), "needs more than 1000 samples, those of the training part, and a label for each, got 900 samples"),
        ({"labels": np.where(np.arange(1003) % 25 == 0, -1, 1)}, "got -1 in {}, labels, row 0 (from 0) (41 of 1003 rows are so)"),
        ({"labels": np.where(np.arange(1003) == 1001, -100, 1)}, "got -100 in {}, labels, row 1001 (from 0); mend"),
        ({"labels": np.full(1003, np.nan)}, "a label needs a whole number from 0 to 9, got nan"),
        ({"labels": np.arange(1003) % 10 + 0.7}, "got 0.7 in {}"),
        ({"labels": np.arange(1003) % 10 + 1}, "got 10 in {}, labels, row 9"),
        ({"labels": np.array(["1"] * 1003)}, "labels need whole numbers, got <U1"),
        ({"dt": None}, "needs an array dt, got x, y, p, offsets, labels"),
        ({"labels": np.array([{}] * 1003)}, "needs to be an .npz of plain arrays, got ValueError"),
    ],
)  # fmt: skip
def test_events_that_are_none_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """Nothing wraps: NumPy would take -1 for the other end."""
    path = recorded(tmp_path, **changes)
    with pytest.raises(DataError) as refusal:
        events.read(path, 4)
    assert message.format(path) in str(refusal.value)
    assert str(refusal.value).startswith("nmnist-small: ")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_a_file_of_events_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    """Whatever else it is."""
    (tmp_path / "events.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"events\.npz needs to be an \.npz of plain arrays, got \w+"):
        events.read(tmp_path / "events.npz", 2)


def test_one_array_alone_is_no_file_of_events(tmp_path: Path) -> None:
    """An .npy by another name."""
    with (tmp_path / "events.npz").open("wb") as file:
        np.save(file, np.arange(3))
    with pytest.raises(DataError, match=r"events\.npz needs to be an \.npz of plain arrays"):
        events.read(tmp_path / "events.npz", 2)


def sound(**changes: Any) -> Source:
    """Return a data set of iris' shape with something changed in its training part."""
    split = {"inputs": np.ones((9, 4)), "labels": np.arange(9) % 3, **changes}
    return Source(class_names=("a", "b", "c"), train=Split(**split), test=None, white=1.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.array([0, 1, -1, 0, 1, 2, 0, 1, 2])}, "from 0 to 2, got -1 in the training part, position 2"),
        ({"labels": np.arange(9)}, "from 0 to 2, got 3 in the training part, position 3 (6 of 9 rows are so)"),
        ({"labels": np.arange(8) % 3}, "needs examples of 4 and a label for each, got 9 of 4 and 8 labels"),
        ({"inputs": np.ones((9, 5))}, "needs examples of 4 and a label for each, got 9 of 5 and 9 labels"),
        ({"inputs": np.where(np.arange(36) == 6, np.nan, 1.0).reshape(9, 4)}, "got nan in the training part, position 1, value 2"),
        ({"inputs": np.where(np.arange(36) == 6, -1e39, 1.0).reshape(9, 4)}, "got -1e+39 in the training part, position 1, value 2"),
    ],
)
def test_whatever_read_it_a_data_set_is_looked_at_once_more(changes: dict[str, Any], message: str) -> None:
    """A reader that forgets something does not let it pass."""
    checking.require_sound(sound(), profile("iris"))
    with pytest.raises(DataError) as refusal:
        checking.require_sound(sound(**changes), profile("iris"))
    assert message in str(refusal.value)


def test_files_lead_to_their_readers(tmp_path: Path) -> None:
    """Below the data root, compressed or not, all the way to examples; a class that no row has is no matter of the pool's size."""
    for name in ("Location30", "Adult", "NMNIST-small"):
        (tmp_path / name).mkdir()
    location(tmp_path / "Location30")
    train, _ = adult(tmp_path / "Adult")
    train.with_name("adult.data.gz").write_bytes(gzip.compress(train.read_bytes()))
    train.unlink()
    recorded(tmp_path / "NMNIST-small").rename(tmp_path / "NMNIST-small" / "nmnist_small.npz")
    for dataset, sizes, shape in (
        ("location30", (85, 0, 5), (446,)),
        ("adult", (50, 5, 5), (108,)),
        ("nmnist-small", (90, 5, 3), (3, 2, 34, 34)),
    ):
        pool, population, test = sizes
        recipe = Recipe(
            name="t", summary="", data=Data(dataset=dataset, pool=pool, population=population, test=test), model=Model(time_steps=3)
        )
        examples = load(resolve(recipe), root=tmp_path, offline=True, progress=print)
        assert examples.pool_inputs.shape == (pool, *shape)
        assert examples.stored == {"location30": 90, "adult": 60, "nmnist-small": 1000}[dataset]
    location(tmp_path / "Location30", lambda lines: [line for line in lines if not line.startswith('"7"')])
    with pytest.raises(
        DataError, match="the whole training part of 87 has none of cluster 7; these are not all of the data set's examples"
    ):
        load(
            resolve(Recipe(name="t", summary="", data=Data(dataset="location30", pool=60, population=0, test=5))),
            root=tmp_path,
            offline=True,
            progress=print,
        )
    assert files.binned is events.binned
