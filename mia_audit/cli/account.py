"""`mia-audit account`: the epsilon that a DP-SGD training guarantees."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mia_audit.privacy.accounting import Account


def account(  # noqa: PLR0913, PLR0917  one an option
    batch: Annotated[int, typer.Option(help="Examples a step holds on average.")],
    examples: Annotated[int, typer.Option(help="Examples that steps are drawn from.")],
    epochs: Annotated[int, typer.Option(help="All epochs run, not only those up to the released one.")],
    delta: Annotated[float, typer.Option(help="Below 1 / examples.")],
    noise_multiplier: Annotated[float | None, typer.Option(help="Standard deviation of the noise, over the clipping norm.")] = None,
    target_epsilon: Annotated[float | None, typer.Option(help="Find the noise multiplier for this epsilon instead.")] = None,
    sampling: Annotated[str, typer.Option(help="How examples came into steps: poisson, balls-and-bins (minutes) or shuffle.")] = "poisson",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the epsilon of a DP-SGD training: a bound, and beside it what papers print. Needs mia-audit[dp]."""
    from mia_audit.errors import RecipeError  # noqa: PLC0415  help must not pay for it
    from mia_audit.privacy import accounting  # noqa: PLC0415
    from mia_audit.privacy.mechanism import Mechanism  # noqa: PLC0415

    if (noise_multiplier is None) == (target_epsilon is None):
        raise RecipeError("account needs --noise-multiplier or --target-epsilon, got both or neither; give one")

    def of(noise: float) -> Mechanism:
        return Mechanism(noise_multiplier=noise, batch=batch, examples=examples, epochs=epochs, sampling=sampling)

    noise = noise_multiplier if noise_multiplier is not None else accounting.noise_for(target_epsilon or 0.0, delta, of)
    found = accounting.account(of(noise), delta)
    typer.echo(json.dumps(asdict(found), indent=1) if as_json else "\n".join(_lines(found)))


def _lines(found: "Account") -> list[str]:
    """Return what the terminal shows: constants, then a row an epsilon."""
    told = found.mechanism
    constants = (
        f"noise multiplier {told.noise_multiplier:g}, {told.sampling} sampling at rate {told.rate:.6g} "
        f"({told.batch} of {told.examples:,}), {told.steps:,} steps ({told.epochs} epochs), delta {found.delta:g}"
    )
    rows = [
        constants,
        "",
        f"{'method':<10}{'neighbours':<14}{'epsilon':>9}  what it is",
    ]
    for each in found.entries:
        kind = "upper bound" if each.bound else "approximation, not a bound"
        rows.append(f"{each.name:<10}{each.adjacency:<14}{_epsilon(each.epsilon):>9}  {kind}{f'; {each.detail}' if each.detail else ''}")
    best = found.guarantee
    return [*rows, "", f"Guarantee: ({_epsilon(best.epsilon)}, {found.delta:g})-differential privacy under {best.adjacency}."]


def _epsilon(value: float) -> str:
    """Return an epsilon in three decimals; one that they would show as zero, in two digits."""
    return f"{value:.3f}" if value >= 0.0005 or value == 0 else f"{value:.1e}"
