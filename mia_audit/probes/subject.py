"""The models under a probe: a trained cohort, asked about chunks of examples, every model the same question."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mia_audit.models.encoding import encode
from mia_audit.models.network import Population
from mia_audit.recipe import Model
from mia_audit.streams import stream_seed
from mia_audit.types import Floats, Ints

_CHUNK = 2**21  # input values times models times steps held at once


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A cohort of trained models and the examples it is asked about.

    inputs   channels last, [N, ...]
    labels   [N]
    seed     of the recipe; every probe draws from streams of its own
    rebuild  return the same trained models run for another number of steps
    """

    population: Population
    models: int
    model: Model
    inputs: Floats
    labels: Ints
    seed: int
    device: torch.device
    rebuild: Callable[[int], Population]

    @property
    def image(self) -> bool:
        """Whether inputs are images, whose values lie between 0 and 1."""
        return self.inputs.ndim == 4

    @property
    def spread(self) -> float:
        """The standard deviation of all input values: the unit of noise."""
        return float(self.inputs.std())

    def generator(self, purpose: str, number: int = 0) -> torch.Generator:
        """Return the random stream of one query of a probe, the same for every model and cohort."""
        return torch.Generator(self.device).manual_seed(stream_seed(self.seed, f"probe {purpose}", number))

    def chunks(self, size_factor: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs [B, ...] and labels [B], few enough at once."""
        values = self.models * self.model.time_steps * int(np.prod(self.inputs.shape[1:])) * size_factor
        size = max(1, _CHUNK // values)
        for start in range(0, len(self.inputs), size):
            here = slice(start, start + size)
            yield torch.from_numpy(self.inputs[here]).to(self.device), torch.from_numpy(self.labels[here]).to(self.device)

    def encoded(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Return what the models are fed for inputs [B, ...] or, one a model, [K, B, ...]."""
        own = x if x.ndim > self.inputs.ndim else x.unsqueeze(0)
        fed = encode(own, self.model, [generator] if self.model.encoding == "direct" else [generator] * len(own))
        return fed.expand(self.models, *fed.shape[1:])

    @torch.inference_mode()
    def logits(self, x: Tensor, generator: torch.Generator, population: Population | None = None) -> Tensor:
        """Return logits [K, B, classes]."""
        answers: Tensor = (population or self.population)(self.encoded(x, generator))
        return answers

    def within(self, x: Tensor) -> Tensor:
        """Return inputs that such data could be: images are cut to 0 to 1."""
        return x.clamp(0, 1) if self.image else x
