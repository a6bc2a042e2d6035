"""Where a path that a user wrote leads: `~` is the home folder, `$NAME` the environment's, in every option and argument alike.

A shell expands both before a program sees them, but not after `=`, between quotes, or in Python; a folder called `~` is nobody's wish.
"""

import os
import re
from pathlib import Path
from typing import Any, TypeAlias

from mia_audit.errors import UsageError

Place: TypeAlias = str | os.PathLike[str]

_NAMED = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([^}]*)\})")


def expanded(place: Place, option: str = "a path") -> Path:
    """Return the path with home folders and environment variables filled in; UsageError where it is none, or names what is not there.

    A file whose name holds a `$`, and which exists, is itself. `option` is what the path was given for: it opens the refusal.
    """
    text = _text(place, option)
    if "$" in text and not os.path.lexists(text):
        text = _NAMED.sub(lambda found: _variable(found, text, option), text)
    if not text.startswith("~"):
        return Path(text)
    home = os.path.expanduser(text)  # noqa: PTH111  pathlib raises where there is no such user; this leaves the text alone
    if home == text:
        raise UsageError(f"{option} needs a home folder for {text.split('/')[0]}, got {text!r}, whose user is not known; give a whole path")
    return Path(home)


def from_environment(name: str) -> Path | None:
    """Return the path that an environment variable holds, expanded; None where it is absent or empty."""
    text = os.environ.get(name)
    return expanded(text, f"the environment variable {name}") if text else None


def is_path(name: str) -> bool:
    """Say whether a name of something in the catalogue is a path instead: it has a slash, ends in .toml, or begins at home."""
    return "/" in name or name.endswith(".toml") or name.startswith(("~", "$"))


def _text(place: Any, option: str) -> str:
    if not isinstance(place, str | os.PathLike):
        raise UsageError(f"{option} needs a path, got {place!r}; give a text or a pathlib.Path")
    text = os.fspath(place)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise UsageError(f"{option} needs a path, got {text!r}; give the name of a file or folder")
    return text


def _variable(found: re.Match[str], text: str, option: str) -> str:
    name = found[1] or found[2]
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"{option} needs a value of ${name}, got none for {text!r}; set the variable, or write the path out")
    return value


def cache() -> Path:
    """Return this tool's folder in the user's cache: below `$XDG_CACHE_HOME` where that is a whole path, else in `~/.cache`."""
    named = from_environment("XDG_CACHE_HOME")
    whole = named is not None and named.is_absolute()  # its specification has relative ones ignored
    return (named if named and whole else expanded("~/.cache", "the user's cache")) / "mia-audit"
