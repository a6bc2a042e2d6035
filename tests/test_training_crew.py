"""Worker processes: what they do comes back, whoever ends the parent ends them, and one that is killed is told in one line."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mia_audit.cli.ending import STORED
from mia_audit.errors import TrainingError, WorkerError
from mia_audit.training import guard
from mia_audit.training.crew import Local, released
from mia_audit.training.schedule import SIGN_OF_LIFE, SILENCE_SECONDS, Abandoned, Heartbeat

SOON = 5.0


def times(item: int, shared: int) -> tuple[int, int]:
    """Return a product, and who worked it out."""
    return item * shared, os.getpid()


def refuse(item: int, shared: str) -> None:
    """Fail as training fails."""
    raise TrainingError(f"model {item} {shared}")


def die(item: int, shared: Path) -> None:
    """Leave this process's number; the first is killed as a system short of memory kills, the others would take a minute."""
    (shared / str(os.getpid())).touch()
    while len(list(shared.iterdir())) < 2:
        time.sleep(0.05)
    if item == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def wait(item: int, shared: Path) -> int:
    """Leave this process's number, and, unless the folder is called idle, take a minute."""
    (shared / str(os.getpid())).touch()
    while len(list(shared.iterdir())) < 2:
        time.sleep(0.05)
    if shared.name != "idle":
        time.sleep(60)
    return item


def alive(process: int) -> bool:
    """Say whether a process is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] != "Z"


def soon(done: Callable[[], bool], seconds: float = SOON) -> bool:
    """Say whether something is so before the seconds have passed."""
    given_up = time.monotonic() + seconds
    while not done():
        if time.monotonic() > given_up:
            return False
        time.sleep(0.05)
    return True


def left_by(folder: Path) -> list[int]:
    """Return the processes that left their numbers in a folder."""
    return [int(path.name) for path in folder.iterdir()]


@pytest.mark.parametrize("workers", [1, 2, None])
def test_every_item_is_worked_on_once(workers: int | None) -> None:
    """Results bear their item's number; one worker is the parent itself, several are others; afterwards none is left."""
    with released():
        found = dict(Local().run(times, [5, 6, 7], 10, workers))
    assert {number: value for number, (value, _) in found.items()} == {0: 50, 1: 60, 2: 70}
    processes = {process for _, process in found.values()}
    assert (processes == {os.getpid()}) == (workers == 1)
    assert all(not alive(process) for process in processes - {os.getpid()})


def test_an_error_in_a_worker_is_the_parents(tmp_path: Path) -> None:
    """It comes with its own class and words, from one worker and from several."""
    for workers in (1, 2):
        with released(), pytest.raises(TrainingError, match=r"^model \d does not learn$"):
            list(Local().run(refuse, [1, 2], "does not learn", workers))
    assert list(tmp_path.iterdir()) == []


def test_a_killed_worker_is_told_in_one_line(tmp_path: Path) -> None:
    """The way out is in it, the exit code is 1, and the other worker is stopped with it."""
    with released(), pytest.raises(WorkerError, match=r"got one killed by .* memory; use fewer --workers or less --memory") as told:
        list(Local().run(die, [0, 1], tmp_path, 2))
    assert "\n" not in str(told.value)
    assert told.value.exit_code == 1
    assert soon(lambda: not any(alive(process) for process in left_by(tmp_path)))


PARENT = """
import sys, time
from pathlib import Path
from tests.test_training_crew import Local, wait
folder = Path(sys.argv[1])
for _ in Local().run(wait, [0, 1], folder, 2):
    pass
Path(sys.argv[1] + ".over").touch()
time.sleep(60)
"""


@pytest.mark.parametrize(("ending", "stage"), [(signal.SIGKILL, "busy"), (signal.SIGKILL, "idle"), (signal.SIGTERM, "busy")])
def test_workers_end_with_their_parent(tmp_path: Path, ending: signal.Signals, stage: str) -> None:
    """Whatever ended it, in the middle of their work or while they wait for more: no process and no pipe is left."""
    folder = tmp_path / stage
    folder.mkdir()
    quietly = {**os.environ, "PYTHONWARNINGS": "ignore:resource_tracker"}  # as the command sets it
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=quietly, start_new_session=True
    )
    over = tmp_path / f"{stage}.over"
    assert soon(lambda: over.exists() if stage == "idle" else len(left_by(folder)) == 2, 120)
    assert all(alive(process) for process in left_by(folder))
    parent.send_signal(ending)
    said = parent.communicate(timeout=SOON)  # the pipes are closed only when nobody holds them
    assert said == (b"", b"")
    assert parent.returncode == -ending
    assert soon(lambda: not any(alive(process) for process in left_by(folder)))


def test_an_orphan_tidies_up_and_leaves() -> None:
    """It goes on while its parent is the same, and takes that parent's temporary folders with it, no others."""
    places = [Path(tempfile.mkdtemp(prefix=guard.scratch_prefix(parent))) for parent in (999_999_991, 999_999_992)]
    (places[0] / "beat").touch()
    parents, left = iter([999_999_991, 999_999_991, 1]), list[int]()
    guard.outlive(999_999_991, asked=lambda: next(parents), leave=left.append)
    assert left == [1]
    assert next(parents, None) is None
    assert [place.exists() for place in places] == [False, True]
    places[1].rmdir()


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_a_distant_worker_stops_when_nobody_waits(tmp_path: Path) -> None:
    """A sign of life that stands still for a minute, or a folder that is gone, ends its work; a moving one does not."""
    clock, folder = Clock(), tmp_path / "beats"
    folder.mkdir()
    heart = Heartbeat(folder, "cohort", watched=True, clock=clock)
    for step in range(3):
        (folder / SIGN_OF_LIFE).write_text(f"{step} s", encoding="ascii")
        heart.beat(step / 3)
        clock.now += SILENCE_SECONDS - 1
        heart.beat(step / 3)
    assert (folder / "cohort").read_text(encoding="ascii") == f"{2 / 3}"
    clock.now += 2
    with pytest.raises(Abandoned):
        heart.beat(1.0)
    heart = Heartbeat(tmp_path / "gone", "cohort", watched=True, clock=clock)
    with pytest.raises(Abandoned):
        heart.beat(1.0)


def test_a_heartbeat_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """Neither here, nor far away where the sign of life cannot be read."""
    (tmp_path / "cohort").mkdir()
    clock = Clock()
    for watched in (False, True):
        heart = Heartbeat(tmp_path, "cohort", watched=watched, clock=clock)
        clock.now += 2 * SILENCE_SECONDS
        heart.beat(0.5)
    Heartbeat(tmp_path / "gone", "cohort", watched=False).beat(0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "number"),
    [
        ("train and query", "SIGTERM"),
        ("take further signals", "SIGKILL"),
        ("train what a wrong guess gives", "SIGTERM"),
        ("plant canaries", "SIGINT"),
        ("attack and measure", "SIGTERM"),
    ],
)
def test_no_stage_leaves_a_process(tmp_path_factory: pytest.TempPathFactory, stage: str, number: str) -> None:
    """Interrupted as each stage begins: the exit code of the signal, one line, and five seconds later nobody holds a pipe."""
    folder = tmp_path_factory.getbasetemp() / "stages"  # one store: a stage finds the work of those before
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.support.interrupted", str(folder), stage, number],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore:resource_tracker"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert soon(lambda: running.poll() is not None, 300)
    out, err = running.communicate(timeout=SOON)
    wanted = signal.Signals[number]
    killed = wanted is signal.SIGKILL
    assert running.returncode == (-wanted if killed else 128 + wanted), err
    assert (out, err) == ("", "" if killed else STORED)
    assert soon(lambda: not _group(running.pid))


def _group(leader: int) -> bool:
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True
