"""What answers for a recipe's target: the file by its kind, the code or the library that builds it, and notes of what was done."""

from pathlib import Path
from typing import Any

from torch import nn

from mia_audit.errors import RecipeError
from mia_audit.external import checkpoint, code, estimators, fitting, named, nir_file, onnx_file, program, skops_file, unsaid
from mia_audit.external.files import reason, told
from mia_audit.external.recipe import External

Built = tuple[Any, tuple[str, ...]]


def built(external: External, folder: Path) -> Built:
    """Return the network that a recipe names, with its weights, and notes."""
    file = folder / external.checkpoint if external.checkpoint else None
    if external.endpoint:
        return None, ()
    if external.model == named.FOLDER and file is not None:
        return named.from_folder(file)
    if file is not None and not external.model:
        return _alone(external, file)
    if named.is_named(external.model):
        return _weighted(external, file, named.build(external.model, external.arguments) if file is not None else None)
    made = code.named(external.model, folder)
    groups = None if file is None else checkpoint.read(file)  # before any of it is run
    try:
        network = made(**external.arguments)
    except TypeError as error:
        raise RecipeError(f"model {external.model} could not be built, got {reason(error)}; give arguments = {{...}}") from error
    if groups is None:
        return answering(network), ()
    return _weighted(external, file, network, groups)


def answering(network: Any) -> Any:
    """Return what was built as something that can be called: an estimator of scikit-learn is asked for its probabilities."""
    return estimators.asking(network, type(network).__name__) if not callable(network) and estimators.is_estimator(network) else network


def _alone(external: External, file: Path) -> Built:
    """Return the network of a file that needs no code."""
    suffix = file.suffix.lower()
    if suffix == ".onnx":
        return onnx_file.network(file)
    if suffix == ".skops":
        return skops_file.network(file)
    if suffix == ".nir":
        return nir_file.network(file, external)
    if suffix in checkpoint.PICKLES:
        checkpoint.refuse_pickle(file)
    if program.is_program(file):
        return program.network(file)
    raise RecipeError(f"{told(file.name)}: weights need the code that builds their network; give model = 'file:name', or --model")


def _weighted(external: External, file: Path | None, network: Any, groups: dict[str, checkpoint.Weights] | None = None) -> Built:
    """Return a module with the weights of a file in it."""
    if file is None:
        raise RecipeError(f"model {external.model} needs weights, got none; give checkpoint = ..., or --weights FILE")
    if not isinstance(network, nn.Module):
        got = type(network).__name__
        raise RecipeError(f"model {external.model} needs to build a torch module for its weights, got {got}; leave checkpoint out")
    found = checkpoint.read(file) if groups is None else groups
    notes = fitting.fitted(told(file.name), found, network, key=external.key, drop=external.drop)
    count = sum(each.numel() for each in network.parameters())
    return network, (f"{type(network).__name__} with {count} parameters from {told(file.name)}.", *notes, *unsaid.notes(network))
