"""How a converted target came to be, as record.json tells it."""

from mia_audit.record.parts import Estimate, Part


class Converted(Part):
    """A spiking network that was converted from an ordinary one.

    stages         what the target went through, in order; `shadow_stage` is where its shadow models stand
    balancing      source of the images that thresholds were set by, so many of them
    teacher        test accuracy of the network that it comes from
    thresholds     of the target, layer by layer, as measured; `spikes` of each layer for one example, over all steps
    agreement      share of synthetic images that the teacher gives the class of their label, after so many `iterations` out of `at_most`
    moved          how far encryption moved each layer's weights, over their norm
    balanced_on    how many of the audited members set thresholds
    """

    stages: tuple[str, ...]
    shadow_stage: str
    balancing: str
    images: int
    steps: int
    percentile: float
    teacher: Estimate
    thresholds: tuple[float, ...]
    spikes: tuple[float, ...]
    agreement: float | None = None
    iterations: int | None = None
    at_most: int | None = None
    moved: tuple[float, ...] = ()
    balanced_on: int = 0
