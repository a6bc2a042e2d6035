"""Answers to disturbed inputs: inputs dropped, noise added, images shifted. Every model is asked about the same copies."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.probes.subject import Subject
from mia_audit.types import Floats

RATES = (0.0, 0.02, 0.05, 0.1)
"""Shares of the inputs that a query drops; 0 is a new encoding alone."""
DRAWS = 10
STRENGTHS = (0.1, 0.25, 0.5, 1.0)
"""Standard deviations of noise, in those of the inputs."""
FAINT = 0.05
SHIFTS = tuple((down, right) for down in (-1, 0, 1) for right in (-1, 0, 1))


def dropout(subject: Subject) -> dict[str, Floats]:
    """Return log-probabilities [K, N, rates, classes], averaged over queries with so many inputs dropped.

    With direct encoding a query without dropped inputs always gets the same answer, so it is put once.
    """
    found = []
    for number, rate in enumerate(RATES):
        draws = 1 if rate == 0 and subject.model.encoding == "direct" else DRAWS
        parts = []
        for place, (x, _) in enumerate(subject.chunks()):
            total: Tensor | float = 0.0
            for draw in range(draws):
                generator = subject.generator("dropout", _number(number, draw, place))
                kept = torch.rand(x.shape, generator=generator, device=x.device) >= rate
                total = total + F.log_softmax(subject.logits(x * kept, generator).double(), dim=-1) / draws
            parts.append(total)
        found.append(np.concatenate([part.cpu().numpy() for part in parts if isinstance(part, Tensor)], axis=1))
    return {"dropout": np.stack(found, axis=2).astype(np.float32)}


def noise(subject: Subject) -> dict[str, Floats]:
    """Return how often the label survives noise of each strength [K, N, strengths], and how often faint noise raises the loss [K, N, 1]."""
    hits, rises = [], []
    for place, (x, labels) in enumerate(subject.chunks()):
        before = _losses(subject.logits(x, subject.generator("noise", _number(0, 0, place))), labels)
        by_strength = []
        for number, strength in enumerate((*STRENGTHS, FAINT), 1):
            right: Tensor | float = 0.0
            for draw in range(DRAWS):
                generator = subject.generator("noise", _number(number, draw, place))
                noisy = subject.within(x + strength * subject.spread * torch.randn(x.shape, generator=generator, device=x.device))
                answers = subject.logits(noisy, generator)
                outcome = _losses(answers, labels) > before if strength == FAINT else answers.argmax(dim=-1) == labels
                right = right + outcome.float() / DRAWS
            by_strength.append(right)
        shares = torch.stack([share for share in by_strength if isinstance(share, Tensor)], dim=-1).cpu().numpy()
        hits.append(shares[..., :-1])
        rises.append(shares[..., -1:])
    return {"noise-hits": np.concatenate(hits, axis=1), "loss-rises": np.concatenate(rises, axis=1)}


def shifts(subject: Subject) -> dict[str, Floats]:
    """Return whether the label survives a shift by up to a pixel either way, [K, N, 9]; what is shifted in is 0."""
    parts = []
    for place, (x, labels) in enumerate(subject.chunks()):
        answers = [
            subject.logits(_shifted(x, down, right), subject.generator("shifts", _number(number, 0, place))).argmax(dim=-1) == labels
            for number, (down, right) in enumerate(SHIFTS)
        ]
        parts.append(torch.stack(answers, dim=-1).float().cpu().numpy())
    return {"shift-hits": np.concatenate(parts, axis=1)}


def _shifted(x: Tensor, down: int, right: int) -> Tensor:
    """Return images [B, H, W, C] moved by so many pixels."""
    height, width = x.shape[1:3]
    padded = F.pad(x, (0, 0, 1, 1, 1, 1))
    return padded[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]


def _losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the cross-entropy [K, B] in double precision, where small losses still differ."""
    logp = F.log_softmax(logits.double(), dim=-1)
    chosen = labels.expand(logp.shape[:-1]).unsqueeze(-1)
    return -logp.gather(-1, chosen).squeeze(-1)


def _number(kind: int, draw: int, place: int) -> int:
    """Return the number of a stream: one for each kind of query, draw and chunk."""
    return (kind * 1_000 + draw) * 1_000_000 + place
