"""An audit from start to end: recipe, examples and membership, population trained, signals, scores, metrics, record."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mia_audit.arrays import Arrays, digest
from mia_audit.attacks import Attack
from mia_audit.attacks.budget import require_budget
from mia_audit.attacks.cards import renamed
from mia_audit.audit.attacking import choosing, measuring, scoring
from mia_audit.audit.bank import degrading
from mia_audit.audit.bank.prepared import Bank, Prepared, of_kind, shown
from mia_audit.audit.bank.staging import Staging, mixed
from mia_audit.audit.controls import dose, guards, panel, rehearsing
from mia_audit.audit.findings import exposing, facts, headline
from mia_audit.audit.request import grouping
from mia_audit.audit.request.options import (
    Options,
    data_root,
    default_store,
    describe,
    device_type,
    keep_torch_at_home,
    unclaimed,
    writable,
)
from mia_audit.audit.watching import Clock, Silent, Watcher
from mia_audit.data import design
from mia_audit.data.examples import load
from mia_audit.errors import OutputError
from mia_audit.paths import Place
from mia_audit.privacy.claim import claimed
from mia_audit.probes.names import probing_bytes
from mia_audit.recipe import Recipe
from mia_audit.record import SCHEMA_VERSION, Record, Summary
from mia_audit.training import cost, executor, plan, schedule
from mia_audit.training.cost import converting_bytes
from mia_audit.training.store import Store

_BOUNDLESS = 2**62  # what other machines have of memory is not known here


def audit(target: Place | Recipe, options: Options, *, watcher: Watcher | None = None, command: str = "") -> Record:
    """Run an audit and return its record, which has been written to the output folder.

    Raises an AuditError that says the way out; cohorts that finished before it stay in the store.
    """
    clock = Clock(watcher=watcher or Silent())
    with clock.stage("prepare"):
        prepared = prepare(target, options, clock.watcher)
    chosen = executor_of(options)
    at_once = options.workers if chosen.elsewhere else prepared.workers
    with executor.opened(chosen, prepared.store.folder, prepared.workers) as crew:
        machine = schedule.Machine(device=prepared.device, workers=at_once, progress=clock.watcher.progress, crew=crew)
        bank, sibling, spent = _trained(prepared, machine, clock)
    with clock.stage("attack and measure"):
        summary, arrays, exposed = judge(prepared, bank, sibling=sibling, public_only=options.expose is None, expose=bool(options.expose))
    told = {name: getattr(options, name) for name in ("title", "organisation", "contact", "executor")}
    ran = {**facts.run(prepared, clock.seconds, spent, command), **{name: text for name, text in told.items() if text}}
    record = Record(summary=summary, arrays=arrays, run=ran, exposed=exposed)
    return _written(record, options)


def _trained(prepared: Prepared, machine: schedule.Machine, clock: Clock) -> tuple[Bank, dose.Sibling | None, tuple[schedule.Spent, ...]]:
    """Train and ask everything that an audit needs models for."""
    recipe = prepared.recipe
    staging = Staging(
        recipe=recipe, examples=prepared.examples, rows=prepared.rows, wanted=prepared.wanted, store=prepared.store, machine=machine
    )
    with clock.stage("train and query"):
        trained = staging.train()
    if (stored := len(trained.cohorts) - len(trained.spent)) > 0:
        clock.watcher.note(f"{stored} of {len(trained.cohorts)} cohorts came from the store {prepared.store.folder}")
    if recipe.conversion is None:
        with clock.stage("take further signals"):
            bank = staging.ask(trained.cohorts, None)
    else:
        models = range(len(prepared.rows) if recipe.audit.shadow_stage == "own" else design.FIRST_SHADOW)
        with clock.stage("convert"):
            converted = staging.convert(models)
        with clock.stage("take further signals"):
            bank = staging.ask(converted, models)
            bank = bank if recipe.audit.shadow_stage == "own" else mixed(bank, staging.ask(trained.cohorts, None))
    if prepared.wanted & degrading.available(prepared.recipe):
        with clock.stage("train what a wrong guess gives"):
            bank = replace(bank, signals={**bank.signals, **degrading.train(prepared, bank, prepared.wanted, machine)})
    sibling = None
    if prepared.recipe.audit.canaries:
        with clock.stage("plant canaries"):
            sibling = dose.plant(prepared, machine)
    return bank, sibling, trained.spent


def executor_of(options: Options) -> executor.Executor:
    """Return who trains and probes; ExecutorError where the options do not fit together."""
    return executor.executor(options.executor, scheduler=options.scheduler, address=options.address)


def _written(record: Record, options: Options) -> Record:
    """Write the record; OutputError when the disk is full or gone by now, or another record has come to lie there."""
    folder = options.out or Path("audits") / record.name
    if options.out:
        unclaimed(folder, force=options.force)
    try:
        return record.write(writable(folder))
    except OSError as error:
        raise OutputError(
            f"{folder}: the record cannot be written, got: {error.strerror}; make room or give another folder with --out, "
            f"and the same command goes on from the trained cohorts in the store"
        ) from error


def prepare(target: Place | Recipe, options: Options, watcher: Watcher) -> Prepared:
    """Check everything that can be checked, and deal examples and membership."""
    keep_torch_at_home()
    elsewhere = executor_of(options).elsewhere
    recipe = claimed(describe(target, options))
    for hint in renamed(recipe.audit.attacks):
        watcher.note(hint)
    chosen = choosing.choose(recipe.audit.attacks, choosing.offers(recipe))
    device = device_type(options.device)
    memory = _memory(recipe, chosen.attacks, device, replace(options, memory=_BOUNDLESS) if elsewhere else options)
    store = Store(folder=writable(options.store or default_store()).resolve())
    writable(unclaimed(options.out, force=options.force) if options.out else Path("audits"))
    examples = load(recipe, root=options.data_root or data_root(), offline=options.offline, progress=watcher.stage)
    rows = design.membership(recipe, design.FIRST_SHADOW + recipe.audit.shadows)
    audited = np.flatnonzero(
        require_budget(
            rows[design.FIRST_SHADOW :],
            chosen.attacks,
            spare=1,
            dealt=lambda shadows: design.membership(recipe, design.FIRST_SHADOW + shadows)[design.FIRST_SHADOW :],
        )
    )
    dose.require_room(recipe, audited)
    return Prepared(
        recipe=recipe,
        cards=chosen.cards,
        attacks=chosen.attacks,
        left_out=chosen.left_out,
        examples=examples,
        rows=rows,
        audited=audited,
        device=device,
        store=store,
        memory=memory,
        groupings=grouping.read(options.slices, examples.pool_positions, examples.stored) if options.slices else (),
        workers=memory.workers,
    )


def _memory(recipe: Recipe, attacks: Sequence[Attack], device: str, options: Options) -> cost.Memory:
    """Predict what training, and the probes that the attacks need, take of memory."""
    models, trained = design.FIRST_SHADOW + recipe.audit.shadows, recipe.teacher
    wanted = frozenset().union(*(attack.needs for attack in attacks))
    together = min(models, plan.cohort_size(trained, device))
    staged = together if recipe.audit.shadow_stage == "own" else min(together, design.FIRST_SHADOW)
    probing = max(probing_bytes(trained, wanted, together), probing_bytes(recipe, wanted, staged), converting_bytes(recipe, staged))
    workers = options.workers or schedule.default_workers(device)
    return cost.memory(trained, device, cost.Load(models=models, probing=probing), workers=workers, limit=options.memory)


def judge(
    prepared: Prepared, bank: Bank, *, public_only: bool, expose: bool, sibling: dose.Sibling | None = None
) -> tuple[Summary, Arrays, Arrays]:
    """Attack the population's answers and measure: the content of the record."""
    seen = shown(prepared, bank)
    scores = scoring.attack_all(prepared.attacks, seen.target, seen.phantom, prepared.workers)
    truth = facts.truth(prepared)
    results = measuring.results(prepared.cards, scores, truth, prepared.recipe.training.seed)
    best = measuring.headline(results)
    chosen = [result.name for result in results].index(best)
    strongest = scores[chosen]
    lead = headline.Headline(name=best, attack=prepared.attacks[chosen], scores=strongest, truth=truth)
    need = scoring.needed(prepared.attacks)
    found = headline.findings(prepared, bank, seen, lead)
    haunted = panel.judge(lead, panel.panel(lead, seen.target, need=need, workers=prepared.workers), prepared.recipe)
    looks = headline.looks(prepared, results, scores, best, found)
    arrays = {**facts.arrays(prepared, bank, scores), "pool_positions": prepared.examples.pool_positions, **found.arrays, **haunted.arrays}
    arrays |= guards.arrays(prepared, bank)
    exposed = exposing.exposed(prepared.examples, prepared.audited, strongest.target, truth.target)
    summary = Summary(
        schema_version=SCHEMA_VERSION,
        recipe=prepared.recipe,
        data=facts.data(prepared.examples),
        counts=facts.counts(prepared, truth),
        engine=facts.engine(prepared),
        utility=facts.utility(prepared, bank),
        attacks=results,
        headline=best,
        controls=(
            measuring.phantom_control(results),
            haunted.control,
            dose.dose_control(prepared, seen.target, sibling, best),
            *guards.guards(prepared, bank, seen.target),
            rehearsing.own_coins_control(lead, of_kind(prepared, bank, seen), prepared.rows[:, prepared.audited], found.arrays, need=need),
            rehearsing.direction_control(prepared.cards, scores, truth),
        ),
        power=measuring.power(truth.target, looks.critical, haunted.beyond.phantoms),
        looks=looks,
        beyond=haunted.beyond,
        **found.parts,
        warnings=facts.warnings(prepared, bank, truth),
        arrays_sha256=digest(arrays),
    )
    return summary, arrays, exposed if expose or (public_only and prepared.examples.profile.public) else {}
