"""What machines that train one population must agree in: the versions that shape a model, and the folder of the store.

Every piece of work carries the parent's side and checks it where it runs, so a worker that joins late, or comes back after a crash, is
checked like the first.
"""

import contextlib
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mia_audit.errors import ExecutorError
from mia_audit.training.plan import ENGINE_VERSION

LIBRARIES = ("mia-audit", "torch", "brevitas", "numba", "numpy", "safetensors")
PATIENCE = 10.0
"""Seconds that a shared folder gets to show on one machine what another wrote."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """The parent's side: versions by name, and the folder with the token's name, which is in the store."""

    versions: Mapping[str, str]
    folder: Path

    def require(self) -> str:
        """Raise ExecutorError unless this process agrees; leave a token in the folder, and return its name."""
        own = versions()
        for name, wanted in self.versions.items():
            if own.get(name) != wanted:
                raise ExecutorError(
                    f"every worker needs {name} {wanted}, as here, got {own.get(name, 'none')} on a worker; install the same versions on "
                    f"all machines"
                )
        token = self.folder / uuid.uuid4().hex
        try:
            token.write_text(self.folder.name, encoding="ascii")
        except OSError as error:
            raise self.unseen(f"a worker cannot write there: {error.strerror}") from error
        return token.name

    def confirm(self, token: str) -> None:
        """Raise ExecutorError unless the token that a worker says it left is there, with the right content."""
        given_up = time.monotonic() + PATIENCE
        while not self._read(token):
            if time.monotonic() > given_up:
                raise self.unseen("what a worker wrote there is not seen here")
            time.sleep(0.2)

    def unseen(self, got: str) -> ExecutorError:
        """Return the error of a store that is not shared."""
        return ExecutorError(
            f"--executor needs a store that all machines see under one path, got {self.folder.parent}: {got}; give a shared folder with "
            f"--store"
        )

    def _read(self, token: str) -> bool:
        try:
            return (self.folder / token).read_text(encoding="ascii") == self.folder.name
        except OSError:
            return False


@contextlib.contextmanager
def agreed(store: Path) -> Iterator[Agreement]:
    """Yield this process's side of an agreement; the folder of tokens is gone afterwards."""
    folder = store.resolve() / f".agreed-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    try:
        yield Agreement(versions=versions(), folder=folder)
    finally:
        for token in folder.iterdir():
            token.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()


def versions() -> dict[str, str]:
    """Return what shapes a trained model on this machine, by name."""
    return {"Python": f"{sys.version_info.major}.{sys.version_info.minor}", "the engine": ENGINE_VERSION, **_installed()}


def _installed() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
