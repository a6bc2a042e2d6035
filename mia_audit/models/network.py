"""A population of K networks as one module: built from a recipe's layers, run on [K, T or 1, B, ...] inputs."""

import torch
from torch import Tensor, nn

from mia_audit.models import architectures, building, quantization
from mia_audit.models.axes import Activations, Logits
from mia_audit.models.passage import QUERY, Passage
from mia_audit.models.respondent import Outputs, silent
from mia_audit.models.shapes import Shape
from mia_audit.models.spiking import Readout
from mia_audit.recipe import Model


class Population(nn.Module):
    """K networks in lockstep: a respondent."""

    def __init__(
        self, model: Model, shape: Shape, classes: int, generators: list[torch.Generator], dtype: torch.dtype = torch.float32
    ) -> None:
        """Build for inputs of `shape` (features,) or (height, width, channels); one generator of initial weights a model.

        dtype: the type that hidden layers compute in; sums, membranes, logits and all parameters stay float32.
        """
        super().__init__()
        stack = architectures.layers(model, classes)
        self.receive = quantization.activation(len(generators), model.quantization.input_bits, rectify=False)
        architectures.shapes(stack, shape)  # refuses what does not fit
        builder = building.Builder(model=model, generators=generators, dtype=dtype, ends=building.ends(stack))
        self.layers = builder.chain(stack, shape)
        self.answer = Readout(model) if model.neuron else None

    def forward(self, x: Activations, passage: Passage = QUERY) -> Logits:
        """Return logits [K, B, classes] of inputs [K, T or 1, B, ...]; training with batch norm or dropout needs a passage."""
        x = self.layers(self.receive(x), passage)
        if self.answer is None:
            return x.squeeze(1) if x.shape[1] == 1 else x.mean(dim=1)
        logits: Tensor = self.answer(x, passage)
        return logits

    @property
    def models(self) -> int:
        """How many networks there are."""
        return len(next(self.parameters()))

    @property
    def device(self) -> torch.device:
        """Where the networks lie."""
        return next(self.parameters()).device

    def logits(self, x: Activations) -> Logits:
        """Return logits [K, B, classes]."""
        logits: Tensor = self(x)
        return logits

    def observe(self, x: Activations) -> Outputs:
        """Return logits and firing rates."""
        rates: list[Tensor] = []
        logits = self(x, Passage(rates=rates))
        return Outputs(logits=logits, rates=torch.stack(rates)) if rates else silent(logits)
