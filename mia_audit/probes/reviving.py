"""A trained cohort out of the store, as it was when it was stored."""

import torch

from mia_audit.errors import StoreError
from mia_audit.models.network import Population
from mia_audit.probes.subject import Subject
from mia_audit.recipe import settled
from mia_audit.training.lockstep import KINDS
from mia_audit.training.material import Material
from mia_audit.training.plan import Task
from mia_audit.training.store import Store, Tensors

_WEIGHTS = "weights/"


def revived(task: Task, material: Material, store: Store, device: str) -> Subject:
    """Return a cohort's models with the weights that the store holds; StoreError when it holds none."""
    cohort = store.load(task.key)
    if cohort is None:
        raise StoreError(f"{store.path(task.key)} is gone or damaged; the same command trains its models again")
    place = torch.device(device)

    def rebuild(steps: int) -> Population:
        return _population(cohort, len(task.indices), material, steps).to(place)

    recipe = material.recipe
    return Subject(
        population=rebuild(recipe.model.time_steps),
        models=len(task.indices),
        model=recipe.model,
        inputs=material.pool_inputs,
        labels=material.pool_labels,
        pool=min(settled(recipe.data.pool), len(material.pool_labels)),
        seed=recipe.training.seed,
        device=place,
        rebuild=rebuild,
    )


def _population(cohort: Tensors, models: int, material: Material, steps: int) -> Population:
    recipe, generators = material.recipe, [torch.Generator().manual_seed(0) for _ in range(models)]
    model = recipe.model.model_copy(update={"time_steps": steps})
    population = Population(model, material.shape, material.classes, generators, KINDS[recipe.training.precision])
    weights = {name.removeprefix(_WEIGHTS): torch.from_numpy(value) for name, value in cohort.items() if name.startswith(_WEIGHTS)}
    population.load_state_dict(weights)
    return population.eval().requires_grad_(requires_grad=False)
