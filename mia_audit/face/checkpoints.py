"""A checkpoint that somebody else trained: a recipe written for it, and the audit that the recipe asks for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mia_audit.audit.request.options import Options, data_root
from mia_audit.errors import OutputError, RecipeError
from mia_audit.external import archive, child, code, functions, recipe, served, stored
from mia_audit.external.recipe import External, ExternalRecipe
from mia_audit.face import asked
from mia_audit.face.given import seed_of, whole
from mia_audit.face.held import require_share
from mia_audit.paths import Place
from mia_audit.record.scored import ScoredRecord
from mia_audit.types import Floats

UNCHECKED = (
    "Nobody checked that this is the network its owner knows: a wrong one may load without a word. Give accuracy = ... in [external], or "
    "probe = ... with 16 inputs and their logits."
)
NOTHING = Options()
REFUSED = ("surrogate", "surrogate_variant", "surrogate_area", "ptq", "secure_noise", "dataset", "settings", "slices", "expose", "executor")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a user says of a checkpoint."""

    recipe: ExternalRecipe
    folder: Path
    out: Path
    force: bool
    trusted: bool = False


def audit_external(target: Place, options: Options, *, trusted: bool, say: Callable[[str], None]) -> ScoredRecord:
    """Audit the checkpoint that a recipe names; AuditError, in one line, where it cannot be."""
    wanted, folder = recipe.load(target)
    given = [name for name in REFUSED if getattr(options, name) != getattr(NOTHING, name)]
    if given:
        raise RecipeError(f"a target from outside takes no --{given[0].replace('_', '-')}, it is trained already; leave it out")
    external = wanted.external
    code.require_trusted(code.files(external, folder), recipe.text(wanted), trusted=trusted)
    known = stored.known(wanted.data, folder, root=options.data_root or data_root(), offline=options.offline, progress=say)
    with _opened(external, folder) as it:
        if external.probe:
            child.require_probe(it.predict, folder / external.probe, archive.read(folder / external.probe))
        if isinstance(it.predict, served.Served):
            judged = known.members.size + known.nonmembers.size
            it.predict.require_budget(judged + 2 * min(external.batch, judged))
        asking = asked.Asking(
            output=_kind(external.output),
            together=external.batch,
            attacks=options.attacks,
            seed=seed_of(options.seed or 0),
            accuracy=external.accuracy,
            out=options.out,
            force=options.force,
            name=wanted.name,
            notes=it.notes,
            doubts=() if external.probe or external.accuracy is not None else (UNCHECKED,),
        )
        shadows = whole("shadows", 16 if options.shadows is None else options.shadows, 0)
        return asked.audit(it.predict, known.given, (known.members, known.nonmembers), (it.fit, shadows), asking)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is asked, what trains others like it (None: nobody), and notes."""

    predict: Callable[[Any], Any]
    fit: asked.Fit | None
    notes: tuple[str, ...]


@contextmanager
def _opened(external: External, folder: Path) -> Iterator[Target]:
    """Give the network of a recipe: in a process of its own, or behind its endpoint."""
    at = served.opened(external) if external.endpoint else None
    if at is not None and not external.train:
        yield Target(predict=at, fit=None, notes=at.notes)
        return
    with child.opened(external, folder) as kid:
        yield Target(predict=at or kid.predict, fit=kid.fit if external.train else None, notes=at.notes if at else kid.notes)


def write_recipe(wanted: Wanted, say: Callable[[str], None]) -> Path:
    """Try a recipe on a few examples, write it, and say what was found; nothing is written where it does not work."""
    if wanted.out.exists() and not wanted.force:
        raise OutputError(f"{wanted.out}: init needs a file that is not there, got one; give another -o FILE, or --force")
    external = wanted.recipe.external
    known = stored.known(wanted.recipe.data, wanted.folder, root=data_root(), offline=False, progress=say)
    sides = asked.sides_of(known.given, (known.members, known.nonmembers))
    run = code.files(external, wanted.folder)
    code.require_program_trusted(run, trusted=wanted.trusted)
    with _opened(external, wanted.folder) as target:
        for note in (*target.notes, *sides.notes):
            say(note)
        places = sides.places[~sides.member][: external.batch if external.endpoint else 1_000]
        scores = functions.ask(functions.function(target.predict, "the target"), known.given, places, external.batch)
        labels = np.zeros(len(places)) if known.given.labels is None else known.given.labels[places]
        say(f"{int(sides.member.sum())} members, {int((~sides.member).sum())} non-members; {scores.shape[1]} scores an example.")
        if scores.shape[1] > 1 and external.accuracy is not None:
            require_share((scores.argmax(axis=1) == labels), external.accuracy)
        elif scores.shape[1] > 1:
            right = f"{(scores.argmax(axis=1) == labels).mean():.1%} of {len(places)} non-members"
            say(f"It is right about {right}: is that what its owner measured? Give --accuracy with what they did.")
        for line in unknowable(scores):
            say(line)
    text = recipe.text(wanted.recipe)
    try:
        wanted.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{wanted.out}: the recipe cannot be written, got {error.strerror}; give another -o FILE") from error
    if run:
        code.trust(run, text)
    return wanted.out


def unknowable(scores: Floats) -> tuple[str, ...]:
    """Say what no file of weights tells, so that its owner has to."""
    varies = float(np.ptp(scores)) > 0
    return () if varies else ("All scores are equal: this network has not been trained, or its inputs are prepared otherwise.",)


def _kind(output: str) -> str:
    last = output.rpartition(".")[2]
    return last if last in {"logits", "probabilities", "labels"} else "outputs"
