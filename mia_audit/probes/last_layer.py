"""What goes into and comes out of the last layer, chunk by chunk: where gradients by its weights and biases are cheap."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor

from mia_audit.models.layers import LockstepLinear
from mia_audit.probes.subject import Subject


class Passed(NamedTuple):
    """One chunk of B examples on its way through K models; S is 1, or the steps where the last layer runs at each of them.

    fed      what the models were fed, [K, steps or 1, B, ...], a leaf that gradients reach
    rows     inputs of the last layer, [K, S, B, features], apart from the graph
    output   its outputs, which the readout neurons integrate and an ANN averages, [K, S, B, classes]
    logits   [K, B, classes]
    labels   [B]
    """

    fed: Tensor
    rows: Tensor
    output: Tensor
    logits: Tensor
    labels: Tensor


def passages(subject: Subject, purpose: str) -> Iterator[Passed]:
    """Yield every chunk of the examples, in order; random encodings are the purpose's own."""
    last = [module for module in subject.population.modules() if isinstance(module, LockstepLinear)][-1]
    rows: list[Tensor] = []
    outputs: list[Tensor] = []

    def at_last(_: Any, arguments: tuple[Any, ...]) -> None:
        rows.append(arguments[0].detach().flatten(3).float())

    def behind(_: Any, __: Any, output: Tensor) -> None:
        outputs.append(output)

    hooks = [last.register_forward_pre_hook(at_last), subject.population.layers.register_forward_hook(behind)]
    try:
        encoding = subject.draws(purpose).encoding(0)
        for x, labels in subject.chunks():
            fed = subject.encoded(x, encoding).clone().requires_grad_()
            logits = subject.population(fed)
            yield Passed(fed=fed, rows=rows.pop(), output=outputs.pop(), logits=logits, labels=labels)
    finally:
        for hook in hooks:
            hook.remove()
