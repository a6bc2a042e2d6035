"""The Python interface: `mia_audit.run` and what it returns."""

import os
import re
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import mia_audit
from mia_audit.audit import Options, asked
from mia_audit.audit.request.options import data_root, default_store, describe, unclaimed, writable
from mia_audit.audit.request.reading import READERS
from mia_audit.catalogue import load_recipe, override
from mia_audit.errors import AuditError, OutputError, RecipeError, UsageError
from mia_audit.paths import expanded
from mia_audit.record import Record, load, verdict
from mia_audit.report.table import columns as columns_of
from tests.support.engine_runs import small_audit

PLACES: dict[str, Any] = {"store": "$PLACE/store", "device": "cpu", "workers": 1}


class Heard:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.stages, self.shares, self.notes = list[str](), list[float](), list[str]()

    def stage(self, name: str) -> None:
        """Remember a stage."""
        self.stages.append(name)

    def progress(self, share: float) -> None:
        """Remember a share."""
        self.shares.append(share)

    def note(self, text: str) -> None:
        """Remember a line."""
        self.notes.append(text)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that `$PLACE` names, for this file's audits."""
    os.environ["PLACE"] = str(tmp_path_factory.mktemp("place"))
    return Path(os.environ["PLACE"])


@pytest.fixture(scope="module")
def heard() -> Heard:
    """Return who heard the audit below."""
    return Heard()


@pytest.fixture(scope="module")
def audited(place: Path, heard: Heard) -> mia_audit.Record:
    """Return an audit run as a user runs it: a recipe changed in Python, texts for paths, attacks and memory."""
    recipe = override(load_recipe("ann"), {"data.dataset": "iris", "name": "changed", "audit.shadows": 12})
    settings = {"training": {"epochs": 2}}
    assert os.environ["PLACE"] == str(place)
    where = {**PLACES, "out": "$PLACE/record", "watcher": heard, "memory": "8GiB"}
    return mia_audit.run(recipe, attacks="loss, margin,lira-online", settings=settings, **where)


def test_run_returns_the_record_it_wrote(audited: mia_audit.Record, place: Path) -> None:
    """What comes back is what lies in the folder, its page beside it; a table of settings changed one field and no other."""
    assert isinstance(audited, Record)
    assert audited.folder == (folder := place / "record")
    assert mia_audit.load("$PLACE/record").summary == audited.summary
    assert {path.name for path in folder.iterdir()} == {"record.json", "arrays.npz", "exposed.npz", "run.json", "report.html"}
    recipe = audited.summary.recipe
    assert audited.name == f"changed-iris-fp-{audited.id[:8]}"
    assert recipe.audit.attacks == ("loss", "margin", "lira-online")
    plain = describe("ann", Options(dataset="iris", shadows=12)).training
    assert recipe.training == plain.model_copy(update={"epochs": 2, "stop_epoch": 2})


def test_the_watcher_hears_all(audited: mia_audit.Record, heard: Heard, place: Path) -> None:
    """Stages in order, the page among them; an audit whose cohorts are in the store says how many, in one line."""
    assert heard.stages == [*audited.run["seconds"], "draw the report"]
    assert heard.notes == []
    again = Heard()
    mia_audit.run(audited.summary.recipe, **PLACES, out=place / "record", force=True, watcher=again)
    assert again.notes == [f"1 of 1 cohorts came from the store {place / 'store'}"]


def test_a_record_is_not_overwritten_unless_forced(audited: mia_audit.Record, place: Path) -> None:
    """Said before anything trains, and the record stays; with force=True (above) the audit runs."""
    before = {path.name: path.read_bytes() for path in sorted((place / "record").iterdir())}
    message = "an audit needs a folder without a record, got one with record.json; give another --out, or --force"
    with pytest.raises(OutputError, match=message):
        mia_audit.run("ann", dataset="iris", **{**PLACES, "store": place / "other"}, out=place / "record")
    assert {path.name: path.read_bytes() for path in sorted((place / "record").iterdir())} == before
    assert not (place / "other").exists()
    assert unclaimed(audited.folder or place, force=True) == place / "record"


def test_attacks_are_a_flat_table(audited: mia_audit.Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row an attack, the headline first and marked, every number of the summary in a column of its own; without pandas, a list."""
    table = audited.attacks
    assert next(iter(table["attack"])) == audited.summary.headline
    assert list(table["headline"]) == [True, False, False]
    assert list(table["rehearsal_auc"][1:]) == sorted(table["rehearsal_auc"][1:], reverse=True)
    monkeypatch.setitem(sys.modules, "pandas", None)
    rows = audited.attacks
    assert [list(row) for row in rows] == [list(table.columns)] * 3
    for attack in audited.summary.attacks:
        (row,) = (row for row in rows if row["attack"] == attack.name)
        assert (row["auc"], row["auc_low"], row["auc_high"]) == (attack.auc.value, attack.auc.low, attack.auc.high)
        for rate in attack.tpr_at_fpr:
            assert row[f"tpr_at_{rate.fpr:g}_fpr"] == rate.tpr.value
            assert row[f"tpr_at_{rate.fpr:g}_fpr_high"] == rate.tpr.high
        assert (row["balanced_accuracy"], row["phantom_p_holm"]) == (attack.balanced_accuracy.value, attack.phantom_p_holm)
    np.testing.assert_array_equal(table["auc_high"].to_numpy(), [row["auc_high"] for row in rows])


def test_examples_are_a_flat_table(audited: mia_audit.Record) -> None:
    """A row for each of the pool, as `export` writes them."""
    table, columns = audited.examples, columns_of(audited)
    assert list(table.columns) == list(columns)
    assert list(table["position"]) == columns["position"]
    assert list(table["named"].dropna()) == [each for each in columns["named"] if each is not None]


def test_figures_are_for_a_paper(audited: mia_audit.Record, tmp_path: Path) -> None:
    """Each is one column wide and names what it draws; its curve ends where the arrays say; colours are resolved in the file."""
    figures = {name: audited.figure(name) for name in ("roc", "roc-linear", "scores")}
    assert all(isinstance(figure, Figure) and figure.get_figwidth() == 3.4 for figure in figures.values())
    line = figures["roc-linear"].axes[0].get_lines()[0]
    best = audited.summary.strongest
    assert str(line.get_label()).startswith(f"{best.name} ({best.auc.value:.3f}"[:-1])
    assert np.trapezoid(line.get_ydata(), line.get_xdata()) == pytest.approx(best.auc.value)
    figures["roc"].savefig(tmp_path / "roc.svg")
    drawn = (tmp_path / "roc.svg").read_text(encoding="utf-8")
    assert "False positive rate" in drawn
    assert "var(--" not in drawn
    with pytest.raises(UsageError, match="figure needs one of roc, roc-linear, scores, got 'rok'"):
        audited.figure("rok")


def test_the_page_goes_where_it_is_told(audited: mia_audit.Record, tmp_path: Path) -> None:
    """Into the record's folder unless a file is named; a record in no folder needs one."""
    loaded = mia_audit.load(audited.folder or tmp_path)  # another test may have run the audit into that folder once more, a minute later
    drawn = loaded.report(tmp_path / "deep" / "page.html")
    assert drawn.read_bytes() == ((audited.folder or tmp_path) / "report.html").read_bytes()
    with pytest.raises(OutputError, match="this record lies in no folder; name one"):
        replace(audited, folder=None).report()


def test_a_record_says_itself_in_five_lines(audited: mia_audit.Record) -> None:
    """What was audited, the verdict, the headline's numbers, accuracy and controls, and where it lies."""
    lines = repr(audited).splitlines()
    assert len(lines) == 5
    assert lines[0].startswith(f"Record {audited.name}: changed on Iris")
    assert lines[1] == verdict(audited.summary)
    assert lines[2].startswith(f"Headline {audited.summary.headline}: AUC {audited.summary.strongest.auc.value:.3f}")
    assert "Test accuracy" in lines[3]
    assert "passed" in lines[3]
    assert lines[4] == str(audited.folder)


def test_mistakes_are_audit_errors(tmp_path: Path) -> None:
    """A caller catches one class; the message is the command line's."""
    with pytest.raises(AuditError, match="--surrogate needs a spiking target, got 'ann', an ANN"):
        mia_audit.run("ann", surrogate="sre", store=tmp_path, out=tmp_path)
    with pytest.raises(RecipeError, match="an audit needs from 2 to 100000 shadow models, got 1"):
        mia_audit.run("ann", shadows=1, store=tmp_path, out=tmp_path)


def test_a_notebook_shows_the_summary(audited: mia_audit.Record) -> None:
    """Verdict, accuracy and a table: the headline marked and first, the others by strength; whatever a recipe is called stays text."""
    record, shown = audited, audited._repr_html_()
    names = re.findall(r'<th scope="row">(?:<b>)?([a-z-]+)(</b> \(headline\))?</th><td>([0-9.]+)</td>', shown)
    assert [name for name, _, _ in names] == list(record.attacks["attack"])
    assert [bool(marked) for _, marked, _ in names] == [True, False, False]
    assert [float(area) for _, _, area in names] == pytest.approx(list(record.attacks["auc"]), abs=5e-4)
    assert f"Test accuracy {record.summary.utility.test_accuracy.value:.1%}" in shown
    assert "TPR at 1% FPR" in shown
    recipe = record.summary.recipe.model_copy(update={"name": "<script>alert(1)</script>"})
    named = replace(record, summary=record.summary.model_copy(update={"recipe": recipe}))
    assert "<script>" not in named._repr_html_()
    assert "script-alert-1-script" in named._repr_html_()


def test_the_verdict_never_says_private(tmp_path: Path) -> None:
    """Leak, no leak and failed control each have their sentence."""
    summary = small_audit(tmp_path, attacks="thresholds").summary
    tests = summary.looks
    assert tests is not None
    low, high = (tests.model_copy(update={"headline_p": p, "found": ()}) for p in (0.5, 0.001))
    assert summary.beyond is not None
    beyond = summary.beyond.model_copy(update={"p": 0.001})
    failed = summary.controls[0].model_copy(update={"passed": False})
    sentences = [
        verdict(summary.model_copy(update={"looks": low})),
        verdict(summary.model_copy(update={"looks": high, "beyond": beyond})),
        verdict(summary.model_copy(update={"controls": (failed,)})),
    ]
    openings = ["The attacks run here found no leakage", "Membership leaks", "Do not rely on this audit: a control failed (phantom target)"]
    assert [sentence.startswith(opening) for sentence, opening in zip(sentences, openings, strict=True)] == [True] * 3
    assert not any("private" in sentence.lower() for sentence in sentences)


def test_every_option_has_a_reader_and_a_line_in_the_docstring() -> None:
    """The fields of Options, the readers, the arguments of `run` and its docstring name the same things."""
    names = {each.name for each in fields(Options)}
    assert set(READERS) == names
    assert set(mia_audit.run.__annotations__) == {*names, "target", "watcher", "return"}
    told = re.findall(r"^        (\w+): ", mia_audit.run.__doc__ or "", re.MULTILINE)
    assert told == [name for name in mia_audit.run.__annotations__ if name != "return"] + ["AuditError"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"shadows": "many"}, "--shadows needs a whole number"),
        ({"shadows": 12.5}, "--shadows needs a whole number"),
        ({"shadows": True}, "--shadows needs a whole number"),
        ({"workers": 0}, "--workers needs a whole number from 1, got 0; leave it out"),
        ({"workers": -1}, "--workers needs a whole number from 1, got -1"),
        ({"memory": "lots"}, "--memory needs a size such as 8GiB or 500MiB, got 'lots'"),
        ({"memory": 0}, "--memory needs a whole number from 1, got 0"),
        ({"memory": [8]}, "--memory needs a whole number from 1"),
        ({"attacks": 3}, "--attacks needs names, got 3"),
        ({"attacks": ["loss", 3]}, "--attacks needs names"),
        ({"attacks": {"loss": 1}}, "--attacks needs names"),
        ({"out": 3}, "--out needs a path, got 3"),
        ({"out": ""}, "--out needs a path, got ''"),
        ({"store": "a\0b"}, "--store needs a path"),
        ({"data_root": "~nobody-here/data"}, "--data-root needs a home folder for ~nobody-here"),
        ({"slices": "$NO_SUCH_VARIABLE/x"}, r"--slices needs a value of \$NO_SUCH_VARIABLE"),
        ({"ptq": "yes"}, "--ptq needs True or False, got 'yes'"),
        ({"expose": 1}, "--expose needs True or False, got 1"),
        ({"device": 0}, "--device needs a name, got 0"),
        ({"dataset": ""}, "--dataset needs a name, got ''"),
        ({"surrogate_area": "wide"}, "--surrogate-area needs a number, got 'wide'"),
        ({"settings": ["training.epochs=3"]}, r"--set \(settings\) needs recipe fields and their values"),
        ({"settings": {3: 4}}, r"--set \(settings\) needs recipe fields"),
    ],
)
def test_nonsense_is_refused_in_the_words_of_the_command_line(given: dict[str, Any], message: str) -> None:
    """Each argument of `run` is checked before anything is looked up; a caller catches one class."""
    with pytest.raises(AuditError, match=f"^{message}"):
        mia_audit.run("ann", **given)


@pytest.mark.parametrize("target", [3, None, b"ann", ["ann"]])
def test_a_target_is_a_name_a_path_or_a_recipe(target: Any) -> None:
    """Nothing else is one."""
    with pytest.raises(UsageError, match=r"^--target needs a path, got"):
        describe(target, Options())


def test_what_is_written_in_other_types_is_read(tmp_path: Path) -> None:
    """NumPy's numbers, paths as targets and cards, a size as bytes or as text, one name or several."""
    options = asked(
        shadows=np.int64(12), memory=2e9, attacks=tmp_path / "mine.toml", settings={"training.epochs": np.int32(3)}, ptq=np.True_
    )
    assert (options.shadows, options.memory, options.attacks) == (12, 2_000_000_000, [str(tmp_path / "mine.toml")])
    assert asked(attacks="full").attacks == ["full"]
    assert asked(attacks=["a ", Path("b.toml")]).attacks == ["a", "./b.toml"]
    assert asked(memory="8GiB").memory == 8 * 2**30
    assert describe("ann-q4", options).training.epochs == 3
    (tmp_path / "mine.toml").write_text('name = "mine"\nsummary = "Mine."\n', encoding="utf-8")
    assert describe(tmp_path / "mine.toml", Options()).name == "mine"


@pytest.mark.parametrize(
    "settings",
    [
        {"training": {"epochs": 3}, "model": {"quantization": {"weight_bits": 4}}},
        {"training.epochs": 3, "model.quantization.weight_bits": 4},
        {"training": {"epochs": 9}, "training.epochs": 3, "model.quantization": {"weight_bits": 4}},
    ],
)
def test_tables_of_settings_are_merged(settings: dict[str, Any]) -> None:
    """A table changes the fields it names, at every depth, and leaves the others alone: the same as dotted paths."""
    plain = describe("snn", Options()).model_dump()
    plain["training"] |= {"epochs": 3, "stop_epoch": 3}
    plain["model"]["quantization"]["weight_bits"] = 4
    assert describe("snn", asked(settings=settings)).model_dump() == plain


WAYS: dict[str, Callable[[str], Path | None]] = {
    "option": lambda text: asked(out=text).out,
    "data root": lambda text: asked(data_root=text).data_root,
    "environment": lambda _: data_root(),
    "cache": lambda _: default_store().parent.parent,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", ["~/deep/er", "$MINE/deep/er", "${MINE}/deep/er"])
def test_home_and_variables_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, text: str) -> None:
    """In every place that takes a path, whatever the shell left of it."""
    for name, value in {"HOME": str(tmp_path), "MINE": str(tmp_path), "MIA_AUDIT_DATA": text, "XDG_CACHE_HOME": text}.items():
        monkeypatch.setenv(name, value)
    assert WAYS[way](text) == tmp_path / "deep" / "er"


def test_targets_cards_records_and_pages_are_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audited: mia_audit.Record) -> None:
    """The other places: recipe files, attack cards, record folders, pages and tables; nothing called `~` appears."""
    from mia_audit.attacks.cards import load_card  # noqa: PLC0415
    from mia_audit.report.table import write_csv  # noqa: PLC0415

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text('name = "mine"\nsummary = "Mine."\n', encoding="utf-8")
    (tmp_path / "card.toml").write_bytes((Path(__file__).parent.parent / "attacks" / "loss.toml").read_bytes())
    assert load_recipe("~/mine.toml").name == "mine"
    assert load_card("~/card.toml").name == "loss"
    written = audited.write("~/record")
    assert written.folder == tmp_path / "record"
    assert load("~/record").id == mia_audit.load("~/record").id == audited.id
    audited.report("~/page.html")
    write_csv(audited, "~/rows.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.toml", "card.toml", "record", "page.html", "rows.csv"}


def test_a_name_with_a_dollar_that_exists_is_itself(tmp_path: Path) -> None:
    """Only what would lead nowhere is looked up."""
    (tmp_path / "a$HOME").mkdir()
    assert expanded(str(tmp_path / "a$HOME")) == tmp_path / "a$HOME"


def test_a_folder_is_tried_and_left_alone(tmp_path: Path) -> None:
    """Nothing stays of the trial: neither the file nor folders that were made for it; those that were there stay."""
    (tmp_path / "there").mkdir()
    for folder in ("there", "there/a/b", "new/c"):
        assert writable(tmp_path / folder) == tmp_path / folder
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]


def test_a_relative_cache_is_no_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The specification of XDG_CACHE_HOME has relative paths ignored."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert default_store() == tmp_path / ".cache" / "mia-audit" / "store"


def test_what_the_package_does_not_have() -> None:
    """The version is found out when it is asked for (the command line's test compares it); nothing else is made up."""
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = mia_audit.nothing  # pyright: ignore[reportAttributeAccessIssue]
