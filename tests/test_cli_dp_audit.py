"""Somebody else's claim, in three commands; and files that are not what they must be."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mia_audit.cli import main
from mia_audit.errors import DataError
from mia_audit.instruments import audit
from mia_audit.instruments.observations import read
from mia_audit.privacy.stated import Stated

EXAMPLE = Path(__file__).resolve().parent.parent / "docs" / "observe_dp_sgd.py"
CLAIM = ["dp-audit", "--noise-multiplier", "1", "--rate", "0.05", "--steps", "200", "--delta", "1e-5"]
WHOLE = ["dp-audit", "--noise-multiplier", "4", "--rate", "1", "--steps", "20", "--delta", "1e-5"]


def ran(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    """Run the command; return what it printed, or what it complained of."""
    with pytest.raises(SystemExit) as left:
        main([*arguments])
    said = capsys.readouterr()
    assert (left.value.code or 0) == code, said.err
    return said.err if code == 2 else said.out


def test_the_plan_tells_access_and_power_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Of every instrument; as JSON too, and the two agree."""
    text = ran(capsys, *WHOLE, "--canaries", "300")
    assert [line for line in text.splitlines() if line and not line.startswith((" ", "claim", "epsilon", "All"))] == [
        "step test", "sampler test", "one run", "many trainings",
    ]  # fmt: skip
    assert text.count("access  ") == text.count("power   ") == 4
    told = json.loads(ran(capsys, *WHOLE, "--canaries", "300", "--json"))
    assert all(each["says"] in text for each in told["instruments"])
    assert told["claim"]["noise_multiplier"] == 4


def test_an_epsilon_below_the_bound_is_doubted_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """The bound stands beside it; an epsilon above it is not doubted."""
    assert "The claimed epsilon 1 lies below that bound" in ran(capsys, *WHOLE, "--epsilon", "1")
    assert "lies below" not in ran(capsys, *WHOLE, "--epsilon", "12")


@pytest.mark.parametrize(("noise", "verdict"), [("1", "consistent"), ("0.5", "violated")])
def test_somebody_elses_training_in_three_commands(noise: str, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The documented example, sound and broken in secret."""
    seen = tmp_path / "obs.npz"
    subprocess.run([sys.executable, str(EXAMPLE), str(seen), "--noise", noise], check=True)
    found = json.loads(ran(capsys, *CLAIM, "--observations", str(seen), "--json", code=int(verdict == "violated")))
    assert found["verdict"] == verdict
    assert [each["reach"]["instrument"] for each in found["findings"]] == ["step test", "sampler test", "one run"]
    assert found["findings"][0]["numbers"]["mu measured"] == pytest.approx(1 / float(noise), rel=0.1)
    assert [each["level"] for each in found["findings"]] == pytest.approx([0.05 / 3] * 3)
    assert found["epsilon_at_least"] < found["epsilon"] == pytest.approx(4.766, abs=1e-3)


def written(folder: Path, **arrays: npt.ArrayLike) -> Path:
    """Write observations."""
    path = folder / "obs.npz"
    held: dict[str, Any] = {name: np.asarray(values) for name, values in arrays.items()}
    np.savez(path, **held)
    return path


def test_an_epsilon_below_the_mechanisms_own_is_a_violation_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever was measured; one above it is not."""
    path = str(written(tmp_path, included=np.ones((20, 40), dtype=bool)))
    assert "is less than such a training has" in (low := ran(capsys, *WHOLE, "--observations", path, "--epsilon", "1", code=1))
    assert "Verdict: violated" in low
    assert "Verdict: consistent" in ran(capsys, *WHOLE, "--observations", path, "--epsilon", "20")


def test_scores_without_a_control_have_no_power(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the line says what to give."""
    rng = np.random.default_rng(0)
    path = written(tmp_path, scores_in=rng.normal(size=200), scores_out=rng.normal(size=200))
    text = ran(capsys, *WHOLE, "--observations", str(path))
    assert "many trainings: no power" in text
    assert "no scores of trainings with half the noise were given" in text


def test_canaries_that_are_worth_nothing_are_named(tmp_path: Path) -> None:
    """Dead, short and parallel ones, by their places."""
    rng = np.random.default_rng(1)
    gradients = 10 * np.eye(40)
    gradients[3] = 0
    gradients[5, 5] = 0.5
    gradients[7] = gradients[6]
    path = written(tmp_path, sums=rng.normal(size=(20, 40)), gradients=gradients, clip=1.0, coins=np.arange(40) % 2 == 0)
    claim = Stated(noise_multiplier=4.0, rate=1.0, steps=20, delta=1e-5)
    (finding,) = audit.audited(claim, read(path)).findings
    assert [note.partition(":")[0] for note in finding.notes[1:]] == [
        "dead canaries, whose gradient is zero",
        "canaries with a norm below R, which move a sum by less",
        "canaries 6 and 7 stand in each other's way",
    ]
    assert finding.notes[1].endswith(": 3")


def test_several_canaries_share_the_level(tmp_path: Path) -> None:
    """Three canaries, one of which moves further than it may."""
    rng = np.random.default_rng(2)
    inside, outside = (4 * rng.normal(size=(3, 2_000, 6)) for _ in range(2))
    inside[2, :, 1] += 2.0
    path = written(tmp_path, with_canary=inside, without_canary=outside, canary=np.eye(6)[1], unit=1.0, tensors=[2, 4])
    claim = Stated(noise_multiplier=4.0, rate=1.0, steps=20, delta=1e-5)
    found = audit.audited(claim, read(path))
    assert found.verdict == "violated"
    assert "canary 2" in found.findings[0].notes[0]


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "observations need the arrays of one instrument, got none"),
        ({"coin": [True]}, "unknown array 'coin'; did you mean 'coins'?"),
        ({"coins": [0.5, 1.0]}, "coins needs bools, True where in, got float64 (2,)"),
        ({"scores_in": [1.0], "included": [[True]]}, "the many trainings needs scores_in and scores_out, got scores_in"),
        ({"coins": [True, False]}, "one run needs projections, or sums with gradients and clip, got no sums and no gradients and no clip"),
        ({"coins": [True, False], "projections": np.zeros(3)}, "projections needs finite numbers with 2 axes, got float64 (3,)"),
        (
            {"coins": [True, False], "projections": np.where(np.arange(40).reshape(20, 2) > 36, np.nan, 0.0)},
            "projections needs finite numbers, got nan at projections[18, 1], the first of 3; what failed is no observation",
        ),
        (
            {"coins": [True, False], "projections": np.zeros((19, 2))},
            "projections needs a row for each of the 20 steps that are claimed, got 19 rows",
        ),
        (
            {"coins": [True, False], "sums": np.zeros((15, 3)), "gradients": np.zeros((2, 3)), "clip": 1.0},
            "sums needs a row for each of the 20 steps that are claimed, got 15 rows; hand over every step, or claim with --steps",
        ),
        (
            {"coins": [True, False], "sums": np.full((20, 3), np.inf), "gradients": np.zeros((2, 3)), "clip": 1.0},
            "sums needs finite numbers, got inf at sums[0, 0], the first of 60",
        ),
        (
            {"coins": [True, False], "sums": np.zeros((20, 3)), "gradients": np.zeros((2, 3)), "clip": np.nan},
            "clip needs finite numbers, got nan; what failed",
        ),
        (
            {"scores_in": np.zeros(60), "scores_out": [*np.zeros(59), np.nan]},
            "scores_out needs finite numbers, got nan at scores_out[59]; ",
        ),
        ({"coins": [True] * 3, "projections": np.zeros((20, 2))}, "coins need one for each of 2 canaries, got (3,)"),
        ({"coins": [True] * 90, "projections": np.zeros((20, 90))}, "coins need to be fair, got 90 of 90 canaries in"),
        ({"coins": [True, False], "sums": np.zeros((20, 3)), "gradients": np.zeros((2, 3)), "clip": -1.0}, "clip needs one number above 0"),
        ({"coins": [True, False], "sums": np.zeros((20, 3)), "gradients": np.zeros((2, 4)), "clip": 1.0}, "as many parameters"),
        ({"included": [True, False]}, "a sampler test needs bools [models, steps, examples], got bool (2,)"),
        ({"scores_in": [1.0], "scores_out": [1.0]}, "50 scores on each side"),
        (
            {"with_canary": np.zeros((50, 3)), "without_canary": np.zeros((2, 50, 3))},
            "as many of without_canary and canary as of with_canary",
        ),
        ({"with_canary": np.zeros((50, 3)), "without_canary": np.zeros((50, 4))}, "with and without"),
    ],
)
def test_files_that_are_not_what_they_must_be(
    arrays: dict[str, npt.ArrayLike], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, exit code 2, with the way out."""
    error = ran(capsys, *WHOLE, "--observations", str(written(tmp_path, **arrays)), code=2)
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"hello"], ids=["empty", "cut off", "text"])
def test_files_that_hold_no_arrays(content: bytes, tmp_path: Path) -> None:
    """Empty, cut off, or of another kind; an array without a name, and no file at all."""
    path = tmp_path / "obs.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"observations need an \.npz file"):
        read(path)
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match="got one array"):
        read(tmp_path / "one.npy")
    with pytest.raises(DataError, match="No such file"):
        read(tmp_path / "nowhere.npz")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--level", "0.7"], "--level needs to be above 0 and below 0.5, got 0.7"),
        (["--replays", "10"], "--replays needs at least 40, got 10"),
        (["--sampling", "balls-and-bins"], "needs --epsilon, got none"),
        (["--observations", ""], "--observations needs a path"),
    ],
)
def test_options_that_say_nothing(more: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, exit code 2."""
    assert said in ran(capsys, *WHOLE[:4], "0.1", *WHOLE[5:], *more, code=2)
