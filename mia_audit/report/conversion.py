"""How a converted target came to be, in sentences."""

from mia_audit.record import Summary
from mia_audit.record.conversion import Converted
from mia_audit.report.numbers import count, decimal, percent, value_percent

_BALANCING = {
    "members": "{} of its teacher's own members: these are in the thresholds",
    "synthetic": "{} images made from the teacher alone",
    "noise": "{} images of uniform noise, which needs no data and no teacher's images",
}


def conversion_in_words(summary: Summary) -> tuple[str, ...]:
    """Say what was audited: stages, time steps, balancing, and what the network lost; nothing where the target was trained itself."""
    found = summary.conversion
    if found is None:
        return ()
    return (_way(summary, found), *_made(found), *_hidden(found), _shadows(found))


def _way(summary: Summary, found: Converted) -> str:
    of = "their maximum" if found.percentile == 100 else f"percentile {found.percentile:g}"
    by = _BALANCING[found.balancing].format(count(found.images))
    return (
        f"The target went through {_and(found.stages)} and answers after {summary.recipe.model.time_steps} time steps: test accuracy "
        f"{value_percent(summary.utility.test_accuracy)}, its teacher's {value_percent(found.teacher)}. Thresholds ({of} over "
        f"{found.steps} steps: {', '.join(decimal(each, 2) for each in found.thresholds)}) were balanced on {by}."
    )


def _made(found: Converted) -> tuple[str, ...]:
    if found.agreement is None or found.iterations is None:
        return ()
    why = "the teacher agreed often enough" if found.at_most and found.iterations < found.at_most else "no more were allowed"
    said = (
        f"In {percent(found.agreement)} of the synthetic images the teacher sees the class of their label; making them took "
        f"{count(found.iterations)} iterations, when {why}."
    )
    return (said,)


def _hidden(found: Converted) -> tuple[str, ...]:
    if not found.moved:
        return ()
    said = (
        f"Training through time moved the layers' weights by {', '.join(percent(each) for each in found.moved)} of their norm. It is "
        f"called encryption, but there is no key, and weights that hardly moved hide hardly anything."
    )
    return (said,)


def _shadows(found: Converted) -> str:
    if found.shadow_stage == "own":
        return "Its shadow models went through every stage as it did."
    return (
        "Its shadow models are teachers, not converted: an attacker who spares that effort. Numbers about this kind of network, and the "
        "controls that compare models, are about the teachers."
    )


def _and(stages: tuple[str, ...]) -> str:
    return f"{', '.join(stages[:-1])} and {stages[-1]}"
