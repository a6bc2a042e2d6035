"""Every number in record.json, worked out again from arrays.npz by other code than ours."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, mannwhitneyu
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score, roc_curve

from mia_audit.arrays import read_arrays, write_arrays
from mia_audit.errors import RecordError
from mia_audit.record import AttackResult, Record, load, proving
from mia_audit.report import pictures, render
from mia_audit.report.console import summary_table
from mia_audit.report.table import columns
from tests.support.engine_runs import small_audit


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Return the record of a spiking network on 300 digits, as read back from its folder."""
    settings = {"training.epochs": 2, "data.pool": 300, "data.population": 20, "model.channels": [3, 4], "model.time_steps": 3}
    written = small_audit(tmp_path_factory.mktemp("audit"), "snn-q4", dataset="digits", settings=settings)
    assert written.folder is not None
    return load(written.folder)


def member(record: Record) -> np.ndarray:
    """Return who of the audited examples the target was trained on."""
    return record.arrays["membership"][0, record.arrays["audited"]]


def scores(record: Record, attack: AttackResult) -> np.ndarray:
    """Return an attack's scores of the target."""
    return record.arrays[f"scores/{attack.name}"]


def test_auc_and_rates(record: Record) -> None:
    """AUCs are scikit-learn's; a TPR is the largest on its curve within the FPR, and has no value below ten false positives."""
    nonmembers = int((~member(record)).sum())
    for attack in record.summary.attacks:
        assert attack.auc.value == pytest.approx(roc_auc_score(member(record), scores(record, attack)))
        fpr, tpr, _ = roc_curve(member(record), scores(record, attack), drop_intermediate=False)
        for rate in attack.tpr_at_fpr:
            assert rate.expected_false_positives == pytest.approx(rate.fpr * nonmembers)
            resolved = rate.expected_false_positives >= 10
            assert rate.tpr.value == (pytest.approx(tpr[fpr <= rate.fpr + 1e-12].max()) if resolved else None)


def test_rehearsals_choose_threshold_and_headline(record: Record) -> None:
    """Both come from the rehearsals alone, of the examples that count in them: the best balanced accuracy, the largest mean AUC."""
    audited = record.arrays["audited"]
    rehearsing = record.arrays["membership"][2 : 2 + record.summary.counts.rehearsals, audited]
    counted = record.arrays["counted"]
    means = {}
    for attack in record.summary.attacks:
        rehearsed = record.arrays[f"rehearsal/{attack.name}"]
        each = [roc_auc_score(row[own], score[own]) for row, score, own in zip(rehearsing, rehearsed, counted, strict=True)]
        means[attack.name] = np.mean(each)
        assert attack.rehearsal_auc == pytest.approx(means[attack.name])
        fpr, tpr, _ = roc_curve(rehearsing[counted], rehearsed[counted], drop_intermediate=False)
        called = rehearsed[counted] > attack.threshold
        reached = called[rehearsing[counted]].mean() - called[~rehearsing[counted]].mean()
        assert reached == pytest.approx((tpr - fpr).max())
    assert record.summary.headline == max(means, key=lambda name: means[name])


def test_balanced_accuracy_and_advantage(record: Record) -> None:
    """Both are the target's, at the threshold of the rehearsals."""
    for attack in record.summary.attacks:
        called = scores(record, attack) > attack.threshold
        tpr, fpr = called[member(record)].mean(), called[~member(record)].mean()
        assert attack.advantage.value == pytest.approx(tpr - fpr)
        assert attack.balanced_accuracy.value == pytest.approx((1 + tpr - fpr) / 2)


def test_phantom(record: Record) -> None:
    """The phantom's AUC and p-values are SciPy's, two-sided; Holm's correction is the stepwise maximum."""
    asked = member(record)
    raw = {}
    for attack in record.summary.attacks:
        phantom = record.arrays[f"phantom/{attack.name}"]
        assert attack.phantom_auc.value == pytest.approx(roc_auc_score(asked, phantom))
        raw[attack.name] = mannwhitneyu(phantom[asked], phantom[~asked], method="asymptotic").pvalue
        assert attack.phantom_p == pytest.approx(raw[attack.name], rel=1e-6)
    order = sorted(raw, key=lambda name: raw[name])
    corrected = {
        name: max(min(1, (len(raw) - i) * raw[name]) for i, name in enumerate(order[: place + 1])) for place, name in enumerate(order)
    }
    assert {attack.name: attack.phantom_p_holm for attack in record.summary.attacks} == pytest.approx(corrected, rel=1e-6)
    control = next(one for one in record.summary.controls if one.name == "phantom target")
    assert control.passed == (min(corrected.values()) >= 0.01)


def test_the_phantom_is_scored_against_the_targets_row(record: Record) -> None:
    """It is the target's row, which agrees with the phantom's own and with no shadow model's beyond chance."""
    membership = record.arrays["membership"]
    assert (membership[1:] == membership[0]).mean(axis=1) == pytest.approx(0.5, abs=0.12)


def test_utility(record: Record) -> None:
    """Accuracies are shares of right predictions with exact intervals; the gap is their difference."""
    arrays, utility = record.arrays, record.summary.utility
    trained_on = arrays["membership"][0]
    train, test = (arrays["predictions"] == arrays["labels"])[trained_on], arrays["test_predictions"] == arrays["test_labels"]
    for estimate, right in ((utility.train_accuracy, train), (utility.test_accuracy, test)):
        exact = binomtest(int(right.sum()), right.size).proportion_ci(method="exact")
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((right.mean(), exact.low, exact.high))
    assert utility.gap.value == pytest.approx(train.mean() - test.mean())
    assert list(utility.firing_rates) == ["layer 1", "layer 2"]
    assert all(0 <= rate <= 1 for rate in utility.firing_rates.values())


def test_counts(record: Record) -> None:
    """Every count is the size of something in the arrays."""
    counts, arrays = record.summary.counts, record.arrays
    assert counts.pool == 300 == arrays["labels"].size == arrays["membership"].shape[1]
    assert counts.members == arrays["membership"][0].sum()
    assert (counts.audited_members, counts.audited_nonmembers) == (member(record).sum(), (~member(record)).sum())
    assert counts.excluded == 300 - arrays["audited"].size
    assert counts.shadows == 12 == len(arrays["membership"]) - 2
    assert counts.test == arrays["test_labels"].size
    assert counts.rehearsals == len(arrays["rehearsal/loss"]) == 4


def test_who_is_audited_follows_from_the_shadow_models_alone(record: Record) -> None:
    """Three shadow models on either side (LiRA's two and one that rehearses), judged without a look at the target."""
    with_it = record.arrays["membership"][2:].sum(axis=0)
    assert record.arrays["audited"].tolist() == np.flatnonzero((with_it >= 3) & (12 - with_it >= 3)).tolist()


def test_digests(record: Record) -> None:
    """The record's id is the hash of record.json, which holds the digest of the arrays."""
    assert record.folder is not None
    assert record.id == hashlib.sha256((record.folder / "record.json").read_bytes()).hexdigest()
    state = hashlib.sha256()
    for name, value in sorted(record.arrays.items()):
        state.update(f"{name}:{value.dtype.str}:{value.shape};".encode() + np.ascontiguousarray(value).tobytes())
    assert record.summary.arrays_sha256 == state.hexdigest()


def test_the_record_tells_no_time_and_no_place(record: Record) -> None:
    """Times, paths and versions of the machine are in run.json, not in record.json; run.json says what ran."""
    assert record.folder is not None
    text = (record.folder / "record.json").read_text(encoding="utf-8")
    assert str(record.folder.parent) not in text
    assert '"seconds"' not in text
    run = json.loads((record.folder / "run.json").read_text(encoding="utf-8"))
    assert set(run["seconds"]) >= {"prepare", "train and query", "attack and measure"}
    assert run["versions"]["torch"]
    assert run["cohorts_trained_now"] >= 1


def test_exposed_examples_are_the_highest_scores(record: Record) -> None:
    """Sixteen places in the pool with the headline's highest scores, their labels, and the pictures themselves."""
    exposed, best = record.exposed, record.summary.strongest
    audited = record.arrays["audited"]
    found = np.searchsorted(audited, exposed["positions"])
    assert exposed["scores"].tolist() == sorted(scores(record, best), reverse=True)[:16]
    assert exposed["scores"].tolist() == scores(record, best)[found].tolist()
    assert exposed["member"].tolist() == member(record)[found].tolist()
    assert exposed["labels"].tolist() == record.arrays["labels"][exposed["positions"]].tolist()
    assert exposed["pictures"].shape == (16, 8, 8)
    assert exposed["pictures"].dtype == np.uint8


def test_positions_count_the_data_set_as_stored(record: Record) -> None:
    """Whoever has the data set finds each example of the pool in it: scikit-learn's digits at these positions have the pool's labels."""
    positions, (values, labels) = record.arrays["pool_positions"], load_digits(return_X_y=True)
    np.testing.assert_array_equal(labels[positions], record.arrays["labels"])
    assert np.unique(positions).size == 300
    exposed = positions[record.exposed["positions"]]
    for picture, position in zip(record.exposed["pictures"], exposed, strict=True):
        np.testing.assert_array_equal(picture, np.rint(values[position].reshape(8, 8) / 16 * 255))
    table = columns(record)
    assert table["position"] == positions.tolist()
    assert [one.position for one in pictures.exposed(record)] == exposed.tolist()


def test_names_and_probabilities_are_told_of_each_example(record: Record) -> None:
    """They add up to the record's totals: how many names, how many of them right, how many examples in each step."""
    summary, arrays = record.summary, record.arrays
    assert summary.named is not None
    assert (arrays["named"].sum(), (arrays["named"] & member(record)).sum()) == (summary.named.names, summary.named.right)
    assert summary.calibration is not None
    assert summary.calibration.brier == pytest.approx(((arrays["probability"] - member(record)) ** 2).mean())
    for step in summary.calibration.steps:
        inside = (arrays["probability"] >= step.low) & (arrays["probability"] < step.high)
        assert (inside.sum(), member(record)[inside].sum()) == (step.examples, round((step.members.value or 0) * step.examples))
    table = columns(record)
    for name in ("named", "probability"):
        assert [value for value in table[name] if value is not None] == arrays[name].tolist()
        assert [at for at, value in enumerate(table[name]) if value is not None] == arrays["audited"].tolist()


def lost(folder: Path) -> str:
    """Return why a record shows no exposed examples; everything else of it is there."""
    found = load(folder)
    assert found.exposed == {}
    (why,) = found.doubts
    assert why in render([found])
    assert any(why in line for line in summary_table(found)[1])
    return why


def test_exposed_places_outside_the_pool_cost_the_pictures(record: Record, tmp_path: Path) -> None:
    """They lead to positions as stored, so a place that does not exist, or was not audited, is shown to nobody."""
    record.write(tmp_path)
    outside = np.setdiff1d(np.arange(300), record.arrays["audited"])[:1]
    for place in (300, -1, 0.5, *outside):
        spoilt = np.where(np.arange(16) == 2, place, record.exposed["positions"])
        write_arrays(tmp_path / "exposed.npz", {**record.exposed, "positions": spoilt})
        assert "its places are not all among the" in lost(tmp_path)


@pytest.mark.parametrize("name", ["labels", "scores", "member"])
def test_exposed_examples_of_another_record_cost_the_pictures(record: Record, tmp_path: Path, name: str) -> None:
    """What they say of an example has to be what the arrays say of it."""
    record.write(tmp_path)
    other = record.exposed[name].copy()
    other[3] = not other[3] if name == "member" else other[3] + 1
    write_arrays(tmp_path / "exposed.npz", {**record.exposed, name: other})
    assert f"its {name} are not those of the record" in lost(tmp_path)


def test_a_damaged_file_of_pictures_costs_the_pictures(record: Record, tmp_path: Path) -> None:
    """Cut short, or no file of arrays at all."""
    record.write(tmp_path)
    whole = (tmp_path / "exposed.npz").read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"noise"):
        (tmp_path / "exposed.npz").write_bytes(content)
        assert "exposed.npz cannot be used" in lost(tmp_path)


def test_nobody_is_exposed_unless_asked(tmp_path: Path) -> None:
    """Without pictures the record has no such file, and its numbers are the same."""
    import mia_audit  # noqa: PLC0415  its own call, for an argument of its own

    shown = small_audit(tmp_path, attacks="thresholds")
    places = {"store": tmp_path / "store", "out": tmp_path / "hidden", "device": "cpu", "workers": 1}
    hidden = mia_audit.run(
        "ann", dataset="iris", shadows=12, attacks=["thresholds"], settings={"training.epochs": 2}, expose=False, **places
    )
    assert hidden.folder is not None
    assert not (hidden.folder / "exposed.npz").exists()
    assert hidden.id == shown.id


def test_a_record_written_over_another_leaves_nothing_of_it(record: Record, tmp_path: Path) -> None:
    """Pictures that the second audit must not show do not stay behind from the first, nor does its report."""
    record.write(tmp_path)
    (tmp_path / "report.html").write_text("with pictures", encoding="utf-8")
    Record(summary=record.summary, arrays=record.arrays, run={}).write(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"record.json", "arrays.npz", "run.json"}
    assert load(tmp_path).exposed == {}


def test_a_record_that_does_not_fit_leaves_the_old_one(record: Record, tmp_path: Path) -> None:
    """A record that cannot be written whole (here: a time that is no JSON) is not written at all."""
    record.write(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(TypeError):
        Record(summary=record.summary, arrays={"other": np.zeros(3)}, run={"seconds": object()}).write(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("missing", ["positions", "labels", "scores", "member"])
def test_exposed_examples_that_do_not_fit_together_cost_the_pictures(record: Record, tmp_path: Path, missing: str) -> None:
    """The digest does not cover them: an array that is absent or short is said in one line, not met while drawing."""
    record.write(tmp_path)
    for spoilt in ({}, {missing: record.exposed[missing][:1]}, {missing: np.array(1)}):
        others = {name: array for name, array in record.exposed.items() if name != missing}
        write_arrays(tmp_path / "exposed.npz", others | spoilt)
        assert "it needs positions, labels, scores, member of one length" in lost(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"schema_version": 1', '"schema_version":  1', "is not what the audit wrote"),
        ('"headline": "', '"headline": "zz', "is not what the audit wrote"),
        ('"members": ', '"members": NaN, "x": ', "is not a record"),
        ("{", "[" * 100_000, "is not a record"),
    ],
)
def test_an_edited_record_is_noticed(record: Record, tmp_path: Path, old: str, new: str, line: str) -> None:
    """A changed byte of record.json, whatever it says, is refused in one line."""
    record.write(tmp_path)
    text = (tmp_path / "record.json").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "record.json").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(RecordError, match=line):
        load(tmp_path)


def test_without_run_json_arrays_still_vouch_for_it(record: Record, tmp_path: Path) -> None:
    """They tell its hash too: an edited record.json is noticed, and an untouched one raises no doubt."""
    record.write(tmp_path)
    (tmp_path / "run.json").unlink()
    assert load(tmp_path).doubts == ()
    text = (tmp_path / "record.json").read_text(encoding="utf-8")
    (tmp_path / "record.json").write_text(text.replace('"sha256"', '"sha256" '), encoding="utf-8")
    with pytest.raises(RecordError, match=r"record\.json is not what the audit wrote \(arrays\.npz tells another hash\)"):
        load(tmp_path)


def forge(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change record.json, and write the hashes that vouch for it anew."""
    content = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    change(content)
    text = json.dumps(content, indent=1, sort_keys=True) + "\n"
    (folder / "record.json").write_text(text, encoding="utf-8")
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({**run, "record": hashlib.sha256(text.encode()).hexdigest()}), encoding="utf-8")
    arrays, _ = proving.unsealed(read_arrays(folder / "arrays.npz"))
    write_arrays(folder / "arrays.npz", proving.sealed(arrays, text))


FORGERIES: dict[str, Callable[[dict[str, Any]], None]] = {
    "AUC of loss": lambda c: next(a for a in c["attacks"] if a["name"] == "loss")["auc"].update(value=0.5),
    "advantage of loss": lambda c: next(a for a in c["attacks"] if a["name"] == "loss")["advantage"].update(value=0.0),
    "TPR of loss at 0.1": lambda c: next(a for a in c["attacks"] if a["name"] == "loss")["tpr_at_fpr"][0]["tpr"].update(value=0.01),
    "utility.test_accuracy": lambda c: c["utility"]["test_accuracy"].update(value=0.99),
    "utility.train_accuracy": lambda c: c["utility"]["train_accuracy"].update(value=0.99),
    "utility.gap": lambda c: c["utility"]["gap"].update(value=0.0),
    "counts.pool": lambda c: c["counts"].update(pool=3000),
    "counts.members": lambda c: c["counts"].update(members=1),
    "counts.audited_members": lambda c: c["counts"].update(audited_members=7),
    "counts.audited_nonmembers": lambda c: c["counts"].update(audited_nonmembers=7),
    "counts.test": lambda c: c["counts"].update(test=7),
    "counts.shadows": lambda c: c["counts"].update(shadows=512),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_number_is_noticed_whatever_vouches_for_it(record: Record, tmp_path: Path, name: str) -> None:
    """Numbers that follow from the arrays are counted again: hashes that were written anew do not help."""
    record.write(tmp_path)
    forge(tmp_path, lambda _: None)
    assert load(tmp_path).doubts == ()
    forge(tmp_path, FORGERIES[name])
    with pytest.raises(RecordError, match=rf": {re.escape(name)} in record\.json is .*, its arrays give .*; run the audit again$"):
        load(tmp_path)


def test_what_nothing_vouches_for_is_said(record: Record, tmp_path: Path) -> None:
    """On the page and in the terminal, and of a copy too: writing it again makes it no surer."""
    record.write(tmp_path)
    arrays, _ = proving.unsealed(read_arrays(tmp_path / "arrays.npz"))
    write_arrays(tmp_path / "arrays.npz", arrays)
    assert load(tmp_path).doubts == ()
    (tmp_path / "run.json").unlink()
    found = load(tmp_path)
    copy = load(found.write(tmp_path / "copy").folder or tmp_path)
    for each in (found, copy):
        (doubt,) = each.doubts
        assert doubt.startswith("Nothing vouches for this record: run.json is missing")
        assert doubt in render([each])
        assert any(doubt in line for line in summary_table(each)[1])
    assert "doubts" not in copy.run


@pytest.mark.parametrize("changes", [{"attacks": ()}, {"headline": "nobody"}])
def test_a_record_whose_headline_it_lacks_is_refused(record: Record, tmp_path: Path, changes: dict[str, object]) -> None:
    """Said when it is read, not met while something is drawn or exported, though all hashes are right."""
    spoilt = Record(summary=record.summary.model_copy(update=changes), arrays=record.arrays, run={})
    spoilt.write(tmp_path)
    with pytest.raises(RecordError, match="needs its headline among its attacks"):
        load(tmp_path)
