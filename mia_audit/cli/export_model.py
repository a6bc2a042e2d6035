"""`mia-audit export-model`: the target of a record as files that another framework loads."""

from pathlib import Path
from typing import Annotated

import typer


def export_model(
    record: Annotated[Path, typer.Argument(help="Record folder, as `run` wrote it.")],
    form: Annotated[str, typer.Option("--format", help="torch, snntorch, brevitas, onnx or nir.", metavar="FORMAT")] = "torch",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder to write; RECORD-FORMAT by default.")] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of trained models; the user's cache by default.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="Folder of data sets.")] = None,
) -> None:
    """Write the target that a record is of, so that a framework loads it without mia-audit. Its weights have to lie in the store.

    What was written is loaded again and asked beside the engine's network; what a format cannot hold is refused with the reason.
    """
    from mia_audit.audit.request.options import data_root as usual_root  # noqa: PLC0415  help must not pay for it
    from mia_audit.audit.request.options import default_store  # noqa: PLC0415
    from mia_audit.exporting.writing import Place, exported  # noqa: PLC0415
    from mia_audit.record import load  # noqa: PLC0415

    recipe = load(record).summary.recipe
    folder = out or record.resolve().with_name(f"{record.resolve().name}-{form}")
    place = Place(store=store or default_store(), data_root=data_root or usual_root())
    typer.echo(f"Written: {exported(recipe, form, folder, place, typer.echo)}")
