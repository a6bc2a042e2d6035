"""A record's id is the SHA-256 of record.json as it is stored: what later versions add to a record leaves older ones alone."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mia_audit.arrays import read_arrays, write_arrays
from mia_audit.record import Record, Summary, load, proving
from tests.support.records import make_record

REPORTS = Path(__file__).resolve().parent.parent / "reports"
GOLDEN = {
    "digits-bits/ann": "d2041320c4facf1833b9dd67eed1640b0afd3814d1d9d0c18d7e28a6a2d6b71c",
    "digits-bits/ann-q2": "9082fb2cd599bd62c4566db66a2f9b1ddcc3cd5e816a84f4f5b95833b6f28161",
    "digits-bits/ann-q4": "e508198496a399048d7483f4ac80614a54148bd7c15af199d3c7af5fab97cf38",
    "digits-bits/ann-q8": "3207f83408cf4d9dc1928e87032a384c7aea78da2eb2ade98d7ad98778d0ad0e",
    "digits-bits/snn": "723e7c581e24f611b524d1b76ee09fef0abd92c3be473d01d0ef2ad668cb85e1",
    "digits-bits/snn-q2": "d0e6fae2ef8d1380bd4f108fe4f87d4cdd4eecf50c7ff0467f20e61b257b08b6",
    "digits-bits/snn-q4": "fc1b63f2c9fb72384d6ed69d6d351871fc6aa8d854e68dd2a66b05b1ceb98818",
    "digits-bits/snn-q8": "1055ec488463e109bdcf5666fc05bf27af31b2d5c91f555d1e114f4476dfabac",
    "digits-snn-q4-sre": "cf0ea16e08ed791cb707ca81e0aa0cc1efd592f68db17cf5394a426a273f3bea",
    "fashion-mnist-snn-q4-sre": "3d8f23c966e341534734b7d3253a67bff94a1f575c16f7b005d4e70a37e2055a",
    "privacy/dp-ann-0.5": "a96ecfae09f1f6e8cc84ad4c8051c27516a2a263027bebacc21f20cb093e7334",
    "privacy/dp-ann-1.0": "a8a623af8e344a5a766a047c5ffcd696aada90dbe3454319763cfb784b64c6df",
    "privacy/dp-ann-1.6": "c9aa5d9c7751f9d92c99ac08be82de8537446d370847c153d547e81bcd725d6a",
    "privacy/dp-ann-none": "6f4574f7374cb7184d41135ec08a31d3956ab6e1eae0053c84a2408725fa2f77",
    "privacy/dp-snn-0.5": "9faa307dfd1be37756f84e7c00f052027c361d7d650a1dbb332776a903cdb3e4",
    "privacy/dp-snn-1.0": "ae9d42a2a09a6d2342d566d4eabde1bc4cd465185963f5f4adcb9cae9407312b",
    "privacy/dp-snn-1.6": "ac64017a30e9f2d175ebcb6a6a43929e412d82c1e5b7bfd388b56d498a886ffc",
    "privacy/dp-snn-none": "a364b5916e41d3c367499cde2566b07dde2e52e5d857e039407552889f2343dc",
}


def test_every_report_has_its_golden_id() -> None:
    """None is left out of the table."""
    assert {path.parent.relative_to(REPORTS).as_posix() for path in REPORTS.rglob("record.json")} == set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_a_published_record_keeps_its_id(name: str, tmp_path: Path) -> None:
    """Read, and written again elsewhere: the same id, the same name, the same bytes."""
    record = load(REPORTS / name)
    again = load(record.write(tmp_path).folder or tmp_path)
    assert record.id == again.id == GOLDEN[name]
    assert again.name == record.name
    assert again.name.endswith(f"-{GOLDEN[name][:8]}")
    assert (tmp_path / "record.json").read_bytes() == (REPORTS / name / "record.json").read_bytes()


def optional(schema: type[BaseModel], content: Any) -> int:
    """Delete from a part of record.json every field that has a default and holds nothing else, and return how many there were."""
    found = 0
    for name, field in schema.model_fields.items():
        inner = [each for each in (field.annotation, *getattr(field.annotation, "__args__", ())) if isinstance(each, type)]
        schemas = [each for each in inner if issubclass(each, BaseModel)]
        for part in content.get(name) if isinstance(content.get(name), list) else [content.get(name)]:
            found += sum(optional(each, part) for each in schemas if isinstance(part, dict))
        if not field.is_required() and content.get(name) == json.loads(json.dumps(field.get_default(), default=lambda _: None)):
            del content[name]
            found += 1
    return found


def stored(record: Record, folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Write a record, and return its record.json as bytes and as content."""
    record.write(folder)
    text = (folder / "record.json").read_bytes()
    return text, json.loads(text)


def unvouched(folder: Path) -> None:
    """Take away what tells the hash of record.json."""
    (folder / "run.json").unlink()
    arrays, _ = proving.unsealed(read_arrays(folder / "arrays.npz"))
    write_arrays(folder / "arrays.npz", arrays)


def test_a_field_that_an_old_record_lacks_leaves_its_id(tmp_path: Path) -> None:
    """Without any field that has a default it reads as the same summary, under the id of the bytes that lie there."""
    record = make_record()
    _, content = stored(record, tmp_path)
    assert optional(Summary, content) > 10
    old = (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
    (tmp_path / "record.json").write_bytes(old)
    unvouched(tmp_path)
    found = load(tmp_path)
    assert found.summary == record.summary
    assert found.summary.to_json().encode() != old
    assert found.id == hashlib.sha256(old).hexdigest() != record.id
    assert found.name.endswith(found.id[:8])
    assert stored(found, tmp_path / "again")[0] == old


def test_bytes_count_and_not_what_they_say(tmp_path: Path) -> None:
    """Other white space is another record, line ends included."""
    text, _ = stored(make_record(), tmp_path)
    unvouched(tmp_path)
    other = text.replace(b"\n", b"\r\n")
    (tmp_path / "record.json").write_bytes(other)
    assert load(tmp_path).id == hashlib.sha256(other).hexdigest()


def test_a_changed_summary_has_an_id_of_its_own(tmp_path: Path) -> None:
    """The bytes that were read stand for the summary that was read, and for no other."""
    record = make_record()
    record.write(tmp_path)
    read = load(tmp_path)
    changed = replace(read, summary=read.summary.model_copy(update={"warnings": ("Another.",)}))
    assert read.id == record.id
    assert changed.id == hashlib.sha256(changed.summary.to_json().encode()).hexdigest() != read.id
    assert replace(read, folder=None).id == read.id
