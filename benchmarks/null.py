"""Right under the null, and covering off it: the false-alarm rate of every attack, metric and bound, and what intervals cover.

    python -m benchmarks.null [--quick] [--attacks full] [--kept build/null] [--out benchmarks/NULL.md] [part ...]

2,000 audits of noise scores (300 where every model takes its turn), 200 of noise logits, 800 verdicts on noise logits, and 96 audits of
trained spiking networks whose row was redrawn, with the full suite and whole verdicts (phantom targets: small networks on digits, in
lockstep), at 4, 8, 16 and 64 shadow models. A row passes when its rate lies at or below
the one-sided 99.9 % binomial limit of a 5 % false-alarm rate, Bonferroni over all rows. Leaves with 1 if a row fails. `--quick`
does a twentieth, to see that it runs. Every part is kept as soon as it is done, and a run that was cut off goes on; a part is named
by its first letters. The page has all parts that are there, and names those that are not.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks import null_alarms as alarms
from benchmarks import null_bounds as bounds
from benchmarks import null_coverage as coverage
from benchmarks import null_verdicts
from benchmarks.null_parts import ROOT, Result, batches, found, kept, together
from benchmarks.table import say


def parts(names: Sequence[str], share: int) -> dict[str, Callable[[], Result]]:
    """Return everything there is to do, by name; the quickest first."""
    sizes = alarms.SHADOWS
    return {
        "bounds-speed": bounds.speed,
        **{
            f"verdicts-{size}-{number}": partial(alarms.verdicts, size, batch)
            for number, batch in enumerate(batches(alarms.VERDICTS // share), 1)
            for size in sizes
        },
        "retrained": partial(coverage.retrained, max(2, coverage.POPULATIONS // share)),
        **{
            f"noise-logits-{size}-{number}": partial(alarms.noise_logits, size, batch)
            for number, batch in enumerate(batches(alarms.LOGIT_AUDITS // share), 1)
            for size in sizes
        },
        "band": partial(coverage.bands, alarms.BAND_AUDITS // share),
        "noise-scores": partial(alarms.noise_scores, alarms.NOISE_AUDITS // share),
        **{f"noise-turns-{size}": partial(alarms.noise_turns, size, alarms.TURN_AUDITS // share) for size in sizes},
        **{
            f"phantom-{size}-{number}": partial(alarms.phantoms, size, names, batch)
            for number, batch in enumerate(batches(alarms.PHANTOM_AUDITS // share), 1)
            for size in sizes
        },
        "bounds-coverage": partial(bounds.covered, bounds.TRAININGS // share),
        "gaussian": partial(coverage.gaussian, alarms.NOISE_AUDITS // (2 * share)),
        "fresh": partial(coverage.turns_against_fresh, max(2, coverage.GROUPS // share)),
    }


def main() -> int:
    """Run what is asked for, and write the page of all that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help="first letters of parts, such as noise or phantom-64; all are run without")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--attacks", default="full", help="suites and attacks, comma-separated")
    parser.add_argument("--kept", type=Path, default=ROOT / "build" / "null", help="where finished parts are kept")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "NULL.md")
    given = parser.parse_args()
    share = 20 if given.quick else 1
    every = parts(given.attacks.split(","), share)
    folder = given.kept / ("quick" if given.quick else "whole")
    wanted = [name for name in every if not given.parts or name.startswith(tuple(given.parts))]
    work = f"{share} {given.attacks}"
    for name in wanted:
        kept(folder, name, work, every[name])
    done = {name: result for name in every if (result := found(folder, name, work)) is not None}
    page, failed = written(done, [name for name in every if name not in done])
    given.out.write_text(page, encoding="utf-8")
    say(f"wrote {given.out}; {len(failed)} rows fail")
    for line in failed:
        say(line)
    return 1 if failed else 0


def written(done: Mapping[str, Result], missing: Sequence[str]) -> tuple[str, list[str]]:
    """Return NULL.md, and the rows that fail."""
    rates = together(done.values())
    sections = [result for result in done.values() if result.section]
    verdicts, often = null_verdicts.section(rates)
    lines, failed = alarms.table(rates)
    failed += ["verdicts claim too often"] * often
    failed += [line for result in sections for line in result.section.splitlines() if "**NO**" in line]
    left_out = list(dict.fromkeys(f"- {why}" for result in done.values() for why in result.left_out))
    head = "| audits of | shadow models | attack | metric | audits | false alarms | limit | passes |\n|---|---:|---|---|---:|---:|---:|---|"
    mean_head = "| audits of | metric | rows | mean rate | largest rate |\n|---|---|---:|---:|---:|"
    text = [
        "# Right under the null, and covering off it",
        "Written by `make null` (`benchmarks/null.py`); nothing here is edited by hand.",
        *([f"**Not run yet:** {', '.join(missing)}; the rows below are fewer audits for it."] if missing else []),
        *([verdicts] if verdicts else []),
        *[result.section for result in sections],
        "## False alarms where there is nothing to find",
        _explained(len(lines), sum(line in failed for line in lines)),
        f"What could not be run, by shadow models:\n\n{chr(10).join(left_out)}" if left_out else "Every attack was run everywhere.",
        "### Each metric over all its rows",
        "\n".join([mean_head, *alarms.means(rates)]),
        "### Every row",
        "\n".join([head, *lines]),
    ]
    return "\n\n".join(text) + "\n", failed


def _explained(rows: int, failed: int) -> str:
    return (
        "An alarm is a statement that something leaks: a 95 % interval that leaves chance out, a p below 5 %, a bound of epsilon above 0. "
        f"The limit is the one-sided 99.9 % binomial limit of a rate of 5 %, Bonferroni over {rows} rows. "
        f"{rows - failed} of {rows} rows pass."
    )


if __name__ == "__main__":
    raise SystemExit(main())
