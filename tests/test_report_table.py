"""The exported table: one row an example, nothing where there is no number."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mia_audit.cli.main import main
from mia_audit.errors import OutputError
from mia_audit.record import Record
from mia_audit.report.table import columns, write_csv, write_parquet
from tests.support.records import make_record


@pytest.fixture(scope="module")
def record() -> Record:
    """Return a record whose first example cannot be resolved."""
    plain = make_record(pool=60)
    size = plain.arrays["labels"].size
    risk = {"auc": np.linspace(0.2, 0.9, size), "p": np.linspace(1, 0, size), "q": np.linspace(1, 0.1, size)}
    arrays = {f"vulnerability/{name}": values for name, values in risk.items()}
    audited = plain.arrays["audited"].size
    each = {"pool_positions": 7 + 3 * np.arange(size), "named": np.arange(audited) % 2 > 0, "probability": np.linspace(0, 1, audited)}
    return replace(plain, arrays={**plain.arrays, **arrays, **each, "vulnerability/resolved": np.arange(size) > 0})


def test_every_example_has_a_row(record: Record, tmp_path: Path) -> None:
    """All of the pool, in order, scores where audited and empty cells elsewhere; read back they are the arrays."""
    write_csv(record, tmp_path / "new" / "table.csv")
    with (tmp_path / "new" / "table.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    name, audited = record.summary.headline, record.arrays["audited"]
    assert [int(row["position"]) for row in rows] == list(range(7, 187, 3))
    assert [int(row["pool_position"]) for row in rows] == list(range(60))
    assert [float(rows[at][f"score_{name}"]) for at in audited] == record.arrays[f"scores/{name}"].tolist()
    assert {row[f"score_{name}"] for at, row in enumerate(rows) if at not in set(audited.tolist())} == {""}
    assert [row["member"] == "True" for row in rows] == record.arrays["membership"][0].tolist()
    assert [float(rows[at]["probability"]) for at in audited] == record.arrays["probability"].tolist()
    assert [rows[at]["named"] for at in audited] == [str(one) for one in record.arrays["named"].tolist()]
    assert {rows[at]["named"] for at in range(60) if at not in set(audited.tolist())} == {""}
    assert rows[0]["in_out_auc"] == ""
    assert float(rows[9]["in_out_q"]) == record.arrays["vulnerability/q"][9]


def test_an_older_record_exports_what_it_has() -> None:
    """Without the per-example arrays there are no columns for them, and the position is the one in the pool."""
    found = columns(make_record(pool=60))
    assert not any(name.startswith("in_out") for name in found)
    assert not {"named", "probability"} & set(found)
    assert found["position"] == found["pool_position"] == list(range(60))


def test_parquet_without_pyarrow_says_what_to_install(record: Record, tmp_path: Path) -> None:
    """It is an extra; with it the file reads back."""
    try:
        from pyarrow import parquet  # noqa: PLC0415  # pyright: ignore[reportMissingImports]
    except ImportError:
        with pytest.raises(OutputError, match="needs the package pyarrow"):
            write_parquet(record, tmp_path / "table.parquet")
        return
    write_parquet(record, tmp_path / "table.parquet")
    assert parquet.read_table(tmp_path / "table.parquet").to_pydict() == columns(record)


def test_the_verb_writes_and_asks_for_a_file(record: Record, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`mia-audit export RECORD --csv FILE`; without a file it says so in one line."""
    folder = tmp_path / "record"
    make_record(pool=60).write(folder)
    with pytest.raises(SystemExit) as done:
        main(["export", str(folder), "--csv", str(tmp_path / "table.csv")])
    assert not done.value.code
    assert (tmp_path / "table.csv").read_text(encoding="utf-8").startswith("position,pool_position,label,member,")
    assert "`position` is the place in the shuffled pool" in capsys.readouterr().err
    with pytest.raises(SystemExit) as refused:
        main(["export", str(folder)])
    assert refused.value.code == 2
    assert "export needs a file to write" in capsys.readouterr().err
    with pytest.raises(OutputError, match="a file that can be written"):
        write_csv(record, tmp_path)
