"""What a worker does: take one cohort's teachers through every stage of the recipe, ask what comes out, and store all of it.

<key of "synthesis">   images uint8 [K, N, H, W, C], labels [K, N], agreement [K], iterations [K]
<key of "conversion">  thresholds [K, layers], balanced_on bool [K, pool], accuracy [K] and spikes [K, layers] after the recipe's steps, on
                       some examples of the pool; the converted networks' weights in a file of their own
<key of "answers">     what a trained cohort has there (`training.worker`), its weights too; of encrypted networks also moved [K, layers]
"""

from dataclasses import dataclass, replace

import numpy as np
import torch

from mia_audit.conversion import images, timing
from mia_audit.conversion.balancing import Balancing, balance
from mia_audit.conversion.encryption import Lesson, encrypt
from mia_audit.conversion.folding import Weights, build, build_plain, folded, select
from mia_audit.conversion.job import Job, Place
from mia_audit.conversion.learnt import require_learnt, require_steps
from mia_audit.conversion.stages import converted, stage_key
from mia_audit.conversion.synthesis import Synthetic, synthesise
from mia_audit.models.encoding import direct
from mia_audit.models.network import Population
from mia_audit.probes import reviving
from mia_audit.recipe import filled
from mia_audit.streams import stream_seed
from mia_audit.training.store import WEIGHTS, Tensors
from mia_audit.training.worker import answered, told
from mia_audit.types import Floats

TRIED = 500
"""Examples of the pool by which it is judged whether there are steps enough."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """One job where it is done; teachers as ordinary networks of their weights [K, ...], without norms."""

    job: Job
    place: Place
    weights: list[Weights]
    teacher: Population

    def key(self, stage: str) -> str:
        """Return a stage's key."""
        return stage_key(self.place.material.recipe, self.job.teacher, self.job.task.indices, stage)

    def save(self, stage: str, tensors: Tensors) -> None:
        """Store what a stage gives."""
        about = told(self.place.material.recipe, self.job.task.indices)
        self.place.store.save(self.key(stage), tensors, about={**about, **({} if stage == "answers" else {"signal": stage})})


def teachers(job: Job, place: Place) -> Tensors:
    """Return the weights of a job's teachers out of the store; they are trained again where it has none."""
    given = replace(place.material, recipe=place.material.recipe.teacher)
    return reviving.weights(job.teacher, given, place.store, place.device)


def work(job: Job, place: Place, held: Tensors) -> None:
    """Convert one cohort of teachers with these weights and store its answers; stages that the store holds are not gone through again."""
    here = _begun(job, place, held)
    recipe, made = place.material.recipe, None
    conversion = filled(recipe.conversion)
    if conversion.synthetic:
        made = _synthesised(here)
    population, facts = _converted(here, made)
    if conversion.encryption is not None and made is not None:
        facts["moved"] = _encrypted(here, population, made)
    given = replace(place.material, recipe=converted(recipe))
    extra = {f"conversion/{name}": value for name, value in facts.items()}
    here.save("answers", {**answered(population, given, job.task.indices), **extra})


def _begun(job: Job, place: Place, held: Tensors) -> Work:
    """Bring teachers to life; one that has learnt nothing is refused before anything is made of it."""
    given = replace(place.material, recipe=place.material.recipe.teacher)
    population = reviving.revived(job.teacher, given, held, place.device).population
    weights = select(folded(population), job.places)
    teacher = build_plain(place.material.recipe, given.shape, given.classes, weights)
    require_learnt(teacher, given, job.task.indices)
    return Work(job=job, place=place, weights=weights, teacher=teacher)


def _synthesised(here: Work) -> Synthetic:
    """Make images, or take them out of the store: eight bits a pixel, which is what everything after it sees either way."""
    recipe, indices = here.place.material.recipe, here.job.task.indices
    found = here.place.store.load(here.key("synthesis"))
    if found is None:
        made = synthesise(here.teacher, filled(recipe.conversion).synthesis, here.place.material.shape, indices, recipe.training.seed)
        found = {
            "images": (made.images * 255).round().to(torch.uint8).cpu().numpy(),
            "labels": made.labels.cpu().numpy(),
            "agreement": made.agreement.cpu().numpy(),
            "iterations": made.iterations.cpu().numpy(),
        }
        here.save("synthesis", found)
    device = here.place.device
    return Synthetic(
        images=torch.from_numpy(found["images"]).to(device).float() / 255,
        labels=torch.from_numpy(found["labels"]).to(device),
        agreement=torch.from_numpy(found["agreement"]),
        iterations=torch.from_numpy(found["iterations"]),
    )


def _converted(here: Work, made: Synthetic | None) -> tuple[Population, Tensors]:
    """Return the converted networks and what is told of them."""
    given, indices = here.place.material, here.job.task.indices
    key, population = here.key("conversion"), build(given.recipe, given.shape, given.classes, len(indices)).to(here.place.device)
    facts, weights = here.place.store.load(key), here.place.store.weights(key)
    if facts is None or weights is None:
        facts, weights = _balanced(here, made)
        here.save("conversion", {**facts, **{f"{WEIGHTS}{name}": value for name, value in weights.items()}})
    population.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    facts = {**facts, **_tried(here, population)}
    if made is not None:
        facts |= {"agreement": made.agreement.numpy(), "iterations": made.iterations.numpy()}
    return population, facts


def _balanced(here: Work, made: Synthetic | None) -> tuple[Tensors, Tensors]:
    """Return thresholds with the images that they were set by, and the weights that they are folded into."""
    given, indices = here.place.material, here.job.task.indices
    conversion, seed, rows = filled(given.recipe.conversion), given.recipe.training.seed, here.job.task.rows
    if conversion.balancing == "members":
        chosen = images.members(conversion, given.pool_inputs, rows, indices, seed)
    elif conversion.balancing == "noise":
        chosen = images.noise(conversion, given.shape, rows, indices, seed)
    else:
        chosen = images.synthetic(conversion, filled(made).images.cpu().numpy(), rows, indices, seed)
    population = build(given.recipe, given.shape, given.classes, len(indices), steps=conversion.steps).to(here.place.device)
    device = population.device
    by = Balancing(
        images=torch.from_numpy(chosen.images).to(device),
        percentile=conversion.percentile,
        model=given.recipe.model.model_copy(update={"time_steps": conversion.steps}),
        generators=lambda: [torch.Generator(device).manual_seed(stream_seed(seed, "balancing code", index)) for index in indices],
        indices=indices,
    )
    thresholds = balance(population, here.weights, by)
    weights = {name: value.cpu().numpy() for name, value in population.state_dict().items()}
    return {"thresholds": thresholds.cpu().numpy(), "balanced_on": chosen.of_pool}, weights


def _tried(here: Work, population: Population) -> Tensors:
    """Return accuracies [K] and spikes [K, layers] after the recipe's steps; refuse steps that are too few."""
    given = here.place.material
    inputs, labels = given.pool_inputs[:TRIED], given.pool_labels[:TRIED]
    seed = stream_seed(given.recipe.training.seed, "tried code")
    found = timing.over_time(population, inputs, given.recipe.model, seed)
    reached = timing.accuracies(found.logits, labels)[:, -1]
    require_steps(reached, given, population, here.job.task.indices, (inputs, labels, seed))
    return {"accuracy": reached.cpu().numpy(), "spikes": found.spikes[:, :, -1].cpu().numpy()}


@torch.no_grad()
def _answers(teacher: Population, shown: torch.Tensor) -> torch.Tensor:
    """Return logits [K, N, classes] of images [K, N, ...], a few at a time."""
    return torch.cat([teacher.logits(direct(part)) for part in shown.split(100, dim=1)], dim=1)


def _encrypted(here: Work, population: Population, made: Synthetic) -> Floats:
    recipe, indices = here.place.material.recipe, here.job.task.indices
    how = filled(filled(recipe.conversion).encryption)
    taught = _answers(here.teacher, made.images)
    lesson = Lesson(images=made.images, labels=made.labels, teacher=taught, indices=indices, seed=recipe.training.seed)
    moved = encrypt(population, lesson, how, recipe.model)
    return np.asarray(moved.cpu().numpy(), dtype=np.float32)
