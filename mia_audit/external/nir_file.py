"""A spiking network in a .nir (the Neuromorphic Intermediate Representation), read by nir and h5py (an extra), stepped here.

Pedersen et al., "Neuromorphic intermediate representation", Nature Communications 2024, arXiv:2311.14641v2: nodes are differential
equations. A file holds no step of time, so that `dt`, `steps` and `reset` are the recipe's. Neurons take forward Euler steps:

    v <- v + dt / tau (v_leak - v + R I);  a spike where v > v_threshold;  then v <- v_reset ("zero"), or
    v - (v_threshold - v_reset) ("subtract")

"subtract-next" and "zero-next" reset in the step after the spike: v - v_threshold, or 0 whatever comes in. snnTorch's reset "subtract" is
"subtract-next"; its "zero" is "zero" for Leaky, and "zero-next" for Synaptic.
Pictures are given to every step as they are. Links to other files, cycles and sizes that a file cannot hold are refused before anything
is read.
"""

from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mia_audit.errors import DataError, RecipeError
from mia_audit.external.files import reason, regular, told
from mia_audit.external.recipe import External
from mia_audit.extras import extra

MOST = 2**30
"""Bytes that all arrays of a file may take together."""
TIGHTEST = 200
_DEEPEST = 8
_SAVE = "write it anew with nir.write"
State = dict[str, Tensor]
Step = Callable[[Tensor, State], Tensor]


def network(path: Path, external: External) -> tuple[Callable[[Tensor], Tensor], tuple[str, ...]]:
    """Return what answers a batch with the graph's outputs [steps, examples, classes], and notes."""
    name = told(regular(path, "a network").name)
    dt, steps, reset = external.dt, external.steps, external.reset
    if dt is None or steps is None or not reset:
        raise RecipeError(f"{name}: a graph holds no time; give dt, steps and reset in [external], or --dt, --steps and --reset")
    nir, h5py = extra("nir", f"{name}: reading .nir"), extra("h5py", f"{name}: reading .nir")
    try:
        with h5py.File(path, "r") as file:
            _require_plain(name, file, path.stat().st_size, h5py)
        graph = nir.read(path, type_check=False)
    except DataError:
        raise
    except Exception as error:  # of many kinds, from HDF5 and from every node
        raise DataError(f"{name}: needs to be a graph that nir reads, got {reason(error)}; {_SAVE}") from error
    order, sources = _order(name, graph)
    made = {each: _node(name, each, graph.nodes[each], dt, reset) for each in order}
    ends = [each for each in order if type(graph.nodes[each]).__name__ == "Output"]

    def answer(batch: Tensor) -> Tensor:
        states: dict[str, State] = {each: {} for each in order}
        found = []
        for _ in range(steps):
            values: dict[str, Tensor] = {}
            for each in order:
                given = [values[source] for source in sources[each]]
                values[each] = made[each](
                    torch.stack(given).sum(0) if len(given) > 1 else given[0] if given else batch.double(), states[each]
                )
            found.append(values[ends[0]].flatten(1))
        return torch.stack(found)

    count = sum(np.size(each) for node in graph.nodes.values() for each in vars(node).values() if isinstance(each, np.ndarray))
    return answer, (f"{name}: {len(order)} nodes, {count} numbers; {steps} steps of {dt:g} s, reset {reset}.",)


def _require_plain(name: str, file: Any, size: int, h5py: Any) -> None:
    """Refuse links out of the file, groups that hold themselves, and arrays that the file cannot hold, before any is read."""
    total, seen, waiting = 0, set[Any](), [(file, 0)]
    while waiting:
        group, depth = waiting.pop()
        mark = h5py.h5o.get_info(group.id).addr
        if mark in seen or depth > _DEEPEST:
            raise DataError(f"{name}: a group holds itself, or others too deep; {_SAVE}")
        seen.add(mark)
        for key in group:
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise DataError(f"{name}: {told(key)!r} leads elsewhere, which is not followed; {_SAVE}")
            found = group[key]
            if isinstance(found, h5py.Group):
                waiting.append((found, depth + 1))
                continue
            if not isinstance(found, h5py.Dataset) or found.external or found.is_virtual or found.dtype.kind not in "fiubSO":
                raise DataError(f"{name}: {told(key)!r} needs numbers or words in the file itself, got others; {_SAVE}")
            total += found.nbytes
    if total > MOST or total > max(2**28, TIGHTEST * size):
        raise DataError(f"{name}: promises {total} bytes in a file of {size}; {_SAVE}")


def _order(name: str, graph: Any) -> tuple[list[str], dict[str, list[str]]]:
    """Return the graph's nodes, each behind its sources; DataError where they go round, or where input or output are not one."""
    if type(graph).__name__ != "NIRGraph":
        raise DataError(f"{name}: needs a graph, got {told(type(graph).__name__)}; {_SAVE}")
    sources: dict[str, list[str]] = {each: [] for each in graph.nodes}
    for start, end in graph.edges:
        if start not in sources or end not in sources:
            raise DataError(f"{name}: an edge needs two nodes of the graph, got {told(str(start))} to {told(str(end))}; {_SAVE}")
        sources[end].append(start)
    kinds = [type(each).__name__ for each in graph.nodes.values()]
    if kinds.count("Input") != 1 or kinds.count("Output") != 1:
        raise DataError(f"{name}: needs one input and one output, got {kinds.count('Input')} and {kinds.count('Output')}; {_SAVE}")
    lost = next((each for each, before in sources.items() if not before and type(graph.nodes[each]).__name__ != "Input"), None)
    if lost is not None:
        raise DataError(f"{name}: node {told(lost)} needs a source, got none; {_SAVE}")
    try:
        return list(TopologicalSorter(sources).static_order()), sources
    except CycleError:
        raise DataError(f"{name}: its nodes go round, which is not stepped here; export a network without recurrence") from None


def _node(name: str, called: str, node: Any, dt: float, reset: str) -> Step:
    """Return what one node does in a step; DataError where it is of a kind that is not stepped here."""
    kind = type(node).__name__
    values = {key: _tensor(value) for key, value in vars(node).items() if isinstance(value, np.ndarray | np.number | float | int)}
    bad = next((key for key, value in values.items() if not bool(torch.isfinite(value).all())), None)
    if bad is not None:
        raise DataError(f"{name}: node {told(called)} needs finite numbers, got NaN or infinity in {told(bad)}; {_SAVE}")
    late = next((key for key in values if key.startswith("tau") and not bool((values[key] >= dt).all())), None)
    if late is not None:
        raise DataError(
            f"{name}: node {told(called)} needs {late} of a step ({dt:g} s) or more, got {values[late].min():g}; give a smaller dt"
        )
    if kind in {"LIF", "IF", "CubaLIF", "LI", "CubaLI", "I"}:
        return _neuron(values, dt, reset)
    if kind not in PLAIN:
        known = ", ".join((*PLAIN, "LIF, IF, CubaLIF, LI, CubaLI, I"))
        raise DataError(f"{name}: node {told(called)} needs to be one of {known}, got {told(kind)}; export the network otherwise")
    return lambda x, _: PLAIN[kind](x, values, node)


def _tensor(value: Any) -> Tensor:
    return torch.as_tensor(np.asarray(value, dtype=np.float64))


def _neuron(values: Mapping[str, Tensor], dt: float, reset: str) -> Step:
    """Return a neuron's step: current where it has a synapse, membrane, and a spike where it has a threshold."""
    threshold, leak = values.get("v_threshold"), values.get("v_leak", torch.zeros(()))
    start = values.get("v_reset", torch.zeros(()))
    tau, at_rest = values.get("tau", values.get("tau_mem")), "tau" in values or "tau_mem" in values
    rate = dt / tau if tau is not None else torch.tensor(dt, dtype=torch.float64)

    def step(x: Tensor, state: State) -> Tensor:
        if "tau_syn" in values:
            current = state.get("i", torch.zeros_like(x))
            x = state["i"] = current + dt / values["tau_syn"] * (values["w_in"] * x - current)
        before = state.get("v", torch.zeros_like(x) + leak)
        v = before + rate * ((leak - before) * at_rest + values["r"] * x)
        if threshold is None:
            state["v"] = v
            return v
        if reset.endswith("-next"):
            fired = (before > threshold).double()
            v = v - fired * (threshold - start) if reset == "subtract-next" else v * (1 - fired)
            state["v"] = v
            return (v > threshold).double()
        spikes = (v > threshold).double()
        state["v"] = v - spikes * (threshold - start) if reset == "subtract" else torch.where(spikes > 0, start, v)
        return spikes

    return step


def _pair(value: Tensor) -> tuple[int, int]:
    first, *rest = [int(each) for each in value.reshape(-1)]
    return first, (rest[0] if rest else first)


def _convolved(x: Tensor, of: Mapping[str, Tensor], node: Any) -> Tensor:
    padding = node.padding if isinstance(node.padding, str) else _pair(_tensor(node.padding))
    return functional.conv2d(
        x, of["weight"], of.get("bias"), _pair(_tensor(node.stride)), padding, _pair(_tensor(node.dilation)), int(node.groups)
    )


def _averaged(x: Tensor, of: Mapping[str, Tensor], _: Any) -> Tensor:
    return functional.avg_pool2d(x, _pair(of["kernel_size"]), _pair(of["stride"]), _pair(of["padding"]))


def _flat(x: Tensor, _: Mapping[str, Tensor], node: Any) -> Tensor:
    start, end = int(node.start_dim), int(node.end_dim)
    return x.flatten(start + 1 if start >= 0 else start, end + 1 if end >= 0 else end)


PLAIN: dict[str, Callable[[Tensor, Mapping[str, Tensor], Any], Tensor]] = {
    "Input": lambda x, *_: x,
    "Output": lambda x, *_: x,
    "Linear": lambda x, of, _: functional.linear(x, of["weight"]),
    "Affine": lambda x, of, _: functional.linear(x, of["weight"], of["bias"]),
    "Scale": lambda x, of, _: x * of["scale"],
    "Threshold": lambda x, of, _: (x > of["threshold"]).double(),
    "Conv2d": _convolved,
    "SumPool2d": lambda x, of, _: _averaged(x, of, None) * float(np.prod(_pair(of["kernel_size"]))),
    "AvgPool2d": _averaged,
    "Flatten": _flat,
}
"""Nodes that keep nothing between steps."""
