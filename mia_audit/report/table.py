"""One row an example: membership, scores, and what the whole population says of it. For a spreadsheet or a data frame.

position         of the example in the data set's training part as stored (all of the data set where it has no test part of its own), from
                 0: the number that `--slices` calls `example`. Records written before it was kept have the place in the pool here
pool_position    its place in the shuffled pool: the index into the record's arrays [N]
in_out_...       models with it against models without it: AUC, exact p, Benjamini and Hochberg's q
probability      that it is a member, by the headline attack; fitted on rehearsals
named            whether the headline attack names it as a member: few of the names are expected to be wrong (`summary.named.rate`)
score_<attack>   larger: more likely a member
"""

import csv
import io
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import OutputError
from mia_audit.extras import extra
from mia_audit.paths import Place, expanded
from mia_audit.record import Record
from mia_audit.report.writing import write_whole

Columns = dict[str, list[Any]]


def columns(record: Record) -> Columns:
    """Return the pool as columns; what an example lacks (not audited, not resolved) is None, never a number."""
    arrays = record.arrays
    pool = arrays["labels"].size
    found: Columns = {
        "position": [int(place) for place in arrays.get("pool_positions", np.arange(pool))],
        "pool_position": list(range(pool)),
        "label": [_class_name(record, int(label)) for label in arrays["labels"]],
        "member": [bool(member) for member in arrays["membership"][0]],
        "audited": np.isin(np.arange(pool), arrays["audited"]).tolist(),
        "models_with": [int(count) for count in arrays["membership"].sum(axis=0)],
    }
    if "vulnerability/resolved" in arrays:
        known = arrays["vulnerability/resolved"]
        for name in ("auc", "p", "q"):
            values = arrays[f"vulnerability/{name}"]
            found[f"in_out_{name}"] = [float(value) if here else None for value, here in zip(values, known, strict=True)]
    found |= {name: _of_audited(record, arrays[name]) for name in ("probability", "named") if name in arrays}
    return found | {f"score_{attack.name}": _of_audited(record, arrays[f"scores/{attack.name}"]) for attack in record.summary.attacks}


def write_csv(record: Record, path: Place) -> None:
    """Write the table as CSV, empty cells where a number is missing; OutputError says why it cannot."""
    table, text = columns(record), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    try:
        write_whole(expanded(path, "--csv"), text.getvalue())
    except OSError as error:
        raise OutputError(f"{path}: the table needs a file that can be written, got {error.strerror}; give another one") from error


def write_parquet(record: Record, path: Place) -> None:
    """Write the table as Parquet, nulls where a number is missing; needs pyarrow."""
    pa, parquet = (extra(module, "--parquet", OutputError, ", or use --csv") for module in ("pyarrow", "pyarrow.parquet"))
    try:
        place = expanded(path, "--parquet")
        place.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(pa.table(columns(record)), place)
    except OSError as error:
        raise OutputError(f"{path}: the table needs a file that can be written, got {error}; give another one") from error


def _of_audited(record: Record, values: npt.NDArray[Any]) -> list[Any]:
    """Return one value for each example of the pool, None where it was not audited."""
    found: list[Any] = [None] * record.arrays["labels"].size
    for place, value in zip(record.arrays["audited"].tolist(), values.tolist(), strict=True):
        found[place] = value
    return found


def _class_name(record: Record, label: int) -> str:
    names = record.summary.data.classes
    return names[label] if 0 <= label < len(names) else str(label)
