"""`mia_audit.audit`: any function x -> scores, asked about members and non-members; with a second that trains, compared with its like.

All examples are asked in one random order, so that nothing that drifts while asking tells the sides apart. Where shadow models can be
trained, their members are drawn by independent fair coins over members and non-members alike, as the zoo's are; the target's own members
were not, and the verdict says so.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mia_audit.errors import DataError, EvidenceError, TrainingError, UsageError
from mia_audit.external import examples, functions, membership, outputs
from mia_audit.external.examples import Given
from mia_audit.external.files import reason
from mia_audit.external.functions import Function
from mia_audit.external.predictions import DECIDED, UNLABELLED
from mia_audit.face import held, scored_record
from mia_audit.face.scoring import Beside, score
from mia_audit.record.scored import Read, ScoredRecord
from mia_audit.streams import stream, stream_seed
from mia_audit.types import Bools, Evidence, Floats, Ints

Predict = Callable[[Any], Any]
Fit = Callable[[Ints, int], Predict]
MOST_EQUAL = 0.01
"""Share of examples with an equal one on the other side above which nothing is audited."""
SEEN = 4_000
"""Examples that the classifier which sees no network looks at."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How the networks are asked and what is written.

    output    what they return: "outputs" (logits or probabilities, by what rows sum to), "logits", "probabilities", or "labels"
    together  examples in a batch
    accuracy  what its owner measured on examples like the non-members; the target is held to it
    """

    output: str = "outputs"
    together: int = 256
    attacks: Sequence[str] | None = None
    seed: int = 0
    accuracy: float | None = None
    out: Path | None = None
    force: bool = False
    name: str = "target"
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The examples that are judged, by position, who of them is a member, and what was left out."""

    places: Ints
    member: Bools
    notes: tuple[str, ...]


def audit(predict: Predict, data: Any, who: tuple[Any, Any], fit: tuple[Fit | None, int], asking: Asking) -> ScoredRecord:
    """Ask a target, and shadow models where they can be trained, and return the record, written and drawn.

    who  positions of members and of non-members
    fit  what trains, and how many shadow models
    """
    started = time.monotonic()
    scored_record.require_room(asking.out, force=asking.force)
    known = examples.given(data)
    sides = sides_of(known, who)
    target = functions.function(predict, "the target")
    order = stream(asking.seed, "asked order").permutation(len(sides.places))
    with functions.evaluating(target) as told:
        doubts = functions.doubts(target, known, sides.places[order[: asking.together]])
        answers = [_asked(target, known, sides, order, asking)]
    coins = stream(asking.seed, "shadow coins").random((fit[1] if fit[0] else 0, len(order))) < 0.5
    answers += [_shadow(fit[0], known, sides, order, asking, row, number) for number, row in enumerate(coins) if fit[0]]
    given = _evidence(answers, known, sides, coins, asking)
    held.require_accuracy(given.seen, sides.member, asking.accuracy)
    look, looked = _look(known, sides, asking.seed)
    beside = Beside(inputs=look, looked=looked, able=given.able, lacking=given.lacking, truth=given.truth)
    found = score(given.seen, sides.member, asking.attacks, asking.seed, beside)
    notes = (*asking.notes, *known.notes, *sides.notes, *told, *given.notes)
    read = Read(name=asking.name, sha256=_identity(known, sides), kind=given.kind, columns=(), notes=notes)
    part = scored_record.Part(kept=np.ones(len(order), dtype=np.bool_), member=sides.member, classes=given.seen.classes, seed=asking.seed)
    record = scored_record.recorded(found, read, part, (*asking.doubts, *doubts, *held.unlike(given.seen, sides.member)))
    return scored_record.written(record, scored_record.ran(started, ""), asking.out)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Answers as evidence, what they were, and what was done to them."""

    seen: Evidence
    kind: str
    notes: tuple[str, ...]
    able: frozenset[str] | None
    lacking: str
    truth: Ints | None = None


def sides_of(known: Given, who: tuple[Any, Any]) -> Sides:
    """Return whom to judge: members and non-members but for those with an equal one on the other side."""
    member, used = membership.of_indices(*who, known.size)
    places = np.flatnonzero(used)
    equal = examples.equal_contents(known.digests(places), member[places])
    if equal.mean() > MOST_EQUAL:
        raise DataError(
            f"members and non-members need to be different examples, got {int(equal.sum())} of {equal.size} with an equal one on the other "
            f"side, more than {MOST_EQUAL:.0%}; take doubles out of one side"
        )
    left = len(places) and int(equal.sum())
    notes = (f"{left} examples with an equal one on the other side were left out.",) if left else ()
    return Sides(places=places[~equal], member=member[places][~equal], notes=notes)


def _asked(who: Function, known: Given, sides: Sides, order: Ints, asking: Asking) -> Floats:
    """Return a network's answers in the order of the sides, asked in another."""
    found = functions.ask(who, known, sides.places[order], asking.together)
    answers = np.empty_like(found)
    answers[order] = found
    return answers


def _shadow(  # noqa: PLR0913, PLR0917  what trains it and what it is asked
    fit: Fit, known: Given, sides: Sides, order: Ints, asking: Asking, row: Bools, number: int
) -> Floats:
    """Return the answers of a shadow model, trained on the examples whose coins fell on member."""
    try:
        model = fit(sides.places[row], stream_seed(asking.seed, "shadow fit", number) % 2**31)
    except Exception as error:  # whatever somebody's function raises
        raise TrainingError(f"train could not fit shadow model {number}, got {reason(error)}; try it as train(indices, seed)") from error
    if not callable(model):
        raise UsageError(f"train needs to return a function x -> scores or a module, got {type(model).__name__}; return what predicts")
    shadow = functions.function(model, f"shadow model {number}")
    with functions.evaluating(shadow):
        return _asked(shadow, known, sides, order, asking)


def _evidence(answers: Sequence[Floats], known: Given, sides: Sides, coins: Bools, asking: Asking) -> Answered:
    """Return all models' answers as evidence; EvidenceError where they are no classifier's for these labels."""
    widths = sorted({each.shape[1] for each in answers})
    if len(widths) > 1:
        raise EvidenceError(
            f"shadow models need as many scores as the target, got {' and '.join(map(str, widths))}; train the same network"
        )
    stacked = np.stack(answers)
    labels = None if known.labels is None else known.labels[sides.places]
    if asking.output == "labels":
        return _decided(stacked, labels, coins)
    place = outputs.Place(file="answers", columns=("scores",), where=lambda row: f"example {row}")
    logits, notes = outputs.as_logits(stacked, asking.output, place)
    kind = "logits" if logits is stacked else asking.output if asking.output != "outputs" else "probabilities"
    if labels is None:
        labels, able, lacking = logits[0].argmax(axis=-1), UNLABELLED, "labels"
        notes = (*notes, "There are no labels: attacks that need none run, on the class that the target predicts.")
    else:
        able, lacking = None, ""
    _require_classes(labels, logits.shape[-1])
    return Answered(seen=_seen(logits, labels, coins), kind=kind, notes=notes, able=able, lacking=lacking)


def _decided(stacked: Floats, labels: Ints | None, coins: Bools) -> Answered:
    """Return predicted classes as logits of "right" and "wrong"."""
    if labels is None or stacked.shape[-1] != 1:
        got = "none" if labels is None else f"{stacked.shape[-1]} scores an example"
        raise EvidenceError(f"answers that are labels need one class an example and the right ones beside them, got {got}; give labels")
    right = stacked[..., 0] == labels
    logits = np.where(np.stack([right, ~right], axis=-1), 1.0, 0.0)
    seen = _seen(logits, np.zeros(labels.size, dtype=np.int64), coins)
    return Answered(seen=seen, kind="labels", notes=(), able=DECIDED, lacking="logits, probabilities or losses", truth=labels)


def _seen(logits: Floats, labels: Ints, coins: Bools) -> Evidence:
    return Evidence(target=logits[:1], shadows=logits[1:, None], trained_on=coins, labels=labels)


def _require_classes(labels: Ints, classes: int) -> None:
    if labels.min() < 0 or labels.max() >= classes:
        raise EvidenceError(
            f"the target needs a score for every class, labels go from {labels.min()} to {labels.max()}, got {classes} scores an example; "
            "let labels count from 0, or return all scores"
        )


def _look(known: Given, sides: Sides, seed: int) -> tuple[Floats, Ints]:
    """Return inputs of so many members and as many non-members at most, and which they are."""
    rng = stream(seed, "looked at")
    some = [rng.permutation(np.flatnonzero(side))[: SEEN // 2] for side in (sides.member, ~sides.member)]
    looked = np.sort(np.concatenate(some))
    return known.values(sides.places[looked]), looked


def _identity(known: Given, sides: Sides) -> str:
    """Return a hash of the judged examples and of who is a member."""
    state = hashlib.sha256(np.packbits(sides.member).tobytes())
    for each in known.digests(sides.places):
        state.update(each)
    return state.hexdigest()
