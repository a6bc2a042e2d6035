"""Saturated predictions: at logits times 30 every attack keeps its order.

Each attack gets the strongest proof that its kind allows, and the table below says which:

formula   its score equals the paper's formula in 60 digits, rank for rank
phi       it looks at answers through phi alone: fed with exact phi it gives the same ranks
scale     it takes differences, logs or standardised values: 32 times the evidence gives the scores of the evidence, tie for tie
learnt    a classifier on such values and their logs: as many different scores, and nearly the same order (a split lies halfway between
          two neighbours, and that is another place on another scale; a weighted sum of logs is another sum)
blind     it sees labels, spikes or shares, which logits of the same order do not change

Where the signal is a probe's, the probe has a test of its own in test_probes_saturated.py.
"""

from dataclasses import replace
from decimal import Decimal, localcontext

import numpy as np
import pytest
from scipy.stats import rankdata

from mia_audit.attacks import ATTACKS, Attack
from mia_audit.attacks.checkpoints import metrics
from mia_audit.attacks.class_thresholds import FEWEST_ROWS, best_cut
from mia_audit.attacks.inverse_hessian import INVERSE_HESSIAN
from mia_audit.attacks.observables import phi
from mia_audit.types import Evidence, Floats, PopulationData
from tests.support import exact
from tests.support.planted import planted, scaled

FORMULA = (
    "loss", "confidence", "entropy", "modified-entropy", "margin", "correctness", "modified-entropy-class", "difficulty-calibration",
    "rmia-online", "rmia-offline", "inverse-hessian",
)  # fmt: skip
PHI = (
    "attack-p", "attack-r", "lira-online", "lira-offline", "lira-per-example", "lira-shrunken", "lira-shared-gap", "lira-queries",
    "quantile-regression",
    "morgan", "input-dropout", "trajectory-lira", "time-sweep-lira", "membrane-lira", "releases-lira", "lira-other-surrogate",
    "lira-other-steps", "lira-other-bits",
)  # fmt: skip
SCALE = ("shadow-svm", "shadow-logistic", "shadow-scikit", "shadow-boosting", "gradient-norm", "gradient-lira", "gradient-classifier")
LEARNT = (
    "shadow-features", "loss-trajectory", "sequence", "step-classifier", "releases-classifier", "ensemble", "ensemble-signals",
    "inverse-hessian-lira", "stacked-logistic",
)  # fmt: skip
BLIND = (
    "noise-distance", "boundary-distance", "boundary-lira", "augmentation", "merlin", "spike-lira", "firing-signature", "energy",
)  # fmt: skip
EXAMPLES = 50
ZERO = Decimal(0)


def of(names: tuple[str, ...]) -> pytest.MarkDecorator:
    """Run a test over these attacks, each with its defaults."""
    return pytest.mark.parametrize(
        "attack", [attack for attack in ATTACKS.values() if attack.name in names], ids=lambda attack: attack.name
    )


@pytest.fixture(scope="module", name="sure")
def _sure() -> Evidence:
    """Return float32 evidence of four classes, logits times 30: most probabilities are 0 or 1 to any float."""
    seen, _ = planted(1.0, examples=EXAMPLES, shadows=8)
    assert seen.population is not None
    pool = seen.population
    features = None if pool.features is None else pool.features[:16]
    seen = replace(
        seen,
        population=PopulationData(target=pool.target[:, :16], shadows=pool.shadows[:, :, :16], labels=pool.labels[:16], features=features),
    )
    signals = {
        name: replace(signal, target=30 * signal.target, shadows=30 * signal.shadows) if name in exact.BY_CLASS else signal
        for name, signal in seen.signals.items()
    }
    return replace(scaled(seen, np.float32(30)), signals=signals)


@pytest.fixture(scope="module", name="known")
def _known(sure: Evidence) -> Evidence:
    """Return the same as exact phi."""
    return exact.two_classes(sure)


def test_every_attack_has_one_kind_of_proof() -> None:
    """No attack is left out, and none is named twice."""
    assert sorted([*FORMULA, *PHI, *SCALE, *LEARNT, *BLIND]) == sorted(attack.name for attack in ATTACKS.values())


def test_the_evidence_is_saturated(sure: Evidence) -> None:
    """Otherwise nothing here proves anything: half of the predictions are certain even in double precision."""
    top = np.sort(sure.target.astype(np.float64), axis=-1)
    assert (np.exp(top[..., -2] - top[..., -1]) < np.finfo(np.float64).eps).mean() > 0.4


def same_ranks(found: Floats, expected: Floats) -> None:
    """Demand Spearman 1 and the very same ties."""
    np.testing.assert_array_equal(rankdata(found), rankdata(expected))


def ranks(values: list[Decimal]) -> Floats:
    """Return exact values' ranks, ties in the middle."""
    places = {value: place for place, value in enumerate(sorted(set(values)))}
    return rankdata([places[value] for value in values])


def minus_entropy(p: list[Decimal], _: int) -> Decimal:
    """Return sum of p log p."""
    return sum((q * exact.log_of(p, i) for i, q in enumerate(p)), start=ZERO)


def minus_modified(p: list[Decimal], label: int) -> Decimal:
    """Return minus the modified entropy."""
    others = sum((q * exact.log_without(p, i) for i, q in enumerate(p) if i != label), start=ZERO)
    return exact.rest(p, label) * exact.log_of(p, label) + others


THRESHOLDS = {
    "loss": exact.log_of,
    "confidence": lambda p, _: exact.log_of(p, p.index(max(p))),
    "entropy": minus_entropy,
    "modified-entropy": minus_modified,
    "margin": lambda p, label: (p[label] / max(q for i, q in enumerate(p) if i != label)).ln(),
    "correctness": lambda p, label: Decimal(int(max(p) == p[label])),
}


@of(tuple(THRESHOLDS))
def test_thresholds_rank_as_their_formulas(attack: Attack, sure: Evidence) -> None:
    """Loss, confidence, entropies, margin and correctness, of each query exactly and averaged exactly."""
    expected = exact.over_queries(sure.target, sure.labels, THRESHOLDS[attack.name])
    np.testing.assert_array_equal(rankdata(attack.score(sure)), ranks(_merged(expected)))


def _merged(values: list[Decimal]) -> list[Decimal]:
    """Return values rounded to 20 digits: equal ones that were summed in another order are equal again."""
    with localcontext() as context:
        context.prec = 20
        return [+value for value in values]


@pytest.fixture(scope="module", name="losses")
def _losses(sure: Evidence) -> list[list[Decimal]]:
    """Return log p_y of the target, then of every shadow model."""
    return [exact.over_queries(logits, sure.labels, exact.log_of) for logits in (sure.target, *sure.shadows)]


def test_calibration_ranks_as_its_formula(sure: Evidence, losses: list[list[Decimal]]) -> None:
    """The target's log p_y less the mean of the models without the example."""
    attack = ATTACKS["DifficultyCalibration"]
    target, *shadow = losses
    with localcontext() as context:
        context.prec = exact.DIGITS
        without = [[row[x] for row, there in zip(shadow, sure.trained_on[:, x], strict=True) if not there] for x in range(sure.examples)]
        expected = [own - _mean(others) for own, others in zip(target, without, strict=True)]
    np.testing.assert_array_equal(rankdata(attack.score(sure)), ranks(expected))


def _mean(values: list[Decimal]) -> Decimal:
    return sum(values, start=ZERO) / len(values)


@of(("rmia-online", "rmia-offline"))
def test_ratios_rank_as_their_formula(attack: Attack, sure: Evidence, losses: list[list[Decimal]]) -> None:
    """Log Pr(x|theta) / Pr(x), with Pr a geometric mean over queries; the bar is the same for all."""
    offline = attack.name == "rmia-offline"
    target, *shadow = losses
    expected = []
    with localcontext() as context:
        context.prec = exact.DIGITS
        for x in range(sure.examples):
            known = [row[x] for row, there in zip(shadow, sure.trained_on[:, x], strict=True) if not (offline and there)]
            missing = -_mean([exact.expm1(log) for log in known]) * (Decimal("0.65") if offline else 1)
            there = exact.log1p(-missing) if offline or missing < Decimal("0.5") else _mean([log.exp() for log in known]).ln()
            expected.append(target[x] - there)
    np.testing.assert_array_equal(rankdata(attack.score(sure)), ranks(expected))


def test_class_thresholds_rank_as_their_formula(sure: Evidence) -> None:
    """Log tau_y - log Mentr, with exact entropies and the thresholds that those give."""
    attack = ATTACKS["ModifiedEntropyByClass"]

    def logs(logits: Floats) -> Floats:
        found = exact.over_queries(logits, sure.labels, minus_modified)
        with localcontext() as context:
            context.prec = exact.DIGITS
            return np.array([float((-value).ln()) for value in found])

    target, shadow = logs(sure.target), np.stack([logs(each) for each in sure.shadows])
    bars = np.full(sure.classes, best_cut(-shadow.ravel(), sure.trained_on.ravel()))
    for label in range(sure.classes):
        here = sure.labels == label
        member = sure.trained_on[:, here].ravel()
        if min(member.sum(), (~member).sum()) >= FEWEST_ROWS:
            bars[label] = best_cut(-shadow[:, here].ravel(), member)
    expected = -target - bars[sure.labels]
    np.testing.assert_allclose(attack.score(sure), expected, rtol=1e-5, atol=1e-4)
    same_ranks(attack.score(sure), expected)


def test_the_inverse_hessian_ranks_as_its_formula(sure: Evidence) -> None:
    """I1 - (I2 + I3) from terms whose logs go down to -300."""
    rng = np.random.default_rng(0)
    logs = -300 * rng.random((sure.examples, 1)) + rng.normal(size=(sure.examples, 3))
    terms = np.concatenate([logs, rng.choice([-1.0, 1.0], (sure.examples, 1))], axis=1)
    signal = replace(sure.signals["curvature"], target=terms, shadows=np.repeat(terms[None], len(sure.shadows), axis=0))
    with localcontext() as context:
        context.prec = exact.DIGITS
        expected = [_exp(a) - _exp(b) - int(sign) * _exp(c) for a, b, c, sign in terms]
    found = INVERSE_HESSIAN.score(replace(sure, signals={"curvature": signal}))
    np.testing.assert_array_equal(rankdata(found), ranks(expected))
    assert min(expected) < 0 < max(expected)


def _exp(log: float) -> Decimal:
    return Decimal(float(log)).exp()


@of(PHI)
def test_exact_phi_gives_the_same_ranks(attack: Attack, sure: Evidence, known: Evidence) -> None:
    """What float32 logits of four classes say to an attack is what exact phi says."""
    same_ranks(attack.score(sure), attack.score(known))


@of(SCALE)
def test_another_scale_gives_the_same_ranks(attack: Attack, sure: Evidence) -> None:
    """Times 32, which is exact."""
    same_ranks(attack.score(scaled(sure, np.float32(32))), attack.score(sure))


@of(LEARNT)
def test_what_is_learnt_parts_as_many_examples_on_another_scale(attack: Attack) -> None:
    """Of two classes, whose phi is 32 times as large when the logits are: nothing is rounded together."""
    known = exact.two_classes(planted(1.0, examples=300, shadows=10)[0], lambda logits, labels: phi(logits.astype(np.float64), labels))
    small, large = (attack.score(_only_answers(known, times)) for times in (1.0, 32.0))
    assert len(np.unique(large)) >= 0.9 * len(np.unique(small))
    assert np.corrcoef(rankdata(small), rankdata(large))[0, 1] > 0.95


def _only_answers(known: Evidence, times: float) -> Evidence:
    """Return evidence with answers times a number and what is no answer as it was."""
    every = scaled(known, np.float32(times))
    pool, there = known.population, every.population
    assert pool is not None
    assert there is not None
    return replace(
        every,
        target=known.target * times,
        shadows=known.shadows * times,
        population=replace(there, target=pool.target * times, shadows=pool.shadows * times),
        signals={name: (every if name in exact.BY_CLASS else known).signals[name] for name in known.signals},
    )


@of(BLIND)
def test_what_sees_no_logits_is_not_moved(attack: Attack, sure: Evidence) -> None:
    """The same scores when only logits grow."""
    grown = replace(sure, target=sure.target * 4, shadows=sure.shadows * 4)
    np.testing.assert_array_equal(attack.score(grown), attack.score(sure))


def test_the_metrics_of_a_sequence_are_exact(sure: Evidence) -> None:
    """Loss, confidence and both entropies at every checkpoint, as logs; the spread of probabilities stands in the middle."""
    logits = sure.signals["trajectory"].target.astype(np.float64)
    found = metrics(logits, sure.labels)
    steps = logits.shape[1]
    width = 2 * steps - 1  # each metric, then its changes
    named = {0: exact.log_of, 1: THRESHOLDS["confidence"], 3: minus_entropy, 4: minus_modified}
    for place, formula in named.items():
        expected = exact.each(np.moveaxis(logits, 1, 0), sure.labels, formula)
        with localcontext() as context:
            context.prec = exact.DIGITS
            logs = np.array([[float((-value).ln()) for value in step] for step in expected])
        np.testing.assert_allclose(found[:, place * width : place * width + steps].T, logs, rtol=1e-9, atol=1e-9)
