"""`mia-audit run`: one audit."""

import json
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from mia_audit.cli import arguments as a

if TYPE_CHECKING:
    from mia_audit.record import Record
    from mia_audit.record.scored import ScoredRecord

Plan = Annotated[bool, typer.Option("--plan", help="Say what the audit would cost, and stop.")]
TrustCode = Annotated[bool, typer.Option("--trust-code", help="Run code that a recipe with [external] names.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print record.json (or the plan) as JSON to stdout, all else to stderr.")]

EXAMPLES = """Examples:

\b
mia-audit run snn-q4
mia-audit run snn-q4 --surrogate sre --plan
mia-audit run ann-q4 --dataset breast-cancer --shadows 64
mia-audit run snn --set training.epochs=40 --set model.time_steps=5
mia-audit run ann --attacks thresholds,lira --json > record.json
mia-audit run my/recipe.toml --out ~/audits/mine
"""


def run(  # noqa: PLR0913, PLR0917  a command line's options are its arguments
    target: a.Target = None,
    target_option: a.TargetOption = None,
    surrogate: a.Surrogate = None,
    surrogate_variant: a.SurrogateVariant = None,
    surrogate_area: a.SurrogateArea = None,
    ptq: a.PTQ = False,
    secure_noise: a.SecureNoise = False,
    dataset: a.Dataset = None,
    data_root: a.DataRoot = None,
    offline: a.Offline = False,
    attacks: a.Attacks = None,
    shadows: a.Shadows = None,
    seed: a.Seed = None,
    device: a.Device = "auto",
    store: a.Store = None,
    out: a.Out = None,
    force: a.Force = False,
    settings: a.Settings = None,
    slices: a.Slices = None,
    expose: a.Expose = None,
    workers: a.Workers = None,
    memory: a.Memory = None,
    title: a.Title = None,
    organisation: a.Organisation = None,
    contact: a.Contact = None,
    executor: a.Executor = None,
    scheduler: a.Scheduler = None,
    address: a.Address = None,
    trust_code: TrustCode = False,
    plan: Plan = False,
    as_json: AsJson = False,
) -> None:
    """Train a target and its shadow models, attack them, and write the record and its report."""
    named = a.one_target(target, target_option)
    options = a.asked(
        surrogate=surrogate, surrogate_variant=surrogate_variant, surrogate_area=surrogate_area, ptq=ptq,
        secure_noise=secure_noise, dataset=dataset, data_root=data_root, offline=offline, attacks=attacks, shadows=shadows, seed=seed,
        device=device, store=store, out=out,
        force=force, settings=settings, slices=slices, expose=expose, workers=workers, memory=memory,
        title=title, organisation=organisation, contact=contact,
        executor=executor, scheduler=scheduler, address=address,
    )  # fmt: skip
    from mia_audit.audit import make_plan  # noqa: PLC0415  help must not pay for it
    from mia_audit.external.recipe import is_external  # noqa: PLC0415
    from mia_audit.face.checkpoints import audit_external  # noqa: PLC0415
    from mia_audit.face.running import run as audit  # noqa: PLC0415

    if is_external(named):
        report_external(audit_external(named, options, trusted=trust_code, say=typer.echo), as_json=as_json)
        return
    if plan:
        planned = make_plan(named, options)
        typer.echo(json.dumps(planned.content(), indent=1) if as_json else "\n".join(planned.lines()))
        return
    record = audit(named, options, command=shlex.join(["mia-audit", *sys.argv[1:]]))
    show(record, Console(stderr=as_json))
    if as_json:
        sys.stdout.write(record.summary.to_json())


def report_external(record: "ScoredRecord", *, as_json: bool) -> None:
    """Print what came out of a target that somebody else trained."""
    from mia_audit.cli.score import show as show_scored  # noqa: PLC0415

    show_scored(record, Console(stderr=as_json))
    if as_json:
        sys.stdout.write(record.summary.to_json())


def show(record: "Record", console: Console) -> None:
    """Print the short table, what it means, and where the record lies."""
    from mia_audit.report.console import summary_table  # noqa: PLC0415

    table, lines = summary_table(record)
    console.print(table)
    for line in lines:
        console.print(line, markup=False, highlight=False)
    console.print(f"Record and report: {record.folder}", markup=False, highlight=False, soft_wrap=True)
