"""The facts of a record beside its metrics: what was audited, how many of each, with what, and how well the target works."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from mia_audit.audit.attacking import measuring, scoring
from mia_audit.audit.attacking.measuring import Truth, share
from mia_audit.audit.attacking.scoring import Scores
from mia_audit.audit.bank.prepared import Bank, Prepared
from mia_audit.audit.bank.repeats import repeats
from mia_audit.data import design
from mia_audit.data.examples import Examples
from mia_audit.data.profiles import profile
from mia_audit.models import architectures, drawing
from mia_audit.recipe import Recipe
from mia_audit.recipe.layers import Fire
from mia_audit.record import Counts, DataFacts, Engine, Utility
from mia_audit.statistics.rates import resolved
from mia_audit.training import plan
from mia_audit.training.processor import processor
from mia_audit.training.schedule import Spent
from mia_audit.types import Bools, Floats, Ints

FEW_MEMBERS = 200
LIBRARIES = ("mia-audit", "torch", "brevitas", "numpy", "scipy", "scikit-learn")


def truth(prepared: Prepared) -> Truth:
    """Return who was a member, on the audited examples."""
    first = design.FIRST_SHADOW
    rehearsing = scoring.rehearsals(len(prepared.rows) - first)
    shadows = prepared.rows[first:, prepared.audited]
    return Truth(
        target=prepared.rows[design.TARGET, prepared.audited],
        rehearsals=shadows[:rehearsing],
        counted=scoring.counted(prepared.attacks, shadows),
    )


def arrays(prepared: Prepared, bank: Bank, scores: Sequence[Scores]) -> dict[str, Any]:
    """Return arrays.npz: everything that the record's numbers are computed from."""
    found: dict[str, Any] = {
        "membership": prepared.rows,
        "labels": prepared.examples.pool_labels,
        "predictions": _predictions(bank.pool[design.TARGET]),
        "test_labels": prepared.examples.test_labels,
        "test_predictions": _predictions(bank.test[design.TARGET]),
        "audited": prepared.audited,
        "counted": scoring.counted(prepared.attacks, prepared.rows[design.FIRST_SHADOW :, prepared.audited]),
    }
    for card, score in zip(prepared.cards, scores, strict=True):
        found |= {f"scores/{card.name}": score.target, f"phantom/{card.name}": score.phantom, f"rehearsal/{card.name}": score.rehearsals}
    return found


def data(examples: Examples) -> DataFacts:
    """Return what was audited."""
    dataset = examples.profile
    return DataFacts(
        name=dataset.name,
        title=dataset.title,
        sha256=examples.sha256,
        kind=dataset.kind,
        shape=dataset.shape,
        classes=examples.class_names,
        public=dataset.public,
    )


def counts(prepared: Prepared, known: Truth) -> Counts:
    """Return how many of each."""
    examples = prepared.examples
    shadows = len(prepared.rows) - design.FIRST_SHADOW
    return Counts(
        pool=len(examples.pool_labels),
        members=int(prepared.rows[design.TARGET].sum()),
        audited_members=int(known.target.sum()),
        audited_nonmembers=int((~known.target).sum()),
        excluded=len(examples.pool_labels) - len(prepared.audited),
        population=len(examples.population_labels),
        test=len(examples.test_labels),
        shadows=shadows,
        rehearsals=scoring.rehearsals(shadows),
    )


def engine(prepared: Prepared) -> Engine:
    """Return what determines the numbers beside the recipe."""
    return Engine(
        version=plan.ENGINE_VERSION,
        device_type=prepared.device,
        cohort_size=plan.cohort_size(prepared.recipe.teacher, prepared.device),
        parameters=parameters(prepared.recipe),
        processor=processor(prepared.device),
        libraries=plan.libraries(),
    )


def parameters(recipe: Recipe) -> int:
    """Return how many weights, biases, scales and shifts one model learns, as `mia-audit show` counts them; quantizers' scales apart."""
    dataset = profile(recipe.data.dataset)
    return drawing.parameters(recipe.model, architectures.layers(recipe.model, dataset.classes), dataset.channels_last)


def utility(prepared: Prepared, bank: Bank) -> Utility:
    """Return how well the target does its task, and how its shadow models do."""
    labels, member = prepared.examples.pool_labels, prepared.rows[design.TARGET]
    predictions = _predictions(bank.pool[design.TARGET])
    shadows = _shadow_accuracies(prepared, bank)
    return Utility(
        **measuring.accuracies(
            share(predictions[member], labels[member]),
            share(_predictions(bank.test[design.TARGET]), prepared.examples.test_labels),
        ),
        shadow_test_accuracy_mean=float(shadows.mean()),
        shadow_test_accuracy_sd=float(shadows.std(ddof=1)),
        firing_rates={f"layer {number}": float(rate) for number, rate in enumerate(bank.rates[design.TARGET], 1)},
        commonest=float(np.bincount(prepared.examples.test_labels).max() / len(prepared.examples.test_labels)),
    )


def warnings(prepared: Prepared, bank: Bank, known: Truth) -> tuple[str, ...]:
    """Return what the reader must know before trusting the numbers."""
    found = [*prepared.left_out, *repeats(prepared.examples)]
    members, others = int(known.target.sum()), int((~known.target).sum())
    if min(members, others) < FEW_MEMBERS:
        found.append(f"Only {members} members and {others} non-members were audited: intervals are wide, and small leaks go unseen.")
    unresolved = [f"{100 * fpr:g} %" for fpr in measuring.FPRS if not resolved(fpr, int((~known.target).sum()))]
    if unresolved:
        found.append(f"Too few non-members were audited for a TPR at {' and '.join(unresolved)} FPR: only upper limits are given.")
    silent = [str(number) for number, rate in enumerate(bank.rates[design.TARGET], 1) if rate == 0]
    if silent:
        found.append(f"No neuron of layer {', '.join(silent)} ever spikes: the network cannot have learnt through it.")
    ordinary, layers = ordinary_layers(prepared.recipe)
    if ordinary and prepared.recipe.model.spiking:
        found.append(f"{ordinary} of {layers} hidden layers have neurons that do not spike: this is a spiking network in part only.")
    works = utility(prepared, bank)
    if works.unlearnt:
        accuracy = works.test_accuracy
        found.append(
            f"The target is not shown to have learnt its task: its test accuracy ({accuracy.value:.3f}, {accuracy.low:.3f} to "
            f"{accuracy.high:.3f}) does not lie above always naming the commonest class ({works.commonest:.3f})."
        )
    return tuple(found)


def ordinary_layers(recipe: Recipe) -> tuple[int, int]:
    """Return how many hidden layers have neurons of their own that do not spike, and how many layers of neurons there are."""
    dataset = profile(recipe.data.dataset)
    walked = architectures.walk(architectures.layers(recipe.model, dataset.classes), plan.input_shape(dataset))
    fires = [layer for layer, _, _ in walked if isinstance(layer, Fire)]
    return sum(layer.activation is not None for layer in fires), len(fires)


def run(prepared: Prepared, seconds: Mapping[str, float], spent: Sequence[Spent], command: str) -> dict[str, Any]:
    """Return run.json: everything that differs from run to run."""
    return {
        "command": command,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "seconds": dict(seconds),
        "cohorts_trained_now": len(spent),
        "cohort_seconds": [each.seconds for each in spent],
        "peak_worker_mib": max((each.peak_bytes for each in spent), default=0) // 2**20,
        "predicted_worker_mib": prepared.memory.per_worker // 2**20,
        "workers": prepared.workers,
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "python": sys.version.split()[0],
        "versions": {name: version(name) for name in LIBRARIES},
    }


def _predictions(logits: Floats) -> Ints:
    """Predicted classes [examples] from logits [queries, examples, classes], averaged over queries."""
    classes: Ints = np.argmax(logits.mean(axis=0), axis=-1)
    return classes


def test_accuracies(prepared: Prepared, bank: Bank) -> Floats:
    """Return the test accuracy of every model, [2 + S]."""
    right: Bools = bank.test.mean(axis=1).argmax(axis=-1) == prepared.examples.test_labels
    each: Floats = right.mean(axis=1)
    return each


def _shadow_accuracies(prepared: Prepared, bank: Bank) -> Floats:
    return test_accuracies(prepared, bank)[design.FIRST_SHADOW :]
