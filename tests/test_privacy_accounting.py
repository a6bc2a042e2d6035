"""The epsilon of a DP-SGD training: published figures, closed forms, a second way of computing each, refusals."""

import json
import math
from pathlib import Path

import pytest
from scipy.integrate import quad
from scipy.stats import norm

from mia_audit.cli.account import _epsilon
from mia_audit.errors import RecipeError
from mia_audit.privacy import accounting, gaussian
from mia_audit.privacy.mechanism import Mechanism, check_delta
from mia_audit.privacy.remembered import remembered

DELTA = 1e-5

PUBLISHED = [  # Wang et al. 2022, arXiv:2205.12718v1, Tables 1, 2 and 4: sigma, the epochs that fit, epsilon by MA and by CLT, mu
    (1.6, 60, 1.46, 1.32, 0.35),
    (1.3, 58, 1.93, 1.74, 0.44),
    (1.0, 56, 2.93, 2.60, 0.63),
    (0.7, 50, 6.55, 5.31, 1.18),
    (0.5, 60, 23.20, 21.65, 3.66),
    (1.6, 72, 1.61, 1.46, 0.38),
    (1.3, 76, 2.23, 2.02, 0.51),
    (1.0, 80, 3.55, 3.18, 0.76),
    (0.7, 80, 8.28, 7.02, 1.49),
    (0.5, 69, 24.98, 23.77, 3.93),
    (1.0, 80, 3.55, 3.18, 0.76),
    (1.0, 75, 3.43, 3.06, 0.73),
    (1.0, 76, 3.45, 3.09, 0.74),
]


def training(noise: float = 1.0, epochs: int = 56, *, batch: int = 250, examples: int = 60_000, sampling: str = "poisson") -> Mechanism:
    """Return the paper's training."""
    return Mechanism(noise_multiplier=noise, batch=batch, examples=examples, epochs=epochs, sampling=sampling)


@pytest.mark.parametrize(("noise", "epochs", "renyi", "limit", "mu"), PUBLISHED)
def test_thirteen_published_rows_to_the_digit(noise: float, epochs: int, renyi: float, limit: float, mu: float) -> None:
    """Epsilon by Renyi divergences, by the central limit, and mu, rounded as printed."""
    own = training(noise, epochs)
    assert round(accounting.renyi_epsilon(own, DELTA)[0], 2) == renyi
    found = gaussian.central_limit_mu(own)
    assert round(gaussian.epsilon_of(found, DELTA), 2) == limit
    assert round(found, 2) == mu


@pytest.mark.parametrize(("noise", "epochs", "tight"), [(1.6, 60, 1.339), (1.0, 56, 2.681), (0.7, 50, 5.868), (0.5, 60, 20.886)])
def test_the_guarantee_is_tighter_than_renyis_and_no_approximation(noise: float, epochs: int, tight: float) -> None:
    """Loss distributions give less than Renyi divergences; where noise is large the central limit promises less than is true."""
    own = training(noise, epochs)
    epsilon = accounting.loss_epsilon(own, DELTA)
    assert epsilon == pytest.approx(tight, abs=1e-3)
    assert epsilon < accounting.renyi_epsilon(own, DELTA)[0]
    if noise >= 0.7:
        assert gaussian.epsilon_of(gaussian.central_limit_mu(own), DELTA) < epsilon


@pytest.mark.parametrize("width", [accounting.FINE, accounting.COARSE])
def test_without_sampling_the_guarantee_is_the_gaussian_closed_form(width: float) -> None:
    """Whole batches compose to one Gaussian release of mu = sqrt(steps) / sigma; a bound lies above it, and just above."""
    own = training(8.0, 20, batch=1_000, examples=1_000)
    exact = gaussian.epsilon_of(math.sqrt(20) / 8, 1e-4)
    assert exact <= accounting.loss_epsilon(own, 1e-4, width=width) <= exact * 1.01


def test_replace_one_costs_more_than_add_or_remove() -> None:
    """Whole batches: to replace an example moves a sum by twice the clipping norm, so mu doubles."""
    own = training(8.0, 20, batch=1_000, examples=1_000)
    exact = gaussian.epsilon_of(2 * math.sqrt(20) / 8, 1e-4)
    assert exact <= accounting.loss_epsilon(own, 1e-4, replace=True, width=accounting.COARSE) <= exact * 1.01


@pytest.mark.parametrize(("mu", "epsilon"), [(0.3, 0.0), (0.5, 1.0), (1.0, 1.0), (2.0, 5.0), (8.0, 40.0)])
def test_deltas_are_what_one_gaussian_has_above_the_other(mu: float, epsilon: float) -> None:
    """Integrated: the mass of N(mu, 1) above e^epsilon times that of N(0, 1)."""
    start = mu / 2 + epsilon / mu
    above, _ = quad(lambda x: norm.pdf(x - mu) - math.exp(epsilon) * norm.pdf(x), start, start + 40, epsabs=1e-14)
    assert gaussian.delta_of(mu, epsilon) == pytest.approx(above, rel=1e-6, abs=1e-13)
    if above > 1e-12 and epsilon > 0:
        assert gaussian.epsilon_of(mu, above) == pytest.approx(epsilon, rel=1e-5)


def test_nothing_is_needed_where_delta_covers_all() -> None:
    """A mu so small that delta alone holds has epsilon 0."""
    assert gaussian.epsilon_of(1e-7, 1e-5) == 0


def test_a_known_order_gains_nothing_from_sampling() -> None:
    """Sixty epochs at sigma 1 are sixty Gaussian releases of each example: epsilon 62, where Poisson sampling has under 3."""
    entry, replaced = accounting.account(training(1.0, 60, sampling="shuffle"), DELTA).entries
    assert entry.epsilon == pytest.approx(gaussian.epsilon_of(math.sqrt(60), DELTA))
    assert round(entry.epsilon) == 62
    assert replaced.adjacency == "replace-one"
    assert replaced.epsilon == pytest.approx(gaussian.epsilon_of(2 * math.sqrt(60), DELTA))


def test_one_bin_an_epoch_is_no_sampling_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Balls and bins with a single step an epoch: bounds enclose the Gaussian closed form."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (entry,) = accounting.account(training(4.0, 3, batch=1_000, examples=1_000, sampling="balls-and-bins"), 1e-4).entries
    assert entry.epsilon == pytest.approx(gaussian.epsilon_of(math.sqrt(3) / 4, 1e-4), rel=0.05)
    assert entry.epsilon >= gaussian.epsilon_of(math.sqrt(3) / 4, 1e-4)


def test_an_account_that_takes_minutes_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same constants it is computed once; of others again; a damaged file and a cache that cannot be written are none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked: list[float] = []

    def computed() -> tuple[float, ...]:
        asked.append(1.0)
        return 2.5, 2.25

    assert [remembered({"sigma": 1.0}, computed) for _ in range(3)] == [(2.5, 2.25)] * 3
    assert len(asked) == 1
    remembered({"sigma": 2.0}, computed)
    assert len(asked) == 2
    for kept in tmp_path.rglob("*.json"):
        kept.write_text("{", encoding="utf-8")
    assert remembered({"sigma": 1.0}, computed) == (2.5, 2.25)
    assert len(asked) == 3
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert remembered({"sigma": 1.0}, computed) == (2.5, 2.25)


@pytest.mark.parametrize("epochs", [1, 7])
def test_rate_and_steps_come_from_constants_alone(epochs: int) -> None:
    """A batch that does not divide the examples has one more step an epoch."""
    own = training(epochs=epochs, batch=300, examples=1_000)
    assert (own.rate, own.epoch, own.steps) == (0.3, 4, 4 * epochs)


def test_the_noise_found_is_the_least_that_will_do() -> None:
    """Four digits, rounded up: its epsilon is at most the target's, and one digit less is not enough."""

    def of(noise: float) -> Mechanism:
        return training(noise, 2, batch=500, examples=2_000)

    noise = accounting.noise_for(0.2, 1e-4, of)
    assert accounting.loss_epsilon(of(noise), 1e-4) <= 0.2
    assert accounting.loss_epsilon(of(noise - 5e-3), 1e-4) > 0.2
    assert round(noise, 3) == noise


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"noise": 0.0}, "a guarantee needs a noise multiplier above 0, got 0; without noise epsilon is infinite"),
        ({"noise": math.nan}, "a guarantee needs a noise multiplier above 0, got nan"),
        ({"batch": 0}, "--batch needs a whole number from 1, got 0"),
        ({"batch": 70_000}, "--batch needs at most as many as --examples, 60000, got 70000"),
        ({"epochs": 0}, "--epochs needs a whole number from 1, got 0"),
        ({"sampling": "poison"}, "--sampling needs a sampler that is accounted for, got 'poison'; did you mean 'poisson'?"),
    ],
)
def test_constants_that_are_none_are_refused(changed: dict[str, float], said: str) -> None:
    """Each with its value and the way out."""
    with pytest.raises(RecipeError, match="needs") as refused:
        training(**changed)  # pyright: ignore[reportArgumentType]
    assert said in str(refused.value)


@pytest.mark.parametrize("delta", [0.0, -1e-5, 1.0, 1 / 60_000, math.nan])
def test_a_delta_that_permits_to_publish_a_record_is_refused(delta: float) -> None:
    """Delta lies below one in the number of examples."""
    with pytest.raises(RecipeError, match=r"below 1 / examples = 1\.67e-05") as refused:
        check_delta(delta, 60_000)
    assert "a common choice is 1e-06" in str(refused.value)


def test_targets_out_of_reach_are_refused() -> None:
    """No noise is enough for an epsilon next to nothing, and none is looked for where a single epsilon takes minutes."""
    with pytest.raises(RecipeError, match="no noise multiplier up to 1,000 gives epsilon 1e-06"):
        accounting.noise_for(1e-6, DELTA, lambda noise: training(noise, sampling="shuffle"))
    with pytest.raises(RecipeError, match="--target-epsilon needs to be above 0 and at most 700, got inf"):
        accounting.noise_for(math.inf, DELTA, training)
    with pytest.raises(RecipeError, match="--target-epsilon needs to be above 0 and at most 700, got 0"):
        accounting.noise_for(0.0, DELTA, training)
    with pytest.raises(RecipeError, match="--target-epsilon needs --sampling poisson or shuffle"):
        accounting.noise_for(1.0, DELTA, lambda noise: training(noise, sampling="balls-and-bins"))


def test_the_command_prints_the_guarantee_and_its_neighbours(capsys: pytest.CaptureFixture[str]) -> None:
    """As text for people, as JSON for programs; the two agree."""
    from mia_audit.cli import main  # noqa: PLC0415

    given = ["account", "--noise-multiplier", "2", "--batch", "100", "--examples", "1000", "--epochs", "2", "--delta", "1e-4"]
    for more in ([], ["--json"]):
        with pytest.raises(SystemExit) as left:
            main([*given, *more])
        assert not left.value.code
    text, _, found = capsys.readouterr().out.partition("{")
    entries = json.loads("{" + found)["entries"]
    assert [(each["name"], each["adjacency"], each["bound"]) for each in entries] == [
        ("PLD", "add/remove", True), ("PLD", "replace-one", True), ("RDP", "add/remove", True), ("CLT", "add/remove", False),
    ]  # fmt: skip
    assert f"Guarantee: ({entries[0]['epsilon']:.3f}, 0.0001)-differential privacy under add/remove." in text
    assert "approximation, not a bound" in text


@pytest.mark.parametrize("more", [[], ["--noise-multiplier", "1", "--target-epsilon", "1"]])
def test_the_command_needs_noise_or_a_target(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Both and neither are refused in one line."""
    from mia_audit.cli import main  # noqa: PLC0415

    with pytest.raises(SystemExit) as left:
        main(["account", "--batch", "100", "--examples", "1000", "--epochs", "2", "--delta", "1e-4", *more])
    assert left.value.code == 2
    assert "account needs --noise-multiplier or --target-epsilon" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "said"), [(0.0, "0.000"), (1.26e-5, "1.3e-05"), (0.00049, "4.9e-04"), (0.0005, "0.001"), (2.68062, "2.681")]
)
def test_a_tiny_epsilon_is_not_printed_as_none(value: float, said: str) -> None:
    """Three decimals would say 0.000, which no training but an empty one has."""
    assert _epsilon(value) == said
