"""`mia-audit run --plan`: what an audit would cost, said on the command line before anything is trained."""

import json
import re
from pathlib import Path

import pytest

from mia_audit.privacy import gaussian
from tests.support.engine_runs import called, small_run

CHECKED = ("--attacks", "lira-online,lira-other-bits,noise-distance,inverse-hessian", "--set", "audit.canaries=2")


def test_plan_counts_all_that_would_be_trained_and_trains_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Target, phantom and 12 shadow models; as many shadow models of a wrong guess; one sibling: three cohorts, none in the store."""
    ran = called(capsys, *small_run(tmp_path, *CHECKED), "--plan")
    assert ran.returncode == 0, ran.stderr
    models, among, memory, seconds = ran.stdout.splitlines()
    assert models == "27 models in 3 cohorts of 16, 0 of them in the store already"
    assert among == "among them 12 whose recipe was guessed wrong (other-bits), a sibling with canaries"
    assert re.fullmatch(r"trained by one process, about 1\.\d\d GiB", memory)
    told = r"about \d+ s to train and query; taking signals \(noise, curvature\) and the attacks come on top, not predicted"
    assert re.fullmatch(told, seconds)
    assert not [path for path in tmp_path.iterdir() if path.name != "cache"]  # not even an empty folder


def test_plan_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--plan --json` is the plan for a program: the same numbers, seconds besides."""
    ran = called(capsys, *small_run(tmp_path, *CHECKED), "--plan", "--json")
    planned = json.loads(ran.stdout)
    seconds, bytes_each = planned.pop("seconds"), planned.pop("worker_bytes")
    assert seconds > 0
    assert 2**30 < bytes_each < 2**31
    counts = {"models": 27, "cohorts": 3, "stored": 0, "cohort_size": 16, "workers": 1, "sibling": True}
    assert planned == {**counts, "guessed": {"other-bits": 12}, "probes": ["noise", "curvature"], "privacy": None, "stages": []}


def test_plan_knows_what_the_store_holds_and_the_memory_it_may_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After the audit nothing is left to train; a limit below what one process takes is refused, as the audit itself would be."""
    audit = small_run(tmp_path, "--attacks", "loss")
    assert called(capsys, *audit).returncode == 0
    ran = called(capsys, *audit, "--plan")
    assert ran.stdout.splitlines()[0] == "14 models in 1 cohort of 16, 1 of them in the store already"
    assert ran.stdout.splitlines()[-1] == "about 0 s to train and query; the attacks come on top, not predicted"
    refused = called(capsys, *audit, "--plan", "--memory", "1GiB")
    assert refused.returncode == 2
    assert "got a limit of 1.0 GiB" in refused.stderr


def test_plan_of_a_private_training_tells_its_claim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Epsilon, delta, neighbours and sampler, before anything is trained; the numbers are the record's own kind."""
    audit = ["run", "dp-ann", "--dataset", "digits", "--set", "data.pool=200", "--set", "training.batch_size=50", "--attacks", "loss"]
    audit += ["--set", "training.epochs=2", "--set", "privacy.noise_multiplier=8", "--set", "privacy.sampling=shuffle", "--plan"]
    audit += ["--set", "model.architecture=mlp", "--set", "model.hidden=[4]", "--store", str(tmp_path / "store")]
    last = called(capsys, *audit).stdout.splitlines()[-1]
    mu = 2**0.5 / 8
    add, replace = (gaussian.epsilon_of(each, 1e-5) for each in (mu, 2 * mu))
    assert last == (
        f"claims epsilon {add:.4g} at delta 1e-05 under add/remove, epsilon {replace:.4g} at delta 1e-05 under replace-one: "
        "noise multiplier 8, shuffle sampling at rate 0.5, 4 steps"
    )
    private = json.loads(called(capsys, *audit, "--json").stdout)["privacy"]
    assert private["guarantees"][0]["epsilon"] == pytest.approx(add)
    assert (private["delta"], private["sampling"], private["seeded"]) == (1e-5, "shuffle", True)
