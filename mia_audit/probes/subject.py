"""The models under a probe: a trained cohort, asked about chunks of examples, every model the same question."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mia_audit.errors import EvidenceError
from mia_audit.models.encoding import encode
from mia_audit.models.network import Population
from mia_audit.models.respondent import Respondent
from mia_audit.probes.names import CHUNK
from mia_audit.recipe import Model
from mia_audit.streams import stream, stream_seed
from mia_audit.types import Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A cohort of trained models and the examples it is asked about.

    respondent  whoever answers
    inputs   channels last, [N, ...]
    labels   [N]
    pool     how many inputs are the audit's pool; a sibling of the target has copies of some of them behind it
    seed     of the recipe; every probe draws from streams of its own
    rebuild  return the same trained models run for another number of steps
    """

    respondent: Respondent
    model: Model
    inputs: Floats
    labels: Ints
    pool: int
    seed: int
    rebuild: Callable[[int], Respondent]

    @property
    def models(self) -> int:
        """How many models are asked."""
        return self.respondent.models

    @property
    def device(self) -> torch.device:
        """Where they are asked."""
        return self.respondent.device

    @property
    def population(self) -> Population:
        """The networks themselves, for probes that look inside; EvidenceError where whoever is asked only answers."""
        if not isinstance(self.respondent, Population):
            raise EvidenceError(
                f"a look inside the network needs the network, got {type(self.respondent).__name__}, which only answers; "
                f"use attacks on answers: --attacks quick"
            )
        return self.respondent

    @property
    def image(self) -> bool:
        """Whether inputs are images, whose values lie between 0 and 1."""
        return self.inputs.ndim == 4

    @property
    def spread(self) -> float:
        """The standard deviation of the pool's input values: the unit of noise."""
        return float(self.inputs[: self.pool].std())

    def draws(self, purpose: str) -> "Draws":
        """Return the random streams of a probe, the same for every model and cohort."""
        return Draws(seed=self.seed, purpose=purpose)

    def chunks(self, size_factor: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield inputs [B, ...] and labels [B], few enough at once."""
        values = self.models * self.model.time_steps * int(np.prod(self.inputs.shape[1:])) * size_factor
        size = max(1, CHUNK // values)
        for start in range(0, len(self.inputs), size):
            here = slice(start, start + size)
            yield torch.from_numpy(self.inputs[here]).to(self.device), torch.from_numpy(self.labels[here]).to(self.device)

    def encoded(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """Return what the models are fed for inputs [B, ...] or, one a model, [K, B, ...]."""
        if x.ndim == self.inputs.ndim:
            fed = encode(x.unsqueeze(0), self.model, [generator])
            return fed.expand(self.models, *fed.shape[1:])
        if self.model.encoding != "rate":
            return encode(x, self.model, [])
        start = generator.get_state()
        each: list[Tensor] = []
        for own in x:  # every model's input meets the same draws
            generator.set_state(start)
            each.append(encode(own.unsqueeze(0), self.model, [generator]))
        return torch.cat(each)

    @torch.inference_mode()
    def logits(self, x: Tensor, generator: torch.Generator, respondent: Respondent | None = None) -> Tensor:
        """Return logits [K, B, classes]."""
        return (respondent or self.respondent).logits(self.encoded(x, generator))

    def within(self, x: Tensor) -> Tensor:
        """Return inputs that such data could be: images are cut to 0 to 1."""
        return x.clamp(0, 1) if self.image else x


class Draws:
    """What a probe draws: every query has streams of its own, which go on from one chunk to the next.

    NumPy's streams and those of a CPU generator give one value after another, so that an example's draws depend on its place alone:
    not on the chunk, and so not on how many models a cohort holds, nor on the device.
    """

    def __init__(self, *, seed: int, purpose: str) -> None:
        self._of = (seed, f"probe {purpose}")
        self._numbers: dict[int, np.random.Generator] = {}
        self._encodings: dict[int, torch.Generator] = {}

    def numbers(self, query: int) -> np.random.Generator:
        """Return the stream of what a query draws for itself."""
        if query not in self._numbers:
            self._numbers[query] = stream(*self._of, query)
        return self._numbers[query]

    def encoding(self, query: int, like: int | None = None) -> torch.Generator:
        """Return the stream of a query's encoding; with `like`, one that gives the same draws as that other query's."""
        if query not in self._encodings:
            seed = stream_seed(self._of[0], f"{self._of[1]} encoding", query if like is None else like)
            self._encodings[query] = torch.Generator().manual_seed(seed)
        return self._encodings[query]

    def shares(self, query: int, x: Tensor) -> Tensor:
        """Return uniform draws in the shape of x."""
        return torch.from_numpy(self.numbers(query).random(x.shape, dtype=np.float32)).to(x.device)

    def normal(self, query: int, x: Tensor) -> Tensor:
        """Return standard normal draws in the shape of x."""
        return torch.from_numpy(self.numbers(query).standard_normal(x.shape, dtype=np.float32)).to(x.device)
