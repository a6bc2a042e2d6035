"""Files from outside: what may be opened at all, and how much is read of it."""

import re
from pathlib import Path

from mia_audit.errors import DataError

MOST_BYTES = 32 * 2**30
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff]+")


def regular(path: Path, what: str) -> Path:
    """Return a path that leads to a file; DataError where there is none, or a folder, a pipe or a device."""
    try:
        if path.is_file():
            if path.stat().st_size > MOST_BYTES:
                raise DataError(f"{told(path.name)}: {what} needs at most {MOST_BYTES // 2**30} GiB, got more; split the file")
            return path
        there = path.exists()
    except (OSError, ValueError) as error:
        raise DataError(f"{told(path.name)}: {what} cannot be looked at, got {type(error).__name__}; give another file") from error
    got = "a folder" if path.is_dir() else "a pipe or device" if there else "nothing there"
    raise DataError(f"{told(str(path))}: {what} needs a file, got {got}; correct the path")


def told(name: str, most: int = 60) -> str:
    """Return a name from outside as it may be printed: one line, no control characters, not too long."""
    clean = _UNSEEN.sub("?", name)
    return clean if len(clean) <= most else f"{clean[: most - 3]}..."


def reason(error: BaseException) -> str:
    """Return what another library said, as the end of one line."""
    return f"{type(error).__name__}: {told(' '.join(str(error).split()), 150)}"
