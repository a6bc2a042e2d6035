"""One toolkit's audit, in the toolkits' own environment; started by peers.py, prints its CPU seconds by phase as JSON.

Shadow models are trained by the toolkit's own code, with our recipe's optimizer, learning rate, batch size and member
count. The attacks are its shadow attack (LiRA in sacroml) and its threshold or rule attack, with its defaults. What a phase
spends on epochs of training, and on validating after each, is told apart: that grows with the epochs, the rest does not.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

from benchmarks.baseline import channels_first
from benchmarks.peer_network import Network, train
from benchmarks.setting import one_thread, setting
from mia_audit.recipe import filled
from mia_audit.types import Bools, Floats, Ints


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a toolkit is asked: the data (channels first), who is a member, and how much of the training to do."""

    inputs: Floats
    labels: Ints
    member: Bools
    recipe: str
    shape: tuple[int, ...]
    batch_size: int
    learning_rate: float
    shadows: int
    target_epochs: int
    shadow_epochs: int

    def network(self) -> Network:
        """Return an untrained model."""
        return Network(recipe=self.recipe, shape=self.shape, classes=10)


class Phases:
    """CPU seconds by phase, and, as "phase: part", of what was timed inside each."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {"start": time.process_time()}
        self._last = time.process_time()
        self._parts: dict[str, float] = {}

    def end(self, name: str) -> None:
        """Close a phase."""
        self.seconds[name] = time.process_time() - self._last
        self.seconds |= {f"{name}: {part}": seconds for part, seconds in self._parts.items()}
        self._last, self._parts = time.process_time(), {}

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function; the seconds that its calls take count as this part of the phase that they fall in."""

        def watched(*given: Any, **named: Any) -> Any:
            start = time.process_time()
            answer = function(*given, **named)
            self._parts[part] = self._parts.get(part, 0.0) + time.process_time() - start
            return answer

        return watched


def adversarial_robustness_toolbox(case: Case, phases: Phases) -> None:
    """ART: ShadowModels, then the black-box attack with a random forest; and the rule-based attack."""
    from art.attacks.inference import membership_inference as mi  # type: ignore[import-not-found]  # noqa: PLC0415  only this toolkit's run needs it
    from art.estimators.classification import PyTorchClassifier  # type: ignore[import-not-found]  # noqa: PLC0415

    class Template(PyTorchClassifier):  # type: ignore[misc]
        """ShadowModels calls `fit` with its defaults (128, 10 epochs); this one keeps the recipe's."""

        def fit(self, x: Floats, y: Ints, epochs: int = case.shadow_epochs, **_: Any) -> None:
            phases.timed("training", super().fit)(x, y, batch_size=case.batch_size, nb_epochs=epochs)

    net = case.network()
    phases.end("prepare")
    target = Template(
        net, nn.CrossEntropyLoss(), case.inputs.shape[1:], 10, optimizer=torch.optim.Adam(net.parameters(), lr=case.learning_rate)
    )
    target.fit(case.inputs[case.member], case.labels[case.member], epochs=case.target_epochs)
    phases.end("target")
    shadows = mi.ShadowModels(target, num_shadow_models=case.shadows)
    member, other = shadows.generate_shadow_dataset(case.inputs, np.eye(10, dtype=np.float32)[case.labels], member_ratio=0.5)
    phases.end("shadows")
    attack = mi.MembershipInferenceBlackBox(target, attack_model_type="rf")
    attack.fit(member[0], member[1], other[0], other[1], member[2], other[2])
    for each in (attack, mi.MembershipInferenceBlackBoxRuleBased(target)):
        each.infer(case.inputs, case.labels)
    phases.end("attacks")


def sacroml(case: Case, phases: Phases) -> None:
    """SACRO-ML: the LiRA attack, and the worst-case attack on the target's probabilities."""
    from sacroml.attacks import (  # type: ignore[import-not-found]  # noqa: PLC0415
        likelihood_attack,
        model_pytorch,
        target,
        utils,
        worst_case_attack,
    )

    model_pytorch.train_model = phases.timed("training", model_pytorch.train_model)
    net = case.network()
    members, others = np.flatnonzero(case.member), np.flatnonzero(~case.member)
    phases.end("prepare")
    loader = DataLoader(Subset(_dataset(case), members.tolist()), case.batch_size, shuffle=True)
    phases.timed("training", train)(net, loader, case.recipe, case.target_epochs)
    phases.end("target")
    described = target.Target(
        model=net, model_module_path="benchmarks/peer_network.py", model_name="Network",
        model_params={"recipe": case.recipe, "shape": case.shape, "classes": 10}, train_module_path="benchmarks/peer_network.py",
        train_params={"recipe": case.recipe, "epochs": case.shadow_epochs}, batch_size=case.batch_size,
        X_train=case.inputs[members], y_train=case.labels[members], X_test=case.inputs[others], y_test=case.labels[others],
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        lira = likelihood_attack.LIRAAttack(output_dir=folder, write_report=False, n_shadow_models=case.shadows)
        order = np.concatenate([members, others])
        utils.train_shadow_models(
            described.model.clone(), case.inputs[order], case.labels[order], len(members), case.shadows, lira.shadow_path
        )
        phases.end("shadows")
        lira.attack(described)
        worst_case_attack.WorstCaseAttack(output_dir=folder, write_report=False).attack(described)
    phases.end("attacks")


def auditml(case: Case, phases: Phases) -> None:
    """Run auditml's shadow attack (a small network on probabilities) and its threshold attack."""
    from auditml.attacks import mia_shadow, mia_threshold  # type: ignore[import-not-found]  # noqa: PLC0415
    from auditml.training.trainer import Trainer  # type: ignore[import-not-found]  # noqa: PLC0415

    Trainer._train_epoch = phases.timed("training", Trainer._train_epoch)  # noqa: SLF001
    Trainer.evaluate = phases.timed("validation", Trainer.evaluate)
    net = case.network()
    rows = (case.member, ~case.member)
    members, others = (DataLoader(Subset(_dataset(case), np.flatnonzero(who).tolist()), case.batch_size, shuffle=True) for who in rows)
    phases.end("prepare")
    phases.timed("training", train)(net, members, case.recipe, case.target_epochs)
    phases.end("target")
    shadow = mia_shadow.ShadowMIA(
        target_model=net, shadow_dataset=_dataset(case), shadow_model_fn=case.network, num_shadows=case.shadows,
        shadow_epochs=case.shadow_epochs, num_classes=10, batch_size=case.batch_size, learning_rate=case.learning_rate,
    )  # fmt: skip
    shadow.shadow_models = shadow._get_shadow_data()  # noqa: SLF001  to time the training apart from the attack
    phases.seconds["members of a shadow model"] = len(shadow.shadow_models[0][1].dataset)
    phases.end("shadows")
    shadow.run(members, others)
    mia_threshold.ThresholdMIA(target_model=net).run(members, others)
    phases.end("attacks")


def _dataset(case: Case) -> TensorDataset:
    return TensorDataset(torch.from_numpy(case.inputs), torch.from_numpy(case.labels))


TOOLKITS: dict[str, Callable[[Case, Phases], None]] = {
    "adversarial-robustness-toolbox": adversarial_robustness_toolbox,
    "sacroml": sacroml,
    "auditml": auditml,
}


def main() -> None:
    """Run the toolkit that the command line names."""
    phases = Phases()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("toolkit", choices=TOOLKITS)
    parser.add_argument("dataset")
    for name in ("shadows", "target_epochs", "shadow_epochs"):
        parser.add_argument(name, type=int)
    arguments = parser.parse_args()
    one_thread()
    chosen = setting("snn-q4", arguments.dataset, 1)
    case = Case(
        inputs=channels_first(chosen.pool.inputs).numpy(), labels=chosen.pool.labels, member=chosen.rows[0],
        recipe=chosen.recipe.model_dump_json(), shape=chosen.pool.inputs.shape[1:],
        batch_size=filled(chosen.recipe.training.batch_size), learning_rate=filled(chosen.recipe.training.learning_rate),
        shadows=arguments.shadows, target_epochs=arguments.target_epochs, shadow_epochs=arguments.shadow_epochs,
    )  # fmt: skip
    TOOLKITS[arguments.toolkit](case, phases)
    sys.stdout.write("\n" + json.dumps(phases.seconds) + "\n")


if __name__ == "__main__":
    main()
