"""Right under the null, and covering off it: the false-alarm rate of every attack, metric and bound, and what intervals cover.

    python -m benchmarks.null [--quick] [--attacks full] [--out benchmarks/NULL.md]

2,000 audits of noise scores and of noise logits (500 where every model takes its turn), and 200 phantom-target audits of trained
networks (small ones on digits, trained in lockstep), at 4, 8, 16 and 64 shadow models. A row passes when its rate lies at or below
the one-sided 99.9 % binomial limit of a 5 % false-alarm rate, Bonferroni over all rows. Leaves with 1 if a row fails. `--quick`
does a twentieth, to see that it runs.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import binom

from benchmarks import null_audits as audits
from benchmarks import null_coverage as coverage
from benchmarks import null_networks as networks
from benchmarks.null_audits import Alarm, Chosen, Models
from benchmarks.table import say

HERE = Path(__file__).resolve().parent
SHADOWS = (4, 8, 16, 64)
NOISE_AUDITS = 2_000
PHANTOM_AUDITS = 200
TURN_AUDITS = 500
LEVEL = 0.05
CHUNK = 50
QUICK = (
    "thresholds", "attack-p", "attack-r", "difficulty-calibration", "rmia-online", "rmia-offline",
    "lira-online", "lira-offline", "lira-per-example", "lira-shrunken", "shadow-logistic",
)  # fmt: skip
"""What noise logits are attacked with: all but the attacks that fit for long, which the phantom targets see."""

Key = tuple[str, str, str, str]
"""Kind of audit, shadow models, attack, metric."""


def noise_scores(count: int) -> Iterator[tuple[Key, bool]]:
    """Yield alarms of metrics on scores that are noise."""
    for tied in (False, True):
        for found in _spread(partial(audits.score_alarms, tied=tied), count, 10 + tied):
            yield from (_keyed("noise scores", "-", alarm) for alarm in found)


def noise_turns(count: int) -> Iterator[tuple[Key, bool]]:
    """Yield alarms of numbers about the kind on turns that are noise."""
    for shadows in SHADOWS:
        for found in _spread(partial(audits.turn_alarms, models=shadows + 2), count, 20 + shadows):
            yield from (_keyed("noise scores", str(shadows), alarm) for alarm in found)


def noise_logits(names: Sequence[str], count: int) -> Iterator[tuple[Key, bool]]:
    """Yield alarms of attacks on models that learnt nothing."""
    for shadows in SHADOWS:
        attacks = audits.chosen(names, audits.noise_models(1 + shadows, np.random.default_rng(shadows)))

        def once(rng: np.random.Generator, shadows: int = shadows, attacks: Chosen = attacks) -> Iterable[Alarm]:
            models = audits.noise_models(1 + audits.REHEARSALS + shadows, rng)
            turns = range(1 + audits.REHEARSALS)
            return audits.attack_alarms(models, turns, range(len(turns), len(models.rows)), attacks, rng, findings=False)

        for found in _spread(once, count, 100 + shadows):
            yield from (_keyed("noise logits", str(shadows), alarm) for alarm in found)


def phantoms(models: Models, names: Sequence[str], count: int) -> Iterator[tuple[Key, bool]]:
    """Yield alarms of attacks on trained networks that are scored against a redrawn row."""
    for shadows in SHADOWS:
        attacks = audits.chosen(names, models.only(range(1 + shadows)))

        def once(rng: np.random.Generator, shadows: int = shadows, attacks: Chosen = attacks) -> Iterable[Alarm]:
            order = rng.permutation(len(models.rows))[: 1 + audits.REHEARSALS + shadows].tolist()
            turns = order[: 1 + audits.REHEARSALS]
            return audits.attack_alarms(models, turns, order[len(turns) :], attacks, rng, findings=True)

        for found in _spread(once, count, 200 + shadows):
            yield from (_keyed("phantom target", str(shadows), alarm) for alarm in found)


def _keyed(kind: str, shadows: str, alarm: Alarm) -> tuple[Key, bool]:
    attack, metric, raised = alarm
    return (kind, shadows, attack, metric), raised


def _spread(once: Callable[[np.random.Generator], Iterable[Alarm]], count: int, seed: int) -> Iterator[list[Alarm]]:
    """Yield the alarms of so many audits, each on a stream of its own."""

    def chunk(start: int) -> list[list[Alarm]]:
        return [list(once(np.random.default_rng([seed, index]))) for index in range(start, min(start + CHUNK, count))]

    jobs = (delayed(chunk)(start) for start in range(0, count, CHUNK))
    for done in Parallel(n_jobs=-1, return_as="generator")(jobs):
        yield from done


def table(found: Iterable[tuple[Key, bool]]) -> tuple[list[str], list[str]]:
    """Return the table's lines, and those of the rows above the limit."""
    audits_of: Counter[Key] = Counter()
    alarms: Counter[Key] = Counter()
    for key, raised in found:
        audits_of[key] += 1
        alarms[key] += raised
    lines, failed = [], []
    for key in sorted(audits_of, key=lambda key: (key[0], int(key[1]) if key[1].isdigit() else 0, key[2], key[3])):
        limit = float(binom.isf(0.001 / len(audits_of), audits_of[key], LEVEL)) / audits_of[key]
        rate = alarms[key] / audits_of[key]
        line = f"| {' | '.join(key)} | {audits_of[key]:,} | {rate:.3f} | {limit:.3f} | {'yes' if rate <= limit else '**NO**'} |"
        lines.append(line)
        failed += [line] if rate > limit else []
    return lines, failed


def main() -> int:
    """Run everything and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--attacks", default="full", help="suites and attacks, comma-separated")
    parser.add_argument("--out", type=Path, default=HERE / "NULL.md")
    given = parser.parse_args()
    share = 20 if given.quick else 1
    names, began = given.attacks.split(","), time.perf_counter()
    found: list[tuple[Key, bool]] = []
    for what, part in (
        ("noise scores", noise_scores(NOISE_AUDITS // share)),
        ("noise turns", noise_turns(TURN_AUDITS // share)),
        ("noise logits", noise_logits([name for name in names if name != "full"] or QUICK, NOISE_AUDITS // share)),
        ("phantom targets", phantoms(networks.population(), names, PHANTOM_AUDITS // share)),
    ):
        found += part
        say(f"{what}: {time.perf_counter() - began:.0f} s")
    lines, failed = table(found)
    covered, uncovered = coverage.sections(share)
    given.out.write_text(page(lines, failed, covered), encoding="utf-8")
    say(f"wrote {given.out} after {time.perf_counter() - began:.0f} s; {len(failed) + uncovered} rows fail")
    for line in failed:
        say(line)
    return 1 if failed or uncovered else 0


def page(lines: Sequence[str], failed: Sequence[str], covered: str) -> str:
    """Return NULL.md."""
    summary = f"{len(lines) - len(failed)} of {len(lines)} rows pass."
    head = "| audits of | shadow models | attack | metric | audits | false alarms | limit | passes |\n|---|---:|---|---|---:|---:|---:|---|"
    return (
        "\n\n".join(
            [
                "# Right under the null, and covering off it",
                "Written by `make null` (`benchmarks/null.py`); nothing here is edited by hand.",
                covered,
                "## False alarms where there is nothing to find",
                f"Nominal 5 %; the limit is the one-sided 99.9 % binomial limit of 5 %, Bonferroni over {len(lines)} rows. {summary}",
                "\n".join([head, *lines]),
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
