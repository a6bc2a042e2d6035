"""A user's own data: every form gives the same examples as the bundled set it was written from, and what is wrong with one is said."""

import csv
import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_iris

from mia_audit.audit import asked
from mia_audit.audit.request.options import describe
from mia_audit.cli import main
from mia_audit.data.examples import Examples, load
from mia_audit.data.own import reading
from mia_audit.data.profiles import profile, resolve
from mia_audit.errors import AuditError, CatalogueError, DataError, RecipeError
from mia_audit.recipe import Data, Recipe
from mia_audit.record import load as load_record
from mia_audit.report.sharing import shared

IRIS, SPECIES = map(np.asarray, load_iris(return_X_y=True))
PIXELS, DIGITS = map(np.asarray, load_digits(return_X_y=True))
NAMES = ["sepal length", "sepal width", "petal length", "petal width"]
SIZES = {"pool": 100, "population": 10, "test": 40}


def examples(place: Path | str, **sizes: int) -> Examples:
    """Load a data set by the path of a user's own."""
    recipe = resolve(Recipe(name="t", summary="", data=Data(dataset=str(place), **sizes)))  # pyright: ignore[reportArgumentType]
    return load(recipe, root=None, offline=True, progress=print)


def same(own: Examples, bundled: Examples) -> None:
    """Hold examples to those of the bundled set."""
    assert own.sha256 == bundled.sha256
    assert own.pool_inputs.shape == bundled.pool_inputs.shape
    assert np.array_equal(own.pool_labels, bundled.pool_labels)
    assert len(own.class_names) == len(bundled.class_names)
    assert (own.profile.source, own.profile.public) == ("own", False)


def written(path: Path, rows: list[list[Any]]) -> Path:
    """Write a table as text."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def iris_rows(*, label: str = "class") -> list[list[Any]]:
    """Return Iris as rows of a table, the label in the middle."""
    return [[*NAMES[:2], label, *NAMES[2:]], *([*x[:2], y, *x[2:]] for x, y in zip(IRIS.tolist(), SPECIES.tolist(), strict=True))]


def digits_folder(place: Path, *, mode: str = "L") -> Path:
    """Write the digits as pictures, a folder for each class; the names keep their order within it."""
    for number, (pixels, digit) in enumerate(zip(PIXELS.reshape(-1, 8, 8), DIGITS, strict=True)):
        if number % 4 == 0:
            (place / str(digit)).mkdir(parents=True, exist_ok=True)
            Image.fromarray((pixels * 15).astype(np.uint8)).convert(mode).save(place / str(digit) / f"{number:04}.png")
    return place


@pytest.mark.parametrize("names", [("x", "y"), ("X", "labels"), ("features", "targets"), ("inputs", "y"), ("x_train", "y_train")])
def test_iris_as_arrays_is_iris(tmp_path: Path, names: tuple[str, str]) -> None:
    """Whatever usual names the arrays have; labels that do not begin at 0 are the same classes."""
    np.savez(tmp_path / "mine.npz", **{names[0]: IRIS, names[1]: SPECIES + 3})  # pyright: ignore[reportArgumentType]
    got = examples(tmp_path / "mine.npz", **SIZES)
    same(got, examples("iris", **SIZES))
    assert got.class_names == ("3", "4", "5")
    assert got.profile.name == "mine.npz"


@pytest.mark.parametrize("label", ["label", "Class", "TARGET", "y"])
def test_iris_as_a_table_is_iris(tmp_path: Path, label: str) -> None:
    """Wherever the column of labels stands; compressed too."""
    path = written(tmp_path / "mine.csv", iris_rows(label=label))
    same(examples(path, **SIZES), examples("iris", **SIZES))
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    same(examples(tmp_path / "packed.csv.gz", **SIZES), examples("iris", **SIZES))


def test_words_are_classes_and_categories(tmp_path: Path) -> None:
    """Labels in words are classes by the alphabet; a column of words is one column for each of its values."""
    bunch: Any = load_iris()
    names = bunch.target_names
    colours = np.array(["red", "blue"])[np.arange(150) % 2]
    rows = [[*x, colour, names[y]] for x, colour, y in zip(IRIS.tolist(), colours, SPECIES, strict=True)]
    got = examples(written(tmp_path / "mine.csv", [[*NAMES, "colour", "label"], *rows]), **SIZES)
    assert got.class_names == tuple(names)
    assert got.profile.shape == (6,)
    coded = reading.read(str(tmp_path / "mine.csv")).train.inputs
    assert np.array_equal(coded[:, 4:], np.stack([colours == "blue", colours == "red"], axis=1))
    assert np.array_equal(coded[:, :4], IRIS)


def test_a_card_says_what_the_data_do_not(tmp_path: Path) -> None:
    """Its path lies beside it; the label's column, names, what is left out, what is a category, and defaults."""
    rows = [[number, *x, y] for number, (x, y) in enumerate(zip(IRIS.tolist(), SPECIES, strict=True))]
    written(tmp_path / "mine.csv", [["row", *NAMES, "species"], *rows])
    card = tmp_path / "data.toml"
    card.write_text(
        'path = "mine.csv"\ntitle = "Flowers"\nlabel = "species"\nignore = ["row"]\nclasses = ["a", "b", "c"]\npublic = true\n'
        "[defaults]\npool = 100\npopulation = 10\ntest = 40\nepochs = 7\n"
    )
    got = examples(card)
    assert got.sha256 == examples("iris").sha256
    assert (got.class_names, got.profile.title, got.profile.epochs, got.profile.public) == (("a", "b", "c"), "Flowers", 7, True)
    card.write_text('path = "mine.csv"\nlabel = "species"\nignore = ["row"]\ncategories = ["petal width"]\n')
    assert examples(card).profile.shape == (3 + len(np.unique(IRIS[:, 3])),)


def test_a_copy_of_a_catalogues_card_is_a_card(tmp_path: Path) -> None:
    """Copied and edited, as recipes and attacks are."""
    from mia_audit.catalogue import folder  # noqa: PLC0415

    text = (folder("datasets") / "iris.toml").read_text().replace("epochs = 60", "epochs = 5")
    (tmp_path / "mine.toml").write_text(text)
    assert profile(str(tmp_path / "mine.toml")).epochs == 5
    assert examples(tmp_path / "mine.toml").sha256 == examples("iris").sha256


@pytest.mark.parametrize("layout", ["rows", "grey", "last", "first", "fractions"])
def test_digits_as_arrays_are_pictures(tmp_path: Path, layout: str) -> None:
    """Channels may be absent, last or first; bytes are divided by 255 and fractions are taken as they are."""
    grey = (PIXELS * 15).astype(np.uint8).reshape(-1, 8, 8)
    arrays = {"rows": grey.reshape(-1, 64), "grey": grey, "last": grey[..., None], "first": grey[:, None], "fractions": grey / 255}
    np.savez(tmp_path / "mine.npz", images=arrays[layout], labels=DIGITS)
    place = tmp_path / "mine.npz"
    if layout == "rows":
        place = tmp_path / "data.toml"
        place.write_text('path = "mine.npz"\nshape = [1, 8, 8]\n')
    got, bundled = examples(place, pool=1400, population=100, test=297), examples("digits")
    assert got.profile.shape == (1, 8, 8)
    assert np.array_equal(got.pool_labels, bundled.pool_labels)
    assert np.allclose(got.pool_inputs, bundled.pool_inputs * 16 * 15 / 255, atol=1e-6)


def test_colours_stay_where_they_are(tmp_path: Path) -> None:
    """Red is the first channel whether channels are stored first or last."""
    pictures = np.random.default_rng(0).integers(0, 256, (120, 6, 5, 3), dtype=np.uint8)
    for name, stored in (("last", pictures), ("first", np.moveaxis(pictures, -1, 1))):
        np.savez(tmp_path / f"{name}.npz", x=stored, y=np.arange(120) % 2)
        assert np.array_equal(reading.read(str(tmp_path / f"{name}.npz")).train.inputs, np.moveaxis(pictures, -1, 1))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_folder_of_pictures_is_read(tmp_path: Path, mode: str) -> None:
    """Classes are folders by name, pictures by name within them, grey or RGB."""
    got = reading.read(str(digits_folder(tmp_path / "photos", mode=mode)))
    order = np.argsort(DIGITS[::4], kind="stable")
    assert got.class_names == tuple("0123456789")
    assert np.array_equal(got.train.labels, DIGITS[::4][order])
    grey = (PIXELS[::4][order] * 15).reshape(-1, 1, 8, 8)
    assert np.array_equal(got.train.inputs, np.repeat(grey, 3 if mode == "RGB" else 1, axis=1))
    assert got.white == 255


def test_a_test_part_is_kept_apart(tmp_path: Path) -> None:
    """Of arrays and of folders; without one the far end of the recipe's shuffle tests, as of the catalogue's sets."""
    np.savez(tmp_path / "mine.npz", x=IRIS[::2].repeat(2, axis=0), y=SPECIES[::2].repeat(2), x_test=IRIS[1::2], y_test=SPECIES[1::2])
    got = examples(tmp_path / "mine.npz")
    assert len(got.test_labels) == 75
    assert got.stored == 150
    digits_folder(tmp_path / "photos" / "train")
    digits_folder(tmp_path / "photos" / "test")
    source = reading.read(str(tmp_path / "photos"))
    assert source.test is not None
    assert np.array_equal(source.test.inputs, source.train.inputs)


@pytest.mark.parametrize("count", [100, 150, 569, 1797, 20_000, 70_000])
@pytest.mark.parametrize("test", [None, 500])
def test_the_defaults_can_be_dealt(count: int, test: int | None) -> None:
    """Whatever the size: parts fit, the pool has the larger share, and training takes hundreds of steps, not thousands."""
    from mia_audit.data.cards import Defaults  # noqa: PLC0415
    from mia_audit.data.own.sizes import completed  # noqa: PLC0415

    got = completed(Defaults(), (8,), count, test).model_dump()
    assert got["pool"] + got["population"] + (0 if test else got["test"]) <= count
    assert got["pool"] >= min(10_000, 0.7 * count)
    assert 200 <= got["epochs"] * got["pool"] / 2 / got["batch_size"] <= 1_000
    assert completed(Defaults(epochs=3, pool=60), (8,), count, test).model_dump()["epochs"] == 3


def changed(**arrays: Any) -> Callable[[Path], None]:
    """Return what writes Iris as arrays with some of them replaced; None leaves one out."""

    def write(path: Path) -> None:
        np.savez(path, **{name: values for name, values in {"x": IRIS, "y": SPECIES, **arrays}.items() if values is not None})

    return write


def spoilt(values: np.ndarray, place: Any, value: Any) -> np.ndarray:
    """Return a copy with one value replaced."""
    copy = values.astype(np.result_type(values, type(value)))
    copy[place] = value
    return copy


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": None}, "mine.npz: needs an array called y, labels, targets, y_train, got x; rename it"),
        ({"X": IRIS}, "mine.npz: needs one of the arrays x, X, "),
        ({"x_test": IRIS}, "a test part needs arrays x_test and y_test, got x, y, x_test"),
        ({"x": spoilt(IRIS, (7, 2), np.nan)}, "got nan in row 7 (from 0), value 2"),
        ({"x": spoilt(IRIS, (7, 2), np.inf)}, "got inf in row 7 (from 0), value 2"),
        ({"y": spoilt(SPECIES, 9, 1.5)}, "a label needs a whole number from 0 to 2147483647, got 1.5 in row 9"),
        ({"y": spoilt(SPECIES, 9, -1)}, "got -1 in row 9"),
        ({"y": np.zeros(150, dtype=int)}, "needs at least two classes, got only 0"),
        ({"y": spoilt(SPECIES, 9, 7)}, "needs at least 10 examples of every class, got 1 of 7 (4 classes in all)"),
        ({"x": IRIS[:99], "y": SPECIES[:99]}, "needs at least 100 examples to train on, got 99"),
        ({"x": IRIS[:149]}, "one label for each, got x of (149, 4) and y of (150,)"),
        ({"y": np.eye(3)[SPECIES]}, "where labels are one column a class, write y.argmax(axis=1)"),
        ({"x": IRIS.astype(object)}, "mine.npz: needs to be an .npz of plain arrays, got ValueError"),
        ({"x": IRIS.astype(str)}, "inputs need numbers, got <U"),
        ({"x": IRIS.reshape(150, 2, 2)}, "pictures need shades from 0 to 1, got 0.2 to 5.1 in row 0 (from 0)"),
        ({"x": np.zeros((150, 4, 5, 6))}, "rows of numbers, or grey or RGB pictures, got (4, 5, 6); name shape"),
        ({"x": np.ones((150, 4, 4), dtype=np.uint8)}, "needs pixels from 0 to 255, got 1 as the brightest"),
        ({"x_test": IRIS[:, :3], "y_test": SPECIES}, "the test part needs examples like those to train on"),
        ({"x_test": IRIS, "y_test": SPECIES + 1}, "the test part needs classes of the training part, got 3 in row 100"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    """In one line that names the array or the row, before anything trains."""
    changed(**arrays)(tmp_path / "mine.npz")
    refused(tmp_path / "mine.npz", message)


def refused(place: Path, message: str, kind: type[AuditError] = DataError) -> None:
    """Hold a refusal to its message, and to one line."""
    with pytest.raises(kind) as refusal:
        profile(str(place))
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def with_cell(row: int, column: int, cell: str) -> list[list[Any]]:
    """Return Iris as rows with one cell replaced."""
    rows = iris_rows()
    rows[row][column] = cell
    return rows


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (with_cell(5, 0, "long"), "a value needs to be a number, got 'long' in mine.csv, line 6, column 1"),
        (with_cell(5, 4, ""), "a value needs to be a number, got '' in mine.csv, line 6, column 5"),
        (with_cell(5, 1, "nan"), "got nan in mine.csv, line 6, column 2"),
        (with_cell(5, 2, ""), "a label is missing in mine.csv, line 6"),
        (with_cell(5, 2, "-1"), "got -1 in mine.csv, line 6"),
        (with_cell(5, 2, "0.5"), "got 0.5 in mine.csv, line 6"),
        (with_cell(0, 1, "sepal length"), "every column needs a name of its own, got 'sepal length' 2 times"),
        (with_cell(0, 1, ""), "every column needs a name of its own, got '' 1 times"),
        (with_cell(0, 1, "Label"), "needs one column of labels called label, class, target or y, got Label and class"),
        (iris_rows(label="species"), "got sepal length, sepal width, species, petal length, petal width; rename it, or name it in a card"),
        (iris_rows()[1:], "needs names of columns in its first line, one of them of the labels, got numbers in line 1"),
        ([*iris_rows()[:5], [1, 2, 3]], "1 of 5 rows of mine.csv have not 5 values: the first is line 6, with 3"),
        ([[";".join(map(str, row))] for row in iris_rows()], "needs commas between columns, got ';' in line 1"),
        ([["a"]], "needs a line of names and a line for each example, got 1 lines"),
        ([["id", "y"], *([f"row {n}", n % 2] for n in range(120))], "at most 50 values, got 120 words in column 1 (id), such as 'row 0'"),
        ([["y"], *([n % 2] for n in range(120))], "needs a column of features beside 'y', got none"),
        ([["a", "y"], *([["b", ""][n == 3], n % 2] for n in range(120))], "a value is missing in mine.csv, line 5, column 1 (a)"),
    ],
)
def test_tables_that_are_no_data_set_are_refused(tmp_path: Path, rows: list[list[Any]], message: str) -> None:
    """With the line and the column."""
    refused(written(tmp_path / "mine.csv", rows[:4] + rows[4:]), message)


def test_pictures_that_are_no_data_set_are_refused(tmp_path: Path) -> None:
    """With the picture's place below the folder."""
    place = digits_folder(tmp_path / "photos")
    first = min((place / "1").iterdir())
    whole = first.read_bytes()
    first.write_bytes(whole[:60])
    refused(place, f"photos: 1/{first.name} cannot be read as a picture")
    Image.new("L", (9, 8)).save(first)
    refused(place, f"pictures need one size, got 8 x 8 in 0/0000.png and 8 x 9 in 1/{first.name}")
    Image.new("I;16", (8, 8)).save(first)
    refused(place, f"8 bits, grey or RGB, got mode I;16 in 1/{first.name}")
    first.write_bytes(whole)
    (place / "1" / "notes.txt").write_text("x")
    refused(place, "pictures only")
    (place / "1" / "notes.txt").rename(place / "1" / ".hidden")
    (place / "loose.png").write_bytes(whole)
    refused(place, "in the folder of its class, got loose.png")
    (place / "loose.png").unlink()
    assert profile(str(place)).shape == (1, 8, 8)
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "got no picture")


def test_what_is_not_there_or_has_no_reader_is_refused(tmp_path: Path) -> None:
    """The refusal says which forms are read."""
    refused(tmp_path / "absent.npz", "absent.npz: there is no such data; read are .npz, .csv, .csv.gz, .parquet, a folder")
    (tmp_path / "mine.xlsx").write_bytes(b"x")
    refused(tmp_path / "mine.xlsx", "mine.xlsx: no reader for .xlsx; read are .npz")
    (tmp_path / "mine.npz").write_bytes(b"x")
    refused(tmp_path / "mine.npz", "needs to be an .npz of plain arrays")
    (tmp_path / "mine.csv").write_bytes(b"a,y\n\xff\xfe,1\n")
    refused(tmp_path / "mine.csv", "mine.csv: cannot be read, got UnicodeDecodeError")
    (tmp_path / "data.toml").write_text('path = "gone.csv"\n')
    refused(tmp_path / "data.toml", "path needs a file or folder beside the card, got 'gone.csv'")
    (tmp_path / "data.toml").write_text('path = "mine.csv"\nlable = "y"\n')
    refused(tmp_path / "data.toml", "data.toml: unknown key 'lable'; did you mean 'label'?", RecipeError)
    written(tmp_path / "mine.csv", iris_rows())
    (tmp_path / "data.toml").write_text('path = "mine.csv"\nignore = ["sepal lenght"]\n')
    refused(tmp_path / "data.toml", "the card names a column 'sepal lenght', which is not there; did you mean 'sepal length'?")
    (tmp_path / "data.toml").write_text('path = "mine.csv"\nclasses = ["a"]\n')
    refused(tmp_path / "data.toml", "the card needs names of 3 classes, got 1")
    with pytest.raises(CatalogueError, match="unknown data set 'iriss'; did you mean 'iris'"):
        profile("iriss")


def test_parquet_is_iris_or_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra; with it the table is the same as from text."""
    path = tmp_path / "mine.parquet"
    path.write_bytes(b"PAR1")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pyarrow", None)
        refused(path, "mine.parquet: reading .parquet needs pyarrow, which is not installed; pip install 'mia-audit[parquet]', or")
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

    refused(path, "mine.parquet: needs to be a parquet file")
    columns = {name: IRIS[:, place] for place, name in enumerate(NAMES)}
    parquet.write_table(pa.table({**columns, "label": SPECIES, "__index_level_0__": np.arange(150)}), path)
    same(examples(path, **SIZES), examples("iris", **SIZES))
    gaps = [None if row == 4 else float(row) for row in range(150)]
    parquet.write_table(pa.table({"a": gaps, "label": SPECIES}), path)
    refused(path, "a value needs to be a number or a word, got no value in row 4 (from 0), column 1 (a)")


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    """What suits the data is remembered only for as long as they stay the same."""
    changed()(tmp_path / "mine.npz")
    assert profile(str(tmp_path / "mine.npz")).classes == 3
    changed(x=IRIS[:100, :2], y=SPECIES[:100])(tmp_path / "mine.npz")
    assert (profile(str(tmp_path / "mine.npz")).classes, profile(str(tmp_path / "mine.npz")).shape) == (2, (2,))


def test_a_path_is_taken_wherever_a_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Path, a text, `~`, `./`, a bare file name and a bare folder; a card's name wins over a folder of that name."""
    changed()(tmp_path / "mine.npz")
    digits_folder(tmp_path / "photos")
    (tmp_path / "iris").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for given, recorded in (
        (Path("mine.npz"), "./mine.npz"),
        ("mine.npz", "mine.npz"),
        ("~/mine.npz", "~/mine.npz"),
        ("photos", "photos"),
        ("iris", "iris"),
        (Path("iris"), "./iris"),
    ):
        options = asked(dataset=given)
        assert options.dataset == recorded
        if given == Path("iris"):
            with pytest.raises(DataError, match="got no picture"):
                describe("ann", options)
        else:
            recipe = describe("ann", options)
            assert recipe.data.dataset == recorded
            assert recipe.model.architecture == ("conv" if given == "photos" else "mlp")


def test_the_command_line_audits_a_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`show`, `--plan` and `run`: the record names the file, holds no place of this machine and no example, and repeats."""
    changed()(tmp_path / "mine.npz")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    common = ["--target", "ann", "--dataset", "./mine.npz", "--shadows", "8", "--set", "training.epochs=1", "--attacks", "loss"]
    for command in (["show", *common], ["run", *common, "--plan"], ["run", *common, "--device", "cpu", "--workers", "1", "--json"]):
        with pytest.raises(SystemExit) as left:
            main(command)
        assert not left.value.code
        out = capsys.readouterr().out
    record = json.loads(out)
    assert (record["data"]["name"], record["data"]["title"]) == ("mine.npz", "mine.npz (own data)")
    assert (record["data"]["public"], record["recipe"]["data"]["dataset"]) == (False, "./mine.npz")
    assert str(tmp_path) not in out
    (folder,) = (tmp_path / "audits").iterdir()
    assert folder.name.startswith("ann-mine.npz-fp-")
    assert not list(folder.glob("exposed*"))
    assert shared(load_record(folder)).summary.recipe.data.dataset == "mine.npz"
    with pytest.raises(SystemExit) as left:
        main(["run", "--target", "ann", "--dataset", "./gone.npz"])
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
