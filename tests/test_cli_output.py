"""The command line: what it prints where, what it lists, what it costs to ask it for help, and how it stops."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import mia_audit
from mia_audit.catalogue import card_names, suite_names, target_names
from mia_audit.cli import main
from mia_audit.cli.ending import PLAIN, STORED
from mia_audit.data.profiles import profiles
from mia_audit.models.surrogates import SURROGATES
from mia_audit.record import load
from tests.support.engine_runs import command, small_audit, small_run, without_minutes
from tests.support.records import make_record

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
        ("datasets", tuple(profile.name for profile in profiles())),
        ("surrogates", tuple(each.name for each in SURROGATES)),
    ],
)
def test_list_names_everything(capfd: pytest.CaptureFixture[str], verb: str, names: tuple[str, ...]) -> None:
    """Every name that `run` takes begins a line of its list: a pipe gets one row a line, `--json` the same names."""
    out, _ = said(capfd, "list", verb)
    listed = [line.split("\t")[0] for line in out.splitlines()]
    assert set(names) <= set(listed)
    assert [entry["name"] for entry in json.loads(said(capfd, "list", verb, "--json")[0])] == listed


@pytest.mark.parametrize("verb", ["targets", "attacks", "datasets", "surrogates"])
def test_list_fits_a_terminal_of_80_columns(verb: str) -> None:
    """In a terminal no line is wider than it, nothing is cut, and every word of the piped list stands there too."""
    wide = subprocess.run([sys.executable, "-m", "mia_audit", "list", verb], check=True, capture_output=True, text=True).stdout
    told = in_terminal([sys.executable, "-m", "mia_audit", "list", verb], columns=80)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told)
    assert max(len(line) for line in plain.splitlines()) <= 80
    words = " ".join(plain.replace(",", "").split())
    for text in (line.split("\t")[-1] for line in wide.splitlines()):
        assert " ".join(text.replace(",", "").split()) in words


def in_terminal(command: list[str], *, columns: int) -> str:
    """Run a command whose standard output is a terminal of so many columns, and return what it shows."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    shown = b""
    with subprocess.Popen(command, stdout=theirs, env=environment) as running:
        os.close(theirs)
        with contextlib.suppress(OSError):  # how Linux says that the other end has closed
            while piece := os.read(ours, 65536):
                shown += piece
        os.close(ours)
    assert running.returncode == 0
    return shown.decode()


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


def test_version(capfd: pytest.CaptureFixture[str]) -> None:
    """`--version` says which version is installed, the one that Python sees."""
    assert said(capfd, "--version") == (f"mia-audit {mia_audit.__version__}\n", "")
    assert re.fullmatch(r"\d+\.\d+\.\d+", mia_audit.__version__)


@pytest.mark.parametrize("arguments", [(), ("list",), ("store",)])
def test_help_says_what_every_command_does(capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    """The list of commands gives each one's first sentence whole, in lines that fit the terminal."""
    out, _ = said(capfd, *arguments, "--help")
    assert "..." not in out.split("Commands:")[1]
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("verb", ["run", "show", "report", "export"])
def test_help_has_an_example_and_cuts_nothing(capfd: pytest.CaptureFixture[str], verb: str) -> None:
    """Help is for people: a command to copy, whole names of options, no module of ours, 80 columns."""
    out, _ = said(capfd, verb, "--help")
    assert re.search(rf"^ *mia-audit {verb} \S", out, re.MULTILINE)
    assert "mia_audit" not in out
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_show_takes_what_run_takes(capfd: pytest.CaptureFixture[str]) -> None:
    """One word of a command is all there is to change: the options of `run`, but for --plan, who and whose code, are `show`'s."""
    run, show = (set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", said(capfd, verb, "--help")[0])) for verb in ("run", "show"))
    assert run - show == {"--plan", "--title", "--organisation", "--contact", "--trust-code"}
    out, _ = said(capfd, "show", "--target", "snn-q4", "--surrogate", "sre", "--shadows", "9", "--attacks", "loss, margin", "--json")
    recipe = json.loads(out)
    assert recipe["model"]["neuron"]["surrogate"] == "sre"
    assert (recipe["audit"]["shadows"], recipe["audit"]["attacks"]) == (9, ["loss", "margin"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mia-audit ru", {"run"}),
        ("mia-audit run snn-q", {"snn-q2", "snn-q4", "snn-q8"}),
        ("mia-audit run --target ann-q", {"ann-q2", "ann-q4", "ann-q8"}),
        ("mia-audit show snn-q4 --surrogate gau", {"gaussian"}),
        ("mia-audit run snn-q4 --dataset ir", {"iris"}),
        ("mia-audit run snn-q4 --attacks loss,rmia-on", {"loss,rmia-online"}),
        ("mia-audit run snn-q4 --attacks lir", {"lira"}),
    ],
)
def test_the_shell_completes(tmp_path: Path, words: str, expected: set[str]) -> None:
    """What bash asks for is answered with names of the catalogue, and without the engine being imported."""
    done = command([], tmp_path, _MIA_AUDIT_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    assert expected <= set(done.stdout.split())
    assert all(name.startswith(words.rsplit(maxsplit=1)[-1]) for name in done.stdout.split())


@pytest.mark.parametrize(("device", "code"), [("/dev/full", 2), ("closed", 0)])
def test_output_that_nobody_takes(tmp_path: Path, device: str, code: int) -> None:
    """A full device is one line and exit code 2; a standard output that was closed before the start is no matter."""
    place = ">&-" if device == "closed" else f">{device}"
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m mia_audit list targets {place}', sys.executable], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    full = "OutputError: standard output cannot be written: No space left on device; what the command wrote to files stays\n"
    assert (done.returncode, done.stderr) == (code, full if code else "")


def test_a_reader_who_leaves(tmp_path: Path) -> None:
    """`| head -1`: no traceback, no word, the exit code of a filter whose reader has gone."""
    script = '("$0" -m mia_audit list attacks; echo $? >code) | head -c 1 >/dev/null'
    long = "i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; " + script
    done = subprocess.run(["sh", "-c", long, sys.executable], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert (tmp_path / "code").read_text().strip() in {"0", "141"}  # 0 where all of it was in the pipe before the reader left


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
    with pytest.raises(SystemExit) as left:
        main(["report", str(tmp_path / "0"), "-o", str(tmp_path / "page.txt")])
    assert left.value.code == 2
    assert "a report is written as HTML or PDF, got a name that ends in .txt" in capfd.readouterr().err
    for folders in (["0"], ["0/record.json"], ["0", "1"]):
        page = tmp_path / f"{len(folders)}.html"
        out, _ = said(capfd, "report", *(str(tmp_path / folder) for folder in folders), "-o", str(page))
        assert out.strip() == str(page)
        assert "</html>" in page.read_text(encoding="utf-8")


def test_report_skips_what_is_no_record(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`audits/*` names pages and half-made folders too: each is told of, and the records are drawn; none at all is refused."""
    make_record().write(tmp_path / "audits" / "one")
    (tmp_path / "audits" / "empty").mkdir()
    (tmp_path / "audits" / "page.html").touch()
    names = [str(tmp_path / "audits" / name) for name in ("empty", "one", "page.html")]
    out, err = said(capfd, "report", *names, "-o", str(tmp_path / "page.html"))
    assert out == f"{tmp_path / 'page.html'}\n"
    assert err == "".join(f"Skipped {name}: no record (it holds no record.json)\n" for name in (names[0], names[2]))
    with pytest.raises(SystemExit) as left:
        main(["report", names[0], names[2]])
    assert left.value.code == 2
    assert "a report needs at least one record, got none among 2 places" in capfd.readouterr().err


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
    (tmp_path / "temporary").mkdir()
    ran = command(["run", *arguments], tmp_path, TMPDIR=str(tmp_path / "temporary"))
    assert ran.returncode == 0
    assert not list((tmp_path / "temporary").iterdir())
    (folder,) = (tmp_path / "audits").iterdir()
    assert folder.name == f"ann-iris-fp-{load(folder).id[:8]}"
    assert load(folder).run["command"] == "mia-audit run " + " ".join(arguments)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_what_is_finished(tmp_path: Path, workers: str) -> None:
    """Interrupted in the middle: exit code 130, one line, no traceback; the cohorts that finished stay, no worker does."""
    arguments = ["run", "--target", "ann", "--dataset", "iris", "--shadows", "100", "--set", "training.epochs=60", "--attacks", "loss"]
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
    while not kept(tmp_path) and time.monotonic() < deadline:
        assert running.poll() is None
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out == ""
    assert without_minutes(err) == "Interrupted. Finished cohorts are in the store; the same command goes on from there.\n"
    assert 1 <= len(kept(tmp_path)) < 7
    assert gone(running.pid)


@pytest.mark.parametrize(("arguments", "said"), [(["run", "ann"], STORED), (["run", "ann", "--plan"], PLAIN), (["list"], PLAIN)])
def test_an_interrupt_speaks_of_the_store_only_where_something_trains(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a plan nor a list leaves cohorts there."""
    heard: list[str] = []

    def answered(told: str) -> None:
        heard.append(told)
        raise SystemExit

    monkeypatch.setattr(sys.modules["mia_audit.cli.main"], "answered", answered)
    with pytest.raises(SystemExit):
        main(arguments)
    assert heard == [said]


def kept(folder: Path) -> list[Path]:
    """Return the cohorts in a folder; a half-written file may go while it is looked at."""
    with contextlib.suppress(FileNotFoundError):
        return list(folder.rglob("*.safetensors"))
    return []


def gone(group: int) -> bool:
    """Say whether a process group is empty within ten seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
