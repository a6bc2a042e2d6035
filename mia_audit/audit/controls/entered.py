"""Guards on what really happened: what entered the models when asked and when trained, and what offline attacks look at.

At the door of every network fingerprints are taken of what enters: of each query, and in training at a sample of steps (`data.entrance`).
Workers also mark every example that stood in a model's batches. All of it is held against what the recipe says, worked out once more from
the stored examples. Published code asked members through crops and flips, non-members without: such a pipeline leaves other fingerprints.
The audit's last answers and those at checkpoints are looked at; probes, which ask otherwise by design, are not.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mia_audit.attacks import Attack
from mia_audit.attacks.cards import Card
from mia_audit.audit.bank.prepared import Bank, Prepared
from mia_audit.audit.controls.dealing import expected_fed
from mia_audit.data import design
from mia_audit.data.fingerprint import fingerprints
from mia_audit.privacy.constants import constants
from mia_audit.recipe import Recipe, filled
from mia_audit.record import Control
from mia_audit.record.controls import FED, OFFLINE, QUERIES, TRAINED
from mia_audit.statistics.coins import binomial_p
from mia_audit.streams import stream, stream_seed
from mia_audit.training import plan
from mia_audit.training.material import Material, material
from mia_audit.types import Bools, Evidence, Floats, Ints

SAMPLE = 200
"""Examples that offline attacks are tried on."""

_PART = 256  # examples encoded together

_NOT_KEPT = "Not checked: models in the store are of a version that did not keep it; train them anew with another --store."


def asked_guards(prepared: Prepared, bank: Bank, seen: Evidence) -> tuple[Control, ...]:
    """Return the controls of what was asked, of what was trained on, and, where there are such attacks, of offline ones."""
    pairs = [(card, attack) for card, attack in zip(prepared.cards, prepared.attacks, strict=True) if card.offline]
    few = seen.only(np.arange(min(SAMPLE, seen.examples)))
    trained, device = prepared.recipe.teacher, prepared.device
    given = material(trained, prepared.examples)
    tasks = plan.tasks(trained, prepared.rows, prepared.examples.sha256, device)
    return (
        _queries_control(prepared, bank, given.pool_inputs),
        trained_control(bank.trained_on, prepared.rows, never_drawn(prepared.recipe)),
        _fed_control(bank, given, tasks, device),
        *([offline_control(pairs, few)] if pairs else []),
    )


def _queries_control(prepared: Prepared, bank: Bank, inputs: Floats) -> Control:
    """Judge what the target was asked, and its shadow models where they stand at another stage."""
    recipe, member = prepared.recipe, prepared.rows[design.TARGET]
    judged = queries_control(bank.asked, expected(inputs, recipe, prepared.device), member)
    if not judged.passed or bank.teachers is None:
        return judged
    others = queries_control(bank.teachers.asked, expected(inputs, recipe.teacher, prepared.device), member)
    return judged if others.passed else others


def expected(inputs: Floats, recipe: Recipe, device: str = "cpu") -> Ints:
    """Return fingerprints of what should enter every model, [queries, examples]: the inputs, or copies moved alike for all, encoded."""
    queries, seed = recipe.audit.queries, recipe.training.seed
    if recipe.model.encoding == "direct" and not recipe.audit.augmented_queries:
        return np.tile(fingerprints(inputs), (queries, 1))
    asked = (moved(inputs, recipe, number) if recipe.audit.augmented_queries else inputs for number in range(queries))
    return np.stack([encoded(each, recipe, stream_seed(seed, "query", number), device) for number, each in enumerate(asked)])


def moved(inputs: Floats, recipe: Recipe, number: int) -> Floats:
    """Return the copies of query `number`."""
    import torch  # noqa: PLC0415  only moving needs it

    from mia_audit.data import augmenting  # noqa: PLC0415

    moves = augmenting.draw(recipe.data, len(inputs), stream(recipe.training.seed, "query-augment", number))
    copies: Floats = augmenting.moved(torch.from_numpy(inputs), moves, recipe.data.crop_padding).numpy()
    return copies


def encoded(inputs: Floats, recipe: Recipe, seed: int, device: str) -> Ints:
    """Return fingerprints [examples] of inputs as the recipe encodes them, a few at a time; the seed is that of their noise."""
    if recipe.model.encoding == "direct":
        return fingerprints(inputs)
    import torch  # noqa: PLC0415  only encoding needs it

    from mia_audit.data.entrance import prints  # noqa: PLC0415
    from mia_audit.models.encoding import encode  # noqa: PLC0415

    generator = torch.Generator(device).manual_seed(seed)
    parts = (torch.from_numpy(inputs[start : start + _PART]).to(device).unsqueeze(0) for start in range(0, len(inputs), _PART))
    return np.concatenate([prints(encode(part, recipe.model, [generator]))[0].cpu().numpy() for part in parts])


def expected_calibration(given: Material, device: str) -> Ints | None:
    """Return fingerprints of what quantizers should be calibrated on, [examples]; None where nothing is quantized after training."""
    if given.recipe.model.quantization.when == "training":
        return None
    return encoded(given.calibration_inputs, given.recipe, stream_seed(given.recipe.training.seed, "calibrate"), device)


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
            f"Some model was asked about other inputs than it should be, or while training, for {inside} of {int(member.sum())} members "
            f"and {outside} of {int((~member).sum())} non-members."
        )
        return QUERIES.told(False, detail)
    times = f"{len(should)} quer{'ies' if len(should) > 1 else 'y'} of each of {member.size} examples"
    return QUERIES.told(True, f"{times}: every model was asked the same inputs, members and non-members alike.")


def never_drawn(recipe: Recipe) -> float:
    """Return the probability that a member is in none of all steps: 0 where each is dealt once an epoch."""
    if recipe.privacy is None or recipe.privacy.sampling != "poisson":
        return 0.0
    told = constants(recipe, filled(recipe.data.pool))
    return float((1 - told.rate) ** (told.steps * recipe.training.last_epoch))


def trained_control(trained_on: Bools | None, rows: Bools, absent: float = 0.0) -> Control:
    """Judge what stood in the models' batches [models, examples] against their coins.

    absent  the probability that a member stood in none: then as many may be missing as it explains, and nobody else may be there
    """
    if trained_on is None:
        return TRAINED.told(None, _NOT_KEPT)
    if trained_on.shape != rows.shape:
        return TRAINED.told(False, f"Batches are known of {trained_on.shape} models and examples, not {rows.shape}.")
    if absent:
        return _drawn_control(trained_on, rows, absent)
    wrong = (trained_on != rows).sum(axis=1)
    if wrong.any():
        worst = int(wrong.argmax())
        detail = (
            f"{int((wrong > 0).sum())} models were trained on others than their coins say; model {worst} differs in {int(wrong[worst])}."
        )
        return TRAINED.told(False, detail)
    return TRAINED.told(True, f"{len(rows)} models were trained on the examples of their coins, and on no other.")


def _drawn_control(trained_on: Bools, rows: Bools, absent: float) -> Control:
    """Judge models whose members came into steps by coins, two-sided: of each model alone and of all together, each at half the level."""
    strange, missing, members = (trained_on & ~rows).sum(), (rows & ~trained_on).sum(axis=1), rows.sum(axis=1)
    if strange:
        return TRAINED.told(False, f"{int(strange)} examples stood in batches of models whose coins leave them out.")
    each = min(1.0, len(rows) * min(binomial_p(int(own), int(of), absent) for own, of in zip(missing, members, strict=True)))
    p = min(1.0, 2 * min(each, binomial_p(int(missing.sum()), int(members.sum()), absent)))
    return TRAINED.told(
        p >= TRAINED.level,
        f"{len(rows)} models were trained on examples of their coins alone; {int(missing.sum())} of {int(members.sum())} members were "
        f"never drawn, {absent * int(members.sum()):.1f} are expected, p = {p:.2g} (fails below {TRAINED.level}).",
    )


def _fed_control(bank: Bank, given: Material, tasks: Sequence[plan.Task], device: str) -> Control:
    if given.recipe.privacy is not None and given.recipe.privacy.secure_noise:
        return FED.told(
            None, "Not checked: members were drawn by the operating system (privacy.secure_noise), and nobody can draw them again."
        )
    return fed_control(bank, expected_fed(given, tasks, device), expected_calibration(given, device))


def fed_control(bank: Bank, should: Ints, calibrated: Ints | None) -> Control:
    """Judge what entered the models in training against what should have [models, steps looked at], and what quantizers learnt from."""
    if bank.fed is None:
        return FED.told(None, _NOT_KEPT)
    if bank.fed.shape != should.shape:
        return FED.told(passed=False, detail=f"It is known of {bank.fed.shape} models and steps what entered, not of {should.shape}.")
    wrong = (bank.fed != should).sum(axis=1)
    if wrong.any():
        detail = (
            f"Other inputs, labels or weights entered {int((wrong > 0).sum())} of {len(should)} models than the recipe deals, in up to "
            f"{int(wrong.max())} of {should.shape[1]} steps looked at."
        )
        return FED.told(passed=False, detail=detail)
    if calibrated is not None and (bank.calibrated is None or not (bank.calibrated == calibrated).all()):
        return FED.told(passed=False, detail="Quantizers were calibrated on other examples than those set aside for it.")
    also = " Quantizers were calibrated on the examples set aside for it." if calibrated is not None else ""
    looked = f"{len(should)} models at {should.shape[1]} steps"
    return FED.told(passed=True, detail=f"Inputs, labels and weights that entered {looked} are those that the recipe deals.{also}")


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
