"""Spiking networks in .nir, exported by snnTorch: the spikes are its own, step by step; and graphs that lead elsewhere are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from mia_audit.errors import AuditError
from mia_audit.external import child, networks
from mia_audit.external.recipe import External
from mia_audit.types import Floats

nir: Any = pytest.importorskip("nir")
h5py: Any = pytest.importorskip("h5py")
STEPS, DT = 25, 1e-4


def read(path: Path, reset: Any = "subtract", steps: int = STEPS) -> tuple[Any, tuple[str, ...]]:
    """Return the network in a file."""
    return networks.built(External(checkpoint=path.name, steps=steps, dt=DT, reset=reset), path.parent)


def spiking(kind: str, reset: str) -> tuple[nn.Sequential, torch.Tensor]:
    """Return a network of snnTorch, and inputs that make it spike."""
    import snntorch as snn  # noqa: PLC0415

    def neuron(*shape: int) -> nn.Module:
        one = torch.ones(shape)
        more: dict[str, Any] = {"threshold": one, "reset_mechanism": reset, "init_hidden": True}
        return snn.Synaptic(alpha=0.8 * one, beta=0.9 * one, **more) if kind == "synaptic" else snn.Leaky(beta=0.9 * one, **more)

    torch.manual_seed(0)
    if kind == "convolution":
        parts = (nn.Conv2d(1, 4, 3, padding=(0, 0)), neuron(4, 6, 6), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(36, 5), neuron(5))
        inputs = 2 * torch.rand(8, 1, 8, 8)
    else:
        parts, inputs = (nn.Linear(16, 32), neuron(32), nn.Linear(32, 5), neuron(5)), 2 * torch.rand(8, 16)
    net = nn.Sequential(*parts)
    with torch.no_grad():
        for each in net:
            if isinstance(each, nn.Linear | nn.Conv2d):
                each.weight *= 3
    return net, inputs


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("kind", "reset", "here"),
    [
        ("leaky", "subtract", "subtract-next"),
        ("leaky", "zero", "zero"),
        ("synaptic", "subtract", "subtract-next"),
        ("synaptic", "zero", "zero-next"),
        ("convolution", "subtract", "subtract-next"),
        ("convolution", "zero", "zero"),
    ],
)
def test_an_exported_network_spikes_as_it_did(tmp_path: Path, kind: str, reset: str, here: str) -> None:
    """Every spike of every step; another reset gives others."""
    pytest.importorskip("nirtorch")
    from snntorch import Leaky, Synaptic  # noqa: PLC0415
    from snntorch.export_nir import export_to_nir  # noqa: PLC0415

    net, x = spiking(kind, reset)
    nir.write(tmp_path / "net.nir", export_to_nir(net, x[:1], ignore_dims=[0]))
    for each in net:
        if isinstance(each, Leaky | Synaptic):
            each.reset_mem()
    with torch.no_grad():
        answers = [net(x) for _ in range(STEPS)]
    wanted = torch.stack([each[0] if isinstance(each, tuple) else each for each in answers])
    asked, notes = read(tmp_path / "net.nir", here)
    assert torch.equal(asked(x).float(), wanted)
    assert torch.equal(asked(x).float(), wanted), "asked again, from rest"
    assert 0.01 < wanted.mean() < 0.9
    assert notes[0].endswith(f"25 steps of 0.0001 s, reset {here}.")
    assert any(
        not torch.equal(read(tmp_path / "net.nir", other)[0](x).float(), wanted) for other in ("subtract", "zero-next") if other != here
    )


def chain(*nodes: Any, inputs: int = 3, outputs: int = 3) -> Any:
    """Return a graph of nodes in a row."""
    named = {"input": nir.Input(input_type={"input": np.array([inputs])}), **{f"n{place}": node for place, node in enumerate(nodes)}}
    named["output"] = nir.Output(output_type={"output": np.array([outputs])})
    return nir.NIRGraph(nodes=named, edges=list(zip(list(named)[:-1], list(named)[1:], strict=True)), type_check=False)


def stepped(tmp_path: Path, node: Any, x: Floats, reset: str = "zero") -> Floats:
    """Return what one node gives in every step to one input."""
    nir.write(tmp_path / "one.nir", chain(node))
    found: Floats = read(tmp_path / "one.nir", reset)[0](torch.from_numpy(x)[None])[:, 0].numpy()
    return found


def ones(value: float) -> Floats:
    """Return three values."""
    return np.full(3, value)


def test_neurons_take_eulers_steps(tmp_path: Path) -> None:
    """Against their closed forms: a leak's geometric series, an integrator's line, and the spikes that follow from it."""
    x, n = np.array([0.5, 1.0, 2.0]), np.arange(1, STEPS + 1)[:, None]
    leak = stepped(tmp_path, nir.LI(tau=ones(2e-3), r=ones(1.0), v_leak=ones(0.1)), x)
    np.testing.assert_allclose(leak, 0.1 + x * (1 - (1 - DT / 2e-3) ** n), rtol=1e-9)
    line = stepped(tmp_path, nir.I(r=ones(5.0)), x)
    np.testing.assert_allclose(line, 5 * DT * x * n, rtol=1e-9)
    spikes = stepped(tmp_path, nir.IF(r=ones(1 / DT), v_threshold=ones(3.2), v_reset=ones(0.0)), x, "zero")
    np.testing.assert_array_equal(spikes, (n % np.array([7, 4, 2]) == 0))
    whole = stepped(tmp_path, nir.IF(r=ones(1 / DT), v_threshold=ones(3.2), v_reset=ones(0.0)), x, "subtract")
    np.testing.assert_array_equal(whole.cumsum(axis=0), np.ceil(x * n / 3.2) - 1)


def test_plain_nodes_do_what_their_names_say(tmp_path: Path) -> None:
    """Scale, threshold, linear, affine, and both kinds of pooling."""
    x = np.array([0.5, 1.0, 2.0])
    np.testing.assert_allclose(stepped(tmp_path, nir.Scale(scale=x), x)[0], x**2)
    np.testing.assert_allclose(stepped(tmp_path, nir.Threshold(threshold=ones(0.75)), x)[0], [0, 1, 1])
    weight = np.arange(9.0).reshape(3, 3)
    np.testing.assert_allclose(stepped(tmp_path, nir.Linear(weight=weight), x)[0], weight @ x)
    np.testing.assert_allclose(stepped(tmp_path, nir.Affine(weight=weight, bias=x), x)[0], weight @ x + x)
    sizes = {"kernel_size": np.array([2, 2]), "stride": np.array([2, 2]), "padding": np.array([0, 0])}
    for kind, share in ((nir.SumPool2d, 4), (nir.AvgPool2d, 1)):
        nir.write(tmp_path / "pool.nir", chain(kind(**sizes)))
        found = read(tmp_path / "pool.nir", steps=1)[0](torch.arange(16.0).reshape(1, 1, 4, 4))
        np.testing.assert_allclose(found.numpy().reshape(-1), share * np.array([2.5, 4.5, 10.5, 12.5]))


def test_branches_are_added(tmp_path: Path) -> None:
    """A node with two sources is given their sum."""
    graph = chain(nir.Scale(scale=ones(2.0)))
    graph.edges.append(("input", "output"))
    nir.write(tmp_path / "b.nir", graph)
    np.testing.assert_allclose(read(tmp_path / "b.nir", steps=1)[0](torch.ones(1, 3)).numpy().reshape(-1), 3)


def linked(path: Path) -> None:
    """Let an array lie in another file."""
    with h5py.File(path, "a") as file:
        file["node/nodes/n0/more"] = h5py.ExternalLink("/etc/passwd", "/x")


def soft(path: Path) -> None:
    """Let a name lead to another."""
    with h5py.File(path, "a") as file:
        file["node/nodes/n0/more"] = h5py.SoftLink("/node")


def around(path: Path) -> None:
    """Let a group hold itself."""
    with h5py.File(path, "a") as file:
        file["node/nodes/n0/more"] = file["node"]


def promised(path: Path) -> None:
    """Promise a terabyte."""
    with h5py.File(path, "a") as file:
        file["node/nodes/n0"].create_dataset("more", shape=(2**37,), dtype="f8", chunks=(2**10,))


def elsewhere(path: Path) -> None:
    """Keep an array's bytes in another file."""
    with h5py.File(path, "a") as file:
        file["node/nodes/n0"].create_dataset("more", shape=(4,), dtype="u1", external=[("/etc/passwd", 0, 4)])


def cut(path: Path) -> None:
    """Write half of it."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def page(path: Path) -> None:
    """Write what a server says instead."""
    path.write_text("<html>404</html>")


def strange(path: Path) -> None:
    """Name a kind of node that nobody has."""
    with h5py.File(path, "a") as file:
        del file["node/nodes/n0/type"]
        file["node/nodes/n0/type"] = "os.system"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (linked, "'more' leads elsewhere, which is not followed"),
        (soft, "'more' leads elsewhere, which is not followed"),
        (around, "a group holds itself"),
        (promised, "promises 1099511"),
        (elsewhere, "'more' needs numbers or words in the file itself"),
        (cut, "needs to be a graph that nir reads"),
        (page, "needs to be a graph that nir reads"),
        (strange, "needs to be a graph that nir reads"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_hostile_files_end_in_one_line(tmp_path: Path, change: Callable[[Path], None], message: str) -> None:
    """Before anything is read of them."""
    nir.write(tmp_path / "net.nir", chain(nir.Scale(scale=ones(1.0))))
    change(tmp_path / "net.nir")
    with pytest.raises(AuditError, match=message) as caught:
        read(tmp_path / "net.nir")
    assert str(caught.value).isprintable()


def test_graphs_that_are_not_stepped_here_are_refused(tmp_path: Path) -> None:
    """Round ones, delays, NaN, and steps that are longer than a neuron's time."""
    graph = chain(nir.Scale(scale=ones(1.0)), nir.Scale(scale=ones(1.0)))
    graph.edges.append(("n1", "n0"))
    for each, message in (
        (graph, "its nodes go round"),
        (chain(nir.Delay(delay=ones(1.0))), "node n0 needs to be one of .*, got Delay"),
        (chain(nir.Scale(scale=ones(np.nan))), "node n0 needs finite numbers, got NaN or infinity in scale"),
        (chain(nir.LI(tau=ones(1e-5), r=ones(1.0), v_leak=ones(0.0))), "node n0 needs tau of a step .* got 1e-05; give a smaller dt"),
    ):
        nir.write(tmp_path / "net.nir", each)
        with pytest.raises(AuditError, match=message):
            read(tmp_path / "net.nir")
    with pytest.raises(AuditError, match="a graph holds no time; give dt, steps and reset"):
        networks.built(External(checkpoint="net.nir"), tmp_path)


@pytest.mark.slow
def test_spikes_are_counted_unless_the_recipe_says_otherwise(tmp_path: Path) -> None:
    """In the process that is asked."""
    nir.write(tmp_path / "net.nir", chain(nir.Scale(scale=ones(2.0))))
    with child.opened(External(checkpoint="net.nir", steps=4, dt=DT, reset="zero"), tmp_path) as kid:
        np.testing.assert_allclose(kid.predict(torch.ones(2, 3)), 8)
