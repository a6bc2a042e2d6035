"""Image data sets in the files that torchvision knows, fetched by it into a folder when they are absent.

A download goes into a hidden folder inside the data root (the same disk, so that moving is renaming), is read once to
prove it whole, and only then moves into place: a killed, truncated or refused download leaves no file that a later
audit could mistake for data. torchvision checks the MD5 of what it downloads. Files that lie in the root are read here
(idx.py, cifar.py), compressed ones and CIFAR's archives too, since people fetch them by hand; what is wrong with one is
said, and it is never taken for a download of ours.
"""

import contextlib
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mia_audit.data import cifar, idx
from mia_audit.data.cards import Card, Profile
from mia_audit.data.source import Source
from mia_audit.errors import DataError

Fetch = Callable[[str, Path], None]
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where torchvision's data set class `reader` looks for its files below the data root.

    archive      the file that they are published in, where there is one
    class_names  where no file tells them
    """

    reader: str
    folder: str
    files: tuple[str, ...]
    megabytes: int
    archive: str = ""
    class_names: tuple[str, ...] = ()

    def absent(self, root: Path) -> list[Path]:
        """Return the files that are not there: neither as they are, nor compressed, nor in their archive."""
        if self.archived(root) is not None:
            return []
        return [path for path in self.paths(root) if (found(path) is None if self.class_names else not path.is_file())]

    def archived(self, root: Path) -> Path | None:
        """Return the archive where it has to do for files that are not there."""
        if not self.archive or all(path.is_file() for path in self.paths(root)):
            return None
        return next((path for path in (root / self.archive, root / self.folder / self.archive) if path.is_file()), None)

    def paths(self, root: Path) -> list[Path]:
        """Return every file below a root."""
        return [root / self.folder / name for name in self.files]


def found(path: Path) -> Path | None:
    """Return a file, or the same one compressed, or either of them one folder up, where people put what they fetch by hand."""
    places = (path, path.with_name(f"{path.name}.gz"), path.parent.parent / path.name, path.parent.parent / f"{path.name}.gz")
    return next((each for each in places if each.is_file()), None)


def layout_of(card: Card) -> Layout:
    """Return where torchvision looks for the files of a card's data set."""
    files = card.files
    if files is None or not files.torchvision:
        raise DataError(f"{card.name} needs a card with files that torchvision knows, got none; add [files] with torchvision = ...")
    return Layout(
        reader=files.torchvision,
        folder=files.folder,
        files=files.names,
        megabytes=files.megabytes,
        archive=files.archive,
        class_names=card.class_names if card.reader == "idx" else (),
    )


def download(reader: str, folder: Path) -> None:
    """Let torchvision download a data set into a folder; its progress bar goes to stderr."""
    from torchvision import datasets  # noqa: PLC0415  costs seconds

    with contextlib.redirect_stdout(sys.stderr):
        getattr(datasets, reader)(folder, download=True)


def read(profile: Profile, *, root: Path, offline: bool, progress: Progress, fetch: Fetch = download) -> Source:
    """Return an image data set, downloaded first when its files are absent and `offline` is not set."""
    layout = layout_of(profile.card)
    absent = layout.absent(root)
    if absent and offline:
        raise DataError(
            f"{profile.name} needs {absent[0].relative_to(root)} in {root}, which is not there; give the folder that torchvision "
            f"reads with --data-root or MIA_AUDIT_DATA, or leave out --offline to download {layout.megabytes} MB"
        )
    if absent:
        _fetch(profile, layout, root, progress, fetch)
    return _parse(profile, layout, root)


def _fetch(profile: Profile, layout: Layout, root: Path, progress: Progress, fetch: Fetch) -> None:
    progress(f"{profile.name}: downloading {layout.megabytes} MB into {root}")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as scratch:
            fetch(layout.reader, Path(scratch))
            _parse(profile, layout, Path(scratch))
            _move(layout, Path(scratch), root)
    except Exception as error:  # urllib, http, zlib, tarfile and torchvision each raise their own
        raise DataError(
            f"{profile.name} needs a download into {root}, which failed and left nothing half-written ({_reason(error)}); "
            f"try again, or give a folder that holds the files with --data-root or MIA_AUDIT_DATA"
        ) from error


def _move(layout: Layout, scratch: Path, root: Path) -> None:
    (root / layout.folder).mkdir(parents=True, exist_ok=True)
    for fresh, place in zip(layout.paths(scratch), layout.paths(root), strict=True):
        fresh.replace(place)


def _parse(profile: Profile, layout: Layout, root: Path) -> Source:
    absent = layout.absent(root)
    if absent:
        raise DataError(f"{absent[0]} is not there")
    if profile.card.reader == "idx":
        return _idx(profile, layout, root)
    packed = layout.archived(root)
    given = cifar.folder(root / layout.folder, layout.files) if packed is None else cifar.archive(profile.name, packed, layout.files)
    *train, test, meta = layout.files
    return Source(
        class_names=cifar.class_names(profile.name, given, meta, profile.classes),
        train=cifar.read(profile.name, given, train, profile.classes),
        test=cifar.read(profile.name, given, [test], profile.classes),
        white=255.0,
    )


def _idx(profile: Profile, layout: Layout, root: Path) -> Source:
    _, height, width = profile.shape
    files = [file for file in map(found, layout.paths(root)) if file is not None]
    train, test = (idx.read(profile.name, images, labels, profile.classes, (height, width)) for images, labels in (files[:2], files[2:]))
    return Source(class_names=layout.class_names, train=train, test=test, white=255.0)


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
