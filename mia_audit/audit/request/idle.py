"""Settings that would do nothing: whoever writes one believes that it does something, so an audit that ignored it would be another one.

What belongs to the network is tried out: a field is idle where its architecture gives the very same layers with another value of it.
A recipe that says both `channels` and `hidden` is meant for images and tables alike, and each of them reads its own. All else follows
from the field that it depends on. A value that a recipe has anyway (the default, or what the data set fills in) is none
that anybody asked for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mia_audit.data.profiles import Profile
from mia_audit.errors import AuditError, RecipeError
from mia_audit.models.architectures import layers
from mia_audit.recipe import Model, Recipe

_OTHER: dict[str, Callable[[Any], Any]] = {
    "hidden": lambda hidden: (*(hidden or ()), 1),
    "channels": lambda channels: (*(channels or ()), 1),
    "kernel": lambda kernel: (kernel or 0) + 1,
    "padding": lambda padding: (padding or 0) + 1,
    "width": lambda width: width / 2,
    "norm": lambda norm: "batch" if norm == "group" else "group",
    "groups": lambda groups: groups + 1,
    "dropout": lambda dropout: (dropout + 1) / 2,
}
"""For each field of the network that not every architecture reads: another value than this one."""


_EITHER = ("channels", "hidden", "kernel", "padding")


@dataclass(frozen=True, kw_only=True)
class Dependent:
    """A setting that does something only in some recipes; `way_out` ends the sentence that tells to leave it out."""

    table: str
    fields: tuple[str, ...]
    used: Callable[[Recipe], bool]
    way_out: str


DEPENDENT = (
    Dependent(
        table="audit",
        fields=("shadow_stage",),
        used=lambda r: r.conversion is not None,
        way_out=", or use a converted target such as converted-snn",
    ),
    Dependent(
        table="data",
        fields=("crop_padding",),
        used=lambda r: "crop" in r.data.augment,
        way_out=", or use --set 'data.augment=[\"crop\"]' too",
    ),
    Dependent(
        table="model", fields=("activation",), used=lambda r: not r.model.spiking, way_out=": it is for an ANN, the neurons here spike"
    ),
    Dependent(table="model", fields=("readout",), used=lambda r: r.model.spiking, way_out=", or use a spiking target such as snn"),
    Dependent(
        table="model.quantization",
        fields=("granularity", "first_layer", "last_layer"),
        used=lambda r: min(r.model.quantization.weight_bits, *r.audit.releases, 32) < 32,
        way_out=", or use --set model.quantization.weight_bits=8 too",
    ),
    Dependent(
        table="model.quantization",
        fields=("membrane_limits",),
        used=lambda r: r.model.quantization.membrane_bits < 32,
        way_out=", or use --set model.quantization.membrane_bits=8 too",
    ),
    Dependent(
        table="model.quantization", fields=("calibration",), used=lambda r: r.quantized_later, way_out=", or use --ptq or audit.releases"
    ),
    Dependent(
        table="training",
        fields=("momentum",),
        used=lambda r: r.training.optimizer == "sgd",
        way_out=", or use --set training.optimizer=sgd too",
    ),
    Dependent(
        table="training",
        fields=("milestones", "decay"),
        used=lambda r: r.training.schedule == "steps",
        way_out=", or use --set training.schedule=steps too",
    ),
    Dependent(
        table="audit",
        fields=("claimed_delta",),
        used=lambda r: r.audit.claimed_epsilon is not None and r.audit.claimed_mu is None,
        way_out=", or use --set audit.claimed_epsilon=... too",
    ),
    Dependent(
        table="audit",
        fields=("claimed_epsilon",),
        used=lambda r: r.audit.claimed_mu is None,
        way_out=": the claim is audit.claimed_mu",
    ),
)


def check_idle(recipe: Recipe, dataset: Profile) -> None:
    """Raise a RecipeError that names the first setting of a resolved recipe that does nothing in it."""
    for path, value, why in (*_in_network(recipe.model, dataset), *_elsewhere(recipe)):
        raise RecipeError(f"{path} = {_written(value)} does nothing in {recipe.name}; leave it out{why}")


def _in_network(model: Model, dataset: Profile) -> Iterator[tuple[str, Any, str]]:
    stack = layers(model, dataset.classes)
    for name, other in _OTHER.items():
        value = getattr(model, name)
        given_anyway = (Model.model_fields[name].default, getattr(dataset, name, None))
        if value in given_anyway or (name in _EITHER and _for_either(model, dataset)):
            continue
        try:
            idle = layers(model.model_copy(update={name: other(value)}), dataset.classes) == stack
        except AuditError:
            idle = False
        if idle:
            yield f"model.{name}", value, f": architecture {model.architecture} does not read it"


def _for_either(model: Model, dataset: Profile) -> bool:
    """Whether a recipe describes a network for images and another for tables, of which the data set chooses."""
    given = [getattr(model, name) not in {None, getattr(dataset, name)} for name in ("channels", "hidden")]
    return model.architecture in {"conv", "mlp"} and all(given)


def _elsewhere(recipe: Recipe) -> Iterator[tuple[str, Any, str]]:
    for each in DEPENDENT:
        section: Any = recipe
        for step in each.table.split("."):
            section = getattr(section, step)
        for name in each.fields:
            value = getattr(section, name)
            if value != type(section).model_fields[name].default and not each.used(recipe):
                yield f"{each.table}.{name}", value, each.way_out


def _written(value: Any) -> str:
    return str(list(value)) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
