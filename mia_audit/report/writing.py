"""A file is written whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a text to a file, by way of a temporary one beside it; into a device or pipe directly, which nothing may replace."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():  # a folder refuses to be opened
        path.write_text(text, encoding="utf-8", newline="\n")
        return
    place = path.resolve()  # what a link points to, and the link stays
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
    half_written = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        half_written.chmod(0o644)
        half_written.replace(place)
    except BaseException:
        half_written.unlink(missing_ok=True)
        raise
