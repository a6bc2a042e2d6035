"""A folder of pictures of a user's own: a folder for each class, or such folders below `train` and `test`. All of one size, grey or RGB."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from mia_audit.data.own.given import Asked, Given
from mia_audit.errors import DataError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
_TESTS = ("test", "val", "validation")
_GREY = ("1", "L", "LA")
_COLOUR = ("P", "RGB", "RGBA")


def read(asked: Asked) -> tuple[Given, Given | None]:
    """Return pictures [N, channels, height, width] by class and name, and those of a test part where there is one."""
    below = _folders(asked, asked.path)
    named = {folder.name.lower(): folder for folder in below}
    tests = [named[name] for name in _TESTS if name in named]
    if not (len(below) == 2 and "train" in named and tests):
        return _given(asked, asked.path), None
    parts = [_given(asked, folder) for folder in (named["train"], tests[0])]
    if parts[0].inputs.shape[1:] != parts[1].inputs.shape[1:]:
        raise DataError(
            f"{asked.name}: pictures need one size and mode, got {_sides(parts[0].inputs.shape[1:])} to train on and "
            f"{_sides(parts[1].inputs.shape[1:])} to test on; bring them to one"
        )
    return parts[0], parts[1]


def _given(asked: Asked, place: Path) -> Given:
    files = [(folder.name, file) for folder in _folders(asked, place) for file in _files(asked, folder)]
    if not files:
        raise DataError(f"{asked.name}: {place.name} needs a folder for each class with pictures in it, got no picture; put them there")
    paths = [file.relative_to(asked.path) for _, file in files]
    pictures = [_picture(asked, file) for _, file in files]
    odd = next((number for number, picture in enumerate(pictures) if picture.shape[:2] != pictures[0].shape[:2]), None)
    if odd is not None:
        raise DataError(
            f"{asked.name}: pictures need one size, got {_sides(pictures[0].shape[:2])} in {paths[0]} and "
            f"{_sides(pictures[odd].shape[:2])} in {paths[odd]}; bring them to one"
        )
    if any(picture.ndim == 3 for picture in pictures):  # grey ones among coloured ones
        pictures = [picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2) for picture in pictures]
    stacked = np.stack(pictures)
    inputs = np.moveaxis(stacked, -1, 1) if stacked.ndim == 4 else stacked[:, None]
    return Given(inputs=np.ascontiguousarray(inputs), labels=np.array([name for name, _ in files]), where=lambda row: str(paths[row]))


def _folders(asked: Asked, place: Path) -> list[Path]:
    found = [each for each in sorted(place.iterdir()) if not each.name.startswith(".")]
    loose = next((each for each in found if not each.is_dir() and each.suffix.lower() in SUFFIXES), None)
    if loose is not None:
        raise DataError(f"{asked.name}: every picture needs to stand in the folder of its class, got {loose.name} beside them; move it")
    return [each for each in found if each.is_dir()]


def _files(asked: Asked, folder: Path) -> list[Path]:
    found = [each for each in sorted(folder.iterdir()) if not each.name.startswith(".") and each.name != "Thumbs.db"]
    other = next((each for each in found if each.is_dir() or each.suffix.lower() not in SUFFIXES), None)
    if other is not None:
        raise DataError(
            f"{asked.name}: the folder of a class needs pictures only ({', '.join(SUFFIXES)}), got {other.relative_to(asked.path)}; "
            "take it out"
        )
    return found


def _picture(asked: Asked, path: Path) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(path) as opened:
            if opened.mode not in (*_GREY, *_COLOUR):
                raise DataError(
                    f"{asked.name}: a picture needs 8 bits, grey or RGB, got mode {opened.mode} in "
                    f"{path.relative_to(asked.path)}; convert it"
                )
            return np.asarray(opened.convert("L" if opened.mode in _GREY else "RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).replace(f"{asked.path}/", "").split())[:150]
        raise DataError(
            f"{asked.name}: {path.relative_to(asked.path)} cannot be read as a picture, got {type(error).__name__}: {reason}; mend it, or "
            f"take it out"
        ) from error


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
