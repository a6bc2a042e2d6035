"""What a private recipe may ask for, what it claims, and what its record and page say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

import mia_audit
from mia_audit.audit.controls.entered import never_drawn, trained_control
from mia_audit.audit.request.options import Options, describe
from mia_audit.errors import RecipeError, StoreError
from mia_audit.privacy import accounting
from mia_audit.privacy.claim import claimed, guarantees
from mia_audit.privacy.constants import mechanism
from mia_audit.privacy.mechanism import Mechanism
from mia_audit.probes.reviving import weights
from mia_audit.recipe import Recipe
from mia_audit.recipe.describing import described
from mia_audit.record import Claimed, Epsilon
from mia_audit.record.privacy import DifferentialPrivacy
from mia_audit.report import render
from mia_audit.report.console import summary_table
from mia_audit.report.guarantee import claim_judged, guarantee_in_words
from mia_audit.statistics.coins import binomial_p
from mia_audit.training.material import Material
from mia_audit.training.plan import task
from mia_audit.training.store import Store

SMALL = {"model.architecture": "conv", "model.channels": [3], "model.time_steps": 2, "data.pool": 400, "training.batch_size": 20}
NOISE = 8.0  # an accountant is the quicker the more noise there is


def asked(target: str = "dp-snn", dataset: str = "digits", **changes: Any) -> Recipe:
    """Return a checked recipe of private training on digits."""
    own = (
        {"privacy.noise_multiplier": NOISE} if target.startswith("dp") and not {"privacy__target_epsilon", "privacy"} & set(changes) else {}
    )
    settings = {**SMALL, **own, **{key.replace("__", "."): value for key, value in changes.items()}}
    if dataset == "iris":
        settings = {key: value for key, value in settings.items() if not key.startswith("model") and key != "data.pool"}
        settings["model.architecture"] = "mlp"
    return describe(target, Options(dataset=dataset, settings=settings))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__norm": "batch"}, r"treat each example by itself, got batch norm, which mixes a batch; use --set model\.norm=group"),
        ({"model__norm": "batch-per-step"}, "got batch-per-step norm"),
        (
            {"model__quantization__activation_bits": 4},
            r"got model\.quantization\.activation_bits = 4 while training; use .* or --ptq",
        ),
        ({"model__quantization__input_bits": 8}, r"scales, got model\.quantization\.input_bits = 8 while training"),
        ({"dataset": "iris"}, r"got the table iris, whose columns are standardised on the pool; .* --set privacy=none"),
        (
            {"privacy__sampling": "class-balanced"},
            "should be 'poisson', 'balls-and-bins' or 'shuffle', got 'class-balanced'",
        ),
        ({"privacy__delta": 1 / 400}, r"privacy\.delta needs to be below 1 / pool = 0\.0025, got 0\.0025: .* --set privacy\.delta=0\.001"),
        ({"privacy__delta": 0.0}, "'delta': input should be greater than 0, got 0.0"),
        ({"training__batch_size": 201}, r"training\.batch_size of at most the 200 members that are expected, got 201"),
        (
            {"privacy": {"noise_multiplier": 1.0, "target_epsilon": 2.0}},
            "noise_multiplier or target_epsilon, got both or neither; give one",
        ),
        ({"target": "snn", "privacy__max_grad_norm": 1.0}, "noise_multiplier or target_epsilon, got both or neither; give one"),
        ({"privacy__max_grad_norm": 0.0}, "'max_grad_norm': input should be greater than 0, got 0.0"),
        ({"privacy__sigma": 1.0}, "unknown key 'sigma'"),
    ],
)
def test_what_no_private_training_may_do_is_refused_with_the_way_out(changes: dict[str, Any], message: str) -> None:
    """One line each, before anything is computed."""
    with pytest.raises(RecipeError, match=message) as error:
        asked(**changes)
    assert "\n" not in str(error.value)


def test_secure_noise_is_an_option_of_its_own() -> None:
    """The same as its setting; a target without noise is told where there is some."""
    recipe = describe("dp-snn", Options(secure_noise=True))
    assert recipe == describe("dp-snn", Options(settings={"privacy.secure_noise": True}))
    assert recipe.privacy is not None
    assert recipe.privacy.secure_noise
    added = describe("snn", Options(dataset="digits", secure_noise=True, settings={"privacy.noise_multiplier": 2.0}))
    assert added.privacy is not None
    assert added.privacy.secure_noise
    with pytest.raises(RecipeError, match=r"--secure-noise needs a target with \[privacy\], got 'snn', .* choose dp-snn or dp-ann"):
        describe("snn", Options(dataset="digits", secure_noise=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"model__norm": "group", "model__groups": 3},
        {"model__quantization__weight_bits": 4},
        {"model__encoding": "rate"},
        {"data__augment": ["flip"]},
        {"model__quantization__activation_bits": 4, "model__quantization__when": "post-training"},
        {"training__optimizer": "adam", "training__momentum": 0.9},
        {"target": "snn", "privacy__noise_multiplier": 2.0},
        {"privacy__sampling": "shuffle"},
        {"dataset": "iris", "target": "snn"},
        {"model__norm": "batch", "privacy": "none"},
    ],
)
def test_what_treats_each_example_by_itself_is_taken(changes: dict[str, Any]) -> None:
    """Group norm, quantized weights, codes, augmentation, quantizers after training, any optimizer, any target; or no privacy."""
    recipe = asked(**changes)
    assert (recipe.privacy is None) == (changes.get("privacy") == "none" or changes.get("dataset") == "iris")


# claims


def test_a_private_recipe_claims_what_its_training_guarantees() -> None:
    """The tight bound under add/remove over all epochs, rounded up, at its own delta; replace-one stands beside it and is more."""
    recipe = claimed(asked(training__epochs=4))
    add, replace = guarantees(recipe)
    told = Mechanism(noise_multiplier=NOISE, batch=20, examples=200, epochs=4)
    assert mechanism(recipe) == told
    assert add.epsilon == accounting.loss_epsilon(told, 1e-5)
    assert (add.adjacency, replace.adjacency, add.bound, replace.bound) == ("add/remove", "replace-one", True, True)
    assert 0 <= (recipe.audit.claimed_epsilon or 0) - add.epsilon < 1.01e-4
    assert recipe.audit.claimed_delta == 1e-5
    assert replace.epsilon > add.epsilon
    assert claimed(recipe) == recipe


def test_checkpoints_and_accuracy_do_not_lower_a_claim() -> None:
    """An earlier release is covered by all epochs that were run; training that ends earlier claims less."""
    whole = claimed(asked(training__epochs=6)).audit.claimed_epsilon or 0
    assert claimed(asked(training__epochs=6, training__checkpoints=[1])).audit.claimed_epsilon == whole
    assert (claimed(asked(training__epochs=6, training__stop_epoch=3)).audit.claimed_epsilon or 0) < whole


def test_an_epsilon_that_is_asked_for_is_kept() -> None:
    """The least noise to four digits: a little less would not do."""
    recipe = claimed(asked(privacy__target_epsilon=3.0, privacy__sampling="shuffle", training__epochs=2))
    assert recipe.privacy is not None
    noise = recipe.privacy.noise_multiplier or 0.0
    less = Mechanism(noise_multiplier=0.998 * noise, batch=20, examples=200, epochs=2, sampling="shuffle")
    assert recipe.privacy.target_epsilon is None
    assert (recipe.audit.claimed_epsilon or 9) <= 3.0 < accounting.account(less, 1e-5).guarantee.epsilon


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"privacy__noise_multiplier": 0.0, "audit__claimed_epsilon": 3.0}, r"a claim needs noise, got privacy\.noise_multiplier = 0"),
        ({"audit__claimed_epsilon": 0.01, "audit__claimed_delta": 1e-5}, r"claimed_epsilon needs at least [\d.]+, which .* got 0\.01"),
        ({"audit__claimed_epsilon": 9.0, "audit__claimed_delta": 1e-6}, r"claimed_delta needs to be privacy\.delta = 1e-05, got 1e-06"),
        ({"audit__claimed_mu": 1.0}, r"claims what it guarantees, .* got audit\.claimed_mu = 1"),
        ({"privacy__target_epsilon": 0.0001, "training__epochs": 50_000}, r"no noise multiplier up to 1,000 gives epsilon 0\.0001"),
    ],
)  # fmt: skip
def test_claims_that_contradict_the_training_are_refused(changes: dict[str, Any], message: str) -> None:
    """No noise, less than is guaranteed, another delta, another kind of claim, an epsilon out of reach: one line."""
    with pytest.raises(RecipeError, match=message):
        claimed(asked(**changes))


def test_a_weaker_claim_is_left_alone_and_no_noise_claims_nothing() -> None:
    """More than is guaranteed is no contradiction."""
    recipe = asked(audit__claimed_epsilon=90.0, audit__claimed_delta=1e-5)
    assert claimed(recipe) == recipe
    bare = asked(privacy__noise_multiplier=0.0)
    assert (claimed(bare), guarantees(bare)) == (bare, ())
    plain = asked("snn")
    assert (claimed(plain), guarantees(plain)) == (plain, ())


# coins as trained


def test_as_many_members_may_never_have_been_drawn_as_sampling_explains() -> None:
    """A subset of the coins passes where the number that is missing is likely; too many, none, and anybody else fail."""
    recipe = asked(training__epochs=2)
    absent = never_drawn(recipe)
    assert absent == pytest.approx((1 - 20 / 200) ** 20)
    rng = np.random.default_rng(0)
    rows = rng.random((6, 400)) < 0.5
    drawn = rows & (rng.random(rows.shape) >= absent)
    assert trained_control(drawn, rows, absent).passed is True
    assert trained_control(rows, rows, absent).passed is False
    assert trained_control(rows & (rng.random(rows.shape) >= 3 * absent), rows, absent).passed is False
    one = drawn.copy()
    one[2] = rows[2] & (rng.random(400) >= 0.5)
    assert trained_control(one, rows, absent).passed is False
    drawn[0, np.flatnonzero(~rows[0])[0]] = True
    assert trained_control(drawn, rows, absent).passed is False
    assert never_drawn(asked(privacy__sampling="balls-and-bins")) == never_drawn(asked("snn")) == 0


@pytest.mark.parametrize(("successes", "trials", "probability"), [(0, 10, 0.3), (7, 10, 0.3), (3, 10, 0.3), (50, 400, 0.1)])
def test_a_two_sided_binomial_p_is_twice_the_smaller_tail(successes: int, trials: int, probability: float) -> None:
    """By SciPy's one-sided tests."""
    tails = [binomtest(successes, trials, probability, alternative=side).pvalue for side in ("less", "greater")]
    assert binomial_p(successes, trials, probability) == pytest.approx(min(1, 2 * min(tails)))


# what only the operating system knows


def test_what_the_system_drew_is_neither_checked_nor_trained_again(tmp_path: Path) -> None:
    """Batches cannot be worked out once more; weights that are gone stay gone, and the way out is told."""
    recipe = asked(privacy__secure_noise=True)
    assert "noise 8 of the operating system" in described(recipe).short
    nothing = np.zeros((0, 8, 8, 1), dtype=np.float32)
    inputs = np.zeros((400, 8, 8, 1), dtype=np.float32)
    given = Material(
        recipe=recipe, classes=10, pool_inputs=inputs, pool_labels=np.zeros(400, dtype=np.int64), population_inputs=nothing,
        test_inputs=inputs[:5], calibration_inputs=nothing,
    )  # fmt: skip
    with pytest.raises(StoreError, match="nobody can train the same models again; clear the store"):
        weights(task((0,), np.ones((1, 400), dtype=np.bool_), "0" * 64, "any"), given, Store(folder=tmp_path), "cpu")
    told = DifferentialPrivacy(
        guarantees=(),
        delta=1e-5,
        noise_multiplier=1,
        max_grad_norm=1,
        sampling="poisson",
        rate=0.1,
        divisor=1,
        steps=1,
        epochs=1,
        seeded=False,
    )
    assert not any("subtract" in sentence for sentence in guarantee_in_words(told))


def test_answers_alone_refute_a_claim_or_have_no_power() -> None:
    """Never "consistent": what a violation would have come to is said, or that none would have been seen; old records say nothing."""
    told = Claimed(text="a claim", most_auc=0.9, most_advantage=0.9, p=1.0, p_bound=0.2, needed=70, least_seen=3.456)
    counted = Epsilon(
        attack="loss", delta=1e-5, level=0.05, threshold=0.0, turned=False, accused=0.4, cleared=0.4, limits=(), ceiling=5.0,
        claimed=told, guesses=80, right=60,
    )  # fmt: skip

    def said(**changes: Any) -> str:
        return " ".join(claim_judged(counted.model_copy(update={"claimed": told.model_copy(update=changes)})))

    assert "no power. 60 of 80 guesses at the coins were right; 70 would have refuted it, so that" in said()
    assert "would have been seen only above epsilon 3.46" in said()
    assert "violated. 60 of 80 guesses at the coins were right, p = 0.040" in said(p_bound=0.04)
    assert "had all been right, the claim would have stood" in said(needed=81, least_seen=None)
    assert not said(needed=None)
    assert not said(p_bound=None)
    assert not claim_judged(counted.model_copy(update={"claimed": None}))


# the whole of it


def test_an_audit_of_a_private_target_tells_what_is_claimed(tmp_path: Path) -> None:
    """Controls pass, the record holds guarantee and constants, page and console tell them, and that the seed undoes them."""
    record = mia_audit.run(
        "dp-ann", dataset="digits", shadows=4, attacks=("loss",), out=tmp_path / "record", store=tmp_path / "store",
        settings={"model.architecture": "conv", "model.channels": [3], "data.pool": 200, "data.test": 100, "data.population": 0,
                  "training.batch_size": 10, "training.epochs": 2, "privacy.delta": 1e-3, "privacy.noise_multiplier": NOISE},
    )  # fmt: skip
    found = record.summary.privacy
    assert found is not None
    controls = {control.name: control.passed for control in record.summary.controls}
    assert controls["coins as trained"] is controls["fed as dealt"] is True
    told = Mechanism(noise_multiplier=NOISE, batch=10, examples=100, epochs=2)
    assert (found.rate, found.divisor, found.steps, found.epochs, found.seeded) == (told.rate, 10, told.steps, 2, True)
    epsilon = accounting.loss_epsilon(told, 1e-3)
    assert found.guarantees[0].epsilon == epsilon
    assert record.summary.epsilon is not None
    assert record.summary.epsilon.claimed is not None
    assert record.summary.epsilon.delta == 1e-3
    lines = " ".join(summary_table(record)[1])
    page = render([record])
    shown = record.summary.epsilon
    needed = record.summary.epsilon.claimed.needed
    judged = f"no power. {shown.right} of {shown.guesses} guesses at the coins were right; {needed} would have refuted it"
    told_by_both = (f"guarantees epsilon {epsilon:.2f} at delta 0.001 under add/remove", "whoever holds it can subtract the noise", judged)
    for text in told_by_both:
        assert text in lines
        assert text in page.replace("&#39;", "'")
