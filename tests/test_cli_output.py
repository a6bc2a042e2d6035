"""The command line: what it prints where, what it lists, what it costs to ask it for help, and how it stops."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mia_audit.attacks.cards import card_names, suite_names
from mia_audit.catalogue import target_names
from mia_audit.cli import main
from mia_audit.data.profiles import PROFILES
from mia_audit.models.surrogates import SURROGATES
from mia_audit.record import load
from tests.support.engine_runs import command, small_audit, small_run

HEAVY = ("torch", "sklearn", "matplotlib", "pandas", "scipy", "numpy", "brevitas", "snntorch", "seaborn", "numba", "torchvision")


def said(capfd: pytest.CaptureFixture[str], *arguments: str) -> tuple[str, str]:
    """Run a command that succeeds and return its standard output and error."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code in {0, None}
    out, err = capfd.readouterr()
    return out, err


@pytest.mark.parametrize(
    ("verb", "names"),
    [
        ("targets", target_names()),
        ("attacks", (*card_names(), *suite_names())),
        ("datasets", tuple(profile.name for profile in PROFILES)),
        ("surrogates", tuple(each.name for each in SURROGATES)),
    ],
)
def test_list_names_everything(capfd: pytest.CaptureFixture[str], verb: str, names: tuple[str, ...]) -> None:
    """Every name that `run` takes begins a line of its list."""
    out, _ = said(capfd, "list", verb)
    assert set(names) <= {line.split(" ")[0] for line in out.splitlines()}


def test_help_imports_nothing_heavy() -> None:
    """Asking for help, or importing the package, does not pay for the engine."""
    script = f"""
import sys
import mia_audit, mia_audit.cli.main
from mia_audit.cli import main
try:
    main(["run", "--help"])
except SystemExit:
    pass
print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert ran.stderr.strip() == "[]"
    assert "--surrogate" in ran.stdout


@pytest.mark.parametrize("arguments", [(), ("--help",), ("run", "--help"), ("list", "--help"), ("report", "--help")])
def test_help_is_on_standard_output(capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """Without arguments, and with --help, usage is printed and nothing is wrong."""
    out, err = said(capfd, *arguments)
    assert "Usage: mia-audit" in out
    assert err == ""


def test_help_tells_the_defaults_that_depend(capfd: pytest.CaptureFixture[str]) -> None:
    """Square brackets in a help text are markup to the one who prints it, and vanish: defaults are told without."""
    out, _ = said(capfd, "run", "--help")
    told = " ".join(out.replace("│", " ").split())
    for words in ("by default of public", "one a core by", "of what is free"):
        assert words in told


def test_run_prints_the_table_and_the_path(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each attack has a row; the folder holds record, arrays, run and report."""
    out, _ = said(capfd, *small_run(tmp_path))
    record = load(tmp_path / "record")
    assert all(attack.name in out for attack in record.summary.attacks)
    assert f"Record and report: {tmp_path / 'record'}" in out
    names = {"record.json", "arrays.npz", "exposed.npz", "run.json", "report.html"}
    assert {path.name for path in (tmp_path / "record").iterdir()} == names


def test_json_is_record_json_and_nothing_else(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Standard output is the file, byte for byte; the table goes to standard error."""
    out, err = said(capfd, *small_run(tmp_path), "--json")
    assert out == (tmp_path / "record" / "record.json").read_text(encoding="utf-8")
    assert json.loads(out)["schema_version"] == 1
    assert "Record and report:" in err


def test_every_option_reaches_the_recipe(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Options change the recipe of the record; --set comes last and wins."""
    options = ["--surrogate", "sre", "--surrogate-variant", "snntorch", "--seed", "5", "--shadows", "13", "--attacks", "loss, margin"]
    said(capfd, *small_run(tmp_path, *options, "--set", "training.seed=6", "--no-expose", target="snn"))
    recipe = load(tmp_path / "record").summary.recipe
    assert recipe.model.neuron is not None
    assert (recipe.model.neuron.surrogate, recipe.model.neuron.surrogate_variant) == ("sre", "snntorch")
    assert (recipe.training.seed, recipe.audit.shadows, recipe.audit.attacks) == (6, 13, ("loss", "margin"))
    assert (recipe.data.dataset, recipe.training.epochs) == ("iris", 2)
    assert not (tmp_path / "record" / "exposed.npz").exists()


def test_command_and_library_give_the_same_record(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`mia_audit.run` is the command, argument for argument."""
    said(capfd, *small_run(tmp_path / "command"))
    assert load(tmp_path / "command" / "record").id == small_audit(tmp_path / "library").id


def test_report_draws_records(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One record or two make one file, whose path is printed."""
    for seed in ("0", "1"):
        said(capfd, *small_run(tmp_path, "--seed", seed, "--out", str(tmp_path / seed)))
    for folders in (["0"], ["0", "1"]):
        page = tmp_path / f"{len(folders)}.html"
        out, _ = said(capfd, "report", *(str(tmp_path / folder) for folder in folders), "-o", str(page))
        assert out.strip() == str(page)
        assert "</html>" in page.read_text(encoding="utf-8")


def test_a_recipe_of_ones_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A target may be a file."""
    recipe = tmp_path / "mine.toml"
    recipe.write_text('name = "mine"\nsummary = "Mine."\n[model.neuron]\nbeta = 1.0\n', encoding="utf-8")
    said(capfd, *small_run(tmp_path, target=str(recipe)))
    assert load(tmp_path / "record").summary.recipe.name == "mine"


def test_python_dash_m(tmp_path: Path) -> None:
    """`python -m mia_audit` is the command, in its own words, with its exit codes; the record goes to audits/<what was audited>-<id>."""
    ran = command(["run", "--target", "snn-q5"], tmp_path)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("CatalogueError: unknown target 'snn-q5'")
    arguments = ["--target", "ann", "--dataset", "iris", "--shadows", "12", "--set", "training.epochs=1", "--workers", "1"]
    ran = command(["run", *arguments], tmp_path)
    assert ran.returncode == 0
    (folder,) = (tmp_path / "audits").iterdir()
    assert folder.name == f"ann-iris-fp-{load(folder).id[:8]}"
    assert load(folder).run["command"] == "mia-audit run " + " ".join(arguments)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, workers: str) -> None:
    """Interrupted in the middle: exit code 130, one line, no traceback; the cohorts that finished stay, no worker does."""
    arguments = ["run", "--target", "ann", "--dataset", "iris", "--shadows", "100", "--set", "training.epochs=600", "--attacks", "loss"]
    places = ["--store", str(tmp_path / "store"), "--out", str(tmp_path / "out"), "--workers", workers]
    running = subprocess.Popen(
        [sys.executable, "-m", "mia_audit", *arguments, *places],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob("*.safetensors")) and time.monotonic() < deadline:
        assert running.poll() is None
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert err == "Interrupted. Finished cohorts are in the store; the same command goes on from there.\n"
    assert 1 <= len(list(tmp_path.rglob("*.safetensors"))) < 7
    assert gone(running.pid)


def gone(group: int) -> bool:
    """Say whether a process group is empty within ten seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
