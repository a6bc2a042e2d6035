"""Guards: what would make an audit's numbers wrong without anybody noticing. Each is a control, and it can fail.

members differ    a classifier that never sees a model tells members from non-members: the split leaks, not the network
unfair coins      who is trained on what was not drawn by independent coins of the recipe's probability
shadow rows       a shadow model was trained on the target's very members, or on their exact complement
shadow answers    a shadow model gives the target's very answers: it is the target
near copies       two models are one but for noise, or one is half another (`.copying`)
other queries     a model was asked about inputs other than the stored ones, or moved otherwise than for everybody (`.entered`)
other coins       a model was trained on other examples than its coins say, so that IN and OUT are mixed up
IN for offline    an attack that claims to use only models without the example makes use of those with it
unlike shadows    the target works or fits better or worse than its shadow models by more than they differ: attacks were learnt on others
"""

import numpy as np

from mia_audit.arrays import Arrays
from mia_audit.attacks.observables import each_model, log_likelihood, phi
from mia_audit.audit.bank.prepared import Bank, Prepared
from mia_audit.audit.controls.copying import copies_control
from mia_audit.audit.controls.entered import asked_guards
from mia_audit.audit.findings import facts
from mia_audit.data import design
from mia_audit.record import Control
from mia_audit.record.controls import BLIND, COINS, INDEPENDENT, LIKENESS
from mia_audit.statistics.blind import blind
from mia_audit.statistics.coins import coin_ps
from mia_audit.statistics.nulltest import angle, one_more_p
from mia_audit.streams import stream
from mia_audit.types import Bools, Evidence, Floats, Ints


def guards(prepared: Prepared, bank: Bank, seen: Evidence) -> tuple[Control, ...]:
    """Return the controls that look at the audit's own data, attacks aside; the evidence is the target's."""
    member, rows, told = prepared.rows[design.TARGET], prepared.rows, prepared.recipe
    inputs = prepared.examples.pool_inputs
    return (
        *asked_guards(prepared, bank, seen),
        blind_control(inputs.reshape(len(inputs), -1), prepared.examples.pool_labels, member, told.training.seed),
        coins_control(rows, told.data.member_fraction),
        independence_control(rows, bank.pool),
        copies_control(bank.alike, prepared.examples.pool_labels, told.training.seed),
        likeness_control(traits(prepared, bank.alike), len(prepared.examples.test_labels)),
    )


def blind_control(features: Floats, labels: Ints, member: Bools, seed: int) -> Control:
    """Judge whether members differ from non-members by themselves; not run where there are too few of either."""
    if min(int(member.sum()), int((~member).sum())) < 20:
        return BLIND.told(None, "Fewer than 20 members or non-members: nothing could be learnt from them.")
    found = blind(features, labels, member, stream(seed, "blind"))
    return BLIND.told(
        found.p >= BLIND.level,
        f"Without any network, members are told from non-members with AUC {found.auc:.3f}, p = {found.p:.3f} (fails below {BLIND.level}).",
    )


def coins_control(rows: Bools, fraction: float) -> Control:
    """Judge whether rows [2 + S, N] of all models, target included, are independent coins of this probability, by the matrix itself."""
    found = coin_ps(rows, fraction)
    name = min(found, key=lambda each: found[each])
    p = min(1.0, len(found) * found[name])
    return COINS.told(
        p >= COINS.level,
        f"Coins of {len(rows)} models on {rows.shape[1]} examples, by {', '.join(found)}: {name} lies furthest off, p = {p:.2g} for all "
        f"{len(found)} (fails below {COINS.level}).",
    )


def independence_control(rows: Bools, logits: Floats) -> Control:
    """Judge whether target and shadow models are separate: rows [2 + S, N] of coins and logits [2 + S, ...] of their own.

    Independent coins agree on half of the examples, give or take sqrt(N) / 2; seven times that does not happen.
    """
    agreement = (rows[2:] == rows[0]).mean(axis=1)
    fraction = rows.mean()
    expected = fraction**2 + (1 - fraction) ** 2
    limit = 7 * np.sqrt(expected * (1 - expected) / rows.shape[1])
    same_rows = np.flatnonzero(np.abs(agreement - expected) > limit)
    varies = np.ptp(logits[0]) > 0
    same_answers = [index for index, other in enumerate(logits[2:]) if varies and np.array_equal(other, logits[0])]
    faults = [f"shadow model {index + 1} shares {agreement[index]:.0%} of the target's coins" for index in same_rows]
    faults += [f"shadow model {index + 1} gives the target's very answers" for index in same_answers]
    told = "; ".join(faults[:3]) or "no shadow model shares the target's coins or answers"
    return INDEPENDENT.told(not faults, f"{told[0].upper()}{told[1:]}.")


def traits(prepared: Prepared, bank: Bank) -> dict[str, Floats]:
    """Return what models are compared by, each [2 + S].

    accuracy  on test examples
    loss      on test examples, the logarithm of the mean
    fit       the mean logit-scaled confidence in the label of a model's own members
    gap       what that lies above the one in non-members
    """
    examples, rows = prepared.examples, prepared.rows
    sure = each_model(phi, bank.pool, examples.pool_labels)
    inside = np.mean(sure, axis=1, where=rows)
    loss = -each_model(log_likelihood, bank.test, examples.test_labels).mean(axis=1)
    return {
        "accuracy": facts.test_accuracies(prepared, bank),
        "loss": np.log(np.maximum(loss, 1e-12)),
        "fit": inside,
        "gap": inside - np.mean(sure, axis=1, where=~rows),
    }


def arrays(prepared: Prepared, bank: Bank) -> Arrays:
    """Return what the controls of models were computed from, as the record keeps it."""
    return {**{f"models/{name}": values for name, values in traits(prepared, bank.alike).items()}, "models/rates": bank.rates}


def likeness_control(compared: dict[str, Floats], examples: int) -> Control:
    """Judge whether the target could be one more shadow model by what models are compared by, [2 + S]; not with fewer than three.

    examples  in the test: half of one is the least that accuracies are taken to differ by, a hundredth that other numbers are
    """
    compared = {name: np.delete(values, design.PHANTOM) for name, values in compared.items()}
    if next(iter(compared.values())).size < 4:
        return LIKENESS.told(None, "Fewer than three shadow models to compare with.")
    found = {name: _one_more(name, values, examples) for name, values in compared.items()}
    name = min(found, key=lambda each: found[each])
    p, own, others = min(1.0, len(found) * found[name]), compared[name][0], compared[name][1:]
    return LIKENESS.told(
        p >= LIKENESS.level,
        f"By {', '.join(found)}: {name} is furthest off, target {own:.3f}, shadow models {others.mean():.3f}, deviation "
        f"{others.std(ddof=1):.3f}; p = {p:.2g} for all {len(found)} (fails below {LIKENESS.level}).",
    )


def _one_more(name: str, values: Floats, examples: int) -> float:
    if name != "accuracy":
        return one_more_p(float(values[0]), values[1:], 0.01)
    mean = float(values[1:].mean())
    around = angle(np.array([mean - 0.25 / examples, mean + 0.25 / examples]).clip(0, 1), examples)
    return one_more_p(float(angle(values[:1], examples)[0]), angle(values[1:], examples), float(np.ptp(around)))
