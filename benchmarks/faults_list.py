# ruff: noqa: E501  what is replaced stands here as it stands in the code
"""The faults that `faults` plants: what is changed where, in which audit, and which tests must notice."""

from dataclasses import dataclass
from typing import Any

TINY: dict[str, Any] = {
    "data.pool": 160, "data.population": 40, "data.test": 80, "training.epochs": 25, "training.batch_size": 16,
    "training.learning_rate": 0.01, "model.channels": [4, 4],
}  # fmt: skip
MOVED: dict[str, Any] = {"data.augment": ["crop", "flip"], "data.crop_padding": 1, "audit.queries": 2, "audit.augmented_queries": True}
POST: dict[str, Any] = {"model.quantization.when": "post-training", "model.quantization.weight_bits": 4}
SETTINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("ann", TINY),
    "moved": ("ann", {**TINY, **MOVED}),
    "batch": ("ann", {**TINY, "model.norm": "batch"}),
    "post": ("ann", {**TINY, **POST, "model.quantization.activation_bits": 4}),
    "rate": ("snn", {**TINY, "training.epochs": 6, "model.time_steps": 3, "model.encoding": "rate"}),
}
"""The audits, by name."""

ASKED, GUARDS, MODELS = "tests/test_controls_asked.py", "tests/test_controls_guards.py", "tests/test_controls_models.py"
TRUTHS, PANEL, REHEARSING = "tests/test_audit_truths.py", "tests/test_controls_panel.py", "tests/test_controls_rehearsing.py"
JOINED = "tests/test_controls_joined.py"
REHEARSALS, LOCKSTEP, BATCHES = "tests/test_controls_rehearsals.py", "tests/test_training_lockstep.py", "tests/test_training_batches.py"
DESIGN, LIRA, RMIA, PARTS = (
    "tests/test_data_design.py",
    "tests/test_attacks_lira.py",
    "tests/test_attacks_rmia.py",
    "tests/test_statistics_parts.py",
)

Change = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault.

    changes     file of mia_audit, what stands there once, and what is put in its place
    tests       files that must notice
    settings    which audit
    only_tests  why no control can see it, where none can
    """

    name: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]
    settings: str = "plain"
    only_tests: str = ""


def _asked(change: str) -> Change:
    """Return a change of the pool's inputs as all models of a cohort are asked them."""
    old = "    answers = _answers(population, material)\n"
    new = (
        "    import dataclasses\n    member = task.rows[0].reshape(-1, *[1] * (material.pool_inputs.ndim - 1))\n"
        f"    material = dataclasses.replace(material, pool_inputs=({change}).astype(np.float32))\n"
    )
    return ("training/worker.py", old, new + old)


def _answers(expression: str) -> Change:
    """Return a change of all models' answers `p` [models, queries, examples, classes]."""
    old = 'pool=np.concatenate([cohort["pool/logits"] for cohort in cohorts]),'
    return ("audit/bank/prepared.py", old, f'pool=(lambda p: {expression})(np.concatenate([cohort["pool/logits"] for cohort in cohorts])),')


def _row(expression: str) -> Change:
    """Return another design: `row` as dealt, `index`, `pool`, `recipe` in sight."""
    old = "    if not 0 < row.sum() < pool:\n"
    return ("data/design.py", old, f"    row = np.asarray({expression})\n" + old)


_OTHER = 'stream(recipe.training.seed, "membership", {0}).random(pool)'
_NOISE = "np.random.default_rng(0).normal(size=p[:1].shape).astype(p.dtype)"
_SIMILAR = "both are computed by the same code; only a second way of computing it tells"

FAULTS = (
    # what is asked
    Fault(
        name="members asked 10 % brighter",
        changes=(_asked("np.where(member, 1.1 * material.pool_inputs, material.pool_inputs)"),),
        tests=(ASKED,),
    ),
    Fault(
        name="members asked as mirror images",
        changes=(_asked("np.where(member, material.pool_inputs[:, :, ::-1], material.pool_inputs)"),),
        tests=(ASKED,),
    ),
    Fault(name="non-members asked with noise", changes=(_asked("material.pool_inputs + ~member * 0.1"),), tests=(ASKED,)),
    Fault(name="everybody asked one pixel off", changes=(_asked("np.roll(material.pool_inputs, 1, axis=1)"),), tests=(ASKED,)),
    Fault(
        name="queries brighter after all notes",
        changes=(("signals.py", "encoded = encode(x.unsqueeze(0), ", "encoded = encode(1.1 * x.unsqueeze(0), "),),
        tests=(ASKED,),
    ),
    Fault(
        name="all queries from one stream",
        changes=(("signals.py", '"query-augment", number)', '"query-augment", 0)'),),
        tests=(ASKED,),
        settings="moved",
    ),
    Fault(
        name="queries not augmented",
        changes=(("signals.py", "if recipe.audit.augmented_queries else inputs", "if False else inputs"),),
        tests=(ASKED,),
        settings="moved",
    ),
    Fault(
        name="another spike train than the recipe's",
        changes=(("signals.py", '"query", number))', '"query", number + 1))'),),
        tests=(ASKED,),
        settings="rate",
    ),
    Fault(
        name="batch norm in training mode when asked",
        changes=(("training/worker.py", "answers = _answers(population, material)", "answers = _answers(population.train(), material)"),),
        tests=(ASKED,),
        settings="batch",
    ),
    # what is fed
    Fault(
        name="batches noted at p and fed p - 1",
        changes=(("training/feeding.py", "torch.from_numpy(batch.positions).to", "torch.from_numpy(batch.positions - 1).to"),),
        tests=(ASKED,),
    ),
    Fault(
        name="labels of the neighbour in the batch",
        changes=(("training/feeding.py", "self.labels[positions], passage", "self.labels[positions].roll(1, 1), passage"),),
        tests=(ASKED,),
    ),
    Fault(
        name="padding trained on",
        changes=(
            (
                "training/feeding.py",
                "weights = torch.from_numpy(batch.weights)",
                "weights = torch.from_numpy(batch.weights + np.float32(0.01))",
            ),
        ),
        tests=(ASKED,),
    ),
    Fault(
        name="training without augmentation",
        changes=(("training/feeding.py", "        if self.recipe.data.augment:\n            x =", "        if False:\n            x ="),),
        tests=(ASKED,),
        settings="moved",
    ),
    Fault(
        name="half of the batch augmented",
        changes=(
            (
                "training/feeding.py",
                "images[:count] = augmenting.moved(images[:count], moves, self.recipe.data.crop_padding)",
                "images[: count // 2] = augmenting.moved(images[:count], moves, self.recipe.data.crop_padding)[: count // 2]",
            ),
        ),
        tests=(ASKED,),
        settings="moved",
    ),
    Fault(
        name="the same spikes in every step of training",
        changes=(("training/feeding.py", 'f"encode {number}"', '"encode 0"'),),
        tests=(ASKED,),
        settings="rate",
    ),
    Fault(
        name="quantizers calibrated on members",
        changes=(
            (
                "training/worker.py",
                "recipe, material.calibration_inputs, device)",
                "recipe, material.pool_inputs[task.rows[0]][: len(material.calibration_inputs)], device)",
            ),
        ),
        tests=(ASKED,),
        settings="post",
    ),
    Fault(
        name="one example more in every model",
        changes=(
            (
                "training/worker.py",
                "Cohort(indices=task.indices, rows=task.rows)",
                "Cohort(indices=task.indices, rows=task.rows | (np.arange(task.rows.shape[1]) == 0))",
            ),
        ),
        tests=(ASKED,),
    ),
    Fault(
        name="models trained on the complement of their coins",
        changes=(("training/worker.py", "Cohort(indices=task.indices, rows=task.rows)", "Cohort(indices=task.indices, rows=~task.rows)"),),
        tests=(ASKED,),
    ),
    Fault(
        name="a tenth of the members never dealt",
        changes=(
            (
                "training/batches.py",
                "members = [np.flatnonzero(row) for row in self.rows]",
                "members = [np.flatnonzero(row)[: int(0.9 * row.sum())] for row in self.rows]",
            ),
        ),
        tests=(BATCHES, ASKED),
    ),
    # coins
    Fault(
        name="each example in exactly half of the models",
        changes=(
            (
                "data/design.py",
                "    return np.stack([_row(recipe, model) for model in range(models)])",
                "    pool = filled(recipe.data.pool)\n    return np.argsort(np.random.default_rng(recipe.training.seed).random((models, pool)), axis=0) < models // 2",
            ),
        ),
        tests=(JOINED, DESIGN),
    ),
    Fault(
        name="exactly half of the pool in each model",
        changes=(_row(f"np.argsort({_OTHER.format('index')}) < pool // 2"),),
        tests=(JOINED, DESIGN),
    ),
    Fault(name="all shadow models of one row", changes=(_row(f"{_OTHER.format('min(index, 2)')} < 0.5"),), tests=(JOINED, DESIGN)),
    Fault(
        name="two shadow models of one row", changes=(_row(f"{_OTHER.format('5 if index == 6 else index')} < 0.5"),), tests=(JOINED, DESIGN)
    ),
    Fault(
        name="rows chained",
        changes=(_row(f"np.where(stream(1, 'chain', index).random(pool) < 0.5, {_OTHER.format('max(0, index - 1)')} < 0.5, row)"),),
        tests=(JOINED, DESIGN),
    ),
    Fault(
        name="shadow rows follow the target's",
        changes=(_row(f"np.where(stream(1, 'follow', index).random(pool) < 0.3, {_OTHER.format('0')} < 0.5, row)"),),
        tests=(JOINED, DESIGN),
    ),
    Fault(
        name="a shadow row opposite to the target's",
        changes=(_row(f"row if index != 4 else {_OTHER.format('0')} >= 0.5"),),
        tests=(JOINED, DESIGN),
    ),
    Fault(name="coins in blocks of four", changes=(_row("np.repeat(row[: -(-pool // 4)], 4)[:pool]"),), tests=(JOINED, DESIGN)),
    Fault(
        name="members are the first half of the pool",
        changes=(_row("(np.arange(pool) < pool // 2) ^ (row & (np.arange(pool) % 3 == 0))"),),
        tests=(JOINED, DESIGN),
    ),
    Fault(
        name="coins fall on member in 60 %",
        changes=(("data/design.py", ".random(pool) < fraction", ".random(pool) < fraction + 0.1"),),
        tests=(JOINED, DESIGN),
    ),
    # models
    Fault(name="the target among the shadow models", changes=(_answers("np.concatenate([p[:5], p[:1], p[6:]])"),), tests=(JOINED,)),
    Fault(
        name="a noisy copy of the target among the shadow models",
        changes=(_answers(f"np.concatenate([p[:5], p[:1] + 0.3 * {_NOISE}, p[6:]])"),),
        tests=(JOINED,),
    ),
    Fault(
        name="a shadow model that is half the target",
        changes=(_answers("np.concatenate([p[:5], (p[:1] + p[5:6]) / 2, p[6:]])"),),
        tests=(JOINED,),
    ),
    Fault(name="two equal shadow models", changes=(_answers("np.concatenate([p[:8], p[7:8], p[9:]])"),), tests=(JOINED,)),
    Fault(
        name="shadow models trained a third as long",
        changes=(
            ("training/plan.py", '{"cpu": 16,', '{"cpu": 2,'),
            (
                "training/lockstep.py",
                "        way.step.begin(epoch)\n",
                (
                    "        way.step.begin(epoch)\n"
                    "        for group in getattr(way.step, '_optimizer').param_groups:\n"
                    "            group['lr'] *= 0 in cohort.indices or 3 * epoch < training.last_epoch\n"
                ),
            ),
        ),
        tests=("tests/test_training_lockstep.py",),
    ),
    Fault(
        name="one seed of initial weights for all models",
        changes=(("training/lockstep.py", '"init", index))', '"init", 0))'),),
        tests=(LOCKSTEP,),
        only_tests="models that begin alike and end apart are a legitimate recipe; the attacker is then told more",
    ),
    Fault(
        name="one order of members for all models",
        changes=(("training/batches.py", '"shuffle", index)', '"shuffle", 0)'),),
        tests=(BATCHES,),
        only_tests="orders of different members have nothing in common that answers show",
    ),
    # rehearsals and turns
    Fault(
        name="turns that keep their own answers",
        changes=(
            (
                "audit/findings/turns.py",
                "attack.score(whole.against_shadow(turn).only(can))",
                "attack.score(replace(whole, target=whole.shadows[turn] + 1e-4).only(can))",
            ),
        ),
        tests=(REHEARSALS, REHEARSING),
    ),
    Fault(
        name="rehearsals that keep their own answers",
        changes=(
            (
                "audit/attacking/scoring.py",
                "return target.against_shadow(model).only(can)",
                "from dataclasses import replace\n    return replace(target, target=target.shadows[model] + 1e-4).only(can)",
            ),
        ),
        tests=(REHEARSALS,),
    ),
    Fault(
        name="examples of a rehearsal chosen by its own coin",
        changes=(("audit/attacking/scoring.py", "judged(np.delete(trained_on, model, axis=0), need)", "judged(trained_on, need + 1)"),),
        tests=(REHEARSALS,),
    ),
    Fault(
        name="the headline chosen on the target",
        changes=(
            ("audit/attacking/measuring.py", "key=lambda attack: attack.rehearsal_auc)", "key=lambda attack: attack.auc.value or 0.0)"),
        ),
        tests=(JOINED, "tests/test_audit_record.py"),
        only_tests="the choice leaves no trace in any number; the record says by what it was made",
    ),
    Fault(
        name="the target's own answers taken for the phantom's",
        changes=(("audit/bank/prepared.py", "design.TARGET), design.PHANTOM", "design.TARGET), design.TARGET"),),
        tests=(JOINED,),
    ),
    # attacks
    Fault(
        name="LiRA with its sign turned",
        changes=(
            (
                "attacks/lira.py",
                "    return log_density(inside) - log_density(outside)\n",
                "    return log_density(outside) - log_density(inside)\n",
            ),
        ),
        tests=(LIRA,),
    ),
    Fault(
        name="LiRA with one deviation for both sides",
        changes=(("attacks/lira.py", "- np.log(sigma)\n        return density", "\n        return density"),),
        tests=(LIRA,),
        only_tests=_SIMILAR,
    ),
    Fault(
        name="RMIA with its sign turned",
        changes=(
            (
                "attacks/rmia.py",
                "of_z = log_ratio(_target(pool), log_mean_missing(_shadows(pool)))\n        return of_x - ",
                "of_z = log_ratio(_target(pool), log_mean_missing(_shadows(pool)))\n        return -of_x + ",
            ),
        ),
        tests=(RMIA,),
    ),
    Fault(
        name="shadow rows one model off",
        changes=(
            (
                "audit/bank/prepared.py",
                "trained_on=prepared.rows[first:, audited]",
                "trained_on=np.roll(prepared.rows[first:, audited], 1, axis=0)",
            ),
        ),
        tests=(JOINED,),
        only_tests="attacks that learn nothing find nothing; the rehearsals are moved alike",
    ),
    Fault(
        name="labels one example off",
        changes=(("audit/bank/prepared.py", "labels=examples.pool_labels[audited],", "labels=np.roll(examples.pool_labels[audited], 1),"),),
        tests=(JOINED,),
        only_tests="attacks on wrong labels are weak attacks",
    ),
    Fault(
        name="confidence from float32 probabilities",
        changes=(
            (
                "attacks/observables.py",
                "    others = _without(logits, chosen)\n    top = others.max(axis=0)\n",
                "    logits = np.clip(logits, -4, 4)\n    others = _without(logits, chosen)\n    top = others.max(axis=0)\n",
            ),
        ),
        tests=("tests/test_attacks_observables.py",),
        only_tests=_SIMILAR,
    ),
    # statistics
    Fault(
        name="ties count as wins",
        changes=(
            (
                "statistics/roc.py",
                "ranks = rankdata(np.concatenate([members, others]))",
                "ranks = rankdata(np.concatenate([members, others]), 'max')",
            ),
        ),
        tests=("tests/test_statistics_roc.py",),
        only_tests=_SIMILAR,
    ),
    Fault(
        name="DeLong's interval at half its width",
        changes=(
            ("statistics/delong.py", "half = _normal(level) * math.sqrt(variance)", "half = 0.5 * _normal(level) * math.sqrt(variance)"),
        ),
        tests=("tests/test_statistics_delong.py",),
        only_tests=_SIMILAR,
    ),
    Fault(
        name="accused at the threshold too",
        changes=(("statistics/proportions.py", "np.sum(members > threshold)", "np.sum(members >= threshold)"),),
        tests=("tests/test_statistics_proportions.py",),
        only_tests=_SIMILAR,
    ),
    Fault(
        name="a one-sided p not doubled",
        changes=(("statistics/nulltest.py", "2 * float(norm.sf(", "float(norm.sf("),),
        tests=("tests/test_statistics_nulltest.py",),
        only_tests=_SIMILAR,
    ),
    Fault(
        name="the panel without its far side",
        changes=(
            ("statistics/panel.py", "np.abs(_means(ranks, panel.counted, coins) - 0.5)", "(_means(ranks, panel.counted, coins) - 0.5)"),
        ),
        tests=(PANEL,),
        only_tests=_SIMILAR,
    ),
    Fault(
        name="test accuracy on the pool",
        changes=(
            (
                "audit/findings/facts.py",
                "share(_predictions(bank.test[design.TARGET]), prepared.examples.test_labels)",
                "share(predictions, labels)",
            ),
        ),
        tests=(JOINED, "tests/test_audit_record.py"),
        only_tests=_SIMILAR,
    ),
    # engine
    Fault(
        name="learning rate a tenth of the recipe's",
        changes=(
            (
                "training/optimizing.py",
                'group["lr"] = filled(training.learning_rate)',
                'group["lr"] = 0.1 * filled(training.learning_rate)',
            ),
        ),
        tests=("tests/test_zoo_training.py",),
        only_tests="all models are trained alike; accuracy falls, and the page prints it",
    ),
    Fault(
        name="losses summed over weights of one",
        changes=(("training/stepping.py", "(each * filled(passage.weights)).sum(dim=1)", "each.mean(dim=1)"),),
        tests=(LOCKSTEP, BATCHES),
        only_tests="padding is trained on in the loss alone, behind the door",
    ),
)
