"""What vouches for a record that was read: its bytes' hash in two other files, and its own arrays.

run.json and arrays.npz each tell the SHA-256 of record.json, so that an edited record.json is noticed while either is there. Whoever
writes all three anew is not: the numbers that follow from the arrays by counting are therefore counted again at every reading. What
nothing can show, that arrays and words are those of an audit that was really run, only running it again does.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.arrays import Arrays, read_arrays
from mia_audit.errors import RecordError
from mia_audit.record.parts import AttackResult
from mia_audit.record.summary import Summary

SEAL = "record_sha256"
"""The name in arrays.npz of the hash of record.json, uint8 [32]; no part of the arrays' digest."""

EXPOSED = ("positions", "labels", "scores", "member")
_CLOSE = 1e-9
_RESOLVED = 10  # expected false positives below which a TPR has no value


def sha256(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(arrays: Arrays, text: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays with the hash of record.json beside them."""
    return {**arrays, SEAL: np.frombuffer(bytes.fromhex(sha256(text)), dtype=np.uint8)}


def unsealed(arrays: Arrays) -> tuple[dict[str, npt.NDArray[Any]], str | None]:
    """Return the arrays without that hash, and the hash; None in records made before there was one."""
    own = {name: value for name, value in arrays.items() if name != SEAL}
    return own, arrays[SEAL].tobytes().hex() if SEAL in arrays else None


def require_own_text(folder: Path, text: str, told: Mapping[str, str | None]) -> None:
    """Refuse a record.json whose hash is another than one of these files tells."""
    for file, each in told.items():
        if each is not None and each != sha256(text):
            raise RecordError(f"{folder}: record.json is not what the audit wrote ({file} tells another hash); run the audit again")


def require_own_numbers(folder: Path, summary: Summary, arrays: Arrays) -> None:
    """Refuse a record whose numbers are not those of its arrays, whatever vouches for them; the first one is named."""
    for name, told, counted in (*_counts(summary, arrays), *_utility(summary, arrays), *_attacks(summary, arrays)):
        if abs(told - counted) > _CLOSE:
            raise RecordError(f"{folder}: {name} in record.json is {told:.6g}, its arrays give {counted:.6g}; run the audit again")


def doubts(told: Mapping[str, str | None], inherited: object) -> tuple[str, ...]:
    """Return sentences about what nothing vouches for.

    told       the hash of record.json by the file that tells it, None where it does not
    inherited  what run.json says that this record's source could not vouch for
    """
    found = [str(each) for each in inherited] if isinstance(inherited, list) else []
    if all(each is None for each in told.values()):
        found.append(
            "Nothing vouches for this record: run.json is missing or tells no hash of record.json, and so does arrays.npz. AUCs, TPRs, "
            "accuracies and counts were worked out again and follow from its arrays; intervals, controls and words may have been changed."
        )
    return tuple(dict.fromkeys(found))


def exposed(path: Path, summary: Summary, arrays: Arrays) -> tuple[dict[str, npt.NDArray[Any]], tuple[str, ...]]:
    """Return the exposed examples, and why they are left out where they cannot be used: they cost the pictures, not the report."""
    if not path.exists():
        return {}, ()
    try:
        found = read_arrays(path)
        why = _at_fault(found, summary, arrays)
    except RecordError as error:
        found, why = {}, str(error).partition("; ")[0]
    if not why:
        return found, ()
    return {}, (f"The most exposed examples are not shown: exposed.npz cannot be used ({why.removeprefix(f'{path}: ')}).",)


def _at_fault(found: Arrays, summary: Summary, arrays: Arrays) -> str:
    """Say what is wrong with exposed examples, "" where nothing is: no digest covers them, so they are held against the arrays."""
    sizes = {len(found[name]) if name in found and found[name].ndim else -1 for name in EXPOSED}
    sizes |= {len(found[name]) if found[name].ndim else -1 for name in ("pictures", "rows") if name in found}
    if len(sizes) > 1 or -1 in sizes:
        return f"it needs {', '.join(EXPOSED)} of one length"
    places, audited = found["positions"], arrays["audited"]
    if not np.isin(places, audited).all():
        return f"its places are not all among the {len(audited)} audited examples"
    at = np.searchsorted(audited, places)
    own = {
        "labels": arrays["labels"][audited][at],
        "scores": arrays[f"scores/{summary.headline}"][at],
        "member": arrays["membership"][0, audited][at],
    }
    wrong = [name for name, value in own.items() if not np.array_equal(found[name], value)]
    return f"its {wrong[0]} are not those of the record" if wrong else ""


Checked = Iterator[tuple[str, float, float]]


def _counts(summary: Summary, arrays: Arrays) -> Checked:
    counts, member = summary.counts, arrays["membership"][0]
    inside = member[arrays["audited"]]
    yield "counts.pool", counts.pool, len(arrays["labels"])
    yield "counts.members", counts.members, int(member.sum())
    yield "counts.audited_members", counts.audited_members, int(inside.sum())
    yield "counts.audited_nonmembers", counts.audited_nonmembers, int((~inside).sum())
    yield "counts.test", counts.test, len(arrays["test_labels"])
    yield "counts.shadows", counts.shadows, len(arrays["membership"]) - 2


def _utility(summary: Summary, arrays: Arrays) -> Checked:
    member = arrays["membership"][0]
    right, tested = arrays["predictions"] == arrays["labels"], arrays["test_predictions"] == arrays["test_labels"]
    utility = summary.utility
    for name, estimate, counted in (
        ("train_accuracy", utility.train_accuracy, right[member].mean()),
        ("test_accuracy", utility.test_accuracy, tested.mean()),
        ("gap", utility.gap, right[member].mean() - tested.mean()),
    ):
        if estimate.value is not None:
            yield f"utility.{name}", estimate.value, float(counted)


def _attacks(summary: Summary, arrays: Arrays) -> Checked:
    member = arrays["membership"][0, arrays["audited"]]
    for attack in summary.attacks:
        yield from _attack(attack, arrays[f"scores/{attack.name}"], member)


def _attack(attack: AttackResult, scores: npt.NDArray[Any], member: npt.NDArray[np.bool_]) -> Checked:
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)  # behind each group of equal scores
    tpr = np.append(0.0, np.cumsum(member[order])[ends] / member.sum())
    fpr = np.append(0.0, np.cumsum(~member[order])[ends] / (~member).sum())
    if attack.auc.value is not None:
        yield f"AUC of {attack.name}", attack.auc.value, float(np.trapezoid(tpr, fpr))
    for rate in attack.tpr_at_fpr:
        if rate.tpr.value is not None and rate.fpr * (~member).sum() >= _RESOLVED:
            yield f"TPR of {attack.name} at {rate.fpr:g}", rate.tpr.value, float(tpr[fpr <= rate.fpr + 1e-12].max())
    called = scores > attack.threshold
    if attack.advantage.value is not None:
        yield f"advantage of {attack.name}", attack.advantage.value, float(called[member].mean() - called[~member].mean())
