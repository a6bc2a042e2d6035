"""Accounts that take minutes, kept in the user's cache: an epsilon follows from public constants alone, so it is the same next time.

What is kept is named by the constants and the accountant's version. A cache that cannot be read or written is none.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from mia_audit.paths import cache


def remembered(of: Mapping[str, float | str], computed: Callable[[], tuple[float, ...]]) -> tuple[float, ...]:
    """Return numbers that were computed of these constants before, or compute them and keep them."""
    named = json.dumps(dict(of), sort_keys=True)
    path = cache() / "accounts" / f"{hashlib.sha256(named.encode()).hexdigest()[:24]}.json"
    held = _read(path, named)
    if held is not None:
        return held
    numbers = computed()
    with contextlib.suppress(OSError):
        _write(path, json.dumps({"of": named, "numbers": numbers}))
    return numbers


def _read(path: Path, named: str) -> tuple[float, ...] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return tuple(float(each) for each in content["numbers"]) if content["of"] == named else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(name).replace(path)
