"""What several commands take: the target, what changes its recipe, and where things lie. Completed in the shell, expanded like paths."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from mia_audit.errors import UsageError
from mia_audit.paths import expanded

Names = Callable[[], Iterable[str]]


def targets() -> Iterable[str]:
    """Return the names of the zoo."""
    from mia_audit.catalogue import target_names  # noqa: PLC0415  help must not pay for it

    return target_names()


def surrogates() -> Iterable[str]:
    """Return the names of surrogate gradients."""
    from mia_audit.models.surrogates import SURROGATES  # noqa: PLC0415

    return [each.name for each in SURROGATES]


def datasets() -> Iterable[str]:
    """Return the names of data sets."""
    from mia_audit.catalogue import dataset_names  # noqa: PLC0415

    return dataset_names()


def attacks() -> Iterable[str]:
    """Return the names of suites, families and attacks."""
    from mia_audit.catalogue import card_names, families, suite_names  # noqa: PLC0415

    return (*suite_names(), *families(), *card_names())


def completing(names: Names) -> Callable[[str], list[str]]:
    """Return a completion of one name."""
    return lambda incomplete: [name for name in names() if name.startswith(incomplete)]


def completing_list(names: Names) -> Callable[[str], list[str]]:
    """Return a completion of the last of several names with commas between them."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in names() if name.startswith(last)]

    return complete


def place(text: str) -> Path:
    """Return the path that an argument names."""
    return expanded(text, "this command")


def one_target(argument: str | None, option: str | None) -> str:
    """Return the target, which may stand by itself or behind --target; UsageError where it is absent or named twice."""
    if argument is not None and option is not None and argument != option:
        raise UsageError(f"an audit needs one target, got {argument!r} and --target {option!r}; leave one out")
    named = argument if argument is not None else option
    if named is None:
        raise UsageError(
            "an audit needs a target, got none; name one of the zoo (`mia-audit list targets`) or a recipe file, as in "
            "`mia-audit run snn-q4`; `mia-audit run --help` shows what it takes"
        )
    return named


Text = str | None
Target = Annotated[
    Text,
    typer.Argument(
        metavar="TARGET",
        help="Recipe of the zoo (`mia-audit list targets`) or path of a recipe file.",
        autocompletion=completing(targets),
        show_default=False,
    ),
]
TargetOption = Annotated[Text, typer.Option("--target", help="The same, as an option.", autocompletion=completing(targets))]
Surrogate = Annotated[
    Text,
    typer.Option(help="Surrogate gradient of a spiking target (`mia-audit list surrogates`).", autocompletion=completing(surrogates)),
]
SurrogateVariant = Annotated[
    Text,
    typer.Option(
        help="textbook, or snntorch for exactly what snnTorch computes.", autocompletion=completing(lambda: ("textbook", "snntorch"))
    ),
]
SurrogateArea = Annotated[float | None, typer.Option(help="Scale the surrogate to this area, 1 for all alike.")]
PTQ = Annotated[bool, typer.Option("--ptq", help="Quantize after training, not while.")]
SecureNoise = Annotated[
    bool,
    typer.Option("--secure-noise", help="Draw a private training's noise and sampling from the operating system; nobody can repeat it."),
]
Dataset = Annotated[
    Text,
    typer.Option(
        help="Data set (`mia-audit list datasets`), or your own: .npz, .csv, .parquet, a folder of pictures, a card.",
        autocompletion=completing(datasets),
    ),
]
DataRoot = Annotated[
    Text, typer.Option(help="Folder of torchvision data sets; $MIA_AUDIT_DATA by default, else in the user's cache.", metavar="FOLDER")
]
Offline = Annotated[bool, typer.Option("--offline", help="Never download.")]
Attacks = Annotated[
    Text,
    typer.Option(help="Suites, families or attacks, with commas (`mia-audit list attacks`).", autocompletion=completing_list(attacks)),
]
Shadows = Annotated[int | None, typer.Option(help="Number of shadow models.", min=0, metavar="NUMBER")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.", min=0, metavar="NUMBER")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.", autocompletion=completing(lambda: ("auto", "cpu", "cuda")))]
Store = Annotated[
    Text, typer.Option(help="Folder of trained cohorts, reused by later audits; in the user's cache by default.", metavar="FOLDER")
]
Out = Annotated[Text, typer.Option(help="Folder of the record; audits/TARGET-ID by default.", metavar="FOLDER")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the record that lies in --out.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="Any recipe field. Repeatable.", metavar="KEY.PATH=VALUE")]
Slices = Annotated[Text, typer.Option(help="CSV file whose columns part the examples, or a file of positions.", metavar="FILE")]
Expose = Annotated[
    bool | None, typer.Option("--expose/--no-expose", help="Show the most exposed examples; by default of public data only.")
]
Workers = Annotated[int | None, typer.Option(help="Worker processes; one a core by default.", min=1, metavar="NUMBER")]
Memory = Annotated[
    Text, typer.Option(help="Memory for all workers together, such as 8GiB; 60 % of what is free by default.", metavar="SIZE")
]
EXECUTORS = ("local", "dask", "ray")
Executor = Annotated[
    Text,
    typer.Option(
        help="Who trains: local, dask or ray; all machines must see the store.",
        autocompletion=completing(lambda: EXECUTORS),
        metavar="NAME",
    ),
]
Scheduler = Annotated[Text, typer.Option(help="Dask's scheduler; a local cluster by default.", metavar="tcp://HOST:PORT")]
Address = Annotated[Text, typer.Option(help="Ray's address; a local cluster by default.", metavar="HOST:PORT")]

Title = Annotated[Text, typer.Option(help="Title of the page; target and data by default.", metavar="TEXT")]
Organisation = Annotated[Text, typer.Option(help="Who runs the audit, for the page.", metavar="TEXT")]
Contact = Annotated[Text, typer.Option(help="Whom to ask about it, for the page.", metavar="TEXT")]


def asked(*, settings: list[str] | None, **given: Any) -> Any:
    """Return the options of an audit (mia_audit.audit.Options) from a command line's arguments."""
    from mia_audit.audit import asked as read  # noqa: PLC0415
    from mia_audit.catalogue import parse_settings  # noqa: PLC0415

    return read(settings=parse_settings(settings or []), **given)
