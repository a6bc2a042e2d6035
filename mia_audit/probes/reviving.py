"""A trained cohort out of the store, as it was when it was stored."""

import torch

from mia_audit.errors import StoreError
from mia_audit.models.network import Population
from mia_audit.probes.subject import Subject
from mia_audit.recipe import filled
from mia_audit.training.lockstep import KINDS
from mia_audit.training.material import Material
from mia_audit.training.plan import Task
from mia_audit.training.store import Store, Tensors
from mia_audit.training.worker import work


def weights(task: Task, material: Material, store: Store, device: str) -> Tensors:
    """Return a cohort's weights out of the store; its models are trained again, which gives the same ones, where it has none."""
    found = store.weights(task.key)
    if found is None and material.recipe.privacy is not None and material.recipe.privacy.secure_noise:
        raise StoreError(
            f"weights that were trained with privacy.secure_noise need their file, got none at {store.weights_path(task.key)}: nobody can "
            f"train the same models again; clear the store of this recipe, so that all are trained anew"
        )
    if found is None:
        work(task, material, store, device, lambda _: None)
        found = store.weights(task.key)
    if found is None:
        raise StoreError(f"{store.weights_path(task.key)} is gone as soon as it is written; give another folder with --store")
    return found


def revived(task: Task, material: Material, cohort: Tensors, device: str) -> Subject:
    """Return a cohort's models with these weights."""
    place = torch.device(device)

    def rebuild(steps: int) -> Population:
        return _population(cohort, len(task.indices), material, steps).to(place)

    recipe = material.recipe
    return Subject(
        respondent=rebuild(recipe.model.time_steps),
        model=recipe.model,
        inputs=material.pool_inputs,
        labels=material.pool_labels,
        pool=min(filled(recipe.data.pool), len(material.pool_labels)),
        seed=recipe.training.seed,
        rebuild=rebuild,
    )


def _population(cohort: Tensors, models: int, material: Material, steps: int) -> Population:
    recipe, generators = material.recipe, [torch.Generator().manual_seed(0) for _ in range(models)]
    model = recipe.model.model_copy(update={"time_steps": steps})
    population = Population(model, material.shape, material.classes, generators, KINDS[recipe.training.precision])
    population.load_state_dict({name: torch.from_numpy(value) for name, value in cohort.items()})
    return population.eval().requires_grad_(requires_grad=False)
