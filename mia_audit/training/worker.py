"""What a worker process does: train one cohort, query it, and write the result to the store."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from mia_audit.data import entrance
from mia_audit.errors import TrainingError
from mia_audit.models.network import Population
from mia_audit.recipe import Recipe
from mia_audit.signals import Signals, query
from mia_audit.training.batches import Batch
from mia_audit.training.calibrating import as_trained, calibrated
from mia_audit.training.lockstep import Cohort, Pool, build, train
from mia_audit.training.material import Material
from mia_audit.training.plan import Task
from mia_audit.training.processor import processor
from mia_audit.training.store import Store, Tensors
from mia_audit.types import Ints


def work(task: Task, material: Material, store: Store, device_name: str, progress: Callable[[float], None]) -> str:
    """Train and query one cohort; return its key, under which the store now holds weights and signals.

    pool/logits, population/logits, test/logits  float32 [K, queries, examples, classes]
    pool/logits@<epoch>                           the same at each of the recipe's checkpoints
    pool/rates                                    float32 [K, layers]
    pool/entered, pool/entered@<epoch>            int64 [queries, K or 1, examples]: fingerprints of what entered the models when asked
    pool/fed                                      int64 [K, steps looked at]: what binds inputs, labels and weights that entered in training
    calibration/entered                           int64 [examples]: fingerprints of what quantizers were calibrated on
    pool/trained_on                               bool [K, examples]: what was in a model's batches
    weights/<parameter>                           [K, ...], in a file of their own

    TrainingError where this is another kind of processor than the key says.
    """
    _require_processor(task, device_name)
    torch.set_num_threads(1)  # barrier spinning of two OpenMP threads cost up to 100 times on a busy machine
    torch.set_flush_denormal(True)  # leaking membranes decay into denormals, which are slow
    try:
        return _work(task, material, store, torch.device(device_name), progress)
    finally:
        torch.set_flush_denormal(False)  # a single cohort is trained in the parent, whose statistics must not depend on that


def _work(task: Task, material: Material, store: Store, device: torch.device, progress: Callable[[float], None]) -> str:
    recipe = material.recipe
    pool = Pool(inputs=material.pool_inputs, labels=material.pool_labels, classes=material.classes)
    kept: Tensors = {}
    fed = list[Ints]()
    seen: Tensors = {"pool/trained_on": np.zeros_like(task.rows)}

    def finished(trained: Population) -> Population:
        if recipe.model.quantization.when == "training":
            return trained
        blank = build(recipe, task.indices, pool)
        with entrance.watched(blank) as looks:
            ready = calibrated(blank, trained, recipe, material.calibration_inputs, device)
        seen["calibration/entered"] = torch.cat([one.prints[0] for one in looks]).cpu().numpy()
        return ready

    def keep(epoch: int, population: Population) -> None:
        answers = query(finished(population), material.pool_inputs, recipe)
        kept[f"pool/logits@{epoch}"] = answers.logits.astype(np.float32)
        seen[f"pool/entered@{epoch}"] = answers.entered

    def note(batch: Batch, entered: Tensor | None) -> None:
        model, place = np.nonzero(batch.weights)
        seen["pool/trained_on"][model, batch.positions[model, place]] = True
        if entered is not None:
            fed.append(entered.cpu().numpy())

    cohort = Cohort(indices=task.indices, rows=task.rows)
    population = finished(train(as_trained(recipe), cohort, pool, device, progress, keep, note))
    _check(kept, task.indices)
    answers = answered(population, material, task.indices)
    store.save(task.key, {**answers, **kept, **seen, "pool/fed": np.stack(fed, axis=1)}, about=told(recipe, task.indices))
    return task.key


def answered(population: Population, material: Material, indices: tuple[int, ...]) -> Tensors:
    """Return a cohort's logits, rates, fingerprints and weights, as the store holds them; TrainingError where answers are not finite."""
    answers = _answers(population, material)
    signals = _signals(answers)
    _check(signals, indices)
    return {**signals, "pool/entered": answers["pool"].entered, **_weights(population)}


def told(recipe: Recipe, indices: tuple[int, ...]) -> dict[str, str]:
    """Return what a file of the store says of itself."""
    return {"target": recipe.name, "dataset": recipe.data.dataset, "models": f"{indices[0]} to {indices[-1]}"}


def _require_processor(task: Task, device_name: str) -> None:
    """Refuse to train on another kind of processor than the one that is part of the key: its models would be others."""
    here = processor(device_name)
    if here != task.processor:
        raise TrainingError(
            f"a worker needs the processor that the audit was planned on, {task.processor}, got {here}; give it machines of one kind"
        )


def _check(signals: Tensors, indices: tuple[int, ...]) -> None:
    """Refuse answers that are not finite: the last step of training can still blow a model up."""
    for number, index in enumerate(indices):
        if not all(np.isfinite(values[number]).all() for values in signals.values()):
            raise TrainingError(
                f"model {index} needs finite logits, got NaN or infinity after the last epoch; lower training.learning_rate "
                f"(cohorts that finished are kept in the store)"
            )


def _answers(population: Population, material: Material) -> dict[str, Signals]:
    places = {"pool": material.pool_inputs, "population": material.population_inputs, "test": material.test_inputs}
    return {place: query(population, inputs, material.recipe) for place, inputs in places.items() if len(inputs)}


def _signals(answers: dict[str, Signals]) -> Tensors:
    logits = {f"{place}/logits": signals.logits.astype(np.float32) for place, signals in answers.items()}
    return {**logits, "pool/rates": answers["pool"].rates.astype(np.float32)}


def _weights(population: Population) -> Tensors:
    return {f"weights/{name}": value.detach().cpu().numpy() for name, value in population.state_dict().items()}
