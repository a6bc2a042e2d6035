"""What a recipe says, in words: worked out from the fields that ran, never from what a file says of itself.

What has words of its own is put into a sentence; every other field that is not as a recipe has it by default is added as
`path = value`, so that no setting goes untold, nor one that does not exist yet.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from mia_audit.recipe import Conversion, Data, Model, Neuron, Recipe
from mia_audit.recipe.conversion import Encryption
from mia_audit.recipe.differing import LOOKING, WORDS, differing, fields, written

TOLD = (
    "data.dataset", "data.pool", "data.population", "data.test",
    "model.architecture", "model.hidden", "model.channels", "model.kernel", "model.padding", "model.layers",
    "model.norm", "model.neuron.surrogate", "model.neuron.surrogate_variant", "model.neuron.surrogate_area", "model.neuron.beta",
    "model.time_steps",
    "model.quantization.weight_bits", "model.quantization.activation_bits", "model.quantization.input_bits",
    "model.quantization.membrane_bits",
    "conversion.balancing", "conversion.images", "conversion.steps", "conversion.synthesis.images", "conversion.encryption.epochs",
    "conversion.encryption.learning_rate",
    "privacy.noise_multiplier", "privacy.secure_noise", "privacy.target_epsilon", "privacy.delta", "privacy.max_grad_norm",
    "privacy.sampling",
    "training.epochs", "training.stop_epoch", "training.batch_size", "training.learning_rate", "training.seed",
)  # fmt: skip
"""Fields that the sentences tell of every recipe; the seed gives the target's members away and is told by the recipe alone."""
AFTER_TRAINING = ("model.quantization.when", "model.quantization.calibration")
"""Fields that they tell where something is quantized after training."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """A recipe in words.

    short  a phrase: neurons, steps, surrogate, bits, and every setting that is out of the ordinary
    lead   sentences: the same, with the network, the data and the training
    slug   for a folder's name: name, data, steps, bits, surrogate
    """

    short: str
    lead: str
    slug: str


def described(recipe: Recipe) -> Described:
    """Return a resolved recipe in words."""
    short = ", ".join(
        [*_kind(recipe.model), _bits(recipe.model), *_norm(recipe.model), *_private(recipe), *_converted(recipe), *_others(recipe)]
    )
    return Described(short=short, lead=f"{short[:1].upper()}{short[1:]}. {_network(recipe.model)} {_trained(recipe)}", slug=_slug(recipe))


def told_apart(recipes: Sequence[Recipe], ignored: Collection[str] = ()) -> tuple[str, ...]:
    """Return a label for each recipe: its name and what it is in words, and the settings that tell it from others of that label.

    ignored  fields that make no difference here (`mia_audit.recipe.differing`)
    """
    labels = [f"{recipe.name} ({described(recipe).short})" for recipe in recipes]
    found = []
    for own, label in zip(recipes, labels, strict=True):
        alike = [recipe for recipe, other in zip(recipes, labels, strict=True) if other == label]
        told = fields(own)
        apart = [f"{path} = {written(told.get(path))}" for path in differing([own, *alike], ignored)]
        found.append(f"{label[:-1]}, {', '.join(apart)})" if apart else label)
    return tuple(found)


def _kind(model: Model) -> list[str]:
    if model.neuron is None:
        return ["ordinary network", *([_steps(model)] * (model.time_steps > 1))]
    return ["spiking network", _steps(model), f"surrogate {_surrogate(model.neuron)}"]


def _steps(model: Model) -> str:
    return f"{model.time_steps} time step{'s' * (model.time_steps != 1)}"


def _surrogate(neuron: Neuron) -> str:
    of = {"textbook": "", "snntorch": " as in snnTorch"}.get(neuron.surrogate_variant, f" ({neuron.surrogate_variant})")
    return f"{neuron.surrogate}{of}" + ("" if neuron.surrogate_area is None else f" at area {neuron.surrogate_area:g}")


def _bits(model: Model) -> str:
    """Say what has fewer than 32 bits, and whether it got them after training."""
    widths = _widths(model)
    few = sorted({width for width in widths.values() if width < 32})
    told = [f"{width}-bit {_and([what for what, own in widths.items() if own == width])}" for width in few]
    calibration = model.quantization.calibration
    calibrated = f", calibrated on {calibration} examples" if calibration is not None else ""
    when = f" quantized after training{calibrated}" if _after_training(model) else ""
    return (_and(told) or "full precision") + when


def _widths(model: Model) -> dict[str, int]:
    bits = model.quantization
    between = "input currents" if model.spiking else "activations"
    return {"weights": bits.weight_bits, between: bits.activation_bits, "inputs": bits.input_bits, "membranes": bits.membrane_bits}


def _after_training(model: Model) -> bool:
    return model.quantization.when == "post-training" and min(_widths(model).values()) < 32


def _and(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1])] * (len(parts) > 1) + parts[-1:])


def _norm(model: Model) -> list[str]:
    return [] if model.norm == "none" else [f"{model.norm.replace('-', ' ')} norm"]


def _private(recipe: Recipe) -> list[str]:
    """Say how a private training is made so."""
    private = recipe.privacy
    if private is None:
        return []
    noise = f"noise {private.noise_multiplier:g}" if private.noise_multiplier is not None else f"epsilon {private.target_epsilon:g}"
    noise += " of the operating system" * private.secure_noise
    sampling = private.sampling.replace("poisson", "Poisson")
    return [f"DP-SGD ({noise}, clipped at {private.max_grad_norm:g}, {sampling} sampling, delta {private.delta:g})"]


def _converted(recipe: Recipe) -> list[str]:
    """Say which stages a converted network went through."""
    asked = recipe.conversion
    if asked is None:
        return []
    on = {"members": "members", "synthetic": "synthetic images", "noise": "images of noise"}[asked.balancing]
    told = [f"converted from an ordinary network (thresholds balanced on {asked.images} {on} over {asked.steps} steps)"]
    hidden = asked.encryption
    if hidden is not None:
        epochs = f"{hidden.epochs} epoch{'s' * (hidden.epochs != 1)}"
        told.append(f"encrypted ({epochs} on {asked.synthesis.images} synthetic images, learning rate {hidden.learning_rate:g})")
    return told


def _others(recipe: Recipe) -> list[str]:
    """Return every other setting that is not as a recipe has it by default."""
    asked = recipe.conversion
    ordinary = asked and Conversion(balancing=asked.balancing, encryption=asked.encryption and Encryption())
    plain = Recipe(name="", summary="", model=Model(neuron=Neuron() if recipe.model.spiking else None), conversion=ordinary)
    usual = fields(plain)
    also = AFTER_TRAINING if _after_training(recipe.model) else ()
    own = fields(recipe, (*WORDS, *LOOKING, *TOLD, *also, *(() if recipe.model.spiking else ("model.activation",))))
    return [f"{path} = {written(value)}" for path, value in own.items() if value != usual.get(path)]


def _network(model: Model) -> str:
    neuron = model.neuron
    if neuron is None:
        cells = {"relu": "ReLU"}.get(model.activation, model.activation)
    else:
        cells = "Integrate-and-fire" if neuron.beta == 1 else f"Leaky (beta {neuron.beta:g}) integrate-and-fire"
    parts = [
        f"channels {written(model.channels)}" if model.channels else "",
        f"kernel {model.kernel}, padding {model.padding}" if model.channels else "",
        f"hidden layers {written(model.hidden)}" if model.hidden else "",
        ", ".join(layer.kind for layer in model.layers or ()),
    ]
    inner = ", ".join(part for part in parts if part)
    return f"{cells} neurons; architecture {model.architecture}{f' ({inner})' if inner else ''}."


def _trained(recipe: Recipe) -> str:
    training = recipe.training
    last = training.epochs if training.stop_epoch is None else training.stop_epoch
    stopped = "" if last == training.epochs else f" of a schedule of {training.epochs}"
    return (
        f"Trained for {last} epoch{'s' * (last != 1)}{stopped}, batches of {training.batch_size}, learning rate "
        f"{training.learning_rate:g}, on {_sizes(recipe.data)}."
    )


def _sizes(data: Data) -> str:
    return f"{_called(data)} (pool of {data.pool}, {data.population} outside it, {data.test} to test on)"


def _called(data: Data) -> str:
    """Return a data set's name: of a path, its last part."""
    return PurePath(data.dataset).name or data.dataset


def _noise(recipe: Recipe) -> list[str]:
    return [] if recipe.privacy is None or recipe.privacy.noise_multiplier is None else [f"sigma{recipe.privacy.noise_multiplier:g}"]


def _slug(recipe: Recipe) -> str:
    model, bits = recipe.model, recipe.model.quantization
    neuron = model.neuron
    widths = [f"{letter}{width}" for letter, width in zip("waim", _widths(model).values(), strict=True) if width < 32]
    of_neuron = []
    if neuron is not None:
        of_neuron = [f"t{model.time_steps}", neuron.surrogate, *([neuron.surrogate_variant] * (neuron.surrogate_variant != "textbook"))]
        of_neuron += [] if neuron.surrogate_area is None else [f"area{neuron.surrogate_area:g}"]
    parts = [
        recipe.name, _called(recipe.data), *of_neuron, "".join(widths) or "fp", *(["ptq"] * (bits.when == "post-training")),
        *_noise(recipe), *([model.norm] * (model.norm != "none")),
    ]  # fmt: skip
    return "-".join(re.sub(r"[^\w.+]+", "-", part).strip("-.") or "x" for part in parts)
