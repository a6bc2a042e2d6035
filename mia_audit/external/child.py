"""A network from outside, in a process of its own that can be ended: it may hang, crash, or fill the memory, and the audit says so.

The process builds the network by the recipe's code, loads its weights, answers batches and trains shadow models; arrays alone pass. Each
batch has a time limit. What goes wrong in there comes back as the line that it would have been here.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mia_audit import errors
from mia_audit.errors import AuditError, EvidenceError, RecipeError
from mia_audit.external import code, functions, networks, picking
from mia_audit.external.files import reason, told
from mia_audit.external.recipe import External
from mia_audit.types import Floats, Ints

STARTING = 600.0
"""Seconds that building the network may take."""


@dataclass(frozen=True, kw_only=True)
class Child:
    """The process and what it said when it was ready."""

    process: Any
    connection: Connection
    notes: tuple[str, ...]
    seconds: float
    name: str = "the target"

    def predict(self, batch: torch.Tensor) -> Floats:
        """Return the target's scores of a batch."""
        return self._answer(0, batch)

    def fit(self, indices: Ints, seed: int) -> Callable[[torch.Tensor], Floats]:
        """Train a shadow model and return what answers as it does."""
        number: int = self._ask(("fit", indices, seed), None)
        return lambda batch: self._answer(number, batch)

    def _answer(self, number: int, batch: torch.Tensor) -> Floats:
        found: Floats = self._ask(("ask", number, batch.numpy()), self.seconds)
        return found

    def _ask(self, message: tuple[Any, ...], seconds: float | None) -> Any:
        self.connection.send(message)
        return received(self, seconds)


def received(child: Child, seconds: float | None) -> Any:
    """Return what the process answers; EvidenceError where it takes too long or has ended, its own line where it refuses."""
    try:
        if not child.connection.poll(seconds):
            raise EvidenceError(
                f"{child.name} needs to answer within {seconds:g} seconds, got no answer; give [external] seconds = ..., or a smaller batch"
            )
        kind, content = child.connection.recv()
    except (EOFError, OSError) as error:
        child.process.join(5)
        code_ = child.process.exitcode
        how = f"signal {signal.Signals(-code_).name}" if code_ is not None and code_ < 0 else f"exit code {code_}"
        raise EvidenceError(f"{child.name}'s process ended with {how}; run its code by itself to see why") from error
    if kind == "refused":
        name, line = content
        raise getattr(errors, name, EvidenceError)(line)
    return content


@contextmanager
def opened(external: External, folder: Path) -> Iterator[Child]:
    """Start the process, and end it whatever happens."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, external.model_dump(), str(folder)), daemon=True)
    process.start()
    theirs.close()
    child = Child(process=process, connection=ours, notes=(), seconds=external.seconds)
    try:
        notes = received(child, STARTING)
        yield Child(process=process, connection=ours, notes=notes, seconds=external.seconds)
    finally:
        ours.close()
        process.terminate()
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(connection: Connection, content: dict[str, Any], folder: str) -> None:
    """Live in the process: build, say so, and answer until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)  # threads that wait for each other on a busy machine cost up to a hundred times the time
    external = External.model_validate(content)
    try:
        pick, _ = picking.parsed(external.output or ("sum(0)" if external.steps else ""))
        network, notes = networks.built(external, Path(folder))
        models = [_function(network, pick, "the target")] if network is not None else []
    except BaseException as error:  # noqa: BLE001  all of it is told
        connection.send(("refused", _line(error)))
        return
    connection.send(("ok", notes))
    while True:
        try:
            message = connection.recv()
        except EOFError:
            return
        try:
            connection.send(("ok", _done(message, models, external, Path(folder), pick)))
        except BaseException as error:  # noqa: BLE001
            connection.send(("refused", _line(error)))


def _done(message: tuple[Any, ...], models: list[functions.Function], external: External, folder: Path, pick: Callable[[Any], Any]) -> Any:
    if message[0] == "ask":
        return models[message[1]](torch.from_numpy(message[2]), np.arange(len(message[2])))
    made = networks.answering(code.named(external.train, folder)(message[1], message[2]))
    if not callable(made):
        raise RecipeError(f"train needs to return a function x -> scores or a module, got {type(made).__name__}; return what predicts")
    models.append(_function(made, pick, "a shadow model"))
    return len(models) - 1


def _function(network: Any, pick: Callable[[Any], Any], name: str) -> functions.Function:
    """Return a network as what is asked, in evaluation mode: nobody else has it."""
    modules = functions.function(network, name).modules
    for each in (part for module in modules for part in module.modules()):
        each.training = False  # not by eval(), which exported programs refuse
    return functions.Function(call=_scoring(network, pick), name=name, modules=modules, lenient=True)


def _scoring(network: Any, pick: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def call(batch: torch.Tensor) -> Any:
        answer = network(batch)
        scores = pick(answer)
        if isinstance(scores, tuple | list) or getattr(scores, "ndim", 2) > 2:
            raise EvidenceError(f"the network returns {_shapes(answer)}; say which are the scores with output = '1.mean(0)' or '0.sum(0)'")
        return scores

    return call


def _shapes(answer: Any) -> str:
    if isinstance(answer, tuple | list):
        return f"({', '.join(_shapes(each) for each in answer)})"
    return f"{list(answer.shape)}" if hasattr(answer, "shape") else type(answer).__name__


def _line(error: BaseException) -> tuple[str, str]:
    if isinstance(error, AuditError):
        return type(error).__name__, str(error)
    return "EvidenceError", f"the network's code could not be run, got {reason(error)}; try it by itself"


def require_probe(predict: Callable[[torch.Tensor], Floats], file: Path, arrays: dict[str, Any]) -> None:
    """Refuse a network that does not give the logits that its owner knows."""
    if not {"x", "logits"} <= set(arrays):
        raise EvidenceError(f"{told(file.name)}: a probe needs arrays x and logits, got {', '.join(map(told, arrays))}; write both")
    found = predict(torch.from_numpy(arrays["x"].astype(np.float32)))
    wanted = np.asarray(arrays["logits"], dtype=np.float64)
    apart = float(np.abs(found - wanted).max()) if found.shape == wanted.shape else float("inf")
    if not apart <= 1e-3 * max(1.0, float(np.abs(wanted).max())):
        about = f"{len(wanted)} logits that its owner knows, got others (by up to {apart:.3g})"
        raise EvidenceError(f"the network needs the {about}; it is another network, or its inputs are prepared otherwise")
