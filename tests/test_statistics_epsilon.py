"""Epsilon from attacks: against closed forms, other implementations' values, simulated posteriors, and noise."""

import time

import numpy as np
import pytest
from scipy.stats import beta, binom, norm

from mia_audit.errors import EvidenceError, RecipeError
from mia_audit.statistics import epsilon, joint, onerun
from mia_audit.statistics.epsilon import RATIOS, Decision
from mia_audit.statistics.onerun import Guesses
from mia_audit.statistics.proportions import Share
from mia_audit.statistics.tradeoff import Claim, gaussian_delta, gaussian_epsilon

RIGHT, WRONG = Share(hits=300, total=500), Share(hits=50, total=500)


def test_the_exact_limit_is_the_ratio_of_two_clopper_pearson_limits() -> None:
    """Half the error each, and delta off the TPR."""
    low, high = beta.ppf(0.025, 300, 201), beta.ppf(0.975, 51, 450)
    assert epsilon.exact(RIGHT, WRONG, 0.01) == pytest.approx(np.log((low - 0.01) / high))
    assert epsilon.exact(WRONG, RIGHT, 0.0) == 0.0
    assert epsilon.exact(Share(hits=1, total=9), WRONG, 0.5) == 0.0


def test_the_best_of_several_pays_for_the_choice() -> None:
    """Three decisions on the same data: each at a third of the error."""
    counts = [(RIGHT, WRONG), (WRONG, RIGHT), (RIGHT, RIGHT)]
    assert epsilon.best_exact(counts, 0.0) == pytest.approx(epsilon.exact(RIGHT, WRONG, 0.0, 0.05 / 3))


def test_several_decisions_are_fixed_on_rehearsals() -> None:
    """They accuse from half a percent to half of the rehearsed scores, or clear as many; noise shows epsilon in at most 5 % of audits."""
    rehearsed = np.random.default_rng(0).normal(size=(4, 1_000))
    decisions = epsilon.several(rehearsed)
    accused = [float((rehearsed > one.threshold).mean()) for one in decisions if not one.turned]
    cleared = [float((rehearsed <= one.threshold).mean()) for one in decisions if one.turned]
    assert accused == pytest.approx(epsilon.SHARES, abs=1e-3)
    assert cleared == pytest.approx(epsilon.SHARES, abs=1e-3)
    rng, found = np.random.default_rng(1), []
    for _ in range(200):
        scores, member = rng.normal(size=400), rng.random(400) < 0.5
        found.append(epsilon.best_exact([one.counts(scores, member) for one in decisions], 0.0) > 0)
    assert sum(found) <= binom.isf(0.001, 200, 0.05)
    leak = rng.normal(size=2_000) + 4 * (np.arange(2_000) < 100)
    assert epsilon.best_exact([one.counts(leak, np.arange(2_000) < 1_000) for one in decisions], 0.0) > 0.5


def test_ratio_limits_are_the_papers() -> None:
    """The four formulas written out once more, and all within 2 % of each other at these counts."""
    z = norm.ppf(0.95)
    wald = np.sqrt(1 / 300 - 1 / 500 + 1 / 50 - 1 / 500)
    expected = {
        "Katz log": np.log(6) - z * wald,
        "adjusted log": np.log((300.5 / 500.5) / (50.5 / 500.5)) - z * np.sqrt(1 / 300.5 - 1 / 500.5 + 1 / 50.5 - 1 / 500.5),
        "Bailey": np.log(6 * ((1 - z * np.sqrt(0.4 / 300 + 0.9 / 50 - z**2 * 0.36 / (9 * 300 * 50)) / 3) / (1 - z**2 * 0.9 / 450)) ** 3),
        "inverse sinh": np.log(6) - 2 * np.arcsinh(z * wald / 2),
    }
    found = {name: epsilon.ratio(name, RIGHT, WRONG) for name in RATIOS}
    assert found == pytest.approx(expected)
    assert epsilon.ratio("Katz log", RIGHT, Share(hits=9, total=500)) is None


def test_mu_is_the_distance_of_two_gaussians() -> None:
    """A large sample at any threshold gives back the gap; delta 0 allows no finite epsilon."""
    right, wrong = Share(hits=int(1e6 * norm.sf(0.5 - 1)), total=10**6), Share(hits=int(1e6 * norm.sf(0.5)), total=10**6)
    assert epsilon.gaussian_mu(right, wrong) == pytest.approx(1.0, abs=0.02)
    assert epsilon.gaussian(right, wrong, 1e-5) == pytest.approx(gaussian_epsilon(1.0, 1e-5), rel=0.03)
    assert epsilon.gaussian(right, wrong, 0.0) == np.inf
    assert epsilon.gaussian(wrong, right, 1e-5) == 0.0


def test_the_decision_is_chosen_where_the_limit_is_largest() -> None:
    """It is the best of all thresholds and both sides on rehearsals of this size; a leak at the low end turns it."""
    rng = np.random.default_rng(0)
    member = rng.random((4, 500)) < 0.5
    scores = rng.normal(size=member.shape) + 3 * (member & (rng.random(member.shape) < 0.3))
    plain = epsilon.choose(scores, member, 0.0, (1000, 1000))
    turned = epsilon.choose(-scores, ~member, 0.0, (1000, 1000))
    assert (plain.turned, turned.turned) == (False, True)
    best = max(epsilon.exact(*Decision(threshold=t, turned=False).counts(scores.ravel(), member.ravel()), 0.0) for t in scores.ravel()[::9])
    assert epsilon.exact(*plain.counts(scores.ravel(), member.ravel()), 0.0) >= best - 0.15


def test_a_turned_decision_clears_instead_of_accusing() -> None:
    """Right are the non-members not above the threshold, wrong the members not above it."""
    scores, member = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([False, False, True, False, True])
    plain, turned = (Decision(threshold=2.5, turned=turned).counts(scores, member) for turned in (False, True))
    assert plain == (Share(hits=2, total=2), Share(hits=1, total=3))
    assert turned == (Share(hits=2, total=3), Share(hits=0, total=2))


@pytest.mark.parametrize("counts", [(RIGHT, WRONG), (Share(hits=470, total=500), Share(hits=300, total=500))])
def test_the_joint_estimate_is_the_posteriors_quantile(counts: tuple[Share, Share]) -> None:
    """Against a million draws from the two Jeffreys posteriors, where few are missed as well as where few are wronged."""
    right, wrong = counts
    rng = np.random.default_rng(0)
    fpr = rng.beta(wrong.hits + 0.5, wrong.total - wrong.hits + 0.5, 10**6)
    fnr = rng.beta(right.total - right.hits + 0.5, right.hits + 0.5, 10**6)
    drawn = np.log((1 - fnr - 0.01) / fpr)
    assert joint.credible_low(right, wrong, 0.01, 0.05) == pytest.approx(np.quantile(drawn, 0.05), abs=0.003)
    assert joint.region_weight(right, wrong, 1.7, 0.01) == pytest.approx((drawn <= 1.7).mean(), abs=0.002)


def test_the_joint_estimate_covers_a_randomized_response() -> None:
    """Of 400 experiments with rates e / (1 + e) and 1 / (1 + e), whose epsilon is 1, at least 92.5 % have a limit at or below 1."""
    rng, rate = np.random.default_rng(0), np.e / (1 + np.e)
    counts = [(Share(hits=int(a), total=1000), Share(hits=int(b), total=1000)) for a, b in rng.binomial(1000, [rate, 1 - rate], (400, 2))]
    assert np.mean([joint.region_weight(*one, 1.0, 0.0) >= 0.05 for one in counts]) >= 0.925


def test_no_limit_takes_half_a_second() -> None:
    """The published joint estimate takes 54 s; all of these together stay under half a second even at a million trials."""
    right, wrong = Share(hits=300_000, total=10**6), Share(hits=1_000, total=10**6)
    guesses = Guesses(examples=10**5, made=5_000, right=4_000)
    for once in (
        lambda: joint.credible_low(right, wrong, 1e-5, 0.05),
        lambda: onerun.bound(guesses, 1e-6),
        lambda: epsilon.gaussian(right, wrong, 1e-5),
    ):
        fastest = min(_seconds(once) for _ in range(3))
        assert fastest < 0.5


def _seconds(once: object) -> float:
    began = time.process_time()
    once()  # type: ignore[operator]
    return time.process_time() - began


def test_noise_shows_no_epsilon() -> None:
    """Of 250 noise audits at a threshold fixed beforehand, each limit is above 0 in at most 9 % (5 % nominal)."""
    rng = np.random.default_rng(0)
    counts = [(Share(hits=int(a), total=500), Share(hits=int(b), total=500)) for a, b in rng.binomial(500, 0.1, (250, 2))]
    limits = {
        "exact": lambda right, wrong: epsilon.exact(right, wrong, 0.0),
        "joint": lambda right, wrong: joint.credible_low(right, wrong, 0.0, 0.05),
        "mu": epsilon.gaussian_mu,
        **{name: lambda right, wrong, name=name: epsilon.ratio(name, right, wrong) or 0.0 for name in RATIOS},
    }
    for name, limit in limits.items():
        assert np.mean([limit(*one) > 0 for one in counts]) <= 0.09, name


def test_one_run_without_delta_is_a_binomial_test() -> None:
    """So many right guesses refute an epsilon when the binomial tail at e^eps / (1 + e^eps) reaches the level."""
    guesses = Guesses(examples=1_000, made=200, right=150)
    found = onerun.bound(guesses, 0.0)
    assert binom.sf(149, 200, 1 / (1 + np.exp(-found))) == pytest.approx(0.05, abs=1e-6)
    assert onerun.bound(Guesses(examples=100, made=50, right=25), 0.0) == 0.0


def test_one_run_pays_for_delta_as_the_papers_code_does() -> None:
    """The loop of the paper's Appendix D, and its worked figures' shape: a perfect attack shows log of about m / 3, delta shows less."""
    guesses, value, delta = Guesses(examples=100, made=60, right=45), 0.4, 1e-3
    success = 1 / (1 + np.exp(-value))
    total = alpha = 0.0
    for fewer in range(1, 46):
        total += binom.pmf(45 - fewer, 60, success)
        alpha = max(alpha, total / fewer)
    expected = binom.sf(44, 60, success) + alpha * delta * 2 * 100
    assert onerun.p_value(guesses, value, delta) == pytest.approx(expected)
    assert onerun.ceiling(1_000, 0.0) == pytest.approx(np.log(0.05 ** (1 / 1000) / (1 - 0.05 ** (1 / 1000))))
    assert onerun.ceiling(1_000, 1e-5) < onerun.ceiling(1_000, 0.0)


@pytest.mark.parametrize(("claim", "made"), [((0.5, 0.0), 60), ((2.0, 1e-3), 60), ((4.0, 1e-5), 60), ((3.0, 1e-5), 0)])
def test_what_it_takes_to_refute_a_claim(claim: tuple[float, float], made: int) -> None:
    """The least count that refutes, by trying all; above the epsilon that is named four of five best attacks reach it, below fewer."""
    found = onerun.needed(200, made, claim)
    refuting = [right for right in range(made + 1) if onerun.p_value(Guesses(examples=200, made=made, right=right), *claim) <= 0.05]
    assert found == (min(refuting) if refuting else made + 1)
    least = onerun.least_seen(made, found)
    assert (least is None) == (not refuting)
    if least is not None:
        assert least > claim[0]
        shares = [binom.sf(found - 1, made, 1 / (1 + np.exp(-each))) for each in (least - 0.05, least, least + 0.05)]
        assert shares[0] < shares[1] < shares[2]
        assert shares[1] == pytest.approx(0.8)


def test_one_run_holds_on_a_mechanism_of_known_epsilon() -> None:
    """Randomised response at epsilon 1, the tightest case: at most 5 % of 200 bounds lie above 1, and they come close."""
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        coins = rng.random(500) < 0.5
        seen = np.where(rng.random(500) < 1 / (1 + np.exp(-1.0)), coins, ~coins)
        found.append(onerun.bound(onerun.guess(seen.astype(float), coins, 0.3, 0.3), 0.0))
    assert np.mean(np.array(found) > 1) <= 0.08
    assert np.mean(found) > 0.7


def test_guesses_accuse_the_top_and_clear_the_bottom() -> None:
    """Half accused, half cleared, all right where scores are the truth; impossible counts are refused."""
    member = np.array([True, False, True, False])
    assert onerun.guess(member.astype(float), member, 0.5, 0.5) == Guesses(examples=4, made=4, right=4)
    assert onerun.guess(member.astype(float), ~member, 0.5, 0.0) == Guesses(examples=4, made=2, right=0)
    assert onerun.guess(np.arange(5.0), np.arange(5) > 2, 0.5, 0.5) == Guesses(examples=5, made=4, right=4)
    with pytest.raises(EvidenceError, match="right <= made"):
        Guesses(examples=4, made=2, right=3)


def test_rehearsals_choose_how_many_to_guess() -> None:
    """A leak at the top alone: accuse few, clear none or almost none."""
    rng = np.random.default_rng(2)
    member = rng.random((3, 1_000)) < 0.5
    scores = rng.normal(size=member.shape) + 5 * (member & (rng.random(member.shape) < 0.1))
    accused, cleared = onerun.choose(list(scores), list(member), 0.0)
    assert 0.02 <= accused <= 0.05
    assert cleared <= 0.01


@pytest.mark.parametrize(
    ("claim", "advantage", "tprs"),
    [
        (Claim(epsilon=0.5), 0.2449186, [0.0016487, 0.1648721, 0.6967346, 0.9939346]),
        (Claim(epsilon=1.0, delta=1e-5), 0.4621225, [0.0027282, 0.2718381, 0.8160639, 0.9963248]),
        (Claim(epsilon=4.0, delta=0.01), 0.9643873, [0.0645981, 0.9836990, 0.9910253, 1.0]),
        (Claim(mu=0.5), 0.1974126, [0.0047955, 0.2172390, 0.6914624, 0.9976458]),
        (Claim(mu=3.0), 0.8663855, [0.4640513, 0.9571425, 0.9986501, 0.9999999]),
    ],
)  # fmt: skip
def test_a_claim_permits_what_riskcal_says(claim: Claim, advantage: float, tprs: list[float]) -> None:
    """Advantage, and TPR at 0.1, 10, 50 and 99 % FPR: the values of riskcal 1.5.1. The AUC is the area under the curve."""
    assert claim.most_advantage == pytest.approx(advantage, abs=2e-7)
    np.testing.assert_allclose(claim.most_tpr(np.array([0.001, 0.1, 0.5, 0.99])), tprs, atol=2e-7)
    grid = np.linspace(0, 1, 200_001)
    assert claim.most_auc == pytest.approx(np.trapezoid(claim.most_tpr(grid), grid), abs=1e-5)


def test_gaussian_epsilon_and_delta_are_inverse() -> None:
    """Each undoes the other, and mu = 0 is perfectly private."""
    for mu in (0.1, 1.0, 5.0):
        assert gaussian_delta(mu, gaussian_epsilon(mu, 1e-5)) == pytest.approx(1e-5)
    assert gaussian_epsilon(0.0, 1e-5) == 0.0
    assert gaussian_delta(1.0, 1.0) == pytest.approx(norm.cdf(-0.5) - np.e * norm.cdf(-1.5))


@pytest.mark.parametrize("claim", [Claim(epsilon=1.0, delta=0.01), Claim(mu=0.8)])
def test_a_claim_is_refuted_at_its_level_and_no_oftener(claim: Claim) -> None:
    """An attack exactly as good as the claim permits refutes it in at most 5 % of 150 audits; a far better one always does."""
    rng = np.random.default_rng(3)
    most = float(claim.most_tpr(np.array([0.1]))[0])
    p = [
        claim.p_value(Share(hits=int(rng.binomial(400, most)), total=400), Share(hits=int(rng.binomial(400, 0.1)), total=400))
        for _ in range(150)
    ]
    assert np.mean(np.array(p) <= 0.05) <= 0.05
    assert claim.p_value(Share(hits=390, total=400), Share(hits=4, total=400)) < 1e-6
    assert claim.p_value(Share(hits=40, total=400), Share(hits=40, total=400)) == 1.0


@pytest.mark.parametrize("fields", [{}, {"epsilon": 1.0, "mu": 1.0}, {"epsilon": -1.0}, {"epsilon": 1.0, "delta": 2.0}])
def test_half_a_claim_is_refused(fields: dict[str, float]) -> None:
    """One of epsilon and mu, and nothing negative."""
    with pytest.raises(RecipeError, match="a privacy claim needs"):
        Claim(**fields)
