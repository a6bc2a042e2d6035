"""Signals: what an observer gets from each model. All models, and all examples alike, are asked the same queries."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mia_audit.data import augmenting, entrance
from mia_audit.models.encoding import encode
from mia_audit.models.network import Population
from mia_audit.models.respondent import Outputs, Respondent
from mia_audit.recipe import Recipe
from mia_audit.streams import stream, stream_seed
from mia_audit.types import Floats, Ints

_CHUNK = 2**21  # input values times models times steps held at once while querying


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Logits [models, queries, examples, classes] and firing rates [models, layers], spikes per neuron and step.

    entered  fingerprints of what entered the models, after every change and encoding, [queries, models, examples]; of one model where all
             are asked the same
    """

    logits: Floats
    rates: Floats
    entered: Ints


class Door(nn.Module):
    """A respondent behind a door, where what enters is looked at."""

    def __init__(self, respondent: Respondent) -> None:
        super().__init__()
        self.respondent = respondent
        self.eval() if not isinstance(respondent, nn.Module) else self.train(respondent.training)

    def forward(self, x: Tensor) -> Outputs:
        """Ask."""
        return self.respondent.observe(x)

    def observe(self, x: Tensor) -> Outputs:
        """Ask through the door."""
        seen: Outputs = self(x)
        return seen


def query(respondent: Respondent, inputs: Floats, recipe: Recipe) -> Signals:
    """Ask every model about every example (inputs channels last), as many times as the recipe says.

    Random encodings use the same spikes for every model, and augmented queries the same copies: their seed is the query's,
    not the model's, and members and non-members are asked alike.
    """
    door = respondent if isinstance(respondent, Population) else Door(respondent)  # a population looks at its own
    logits, rates, prints = [], [], []
    for number in range(recipe.audit.queries):
        generator = torch.Generator(respondent.device).manual_seed(stream_seed(recipe.training.seed, "query", number))
        asked = _augmented(inputs, recipe, number) if recipe.audit.augmented_queries else inputs
        chunks = _chunks(asked, respondent.models * recipe.model.time_steps, respondent.device)
        with entrance.watched(door) as looks:
            answers = [_ask(door, respondent.models, chunk, recipe, generator) for chunk in chunks]
        logits.append(torch.cat([answer[0] for answer in answers], dim=1).cpu().numpy())
        rates.append(torch.cat([answer[1] for answer in answers], dim=2).mean(dim=2).cpu().numpy())
        prints.append(entrance.asked(looks).cpu().numpy())
    return Signals(logits=np.stack(logits, axis=1), rates=np.mean(rates, axis=0).T, entered=np.stack(prints))


@torch.inference_mode()
def _ask(door: Population | Door, models: int, x: Tensor, recipe: Recipe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return logits [K, B, classes] and rates [layers, K, B] of one chunk [B, ...]."""
    encoded = encode(x.unsqueeze(0), recipe.model, [generator])
    seen = door.observe(encoded.expand(models, *encoded.shape[1:]))
    return seen.logits, seen.rates


def _augmented(inputs: Floats, recipe: Recipe, number: int) -> Floats:
    moves = augmenting.draw(recipe.data, len(inputs), stream(recipe.training.seed, "query-augment", number))
    copies: Floats = augmenting.moved(torch.from_numpy(inputs), moves, recipe.data.crop_padding).numpy()
    return copies


def _chunks(inputs: Floats, copies: int, device: torch.device) -> Iterator[Tensor]:
    size = max(1, _CHUNK // (copies * int(np.prod(inputs.shape[1:]))))
    for start in range(0, len(inputs), size):
        yield torch.from_numpy(inputs[start : start + size]).to(device)
