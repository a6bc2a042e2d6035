"""Who does the work: local processes by joblib, unless a cluster is asked for (`executor.py`).

A piece of work is a function of this package, an item of its own, and what all items share. Results come back as they are ready.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

from joblib import Parallel, delayed
from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import BrokenProcessPool
from joblib.parallel import get_active_backend

from mia_audit.errors import WorkerError
from mia_audit.training import guard

Item = TypeVar("Item")
Shared = TypeVar("Shared")
Result = TypeVar("Result")


class Crew(Protocol):
    """Whoever runs pieces of work.

    distant  workers may sit on other machines: what they read and write has to lie in the store
    """

    @property
    def distant(self) -> bool:
        """Whether only the store is seen by all."""
        ...

    def run(
        self, work: Callable[[Item, Shared], Result], items: Sequence[Item], shared: Shared, workers: int | None
    ) -> Iterator[tuple[int, Result]]:
        """Yield each item's number and work(item, shared) as they are ready, `workers` at once; the first error ends all.

        Raises WorkerError when a worker process is lost.
        """
        ...


class Local:
    """Processes of this machine, one thread each; with one worker the parent itself. The user's `joblib.parallel_config` is heeded."""

    distant = False

    def run(
        self, work: Callable[[Item, Shared], Result], items: Sequence[Item], shared: Shared, workers: int | None
    ) -> Iterator[tuple[int, Result]]:
        """Yield results as they are ready."""
        at_once, parent = max(1, min(workers or len(items), len(items))), os.getpid()
        jobs = (delayed(_one)(work, number, item, shared, parent) for number, item in enumerate(items))
        watched = {"initializer": guard.begin, "initargs": (parent,)} if _processes() else {}
        parallel: Any = Parallel(n_jobs=at_once, pre_dispatch="n_jobs", return_as="generator_unordered", **watched)
        done: Iterator[tuple[int, Result]] = parallel(jobs)
        try:
            with contextlib.closing(done):  # type: ignore[type-var]  # on an error, workers are stopped now, not when garbage is collected
                yield from done
        except BrokenProcessPool as error:
            raise lost("this machine's system") from error


def _processes() -> bool:
    """Whether joblib would start processes of its own kind: not where the user has chosen a cluster or threads."""
    return type(get_active_backend()[0]).__name__ == "LokyBackend"


def _one(work: Callable[[Item, Shared], Result], number: int, item: Item, shared: Shared, parent: int) -> tuple[int, Result]:
    """Do one piece of work, in a worker or in the parent itself."""
    if os.getpid() != parent:
        guard.quiet()
    return number, work(item, shared)


@contextlib.contextmanager
def released() -> Iterator[None]:
    """Let no local worker outlive the block: joblib keeps idle ones, of a gigabyte each, for five minutes."""
    try:
        yield
    finally:
        anew: Any = get_reusable_executor  # its `reuse` may be a bool, which its annotation leaves out
        anew(max_workers=1, reuse=False, kill_workers=True).shutdown(wait=True, kill_workers=True)


def lost(by: str) -> WorkerError:
    """Return the error of a worker process that was killed."""
    return WorkerError(
        f"an audit needs its worker processes to live, got one killed by {by}, most often for want of memory; use fewer --workers or "
        f"less --memory, and the same command goes on from the cohorts in the store"
    )
