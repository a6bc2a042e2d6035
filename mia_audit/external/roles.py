"""Which column plays which part, by its name where the caller does not say: membership, labels, and what the network answered."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mia_audit.errors import DataError, UsageError, nearest
from mia_audit.external.files import told

Kind = Literal["logits", "probabilities", "losses", "labels", "outputs"]
KINDS: tuple[Kind, ...] = ("logits", "probabilities", "losses", "labels", "outputs")

MEMBER = ("member", "members", "is_member", "ismember", "membership", "in_train", "in_training", "is_train", "trained_on", "split", "set")
LABEL = ("label", "labels", "y", "y_true", "true_label", "target", "targets", "class", "true", "truth", "ground_truth")
INPUTS = ("inputs", "input", "x", "features", "images")
_ALONE: Mapping[Kind, str] = {
    "logits": "logits logit z",
    "outputs": "outputs output scores score",
    "probabilities": "probabilities probability probs prob p proba softmax confidence confidences",
    "losses": "loss losses nll cross_entropy crossentropy",
    "labels": "pred prediction predictions predicted y_pred predicted_label",
}
_BEFORE_A_CLASS: Mapping[Kind, str] = {
    "logits": "logits logit z",
    "outputs": "outputs output scores score class",
    "probabilities": "probabilities probability probs prob proba softmax p",
}
WHOLE: Mapping[str, Kind] = {name: kind for kind, names in _ALONE.items() for name in names.split()}
"""Columns that hold all of an answer, and of which kind."""
_PREFIXES: Mapping[str, Kind] = {name: kind for kind, names in _BEFORE_A_CLASS.items() for name in names.split()}
_OF_CLASS = re.compile(rf"({'|'.join(sorted(_PREFIXES, key=len, reverse=True))})(?:[_\-. :\[(/]+(.+?)[\])]?|(\d+))", re.IGNORECASE)
_ORDER: tuple[Kind, ...] = ("logits", "outputs", "probabilities", "losses", "labels")
"""What is taken where several are there: what tells most."""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Names of columns by their part; "" or none where it is not there.

    outputs  what the network answered: one column that holds all of it, or one a class
    classes  what the classes are called, in the order of `outputs`; none where one column holds them all
    unused   columns that could have been taken for answers too
    """

    member: str
    label: str
    outputs: tuple[str, ...]
    kind: Kind
    classes: tuple[str, ...]
    inputs: tuple[str, ...]
    unused: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the caller says of columns; empty where the names are to say it."""

    member: str = ""
    label: str = ""
    outputs: tuple[str, ...] = ()
    kind: str = ""


BY_NAME = Wanted()


def found(file: str, names: Sequence[str], wanted: Wanted, labels: Iterable[str] = ()) -> Roles:
    """Return the parts of columns; DataError where no column holds answers, or two could hold the same part.

    labels  values of the column of labels, which columns may be called by without a prefix
    """
    if wanted.kind and wanted.kind not in KINDS:
        raise UsageError(f"--as needs {', '.join(KINDS[:-1])} or {KINDS[-1]}, got {wanted.kind!r}{nearest(wanted.kind, KINDS)}")
    for each in (wanted.member, wanted.label, *wanted.outputs):
        if each and each not in names:
            raise UsageError(f"{file}: has no column {each!r}{nearest(each, names)}")
    member = wanted.member or _one(file, names, MEMBER, "--member")
    label = wanted.label or _one(file, [name for name in names if name != member], LABEL, "--label")
    rest = [name for name in names if name not in {member, label}]
    families: dict[Kind, tuple[str, ...]] = {kind: tuple(each) for kind, each in _families(rest, tuple(labels)).items()}
    kind, outputs = _answers(file, rest, wanted, families)
    ordered, classes, notes = _classes(outputs)
    unused = tuple(name for other, each in families.items() if other != kind for name in each if name not in ordered)
    inputs = tuple(name for name in rest if name.lower() in INPUTS or re.match(r"(input|feature|x)_?\d+$", name, re.IGNORECASE))
    return Roles(
        member=member, label=label, outputs=ordered, kind=kind, classes=classes, unused=unused, notes=notes,
        inputs=tuple(name for name in inputs if name not in ordered),
    )  # fmt: skip


def _one(file: str, names: Sequence[str], known: Sequence[str], option: str) -> str:
    there = [name for name in names if name.lower().replace(" ", "_").replace("-", "_") in known]
    if len(there) > 1:
        raise DataError(f"{file}: needs one column for {option}, got {' and '.join(map(told, there[:4]))}; say which with {option} NAME")
    return there[0] if there else ""


def _families(names: Sequence[str], labels: Sequence[str]) -> dict[Kind, list[str]]:
    """Return columns that may hold answers, by kind: whole ones, one a class by a prefix, or by the bare name of a class."""
    several: dict[Kind, list[str]] = {}
    whole: dict[Kind, list[str]] = {}
    for name in names:
        if name.lower() in WHOLE:
            whole.setdefault(WHOLE[name.lower()], []).append(name)
        elif part := _OF_CLASS.fullmatch(name):
            several.setdefault(_PREFIXES[part[1].lower()], []).append(name)
    bare = [name for name in names if name in labels] if len(set(labels)) > 1 else []
    bare = bare or [name for name in names if name.isdecimal()]
    if len(bare) > 1 and not several:
        several["outputs"] = bare
    return {
        kind: several[kind] if len(several.get(kind, [])) > 1 else whole[kind]
        for kind in KINDS
        if kind in whole or len(several.get(kind, [])) > 1
    }


def _kind(name: str) -> Kind | None:
    """Return the kind of this name, None where there is none."""
    for kind in KINDS:
        if name == kind:
            return kind
    return None


def _most_telling(families: Mapping[Kind, tuple[str, ...]], asked: Kind | None) -> Kind | None:
    """Return the kind of columns to take: those that were asked for or may be it, else those that tell most."""
    for kind in _ORDER:
        if kind in families and (asked is None or "outputs" in {asked, kind} or kind == asked):
            return kind
    return None


def _holding(families: Mapping[Kind, tuple[str, ...]], outputs: tuple[str, ...]) -> Kind:
    """Return the kind whose columns these are; of columns that no name tells, outputs."""
    for kind, each in families.items():
        if set(outputs) <= set(each):
            return kind
    return "outputs"


def _answers(file: str, names: Sequence[str], wanted: Wanted, families: Mapping[Kind, tuple[str, ...]]) -> tuple[Kind, tuple[str, ...]]:
    asked = _kind(wanted.kind)
    if wanted.outputs:
        return asked or _holding(families, wanted.outputs), wanted.outputs
    kind = _most_telling(families, asked)
    if kind is None:
        there = f"{', '.join(told(name, 30) for name in names[:8]) or 'none'}{' ...' if len(names) > 8 else ''}"
        raise DataError(
            f"{file}: needs columns of {asked or 'logits, probabilities or losses'}, such as "
            f"{'loss' if asked == 'losses' else 'logit_0 and logit_1'}, got {there}; name them with --outputs A,B,..."
        )
    columns = families[kind]
    if len(columns) > 1 and all(name.lower() in WHOLE for name in columns):
        raise DataError(f"{file}: needs one column of {kind}, got {' and '.join(map(told, columns[:4]))}; say which with --outputs NAME")
    return asked or kind, columns


def _classes(outputs: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return columns and classes in the order of the classes where those are numbers, and a note where that is another order."""
    if len(outputs) < 2:
        return outputs, (), ()
    parts = [_OF_CLASS.fullmatch(name) for name in outputs]
    classes = tuple((part[2] or part[3]) if part else name for part, name in zip(parts, outputs, strict=True))
    if not all(each.isdecimal() for each in classes):
        return outputs, classes, ()
    order = sorted(range(len(classes)), key=lambda place: int(classes[place]))
    if order == list(range(len(classes))):
        return outputs, classes, ()
    note = f"Columns of classes stand in another order in the file ({', '.join(classes[:4])} ...): taken by their numbers."
    return tuple(outputs[place] for place in order), tuple(classes[place] for place in order), (note,)
