"""Optimizers and learning-rate schedules. Both work element by element, so a population needs no other form than one model."""

import math

import torch
from torch import nn

from mia_audit.recipe import Training, filled


def optimizer(training: Training, population: nn.Module) -> torch.optim.Optimizer:
    """Return Adam, or SGD with momentum. Weight decay spares the quantizers' scales: Brevitas multiplies into them what it measured."""
    named = list(population.named_parameters())
    scales = [parameter for name, parameter in named if name.endswith("scaling_impl.value")]
    others = [parameter for name, parameter in named if not name.endswith("scaling_impl.value")]
    groups = [{"params": others, "weight_decay": training.weight_decay}, {"params": scales, "weight_decay": 0.0}]
    present = [group for group in groups if group["params"]]
    rate = filled(training.learning_rate)
    if training.optimizer == "sgd":
        return torch.optim.SGD(present, lr=rate, momentum=training.momentum, fused=True)
    return torch.optim.Adam(present, lr=rate, fused=True)


def factor(training: Training, epoch: int) -> float:
    """Return what the learning rate is multiplied by in an epoch, counted from 0; the schedule spans `epochs`, whenever training stops.

    steps   `decay` to the power of how many of `milestones` (shares of all epochs) lie behind
    cosine  (1 + cos(pi epoch / epochs)) / 2 (Loshchilov and Hutter 2017, arXiv:1608.03983v5, equation 5, one cycle, to zero)
    """
    done = epoch / filled(training.epochs)
    if training.schedule == "steps":
        return float(training.decay ** sum(done >= milestone for milestone in training.milestones))
    return (1 + math.cos(math.pi * done)) / 2 if training.schedule == "cosine" else 1.0


def set_rate(stepper: torch.optim.Optimizer, training: Training, epoch: int) -> None:
    """Give every group its learning rate for an epoch."""
    for group in stepper.param_groups:
        group["lr"] = filled(training.learning_rate) * factor(training, epoch)
