"""`mia-audit dp-audit`: somebody's claim of differential privacy, put to the test."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from mia_audit.instruments.audit import Audited
    from mia_audit.instruments.verdict import Finding, Reach
    from mia_audit.privacy.stated import Stated


def dp_audit(  # noqa: PLR0913, PLR0917  one an option
    noise_multiplier: Annotated[float, typer.Option(help="Standard deviation of the noise, over the clipping norm.")],
    rate: Annotated[float, typer.Option(help="The probability with which an example is in a step.")],
    steps: Annotated[int, typer.Option(help="All steps run.")],
    delta: Annotated[float, typer.Option(help="At which epsilon is stated.")],
    epsilon: Annotated[float | None, typer.Option(help="The epsilon that is claimed; needed for balls-and-bins.")] = None,
    sampling: Annotated[str, typer.Option(help="poisson, shuffle or balls-and-bins.")] = "poisson",
    adjacency: Annotated[str, typer.Option(help="add/remove, or replace-one: a canary takes an example's place.")] = "add/remove",
    observations: Annotated[str | None, typer.Option(help="An .npz of what was observed; without it the plan is printed.")] = None,
    level: Annotated[float, typer.Option(help="Of all instruments together.")] = 0.05,
    replays: Annotated[int, typer.Option(help="Of the plan's step test, a side.")] = 10_000,
    canaries: Annotated[int, typer.Option(help="Of the plan's one run.")] = 1_000,
    trainings: Annotated[int, typer.Option(help="Of the plan's many trainings, a side.")] = 1_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Put a differential privacy claim to the test: print what each instrument would see, or what it found. Needs mia-audit[dp].

    Exit code 1 where the claim is violated, 0 where it is not or nothing could be seen, 2 where something given is wrong.
    """
    from mia_audit.errors import UsageError  # noqa: PLC0415  help must not pay for it
    from mia_audit.instruments import audit  # noqa: PLC0415
    from mia_audit.instruments.observations import read  # noqa: PLC0415
    from mia_audit.instruments.verdict import VIOLATED  # noqa: PLC0415
    from mia_audit.paths import expanded  # noqa: PLC0415
    from mia_audit.privacy.stated import Stated  # noqa: PLC0415

    if not 0 < level < 0.5:
        raise UsageError(f"--level needs to be above 0 and below 0.5, got {level:g}; 0.05 is common")
    for name, value, least in (("--replays", replays, 40), ("--canaries", canaries, 10), ("--trainings", trainings, 50)):
        if value < least:
            raise UsageError(f"{name} needs at least {least}, got {value}")
    claim = Stated(
        noise_multiplier=noise_multiplier, rate=rate, steps=steps, delta=delta, epsilon=epsilon, sampling=sampling, adjacency=adjacency
    )
    if observations is None:
        reaches = audit.planned(claim, audit.Sizes(replays=replays, canaries=canaries, trainings=trainings), level)
        typer.echo(json.dumps(_plan_json(claim, reaches), indent=1) if as_json else "\n".join(_plan(claim, reaches, level)))
        return
    found = audit.audited(claim, read(Path(expanded(observations, "--observations"))), level)
    typer.echo(json.dumps(_json(found), indent=1) if as_json else "\n".join(_said(found)))
    if found.verdict == VIOLATED:
        raise typer.Exit(1)


def _constants(claim: "Stated") -> str:
    return (
        f"claim: noise multiplier {claim.noise_multiplier:g}, {claim.sampling} sampling at rate {claim.rate:g}, {claim.steps:,} steps, "
        f"delta {claim.delta:g}, {claim.adjacency}"
    )


def _plan(claim: "Stated", reaches: "tuple[Reach, ...]", level: float) -> list[str]:
    from mia_audit.privacy.stated import epsilon_of  # noqa: PLC0415

    bound = epsilon_of(claim) if claim.sampling != "balls-and-bins" else None
    lines = [_constants(claim), *([f"epsilon: {bound:.4g}, an upper bound"] if bound is not None else []), ""]
    if bound is not None and claim.epsilon is not None and claim.epsilon < bound:
        lines += [f"The claimed epsilon {claim.epsilon:g} lies below that bound: no instrument has to run to doubt it.", ""]
    for reach in reaches:
        lines += [reach.instrument, f"  access  {reach.access}", f"  needs   {reach.needs}", f"  power   {reach}", ""]
    return [
        *lines,
        f"All four together at level {level:g}. Give what was observed with --observations: docs/privacy.md says in which form.",
    ]


def _said(found: "Audited") -> list[str]:
    claim = found.claim
    lines = [_constants(claim), f"epsilon: {found.epsilon:.4g}, an upper bound", ""]
    if found.misstated:
        lines += [f"The claimed epsilon {claim.epsilon:g} is less than such a training has: at least {found.least:.4g}.", ""]
    for finding in found.findings:
        lines += _finding(finding)
    return [*lines, f"Verdict: {found.verdict} (level {found.level:g}, all instruments together)."]


def _finding(finding: "Finding") -> list[str]:
    reach = finding.reach
    lines = [f"{reach.instrument}: {finding.verdict}", f"  access  {reach.access}", f"  power   {reach}", f"  p       {finding.p:.3g}"]
    lines += [f"  {name}: {value:.4g}" for name, value in finding.numbers.items()]
    return [*lines, *(f"  {note}" for note in finding.notes), ""]


def _plan_json(claim: "Stated", reaches: "tuple[Reach, ...]") -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415

    return {"claim": asdict(claim), "instruments": [asdict(reach) | {"says": str(reach)} for reach in reaches]}


def _json(found: "Audited") -> dict[str, Any]:
    from dataclasses import asdict  # noqa: PLC0415

    return {
        "claim": asdict(found.claim),
        "epsilon": found.epsilon,
        "epsilon_at_least": found.least,
        "misstated": found.misstated,
        "verdict": found.verdict,
        "level": found.level,
        "findings": [_plain(asdict(finding)) | {"verdict": finding.verdict} for finding in found.findings],
    }


def _plain(content: Any) -> Any:
    """Return what JSON can say: null for a number that is infinite or none."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    return None if isinstance(content, float) and not math.isfinite(content) else content
