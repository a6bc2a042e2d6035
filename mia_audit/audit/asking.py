"""Guards on what really happened: what the models were asked, what they were trained on, and what offline attacks look at.

The workers keep a fingerprint of every input as it was put to the models, and mark every example that stood in a model's batches. Here
both are held against what the recipe says, worked out once more from the stored examples. Published code asked members through crops
and flips, non-members without (papers.md 1.4): such a pipeline leaves other fingerprints. The audit's last answers and those at
checkpoints are looked at; probes, which ask otherwise by design, are not.
"""

from dataclasses import replace

import numpy as np

from mia_audit.attacks import Attack
from mia_audit.attacks.cards import Card
from mia_audit.audit.prepared import Bank, Prepared, evidence
from mia_audit.data import design
from mia_audit.data.fingerprint import fingerprints
from mia_audit.recipe import Recipe
from mia_audit.record import Control
from mia_audit.record.controls import OFFLINE, QUERIES, TRAINED
from mia_audit.streams import stream
from mia_audit.training.material import material
from mia_audit.types import Bools, Evidence, Floats, Ints

SAMPLE = 200
"""Examples that offline attacks are tried on."""

_NOT_KEPT = "Not checked: models in the store are of a version that did not keep it; train them anew with another --store."


def asked_guards(prepared: Prepared, bank: Bank) -> tuple[Control, ...]:
    """Return the controls of what was asked, of what was trained on, and, where there are such attacks, of offline ones."""
    member = prepared.rows[design.TARGET]
    pairs = [(card, attack) for card, attack in zip(prepared.cards, prepared.attacks, strict=True) if card.offline]
    few = replace(prepared, audited=prepared.audited[:SAMPLE])
    return (
        queries_control(bank.asked, expected(material(prepared.recipe, prepared.examples).pool_inputs, prepared.recipe), member),
        trained_control(bank.trained_on, prepared.rows),
        *([offline_control(pairs, evidence(few, bank, design.TARGET))] if pairs else []),
    )


def expected(inputs: Floats, recipe: Recipe) -> Ints:
    """Return fingerprints of what every model should be asked, [queries, examples]: the inputs, or copies moved alike for all."""
    queries, seed = recipe.audit.queries, recipe.training.seed
    if not recipe.audit.augmented_queries:
        return np.tile(fingerprints(inputs), (queries, 1))
    import torch  # noqa: PLC0415  only moving needs it

    from mia_audit.data import augmenting  # noqa: PLC0415

    copies = (
        augmenting.moved(
            torch.from_numpy(inputs),
            augmenting.draw(recipe.data, len(inputs), stream(seed, "query-augment", number)),
            recipe.data.crop_padding,
        )
        for number in range(queries)
    )
    return np.stack([fingerprints(copy.numpy()) for copy in copies])


def queries_control(asked: Ints | None, should: Ints, member: Bools) -> Control:
    """Judge what models were asked [askings, queries, examples] against what all should be [queries, examples]; say whom it concerns."""
    if asked is None:
        return QUERIES.told(None, _NOT_KEPT)
    if asked.shape[1:] != should.shape:
        return QUERIES.told(False, f"Models were asked {asked.shape[1:]} queries and examples, not {should.shape}.")
    other = (asked != should).any(axis=(0, 1))
    if other.any():
        inside, outside = int((other & member).sum()), int((other & ~member).sum())
        detail = (
            f"Some model was asked about other inputs than it should be for {inside} of {int(member.sum())} members and {outside} of "
            f"{int((~member).sum())} non-members."
        )
        return QUERIES.told(False, detail)
    times = f"{len(should)} quer{'ies' if len(should) > 1 else 'y'} of each of {member.size} examples"
    return QUERIES.told(True, f"{times}: every model was asked the same inputs, members and non-members alike.")


def trained_control(trained_on: Bools | None, rows: Bools) -> Control:
    """Judge what stood in the models' batches [models, examples] against their coins."""
    if trained_on is None:
        return TRAINED.told(None, _NOT_KEPT)
    if trained_on.shape != rows.shape:
        return TRAINED.told(False, f"Batches are known of {trained_on.shape} models and examples, not {rows.shape}.")
    wrong = (trained_on != rows).sum(axis=1)
    if wrong.any():
        worst = int(wrong.argmax())
        detail = (
            f"{int((wrong > 0).sum())} models were trained on others than their coins say; model {worst} differs in {int(wrong[worst])}."
        )
        return TRAINED.told(False, detail)
    return TRAINED.told(True, f"{len(rows)} models were trained on the examples of their coins, and on no other.")


def offline_control(pairs: list[tuple[Card, Attack]], seen: Evidence) -> Control:
    """Judge whether offline attacks use only models without the example: their scores must not change when the others answer nonsense."""
    spoilt = replace(seen, shadows=nonsense(seen.shadows, seen.trained_on))
    at_fault = [card.name for card, attack in pairs if not np.array_equal(attack.score(seen), attack.score(spoilt))]
    names = ", ".join(card.name for card, _ in pairs)
    said = f"{names}: scores of {seen.examples} examples stay the same when models trained with them answer nonsense."
    fault = f"Not offline: scores of {', '.join(at_fault)} change when models trained with the example answer nonsense."
    return OFFLINE.told(not at_fault, fault if at_fault else said)


def nonsense(shadows: Floats, trained_on: Bools) -> Floats:
    """Return answers [models, queries, examples, classes], turned round and enlarged where a model was trained on the example."""
    return np.where(trained_on[:, None, :, None], -3 * shadows - 1, shadows)
