"""Networks that a library builds by name, the library being the user's own: timm, torchvision, or a folder of transformers.

Nothing is fetched: the library builds an untrained network, and the weights come from the file that was named. A folder of transformers
that brings code of its own (`auto_map`) is refused, and so are weights in a pickle.
"""

import json
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mia_audit.errors import DataError, RecipeError
from mia_audit.external.files import reason, regular, told

LIBRARIES = ("timm", "torchvision")
FOLDER = "transformers"
_FETCHING = re.compile(r"pretrained|checkpoint|weights|path|file|url|cfg|config|cache", re.IGNORECASE)
"""Arguments that would have a library fetch or read what nobody looked at."""


def is_named(model: str) -> bool:
    """Say whether a recipe's model is a library's, by name."""
    return model == FOLDER or model.partition(":")[0] in LIBRARIES


def build(model: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Return the untrained network that timm or torchvision build by this name."""
    library, _, name = model.partition(":")
    fetching = next((key for key in arguments if _FETCHING.search(key)), None)
    if fetching is not None:
        raise RecipeError(f"model {told(model)} takes no argument {told(fetching)!r}: its weights come from the file; leave it out")
    made: Any
    try:
        if library == "timm":
            made = _library("timm").create_model(name, pretrained=False, **arguments)
        else:
            made = _library("torchvision.models").get_model(name, weights=None, **arguments)
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise RecipeError(
            f"model {told(model)} could not be built, got {reason(error)}; correct its name, or give --argument KEY=VALUE"
        ) from error
    if not isinstance(made, nn.Module):
        raise RecipeError(f"model {told(model)} needs to be a torch module, got {type(made).__name__}; name another")
    return made


def from_folder(folder: Path) -> tuple[Callable[[Any], Any], tuple[str, ...]]:
    """Return the network in a folder of transformers (config.json, model.safetensors), and notes."""
    name, config = told(folder.name), _config(folder / "config.json")
    kind = next(iter(config.get("architectures") or ()), "")
    if not isinstance(kind, str) or not kind.endswith("Classification"):
        raise DataError(f"{name}: config.json needs an architecture for classification, got {told(str(kind)) or 'none'}; give a classifier")
    if "auto_map" in config:
        raise DataError(f"{name}: config.json names code of its own (auto_map), which is not run; build the network with --model FILE:NAME")
    if not any(folder.glob("*.safetensors")):
        raise DataError(
            f"{name}: needs weights in .safetensors, got none; save it with model.save_pretrained(folder, safe_serialization=True)"
        )
    library = _library(FOLDER)
    try:
        made, told_of = getattr(library, kind).from_pretrained(
            folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, output_loading_info=True
        )
    except Exception as error:  # of many kinds
        raise DataError(f"{name}: could not be read by transformers, got {reason(error)}; save it anew with save_pretrained") from error
    lost = [str(each) for part in ("missing_keys", "unexpected_keys", "mismatched_keys") for each in told_of.get(part) or ()]
    if lost:
        raise DataError(f"{name}: needs weights for all of the network and no others, got {len(lost)} that do not fit ({told(lost[0])})")
    made.eval()
    count = sum(each.numel() for each in made.parameters())
    change, said = _prepared(folder / "preprocessor_config.json")
    return lambda batch: made(change(batch)).logits, (f"{kind} with {count} parameters from {name}.", *said)


def _prepared(path: Path) -> tuple[Callable[[torch.Tensor], torch.Tensor], tuple[str, ...]]:
    """Return how the folder says that pictures from 0 to 1 are prepared: less a mean, by a deviation. Sizes are left as they are."""
    content = _config(path) if path.is_file() else {}
    mean, deviation = content.get("image_mean"), content.get("image_std")
    if not content.get("do_normalize") or not isinstance(mean, list) or not isinstance(deviation, list) or len(mean) != len(deviation):
        return lambda batch: batch, ()
    shift, scale = (torch.tensor(each, dtype=torch.float32).reshape(-1, 1, 1) for each in (mean, deviation))
    said = f"Pictures are standardised as preprocessor_config.json says (mean {mean}, deviation {deviation}), and not resized."
    return lambda batch: (batch - shift) / scale, (said,)


def _config(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(regular(path, "a configuration").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{told(path.name)}: needs to be a configuration in JSON, got {reason(error)}; save it anew") from error
    if not isinstance(content, dict):
        raise DataError(f"{told(path.name)}: needs to be a configuration in JSON, got {type(content).__name__}; save it anew")
    return content


def _library(module: str) -> Any:
    package = module.partition(".")[0]
    try:
        return import_module(module)
    except ImportError as absent:
        raise RecipeError(f"a network of {package} needs {package} of your own, which is not installed; pip install {package}") from absent
