"""The terms of the inverse-Hessian attack: an example's loss, and its gradient seen through the inverse Hessian of the last layer.

Suri, Zhang and Evans, "Do Parameters Reveal More than Loss for Membership Inference?", arXiv:2406.11544v3. Names follow the paper:
I1 = loss(z) / (1 + momentum), I2 = |H^-1 grad loss(z)|^2 / n and I3 = 2 (H^-1 grad L0) (H^-1 grad loss(z)), both over the learning rate.

Departs from the paper: H is the last layer's alone, where it is exact: logits are linear in that layer's weights (the reset of readout
neurons carries no gradient), so the Hessian is the sum of J' (diag p - p p') J over examples, J being how a model's logits move with
its weights. H and L0, the mean loss over everybody else, are over the whole pool, since who is a member is what is asked. H has
RIDGE times its mean eigenvalue added on its diagonal. Terms are kept as logs, and worked out from what is missing to 1, so that
saturated predictions keep theirs. Adam's learning rate stands where the theory has that of SGD.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mia_audit.probes.last_layer import passages
from mia_audit.probes.losses import log_loss, log_missing, phi, pull
from mia_audit.probes.subject import Subject
from mia_audit.recipe import Recipe, filled
from mia_audit.types import Floats

RIDGE = 0.1
_LEAST_UNIT = 1e-150


def curvature(subject: Subject, recipe: Recipe) -> dict[str, Floats]:
    """Return log I1, log I2, log |I3| and the sign of I3, [K, N, 4]."""
    examples = len(subject.labels)
    hessian, total = _summed(subject)
    hessian, unit = _ridged(hessian.div_(examples))
    factors = _factored(hessian)
    whole = _solved(total.unsqueeze(-1), factors)
    parts = []
    for jacobian, logits, labels in _moves(subject):
        confidence = phi(logits, labels)
        missing = log_missing(confidence)
        seen = _solved(_by_parameters(jacobian, pull(logits, labels)).transpose(1, 2), factors)  # over 1 - p, and times the unit
        squares = (seen**2).sum(dim=1)
        others = ((whole * seen).sum(dim=1) - squares * missing.exp()) / max(1, examples - 1)
        logs = [log_loss(confidence), _log(squares) + 2 * (missing - unit.log()), _log(others.abs()) + missing - 2 * unit.log()]
        parts.append(torch.stack([*logs, others.sign()], dim=-1))
    return {"curvature": _weighed(torch.cat(parts, dim=1).cpu().numpy(), recipe, examples)}


def _weighed(terms: Floats, recipe: Recipe, examples: int) -> Floats:
    """Return the logs of the paper's terms from those of loss, |H^-1 g|^2 and (H^-1 grad L0) (H^-1 g); the sign is left as it is."""
    training = recipe.training
    momentum = training.momentum if training.optimizer == "sgd" else 0.0
    rate, members = filled(training.learning_rate), max(1.0, recipe.data.member_fraction * examples)
    weighed: Floats = terms + np.log([1 / (1 + momentum), 1 / (members * rate), 2 / rate, 1.0])
    return weighed.astype(np.float32)


def _moves(subject: Subject) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield for each chunk J [K, B, classes, features + 1], logits [K, B, classes] and labels [B].

    Readout neurons do not touch each other, so one backward pass from the sum of the logits tells how each moves with its own input.
    """
    for chunk in passages(subject, "curvature"):
        (by_output,) = torch.autograd.grad(chunk.logits.sum(), [chunk.output])
        own, rows = by_output.double(), F.pad(chunk.rows.double(), (0, 1), value=1.0)
        yield torch.einsum("ksbc,ksbf->kbcf", own, rows), chunk.logits.detach().double(), chunk.labels


def _summed(subject: Subject) -> tuple[Tensor, Tensor]:
    """Return the Hessian [K, P, P] and the gradient [K, P] of the loss summed over all examples, one Hessian being held and no more."""
    hessian = total = torch.zeros(())
    for place, (jacobian, logits, labels) in enumerate(_moves(subject)):
        by_logits = pull(logits, labels) * log_missing(phi(logits, labels)).exp().unsqueeze(-1)
        gradient = _by_parameters(jacobian, by_logits).sum(dim=1)
        if not place:
            hessian, total = gradient.new_zeros(*gradient.shape, gradient.shape[1]), torch.zeros_like(gradient)
        total += gradient
        _add_hessian(hessian, jacobian, logits)
    return hessian, total


def _add_hessian(hessian: Tensor, jacobian: Tensor, logits: Tensor) -> None:
    """Add the Hessian of a chunk's summed loss, class by class; the bends of a softmax are diag p - p p'.

    p - p^2 is p (1 - p), with 1 - p summed from the other classes: where p is nearly 1, the square would take all its digits.
    """
    p = logits.softmax(dim=-1)
    every = torch.eye(p.shape[-1], dtype=torch.bool, device=p.device)
    rest = p.unsqueeze(-2).masked_fill(every, 0.0).sum(dim=-1)
    bends = torch.where(every, (p * rest).unsqueeze(-1), -p.unsqueeze(-1) * p.unsqueeze(-2))
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


def _by_parameters(jacobian: Tensor, by_logits: Tensor) -> Tensor:
    """Return each example's gradient by weights and biases, [K, B, P], from that by its logits [K, B, classes]."""
    return (by_logits.unsqueeze(-1) * jacobian).flatten(2)


def _log(sizes: Tensor) -> Tensor:
    """Return logs, that of 0 being as small as a double gets."""
    return sizes.clamp(min=torch.finfo(sizes.dtype).tiny).log()


def _ridged(hessian: Tensor) -> tuple[Tensor, Tensor]:
    """Return the Hessian in units of its mean diagonal, with its ridge added, in place; and the units [K, 1].

    A Hessian of 0 (models too saturated for a double) has a unit as small as can be squared, and becomes the ridge.
    """
    diagonal = hessian.diagonal(dim1=1, dim2=2)
    unit = diagonal.mean(dim=1, keepdim=True).clamp(min=_LEAST_UNIT)
    hessian.div_(unit.unsqueeze(-1))
    diagonal += RIDGE
    return hessian, unit
