"""An audit as a user calls it: options as they were written, progress where it can be seen, the record and its page."""

from contextlib import AbstractContextManager, nullcontext

from mia_audit.audit import Options, Watcher, audit
from mia_audit.face.record import Record
from mia_audit.paths import Place
from mia_audit.progress import shown
from mia_audit.recipe import Recipe


def run(target: Place | Recipe, options: Options, *, watcher: Watcher | None = None, command: str = "") -> Record:
    """Audit a target, draw its page beside the record, and return the record; without a watcher, progress is shown where it suits."""
    watching: AbstractContextManager[Watcher] = shown() if watcher is None else nullcontext(watcher)
    with watching as heard:
        record = Record.of(audit(target, options, watcher=heard, command=command))
        heard.stage("draw the report")
        record.report()
    return record
