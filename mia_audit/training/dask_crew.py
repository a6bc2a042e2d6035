"""A crew on a Dask cluster (`mia-audit[dask]`): a scheduler that is given, or worker processes of this machine.

Dask gives a piece of work to another worker when its own dies; after three deaths the piece itself is to blame.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from mia_audit.errors import AuditError, ExecutorError
from mia_audit.training import guard
from mia_audit.training.agreement import Agreement
from mia_audit.training.crew import Item, Result, Shared, lost

CONNECT_SECONDS = 10
_HERE: dict[str, Any] = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None, "silence_logs": logging.CRITICAL}
_ONE_AT_A_TIME = threading.Lock()  # torch's settings belong to the process, whatever number of threads a worker was started with


class DaskCrew:
    """Workers of a Dask cluster that agree with this process."""

    distant = True

    def __init__(self, client: Any, agreement: Agreement) -> None:
        self._client = client
        self._agreement = agreement

    def run(
        self, work: Callable[[Item, Shared], Result], items: Sequence[Item], shared: Shared, workers: int | None
    ) -> Iterator[tuple[int, Result]]:
        """Yield results as they are ready."""
        from distributed import as_completed  # noqa: PLC0415  an extra
        from distributed.scheduler import KilledWorker  # noqa: PLC0415

        at_all = self._client.scatter(shared, hash=False)
        left = iter(enumerate(items))
        running = as_completed(loop=self._client.loop)
        running.update(self._submit(work, item, number, at_all) for number, item in _first(left, workers or len(items)))
        try:
            for future in running:
                token, number, result = future.result()
                self._agreement.confirm(token)
                yield number, result
                for further, item in _first(left, 1):
                    running.add(self._submit(work, item, further, at_all))
        except KilledWorker as error:
            raise lost("its cluster's system, three times over") from error
        except (CancelledError, OSError) as error:
            raise ExecutorError(
                f"--executor dask needs its scheduler to live, got: {_line(error)}; start the cluster anew, and the same command goes on "
                f"from the cohorts in the store"
            ) from error
        finally:
            with contextlib.suppress(Exception):  # the scheduler may be gone
                self._client.cancel([*running.futures], force=True)

    def _submit(self, work: Callable[[Item, Shared], Result], item: Item, number: int, shared: Any) -> Any:
        return self._client.submit(_one, work, number, item, shared, self._agreement, pure=False)


def _one(work: Callable[[Item, Shared], Result], number: int, item: Item, shared: Shared, agreement: Agreement) -> tuple[str, int, Result]:
    with _ONE_AT_A_TIME:
        guard.quiet()
        return agreement.require(), number, work(item, shared)


def _first(left: Iterator[tuple[int, Item]], count: int) -> Iterator[tuple[int, Item]]:
    for _, one in zip(range(count), left, strict=False):
        yield one


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__} {error}".split())


@contextlib.contextmanager
def opened(scheduler: str | None, workers: int, agreement: Agreement) -> Iterator[DaskCrew]:
    """Yield a crew on the cluster of this scheduler, or on a local one of so many processes; ExecutorError when it is not to be had."""
    try:
        from distributed import Client, LocalCluster  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ExecutorError("--executor dask needs the package distributed, got none installed; pip install 'mia-audit[dask]'") from error
    with contextlib.ExitStack() as stack:
        stack.enter_context(_silenced())
        try:
            place: Any = scheduler or stack.enter_context(LocalCluster(n_workers=workers, **_HERE))
            client = stack.enter_context(Client(place, timeout=CONNECT_SECONDS, set_as_default=False))
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except (OSError, TimeoutError, ValueError) as error:
            raise ExecutorError(
                f"--scheduler needs the address of a running Dask scheduler with workers, such as tcp://127.0.0.1:8786, got {scheduler!r}: "
                f"{_line(error)}; start them with `dask scheduler` and `dask worker`, or leave --scheduler out for a local cluster"
            ) from error
        _agree(client, agreement)
        yield DaskCrew(client, agreement)


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Let Dask log nothing: what ends badly is told in one line, by an error."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _agree(client: Any, agreement: Agreement) -> None:
    """Let every worker that is there now check that it agrees."""
    try:
        tokens = client.run(agreement.require)
    except AuditError:
        raise
    except ImportError as error:
        raise ExecutorError(f"every worker needs mia-audit, as here, got: {_line(error)}; install it there") from error
    for token in tokens.values():
        agreement.confirm(token)
