"""Image data sets read by torchvision from a folder, and fetched into it when they are absent.

A download goes into a hidden folder inside the data root (the same disk, so that moving is renaming), is read once to
prove it whole, and only then moves into place: a killed, truncated or refused download leaves no file that a later
audit could mistake for data. torchvision checks the MD5 of what it downloads, and of CIFAR files at every reading; an
IDX file of the MNIST family is checked here against the sizes in its own header.
"""

import contextlib
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mia_audit.data.profiles import Profile
from mia_audit.data.source import Source, Split
from mia_audit.errors import DataError

Fetch = Callable[[str, Path], None]
Progress = Callable[[str], None]

IDX = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
CIFAR10 = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where torchvision's data set class `reader` looks for its files below the data root."""

    reader: str
    folder: str
    files: tuple[str, ...]
    megabytes: int

    def absent(self, root: Path) -> list[Path]:
        """Return the files that are not there."""
        return [path for path in self.paths(root) if not path.is_file()]

    def paths(self, root: Path) -> list[Path]:
        """Return every file below a root."""
        return [root / self.folder / name for name in self.files]


LAYOUTS = {
    "mnist": Layout(reader="MNIST", folder="MNIST/raw", files=IDX, megabytes=12),
    "fashion-mnist": Layout(reader="FashionMNIST", folder="FashionMNIST/raw", files=IDX, megabytes=31),
    "cifar10": Layout(reader="CIFAR10", folder="cifar-10-batches-py", files=CIFAR10, megabytes=170),
    "cifar100": Layout(reader="CIFAR100", folder="cifar-100-python", files=("train", "test", "meta"), megabytes=169),
}


def download(reader: str, folder: Path) -> None:
    """Let torchvision download a data set into a folder; its progress bar goes to stderr."""
    from torchvision import datasets  # noqa: PLC0415  costs seconds

    with contextlib.redirect_stdout(sys.stderr):
        getattr(datasets, reader)(folder, download=True)


def read(profile: Profile, *, root: Path, offline: bool, progress: Progress, fetch: Fetch = download) -> Source:
    """Return an image data set, downloaded first when its files are absent and `offline` is not set."""
    layout = LAYOUTS[profile.name]
    absent = layout.absent(root)
    if absent and offline:
        raise DataError(
            f"{profile.name} needs {absent[0].relative_to(root)} in {root}, which is not there; give the folder that torchvision "
            f"reads with --data-root or MIA_AUDIT_DATA, or leave out --offline to download {layout.megabytes} MB"
        )
    if absent:
        _fetch(profile, layout, root, progress, fetch)
    return _load(profile, layout, root)


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


def _load(profile: Profile, layout: Layout, root: Path) -> Source:
    try:
        return _parse(profile, layout, root)
    except Exception as error:  # a short file raises ValueError, AssertionError, struct.error, UnpicklingError...
        raise DataError(
            f"{profile.name} needs whole files in {root / layout.folder}, got damaged ones ({_reason(error)}); "
            f"delete that folder and run again to download them"
        ) from error


def _parse(profile: Profile, layout: Layout, root: Path) -> Source:
    from torchvision import datasets  # noqa: PLC0415  costs seconds

    reader = getattr(datasets, layout.reader)
    train, test = (reader(root, train=part, download=False) for part in (True, False))
    return Source(
        class_names=tuple(name.split(" - ")[0] for name in train.classes),  # MNIST says "0 - zero"
        train=_split(profile, train),
        test=_split(profile, test),
        white=255.0,
    )


def _split(profile: Profile, dataset: Any) -> Split:
    images, labels = np.asarray(dataset.data, dtype=np.uint8), np.asarray(dataset.targets, dtype=np.int64)
    inputs = images[:, None] if images.ndim == 3 else images.transpose(0, 3, 1, 2)
    if inputs.shape != (labels.size, *profile.shape):
        raise ValueError(f"{labels.size} labels for images of shape {inputs.shape}")
    if labels.max() >= profile.classes:  # stored as unsigned bytes
        raise ValueError(f"labels up to {labels.max()}, not up to {profile.classes - 1}")
    return Split(inputs=inputs, labels=labels)


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
