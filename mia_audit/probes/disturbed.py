"""Answers to disturbed inputs: inputs dropped, noise added, images shifted. Every model is asked about the same copies."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.probes.losses import phi
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
    found, drawn = [], subject.draws("dropout")
    for number, rate in enumerate(RATES):
        draws = 1 if rate == 0 and subject.model.encoding == "direct" else DRAWS
        queries = range(DRAWS * number, DRAWS * number + draws)
        parts = []
        for x, _ in subject.chunks():
            total: Tensor | float = 0.0
            for query in queries:
                kept = drawn.shares(query, x) >= rate
                total = total + F.log_softmax(subject.logits(x * kept, drawn.encoding(query)).double(), dim=-1) / draws
            parts.append(total)
        found.append(np.concatenate([part.cpu().numpy() for part in parts if isinstance(part, Tensor)], axis=1))
    return {"dropout": np.stack(found, axis=2).astype(np.float32)}


def noise(subject: Subject) -> dict[str, Floats]:
    """Return how often the label survives noise of each strength [K, N, strengths], and how often faint noise raises the loss [K, N, 1].

    A loss with faint noise is compared with that of the same encoding without noise.
    """
    drawn, by_chance = subject.draws("noise"), subject.model.encoding == "rate"
    hits, rises = [], []
    for x, labels in subject.chunks():
        still = None if by_chance else subject.logits(x, drawn.encoding(0))
        by_strength = []
        for number, strength in enumerate((*STRENGTHS, FAINT)):
            share: Tensor | float = 0.0
            for query in range(DRAWS * number, DRAWS * (number + 1)):
                noisy = subject.within(x + strength * subject.spread * drawn.normal(query, x))
                answers = subject.logits(noisy, drawn.encoding(query))
                if strength == FAINT:
                    before = subject.logits(x, drawn.encoding(query + DRAWS, like=query)) if still is None else still
                    outcome = phi(answers, labels) < phi(before, labels)  # the loss rises; it is 0 before and after where it rounds
                else:
                    outcome = answers.argmax(dim=-1) == labels
                share = share + outcome.float() / DRAWS
            by_strength.append(share)
        shares = torch.stack([share for share in by_strength if isinstance(share, Tensor)], dim=-1).cpu().numpy()
        hits.append(shares[..., :-1])
        rises.append(shares[..., -1:])
    return {"noise-hits": np.concatenate(hits, axis=1), "loss-rises": np.concatenate(rises, axis=1)}


def shifts(subject: Subject) -> dict[str, Floats]:
    """Return whether the label survives a shift by up to a pixel either way, [K, N, 9]; what is shifted in is 0."""
    parts, drawn = [], subject.draws("shifts")
    for x, labels in subject.chunks():
        answers = [
            subject.logits(_shifted(x, down, right), drawn.encoding(query)).argmax(dim=-1) == labels
            for query, (down, right) in enumerate(SHIFTS)
        ]
        parts.append(torch.stack(answers, dim=-1).float().cpu().numpy())
    return {"shift-hits": np.concatenate(parts, axis=1)}


def _shifted(x: Tensor, down: int, right: int) -> Tensor:
    """Return images [B, H, W, C] moved by so many pixels."""
    height, width = x.shape[1:3]
    padded = F.pad(x, (0, 0, 1, 1, 1, 1))
    return padded[:, 1 - down : 1 - down + height, 1 - right : 1 - right + width]
