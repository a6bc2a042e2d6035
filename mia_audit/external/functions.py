"""What somebody else wrote: any function or module, x -> scores, one row an example; put in evaluation mode and back, its states reset.

States that a network keeps between batches (membranes of snnTorch's, SpikingJelly's or sinabs' neurons) are reset before every batch by
the neurons' own method, on every module: snntorch.utils.reset does not reach nested ones.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from mia_audit.errors import AuditError, EvidenceError, UsageError
from mia_audit.external.examples import Given
from mia_audit.external.files import reason
from mia_audit.types import Floats, Ints

RESETS = {"snntorch": "reset_mem", "spikingjelly": "reset", "sinabs": "reset_states"}
"""By the package that a module's class comes from: the method that clears what it keeps."""
_CLOSE = 1e-4
"""Share of the answers' spread up to which two of them are one, rounded differently."""


@dataclass(frozen=True, kw_only=True)
class Function:
    """What is asked, what it is called in messages, and the modules in it that have a mode or keep states.

    lenient  leave it to whoever asked to refuse NaN, since they know which example it is
    turned   what asks in another turn, where answers are kept by whoever gives them; None where every question is asked
    """

    call: Callable[[Any], Any]
    name: str
    modules: tuple[nn.Module, ...]
    lenient: bool = False
    turned: Callable[[int], Callable[[Any], Any]] | None = None

    def __call__(self, batch: Any, places: Ints) -> Floats:
        """Return answers about the examples at some places, [places, classes] (one column where there is one output).

        EvidenceError where they are no such thing; it says at which place.
        """
        size = len(places)
        for module in self.modules:
            reset(module)
        try:
            with torch.no_grad():
                found = self.call(batch)
        except AuditError:
            raise
        except Exception as error:  # whatever somebody's function raises
            raise EvidenceError(
                f"{self.name} could not answer a batch of {size} examples, got {_why(batch, error, self.modules)}"
            ) from error
        scores = _scores(found, size, self.name)
        wrong = ~np.isfinite(scores).all(axis=1)
        if wrong.any() and not self.lenient:
            raise EvidenceError(
                f"{self.name} needs to return finite scores, got NaN or infinity for the example at position {int(places[wrong.argmax()])} "
                f"({int(wrong.sum())} of {size} in its batch are so); mend the network or leave such examples out"
            )
        return scores


def function(call: Any, name: str) -> Function:
    """Return a function or module as what can be asked; UsageError where it is neither."""
    if not callable(call):
        raise UsageError(
            f"{name} needs to be a function x -> scores or a module, got {type(call).__name__}; give one, such as lambda x: net(x)"
        )
    return Function(call=call, name=name, modules=tuple(_modules(call)), turned=getattr(call, "turned", None))


@contextmanager
def evaluating(asked: Function) -> Iterator[tuple[str, ...]]:
    """Put all modules into evaluation mode, and every one back into its own; gives a note where one was training."""
    modes = [(each, each.training) for module in asked.modules for each in module.modules()]
    for each, _ in modes:
        each.training = False
    note = f"{asked.name} was in training mode: asked in evaluation mode, and put back."
    try:
        yield (note,) if any(training for _, training in modes) else ()
    finally:
        for module in asked.modules:
            reset(module)
        for each, training in modes:
            each.training = training


def reset(module: nn.Module) -> None:
    """Clear what the neurons in a module keep between batches, each by its own method."""
    for each in module.modules():
        method = RESETS.get(type(each).__module__.partition(".")[0])
        if method is not None and callable(getattr(each, method, None)):
            getattr(each, method)()


def ask(asked: Function, examples: Given, places: Ints, together: int) -> Floats:
    """Return answers about examples at some positions, in that order, [places, classes]."""
    parts = [asked(examples.batch(some), some) for some in _batches(places, together)]
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        raise EvidenceError(
            f"{asked.name} needs answers of one width, got {' and '.join(map(str, sorted(widths)))}; return all classes always"
        )
    return np.concatenate(parts)


def doubts(asked: Function, examples: Given, places: Ints) -> tuple[str, ...]:
    """Ask about a batch twice, and in another order; say where the answers differ: a random or a remembering network."""
    first, again = (_in_turn(asked, turn)(examples.batch(places), places) for turn in range(2))
    turned = _in_turn(asked, 2)(examples.batch(places[::-1].copy()), places[::-1])[::-1]
    room = _CLOSE * max(1e-6, float(np.abs(first).max()))
    if (apart := float(np.abs(first - again).max())) > room:
        why = "it is random, or it keeps a state between batches. Attacks find less in such answers: reset it, or give it a seed"
        return (f"Asked twice about one batch, {asked.name} answers differently (by up to {apart:.3g}): {why}.",)
    if (apart := float(np.abs(first - turned).max())) > room:
        why = "an example's answer hangs on its neighbours. Use evaluation mode, or batches of one"
        return (f"Asked about one batch in another order, {asked.name} answers differently (by up to {apart:.3g}): {why}.",)
    return ()


def _in_turn(asked: Function, turn: int) -> Function:
    return asked if asked.turned is None else replace(asked, call=asked.turned(turn))


def _batches(places: Ints, together: int) -> Iterator[Ints]:
    for start in range(0, len(places), together):
        yield places[start : start + together]


def _why(batch: Any, error: Exception, modules: Sequence[nn.Module]) -> str:
    """Say what a function raised, and the way out: other data than a torch module takes are the commonest mistake."""
    if modules and isinstance(error, TypeError | AttributeError) and not isinstance(batch, torch.Tensor):
        kind = type(batch).__name__
        return f"{kind} where its torch module takes tensors; give the data as tensors, torch.as_tensor(x).float()"
    if modules and isinstance(error, RuntimeError) and isinstance(batch, torch.Tensor):
        own = next((each.dtype for module in modules for each in module.parameters()), batch.dtype)
        if own != batch.dtype:
            return f"inputs of {batch.dtype} where its torch module has weights of {own}; give x.to({own})"
    return f"{reason(error)}; try it on one batch"


def _scores(found: Any, size: int, name: str) -> Floats:
    if isinstance(found, tuple | list) and found and not np.isscalar(found[0]) and len(found) != size:
        raise EvidenceError(
            f"{name} needs to return scores, one row an example, got {type(found).__name__} of {len(found)}; take the part that holds "
            "them, as in lambda x: net(x)[0]"
        )
    try:
        values = found.detach().cpu().numpy() if isinstance(found, torch.Tensor) else np.asarray(found)
    except (TypeError, ValueError) as error:
        raise EvidenceError(f"{name} needs to return scores as an array or tensor, got {type(found).__name__}; return one") from error
    if values.dtype.kind not in "fiub" or values.ndim == 0 or len(values) != size or values.ndim > 2:
        where = values.shape.index(size) if values.dtype.kind in "fiub" and size in values.shape else 0
        hint = "sum or average over the other axes, as in lambda x: net(x).mean(0)" if where else "return an array [examples, classes]"
        raise EvidenceError(f"{name} needs to return scores [{size} examples, classes], got {values.dtype} {values.shape}; {hint}")
    scores: Floats = values.reshape(size, -1)
    return scores if scores.dtype in {np.dtype(np.float32), np.dtype(np.float64)} else scores.astype(np.float64)


def _modules(call: Any) -> Sequence[nn.Module]:
    """Return the modules that a function is, is bound to, or names: itself, its closure's, and the globals that it uses."""
    if isinstance(call, nn.Module):
        return (call,)
    inner = getattr(call, "func", call)  # of functools.partial
    bound = getattr(inner, "__self__", None)
    try:
        used = inspect.getclosurevars(inner)
        seen = [*used.nonlocals.values(), *used.globals.values(), bound, inner, *getattr(call, "args", ())]
    except TypeError:
        seen = [bound, inner, *vars(inner).values()] if hasattr(inner, "__dict__") else [bound, inner]
    return tuple({id(each): each for each in seen if isinstance(each, nn.Module)}.values())
