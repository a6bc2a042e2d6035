"""Audits on clusters: the same record to the byte, a killed worker survived, machines that do not agree refused."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import mia_audit
from mia_audit.errors import ExecutorError
from mia_audit.training import agreement, dask_crew
from mia_audit.training.agreement import agreed
from mia_audit.training.executor import executor, opened
from tests.support.engine_runs import command, without_minutes
from tests.test_training_crew import soon

SMALL = ("--target", "ann", "--dataset", "iris", "--shadows", "20", "--attacks", "loss,noise-distance,lira-other-bits", "--device", "cpu",
         "--set", "training.epochs=3", "--set", "model.hidden=[8]", "--set", "audit.canaries=3")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A Dask scheduler on loopback, and its two worker processes."""

    address: str
    workers: tuple["subprocess.Popen[bytes]", ...]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Start a cluster as an administrator would, and end it."""
    environment, loopback = {**os.environ, "OMP_NUM_THREADS": "1"}, ("--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0")

    def start(*arguments: str) -> "subprocess.Popen[bytes]":
        run = [sys.executable, "-W", "ignore", "-m", "distributed.cli." + arguments[0], *arguments[1:]]
        return subprocess.Popen(run, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    scheduler = start("dask_scheduler", "--port", "0", *loopback)
    assert scheduler.stderr is not None
    line = next(line.decode() for line in scheduler.stderr if b"Scheduler at:" in line)
    address = line.split()[-1]
    workers = tuple(start("dask_worker", address, "--nthreads", "1", "--no-nanny", *loopback) for _ in range(2))
    try:
        yield Cluster(address=address, workers=workers)
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.communicate()


def arguments(folder: Path, *more: str) -> list[str]:
    """Return the arguments of a small audit with probes, a wrong guess and canaries."""
    return ["run", *SMALL, "--store", str(folder / "store"), "--out", str(folder / "record"), *more]


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same_record(tmp_path: Path, cluster: Cluster) -> None:
    """Every stage runs there, and one of two workers is killed after the first cohort: the record is that of one process here."""
    (tmp_path / "there").mkdir()
    running = subprocess.Popen(
        [sys.executable, "-m", "mia_audit", *arguments(tmp_path / "there", "--executor", "dask", "--scheduler", cluster.address)],
        cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert soon(lambda: bool(list((tmp_path / "there").rglob("*.safetensors"))) or running.poll() is not None, 300)
    cluster.workers[0].kill()
    _, err = running.communicate(timeout=300)
    assert (running.returncode, without_minutes(err)) == (0, "")
    here = command(arguments(tmp_path / "here", "--workers", "1"), tmp_path)
    assert here.returncode == 0, here.stderr
    for name in ("record.json", "arrays.npz"):
        assert (tmp_path / "there" / "record" / name).read_bytes() == (tmp_path / "here" / "record" / name).read_bytes(), name
    assert json.loads((tmp_path / "there" / "record" / "run.json").read_text(encoding="utf-8"))["executor"] == "dask"
    left = [path.name for path in (tmp_path / "there" / "store").iterdir() if len(path.name) != 2]
    assert left == []


@pytest.mark.slow
def test_errors_and_ctrl_c_are_those_of_one_machine(tmp_path: Path, cluster: Cluster) -> None:
    """A model that does not learn is named in one line; an interrupt ends in one line too, and the workers stop what nobody waits for."""
    on_it = ("--executor", "dask", "--scheduler", cluster.address)
    failed = command(arguments(tmp_path, *on_it, "--set", "training.learning_rate=1e30", "--set", "training.optimizer=sgd"), tmp_path)
    assert (failed.returncode, without_minutes(failed.stderr).count("\n")) == (2, 1), failed.stderr
    assert without_minutes(failed.stderr).startswith("TrainingError: model ")
    running = subprocess.Popen(
        [sys.executable, "-m", "mia_audit", *arguments(tmp_path, *on_it, "--set", "training.epochs=100000")],
        cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert soon(lambda: len(list((tmp_path / "store").glob("mia-audit-*/*"))) > 1 or running.poll() is not None, 300)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (130, "")
    assert without_minutes(err) == "Interrupted. Finished cohorts are in the store; the same command goes on from there.\n"
    assert soon(lambda: all(_seconds(worker.pid, 0.5) < 0.25 for worker in cluster.workers), 20)


def _seconds(process: int, over: float) -> float:
    """Return the processor seconds that a process takes in so much time."""

    def spent() -> float:
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = spent()
    time.sleep(over)
    return spent() - before


def test_machines_agree_in_versions_and_see_the_store(tmp_path: Path) -> None:
    """Both versions are named; a folder that a worker cannot write, or whose content is not seen here, is refused with the way out."""
    with agreed(tmp_path) as ours:
        ours.confirm(ours.require())
        other = replace(ours, versions={**ours.versions, "torch": "1.0"})
        with pytest.raises(ExecutorError, match=r"every worker needs torch 1\.0, as here, got \d\S+ on a worker; install the same"):
            other.require()
        absent = replace(ours, versions={**ours.versions, "no-such-package": "1.0"})
        with pytest.raises(ExecutorError, match=r"needs no-such-package 1\.0, as here, got none on a worker"):
            absent.require()
        with pytest.raises(ExecutorError, match=r"got .*: a worker cannot write there: No such file .*; give a shared folder with --store"):
            replace(ours, folder=tmp_path / "elsewhere" / "token").require()
    assert list(tmp_path.iterdir()) == []


def test_a_token_that_does_not_arrive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an absent one nor one with another content counts, however a worker praises it."""
    monkeypatch.setattr(agreement, "PATIENCE", 0.1)
    with agreed(tmp_path) as ours:
        (ours.folder / "wrong").write_text("another folder's", encoding="ascii")
        for token in ("absent", "wrong"):
            with pytest.raises(ExecutorError, match=r"one path, got .*: what a worker wrote there is not seen here; give a shared folder"):
                ours.confirm(token)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kind": "dusk"}, r"--executor needs one of local, dask, ray, got 'dusk'; did you mean 'dask'\?"),
        ({"kind": None, "scheduler": "tcp://h:1"}, r"--scheduler needs --executor dask, got --executor local; leave --scheduler out or"),
        ({"kind": "dask", "address": "h:1"}, r"--address needs --executor ray, got --executor dask"),
        ({"kind": "ray", "scheduler": "tcp://h:1"}, r"--scheduler needs --executor dask, got --executor ray"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, str | None], said: str) -> None:
    """In one line, before anything starts."""
    with pytest.raises(ExecutorError, match=said):
        executor(**options)  # pyright: ignore[reportArgumentType]
    names = {"executor" if name == "kind" else name: value for name, value in options.items()}
    with pytest.raises(ExecutorError, match=said):
        mia_audit.run("ann", dataset="iris", **names)  # pyright: ignore[reportArgumentType]


def test_a_scheduler_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its address, and what to do."""
    monkeypatch.setattr(dask_crew, "CONNECT_SECONDS", 1)
    chosen = executor("dask", scheduler="tcp://127.0.0.1:9")
    said = r"--scheduler needs .* got 'tcp://127\.0\.0\.1:9': .*; start them with `dask scheduler`"
    with pytest.raises(ExecutorError, match=said), opened(chosen, tmp_path, 2):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray is not installed: pip install 'mia-audit[ray]'")
def test_a_local_ray_cluster_gives_the_same_record(tmp_path: Path) -> None:
    """Byte for byte, without a word of Ray's."""
    there = command(arguments(tmp_path / "there", "--workers", "2", "--executor", "ray"), tmp_path)
    here = command(arguments(tmp_path / "here", "--workers", "1"), tmp_path)
    assert (there.returncode, without_minutes(there.stderr)) == (0, "")
    assert here.returncode == 0
    assert (tmp_path / "there" / "record" / "record.json").read_bytes() == (tmp_path / "here" / "record" / "record.json").read_bytes()


def test_what_an_extra_lacks_is_said(tmp_path: Path) -> None:
    """Without ray the line says what to install."""
    if importlib.util.find_spec("ray") is not None:
        pytest.skip("ray is installed")
    said = r"--executor ray needs the package ray, got none installed; pip install 'mia-audit\[ray\]'"
    with pytest.raises(ExecutorError, match=said), opened(executor("ray"), tmp_path, 2):
        pass
