"""What a caller wrote, from Python or on the command line, as options: paths lead where they say, nonsense is refused in the same words."""

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mia_audit.audit.request.options import Options
from mia_audit.errors import UsageError
from mia_audit.paths import expanded
from mia_audit.training.cost import parse_bytes

Reader = Callable[[str, Any], Any]


def asked(**given: Any) -> Options:
    """Return the options of an audit; None leaves an option as it is by default.

    Paths may be texts or `PathLike` with `~` and `$NAME` in them, `attacks` a text with commas or a list, `memory` a size such as "8GiB"
    or bytes, `settings` tables or dotted paths. UsageError says which option needs what.
    """
    return Options(**{name: READERS[name](f"--{name.replace('_', '-')}", value) for name, value in given.items() if value is not None})


def _text(option: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{option} needs a name, got {value!r}; `mia-audit run --help` says where names are listed")
    return value.strip()


def _whole(least: int | None) -> Reader:
    def read(option: str, value: Any) -> int:
        try:
            number = None if isinstance(value, bool | np.bool_) else operator.index(value)
        except TypeError:
            number = None
        if number is None or (least is not None and number < least):
            raise UsageError(
                f"{option} needs a whole number{'' if least is None else f' from {least}'}, got {value!r}; leave it out for the default"
            )
        return number

    return read


def _count(option: str, value: Any) -> int:
    """Read a whole number whose range is the recipe's to judge."""
    return int(_whole(None)(option, value))


def _number(option: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise UsageError(f"{option} needs a number, got {value!r}; for example 1.0")
    return float(value)


def _yes_or_no(option: str, value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise UsageError(f"{option} needs True or False, got {value!r}")
    return bool(value)


def _attacks(option: str, value: Any) -> list[str]:
    """Read names of suites, families and cards, and paths of cards: one text with commas, or a list."""
    if isinstance(value, str):
        return [name.strip() for name in value.split(",") if name.strip()]
    if isinstance(value, os.PathLike):
        return [_card(value)]
    if not isinstance(value, Sequence) or not all(isinstance(name, str | os.PathLike) for name in value):
        raise UsageError(f'{option} needs names, got {value!r}; for example "full" or ["loss", "lira-online"]')
    return [name.strip() if isinstance(name, str) else _card(name) for name in value]


def _card(path: os.PathLike[str]) -> str:
    """Return a path as a text that is no name of the catalogue."""
    text = os.fspath(path)
    return text if "/" in text else f"./{text}"


def _dataset(option: str, value: Any) -> str:
    """Read the name of a data set, or the path of a user's own."""
    return _card(value) if isinstance(value, os.PathLike) else _text(option, value)


def _bytes(option: str, value: Any) -> int:
    if isinstance(value, str):
        return parse_bytes(value)
    return parse_bytes(str(int(value))) if isinstance(value, float) and value.is_integer() else _whole(1)(option, value)


def _settings(option: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise UsageError(f'--set (settings) needs recipe fields and their values, got {value!r}; for example {{"training.epochs": 5}}')
    return {key: _plain(option, each) for key, each in value.items()}


def _plain(option: str, value: Any) -> Any:
    """Return a setting's value in the types of TOML."""
    if isinstance(value, Mapping):
        return _settings(option, value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return [_plain(option, each) for each in value] if isinstance(value, list | tuple) else value


def _path(option: str, value: Any) -> Path:
    return expanded(value, option)


READERS: Mapping[str, Reader] = {
    "surrogate": _text,
    "title": _text,
    "organisation": _text,
    "contact": _text,
    "surrogate_variant": _text,
    "surrogate_area": _number,
    "ptq": _yes_or_no,
    "secure_noise": _yes_or_no,
    "dataset": _dataset,
    "attacks": _attacks,
    "shadows": _count,
    "seed": _count,
    "settings": _settings,
    "data_root": _path,
    "offline": _yes_or_no,
    "device": _text,
    "store": _path,
    "out": _path,
    "force": _yes_or_no,
    "slices": _path,
    "expose": _yes_or_no,
    "workers": _whole(1),
    "memory": _bytes,
    "executor": _text,
    "scheduler": _text,
    "address": _text,
}
"""How each option is read; a test holds them to the fields of Options, one for one."""
