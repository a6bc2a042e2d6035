"""What an audit must find, and must not find, where the answer is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mia_audit.audit import Options, Silent
from mia_audit.audit.attacking.measuring import Truth, phantom_control, results
from mia_audit.audit.attacking.scoring import Scores, attack_all
from mia_audit.audit.bank.prepared import Prepared, evidence, gather
from mia_audit.audit.running import judge, prepare
from mia_audit.data import design
from mia_audit.record import Summary
from mia_audit.training import plan, schedule
from mia_audit.training.material import material

LONG = {"data.pool": 100, "training.epochs": 120, "training.learning_rate": 0.01, "model.hidden": [64]}
HARDLY = {"training.epochs": 1, "training.learning_rate": 1e-9}


def prepared(folder: Path, settings: dict[str, object], *, random_labels: bool = False) -> Prepared:
    """Return an audit of an ANN on iris before training; the pool's labels may be drawn anew, so that only memory can fit them."""
    options = Options(dataset="iris", shadows=14, settings=settings, store=folder, out=folder, device="cpu", workers=1)
    ready = prepare("ann", options, Silent())
    if not random_labels:
        return ready
    labels = np.random.default_rng(5).integers(0, 3, ready.examples.pool_labels.size)
    return replace(ready, examples=replace(ready.examples, pool_labels=labels))


def judged(ready: Prepared) -> Summary:
    """Train the population and return the audit's summary."""
    return judge(ready, bank(ready), public_only=True, expose=False)[0]


def bank(ready: Prepared):  # noqa: ANN201  the library's own type
    """Train the population and return its answers."""
    tasks = plan.tasks(ready.recipe, ready.rows, ready.examples.sha256, ready.device)
    machine = schedule.Machine(device="cpu", workers=1, progress=lambda _: None)
    return gather(schedule.run(tasks, material(ready.recipe, ready.examples), ready.store, machine).cohorts)


def test_memorised_labels_leak(tmp_path: Path) -> None:
    """Labels drawn at random can only be learnt by heart: the audit says that they leak, and its controls hold."""
    summary = judged(prepared(tmp_path, LONG, random_labels=True))
    assert summary.utility.train_accuracy.low > summary.utility.test_accuracy.high
    assert summary.strongest.auc.low > 0.65
    assert summary.leaks
    assert summary.sound


def test_models_that_learnt_nothing_leak_nothing(tmp_path: Path) -> None:
    """After one epoch at no learning rate, every attack's interval covers one half, and the phantom passes."""
    summary = judged(prepared(tmp_path, HARDLY))
    for attack in summary.attacks:
        assert attack.auc.low <= 0.5 <= attack.auc.high
    assert not summary.leaks
    assert summary.sound


def test_the_phantom_control_can_fail(tmp_path: Path) -> None:
    """Scored against the row it was really trained on, the phantom gives the leak away, and the control says so."""
    ready = prepared(tmp_path, LONG, random_labels=True)
    answers = bank(ready)
    rows = ready.rows[:, ready.audited]
    target, phantom = (evidence(ready, answers, model) for model in (design.TARGET, design.PHANTOM))
    scores: tuple[Scores, ...] = attack_all(ready.attacks, target, phantom, 1)
    first = design.FIRST_SHADOW
    truth = Truth(target=rows[design.PHANTOM], rehearsals=rows[first : first + len(scores[0].rehearsals)])
    assert phantom_control(results(ready.cards, scores, truth, 0)).passed is False


def test_a_target_that_never_saw_its_row_does_not_leak(tmp_path: Path) -> None:
    """With the target's membership redrawn after training, nothing is left to find: the target's own answers hold no trace of it."""
    ready = prepared(tmp_path, LONG, random_labels=True)
    answers = bank(ready)
    redrawn = ready.rows.copy()
    redrawn[design.TARGET] = np.random.default_rng(7).random(redrawn.shape[1]) < 0.5
    summary = judge(replace(ready, rows=redrawn), answers, public_only=True, expose=False)[0]
    assert summary.strongest.auc.low <= 0.5 <= summary.strongest.auc.high


def test_a_reader_is_warned(tmp_path: Path) -> None:
    """Few examples make intervals wide, and where every test example is of one class no target beats naming it: the record says both."""
    ready = prepared(tmp_path, HARDLY)
    one_class = replace(ready.examples, test_labels=np.zeros_like(ready.examples.test_labels))
    summary = judged(replace(ready, examples=one_class))
    said = " ".join(summary.warnings)
    assert "intervals are wide, and small leaks go unseen" in said
    assert "does not lie above always naming the commonest class (1.000)" in said
    assert summary.utility.unlearnt
    assert summary.utility.commonest == 1.0


@pytest.mark.parametrize(("right", "warned"), [(20, True), (25, True), (40, False)])
def test_a_target_that_may_have_learnt_nothing_is_named(tmp_path: Path, right: int, warned: bool) -> None:
    """Better than the commonest class by luck is not above it: the interval decides. 20 in 40 of one class; 25 right are 46 to 77 %."""
    ready = prepared(tmp_path, HARDLY)
    answers = bank(ready)
    labels = np.repeat([0, 1], 20)
    told = np.where(np.arange(40) < right, labels, 1 - labels)
    logits = np.broadcast_to(np.eye(answers.test.shape[-1])[told], answers.test.shape).astype(answers.test.dtype)
    asked = replace(ready, examples=replace(ready.examples, test_labels=labels))
    summary = judge(asked, replace(answers, test=logits), public_only=True, expose=False)[0]
    assert summary.utility.commonest == 0.5
    assert summary.utility.unlearnt == warned == any("not shown to have learnt" in said for said in summary.warnings)


def test_a_silent_layer_is_named(tmp_path: Path) -> None:
    """Neurons whose threshold nothing reaches never spike: the record says that the network cannot have learnt through them."""
    settings = {**HARDLY, "model.neuron.threshold": 1e6}
    options = Options(dataset="iris", shadows=14, settings=settings, store=tmp_path, out=tmp_path, device="cpu", workers=1)
    summary = judged(prepare("snn", options, Silent()))
    assert summary.utility.firing_rates == {"layer 1": 0.0}
    assert any(said.startswith("No neuron of layer 1 ever spikes") for said in summary.warnings)
