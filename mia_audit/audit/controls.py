"""Guards: what would make an audit's numbers wrong without anybody noticing. Each is a control, and it can fail.

members differ    a classifier that never sees a model tells members from non-members: the split leaks, not the network
shadow rows       a shadow model was trained on the target's very members, or on their exact complement
shadow answers    a shadow model gives the target's very answers: it is the target
other queries     a model was asked about inputs other than the stored ones, or moved otherwise than for everybody (`audit.asking`)
other coins       a model was trained on other examples than its coins say, so that IN and OUT are mixed up
IN for offline    an attack that claims to use only models without the example makes use of those with it
unlike shadows    the target works better or worse than its shadow models by more than they differ: attacks were learnt on other networks
"""

import numpy as np

from mia_audit.audit import facts
from mia_audit.audit.asking import asked_guards
from mia_audit.audit.prepared import Bank, Prepared
from mia_audit.data import design
from mia_audit.record import Control
from mia_audit.statistics.blind import blind
from mia_audit.statistics.nulltest import angle, one_more_p
from mia_audit.streams import stream
from mia_audit.types import Bools, Floats, Ints

LEVEL = 0.01
UNLIKE = 0.001
"""Levels: one sound audit in a hundred fails the blind classifier by chance, one in a thousand the likeness."""


def guards(prepared: Prepared, bank: Bank) -> tuple[Control, ...]:
    """Return the controls that look at the audit's own data, attacks aside."""
    member = prepared.rows[design.TARGET]
    inputs = prepared.examples.pool_inputs
    accuracies = facts.test_accuracies(prepared, bank)
    return (
        *asked_guards(prepared, bank),
        blind_control(inputs.reshape(len(inputs), -1), prepared.examples.pool_labels, member, prepared.recipe.training.seed),
        independence_control(prepared.rows, bank.pool),
        likeness_control(float(accuracies[design.TARGET]), accuracies[design.FIRST_SHADOW :], len(prepared.examples.test_labels)),
    )


def blind_control(features: Floats, labels: Ints, member: Bools, seed: int) -> Control:
    """Judge whether members differ from non-members by themselves; not run where there are too few of either."""
    name = "blind classifier"
    if min(int(member.sum()), int((~member).sum())) < 20:
        return Control(name=name, passed=None, detail="Fewer than 20 members or non-members: nothing could be learnt from them.")
    found = blind(features, labels, member, stream(seed, "blind"))
    return Control(
        name=name,
        passed=found.p >= LEVEL,
        detail=f"Without any network, members are told from non-members with AUC {found.auc:.3f}, p = {found.p:.3f} (fails below {LEVEL}).",
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
    return Control(name="independent shadow models", passed=not faults, detail=f"{told[0].upper()}{told[1:]}.")


def likeness_control(target: float, shadows: Floats, examples: int) -> Control:
    """Judge whether the target's accuracy on so many test examples could be a shadow model's; not run with fewer than three of them.

    As angles, since accuracies near 1 fall short by more than they exceed; half an example is the least they are taken to differ by.
    """
    name = "target like its shadow models"
    if shadows.size < 3:
        return Control(name=name, passed=None, detail="Fewer than three shadow models to compare with.")
    mean, spread = float(shadows.mean()), float(shadows.std(ddof=1))
    around = angle(np.array([mean - 0.25 / examples, mean + 0.25 / examples]).clip(0, 1), examples)
    p = one_more_p(float(angle(np.array(target), examples)), angle(shadows, examples), float(np.ptp(around)))
    return Control(
        name=name,
        passed=p >= UNLIKE,
        detail=f"Test accuracy {target:.3f}; shadow models {mean:.3f}, deviation {spread:.3f}; p = {p:.2g} (fails below {UNLIKE}).",
    )
