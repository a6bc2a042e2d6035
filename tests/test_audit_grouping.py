"""Parts that the reader names: positions are the data set's own, every column is one grouping, and all of them are corrected together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

import mia_audit
from mia_audit.audit.request import grouping
from mia_audit.audit.request.options import Options, describe
from mia_audit.data.examples import load
from mia_audit.errors import DataError
from mia_audit.report import render
from mia_audit.statistics.nulltest import holm
from mia_audit.statistics.slices import FEWEST, Grouping, all_slices, slices
from tests.support.engine_runs import SMALL

POSITIONS = np.array([5, 0, 3, 9])


def written(folder: Path, text: str, name: str = "parts.csv") -> Path:
    """Write a file and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def named(groups: tuple[Grouping, ...]) -> dict[str, list[str]]:
    """Return each grouping's names, one an example."""
    return {each.by: [each.names[int(group)] for group in each.groups] for each in groups}


def test_rows_are_told_by_position(tmp_path: Path) -> None:
    """In any order, with gaps; what is not named or empty is a group of its own."""
    path = written(tmp_path, "sex,example,age\nf,9,old\nm,0,young\nf,3,\nf,7,old\n")
    assert named(grouping.read(path, POSITIONS)) == {
        "sex": ["not named", "m", "f", "f"],
        "age": ["not named", "young", "not named", "old"],
    }


def test_without_positions_rows_are_the_examples_in_order(tmp_path: Path) -> None:
    """Row i is example i of the training part, which must have that many rows."""
    text = "site\n" + "".join(f"{'ab'[number % 2]}\n" for number in range(10))
    assert named(grouping.read(written(tmp_path, text), POSITIONS)) == {"site": ["b", "a", "b", "b"]}
    with pytest.raises(DataError, match="slices need a row for each example as stored, got 9 rows and an example at position 9"):
        grouping.read(written(tmp_path, text[:-2]), POSITIONS)


def test_a_file_of_positions_is_one_part_and_the_rest(tmp_path: Path) -> None:
    """One position a line, blank lines aside."""
    path = written(tmp_path, "3\n\n0\n77\n", "minors.txt")
    assert named(grouping.read(path, POSITIONS)) == {"minors": ["all others", "minors", "minors", "all others"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "slices need a header and rows as long as it"),
        ("a,b\n1\n", "slices need a header and rows as long as it"),
        ("example\n1\n", "slices need columns beside `example`"),
        ("example,class\n5,x\n", "none of them `class`"),
        ("example,a,a\n5,x,y\n", "each of its own name"),
        ("example,a\nfive,x\n", "a position needs a whole number from 0, got 'five'"),
        ("example,a\n5,x\n0,x\n3,x\n9,x\n", "column a needs 2 to 50 values among the examples of the pool, got 1"),
    ],
)
def test_files_that_part_nothing_are_refused(tmp_path: Path, text: str, message: str) -> None:
    """One line each, with the file's name and not its folder's."""
    with pytest.raises(DataError, match=message) as caught:
        grouping.read(written(tmp_path, text), POSITIONS)
    assert str(caught.value).startswith("parts.csv: ")


def test_too_many_groups_and_no_file(tmp_path: Path) -> None:
    """An age in days is no group, and a path must lead somewhere."""
    text = "example,age\n" + "".join(f"{number},{number}\n" for number in range(60))
    with pytest.raises(DataError, match="got 60; put numbers into ranges"):
        grouping.read(written(tmp_path, text), np.arange(60))
    with pytest.raises(DataError, match="slices need a readable file of text, got FileNotFoundError"):
        grouping.read(tmp_path / "none.csv", POSITIONS)


def test_positions_lead_back_to_the_stored_examples() -> None:
    """The pool's labels and inputs are those of the data set at the positions it names."""
    examples = load(describe("ann", Options(dataset="iris")), root=None, offline=True, progress=lambda _: None)
    values, labels = load_iris(return_X_y=True)
    np.testing.assert_array_equal(labels[examples.pool_positions], examples.pool_labels)
    for column in range(4):
        agreement = np.corrcoef(values[examples.pool_positions, column], examples.pool_inputs[:, column])
        assert agreement[0, 1] == pytest.approx(1.0)


TRUE = ["a", "a", "b", "", "b", "a", "b", "b", "a", "a", "b", "a"]
FIRST = np.arange(10)


def test_an_empty_cell_stays_where_it_is(tmp_path: Path) -> None:
    """In a file of one column an empty cell is a blank line: the rows behind it keep their examples, at the end of the file too."""
    expected = {"ward": [name or "not named" for name in TRUE[:10]]}
    text = "ward\n" + "\n".join(TRUE) + "\n"
    for each in (text, text.replace("\n", "\r\n"), "\ufeff" + text, text.rstrip("\n"), text + "\n", text + "\n\n"):
        assert named(grouping.read(written(tmp_path, each), FIRST, 12)) == expected
    last = "ward\na\nb\na\n\n"
    assert named(grouping.read(written(tmp_path, last), np.arange(4), 4)) == {"ward": ["a", "b", "a", "not named"]}
    two = "ward,age\n" + "\n".join(f"{name}," for name in TRUE) + "\n\n"
    with pytest.raises(DataError, match="column age needs 2 to 50 values"):
        grouping.read(written(tmp_path, two), FIRST, 12)


def test_blanks_around_a_value_do_not_count(tmp_path: Path) -> None:
    """A value with a blank behind it is the same value, and a cell of blanks is empty."""
    text = " example , ward \n" + "".join(f"{place}, {name}{' ' * (place % 2)}\n" for place, name in enumerate(TRUE))
    assert named(grouping.read(written(tmp_path, text), FIRST, 12)) == {"ward": [name or "not named" for name in TRUE[:10]]}


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("example,w\n0,a\n1,b\n0,a\n", "p.csv", "line 4: position 0 stands in line 2 already; name it once"),
        ("3\n\n5\n3\n", "p.txt", "line 4: position 3 stands in line 1 already"),
        ("example,w\n0,a\n12,b\n", "p.csv", "line 3: a position needs to be below 12, the examples as stored, got 12"),
        ("1\n99999999999999999999999\n", "p.txt", "line 2: a position needs to be below 12"),
        ("1\n" + "9" * 6000 + "\n", "p.txt", "line 2: a position needs to be below 12"),
        ("1\n-1\n", "p.txt", "line 2: a position needs a whole number from 0, got '-1'"),
        ("1\n2.0\n", "p.txt", "line 2: a position needs a whole number from 0, got '2.0'"),
        ("w\n" + "a\nb\n" * 7, "p.csv", "got 14 rows and 12 examples at most; take rows out"),
        ("example;w\n0;a\n1;b\n", "p.csv", "slices need commas between columns, got ';' in the header"),
        ("example\tw\n0\ta\n1\tb\n", "p.csv", "slices need commas between columns, got '\\\\t' in the header"),
        ("example,w\n0,a\n\n1,b\n2,\n", "p.csv", "got 1 rows of another length, first in line 3: 1 cells, not 2"),
        ("example,w\n0,a,x\n1,b\n2\n", "p.csv", "got 2 rows of another length, first in line 2: 3 cells, not 2"),
        ('example,w\n0,"a\n1,b\n', "p.csv", "line 3: slices need rows of CSV, got one that is none"),
        ("example,\n0,a\n1,b\n", "p.csv", "each of its own name"),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str, name: str, message: str) -> None:
    """With the line, rather than read as if it said what it does not."""
    with pytest.raises(DataError, match=message):
        grouping.read(written(tmp_path, text, name), FIRST, 12)


def test_a_guessed_size_is_hardly_ever_too_small() -> None:
    """Of pools drawn at random from 50 examples, none as small as 6 has its furthest position below what the guess takes for the end."""
    rng = np.random.default_rng(0)
    for _ in range(2000):
        positions = rng.permutation(50)[:6]
        assert (int(positions.max()) + 1) * grouping.SURE ** (-1 / 6) >= 50


def test_all_groupings_are_corrected_together() -> None:
    """Two groupings of two parts are four tests: Holm over four, and intervals wider than those of two."""
    rng = np.random.default_rng(0)
    member = rng.random(400) < 0.5
    scores = rng.normal(size=400) + 0.4 * member
    first, second = (Grouping(by=by, groups=rng.integers(0, 2, 400), names={0: "a", 1: "b"}) for by in ("x", "y"))
    alone = [slices(scores, member, one.groups, one.names) for one in (first, second)]
    together = all_slices(scores, member, [first, second])
    flat = [one for part in together for one in part]
    assert [one.p for one in flat] == [one.p for part in alone for one in part]
    assert [one.p_holm for one in flat] == list(holm([one.p for one in flat]))
    for both, own in zip(flat, [one for part in alone for one in part], strict=True):
        assert both.auc is not None
        assert own.auc is not None
        assert both.auc.high - both.auc.low > own.auc.high - own.auc.low
    few = Grouping(by="z", groups=np.repeat([0, 1], [FEWEST, 400 - FEWEST]), names={0: "few", 1: "many"})
    assert all_slices(scores, member, [first, few])[1][0].auc is None


def test_an_audit_tells_each_part(tmp_path: Path) -> None:
    """The record has a line a part, its groups beside the scores, and the report a table a column."""
    path = written(tmp_path, "site\n" + "".join(f"{'north' if number % 3 else '<b>south</b>'}\n" for number in range(150)))
    record = mia_audit.run(
        "ann", dataset="iris", shadows=10, attacks=["loss"], settings=SMALL, store=tmp_path / "store", out=tmp_path / "record",
        device="cpu", workers=1, slices=path,
    )  # fmt: skip
    found = [(one.by, one.name, one.members + one.nonmembers) for one in record.summary.slices]
    groups = record.arrays["groups/site"]
    assert [name for by, name, _ in found if by == "site"] == ["<b>south</b>", "north"]
    assert [size for by, _, size in found if by == "site"] == [int((groups == 0).sum()), int((groups == 1).sum())]
    assert groups.size == record.arrays["audited"].size
    page = render([replace(record, folder=None)])
    assert "By site" in page
    assert "By class" in page
    assert "&lt;b&gt;south" in page
    assert "<b>south" not in page
