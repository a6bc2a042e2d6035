"""The house keeps its shape: imports point down, in two columns that never meet (the table below).

A room is a file or folder of `mia_audit/`. Every import counts, wherever it stands in a file. A new room needs a line in
ROOMS; a line for a room that does not exist yet is allowed.
"""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mia_audit.extras import EXTRAS

HOUSE = Path(__file__).resolve().parent.parent / "mia_audit"

FLOOR = ("arrays", "errors", "extras", "types", "streams", "paths", "machine", "recipe", "catalogue")
TORCH = ("torch", "torchvision", "numba", "brevitas", "snntorch", "opacus", "nir", "safetensors")
CLUSTERS = ("distributed", "ray")
HEAVY = {"torch", "numba", "torchvision", "brevitas", "snntorch", "sklearn", "scipy", "pandas", "matplotlib", "seaborn"}


@dataclass(frozen=True, kw_only=True)
class Room:
    """What a room may import, beside itself and the standard library."""

    rooms: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


ROOMS = {
    # the floor
    "errors": Room(),
    "extras": Room(rooms=("errors",), packages=tuple(EXTRAS)),
    "types": Room(rooms=("errors",), packages=("numpy",)),
    "arrays": Room(rooms=("errors",), packages=("numpy",)),
    "streams": Room(packages=("numpy",)),
    "recipe": Room(rooms=("errors",), packages=("pydantic",)),
    "paths": Room(rooms=("errors",)),
    "machine": Room(),
    "catalogue": Room(rooms=("errors", "paths", "recipe"), packages=("pydantic",)),
    # the torch column, from below
    "data": Room(rooms=FLOOR, packages=("numpy", "pydantic", "sklearn", "PIL", "pyarrow", *TORCH)),
    "models": Room(rooms=FLOOR, packages=("numpy", "numba", "jaxtyping", *TORCH)),  # numba: the neurons' own kernels
    "privacy": Room(rooms=FLOOR, packages=("numpy", "scipy", "dp_accounting", "PLD_accounting", *TORCH)),
    "external": Room(
        rooms=(*FLOOR, "data", "models"),
        packages=("numpy", "onnxruntime", "pydantic", "pyarrow", "skops", "h5py", *TORCH),
    ),
    "signals": Room(rooms=(*FLOOR, "data", "models", "external"), packages=("numpy", *TORCH)),
    # a worker that trained a cohort also queries it, so that no model crosses a process border
    "training": Room(
        rooms=(*FLOOR, "data", "models", "privacy", "signals"),
        packages=("numpy", "joblib", "threadpoolctl", "llvmlite", *CLUSTERS, *TORCH),
    ),
    # signals that cost more than a query: models come from the store, and what is taken goes there too
    "probes": Room(rooms=(*FLOOR, "data", "models", "signals", "training"), packages=("numpy", *TORCH)),
    # from trained networks to spiking ones, stage by stage
    "conversion": Room(rooms=(*FLOOR, "data", "models", "signals", "training", "probes"), packages=("numpy", *TORCH)),
    "inversion": Room(rooms=(*FLOOR, "data", "models", "external", "signals", "training"), packages=("numpy", *TORCH)),
    # the NumPy column: arrays, never a model
    "attacks": Room(rooms=FLOOR, packages=("numpy", "scipy", "sklearn", "pydantic", "threadpoolctl")),
    "statistics": Room(rooms=FLOOR, packages=("numpy", "scipy", "sklearn", "threadpoolctl")),
    # a differential privacy claim put to the test: what it permits comes from one column, tests from the other
    "instruments": Room(rooms=(*FLOOR, "privacy", "statistics"), packages=("numpy", "scipy")),
    # the record, and what is drawn from it
    "record": Room(rooms=FLOOR, packages=("numpy", "pydantic")),
    "report": Room(
        rooms=(*FLOOR, "record"), packages=("numpy", "matplotlib", "seaborn", "jinja2", "markupsafe", "PIL", "rich", "pyarrow")
    ),
    # where the columns meet
    "audit": Room(
        rooms=(
            *FLOOR, "data", "models", "privacy", "external", "signals", "training", "probes", "conversion", "inversion", "attacks",
            "statistics", "record",
        ),
        packages=("numpy", "joblib", *TORCH),
    ),
    # a trained target, written for other frameworks
    "exporting": Room(
        rooms=(*FLOOR, "data", "models", "external", "training"), packages=("numpy", "onnxscript", *TORCH)
    ),
    # what `import mia_audit` offers: an audit in one call, a record that draws itself
    "progress": Room(packages=("rich", "IPython")),
    "face": Room(
        rooms=(*FLOOR, "external", "attacks", "statistics", "record", "report", "audit", "progress"), packages=("numpy", "scipy", "pandas")
    ),
    "cli": Room(
        rooms=(
            *FLOOR, "data", "models", "privacy", "external", "attacks", "instruments", "record", "report", "audit", "face", "exporting",
            "__init__",
        ),
        packages=("typer", "click", "rich"),
    ),
    "__init__": Room(rooms=(*FLOOR, "record", "audit", "face")),
    "__main__": Room(rooms=("cli",)),
}  # fmt: skip

AUDIT = {
    "request": (),  # what was asked for
    "bank": (),  # examples, coins and answers
    "attacking": ("bank",),  # which attacks can run, scores, metrics
    "findings": ("bank", "attacking"),  # what is said beyond the table of attacks
    "controls": ("bank", "attacking", "findings"),  # what may fail
    "comparing": ("attacking",),  # records side by side
}
"""The rooms of `mia_audit/audit/` and which of them each may import. Files beside them are the run: they import all."""


def breaches(house: Path, rooms: dict[str, Room]) -> list[str]:
    """Return every import that the table does not allow, as "file:line: room imports what"."""
    found = []
    for path in sorted(house.rglob("*.py")):
        room = path.relative_to(house).parts[0].removesuffix(".py")
        if room not in rooms:
            found.append(f"{path.relative_to(house)}: no line in ROOMS for {room!r}")
            continue
        for line, module in _imports(path, house):
            if not _allowed(room, module, rooms):
                found.append(f"{path.relative_to(house)}:{line}: {room} imports {module}")
    return found


def inner_breaches(house: Path) -> list[str]:
    """Return every import inside `audit/` that points up or sideways."""
    found = []
    for path in sorted((house / "audit").rglob("*.py")):
        room, *below = path.relative_to(house / "audit").parts
        if below and room not in AUDIT:
            found.append(f"{path.relative_to(house)}: no line in AUDIT for {room!r}")
        for line, module in _imports(path, house) if room in AUDIT else ():
            inside, _, rest = module.partition(f"{HOUSE.name}.audit.")
            asked = rest.partition(".")[0]
            if not inside and asked not in {room, *AUDIT[room]}:
                found.append(f"{path.relative_to(house)}:{line}: {room} imports {asked}")
    return found


def _allowed(room: str, module: str, rooms: dict[str, Room]) -> bool:
    first, *rest = module.split(".")
    if first != HOUSE.name:
        return first in sys.stdlib_module_names or first in rooms[room].packages
    asked = rest[0] if rest and rest[0] in rooms else "__init__"  # `from mia_audit import run` asks the front door
    return asked == room or asked in rooms[room].rooms


def _imports(path: Path, house: Path) -> Iterator[tuple[int, str]]:
    package = (HOUSE.name, *path.relative_to(house).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{source}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.partition(".")[0] in EXTRAS:
            yield node.lineno, node.value  # what `extras.extra` will import


def test_extras_are_those_of_the_project() -> None:
    """Every package that is imported as an extra is installed by the extra that its error names."""
    groups = tomllib.loads((HOUSE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for package, group in EXTRAS.items():
        named = [re.split(r"[^\w-]", each)[0].replace("-", "_") for each in groups[group]]
        assert package in named, (package, group)


def test_imports_point_down() -> None:
    """No room imports what the table does not allow it."""
    assert breaches(HOUSE, ROOMS) == []
    assert inner_breaches(HOUSE) == []


def test_the_columns_never_meet() -> None:
    """The table itself keeps torch and NumPy apart below the audit, and lets no room import one above it."""
    torch_rooms = {name for name, room in ROOMS.items() if "torch" in room.packages} - {"audit"}
    numpy_rooms = {"attacks", "statistics", "record", "report", *FLOOR}
    assert torch_rooms.isdisjoint(numpy_rooms)
    assert not any(torch_rooms & set(ROOMS[name].rooms) for name in numpy_rooms)
    assert not any({"attacks", "statistics"} & set(ROOMS[name].rooms) for name in torch_rooms)
    assert _circle({name: room.rooms for name, room in ROOMS.items()}) == []
    assert _circle(AUDIT) == []


def test_no_file_imports_itself_in_a_circle() -> None:
    """File by file, in the whole house, front doors aside: whoever imports a room's `__init__` imports all of it."""
    files = {".".join((HOUSE.name, *path.relative_to(HOUSE).with_suffix("").parts)): path for path in HOUSE.rglob("*.py")}
    needs = {
        name: tuple({file for _, module in _imports(path, HOUSE) for file in (module, module.rpartition(".")[0]) if file in files} - {name})
        for name, path in files.items()
        if path.name != "__init__.py"
    }
    assert _circle(needs) == []
    assert _circle({"a": ("b",), "b": ("c",), "c": ("b",), "d": ("a",)}) == ["a", "b", "c", "d"]


def _circle(needs: dict[str, tuple[str, ...]]) -> list[str]:
    left = {name: set(others) & set(needs) for name, others in needs.items()}
    while free := [name for name, needs in left.items() if not needs & set(left)]:
        for name in free:
            del left[name]
    return sorted(left)


@pytest.mark.parametrize(
    ("file", "line", "breach"),
    [
        ("attacks/spy.py", "import torch", "attacks imports torch"),
        ("attacks/spy.py", "def f():\n    from torch import nn", "attacks imports torch.nn"),
        ("attacks/spy.py", "from mia_audit.models.network import Population", "attacks imports mia_audit.models.network.Population"),
        ("statistics/spy.py", "import mia_audit.training.store", "statistics imports mia_audit.training.store"),
        ("statistics/spy.py", "from mia_audit import signals", "statistics imports mia_audit.signals"),
        ("statistics/spy.py", "from ..data import design", "statistics imports mia_audit.data.design"),
        ("models/deep/spy.py", "from ...statistics import roc", "models imports mia_audit.statistics.roc"),
        ("models/spy.py", "if 0:\n    import mia_audit.attacks as a", "models imports mia_audit.attacks"),
        ("recipe.py", "from .record import Record", "recipe imports mia_audit.record.Record"),
        ("report/spy.py", "from mia_audit.statistics.roc import auc", "report imports mia_audit.statistics.roc.auc"),
        ("audit.py", "from mia_audit.cli import main", "audit imports mia_audit.cli.main"),
        ("audit.py", "from mia_audit import run", "audit imports mia_audit.run"),
        ("record.py", "import pandas", "record imports pandas"),
        ("attacks/spy.py", "extra('pyarrow.parquet', 'a job')", "attacks imports pyarrow.parquet"),
    ],
)
def test_a_planted_breach_is_found(tmp_path: Path, file: str, line: str, breach: str) -> None:
    """Wherever a forbidden import stands and however it is written, it is named."""
    planted = tmp_path / file
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(f"import json\nfrom mia_audit.errors import AuditError\n{line}\n")
    found = breaches(tmp_path, ROOMS)
    assert [text.partition(": ")[2] for text in found] == [breach]
    assert found[0].startswith(f"{file}:")


@pytest.mark.parametrize(
    ("file", "line", "breach"),
    [
        ("bank/spy.py", "from mia_audit.audit.findings import risk", "audit/bank/spy.py:1: bank imports findings"),
        ("request/spy.py", "def f():\n    from ..bank.prepared import Bank", "audit/request/spy.py:2: request imports bank"),
        ("findings/spy.py", "from mia_audit.audit import audit", "audit/findings/spy.py:1: findings imports audit"),
        ("controls/spy.py", "from mia_audit.audit.running import judge", "audit/controls/spy.py:1: controls imports running"),
        ("helpers/spy.py", "import json", "audit/helpers/spy.py: no line in AUDIT for 'helpers'"),
    ],
)
def test_a_planted_breach_inside_the_audit_is_found(tmp_path: Path, file: str, line: str, breach: str) -> None:
    """Rooms of the audit import what lies below them, and never the run."""
    planted = tmp_path / "audit" / file
    planted.parent.mkdir(parents=True)
    planted.write_text(f"{line}\n")
    assert inner_breaches(tmp_path) == [breach]


def test_a_room_without_a_line_is_found(tmp_path: Path) -> None:
    """A new room does not slip in beside the table."""
    (tmp_path / "helpers.py").write_text("")
    assert breaches(tmp_path, ROOMS) == ["helpers.py: no line in ROOMS for 'helpers'"]


def test_what_is_allowed_passes(tmp_path: Path) -> None:
    """The finder does not cry wolf."""
    (tmp_path / "attacks").mkdir()
    (tmp_path / "attacks" / "fine.py").write_text(
        "from __future__ import annotations\nimport json, numpy.typing\nfrom scipy import stats\nfrom mia_audit.types import Evidence\n"
        "from mia_audit import errors\nfrom . import lira\nfrom .lira import OnlineLiRA\nfrom mia_audit.attacks import thresholds\n"
    )
    assert breaches(tmp_path, ROOMS) == []


def test_files_and_functions_stay_short() -> None:
    """A file has 300 lines at most, a function 40 below its signature, which the formatter spreads, and its docstring."""
    long = []
    for path in sorted(HOUSE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        pieces = [(path.name, len(text.splitlines()), 300), *_functions(ast.parse(text))]
        long += [f"{path.relative_to(HOUSE)}: {name} has {lines} lines" for name, lines, most in pieces if lines > most]
    assert long == []


def _functions(tree: ast.Module) -> Iterator[tuple[str, int, int]]:
    """Yield each function's name, the lines of its body without the docstring, and how many it may have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            yield node.name, (node.end_lineno or 0) - first.lineno + 1, 40


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """`mia-audit --help` answers at once: torch and its like are imported only when needed."""
    code = (
        "import sys\n"
        "from mia_audit.cli import main\n"
        f"sys.argv = ['mia-audit', *{arguments}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('HEAVY', sorted({HEAVY} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    assert done.stdout.splitlines()[-1] == "HEAVY []"
