"""Membership-inference audits: can an outsider find out whose data trained this network, and how sure are we? Run one like this.

    import mia_audit

    record = mia_audit.run("snn-q4", surrogate="sre")  # or mia_audit.load("audits/snn-q4-1234abcd")
    record                                             # five lines; in a notebook a table
    record.attacks                                     # a data frame: an attack a row, with intervals
    record.examples                                    # the same for examples: who is named, how surely, at what risk
    record.figure("roc").savefig("roc.pdf")            # for a paper
    record.report("audit.html")                        # the page

Whoever has a network's answers but no recipe scores them: `mia_audit.score(logits=..., labels=..., member=..., references=...)`.

`record.summary` holds every total, `record.arrays` every array.
Whatever goes wrong is a `mia_audit.AuditError` that says the way out. Importing the package costs nothing; `run` imports what it needs.
"""

import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mia_audit.errors import AuditError, UsageError
from mia_audit.paths import Place, expanded

if TYPE_CHECKING:
    from collections.abc import Callable

    from mia_audit.audit import Watcher
    from mia_audit.face.record import Record
    from mia_audit.face.scored import Scored
    from mia_audit.recipe import Recipe
    from mia_audit.record.scored import ScoredRecord
    from mia_audit.types import Bools, Floats, Ints


def run(  # noqa: PLR0913  the arguments of `mia-audit run`, one for one
    target: "Place | Recipe",
    *,
    surrogate: str | None = None,
    surrogate_variant: str | None = None,
    surrogate_area: float | None = None,
    ptq: bool = False,
    secure_noise: bool = False,
    dataset: str | None = None,
    attacks: str | Sequence[Place] | None = None,
    shadows: int | None = None,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    data_root: Place | None = None,
    offline: bool = False,
    device: str = "auto",
    store: Place | None = None,
    out: Place | None = None,
    force: bool = False,
    slices: Place | None = None,
    expose: bool | None = None,
    workers: int | None = None,
    memory: int | str | None = None,
    title: str | None = None,
    organisation: str | None = None,
    contact: str | None = None,
    executor: str | None = None,
    scheduler: str | None = None,
    address: str | None = None,
    watcher: "Watcher | None" = None,
) -> "Record":
    """Train a target and its shadow models, attack them, and return the record: `mia-audit run`, argument for argument.

    The record and its page (report.html) lie in `out` when it returns. A path may be a text or a `pathlib.Path`; `~` and `$NAME` in it
    are filled in. What is None stays as the recipe or the machine has it.

    Args:
        target: a recipe of the zoo by name (`mia-audit list targets`), the path of a recipe file, or a `mia_audit.recipe.Recipe`.
        surrogate: the surrogate gradient of a spiking target, by name (`mia-audit list surrogates`).
        surrogate_variant: "textbook", or "snntorch" for exactly what snnTorch computes.
        surrogate_area: scale the surrogate to this area; 1 for all alike.
        ptq: quantize after training, not while.
        secure_noise: draw a private training's noise and sampling from the operating system; nobody can repeat it.
        dataset: a data set by name (`mia-audit list datasets`).
        attacks: suites, families and attacks (`mia-audit list attacks`), or paths of attack cards: "full", "loss, lira", ["loss", "lira"].
        shadows: how many shadow models are trained.
        seed: the seed of everything random, from 0.
        settings: any recipe field, applied last: {"training.epochs": 3}, or the same as tables: {"training": {"epochs": 3}}.
        data_root: folder of torchvision data sets; by default `$MIA_AUDIT_DATA`, else in the user's cache.
        offline: never download.
        device: "auto", "cpu" or "cuda".
        store: folder of trained cohorts, reused by later audits; by default in the user's cache.
        out: folder of the record; by default audits/<what was audited>-<first 8 digits of its id>.
        force: overwrite a record that lies in `out` already.
        slices: a CSV file whose columns part the examples, or a file of positions, one a line.
        expose: whether the most exposed examples themselves are kept in the record; by default of public data only.
        workers: worker processes at once; by default one a core.
        memory: what all workers together may take, in bytes or as "8GiB"; by default 60 % of what is free.
        title: of the page; by default target and data.
        organisation: who runs the audit, for the page.
        contact: whom to ask about it, for the page.
        executor: who trains and probes: "local", "dask" or "ray"; what a cluster trains lies in a store that all its machines see.
        scheduler: of Dask, such as "tcp://host:8786"; by default a local cluster.
        address: of Ray, such as "host:6379"; by default a local cluster.
        watcher: who is told of stages and progress (`mia_audit.audit.Watcher`; `mia_audit.audit.Silent()` says nothing); by default bars
            in a terminal, a bar in a notebook, a line a minute elsewhere.

    Raises:
        AuditError: in one line, what needs which rule, what it got, and the way out. What was trained stays in the store.
    """
    from mia_audit.audit import asked  # noqa: PLC0415  seconds of imports, paid by those who audit
    from mia_audit.face.running import run as audit  # noqa: PLC0415

    options = asked(
        surrogate=surrogate, surrogate_variant=surrogate_variant, surrogate_area=surrogate_area, ptq=ptq,
        secure_noise=secure_noise, dataset=dataset, attacks=attacks, shadows=shadows, seed=seed, settings=settings, data_root=data_root,
        offline=offline, device=device, store=store, out=out,
        force=force, slices=slices, expose=expose, workers=workers, memory=memory, title=title, organisation=organisation, contact=contact,
        executor=executor, scheduler=scheduler, address=address,
    )  # fmt: skip
    return audit(target, options, watcher=watcher)


def load(folder: Place) -> "Record":
    """Read the record in a folder that an audit wrote; AuditError says what is missing, damaged or of another version."""
    from mia_audit.face.record import load as read  # noqa: PLC0415

    return read(folder)


def score(  # noqa: PLR0913  arrays have names
    *,
    logits: "Floats",
    labels: "Ints",
    member: "Bools",
    references: "tuple[Floats, Bools] | None" = None,
    population: "tuple[Floats, Ints] | tuple[Floats, Ints, Floats] | None" = None,
    inputs: "Floats | None" = None,
    attacks: str | Sequence[Place] | None = None,
    seed: int = 0,
) -> "Scored":
    """Attack a network whose answers you have: an audit of arrays, without a model.

    What is given decides what runs. Answers alone: thresholds. References, networks like it whose members are known: likelihood ratios and
    comparisons, the headline chosen on references, and a control. Answers on a population that nobody was trained on: RMIA. The examples
    themselves: a second control. Without either control the verdict claims no leak, only that members and others are told apart.

    >>> import numpy as np, mia_audit
    >>> rng = np.random.default_rng(0)
    >>> member, labels = rng.random((17, 400)) < 0.5, rng.integers(0, 10, 400)  # row 0 is the target, 16 references
    >>> logits = rng.normal(size=(17, 400, 10)); logits[:, np.arange(400), labels] += 3 * rng.normal(size=400) + 2 * member
    >>> found = mia_audit.score(logits=logits[0], labels=labels, member=member[0], references=(logits[1:], member[1:]))
    >>> found.leaks, found.headline
    (True, 'lira-online')
    >>> found.verdict.partition(":")[0]
    'Membership leaks (lira-online'
    >>> mia_audit.score(logits=logits[0], labels=labels, member=member[0]).headline is None  # nobody to choose it on
    True

    Args:
        logits: the target's, [examples, classes], or [queries, examples, classes] where it was asked several times.
        labels: the true class of each example, from 0.
        member: which examples the target was trained on, bools; the others must be like them in all else.
        references: logits [models, examples, classes] (or with queries) of comparable networks, and bools [models, examples]: which
            of them was trained on which example. Their members must be drawn apart from the target's, best by coins.
        population: the target's logits on examples that no model was trained on, their labels, and the references' logits there.
        inputs: the examples themselves, [examples, ...]: a classifier that never sees the network must not tell members by them.
        attacks: suites, families, names or cards (`mia-audit list attacks`); by default the strong ones that need no fitting.
        seed: of the bootstrap intervals.

    Returns:
        `.verdict`, `.leaks`, `.table` (an attack a row, with intervals), `.attacks` with every example's score, `.judged`.

    Raises:
        AuditError: what is not the array it should be, or does not suffice, and the way out.
    """
    from mia_audit.audit.request.reading import READERS  # noqa: PLC0415
    from mia_audit.face import given  # noqa: PLC0415
    from mia_audit.face.scoring import Beside  # noqa: PLC0415
    from mia_audit.face.scoring import score as scored  # noqa: PLC0415

    number = given.seed_of(seed)
    seen, truth = given.evidence(logits, labels, member, references, population)
    names = None if attacks is None else READERS["attacks"]("attacks", attacks)
    return scored(seen, truth, names, number, Beside(inputs=given.features(inputs, truth.size)))


def audit(  # noqa: PLR0913  what is asked, of whom, and how
    predict: "Callable[[Any], Any]",
    data: Any,
    *,
    members: Any,
    nonmembers: Any,
    train: "Callable[[Ints, int], Callable[[Any], Any]] | None" = None,
    shadows: int = 16,
    output: str = "outputs",
    attacks: str | Sequence[Place] | None = None,
    accuracy: float | None = None,
    batch: int = 256,
    seed: int = 0,
    out: Place | None = None,
    force: bool = False,
    name: str = "target",
) -> "ScoredRecord":
    """Audit a network that you trained elsewhere: any function x -> scores, asked about its members and non-members.

        record = mia_audit.audit(lambda x: net(x)[1].mean(0), train_set, members=a, nonmembers=b)
        record = mia_audit.audit(net, train_set, members=a, nonmembers=b, train=fit, shadows=16)

    Modules are asked in evaluation mode and put back; membranes are reset before every batch. The target is asked about one batch twice and
    in another order, and the record says where the answers differ. `mia_audit.run` audits what it trains itself, which can claim more.

    Args:
        predict: a function of a batch, in the form that `data` has, to scores [examples, classes] (or [examples] of one output).
        data: (x, y) as arrays or tensors, x alone, or a data set that gives (x, y) by position.
        members: positions in `data` of examples that the target was trained on, or bools.
        nonmembers: positions of examples like them that it was not trained on.
        train: train(indices, seed) -> a function or module like `predict`, trained on those positions as the target was.
        shadows: how many are trained by it; their members are drawn by fair coins.
        output: "outputs" (logits or probabilities, by what rows sum to), "logits", "probabilities" or "labels".
        attacks: suites, families, names or cards (`mia-audit list attacks`); by default the strong ones that need no fitting.
        accuracy: what its owner measured, from 0 to 1; a target that is further off is refused.
        batch: how many examples are asked about at once.
        seed: of shadow models' coins, of the order of asking, and of intervals.
        out: folder of the record and its page; by default audits/<name>-<first 8 digits of its id>.
        force: overwrite a record that lies in `out` already.
        name: what the target is called.

    Raises:
        AuditError: in one line, what needs which rule, what it got, and the way out.
    """
    from mia_audit.audit.request.reading import READERS  # noqa: PLC0415
    from mia_audit.face import asked, given  # noqa: PLC0415

    if train is not None and not callable(train):
        raise UsageError(
            f"train needs to be a function of indices and a seed, got {type(train).__name__}; give train(indices, seed) -> model"
        )
    asking = asked.Asking(
        output=given.output_of(output),
        together=given.whole("batch", batch, 1),
        attacks=None if attacks is None else READERS["attacks"]("attacks", attacks),
        seed=given.seed_of(seed),
        accuracy=accuracy,
        out=None if out is None else expanded(out, "out"),
        force=force,
        name=READERS["title"]("name", name),
    )
    return asked.audit(predict, data, (members, nonmembers), (train, given.whole("shadows", shadows, 0)), asking)


class _Front(ModuleType):
    """This package: importing its room `audit` would hide the function of that name, so the room answers to calls as the function does."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "audit" and isinstance(value, ModuleType):
            value.__class__ = _Room
        super().__setattr__(name, value)


class _Room(ModuleType):
    """The room `mia_audit.audit`, which may be called."""

    def __call__(self, *arguments: Any, **named: Any) -> "ScoredRecord":
        """Audit a network that was trained elsewhere: see the help of `mia_audit.audit`."""
        return _audit(*arguments, **named)


_audit = audit
sys.modules[__name__].__class__ = _Front


def __getattr__(name: str) -> Any:
    """Return what costs something to find out, when it is asked for: the version, and the class of records."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("mia-audit")
    if name == "Record":
        from mia_audit.face.record import Record  # noqa: PLC0415

        return Record
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["AuditError", "Record", "audit", "load", "run", "score"]
