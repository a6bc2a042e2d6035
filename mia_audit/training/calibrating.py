"""Post-training quantization: models train in full precision, then each passes through the same quantizers.

Weight scales follow from the weights. Scales of activations are measured on calibration examples, which lie outside the
membership pool (the data deals them apart), so that calibration teaches no quantizer anything about a member.
"""

import torch

from mia_audit.models.encoding import encode
from mia_audit.models.grids import ActivationQuantizer
from mia_audit.models.network import Population
from mia_audit.recipe import Quantization, Recipe
from mia_audit.streams import stream_seed
from mia_audit.types import Floats

_BATCH = 32


def as_trained(recipe: Recipe) -> Recipe:
    """Return the recipe that models train by: without quantization where that comes afterwards."""
    if recipe.model.quantization.when == "training":
        return recipe
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"quantization": Quantization()})})


@torch.no_grad()
def calibrated(blank: Population, trained: Population, recipe: Recipe, inputs: Floats, device: torch.device) -> Population:
    """Return `blank`, whose layers are quantized, with the weights of trained models and scales measured on calibration inputs [N, ...].

    Normalization keeps the statistics of training: only quantizers learn here.
    """
    blank.load_state_dict(trained.state_dict(), strict=False)  # scales of activations are what is missing
    blank.to(device).eval()
    quantizers = [module for module in blank.modules() if isinstance(module, ActivationQuantizer)]
    for quantizer in quantizers:
        quantizer.train()
    models = len(next(iter(trained.parameters())))
    generator = torch.Generator(device).manual_seed(stream_seed(recipe.training.seed, "calibrate"))
    for start in range(0, len(inputs), _BATCH):
        x = encode(torch.from_numpy(inputs[start : start + _BATCH]).to(device).unsqueeze(0), recipe.model, [generator])
        blank(x.expand(models, *x.shape[1:]))
    return blank.eval()
