"""Every architecture with every surrogate, width and normalization: built, stepped as its models step alone, saved and loaded.

Not all 10 x 13 x 7 x 4 combinations, but every pair: each architecture meets each surrogate (and none, as an ANN), each width and
each normalization, and each surrogate meets each width and each normalization.
"""

from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mia_audit.models import surrogates
from mia_audit.models.passage import Passage
from mia_audit.recipe import Model, Neuron, Quantization
from tests.support.engine import population
from tests.support.zoo import SMALL, Plain

CLASSES, MODELS, BATCH = 3, 2, 4
SURROGATES = (*(each.name for each in surrogates.SURROGATES), None)
BITS, NORMS, READOUTS = (
    (32, 8, 6, 4, 3, 2, 1),
    ("none", "batch", "batch-per-step", "group"),
    ("membrane-mean", "membrane-last", "spike-count"),
)


def modelled(place: int, number: int) -> Model:
    """Return a small model of architecture `place` with surrogate `number`; everything else is dealt out over the two."""
    architecture, surrogate = list(SMALL)[place], SURROGATES[number]
    reset = ("subtract", "zero")[number % 2]
    neuron = surrogate and Neuron.model_validate(
        {"surrogate": surrogate, "reset": reset, "beta": 0.9 + 0.1 * (place % 2), "threshold": 0.4}
    )
    _, width, own = SMALL[architecture]
    return Model.model_validate({
        "architecture": architecture, "neuron": neuron, "norm": NORMS[(place + number // 3) % 4], "groups": 1, "width": width, **own,
        "time_steps": 3 if neuron else 1, "initial": "kaiming", "readout": READOUTS[(place + number) % 3] if neuron else "membrane-mean",
        "quantization": Quantization.model_validate(
            {"weight_bits": BITS[(place + number) % 7], "granularity": ("tensor", "channel")[(place + number // 2) % 2]}
        ),
    })  # fmt: skip


CASES = [
    pytest.param(modelled(place, number), id=f"{architecture}-{surrogate or 'ann'}-{BITS[(place + number) % 7]}")
    for (place, architecture), (number, surrogate) in product(enumerate(SMALL), enumerate(SURROGATES))
]


def test_every_pair_is_among_the_cases() -> None:
    """What the module promises."""
    models = [modelled(place, number) for place, number in product(range(len(SMALL)), range(len(SURROGATES)))]
    seen = [(m.architecture, m.neuron and m.neuron.surrogate, m.quantization.weight_bits, m.norm) for m in models]
    assert len({(a, b) for a, _, b, _ in seen}) == len(SMALL) * len(BITS)
    assert len({(a, n) for a, _, _, n in seen}) == len(SMALL) * len(NORMS)
    assert len({(s, b) for _, s, b, _ in seen}) == len(SURROGATES) * len(BITS)
    assert len({(s, n) for _, s, _, n in seen}) == len(SURROGATES) * len(NORMS)


@pytest.mark.parametrize("model", CASES)
def test_it_steps_as_its_models_do_alone_and_survives_a_file(model: Model, tmp_path: Path) -> None:
    """Logits before and after a step of gradient descent, and answers afterwards, are those of each model alone, libraries' own layers.

    The second model's last row is padding, which nothing may notice; then weights and statistics go to a file and come back.
    """
    shape = SMALL[model.architecture][0]
    together = population(model, shape, classes=CLASSES, models=MODELS).train()
    alone = [Plain(model, shape, CLASSES).load(together, k).train() for k in range(MODELS)]
    x = torch.rand(MODELS, 1, BATCH, *shape, generator=torch.Generator().manual_seed(5)) * 2
    x[1, :, 3] = 77.0  # whatever stands there must not matter
    weights, counts = torch.tensor([[1 / 4] * 4, [1 / 3] * 3 + [0.0]]), (4, 3)
    for step in range(2):
        logits = together(x, Passage(weights=weights, counts=counts))
        for k, (network, size) in enumerate(zip(alone, counts, strict=True)):
            own = network([x[k, 0, :size]] * model.time_steps)
            torch.testing.assert_close(own, logits[k, :size], rtol=2e-3, atol=2e-3)
            if step == 0:
                descend(network, own.square().mean())
        if step == 0:
            descend(together, (logits.square().mean(dim=2) * weights).sum())
    answers = together.eval()(x)
    for k, network in enumerate(alone):
        torch.testing.assert_close(network.eval()([x[k, 0, :3]] * model.time_steps), answers[k, :3], rtol=1e-2, atol=1e-2)
    other = population(model, shape, classes=CLASSES, models=MODELS, first=9).eval()
    assert any(not torch.equal(own, theirs) for own, theirs in zip(other.parameters(), together.parameters(), strict=True))
    save_file({name: value.contiguous() for name, value in together.state_dict().items()}, tmp_path / "weights")
    other.load_state_dict(load_file(tmp_path / "weights"))
    assert torch.equal(other(x), answers)


def descend(module: torch.nn.Module, loss: torch.Tensor, rate: float = 0.02) -> None:
    """Take one step of gradient descent."""
    module.zero_grad()
    loss.backward()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.grad is not None:
                parameter.sub_(rate * parameter.grad)
