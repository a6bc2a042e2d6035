"""What `surrogates.py` found, as rows with intervals and as a page for people."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from mia_audit.types import Floats

MEASURES = ("test accuracy", "gap", "firing rate", "LiRA AUC", "LiRA AUC over turns")
REFERENCE = "atan"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A surrogate at a scale, and the area that it has there."""

    name: str
    area: float
    scale: str


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How the table was measured: replicate populations, epochs, shadow models, all variants there are, and by what."""

    replicates: int
    epochs: int
    shadows: int
    variants: int
    versions: Mapping[str, str]
    engine: str


Found = Mapping[Variant, Floats]
"""Each variant's values [replicates, measures]; row r of every variant is the same population."""


def interval(values: Floats) -> tuple[float, float, float]:
    """Return mean, low and high of Student's 95 % interval over replicates."""
    mean, count = float(np.mean(values)), len(values)
    half = float(stats.t.ppf(0.975, count - 1) * np.std(values, ddof=1) / math.sqrt(count)) if count > 1 else math.nan
    return mean, mean - half, mean + half


def reference(found: Found) -> Variant:
    """Return the variant that the others are compared with."""
    return next(variant for variant in found if variant.name == REFERENCE)


def rows(found: Found) -> list[dict[str, Any]]:
    """Return every variant's intervals, and those of its differences to the reference on the same populations."""
    against = found[reference(found)]
    return [
        {
            "surrogate": variant.name,
            "scale": variant.scale,
            "area": variant.area if math.isfinite(variant.area) else None,
            "values": {name: interval(values[:, place]) for place, name in enumerate(MEASURES)},
            "differences": {name: interval((values - against)[:, place]) for place, name in enumerate(MEASURES)},
        }
        for variant, values in found.items()
    ]


def page(found: Found, setup: Setup) -> str:
    """Return the page in Markdown."""
    known = rows(found)
    versions = ", ".join(f"{name} {setup.versions[name]}" for name in ("mia-audit", "torch", "snntorch"))
    others = [row for row in known if row["surrogate"] != REFERENCE]
    return "\n\n".join([
        "# Surrogates compared",
        _how_to_read(setup),
        *([f"**Not finished: {len(found)} of {setup.variants} variants so far.**"] if len(found) < setup.variants else []),
        _table(known, "values", "{:.3f}"),
        f"## Differences to {REFERENCE}, population by population",
        (
            f"Bold: the interval leaves out zero. Each interval is for itself: of {len(MEASURES) * len(others)} such, about one in "
            "twenty would be bold by chance alone if nothing differed."
        ),
        _table(others, "differences", "{:+.3f}"),
        "## To repeat it",
        f"`python benchmarks/surrogates.py --replicates {setup.replicates} --epochs {setup.epochs} --shadows {setup.shadows}`",
        f"Written by that command with {versions}, engine {setup.engine}; the same numbers with more digits are in surrogates.json.",
    ]) + "\n"  # fmt: skip


def _how_to_read(setup: Setup) -> str:
    return (
        f"The spiking network of the recipe `snn` on digits, {setup.epochs} epochs, trained through each surrogate on the same "
        f"{setup.replicates} replicate populations of a target and {setup.shadows} shadow models. A cell is the mean over replicates with "
        "Student's 95 % interval: test accuracy (of the shadow models), gap (train minus test accuracy of the target), firing rate "
        "(spikes per neuron and step), AUC of online LiRA on the target, and the same when every model takes its turn as the target; "
        "an AUC of 0.5 is chance, a larger one leaks more.\n\n"
        "*Library* is the surrogate as snnTorch scales it (its `triangular` is a sign flip, its `sre` peaks one threshold too high; "
        "`gate`, `sech2` and `gaussian`, which it lacks, as DPSNN writes them); *unit area* is the textbook form scaled to an area of 1, "
        "so that it differs from the others by shape alone. A surrogate that trains worse leaks less because it learns less: read an AUC "
        "beside the accuracy of its row. One learning rate and one number of epochs serve all, so this compares surrogates in one "
        "recipe, not at one accuracy."
    )


def _table(known: list[dict[str, Any]], part: str, form: str) -> str:
    lines = [f"| surrogate | scale | area | {' | '.join(MEASURES)} |", "|---|---|---:|" + "---:|" * len(MEASURES)]
    for row in known:
        area = "infinite" if row["area"] is None else f"{row['area']:.3g}"
        cells = " | ".join(_cell(*row[part][name], form=form) for name in MEASURES)
        lines.append(f"| {row['surrogate']} | {row['scale']} | {area} | {cells} |")
    return "\n".join(lines)


def _cell(mean: float, low: float, high: float, *, form: str) -> str:
    said = f"{form.format(mean)} [{form.format(low)}, {form.format(high)}]"
    return f"**{said}**" if form.startswith("{:+") and (low > 0 or high < 0) else said
