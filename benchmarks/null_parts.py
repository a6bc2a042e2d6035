"""Parts of a long run, each kept in a file as soon as it is done, so that a run that is cut off goes on where it was.

A part is taken from its file only if the code and the share of the work are the same.
"""

import functools
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed

from benchmarks.table import say

ROOT = Path(__file__).resolve().parent.parent
CHUNK = 12
BATCHES = 8

T = TypeVar("T")

Key = tuple[str, str, str, str]
"""Kind of audit, shadow models, attack, metric."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """So many alarms in so many audits."""

    key: Key
    audits: int
    alarms: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one part found: alarm rates, sentences about what was left out, a section of the page, and how many of its rows fail."""

    rates: tuple[Rate, ...] = ()
    left_out: tuple[str, ...] = ()
    section: str = ""
    failed: int = 0
    rows: int = 0


def counted(found: Iterable[tuple[Key, bool]], left_out: tuple[str, ...] = ()) -> Result:
    """Return alarms as rates."""
    audits: Counter[Key] = Counter()
    alarms: Counter[Key] = Counter()
    for key, raised in found:
        audits[key] += 1
        alarms[key] += raised
    return Result(rates=tuple(Rate(key=key, audits=audits[key], alarms=alarms[key]) for key in audits), left_out=left_out)


def spread(once: Callable[[np.random.Generator], T], numbers: range, seed: int) -> Iterator[T]:
    """Yield what the audits of these numbers give, each on a stream of its own, over the cores that this process may use."""

    def chunk(start: int) -> list[T]:
        return [once(np.random.default_rng([seed, index])) for index in numbers[start : start + CHUNK]]

    jobs = (delayed(chunk)(start) for start in range(0, len(numbers), CHUNK))
    for done in Parallel(n_jobs=-1, return_as="generator")(jobs):
        yield from done


def together(results: Iterable[Result]) -> list[Rate]:
    """Return the rates of all parts, those of batches of one kind added up."""
    audits: Counter[Key] = Counter()
    alarms: Counter[Key] = Counter()
    for rate in (rate for result in results for rate in result.rates):
        audits[rate.key] += rate.audits
        alarms[rate.key] += rate.alarms
    return [Rate(key=key, audits=audits[key], alarms=alarms[key]) for key in audits]


def batches(count: int) -> list[range]:
    """Return the numbers of so many audits in BATCHES of equal size, each a part of its own."""
    size = max(1, count // BATCHES)
    return [range(start, start + size) for start in range(0, BATCHES * size, size)]


def kept(folder: Path, name: str, share: str, once: Callable[[], Result]) -> Result:
    """Return a part's result, from its file where it is there already."""
    there = found(folder, name, share)
    if there is not None:
        return there
    began = time.perf_counter()
    result = once()
    seconds = round(time.perf_counter() - began, 1)
    folder.mkdir(parents=True, exist_ok=True)
    content = {"stamp": _stamp(share), "seconds": seconds, "result": asdict(result)}
    (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    say(f"{name}: {seconds:.0f} s")
    return result


def found(folder: Path, name: str, share: str) -> Result | None:
    """Return what is kept of a part; None where nothing is, or where it comes from other code or another share of the work."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return _read(content["result"]) if content["stamp"] == _stamp(share) else None


def _stamp(share: str) -> dict[str, str]:
    return {"code": _code(), "share": share}


def _read(content: dict[str, object]) -> Result:
    rates = content["rates"]
    left_out = content["left_out"]
    assert isinstance(rates, list)  # noqa: S101
    assert isinstance(left_out, list)  # noqa: S101
    return Result(
        rates=tuple(Rate(key=tuple(each["key"]), audits=each["audits"], alarms=each["alarms"]) for each in rates),
        left_out=tuple(left_out),
        section=str(content["section"]),
        failed=int(str(content["failed"])),
        rows=int(str(content["rows"])),
    )


@functools.cache
def _code() -> str:
    """Return the digest of all that a result depends on."""
    digest = hashlib.sha256()
    for path in sorted([*ROOT.glob("mia_audit/**/*.py"), *ROOT.glob("benchmarks/null*.py"), *ROOT.glob("attacks/*.toml")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
