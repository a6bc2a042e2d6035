"""The record: the folder an audit produces, and the only thing a report reads.

record.json   what was audited, how, and what came out; the same command on the same kind of
              processor, with the same versions of the libraries, gives the same bytes. Their SHA-256 is the id: of the bytes
              as they were written, so that fields which later versions add, each with a default, leave the ids of old records alone
arrays.npz    scores and membership; every number in record.json can be computed again from it
exposed.npz   pictures and places in the pool of the most exposed examples; absent unless the data are public or it was asked for
run.json      when, where, how long: everything that differs from run to run; and the id, so that an edited record.json is noticed

Arrays in arrays.npz (N pool examples, A of them audited, S shadow models):
  membership          bool [2 + S, N]: row 0 the target, row 1 the phantom target as trained, then the shadow models
  labels              int [N]
  predictions         int [N]: the target's predicted class
  test_labels, test_predictions   int [test examples]
  pool_positions      int [N]: where the pool's examples stand in the data set's training part as stored, from 0, as --slices counts
  audited             int [A]: places in the pool that every attack of this audit can judge, from shadow membership alone
  scores/<attack>     float [A]: the target's scores; larger = more likely a member
  phantom/<attack>    float [A]: the phantom target's scores, judged against row 0 (in older records against phantom_membership, bool [N])
  rehearsal/<attack>  float [rehearsals, A]: scores of shadow models taking the target's part; all choices are made on these
  counted             bool [rehearsals, A]: which examples count in a rehearsal, from the other shadow models' membership alone; the scores
                      of others are 0 (records without it: all count)
  turns/scores        float [2 + S, A]: the headline attack's scores when each model takes its turn as the target
  turns/judged        bool [2 + S, A]: which examples that turn can judge, from the other models' membership alone
  signal              float [2 + S, N]: every model's logit-scaled confidence in the true class, the mean over queries
  vulnerability/auc, /p, /q   float [N]: IN against OUT models of each example, exact p, Benjamini-Hochberg q
  band/fpr, /low, /high       float [grid]: the simultaneous band of the headline's ROC curve; /ceiling: the most that a claim permits
  vulnerability/resolved      bool [N]: whether the example was in one model and out of one at least
  probability         float [A]: the headline's scores as probabilities of membership, fitted on rehearsals
  record_sha256       uint8 [32]: the hash of record.json, no part of the digest that record.json has of the arrays
  named               bool [A]: whom the headline names as members; of all names at most the share `named.rate` is expected to be wrong
  models/accuracy, /loss, /fit, /gap   float [2 + S]: what the target is compared with its shadow models by: test accuracy, log of the mean
                      test loss, mean confidence in the labels of own members, and how far that lies above non-members'
  models/rates        float [2 + S, layers]: firing rates of every model, spikes per neuron and step
  panel/scores, panel/counted   [phantoms, A]: the headline attack's scores of the phantom target and of shadow models, and which count;
                      scored against the target's row

Records of schema 1 written before there were pool_positions, probability and named lack them: whoever reads them asks first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from mia_audit.arrays import Arrays
from mia_audit.errors import RecordError
from mia_audit.paths import Place
from mia_audit.recipe.describing import described
from mia_audit.record import folder as folders
from mia_audit.record import proving, shown
from mia_audit.record.findings import (
    Calibration,
    CalibrationStep,
    Claimed,
    Epsilon,
    EpsilonLimit,
    Grown,
    Growth,
    Kind,
    Look,
    Looks,
    Named,
    Precision,
    SliceResult,
    Strict,
    VariantComparison,
    Vulnerable,
)
from mia_audit.record.parts import (
    AttackResult,
    Control,
    Counts,
    DataFacts,
    Engine,
    Estimate,
    Part,
    Power,
    RateAtFPR,
    Utility,
)
from mia_audit.record.summary import POWER_CONTROL, SCHEMA_VERSION, Summary
from mia_audit.record.verdict import verdict


@dataclass(frozen=True, kw_only=True, repr=False)
class Record:
    """A record, in memory. `folder` is where it lies on disk, None before it is written.

    stored    the text of record.json that `summary` was read from, None for a record that was not read
    known_as  the id of the record that this one was made from, to be shown in its place; None for a record itself
    doubts    sentences about what could not be made sure of when it was read; a report and the console say them
    """

    summary: Summary
    arrays: Arrays
    run: Mapping[str, Any]
    exposed: Arrays = field(default_factory=dict)
    folder: Path | None = None
    stored: str | None = None
    known_as: str | None = None
    doubts: tuple[str, ...] = ()

    @cached_property
    def text(self) -> str:
        """The text of record.json: as it was read while the summary is the one that was read, else as this version writes it."""
        if self.stored is not None and Summary.model_validate_json(self.stored) == self.summary:
            return self.stored
        return self.summary.to_json()

    @property
    def id(self) -> str:
        """SHA-256 of record.json as it is stored, or will be."""
        return self.known_as or proving.sha256(self.text)

    @property
    def name(self) -> str:
        """What was audited, fit for a folder's name, and the first eight digits of the id."""
        return f"{described(self.summary.recipe).slug}-{self.id[:8]}"

    def write(self, folder: Place) -> Self:
        """Write the record into a folder, made when it is absent, and return it with that folder.

        Whole or not at all: a record that lay there before stays when the disk is full, and nothing of it is left when it is not.
        """
        run = {**self.run, **({"doubts": self.doubts} if self.doubts else {})}  # written again, none is gone
        place = folders.write(folder, self.text, self.arrays, run, self.exposed)
        return replace(self, folder=place)

    def __repr__(self) -> str:
        """Five lines: what was audited, what came out, how surely, how well the network works, and where the record lies."""
        return "\n".join((*shown.as_lines(self.name, self.summary), str(self.folder or "not written to a folder")))

    def _repr_html_(self) -> str:
        """Show the report's summary in a notebook: the headline marked, the others by their strength on shadow models."""
        return shown.as_html(self.name, self.summary)


def load(folder: Place) -> Record:
    """Read a record folder; RecordError says what is missing, damaged or of another version."""
    place, text = folders.found(folder, "an audit")
    summary = _parse(place, text)
    arrays, run, told = folders.vouched(place, text, summary.arrays_sha256, "run the audit again")
    lacking = [name for name in (summary.headline, *(attack.name for attack in summary.attacks)) if f"scores/{name}" not in arrays]
    if lacking or summary.headline not in {attack.name for attack in summary.attacks}:
        raise RecordError(f"{place}: a record needs its headline among its attacks, and scores of each; it is damaged, run the audit again")
    proving.require_own_numbers(place, summary, arrays)
    exposed, why = proving.exposed(place / "exposed.npz", summary, arrays)
    doubts = (*proving.doubts(told, run.pop("doubts", None)), *why)
    return Record(summary=summary, arrays=arrays, run=run, exposed=exposed, folder=place, stored=text, doubts=doubts)


def _parse(folder: Path, text: str) -> Summary:
    try:
        content = json.loads(text, parse_constant=_no_number)
        version = content["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"{folder}/record.json is not a record; give the folder an audit wrote") from error
    if content.get("kind") == "scored":
        raise RecordError(f"{folder}: holds predictions that were scored, no audit; `mia-audit report {folder}` draws them")
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"{folder}: this mia-audit reads records of schema {SCHEMA_VERSION}, got {version}; read it with the version that wrote it"
        )
    try:
        return Summary.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise RecordError(f"{folder}/record.json: [{where}]: {first['msg']}; the record is damaged, run the audit again") from error


def _no_number(name: str) -> None:
    """Refuse NaN and infinities, which Python's JSON reads and no record holds."""
    raise ValueError(name)


__all__ = [
    "POWER_CONTROL",
    "SCHEMA_VERSION",
    "Arrays",
    "AttackResult",
    "Calibration",
    "CalibrationStep",
    "Claimed",
    "Control",
    "Counts",
    "DataFacts",
    "Engine",
    "Epsilon",
    "EpsilonLimit",
    "Estimate",
    "Grown",
    "Growth",
    "Kind",
    "Look",
    "Looks",
    "Named",
    "Part",
    "Power",
    "Precision",
    "RateAtFPR",
    "Record",
    "SliceResult",
    "Strict",
    "Summary",
    "Utility",
    "VariantComparison",
    "Vulnerable",
    "load",
    "verdict",
]  # fmt: skip
