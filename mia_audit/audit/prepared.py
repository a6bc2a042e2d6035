"""What an audit holds between its stages."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mia_audit.attacks import Attack
from mia_audit.attacks.cards import Card
from mia_audit.data.examples import Examples
from mia_audit.recipe import Recipe
from mia_audit.training.store import Store, Tensors
from mia_audit.types import Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Everything fixed before the first model trains; whatever the user got wrong has been said by now."""

    recipe: Recipe
    cards: tuple[Card, ...]
    attacks: tuple[Attack, ...]
    examples: Examples
    rows: Bools  # [2 + shadows, pool]
    audited: Ints  # pool positions [A]
    device: str
    store: Store
    workers: int


@dataclass(frozen=True, kw_only=True)
class Bank:
    """What the whole population answered: logits [models, queries, examples, classes], rates [models, layers]."""

    pool: Floats
    test: Floats
    rates: Floats
    parameters: int


def gather(cohorts: Sequence[Tensors]) -> Bank:
    """Put the cohorts of a population together, in the order of the models."""
    weights = [value for name, value in cohorts[0].items() if name.startswith("weights/")]
    return Bank(
        pool=np.concatenate([cohort["pool/logits"] for cohort in cohorts]),
        test=np.concatenate([cohort["test/logits"] for cohort in cohorts]),
        rates=np.concatenate([cohort["pool/rates"] for cohort in cohorts]),
        parameters=sum(int(np.prod(value.shape[1:])) for value in weights),
    )
