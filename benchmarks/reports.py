"""Make the reference audits in reports/ again, each with the record it was drawn from.

    python benchmarks/reports.py [--data-root DIR]     (Fashion-MNIST is skipped, with a word, where its files are absent)

digits with 64 shadow models; the privacy-accuracy page of ann and snn at 32, 8, 4, 2 bits on digits; Fashion-MNIST with a
pool of 10,000 images and 16 shadow models.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

import mia_audit
from mia_audit.errors import DataError
from mia_audit.record import Record
from mia_audit.report import write

REPORTS = Path(__file__).resolve().parent.parent / "reports"
VARIANTS = [f"{kind}{bits}" for kind in ("ann", "snn") for bits in ("", "-q8", "-q4", "-q2")]


def digits() -> None:
    """Audit snn-q4 with spike rate escape on digits, 64 shadow models, every attack."""
    _kept("digits-snn-q4-sre", mia_audit.run("snn-q4", surrogate="sre", shadows=64, attacks=["full"], out=_scratch()))


def variants() -> None:
    """Compare ANN and SNN at four widths on digits."""
    folder = REPORTS / "digits-bits"
    records = [mia_audit.run(name, shadows=32, out=_scratch()) for name in VARIANTS]
    for record in records:
        _copied(record, folder / record.summary.recipe.name)
    write(records, folder / "report.html")


def fashion(data_root: Path | None) -> None:
    """Audit snn-q4 with spike rate escape on Fashion-MNIST."""
    record = mia_audit.run(
        "snn-q4", surrogate="sre", dataset="fashion-mnist", shadows=16, attacks=["full"], data_root=data_root, offline=True, out=_scratch()
    )
    _kept("fashion-mnist-snn-q4-sre", record)


def _kept(name: str, record: Record) -> None:
    _copied(record, REPORTS / name)
    write([record], REPORTS / name / "report.html")


def _copied(record: Record, folder: Path) -> None:
    """Keep a record in reports/, whole: it can be checked again, and holds public data only."""
    assert record.folder is not None  # noqa: S101  `run` wrote it
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(record.folder, folder, ignore=shutil.ignore_patterns("report.html"))


def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="mia-audit-report-")) / "record"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, default=os.environ.get("MIA_AUDIT_DATA"))
    arguments = parser.parse_args()
    digits()
    variants()
    try:
        fashion(arguments.data_root)
    except DataError as error:
        print(f"Fashion-MNIST left as it is: {error}")
