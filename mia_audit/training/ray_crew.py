"""A crew on a Ray cluster (`mia-audit[ray]`): one that is given, or worker processes of this machine.

Not by joblib's backend for Ray: that starts a new pool of processes for every call, and ends them after it.
"""

import contextlib
import importlib
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mia_audit.errors import ExecutorError
from mia_audit.training import guard
from mia_audit.training.agreement import Agreement
from mia_audit.training.crew import Item, Result, Shared, lost

RETRIES = 3
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""What keeps Ray to this machine, read when it is imported: where clusters are not meant, as on macOS, it listens on loopback alone."""


class RayCrew:
    """Workers of a Ray cluster, each checked when it begins a piece of work."""

    distant = True

    def __init__(self, ray: Any, agreement: Agreement) -> None:
        self._ray = ray
        self._agreement = agreement

    def run(
        self, work: Callable[[Item, Shared], Result], items: Sequence[Item], shared: Shared, workers: int | None
    ) -> Iterator[tuple[int, Result]]:
        """Yield results as they are ready."""
        ray, errors = self._ray, self._ray.exceptions
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_one)
        at_all, left = ray.put(shared), list(enumerate(items))
        running: list[Any] = []
        try:
            while left or running:
                while left and len(running) < (workers or len(items)):
                    number, item = left.pop(0)
                    running.append(remote.remote(work, number, item, at_all, self._agreement))
                (ready, *_), running = ray.wait(running, num_returns=1)
                token, number, result = ray.get(ready)
                self._agreement.confirm(token)
                yield number, result
        except errors.RayTaskError as error:
            raise _cause(error) from None
        except (errors.WorkerCrashedError, errors.OutOfMemoryError) as error:
            raise lost(f"its cluster's system, {RETRIES + 1} times over") from error
        except errors.RayError as error:
            raise ExecutorError(
                f"--executor ray needs its cluster to live, got {type(error).__name__}; start it anew, and the same command goes on from "
                f"the cohorts in the store"
            ) from error
        finally:
            for one in running:
                with contextlib.suppress(Exception):  # the cluster may be gone
                    ray.cancel(one, force=True)


def _cause(error: Any) -> BaseException:
    cause: BaseException = getattr(error, "cause", None) or error
    if isinstance(cause, ModuleNotFoundError):
        return ExecutorError(f"every worker needs mia-audit, as here, got: {cause}; install it there")
    return cause


def _one(work: Callable[[Item, Shared], Result], number: int, item: Item, shared: Shared, agreement: Agreement) -> tuple[str, int, Result]:
    guard.quiet()
    return agreement.require(), number, work(item, shared)


@contextlib.contextmanager
def opened(address: str | None, workers: int, agreement: Agreement) -> Iterator[RayCrew]:
    """Yield a crew on the cluster at this address, or on a local one of so many processes; ExecutorError when it is not to be had."""
    if address is None:
        os.environ.update({name: value for name, value in _LOOPBACK.items() if name not in os.environ})
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise ExecutorError("--executor ray needs the package ray, got none installed; pip install 'mia-audit[ray]'") from error
    answer = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(log_to_driver=False, logging_level=logging.CRITICAL, **({"address": address} if address else _here(workers)))
    except (OSError, RuntimeError, ValueError, ConnectionError) as error:
        raise ExecutorError(
            f"--address needs the address of a running Ray cluster, such as 127.0.0.1:6379, got {address!r}: "
            f"{' '.join(str(error).split())}; start one with `ray start --head`, or leave --address out for a local cluster"
        ) from error
    finally:
        with contextlib.suppress(ValueError):  # ray takes SIGTERM for itself
            signal.signal(signal.SIGTERM, answer)
    try:
        crew = RayCrew(ray, agreement)
        nodes = [node for node in ray.nodes() if node["Alive"]]
        for _ in crew.run(_nothing, nodes, None, None):
            pass
        yield crew
    finally:
        ray.shutdown()


def _nothing(item: Any, shared: None) -> None:
    """Do nothing: a worker that gets here agrees."""


def _here(workers: int) -> dict[str, Any]:
    """Return what starts a cluster of this machine."""
    return {"address": "local", "num_cpus": workers, "include_dashboard": False}
