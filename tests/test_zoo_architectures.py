"""The zoo's architectures in lockstep, against one model at a time built from the libraries' own layers."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mia_audit.audit.request.options import Options, describe
from mia_audit.catalogue import load_recipe, parse_recipe, target_names
from mia_audit.errors import AuditError, RecipeError
from mia_audit.models.layers import LockstepConv, LockstepLinear
from mia_audit.models.network import Population
from mia_audit.models.normalization import BatchNorm
from mia_audit.models.passage import Passage
from mia_audit.recipe import Model
from tests.support.engine import population

CLASSES, MODELS, BATCH = 3, 2, 4


def test_resnet18_is_torchvisions() -> None:
    """With weights copied over, logits equal torchvision's network with the usual small stem."""
    from torchvision.models import resnet18  # noqa: PLC0415  costs seconds

    together = population(Model(architecture="resnet18", norm="batch"), (32, 32, 3), classes=10, models=1)
    twin = resnet18(num_classes=10)
    twin.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    setattr(twin, "maxpool", nn.Identity())  # noqa: B010  the attribute is typed as pooling
    modules = nn.Conv2d | nn.BatchNorm2d | nn.Linear
    theirs: list[Any] = [module for module in twin.modules() if isinstance(module, modules)]
    kinds = LockstepConv | BatchNorm | LockstepLinear
    ours: list[Any] = [module for module in together.modules() if isinstance(module, kinds)]
    for own, their in zip(ours, theirs, strict=True):
        weight = own.weight if isinstance(own, BatchNorm) else own.weight.weight
        their.weight.data.copy_(weight.data[0].view_as(their.weight))
        if their.bias is not None:
            their.bias.data.copy_(own.bias.data[0].view_as(their.bias))
    x = torch.rand(1, 1, 2, 32, 32, 3, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(together.train()(x)[0], twin.train()(x[0, 0].movedim(-1, 1)), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(together.eval()(x)[0], twin.eval()(x[0, 0].movedim(-1, 1)), rtol=1e-3, atol=1e-3)


def test_dropout_draws_from_each_models_stream() -> None:
    """While training a share is silenced, whoever trains beside a model; queries see none of it."""
    model = Model(architecture="vgg5", width=0.1, dropout=0.5)
    networks = population(model, (8, 8, 1), classes=CLASSES, models=2).train()
    x = torch.rand(2, 1, 4, 8, 8, 1)

    def asked(*seeds: int) -> Tensor:
        return networks(x, Passage(noise=[torch.Generator().manual_seed(seed) for seed in seeds], counts=(4, 3)))[:, :3]

    assert torch.equal(asked(1, 2), asked(1, 2))
    assert torch.equal(asked(1, 2)[0], asked(1, 3)[0])
    assert not torch.equal(asked(1, 2)[1], asked(1, 3)[1])
    networks.eval()
    assert torch.equal(networks(x)[:, :3], asked(1, 2))


def test_a_model_that_sits_out_moves_no_statistics() -> None:
    """With every row padding, answers stay finite and the running statistics where they are."""
    networks = population(Model(architecture="mlp-1000", norm="batch", width=0.01), (5,), models=2).train()
    before = {name: value.clone() for name, value in networks.state_dict().items() if "running" in name}
    weights = torch.tensor([[0.5, 0.5], [0.0, 0.0]])
    logits = networks(torch.rand(2, 1, 2, 5), Passage(weights=weights))
    assert torch.isfinite(logits).all()
    for name, value in before.items():
        after = networks.state_dict()[name]
        assert torch.equal(after[1], value[1])
        assert not torch.equal(after[0], value[0])


@pytest.mark.parametrize("per_step", [False, True])
@pytest.mark.parametrize("shape", [(5,), (3, 4, 5)])
@pytest.mark.parametrize("time", [1, 3])
def test_batch_norm_is_the_same_in_both_forms(time: int, shape: tuple[int, ...], per_step: bool) -> None:
    """One model at a time (on a CPU) and all at once (elsewhere): values, gradients, running statistics; padding counts in neither."""
    weights = torch.tensor([[0.25] * 4, [0.5] * 2 + [0.0] * 2, [0.0] * 4])
    found = []
    for form in ("forward", "together"):
        layer = BatchNorm(3, 5, 3, per_step=per_step).train()
        x = torch.randn(3, time, 4, *shape, generator=torch.Generator().manual_seed(3)).requires_grad_()
        normal = getattr(layer, form)(x, Passage(weights=weights))
        real = weights.view(3, 1, 4, *(1,) * len(shape)) > 0
        kept = torch.where(real, normal, 0.0)
        (kept * torch.randn(kept.shape, generator=torch.Generator().manual_seed(4))).sum().backward()
        assert x.grad is not None
        assert layer.weight.grad is not None
        found.append((kept, torch.where(real, x.grad, 0.0), layer.weight.grad, layer.running_mean, layer.running_var))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


OWN = """
name = "own"
summary = "A user's own network."
[model]
architecture = "layers"
norm = "group"
[[model.layers]]
kind = "conv"
channels = 8
[[model.layers]]
kind = "norm"
[[model.layers]]
kind = "fire"
[[model.layers]]
kind = "residual"
body = [{kind = "conv", channels = 16, stride = 2, bias = false}, {kind = "norm", over = "batch"}]
[[model.layers]]
kind = "fire"
[[model.layers]]
kind = "pool"
of = "average"
[[model.layers]]
kind = "dropout"
rate = 0.1
"""


def written(folder: Path, text: str) -> Path:
    """Write a recipe of a user's own."""
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_recipe_spells_out_a_network(tmp_path: Path) -> None:
    """A network without a line of Python is built and answers; norms left open are the model's."""
    recipe = describe(str(written(tmp_path, OWN)), Options())
    networks = Population(recipe.model, (8, 8, 1), 10, [torch.Generator().manual_seed(0)])
    assert networks(torch.rand(1, 1, 2, 8, 8, 1), Passage(noise=[torch.Generator()], counts=(2,))).shape == (1, 2, 10)
    assert [type(module).__name__ for module in networks.modules() if "Norm" in type(module).__name__] == [
        "GroupNorm",
        "BatchNorm",
        "BatchNorm",
    ]


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        ('kind = "fire"', 'kind = "fier"', r"own.toml: \[model\]: \[layers\]: \[2\]: unknown kind 'fier'; did you mean 'fire'"),
        ("channels = 8", "channels = 8\nchanels = 8", "unknown key 'chanels'; did you mean 'channels'"),
        ("stride = 2", "strid = 2", "unknown key 'strid'; did you mean 'stride'"),
        ('kind = "fire"', 'knd = "fire"', "key 'kind' is missing"),
        ("rate = 0.1", "rate = 1.5", "input should be less than 1, got 1.5"),
        ("stride = 2, bias = false", "kernel = 4, padding = 0", r"got shapes \(8, 8, 8\) and \(5, 5, 16\), which no 1 x 1"),
        ("channels = 8", "channels = 9", "group norm needs channels that 8 groups divide, got 9"),
        (
            "channels = 8",
            "channels = 8\nkernel = 11",
            r"11 x 11 with padding 1 needs a larger image than \(8, 8, 1\), which leaves \(0, 0, 8\)",
        ),
        ('architecture = "layers"', 'architecture = "vgg9"', "architecture vgg9 takes no layers; leave it out, or use architecture layers"),
        ('architecture = "layers"', 'architecture = "layrs"', "unknown architecture 'layrs'; did you mean 'layers'"),
    ],
)
def test_a_slip_in_a_network_is_named(tmp_path: Path, wrong: str, right: str, message: str) -> None:
    """Kinds, keys and values by their nearest name; shapes that do not fit, both of them."""
    assert wrong in OWN
    with pytest.raises(AuditError, match=message):
        describe(str(written(tmp_path, OWN.replace(wrong, right, 1))), Options())
    assert parse_recipe(written(tmp_path, OWN)).name == "own"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data.dataset": "iris"}, r"a conv layer needs an image \(height, width, channels\), got \(4,\)"),
        ({"data.dataset": "digits"}, r"a convolution of 4 x 4 with padding 0 needs a larger image than \(3, 3, 16\)"),
        ({"model.hidden": [3]}, "architecture net1 takes no hidden"),
        ({"model.norm": "batch", "training.batch_size": 1}, "batch norm needs at least two examples in a batch"),
        ({"training.stop_epoch": 99}, "training.stop_epoch needs one of 20 epochs, got 99"),
        ({"training.checkpoints": [3, 21]}, "training.checkpoints needs epochs up to 20, the last one, got 21"),
        ({"audit.augmented_queries": True}, "audit.augmented_queries needs data.augment"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    """Before anything is computed."""
    with pytest.raises(RecipeError, match=message):
        describe("ann-net1", Options(settings=changes))


@pytest.mark.parametrize("name", target_names())
def test_every_recipe_is_sound(name: str) -> None:
    """It resolves on its own data set, and its shapes fit."""
    recipe = describe(name, Options())
    assert recipe.name == load_recipe(name).name
