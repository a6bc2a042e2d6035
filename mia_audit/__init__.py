"""Membership-inference audits: can an outsider find out whose data trained this network, and how sure are we? Run one like this.

    import mia_audit
    record = mia_audit.run("snn-q4", surrogate="sre")

The record's summary holds every total, its arrays every example; `mia_audit.report.table.columns(record)` has one row an example.
Importing the package costs nothing; `run` imports what it needs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mia_audit.recipe import Recipe
    from mia_audit.record import Record


def run(  # noqa: PLR0913  the arguments of `mia-audit run`, one for one
    target: "str | Recipe",
    *,
    surrogate: str | None = None,
    surrogate_variant: str | None = None,
    surrogate_area: float | None = None,
    ptq: bool = False,
    dataset: str | None = None,
    attacks: Sequence[str] | None = None,
    shadows: int | None = None,
    seed: int | None = None,
    settings: Mapping[str, Any] | None = None,
    data_root: Path | None = None,
    offline: bool = False,
    device: str = "auto",
    store: Path | None = None,
    out: Path | None = None,
    slices: Path | None = None,
    expose: bool | None = None,
    workers: int | None = None,
    memory: int | None = None,
) -> "Record":
    """Audit a target and return the record, which is also written to `out` (default: audits/<what was audited>-<first 8 of its id>).

    The same as the command `mia-audit run`, argument for argument. Raises a `mia_audit.errors.AuditError` that says the way out.
    """
    from mia_audit.audit import Options, audit  # noqa: PLC0415  seconds of imports, paid by those who audit

    options = Options(
        surrogate=surrogate,
        surrogate_variant=surrogate_variant,
        surrogate_area=surrogate_area,
        ptq=ptq,
        dataset=dataset,
        attacks=attacks,
        shadows=shadows,
        seed=seed,
        settings=settings or {},
        data_root=data_root,
        offline=offline,
        device=device,
        store=store,
        out=out,
        slices=slices,
        expose=expose,
        workers=workers,
        memory=memory,
    )
    return audit(target, options)


__all__ = ["run"]
