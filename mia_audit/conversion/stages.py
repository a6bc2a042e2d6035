"""The recipes of a converted network, and the keys of its stages in the store. No torch: the parent process plans without it.

teacher     what is trained (`recipe.teacher`); its cohorts are those of an audit of the teacher itself
converted   what answers: the recipe's own network, spelled out layer by layer, without dropout and with batch norm folded into weights

Every stage's key holds that of the teacher's cohort, so that whatever made the teacher makes its successors too.
"""

from mia_audit.data.profiles import profile
from mia_audit.models import architectures
from mia_audit.recipe import Model, Recipe, filled
from mia_audit.recipe.differing import fields
from mia_audit.recipe.layers import Conv, Dropout, Layer, Linear, Norm
from mia_audit.training.plan import Task, task
from mia_audit.training.store import key_of

VERSION = "1"
"""Raised whenever a change of the conversion changes a converted model."""


def converted(recipe: Recipe) -> Recipe:
    """Return the recipe by which a converted network is built: in float32, whatever the teacher was trained in."""
    return recipe.model_copy(
        update={
            "model": spelled_out(recipe.model, profile(recipe.data.dataset).classes),
            "training": recipe.training.model_copy(update={"precision": "fp32"}),
        }
    )


def spelled_out(model: Model, classes: int) -> Model:
    """Return a network layer by layer, without dropout and norms; a layer in front of a norm has a bias in its place."""
    *hidden, last = architectures.layers(model, classes)
    kept: list[Layer] = []
    for layer in hidden:
        if isinstance(layer, Norm) and (layer.over or model.norm) != "none":
            before = kept[-1]
            assert isinstance(before, Conv | Linear), "rules.py refuses others"  # noqa: S101
            kept[-1] = before.model_copy(update={"bias": True})
        elif not isinstance(layer, Norm | Dropout):
            kept.append(layer)
    assert isinstance(last, Linear), "the last layer gives the logits"  # noqa: S101
    usual = {name: Model.model_fields[name].default for name in ("hidden", "channels", "kernel", "padding", "width", "norm", "dropout")}
    return model.model_copy(update={**usual, "architecture": "layers", "layers": tuple(kept), "output_bias": last.bias})


def staged(recipe: Recipe, teacher: Task, indices: tuple[int, ...]) -> Task:
    """Return the task of these models of a teacher's cohort at the recipe's last stage."""
    places = [teacher.indices.index(index) for index in indices]
    return task(indices, teacher.rows[places], stage_key(recipe, teacher, indices, "answers"), teacher.processor)


def stage_key(recipe: Recipe, teacher: Task, indices: tuple[int, ...], stage: str) -> str:
    """Return the store's key of a stage: "synthesis" holds images, "conversion" weights, "answers" weights and answers of the last one."""
    conversion = filled(recipe.conversion)
    told = {"teacher": teacher.key, "models": indices, "stage": stage, "version": VERSION}
    made = {"synthesis": fields(conversion.synthesis)}
    if stage == "synthesis":
        return key_of({**told, **made})
    own = {name: getattr(conversion, name) for name in ("balancing", "images", "steps", "percentile")}
    network = {"neuron": fields(filled(recipe.model.neuron)), "encoding": recipe.model.encoding}
    folded = {**told, "balancing": own, "network": network, **(made if conversion.balancing == "synthetic" else {})}
    if stage == "conversion":
        return key_of(folded)
    hidden = {"encryption": fields(conversion.encryption), **made} if conversion.encryption else {}
    return key_of({**folded, **hidden, "steps": recipe.model.time_steps})
