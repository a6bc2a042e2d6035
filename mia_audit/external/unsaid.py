"""What a file of weights does not tell of its network, and code decides alone: said, since a wrong one loads without a word."""

from collections.abc import Iterator

from torch import nn

from mia_audit.external.files import told

_PROXIES = (("weights", "weight_quant"), ("activations", "act_quant"), ("inputs", "input_quant"))


def notes(network: nn.Module) -> tuple[str, ...]:
    """Return what no key of this network's weights says: the bits of Brevitas' layers, and scales that statistics make."""
    found = list(_bits(network))
    if not found:
        return ()
    listed = ", ".join(f"{told(name)} {what} {bits:g}" for name, what, bits in found[:6]) + (" ..." if len(found) > 6 else "")
    said = [f"Bits stand in no key of the file, the code decides them ({listed}): weights of another width fit as well. Are they right?"]
    kept = [name for name, each in network.named_modules() if type(each).__name__ == "StatsFromParameterScaling"]
    if kept:
        said.append(
            f"Scales of {len(kept)} quantizers are statistics of the weights and stand in no key: the code decides how they are made."
        )
    made = [
        name for name, each in network.named_modules() if type(each).__name__ in {"ParameterFromRuntimeStatsScaling", "RuntimeStatsScaling"}
    ]
    if made:
        said.append(
            f"Scales of {len(made)} quantizers come from batches that the network saw: an uncalibrated one takes them from the first."
        )
    return tuple(said)


def _bits(network: nn.Module) -> Iterator[tuple[str, str, float]]:
    """Yield layers of Brevitas, what they quantize, and to how many bits."""
    for name, layer in network.named_modules():
        for what, proxy in _PROXIES:
            quantizer = getattr(layer, proxy, None)
            ours = type(quantizer).__module__.startswith("brevitas.")
            if quantizer is None or not ours or not getattr(quantizer, "is_quant_enabled", False):
                continue
            width = quantizer.bit_width()
            if width is not None:
                yield name, what, float(width)
