"""Files of predictions: columns found by name, answers as logits, and one line for what is none. Truth: the logits they were made of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from mia_audit.attacks import observables
from mia_audit.errors import AuditError
from mia_audit.external import predictions
from mia_audit.external.predictions import Predictions, Sides
from mia_audit.external.roles import Wanted
from mia_audit.types import Bools, Floats, Ints

ROWS, CLASSES = 60, 3
NAMES = ("cat", "dog", "emu")
Columns = dict[str, Any]


def truth(seed: int = 0) -> tuple[Floats, Ints, Bools]:
    """Return logits, labels and membership."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, ROWS)
    logits = rng.normal(size=(ROWS, CLASSES)) + 2 * np.eye(CLASSES)[labels]
    return logits, labels, rng.random(ROWS) < 0.5


def wide(values: Any, prefix: str = "logit_", names: tuple[Any, ...] = (0, 1, 2)) -> Columns:
    """Return a column a class."""
    return {f"{prefix}{name}": values[:, place] for place, name in enumerate(names)}


def csv_of(path: Path, columns: Columns) -> Path:
    """Write a table of text."""
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(repr(x.item()) if isinstance(x, np.floating) else str(x) for x in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def parquet_of(path: Path, columns: Columns) -> Path:
    """Write a parquet table."""
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({name: list(each) if getattr(each, "ndim", 1) > 1 else each for name, each in columns.items()}), path)
    return path


def npz_of(path: Path, columns: Columns) -> Path:
    """Write an archive of arrays."""
    np.savez(path, **columns)
    return path


WRITERS: dict[str, Callable[[Path, Columns], Path]] = {"csv": csv_of, "parquet": parquet_of, "npz": npz_of}


def read(tmp_path: Path, columns: Columns, suffix: str = "csv", wanted: Wanted | None = None, **more: Any) -> Predictions:
    """Write a file and read it."""
    return predictions.read(WRITERS[suffix](tmp_path / f"p.{suffix}", columns), wanted or Wanted(), **more)


def alike(found: Floats, wanted: Floats, digits: float = 1e-6) -> None:
    """Demand logits equal up to a constant a row: their log-probabilities."""
    np.testing.assert_allclose(log_softmax(found, axis=-1), log_softmax(wanted, axis=-1), atol=digits)


@pytest.mark.parametrize("suffix", WRITERS)
@pytest.mark.parametrize(
    "member", [lambda m: m, lambda m: m.astype(int), lambda m: np.where(m, "train", "test"), lambda m: np.where(m, "Yes", "no")]
)
def test_every_file_and_every_word_for_a_member_says_the_same(tmp_path: Path, suffix: str, member: Callable[[Bools], Any]) -> None:
    """A column a class, labels as numbers, membership as bools, 0 and 1, or words."""
    logits, labels, inside = truth()
    found = read(tmp_path, {"id": np.arange(ROWS), "label": labels, "member": member(inside), **wide(logits)}, suffix)
    np.testing.assert_allclose(found.logits, logits[None])
    np.testing.assert_array_equal(found.labels, labels)
    np.testing.assert_array_equal(found.member, inside)
    assert found.able is None
    assert found.columns == (("member", "member"), ("label", "label"), ("logits", "logit_0, logit_1, logit_2"))


@pytest.mark.parametrize("suffix", ["parquet", "npz"])
def test_one_column_may_hold_whole_rows(tmp_path: Path, suffix: str) -> None:
    """A list column, or an array [rows, classes]; in an archive with an axis of queries too."""
    logits, labels, inside = truth()
    found = read(tmp_path, {"y": labels, "is_member": inside, "outputs": logits}, suffix)
    np.testing.assert_allclose(found.logits[0], logits)
    if suffix == "npz":
        asked = read(tmp_path, {"y": labels, "is_member": inside, "logits": np.stack([logits, logits + 1])}, suffix)
        assert asked.logits.shape == (2, ROWS, CLASSES)


def test_columns_in_another_order_and_words_for_classes(tmp_path: Path) -> None:
    """Columns go by their class's name or number, not by where they stand; the note says so."""
    logits, labels, inside = truth()
    turned = dict(reversed(wide(logits).items()))
    found = read(tmp_path, {**turned, "label": labels, "member": inside})
    np.testing.assert_allclose(found.logits[0], logits)
    assert "Columns of classes stand in another order in the file (2, 1, 0 ...): taken by their numbers." in found.notes
    words = np.array(NAMES)[labels]
    named = read(
        tmp_path, {**wide(softmax(logits, axis=1)[:, ::-1], "p_", NAMES[::-1]), "label": words, "split": np.where(inside, "in", "out")}
    )
    alike(named.logits[0], logits[:, ::-1])
    np.testing.assert_array_equal(named.labels, 2 - labels)
    bare = read(tmp_path, {**wide(logits, "", NAMES), "species": words, "member": inside}, wanted=Wanted(label="species"))
    np.testing.assert_array_equal(bare.labels, labels)
    told = read(tmp_path, {**wide(logits), "label": words, "member": inside}, classes=NAMES)
    np.testing.assert_array_equal(told.labels, labels)


def test_labels_from_one_and_labels_in_another_order_are_said(tmp_path: Path) -> None:
    """1 to 3 are 0 to 2; labels that name other columns than the answers are noticed by what the target gets right."""
    logits, labels, inside = truth()
    found = read(tmp_path, {**wide(logits), "label": labels + 1, "member": inside})
    np.testing.assert_array_equal(found.labels, labels)
    assert "Labels count from 1 to 3: taken as such." in found.notes
    sure = logits + 8 * np.eye(CLASSES)[labels]
    moved = read(tmp_path, {**wide(sure), "label": (labels + 1) % CLASSES, "member": inside})
    assert any("likely in different orders" in note for note in moved.notes)


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("suffix", WRITERS)
def test_probabilities_and_percentages_are_taken_by_their_logarithm(tmp_path: Path, suffix: str, scale: float) -> None:
    """Both give the log-probabilities that they were made of."""
    logits, labels, inside = truth()
    found = read(tmp_path, {**wide(scale * softmax(logits, axis=1), "prob_"), "label": labels, "member": inside}, suffix)
    alike(found.logits[0], logits)
    assert ("Percentages were taken as hundredths." in found.notes) == (scale == 100.0)


def test_signs_of_per_cent_are_read(tmp_path: Path) -> None:
    """A cell 93.1% is 0.931."""
    logits, labels, inside = truth()
    cells = np.char.add((100 * softmax(logits, axis=1)).round(3).astype(str), "%")
    found = read(tmp_path, {**wide(cells, "prob_"), "label": labels, "member": inside})
    alike(found.logits[0], logits, 2e-3)


def test_rounded_probabilities_stay_finite_and_are_said(tmp_path: Path) -> None:
    """A zero is half a step of the last decimal; order is kept where rounding left it."""
    logits, labels, inside = truth()
    shares = softmax(4 * logits, axis=1).round(2)
    found = read(tmp_path, {**wide(shares, "p_"), "label": labels, "member": inside})
    zeros = int((shares == 0).sum())
    assert zeros
    assert f"{zeros} of {shares.size} probabilities are 0, which no network answers: taken as 0.005." in found.notes
    assert "The probabilities are rounded to 2 decimals: attacks see no more than that." in found.notes
    np.testing.assert_allclose(np.exp(found.logits[0]), np.where(shares == 0, 0.005, shares))


def test_one_output_is_a_sigmoid(tmp_path: Path) -> None:
    """A logit z against 0, or a probability of class 1: log-probabilities of both classes come out."""
    rng = np.random.default_rng(0)
    z, inside = rng.normal(size=ROWS), rng.random(ROWS) < 0.5
    labels = (z + rng.normal(size=ROWS) > 0).astype(int)
    wanted = np.stack([np.zeros(ROWS), z], axis=-1)
    alike(read(tmp_path, {"logit": z, "label": labels, "member": inside}).logits[0], wanted)
    alike(read(tmp_path, {"prob": 1 / (1 + np.exp(-z)), "label": labels, "member": inside}).logits[0], wanted)
    both = read(tmp_path, {"score": 1 / (1 + np.exp(-z)), "label": 2 * labels - 1, "member": inside})
    alike(both.logits[0], wanted)
    np.testing.assert_array_equal(both.labels, labels)


def test_losses_become_the_odds_of_the_right_class(tmp_path: Path) -> None:
    """Loss and phi computed from them are those of the logits; attacks on whole rows are left out."""
    logits, labels, inside = truth()
    loss = -log_softmax(logits, axis=1)[np.arange(ROWS), labels]
    found = read(tmp_path, {"loss": loss, "label": labels, "member": inside})
    np.testing.assert_allclose(observables.phi(found.logits[0], found.labels), observables.phi(logits, labels), atol=1e-9)
    assert found.able is not None
    assert {"loss", "lira-online", "rmia-offline"} <= found.able
    assert not {"entropy", "margin", "correctness"} & found.able
    assert found.lacking == "the answers for every class"


def test_without_labels_the_predicted_class_stands_in(tmp_path: Path) -> None:
    """Entropy, confidence and RMIA run; it is said."""
    logits, _, inside = truth()
    found = read(tmp_path, {**wide(logits), "member": inside})
    np.testing.assert_array_equal(found.labels, logits.argmax(axis=1))
    assert found.able is not None
    assert {"confidence", "entropy", "rmia-online"} <= found.able
    assert "loss" not in found.able
    assert any(note.startswith("There are no labels") for note in found.notes)


def test_predicted_classes_alone_suffice_for_one_attack(tmp_path: Path) -> None:
    """Right or wrong is all that is seen."""
    logits, labels, inside = truth()
    predicted = np.array(NAMES)[logits.argmax(axis=1)]
    found = read(tmp_path, {"prediction": predicted, "label": np.array(NAMES)[labels], "member": inside})
    assert found.able == {"correctness"}
    np.testing.assert_array_equal(observables.correct(found.logits[0], found.labels), predicted == np.array(NAMES)[labels])


def test_files_of_positions_stand_in_for_a_column(tmp_path: Path) -> None:
    """Rows on neither side are left out and counted; "rest" is everybody else."""
    logits, labels, _ = truth()
    path = csv_of(tmp_path / "p.csv", {**wide(logits), "label": labels})
    (tmp_path / "in.txt").write_text("# members\n3\n5\n\n7\n")
    (tmp_path / "out.json").write_text("[1, 2]")
    found = predictions.read(path, Wanted(), Sides(members=tmp_path / "in.txt", nonmembers=str(tmp_path / "out.json")))
    np.testing.assert_allclose(found.logits[0], logits[[1, 2, 3, 5, 7]])
    assert found.member.tolist() == [False, False, True, True, True]
    assert found.notes[-1] == "55 of 60 rows are neither among members nor non-members: left out."
    rest = predictions.read(path, Wanted(), Sides(members=tmp_path / "in.txt", nonmembers="rest"))
    assert rest.member.sum() == 3
    assert rest.member.size == ROWS


def spoilt(name: str, row: int, value: Any) -> Columns:
    """Return good columns with one bad cell."""
    logits, labels, inside = truth()
    columns: Columns = {**wide(logits), "label": labels, "member": inside.astype(int)}
    columns[name] = columns[name].astype(object)
    columns[name][row] = value
    return columns


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (spoilt("logit_1", 4, "nan"), r"p.csv: line 6, column 'logit_1' needs a finite number, got nan"),
        (spoilt("logit_1", 4, ""), "p.csv: line 6, column 'logit_1' needs a number, got nothing"),
        (spoilt("logit_1", 4, '"0,93"'), "needs a number, got '0,93'; decimals need a point"),
        (spoilt("member", 9, "validation"), "line 11, column 'member' needs 0 or 1, .* got 'validation'; leave such rows out"),
        (spoilt("member", 9, 2), "line 11, column 'member' needs 0 or 1, .* got '2.0'|got '2'"),
        (spoilt("label", 2, 7), "line 4, column 'label' needs one of 3 classes .*got '7.0'|got '7'"),
        ({"label": [0, 1], "member": [0, 1]}, "needs columns of logits, probabilities or losses, such as logit_0 and logit_1, got none"),
        ({"label": [0, 1], "logit_0": [0, 1], "logit_1": [0, 1]}, "needs a column that says who is a member"),
        ({"member": [0, 1], "is_member": [0, 1], "loss": [1, 2]}, "needs one column for --member, got member and is_member"),
        ({"member": [0, 1], "loss": [1, 2], "nll": [1, 2]}, "needs one column of losses, got loss and nll; say which"),
        ({"member": [0, 1], "loss": [1, -2.5]}, "line 3, column 'loss.*' needs a loss of 0 or more, got -2.5"),
        ({"member": [0, 1], "label": [0, 1], "p_0": [0.5, 0.9], "p_1": [0.5, 0.4]}, "line 3, .*sum to 1, got a sum of 1.3 .1 of 2 rows"),
        ({"member": [0, 1], "label": [0, 1], "p_0": [0.9, 0.9], "p_1": [0.9, 0.9]}, "sum of 1.8 .*one class at a time: --outputs COLUMN"),
        ({"member": [0, 1], "label": [0, 1], "p_0": [0.5, 1.5], "p_1": [0.5, -0.5]}, "'p_0' needs a probability from 0 to 1, got 1.5"),
        ({"member": [0, 1], "label": ["a", "b"], "logit_0": [0, 1], "logit_1": [0, 1]}, "got 'a'; name the classes .* with --classes"),
        ({"member": [0, 1], "prediction": ["x", "y"], "label": ["a", "b"]}, "no predicted class is the label"),
        ({"member": [0, 1], "prediction": ["x", "y"]}, "predicted classes need the right ones beside them"),
    ],
)  # fmt: skip
def test_what_is_no_prediction_is_one_line_with_row_and_column(tmp_path: Path, columns: Columns, message: str) -> None:
    """The way out stands behind it."""
    with pytest.raises(AuditError, match=message) as caught:
        read(tmp_path, columns)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (truth()[0].astype(str), "column 'logits' needs numbers, got <U"),
        (truth()[0].astype(complex), "column 'logits' needs numbers, got complex128"),
        (truth()[0][:0], r"needs a row for each example, got 'logits' of \(0, 3\)"),
        (truth()[0][:10], "needs a label for each of 10 rows, got 60"),
        (truth()[0][None, None], r"needs \[examples, classes\] or \[queries, examples, classes\], got \(1, 1, 60, 3\)"),
    ],
)
def test_arrays_that_are_no_answers_are_refused(tmp_path: Path, logits: Any, message: str) -> None:
    """Words, no rows, too few, or an axis too many."""
    _, labels, inside = truth()
    with pytest.raises(AuditError, match=message):
        read(tmp_path, {"logits": logits, "label": labels, "member": inside}, "npz")


@pytest.mark.parametrize(
    ("inside", "outside", "message"),
    [
        ("3\n5\n3\n", "1\n", "in.txt: line 3 has 3, which line 1 has already"),
        ("3\n5\n", "1\n5\n", "out.txt, line 2: 5 is among the members too .in.txt, line 2"),
        ("3\n60\n", "1\n", "in.txt: line 2 needs a position from 0 to 59, got 60"),
        ("3\nfive\n", "1\n", "in.txt: line 2 needs a whole number from 0, got 'five'"),
        ("3\n-1\n", "1\n", "line 2 needs a position from 0 to 59, got -1"),
        ("3.5\n", "1\n", "line 1 needs a whole number from 0, got '3.5'"),
        ("", "1\n", "in.txt: needs positions of examples, got none"),
    ],
)
def test_positions_are_refused_by_their_line(tmp_path: Path, inside: str, outside: str, message: str) -> None:
    """An index twice, on both sides, out of range, or none at all."""
    logits, labels, _ = truth()
    path = csv_of(tmp_path / "p.csv", {**wide(logits), "label": labels})
    (tmp_path / "in.txt").write_text(inside)
    (tmp_path / "out.txt").write_text(outside)
    with pytest.raises(AuditError, match=message):
        predictions.read(path, Wanted(), Sides(members=tmp_path / "in.txt", nonmembers=str(tmp_path / "out.txt")))


def test_members_alone_need_a_word_about_the_rest(tmp_path: Path) -> None:
    """Nobody is a non-member because nobody said so."""
    logits, labels, _ = truth()
    path = csv_of(tmp_path / "p.csv", {**wide(logits), "label": labels})
    (tmp_path / "in.txt").write_text("3\n")
    with pytest.raises(AuditError, match="got members alone; give a file with --nonmembers, or --nonmembers rest"):
        predictions.read(path, Wanted(), Sides(members=tmp_path / "in.txt", nonmembers=""))


def columns_named(values: Floats, labels: Ints, member: Bools) -> Columns:
    """Return answers under the bare names of classes."""
    return {**wide(values, "", NAMES), "label": [NAMES[label] for label in labels], "member": member.astype(int)}


def test_bare_outputs_say_as_what_they_were_taken(tmp_path: Path) -> None:
    """Logits or probabilities, by what rows sum to: one of two notes, and never none."""
    logits, labels, member = truth()
    taken = read(tmp_path, columns_named(logits, labels, member))
    assert any("taken as logits" in note for note in taken.notes)
    taken = read(tmp_path, columns_named(softmax(logits, axis=1), labels, member))
    assert any("taken as probabilities" in note for note in taken.notes)


@pytest.mark.parametrize("spoil", ["some rows halved", "all rows times 1.3", "half of the rows times 30"])
def test_outputs_that_seem_to_be_shares_are_not_taken_for_logits(tmp_path: Path, spoil: str) -> None:
    """None below zero, and sums that are one, or one and the same, in part: one line that says a row's sum."""
    logits, labels, member = truth()
    shares = softmax(logits, axis=1)
    shares[{"some rows halved": slice(12), "all rows times 1.3": slice(None), "half of the rows times 30": slice(0, ROWS, 2)}[spoil]] *= {
        "some rows halved": 0.5, "all rows times 1.3": 1.3, "half of the rows times 30": 30.0,
    }[spoil]  # fmt: skip
    with pytest.raises(AuditError, match=r"needs to be logits, or probabilities that sum to 1, got no value below 0 and a sum of"):
        read(tmp_path, columns_named(shares, labels, member))


def test_rounding_may_move_a_sum_by_half_a_step_a_class(tmp_path: Path) -> None:
    """Ten classes in whole per cent may sum to 97 to 103: taken, and said."""
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(10), 2_000).round(2)
    shares = shares[np.argsort(-np.abs(shares.sum(axis=1) - 1))[:400]]
    assert (np.abs(shares.sum(axis=1) - 1) > 0.021).any()
    table = {**wide(shares, "p_", tuple(range(10))), "label": rng.integers(0, 10, 400), "member": rng.integers(0, 2, 400)}
    assert any("rounded to 2 decimals" in note for note in read(tmp_path, table).notes)


@pytest.mark.parametrize(("name", "axis"), [("losses", 1), ("loss", 0)])
def test_a_loss_that_is_no_number_is_told_by_its_row(tmp_path: Path, name: str, axis: int) -> None:
    """Asked once, [rows], or several times, [queries, rows]."""
    values = np.full((2, 40)[1 - axis :], 0.5)
    values[..., 7] = np.nan
    np.savez(tmp_path / "p.npz", **{"member": np.arange(40) % 2, name: values})
    with pytest.raises(AuditError, match=r"row 7 \(from 0\), column '\w+' needs a finite number, got nan"):
        predictions.read(tmp_path / "p.npz", Wanted())
