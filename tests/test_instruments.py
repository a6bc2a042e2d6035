"""Instruments against trainings that are as claimed and trainings that are not: levels, power, verdicts."""

import math
from dataclasses import replace

import numpy as np
import pytest

from mia_audit.errors import EvidenceError, RecipeError
from mia_audit.instruments import one_run, sampler, step, trainings
from mia_audit.instruments.family import Family
from mia_audit.instruments.verdict import CONSISTENT, NO_POWER, VIOLATED, Finding, Reach, together
from mia_audit.privacy.stated import Stated
from mia_audit.statistics import inclusion, likelihood, onerun, refuting
from mia_audit.statistics.curve import Curve
from mia_audit.statistics.onerun import Guesses
from mia_audit.statistics.refuting import Permits
from mia_audit.types import Floats

WHOLE = Stated(noise_multiplier=4.0, rate=1.0, steps=20, delta=1e-5)
"""Nothing sampled: a Gaussian release, whose curve takes no accountant."""
SPARSE = Stated(noise_multiplier=1.0, rate=0.1, steps=40, delta=1e-5)
SIZE = 12


def stepping(noise: float, shift: float, *, along: int = 3) -> step.Step:
    """Return a step that moves by `shift` with the canary, and adds noise of this many clipping norms."""

    def once(canary: bool, replay: int) -> Floats:
        rng = np.random.default_rng([replay, 7])
        moved = np.zeros(SIZE)
        moved[along] = shift if canary else 0.0
        row: Floats = 5.0 + moved + noise * rng.normal(size=SIZE)
        return row

    return once


def replayed(once: step.Step, replays: int = 1_500, *, known: bool = True, unit: float | None = 1.0) -> Finding:
    """Return what the step test says of a step that claims noise 2."""
    direction = np.eye(SIZE)[3] if known else None
    rng = np.random.default_rng(0)
    case = step.replayed(once, replays, rng, known=direction, unit=unit, tensors=(4, 8))
    return step.judged([case], replace(WHOLE, noise_multiplier=2.0), 0.01)


def test_a_step_as_claimed_is_consistent_and_its_mu_is_measured() -> None:
    """One clipping norm over twice the noise."""
    found = replayed(stepping(2.0, 1.0))
    assert found.verdict == CONSISTENT
    assert found.numbers["mu measured"] == pytest.approx(0.5, abs=0.12)
    assert found.numbers["mu at least"] < 0.5


@pytest.mark.parametrize(
    ("noise", "shift", "unit"),
    [(1.0, 1.0, None), (1.8, 1.0, 1.0), (2.0, 1.6, None), (0.0, 1.0, None)],
    ids=["half", "quiet", "far", "none"],
)
def test_less_noise_and_longer_canaries_are_violations(noise: float, shift: float, unit: float | None) -> None:
    """Along the known direction, and by the noise itself where its unit is known."""
    assert replayed(stepping(noise, shift), unit=unit).verdict == VIOLATED


def test_a_direction_that_nobody_named_is_learnt() -> None:
    """The canary moves another coordinate than its own."""
    assert replayed(stepping(2.0, 1.6, along=9), unit=None, replays=4_000).verdict == VIOLATED
    assert replayed(stepping(2.0, 1.0, along=9), known=False, unit=None).verdict != VIOLATED


def test_noise_that_is_shared_or_repeated_is_a_violation() -> None:
    """Every tenth replay draws what an earlier one drew."""
    plain = stepping(2.0, 1.0)

    def once(canary: bool, replay: int) -> Floats:
        return plain(canary=canary, replay=replay % 1_000)

    found = replayed(once)
    assert found.verdict == VIOLATED
    assert "fresh" in found.notes[0]


def test_one_quiet_tensor_among_many_is_seen() -> None:
    """Noise that one of three tensors lacks half of, while the others are as claimed; mu's lower limit lies below what was measured."""
    rng, claim = np.random.default_rng(5), Stated(noise_multiplier=2.0, rate=0.1, steps=10, delta=1e-5)
    spread = np.repeat([2.0, 1.0, 2.0], 4)
    inside, outside = (spread * rng.normal(size=(400, 12)) for _ in range(2))
    case = step.given(inside, outside, rng, unit=1.0, tensors=(4, 4, 4))
    assert step.looks(case, claim)["noise"] < 1e-6
    moved = 2 * rng.normal(size=(400, 12)) + 2 * np.eye(12)[0]
    numbers = step.judged([step.given(moved, 2 * rng.normal(size=(400, 12)), rng, known=np.eye(12)[0])], claim, 0.05).numbers
    assert 0.5 < numbers["mu at least"] < numbers["mu measured"] - 0.1


def test_the_step_test_holds_its_level() -> None:
    """200 sound steps, replayed 300 times: no more are accused than the binomial's 99.9 % limit of 5 %."""
    rng, accused = np.random.default_rng(1), 0
    claim = replace(WHOLE, noise_multiplier=2.0)
    for _ in range(200):
        inside, outside = (2.0 * rng.normal(size=(300, SIZE)) for _ in range(2))
        inside[:, 3] += 1.0
        case = step.given(inside, outside, rng, known=np.eye(SIZE)[3], unit=1.0, tensors=(4, 8))
        ps = step.looks(case, claim)
        accused += len(ps) * min(ps.values()) <= 0.05
    assert accused <= 21


def test_replays_that_do_not_match_are_refused() -> None:
    """Shapes, tensors and too few replays, in one line."""
    rng = np.random.default_rng(0)
    with pytest.raises(EvidenceError, match="with and without"):
        step.given(np.zeros((50, 3)), np.zeros((50, 4)), rng)
    with pytest.raises(EvidenceError, match="of 3 parameters in all, got 5"):
        step.given(np.zeros((50, 3)), np.zeros((50, 3)), rng, tensors=(2, 3))
    with pytest.raises(EvidenceError, match="40 replays a side, got 10"):
        step.given(np.zeros((10, 3)), np.zeros((10, 3)), rng)


def test_the_reach_of_a_step_test_is_known_before() -> None:
    """10,000 replays resolve 5 % at sigma 1 and level 5 %, more replays more."""
    claim = replace(WHOLE, noise_multiplier=1.0)
    few, many = (step.reach(claim, replays, 0.05) for replays in (1_000, 10_000))
    assert few.factor is not None
    assert many.factor is not None
    assert few.factor < 0.9
    assert 0.94 < many.factor < 1
    assert many.enough


def test_samplers_as_claimed_and_others() -> None:
    """A rate that follows from the members, and an order that is kept, are violations."""
    rng = np.random.default_rng(2)
    sound = [rng.random((400, 200)) < 0.1 for _ in range(4)]
    assert sampler.judged(np.stack(sound), SPARSE, 0.01).verdict == CONSISTENT
    own = [rng.random((400, members)) < 20 / members for members in (170, 230)]
    assert sampler.judged_each(own, SPARSE, 0.01).verdict == VIOLATED
    order = np.zeros((400, 200), dtype=bool)
    for number in range(400):
        order[number, number % 10 * 20 : number % 10 * 20 + 20] = True
    assert sampler.judged(order, SPARSE, 0.01).verdict == VIOLATED
    assert sampler.judged(order, replace(SPARSE, sampling="shuffle"), 0.01).verdict == CONSISTENT
    assert sampler.judged(order, replace(SPARSE, sampling="balls-and-bins"), 0.01).verdict == VIOLATED
    assert sampler.judged(np.ones((20, 50), dtype=bool), WHOLE, 0.01).verdict == CONSISTENT
    missing = np.ones((20, 50), dtype=bool)
    missing[3, 4] = False
    assert sampler.judged(missing, WHOLE, 0.01).verdict == VIOLATED


def test_a_sampler_test_of_more_models_promises_less_and_counts_who_was_in() -> None:
    """Five looks a model share the level; the measured rate is that of the coins."""
    rates = [float(sampler.reach(SPARSE, 10_000, 0.05, models).told.split()[4]) for models in (1, 40)]
    assert inclusion.smallest_rate(10_000, 0.1, 0.05) < rates[0] < rates[1]
    included = np.random.default_rng(3).random((40, 300)) < 0.1
    assert sampler.judged(included, SPARSE, 0.05).numbers["rate measured"] == pytest.approx(included.mean())


def test_the_p_of_one_run_is_the_level_that_just_refutes() -> None:
    """One run's bound at that level is the claim; guesses that are all right refute more."""
    curve = Curve.gaussian(1.0)
    guesses = Guesses(examples=400, made=100, right=92)
    p = one_run.p_value(guesses, curve)
    assert one_run.refutes(guesses, curve, p * 1.05)
    assert not one_run.refutes(guesses, curve, p / 1.05)
    assert one_run.p_value(Guesses(examples=400, made=100, right=100), curve) < p / 10
    assert one_run.p_value(Guesses(examples=400, made=100, right=50), curve) == 1
    assert one_run.p_value(Guesses(examples=400, made=0, right=0), curve) == 1


def test_one_run_sees_secret_noise_by_the_likelihood_ratio_alone() -> None:
    """Sparse steps, noise of .4 times the claimed: the ratio refutes the claim, the sum of inner products does not; Steinke neither."""
    family = Family(claim=SPARSE)
    design = one_run.designed(family, 800, 0.05)
    rng = np.random.default_rng(3)
    z, coins = one_run.simulated(SPARSE, 800, 0.4, rng)
    found = one_run.judged(z, coins, design, known())
    assert found.verdict == VIOLATED
    claimed = found.numbers["epsilon claimed"]
    assert found.numbers["epsilon at least, f-DP"] > claimed > found.numbers["epsilon at least, Steinke"]
    products = onerun.guess(likelihood.inner_products(z), coins, design.accused, design.cleared)
    assert one_run.p_value(products, family.curve()) > 5 * found.p
    z, coins = one_run.simulated(SPARSE, 800, 1.0, rng)
    assert one_run.judged(z, coins, design, known()).verdict != VIOLATED


def known() -> Reach:
    """Return a reach that needs no simulation."""
    return Reach(instrument="one run", access="", needs="", factor=0.5)


def test_one_run_holds_its_level_where_it_is_tightest() -> None:
    """200 whole trainings with 200 canaries, all guessed: at most the binomial's 99.9 % limit of 5 % are accused."""
    family, rng = Family(claim=replace(WHOLE, steps=4)), np.random.default_rng(4)
    design = one_run.Design(family=family, canaries=200, level=0.05, accused=0.5, cleared=0.5)
    accused = 0
    for _ in range(200):
        z, coins = one_run.simulated(family.claim, 200, 1.0, rng)
        accused += one_run.refutes(design.guess(z, coins), family.curve(), 0.05)
    assert accused <= 21


def test_the_reach_of_one_run_is_simulated() -> None:
    """Whole batches, 400 canaries: some violation is seen, a small one is not; the verdict follows."""
    design = one_run.designed(Family(claim=WHOLE), 400, 0.05)
    found = one_run.reach(design)
    assert found.factor in {0.5, 0.6, 0.7, 0.8}
    assert found.epsilon is not None
    assert found.epsilon > design.family.epsilon()
    assert one_run.power(design, 1.0) <= 0.2


@pytest.mark.parametrize("sampling", ["shuffle", "balls-and-bins"])
def test_other_samplers_are_scored_by_their_own_ratio(sampling: str) -> None:
    """Simulated, scored and judged; balls and bins against the one epsilon that is stated."""
    claim = replace(SPARSE, noise_multiplier=3.0, sampling=sampling, epsilon=3.5)
    family = Family(claim=claim)
    design = one_run.Design(family=family, canaries=300, level=0.05, accused=0.1, cleared=0.1)
    z, coins = one_run.simulated(claim, 300, 1.0, np.random.default_rng(5))
    found = one_run.judged(z, coins, design, known())
    assert found.verdict == CONSISTENT
    assert math.isnan(found.numbers["epsilon at least, f-DP"]) == (sampling == "balls-and-bins")
    with pytest.raises(RecipeError, match="needs --epsilon, got none"):
        Family(claim=replace(claim, sampling="balls-and-bins", epsilon=None)).curve()


def scores(mu: float, count: int, seed: int) -> tuple[Floats, Floats]:
    """Return scores of trainings with and without a canary, this far apart."""
    rng = np.random.default_rng(seed)
    return rng.normal(mu, 1, count), rng.normal(0, 1, count)


def test_many_trainings_as_claimed_and_not() -> None:
    """The best scores of the claim are consistent, those of half the noise a violation."""
    family, mu = Family(claim=WHOLE), float(WHOLE.mu or 0)
    sound = trainings.judged(*scores(mu, 800, 0), family, 0.01)
    assert sound.verdict == CONSISTENT
    assert 0.7 * family.epsilon() < sound.numbers["epsilon at least, Gaussian"] < family.epsilon()
    assert sound.numbers["epsilon at least, Clopper-Pearson"] < sound.numbers["epsilon at least, Gaussian"]
    assert trainings.judged(*scores(2 * mu, 800, 0), family, 0.01).verdict == VIOLATED


def test_scores_of_unknown_quality_need_a_control() -> None:
    """Without one there is no power; with one that sees half the noise there is; with one that sees nothing there is none."""
    family, mu = Family(claim=WHOLE), float(WHOLE.mu or 0)
    inside, outside = scores(0.1, 400, 1)
    for control, verdict in ((None, NO_POWER), (scores(2 * mu, 400, 2), CONSISTENT), (scores(0.1, 400, 3), NO_POWER)):
        reach = trainings.controlled(inside, outside, family, 0.01, control)
        assert trainings.judged(inside, outside, family, 0.01, reach).verdict == verdict


def test_the_power_of_many_trainings_is_what_simulation_gives() -> None:
    """At the smallest violation that is promised to be seen."""
    family = Family(claim=WHOLE)
    reach = trainings.reach(family, 300, 0.05)
    assert reach.factor is not None
    mu = float(WHOLE.mu or 0) / reach.factor
    permits, seen = Permits.curve(family.curve()), 0
    for seed in range(60):
        _, (right, wrong) = trainings.counts(*scores(mu, 333, seed), family.curve())
        seen += refuting.p_value(right, wrong, permits) <= 0.05
    assert seen >= 0.68 * 60


def test_verdicts_and_their_words() -> None:
    """Violated at the level, else by what would have been seen."""
    near, far = (Reach(instrument="x", access="a", needs="n", factor=factor) for factor in (0.9, 0.3))
    nothing = Reach(instrument="x", access="a", needs="n", factor=None)
    assert [Finding(reach=reach, p=0.5, level=0.05).verdict for reach in (near, far, nothing)] == [CONSISTENT, NO_POWER, NO_POWER]
    assert Finding(reach=nothing, p=0.05, level=0.05).verdict == VIOLATED
    assert "0.3 times the claimed or less" in str(Finding(reach=far, p=0.5, level=0.05))
    assert "sees no violation" in str(nothing)
    assert together({"a": 0.01, "b": 0.5}) == pytest.approx(0.02)


def test_shapes_that_do_not_match_are_refused() -> None:
    """Projections, coins, scores: one line each."""
    design = one_run.Design(family=Family(claim=WHOLE), canaries=30, level=0.05, accused=0.1, cleared=0.1)
    with pytest.raises(EvidenceError, match="20 steps, 30 canaries"):
        one_run.judged(np.zeros((19, 30)), np.zeros(30, dtype=bool), design, known())
    with pytest.raises(EvidenceError, match="50 scores on each side"):
        trainings.judged(np.zeros(40), np.zeros(60), design.family, 0.05)
    with pytest.raises(EvidenceError, match="finite scores"):
        trainings.judged(np.full(60, np.nan), np.zeros(60), design.family, 0.05)
