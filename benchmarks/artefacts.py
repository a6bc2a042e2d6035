"""How often is an artefact that all models share called a leak? Audits of noise with an artefact, one phantom against a panel.

    python -m benchmarks.artefacts [--audits 2000]

Scores of the target and of 16 phantoms share a part of their noise (what is hard is hard for every model) and an artefact by which any
model's scores of the target's members lie higher: it is worth an AUC of .52 to .55 and no leak. Printed is the share of audits that
certify one with every control green: by the headline's test and one phantom target, and by the panel and the headline less the panel.
The last rows are sound: what a true leak costs in power, and false alarms.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from benchmarks.table import say
from mia_audit.record.budget import HEADLINE_LEVEL
from mia_audit.record.controls import PANEL, PHANTOM
from mia_audit.statistics.looks import chance_p
from mia_audit.statistics.nulltest import mann_whitney_p
from mia_audit.statistics.panel import Panel, beyond, panel_p

PHANTOMS = 16
REDRAWS = 399


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is simulated.

    area    the AUC of the artefact on every model
    leak    the AUC of the target's own members beside it
    shared  the share of a score's variance that all models have in common
    """

    area: float
    leak: float
    shared: float
    examples: int


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Shares of audits that certify a leak with green controls: by one phantom, and by the panel; and in which the panel alarms."""

    with_one_phantom: float
    certified: float
    alarms: float


def audits(setting: Setting, count: int, seed: int) -> Shares:
    """Return what so many audits say."""
    found = np.array([_audit(setting, np.random.default_rng([seed, number])) for number in range(count)])
    return Shares(with_one_phantom=float(found[:, 0].mean()), certified=float(found[:, 1].mean()), alarms=float(found[:, 2].mean()))


def _audit(setting: Setting, rng: np.random.Generator) -> tuple[bool, bool, bool]:
    member = rng.random(setting.examples) < 0.5
    noise = np.sqrt(1 - setting.shared) * rng.normal(size=(1 + PHANTOMS, setting.examples))
    scores = np.sqrt(setting.shared) * rng.normal(size=setting.examples) + noise + _gap(setting.area) * member
    scores[0] += _gap(setting.leak) * member
    panel = Panel(scores=scores[1:], counted=np.ones((PHANTOMS, setting.examples), dtype=np.bool_))
    above = chance_p(scores[0], member, rng, REDRAWS) <= HEADLINE_LEVEL and mann_whitney_p(scores[1], member) >= PHANTOM.level
    alarm = panel_p(panel, member, 0.5, rng, REDRAWS) < PANEL.level
    return above, above and not alarm and beyond(scores[0], panel, member).p <= HEADLINE_LEVEL, alarm


def _gap(area: float) -> float:
    """Return how far apart two unit Gaussians of this AUC lie."""
    return float(np.sqrt(2) * norm.ppf(area))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audits", type=int, default=2_000)
    count = parser.parse_args().audits
    say("| artefact | leak | noise shared | examples | certified, one phantom | certified, panel | panel alarms |")
    say("|---:|---:|---:|---:|---:|---:|---:|")
    for area, leak in ((0.52, 0.5), (0.535, 0.5), (0.55, 0.5), (0.5, 0.5), (0.5, 0.53), (0.5, 0.56)):
        for shared in (0.0, 0.5, 0.9):
            for examples in (500, 1_400):
                found = audits(Setting(area=area, leak=leak, shared=shared, examples=examples), count, seed=0)
                numbers = f"{found.with_one_phantom:.3f} | {found.certified:.3f} | {found.alarms:.3f}"
                say(f"| {area} | {leak} | {shared} | {examples} | {numbers} |")


if __name__ == "__main__":
    main()
