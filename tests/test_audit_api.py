"""The Python interface: `mia_audit.run` and what it returns."""

from dataclasses import replace
from pathlib import Path

import pytest

import mia_audit
from mia_audit.catalogue import load_recipe, override
from mia_audit.errors import AuditError, RecipeError
from mia_audit.record import Record, load, verdict
from tests.support.engine_runs import SMALL, small_audit


def test_run_returns_the_record_it_wrote(tmp_path: Path) -> None:
    """What comes back is what lies in the folder."""
    record = small_audit(tmp_path)
    assert isinstance(record, Record)
    assert record.folder == tmp_path / "record"
    assert load(tmp_path / "record").summary == record.summary


def test_a_recipe_object_is_a_target(tmp_path: Path) -> None:
    """A recipe changed in Python is audited as it is."""
    recipe = override(load_recipe("ann"), {"data.dataset": "iris", "name": "changed", **SMALL, "audit.shadows": 12})
    record = mia_audit.run(recipe, store=tmp_path / "store", out=tmp_path / "record", device="cpu", workers=1)
    assert record.summary.recipe.name == "changed"
    assert record.name == f"changed-{record.id[:8]}"


def test_mistakes_are_audit_errors(tmp_path: Path) -> None:
    """A caller catches one class; the message is the command line's."""
    with pytest.raises(AuditError, match="--surrogate needs a spiking target, got 'ann', an ANN"):
        mia_audit.run("ann", surrogate="sre", store=tmp_path, out=tmp_path)
    with pytest.raises(RecipeError, match="an audit needs from 2 to 100000 shadow models, got 1"):
        mia_audit.run("ann", shadows=1, store=tmp_path, out=tmp_path)


def test_a_notebook_shows_the_summary(tmp_path: Path) -> None:
    """The record shows verdict and table as HTML, and whatever a recipe is called stays text."""
    record = small_audit(tmp_path)
    shown = record._repr_html_()
    assert all(f"<td>{attack.name}</td><td>{attack.auc.value:.3f}</td>" in shown for attack in record.summary.attacks)
    recipe = record.summary.recipe.model_copy(update={"name": "<script>alert(1)</script>"})
    named = replace(record, summary=record.summary.model_copy(update={"recipe": recipe}))
    assert "<script>" not in named._repr_html_()
    assert "&lt;script&gt;" in named._repr_html_()


def test_the_verdict_never_says_private(tmp_path: Path) -> None:
    """Leak, no leak and failed control each have their sentence."""
    summary = small_audit(tmp_path, attacks="thresholds").summary
    best = summary.strongest
    low, high = (best.model_copy(update={"auc": best.auc.model_copy(update={"low": end})}) for end in (0.2, 0.6))
    failed = summary.controls[0].model_copy(update={"passed": False})
    sentences = [
        verdict(summary.model_copy(update={"attacks": (low,)})),
        verdict(summary.model_copy(update={"attacks": (high,)})),
        verdict(summary.model_copy(update={"controls": (failed,)})),
    ]
    openings = ["The attacks run here found no leakage", "Membership leaks", "Do not rely on this audit: a control failed (phantom target)"]
    assert [sentence.startswith(opening) for sentence, opening in zip(sentences, openings, strict=True)] == [True] * 3
    assert not any("private" in sentence.lower() for sentence in sentences)
