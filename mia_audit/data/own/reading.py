"""Which reader a user's own data has, by its suffix, and the card that the data itself fill in."""

import os
from functools import lru_cache
from pathlib import Path

from mia_audit.catalogue import checked, dataset_names, read_toml
from mia_audit.data.cards import Card, Profile, suited
from mia_audit.data.own import comma, npz, parquet, sizes, sound
from mia_audit.data.own.given import Asked, OwnCard
from mia_audit.data.source import Source
from mia_audit.errors import DataError
from mia_audit.paths import expanded

SUFFIXES = (".npz", ".csv", ".csv.gz", ".parquet")
READ = f"{', '.join(SUFFIXES)}, a folder with a folder of pictures for each class, and a card (.toml)"


def is_place(name: str) -> bool:
    """Whether the name of a data set is a path instead: it has a slash or a dot, begins at home, or is a folder and no card's name."""
    marked = "/" in name or "." in name or name.startswith(("~", "$"))
    return marked or (name not in dataset_names() and Path(name).is_dir())


def profile(place: str) -> Profile:
    """Return what suits the data at a path; they are read, once for as long as they do not change."""
    path = _there(place)
    if path.suffix == ".toml" and read_toml(path).get("source", "own") != "own":
        return suited(checked(Card, read_toml(path), path.name))
    asked = _asked(path)
    return suited(_filled(asked, _signature(asked.path)))


def read(place: str) -> Source:
    """Return the data at a path."""
    return _read(_asked(_there(place)))


def _there(place: str) -> Path:
    path = expanded(place, "--dataset")
    if not os.path.lexists(path):
        raise DataError(f"{path}: there is no such data; read are {READ}, and `mia-audit list datasets` names the catalogue's")
    return path


def _asked(path: Path) -> Asked:
    """Return the data that a path names, be it by way of a card."""
    if path.suffix != ".toml":
        return Asked(name=path.name or path.resolve().name, path=path, card=OwnCard(path=str(path)))
    card = checked(OwnCard, read_toml(path), path.name)
    named = path.parent / expanded(card.path, f"{path.name}: path")
    if not os.path.lexists(named):
        raise DataError(f"{path.name}: path needs a file or folder beside the card, got {card.path!r}, which is not there; correct it")
    return Asked(name=card.name or named.name, path=named, card=card)


def _read(asked: Asked) -> Source:
    name = asked.path.name.lower()
    if asked.path.is_dir():
        from mia_audit.data.own import pictures  # noqa: PLC0415  PIL is asked for by pictures alone

        return sound.source(asked, *pictures.read(asked))
    if name.endswith(".npz"):
        return sound.source(asked, *npz.read(asked))
    if name.endswith((".csv", ".csv.gz")):
        return sound.source(asked, comma.read(asked), None)
    if name.endswith(".parquet"):
        return sound.source(asked, parquet.read(asked), None)
    raise DataError(f"{asked.name}: no reader for {asked.path.suffix or 'a file without a suffix'}; read are {READ}")


@lru_cache(maxsize=8)
def _filled(asked: Asked, _signature: tuple[tuple[str, int, int], ...]) -> Card:
    """Return the card of the data with what it leaves open; asked for again and again, it is filled in anew when a file changes."""
    source, card = _read(asked), asked.card
    shape = tuple(source.train.inputs.shape[1:])
    test = None if source.test is None else source.test.labels.size
    return Card(
        name=asked.name,
        title=card.title or f"{asked.name} (own data)",
        owner=card.owner,
        origin=card.origin,
        source="own",
        reader="own",
        shape=shape,
        classes=source.class_names,
        public=card.public,
        defaults=sizes.completed(card.defaults, shape, source.train.labels.size, test),
    )


def _signature(path: Path) -> tuple[tuple[str, int, int], ...]:
    """Return names, sizes and times of what lies at a path."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    try:
        return tuple((str(file), (facts := file.stat()).st_size, facts.st_mtime_ns) for file in files)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read, got {error.strerror}; give a file or folder that can") from error
