"""Where an audit's models are trained and probed: on this machine, or on a cluster that the user names."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mia_audit.errors import ExecutorError, nearest
from mia_audit.training.agreement import agreed
from mia_audit.training.crew import Crew, Local, released

EXECUTORS = ("local", "dask", "ray")


@dataclass(frozen=True, kw_only=True)
class Executor:
    """A kind of executor, and the address of its cluster; without one it runs on this machine."""

    kind: str = "local"
    address: str | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether the work is done by machines whose memory is not this one's."""
        return self.address is not None


def executor(kind: str | None, *, scheduler: str | None = None, address: str | None = None) -> Executor:
    """Return the executor of the options --executor, --scheduler (Dask's) and --address (Ray's); ExecutorError where they do not fit."""
    chosen = kind or "local"
    if chosen not in EXECUTORS:
        raise ExecutorError(f"--executor needs one of {', '.join(EXECUTORS)}, got {chosen!r}{nearest(chosen, EXECUTORS)}")
    for option, value, owner in (("--scheduler", scheduler, "dask"), ("--address", address, "ray")):
        if value is not None and chosen != owner:
            raise ExecutorError(f"{option} needs --executor {owner}, got --executor {chosen}; leave {option} out or choose {owner}")
    return Executor(kind=chosen, address=scheduler if scheduler is not None else address)


@contextlib.contextmanager
def opened(chosen: Executor, store: Path, workers: int) -> Iterator[Crew]:
    """Yield the crew; no process of it outlives the block. ExecutorError where a cluster is not to be had or does not agree."""
    if chosen.kind == "local":
        with released():
            yield Local()
        return
    from mia_audit.training import dask_crew, ray_crew  # noqa: PLC0415  who trains here needs neither

    opening = dask_crew.opened if chosen.kind == "dask" else ray_crew.opened
    with agreed(store) as agreement, opening(chosen.address, workers, agreement) as crew:
        yield crew
