"""Broken DP, met by every instrument: which fault is caught by what, and how often a sound training is accused.

    python -m benchmarks.dp_faults [--quick] [--kept build/dp] [--out benchmarks/DP_FAULTS.md]

Fourteen faults, each a patch of a small DP-SGD (`dp_harness`), and 41 sound trainings, one of them the decoy that takes gradient and
norm from one step. Leaves with 1 if the step and the sampler test together miss a fault, or accuse more than two sound trainings.
Every part is kept as soon as it is done.
"""

import argparse
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.dp_faults_list import DECOY, FAULTS, SOUND
from benchmarks.dp_harness import Engine
from benchmarks.dp_meeting import LEVEL, NARROW, WIDE, Size, design, one_run_of, sampler_of, steps_of, trainings_of
from benchmarks.table import say
from mia_audit.instruments.verdict import VIOLATED, Finding
from mia_audit.statistics import likelihood, onerun

ROOT = Path(__file__).resolve().parent.parent
SOUND_RUNS, WHOLLY = 40, 13
"""Sound trainings, and how many of them every instrument meets; the step and the sampler test meet all."""
MOST_ACCUSED = 2
FULL, FEWER = Size(replays=2_000, trainings=250), Size(replays=500, trainings=80)
LEAN = Size(replays=500, canaries=0, trainings=0)
QUICK = Size(replays=400, steps=200, trainings=60)
INSTRUMENTS = ("step test", "sampler test", "one run", "many trainings", "last model only")


@dataclass(frozen=True, kw_only=True)
class Met:
    """What one engine came to: the p and the verdict of every instrument, and what one run showed beside."""

    name: str
    p: tuple[float, ...]
    verdicts: tuple[str, ...]
    note: str
    shown: tuple[float, ...]

    @property
    def caught(self) -> bool:
        """Whether the step or the sampler test refutes the claim, at one level together."""
        return 2 * min(self.p[:2]) <= LEVEL

    @property
    def accused(self) -> tuple[bool, ...]:
        """Which instruments refute the claim, each at the level by itself."""
        return tuple(p <= LEVEL for p in self.p)


def met(name: str, engine: Engine, seed: int, size: Size) -> Met:
    """Let every instrument meet an engine."""
    step, sampler = steps_of(engine, seed, size), sampler_of(engine, seed, size)
    note = (sampler if sampler.p < step.p else step).notes[0]
    if not size.trainings:
        return Met(name=name, p=(step.p, sampler.p), verdicts=(step.verdict, sampler.verdict), note=note, shown=())
    once, z, coins = one_run_of(engine, seed, size)
    fixed, _ = design(size.canaries)
    products = onerun.guess(likelihood.inner_products(z), coins, fixed.accused, fixed.cleared)
    found: tuple[Finding, ...] = (step, sampler, once, *trainings_of(engine, seed, size))
    return Met(
        name=name,
        p=tuple(each.p for each in found),
        verdicts=tuple(each.verdict for each in found),
        note=note,
        shown=(
            once.numbers["epsilon at least, f-DP"],
            once.numbers["epsilon at least, Steinke"],
            onerun.bound(products, fixed.family.claim.delta, LEVEL),
            found[3].numbers["epsilon at least, Gaussian"],
        ),
    )


def kept(folder: Path, name: str, engine: Engine, seed: int, size: Size) -> Met:
    """Return what was found before with the same size, or find it now and keep it."""
    path = folder / f"{hashlib.sha256(f'{name} {seed} {size} {_code()}'.encode()).hexdigest()[:16]}.json"
    if path.exists():
        held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        parts = {key: tuple(held[key]) for key in ("p", "verdicts", "shown")}
        return Met(name=held["name"], note=held["note"], **parts)
    found = met(name, engine, seed, size)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(found)), encoding="utf-8")
    say(f"{name}: {', '.join(f'{p:.2g}' for p in found.p)}")
    return found


def _code() -> str:
    """Return what the harness and the instruments are now, so that nothing is kept that other code found."""
    files = sorted([*(ROOT / "mia_audit" / "instruments").glob("*.py"), *(ROOT / "benchmarks").glob("dp_[hfm]*.py")])
    return hashlib.sha256(b"".join(each.read_bytes() for each in files if each.name != "dp_faults.py")).hexdigest()


def page(faults: list[Met], sound: list[Met], size: Size, fewer: Size) -> tuple[str, bool]:
    """Return the page, and whether it is what it should be."""
    missed = [each.name for each in faults if not each.caught]
    together = sum(each.caught for each in sound)
    text = [
        "# Broken DP, met by every instrument",
        "Written by `python -m benchmarks.dp_faults`; nothing here is edited by hand.",
        _measured(size),
        "\n".join(_rows(faults)),
        f"{'Every fault is caught by the step or the sampler test.' if not missed else '**Missed: ' + ', '.join(missed) + '.**'}",
        "## Sound trainings accused",
        _accused(len(sound), together, fewer),
        "\n".join(_tally(sound)),
        "## Epsilon shown",
        f"The claim of one run is {_claim(size)}. The first row is a sound training.",
        "\n".join(_shown([*[each for each in sound if each.shown][:1], *faults])),
    ]
    return "\n\n".join(text) + "\n", not missed and together <= MOST_ACCUSED


def _claim(size: Size) -> str:
    return f"{design(size.canaries)[0].family.epsilon():.2f}"


def _measured(size: Size) -> str:
    narrow, wide = NARROW.claim(), WIDE.claim()
    return (
        f"Each fault is a patch of a small DP-SGD (`benchmarks/dp_harness.py`): sigma {narrow.noise_multiplier:g}, rate {narrow.rate:g}, "
        f"{narrow.steps} steps; in one run rate {wide.rate:g} and {wide.steps} steps. Level {LEVEL:g}; where two share it, {LEVEL:g} for "
        f"both together. Measured: {size.replays:,} replays a side of each of seven canaries, {size.steps} steps of the sampler of eight "
        f"models, {size.canaries:,} canaries in one run, about {size.trainings} trainings a side. Cells: p, and the verdict."
    )


def _rows(faults: list[Met]) -> list[str]:
    head = f"| fault | {' | '.join(INSTRUMENTS)} | by step or sampler | smallest p of the two |\n|---|{'---|' * len(INSTRUMENTS)}---|---|"
    rows = [head]
    for each in faults:
        cells = " | ".join(_cell(p, verdict) for p, verdict in zip(each.p, each.verdicts, strict=True))
        rows.append(f"| {each.name} | {cells} | {'yes' if each.caught else '**NO**'} | {each.note.partition(': ')[2]} |")
    return rows


def _accused(trainings: int, together: int, fewer: Size) -> str:
    return (
        f"{trainings} trainings, the last of them the decoy (gradient and norm from one step), with {fewer.replays:,} replays and about "
        f"{fewer.trainings} trainings a side. By step and sampler at one level together: {together} of {trainings} "
        f"(at most {MOST_ACCUSED} pass). Each instrument by itself:"
    )


def _tally(sound: list[Met]) -> list[str]:
    rows = []
    for place, name in enumerate(INSTRUMENTS):
        accused = [each.accused[place] for each in sound if place < len(each.p)]
        rows.append(f"| {name} | {sum(accused)} of {len(accused)} |")
    return ["| instrument | accused |\n|---|---:|", *rows]


def _shown(trainings: list[Met]) -> list[str]:
    names = ("f-DP, likelihood ratio", "Steinke, likelihood ratio", "Steinke, inner products", "many trainings, Gaussian")
    head = f"| fault | {' | '.join(names)} |\n|---|{'---:|' * len(names)}"
    return [head, *(f"| {each.name} | {' | '.join(f'{value:.2f}' for value in each.shown)} |" for each in trainings)]


def _cell(p: float, verdict: str) -> str:
    said = "0" if p == 0 else f"{p:.2g}"
    return f"**{said}, {verdict}**" if verdict == VIOLATED else f"{said}, {verdict}"


def main() -> int:
    """Meet everything, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "dp")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "DP_FAULTS.md")
    given = parser.parse_args()
    size, fewer = (QUICK, QUICK) if given.quick else (FULL, FEWER)
    faults = [kept(given.kept, name, engine, 1, size) for name, engine in FAULTS.items()]
    last = 100 + (2 if given.quick else SOUND_RUNS)
    runs = [("sound", SOUND, seed, LEAN if seed < last - WHOLLY else fewer) for seed in range(100, last)]
    sound = [kept(given.kept, name, engine, seed, each) for name, engine, seed, each in [*runs, ("decoy", DECOY, 1, fewer)]]
    text, passed = page(faults, sound, size, fewer)
    given.out.write_text(text, encoding="utf-8")
    say(f"wrote {given.out}; {'passes' if passed else 'FAILS'}")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
