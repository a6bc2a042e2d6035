"""The terms of the inverse-Hessian attack: an example's loss, and its gradient seen through the inverse Hessian of the last layer.

Suri, Zhang and Evans, "Do Parameters Reveal More than Loss for Membership Inference?", arXiv:2406.11544v3. Names follow the paper:
I1 = loss(z) / (1 + momentum), I2 = |H^-1 grad loss(z)|^2 / n and I3 = 2 (H^-1 grad L0) (H^-1 grad loss(z)), both over the learning rate.

Departs from the paper: H is the last layer's alone, where it is exact: logits are linear in that layer's weights (the reset of readout
neurons carries no gradient), so the Hessian is the sum of J' (diag p - p p') J over examples, J being how a model's logits move with
its weights. H and L0, the mean loss over everybody else, are over the whole pool, since who is a member is what is asked. H has
RIDGE times its mean eigenvalue added on its diagonal. Adam's learning rate stands where the theory has that of SGD.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.probes.last_layer import passages
from mia_audit.probes.subject import Subject
from mia_audit.recipe import Recipe, settled
from mia_audit.types import Floats

RIDGE = 0.1


def curvature(subject: Subject, recipe: Recipe) -> dict[str, Floats]:
    """Return I1, I2 and I3, [K, N, 3]."""
    examples = len(subject.labels)
    hessian, total = _summed(subject)
    factors = _factored(_ridged(hessian.div_(examples)))
    whole = _solved(total.unsqueeze(-1), factors)
    parts = []
    for jacobian, p, label in _moves(subject):
        seen = _solved(_gradients(jacobian, p, label).transpose(1, 2), factors)
        squares = (seen**2).sum(dim=1)
        others = ((whole * seen).sum(dim=1) - squares) / max(1, examples - 1)
        parts.append(torch.stack([_losses(p, label), squares, others], dim=-1))
    return {"curvature": _weighed(torch.cat(parts, dim=1).cpu().numpy(), recipe, examples)}


def _weighed(terms: Floats, recipe: Recipe, examples: int) -> Floats:
    """Return the paper's terms from loss, |H^-1 g|^2 and (H^-1 grad L0) (H^-1 g)."""
    training = recipe.training
    momentum = training.momentum if training.optimizer == "sgd" else 0.0
    rate, members = settled(training.learning_rate), max(1.0, recipe.data.member_fraction * examples)
    weighed: Floats = terms * np.array([1 / (1 + momentum), 1 / (members * rate), 2 / rate])
    return weighed.astype(np.float32)


def _moves(subject: Subject) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield for each chunk J [K, B, classes, features + 1], probabilities [K, B, classes] and which class is the label, [B, classes].

    Readout neurons do not touch each other, so one backward pass from the sum of the logits tells how each moves with its own input.
    """
    for chunk in passages(subject, "curvature"):
        (by_output,) = torch.autograd.grad(chunk.logits.sum(), [chunk.output])
        own, rows = by_output.double(), F.pad(chunk.rows.double(), (0, 1), value=1.0)
        label = F.one_hot(chunk.labels, chunk.logits.shape[-1])
        yield torch.einsum("ksbc,ksbf->kbcf", own, rows), chunk.logits.detach().double().softmax(dim=-1), label


def _summed(subject: Subject) -> tuple[Tensor, Tensor]:
    """Return the Hessian [K, P, P] and the gradient [K, P] of the loss summed over all examples, one Hessian being held and no more."""
    hessian = total = torch.zeros(())
    for place, (jacobian, p, label) in enumerate(_moves(subject)):
        gradient = _gradients(jacobian, p, label).sum(dim=1)
        if not place:
            hessian, total = gradient.new_zeros(*gradient.shape, gradient.shape[1]), torch.zeros_like(gradient)
        total += gradient
        _add_hessian(hessian, jacobian, p)
    return hessian, total


def _add_hessian(hessian: Tensor, jacobian: Tensor, p: Tensor) -> None:
    """Add the Hessian of a chunk's summed loss, class by class; the bends of a softmax are diag p - p p'."""
    bends = torch.diag_embed(p) - p.unsqueeze(-1) * p.unsqueeze(-2)
    for number, columns in enumerate(hessian.split(jacobian.shape[3], dim=2)):
        columns.add_((bends[..., number, None] * jacobian).flatten(2).transpose(1, 2) @ jacobian[:, :, number])


def _factored(hessian: Tensor) -> Tensor:
    """Return the lower Cholesky factors where the Hessians were, one model at a time: torch works on two copies of what it is given."""
    for each in hessian:
        each.copy_(torch.linalg.cholesky(each))
    return hessian


def _solved(right: Tensor, factors: Tensor) -> Tensor:
    """Return H^-1 times what stands on the right, [K, P, columns], one model at a time: torch copies the factors."""
    return torch.stack([torch.cholesky_solve(b, factor) for b, factor in zip(right, factors, strict=True)])


def _gradients(jacobian: Tensor, p: Tensor, label: Tensor) -> Tensor:
    """Return each example's gradient by weights and biases, [K, B, P]."""
    return ((p - label).unsqueeze(-1) * jacobian).flatten(2)


def _losses(p: Tensor, label: Tensor) -> Tensor:
    """Return cross-entropies [K, B]."""
    return -(p * label).sum(dim=-1).clamp(min=torch.finfo(p.dtype).tiny).log()


def _ridged(hessian: Tensor) -> Tensor:
    """Return the Hessian with its ridge added in place; one that vanishes (saturated models) becomes the ridge's least value."""
    diagonal = hessian.diagonal(dim1=1, dim2=2)
    diagonal += RIDGE * diagonal.mean(dim=1, keepdim=True).clamp(min=1e-12)
    return hessian
