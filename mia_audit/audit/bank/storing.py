"""What lies in a store: how much, for what, whether it is whole, and what may go. Other files than a store's own are left alone."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mia_audit.errors import StoreError
from mia_audit.training import store
from mia_audit.training.store import Store

DAY = 86_400.0
_OURS = re.compile(r"[0-9a-f]{64}(\.safetensors|\.weights|\.damaged|\.weights\.damaged|\.\d+\.part)")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of a store.

    kind      answers, signals, weights; damaged: set aside; unfinished: a save that was killed; other: of another version
    target    the recipe that it was made for, as its models, and the data set; "" where the file does not say
    written   seconds since the epoch
    """

    path: Path
    kind: str
    target: str
    dataset: str
    models: str
    size: int
    written: float


def entries(folder: Path) -> tuple[Entry, ...]:
    """Return the files of a store, oldest first; none where there is no folder."""
    return tuple(sorted(_entries(folder), key=lambda entry: (entry.written, entry.path.name)))


def _entries(folder: Path) -> Iterator[Entry]:
    for path in Store(folder=folder).files():
        if _OURS.fullmatch(path.name) and path.name.startswith(path.parent.name):
            stat = path.stat()
            kind, about = _told(path)
            told = {name: about.get(name, "") for name in ("target", "dataset", "models")}
            yield Entry(path=path, kind=kind, size=stat.st_size, written=stat.st_mtime, **told)


def _told(path: Path) -> tuple[str, dict[str, str]]:
    if path.name.endswith(".damaged"):
        return "damaged", {}
    if path.suffix == ".part":
        return "unfinished", {}
    told = store.told_of(path)
    if told.get("format") != store.FORMAT:
        return "other", {}
    about = json.loads(told.get("about", "{}"))
    if path.suffix == store.WEIGHTS_SUFFIX:
        return "weights", about
    return ("signals" if "signal" in about else "answers"), about


def unsound(found: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return the files that an audit would not use, after reading each of the others whole."""
    return tuple(entry for entry in found if entry.kind in {"damaged", "unfinished", "other"} or store.read(entry.path) is None)


def chosen(found: Sequence[Entry], *, now: float, older_than: float | None, target: str | None) -> tuple[Entry, ...]:
    """Return the files written at least so many days ago, for a recipe of this name; what is None does not choose."""
    aged = [entry for entry in found if older_than is None or now - entry.written >= older_than * DAY]
    return tuple(entry for entry in aged if target is None or entry.target == target)


def clear(going: Sequence[Entry]) -> None:
    """Remove files, and the folders that are empty then; StoreError names the first that cannot be."""
    for entry in going:
        try:
            entry.path.unlink(missing_ok=True)
            if not any(entry.path.parent.iterdir()):
                entry.path.parent.rmdir()
        except OSError as error:
            raise StoreError(f"{entry.path} cannot be removed: {error.strerror}; see whose it is") from error


def total(found: Sequence[Entry]) -> int:
    """Return the bytes of files together."""
    return sum(entry.size for entry in found)
