"""A recipe of a target that somebody else trained: where its weights are, which code builds it, and who its members are."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from mia_audit.catalogue import checked, read_toml
from mia_audit.errors import RecipeError
from mia_audit.paths import Place, expanded
from mia_audit.recipe.section import Section
from mia_audit.recipe.writing import toml

SELF_CONTAINED = (".onnx", ".skops", ".nir", ".pt2", ".pt", ".ts", ".torchscript")
"""Files that need no code beside them; a .pt only where it is TorchScript."""
_REFUSED_LATER = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle", ".sav")
"""Files that are refused with what they would import, once they are looked at."""
Share = Annotated[float, Field(ge=0, le=1)]


class External(Section):
    """The target.

    checkpoint  file of weights, beside the recipe; none where the function brings its own
    endpoint    in its stead, where the network is served: "http://localhost:8000/predict"
    model       "file:name" of code beside the recipe: what builds the module, or a function that returns x -> scores; "timm:NAME",
                "torchvision:NAME", "transformers"; none for files that need no code (SELF_CONTAINED)
    arguments   what it is called with
    output      which part of what the module returns are the scores, "1.mean(0)", and what they are: "logits", "probabilities", "labels"
    train       "file:name" of train(indices, seed) -> module or function; without it no shadow models
    key         which of several models in the file, "ema.state_dict"
    drop        keys of states in the file that are no weights, such as membranes; "*" stands for anything
    accuracy    what its owner measured on examples like the non-members
    probe       .npz of 16 inputs x and the logits that its owner's network gives, from `output`
    steps, dt, reset  of a .nir: how many steps of how many seconds, and what a neuron does behind a spike
    queries     how many examples an endpoint may be asked about in all; rate: requests a second at most; tries: of one request;
                token: the environment variable whose value is sent as "Authorization: Bearer"
    """

    checkpoint: str = ""
    endpoint: str = Field(default="", pattern=r"^(https?://\S+)?$")
    model: str = Field(default="", pattern=r"^(transformers|[A-Za-z_][\w/.-]*:[A-Za-z_][\w.-]*)?$")
    arguments: dict[str, Any] = Field(default_factory=dict)
    output: str = ""
    train: str = Field(default="", pattern=r"^([A-Za-z_][\w/.-]*:[A-Za-z_]\w*)?$")
    key: str = ""
    drop: tuple[str, ...] = ()
    accuracy: Share | None = None
    probe: str = ""
    batch: Annotated[int, Field(ge=1)] = 256
    seconds: Annotated[float, Field(gt=0)] = 120.0
    steps: Annotated[int, Field(ge=1, le=10_000)] | None = None
    dt: Annotated[float, Field(gt=0, lt=1e6, allow_inf_nan=False)] | None = None
    reset: Literal["", "subtract", "zero", "subtract-next", "zero-next"] = ""
    queries: Annotated[int, Field(ge=1)] | None = None
    rate: Annotated[float, Field(gt=0)] | None = None
    tries: Annotated[int, Field(ge=1, le=20)] = 5
    token: str = Field(default="", pattern=r"^([A-Za-z_]\w*)?$")


class Owned(Section):
    """Its data: positions count the training part as stored, from 0, and go on in the test part.

    members, nonmembers  files of positions, beside the recipe; "train" and "test" for whole parts, "rest" for all others
    """

    dataset: str = Field(min_length=1)
    members: str = Field(min_length=1)
    nonmembers: str = Field(min_length=1)


class ExternalRecipe(Section):
    """The whole recipe."""

    name: str = Field(default="external", pattern=r"^[A-Za-z0-9][\w.-]*$")
    external: External
    data: Owned


def is_external(target: Any) -> bool:
    """Say whether a target is a recipe file with a table [external]; what cannot be read is left to who reads it."""
    if not isinstance(target, str | Path) or not str(target).endswith(".toml"):
        return False
    path = expanded(target, "--target")
    try:
        return path.is_file() and "external" in read_toml(path)
    except RecipeError:
        return False


def load(target: Place) -> tuple[ExternalRecipe, Path]:
    """Return a recipe and the folder that its paths are beside; RecipeError says what is wrong with it."""
    path = expanded(target, "--target")
    found = checked(ExternalRecipe, read_toml(path), path.name)
    require_model(found.external, path.name)
    return found, path.parent


def require_model(external: External, name: str) -> None:
    """Refuse a recipe that names neither code nor a file that needs none, nor who serves the network."""
    if external.endpoint and (external.checkpoint or external.model):
        raise RecipeError(f"{name}: [external] needs an endpoint or a network of its own, got both; leave one out")
    if not external.model and not external.endpoint and not external.checkpoint.lower().endswith(SELF_CONTAINED + _REFUSED_LATER):
        what = f"model = 'file:name', the code that builds the network, or a checkpoint that needs none ({', '.join(SELF_CONTAINED)})"
        raise RecipeError(f"{name}: [external] needs {what}, got neither; name one")


def text(recipe: ExternalRecipe) -> str:
    """Return a recipe as TOML; what is as by default is left out."""
    table = recipe.external
    fields = External.model_fields.items()
    plain = {key for key, field in fields if getattr(table, key) == field.get_default(call_default_factory=True)}
    return toml(recipe, {"external": plain})
