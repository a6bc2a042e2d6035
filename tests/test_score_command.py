"""`mia-audit score`: a file of predictions in, a record and its page out, opened by `mia-audit report`; numbers follow from arrays."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import mia_audit
from mia_audit.arrays import write_arrays
from mia_audit.cli.main import main
from mia_audit.errors import AuditError, RecordError
from mia_audit.face.scoring import at_level
from mia_audit.record.scored import load
from mia_audit.statistics.delong import auc_interval
from mia_audit.statistics.interval import LEVEL
from tests.support.html import tags, text
from tests.support.records import make_record
from tests.test_score import arrays


def run(*arguments: str) -> int:
    """Run the command line and return its exit code."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


@pytest.fixture(name="files", scope="module")
def _files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a target that remembers, with references, and a table of the same."""
    folder = tmp_path_factory.mktemp("files")
    logits, member, labels = arrays(2.0)
    np.savez(folder / "p.npz", logits=logits[0], label=labels, member=member[0])
    np.savez(folder / "references.npz", logits=logits[1:], member=member[1:])
    return folder


@pytest.fixture(name="scored", scope="module")
def _scored(files: Path) -> Path:
    """Score them."""
    assert run("score", str(files / "p.npz"), "--references", str(files / "references.npz"), "--out", str(files / "out")) == 0
    return files / "out"


def test_the_record_holds_what_score_found(scored: Path) -> None:
    """The command and `mia_audit.score` say the same of the same arrays, and scikit-learn agrees on every AUC."""
    record = load(scored)
    logits, member, labels = arrays(2.0)
    found = mia_audit.score(logits=logits[0], labels=labels, member=member[0], references=(logits[1:], member[1:]))
    assert record.verdict == found.verdict
    assert record.summary.headline == found.headline
    for each in record.summary.attacks:
        area = roc_auc_score(record.arrays["member"], record.arrays[f"scores/{each.name}"])
        assert each.auc.value == pytest.approx(area)
    np.testing.assert_array_equal(record.arrays["member"], member[0][record.arrays["judged"]])
    assert record.summary.read.columns == (("member", "member"), ("label", "label"), ("logits", "logits"))


def test_the_page_says_it_and_report_draws_it_again(scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Byte for byte; nothing runs on it and nothing is fetched."""
    assert run("report", str(scored), "-o", str(tmp_path / "again.html")) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "again.html")
    page = (scored / "report.html").read_text()
    assert (tmp_path / "again.html").read_text() == page
    record = load(scored)
    assert record.verdict in text(page).replace("\n", " ")
    assert record.id in page
    assert not {"script", "iframe", "form"} & {tag for tag, _ in tags(page)}
    for each in record.summary.attacks:
        assert f"{each.auc.value:.3f}" in page
    assert run("report", str(scored), "--share", "-o", str(tmp_path / "no.html")) == 2


def test_hostile_names_are_words_on_the_page(tmp_path: Path) -> None:
    """Markup in the name of a column or a file is shown, not obeyed."""
    logits, member, labels = arrays(1.0, models=1)
    name = "<img src=x onerror=alert(1)>"
    np.savez(tmp_path / f"{name}.npz", **{name: logits[0], "label": labels, "member": member[0]})
    assert run("score", str(tmp_path / f"{name}.npz"), "--outputs", name, "--out", str(tmp_path / "out")) == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "img" not in {tag for tag, _ in tags(page)}
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


@pytest.mark.parametrize("change", [{"members": 1}, {"tested": "margin"}, {"power": 0.9}])
def test_an_edited_record_is_refused(scored: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    """Its hash stands in two other files, and its numbers in its arrays."""
    for name in ("record.json", "arrays.npz", "run.json"):
        (tmp_path / name).write_bytes((scored / name).read_bytes())
    content = {**json.loads((tmp_path / "record.json").read_text()), **change}
    (tmp_path / "record.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    with pytest.raises(RecordError, match=r"record\.json"):
        load(tmp_path)


def test_an_auc_that_its_arrays_do_not_give_is_refused(scored: Path, tmp_path: Path) -> None:
    """Whoever writes all three files anew is found by counting."""
    record = load(scored)
    first = record.summary.attacks[0]
    forged = first.model_copy(update={"auc": first.auc.model_copy(update={"value": 0.5})})
    summary = record.summary.model_copy(update={"attacks": (forged, *record.summary.attacks[1:])})
    type(record)(summary=summary, arrays=record.arrays).write(tmp_path)
    with pytest.raises(RecordError, match=rf"AUC of {first.name} in record.json is 0.5, its arrays give"):
        load(tmp_path)


def test_a_record_that_nothing_vouches_for_is_refused(scored: Path, tmp_path: Path) -> None:
    """Neither run.json nor the arrays tell a hash of record.json: intervals and words may be anybody's."""
    (tmp_path / "record.json").write_bytes((scored / "record.json").read_bytes())
    write_arrays(tmp_path / "arrays.npz", load(scored).arrays)
    with pytest.raises(RecordError, match="nothing vouches for this record"):
        load(tmp_path)


def test_a_record_leaves_nothing_of_an_audit_that_lay_there(scored: Path, tmp_path: Path) -> None:
    """Pictures of exposed examples and a page are of the record before; record.json names the folder as well as the folder does."""
    for name in ("exposed.npz", "report.html", "record.json"):
        (tmp_path / name).touch()
    written = load(scored / "record.json").write(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrays.npz", "record.json", "run.json"]
    assert load(tmp_path).id == written.id


def test_a_report_of_several_skips_predictions(scored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`report audits/*` names them too: they are told of, and the audits are drawn; alone, also by record.json, they are drawn."""
    make_record().write(tmp_path / "audit")
    assert run("report", str(scored), str(tmp_path / "audit"), "-o", str(tmp_path / "page.html")) == 0
    assert f"Skipped {scored}: predictions that were scored, which are drawn alone" in capsys.readouterr().err
    assert "snn-q4" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert run("report", str(scored / "record.json"), "-o", str(tmp_path / "alone.html")) == 0
    assert run("report", str(scored), str(tmp_path), "-o", str(tmp_path / "none.html")) == 2


def test_another_reader_of_records_points_to_report(scored: Path) -> None:
    """`mia_audit.load` reads audits."""
    with pytest.raises(AuditError, match=r"holds predictions that were scored, no audit; `mia-audit report"):
        mia_audit.load(scored)


def test_refusals_are_one_line_and_code_two(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written."""
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    for arguments in (
        [str(tmp_path / "no.csv")],
        [str(tmp_path / "absent.csv")],
        [str(files / "p.npz"), "--member", "nobody"],
        [str(files / "p.npz"), "--as", "dreams"],
        [str(files / "p.npz"), "--references", str(files / "p.npz")],
    ):
        assert run("score", *arguments, "--out", str(tmp_path / "out")) == 2
        said = capsys.readouterr()
        assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert not (tmp_path / "out").exists()


def test_what_files_hold_decides_what_runs(tmp_path: Path) -> None:
    """Losses alone, and predictions without labels: what cannot run is named with what it lacks."""
    logits, member, labels = arrays(1.0, models=1)
    z, rows = logits[0], np.arange(400)
    loss = np.log(np.exp(z).sum(axis=1)) - z[rows, labels]
    np.savez(tmp_path / "loss.npz", loss=loss, member=member[0])
    np.savez(tmp_path / "unlabelled.npz", logits=z, member=member[0])
    found = {}
    for name in ("loss", "unlabelled"):
        assert run("score", str(tmp_path / f"{name}.npz"), "--out", str(tmp_path / name)) == 0
        found[name] = load(tmp_path / name).summary
    assert [each.name for each in found["loss"].attacks] == ["loss"]
    assert found["loss"].attacks[0].auc.value == pytest.approx(roc_auc_score(member[0], -loss))
    assert any(each.startswith("For lack of the answers for every class: ") for each in found["loss"].left_out)
    assert {each.name for each in found["unlabelled"].attacks} == {"confidence", "entropy"}
    assert any(re.match(r"For lack of labels: .*loss", each) for each in found["unlabelled"].left_out)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99, 0.999])
def test_an_interval_at_another_level_is_delongs_own(level: float) -> None:
    """Widened on its scale, not ranked anew: the same to the last digits."""
    rng = np.random.default_rng(0)
    member = rng.random(300) < 0.4
    scores = rng.normal(size=300) + member
    quick, slow = at_level(auc_interval(scores, member, LEVEL), scores, member, level), auc_interval(scores, member, level)
    assert (quick.value, quick.low, quick.high) == pytest.approx((slow.value, slow.low, slow.high), abs=1e-9)
