"""The network of baseline.py as sacroml wants it: a module that it imports by path, with a class and a function `train`.

It also pickles its shadow models, which neither Brevitas' layers nor snnTorch's surrogate allow: a pickled network is its
recipe and its weights. Its quantizers keep Brevitas' default of 300 calls with statistics, a T-th of what ours do: the faster choice.
"""

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from benchmarks.baseline import network
from mia_audit.recipe import Recipe, filled

if TYPE_CHECKING:
    from torch.utils.data import DataLoader


class Network(nn.Module):
    """One model of a recipe given as JSON, on examples of a shape, channels last."""

    def __init__(self, recipe: str, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.described = (recipe, shape, classes)
        self.net = network(Recipe.model_validate_json(recipe, strict=False), shape, classes)

    def forward(self, x: Tensor) -> Any:
        """Return logits."""
        return self.net(x)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle or copy as recipe and weights."""
        return _rebuilt, (self.described, self.state_dict())


def train(model: Network, dataloader: "DataLoader[Any]", recipe: str, epochs: int) -> None:
    """Train as a user would: Adam, cross-entropy, a loop over a DataLoader."""
    optimizer = torch.optim.Adam(model.parameters(), lr=filled(Recipe.model_validate_json(recipe, strict=False).training.learning_rate))
    model.train()
    for _ in range(epochs):
        for x, y in dataloader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()


def _rebuilt(described: tuple[str, tuple[int, ...], int], weights: dict[str, Tensor]) -> Network:
    net = Network(*described)
    net.load_state_dict(weights)
    return net
