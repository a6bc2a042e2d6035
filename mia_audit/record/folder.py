"""A record's folder, whichever kind of record it holds: written whole or not at all, and read with what vouches for it.

record.json says what came out, arrays.npz what it was computed from, run.json what differs from run to run; the latter two tell the hash
of the first. exposed.npz is there where examples themselves are kept.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mia_audit.arrays import Arrays, digest, read_arrays, write_arrays
from mia_audit.errors import RecordError
from mia_audit.paths import Place, expanded
from mia_audit.record import proving

FILES = ("arrays.npz", "exposed.npz", "run.json", "record.json")
"""In the order in which they are put in place: whoever finds record.json finds the others."""


def write(folder: Place, text: str, arrays: Arrays, run: Mapping[str, Any], exposed: Arrays | None = None) -> Path:
    """Write a record into a folder, made when it is absent, and return the folder.

    Whole or not at all: a record that lay there before stays when the disk is full, and nothing of it is left when it is not.
    """
    place = expanded(folder)
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".record-", dir=place) as room:
        part = Path(room)
        write_arrays(part / "arrays.npz", proving.sealed(arrays, text))
        if exposed:
            write_arrays(part / "exposed.npz", exposed)
        (part / "run.json").write_text(json.dumps({**run, "record": proving.sha256(text)}, indent=1) + "\n", encoding="utf-8")
        (part / "record.json").write_bytes(text.encode())
        (place / "report.html").unlink(missing_ok=True)  # drawn from another record, with pictures that may not be shown now
        for name in FILES:
            if (part / name).exists():
                (part / name).replace(place / name)
            else:
                (place / name).unlink(missing_ok=True)
    return place


def home(place: Place) -> Path:
    """Return the folder that is named, perhaps by its record.json."""
    folder = expanded(place, "a record")
    return folder.parent if folder.name == "record.json" and folder.is_file() else folder


def found(place: Place, maker: str) -> tuple[Path, str]:
    """Return a record's folder and the text of its record.json; RecordError where there is none.

    maker: what writes such a folder, for the message.
    """
    folder = home(place)
    try:
        return folder, (folder / "record.json").read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(
            f"{folder}: a record needs a readable record.json, got {type(error).__name__}; give the folder that {maker} wrote"
        ) from error


def vouched(folder: Path, text: str, arrays_sha256: str, again: str) -> tuple[Arrays, dict[str, Any], dict[str, str | None]]:
    """Return the arrays and run.json of a record with this text, and the hash of it that each of the two tells.

    RecordError where one of them belongs to another; again: what makes the record anew, for the message.
    """
    arrays, seal = proving.unsealed(read_arrays(folder / "arrays.npz"))
    if digest(arrays) != arrays_sha256:
        raise RecordError(f"{folder}: arrays.npz does not belong to record.json (its digest differs); {again}")
    run = _run(folder)
    told: dict[str, str | None] = {"run.json": run.get("record"), "arrays.npz": seal}
    proving.require_own_text(folder, text, told)
    return arrays, run, told


def _run(folder: Path) -> dict[str, Any]:
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}  # times and machine are a courtesy; what vouches for the record is another matter
    return run if isinstance(run, dict) else {}
