"""The mended shadow-model attack: fitted on shadow rows alone, class by class, whatever the order of examples."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.budget import judged
from mia_audit.attacks.learning import decided
from mia_audit.attacks.shadow_classifier import FEWEST_ROWS, SHADOW_LOGISTIC, SHADOW_SVM, ShadowBoosting, ShadowScikit
from mia_audit.errors import RecipeError, ShadowBudgetError
from mia_audit.statistics.roc import auc, tpr_at_fpr
from mia_audit.types import Evidence, Floats
from tests.support.gaussian import coins, evidence_of, gaussian_evidence
from tests.support.planted import planted

CLASSIFIERS: list[Attack] = [SHADOW_SVM, SHADOW_LOGISTIC, ShadowBoosting(), ShadowScikit(classifier="LogisticRegression")]


def easy(*, gap: float, examples: int, shadows: int, classes: int = 2, seed: int = 0, queries: int = 1) -> tuple[Evidence, np.ndarray]:
    """Return evidence in which all examples are alike, so that a classifier by class can see the gap."""
    member = coins(1 + shadows, examples, seed)
    phi = np.random.default_rng(seed).normal(size=(1 + shadows, queries, examples)) + gap * member[:, None]
    seen, truth = evidence_of(phi, member, classes, seed)
    can = judged(seen.trained_on, 1)
    return seen.only(can), truth[can]


def slow(attack: Attack, classifier: Any, seen: Evidence) -> Floats:
    """Return scores of one classifier a class, with every row drawn: as many members as non-members are taken to be there."""
    scores = np.zeros(seen.examples)
    for label in range(seen.classes):
        rows, member = [], []
        for m in range(len(seen.shadows)):
            for i in np.flatnonzero(seen.labels == label):
                rows.append(seen.shadows[m, :, i].mean(axis=0))
                member.append(seen.trained_on[m, i])
        scaler = StandardScaler().fit(rows) if attack.name != "shadow-boosting" else None
        fitted = classifier.fit(scaler.transform(rows) if scaler else rows, member)
        for i in np.flatnonzero(seen.labels == label):
            row = seen.target[:, i].mean(axis=0)[None]
            scores[i] = fitted.decision_function(scaler.transform(row) if scaler else row)[0]
    return scores


@pytest.mark.parametrize(
    ("attack", "classifier"),
    [
        (SHADOW_SVM, SVC()),
        (SHADOW_LOGISTIC, LogisticRegression(max_iter=1_000)),
        (ShadowBoosting(), HistGradientBoostingClassifier(max_iter=50, max_leaf_nodes=8, random_state=0)),
    ],
    ids=["svm", "logistic", "boosting"],
)
def test_the_score_is_that_of_one_classifier_a_class(attack: Attack, classifier: Any) -> None:
    """With both sides of equal size and all rows drawn, scores are those of a loop over models, classes and examples."""
    seen, _ = easy(gap=1.0, examples=90, shadows=10, classes=3, queries=2)
    balanced = seen.trained_on.copy()
    balanced[1::2] = ~balanced[::2]
    paired = Evidence(target=seen.target, shadows=seen.shadows, trained_on=balanced, labels=seen.labels)
    np.testing.assert_allclose(attack.score(paired), slow(attack, classifier, paired), atol=2e-3)


@pytest.mark.parametrize("attack", CLASSIFIERS, ids=lambda attack: attack.name)
def test_auc_is_the_one_of_two_gaussians(attack: Attack) -> None:
    """Where all examples are alike, phi is all there is to know: the AUC is Phi(gap / sqrt 2), less what a radial kernel wastes."""
    seen, member = easy(gap=1.2, examples=4_000, shadows=8)
    assert auc(attack.score(seen), member) == pytest.approx(norm.cdf(1.2 / np.sqrt(2)), abs=0.04 if attack.name == "shadow-svm" else 0.02)


@pytest.mark.parametrize("attack", CLASSIFIERS, ids=lambda attack: attack.name)
def test_a_leak_of_the_other_sign_is_found_too(attack: Attack) -> None:
    """Members that are *less* confident get larger scores all the same: the direction is learnt from shadow models."""
    seen, member = easy(gap=-1.2, examples=2_000, shadows=8)
    assert auc(attack.score(seen), member) > 0.75


@pytest.mark.parametrize("attack", CLASSIFIERS, ids=lambda attack: attack.name)
def test_a_leak_that_differs_by_class_is_found(attack: Attack) -> None:
    """Members of class 0 are surer and those of class 1 less sure: one classifier for all classes would see less."""
    seen, member = easy(gap=0.0, examples=2_000, shadows=8)
    turn = np.where(seen.labels == 0, 1.0, -1.0)[:, None] * np.where(np.arange(2) == seen.labels[:, None], 1.0, 0.0)
    planted = Evidence(
        target=seen.target + 1.5 * turn * member[:, None],
        shadows=seen.shadows + 1.5 * turn * seen.trained_on[:, None, :, None],
        trained_on=seen.trained_on,
        labels=seen.labels,
    )
    assert auc(attack.score(planted), member) > 0.75


@given(st.integers(0, 1_000))
@settings(max_examples=8, deadline=None)
def test_the_order_of_examples_does_not_matter(seed: int) -> None:
    """Permuted examples give permuted scores, although only some rows are drawn to fit on."""
    seen, _ = easy(gap=1.0, examples=120, shadows=6, classes=3, seed=seed)
    order = np.random.default_rng(seed).permutation(seen.examples)
    for attack in (replace(SHADOW_SVM, rows_per_class=60), replace(SHADOW_LOGISTIC, rows_per_class=60), ShadowBoosting(rows_per_class=60)):
        np.testing.assert_allclose(attack.score(seen.only(order)), attack.score(seen)[order], atol=1e-9)


def test_the_seed_decides_the_draw() -> None:
    """Equal seeds give equal scores; another seed draws other rows."""
    seen, _ = easy(gap=1.0, examples=200, shadows=8)
    scores = [replace(SHADOW_LOGISTIC, rows_per_class=50, seed=seed).score(seen) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.allclose(scores[0], scores[2])


def test_no_more_rows_are_fitted_than_allowed() -> None:
    """Two rows a class, one of each side, is the smallest draw, and it is fitted on."""
    seen, _ = easy(gap=1.0, examples=200, shadows=8)
    assert np.isfinite(replace(SHADOW_SVM, rows_per_class=2).score(seen)).all()
    assert np.unique(np.sign(ShadowBoosting(rows_per_class=2).score(seen))).tolist() == [0.0]


def test_uneven_sides_are_fitted_evenly() -> None:
    """Published defect: six members to one non-member. Drawn evenly, the decision stays centred between the sides."""
    member = coins(17, 2_000, 0, fraction=0.85)
    phi = np.random.default_rng(0).normal(size=(17, 1, 2_000)) + 2.0 * member[:, None]
    seen, truth = evidence_of(phi, member)
    can = judged(seen.trained_on, 1)
    scores, truth = replace(SHADOW_LOGISTIC, rows_per_class=100_000).score(seen.only(can)), truth[can]
    assert np.mean(scores[truth] > 0) == pytest.approx(norm.cdf(1.0), abs=0.04)
    assert np.mean(scores[~truth] < 0) == pytest.approx(norm.cdf(1.0), abs=0.06)


def test_every_class_is_attacked() -> None:
    """Published defect: only classes 0 to 9 of 100. Here each of 60 classes is scored, with the leak found in all halves."""
    seen, member = easy(gap=2.0, examples=1_800, shadows=8, classes=60)
    scores = SHADOW_LOGISTIC.score(seen)
    for half in (seen.labels < 30, seen.labels >= 30):
        assert auc(scores[half], member[half]) > 0.85


def test_a_class_with_few_rows_shares_a_classifier() -> None:
    """Two classes of one example each share a classifier fitted on all, which sees the label's logit first; the others keep their own."""
    seen, _ = easy(gap=3.0, examples=400, shadows=8)
    target, shadows = (part[..., [0, 1, 0, 1]] - [0, 0, 9, 9] for part in (seen.target, seen.shadows))
    labels = seen.labels.copy()
    labels[:2] = 2, 3
    target[0, 0], target[0, 1] = [-3, -9, 3, -9], [3, -9, -9, -3]
    lonely = Evidence(target=target, shadows=shadows, trained_on=seen.trained_on, labels=labels)
    assert len(seen.shadows) < 2 * FEWEST_ROWS
    for attack in CLASSIFIERS:
        scores = attack.score(lonely)
        assert scores[0] > 0 > scores[1]
        np.testing.assert_allclose(scores[2:], attack.score(lonely.only(np.arange(2, seen.examples))), rtol=1e-9)


def test_an_attack_scored_on_its_own_rows_is_exposed() -> None:
    """Published defect: the classifier is fitted on the target's own rows. On noise that gives an AUC far above 1/2; ours gives 1/2."""
    seen, member = easy(gap=0.0, examples=600, shadows=4, classes=10)
    wobble = np.random.default_rng(0).normal(size=seen.target.shape) * 1e-6  # equal answers would be refused
    peeking = Evidence(
        target=seen.target,
        shadows=np.concatenate([seen.shadows, seen.target[None] + wobble]),
        trained_on=np.concatenate([seen.trained_on, member[None]]),
        labels=seen.labels,
    )
    overfit = ShadowBoosting(trees=200)
    assert auc(overfit.score(peeking), member) > 0.6
    assert abs(auc(overfit.score(seen), member) - 0.5) < 4 * np.sqrt(1 / (3 * member.size))


def test_duplicated_non_members_change_no_rate() -> None:
    """Published defect: 5:1 unbalanced sides. AUC and TPR at FPR do not see how many non-members stand beside the members."""
    seen, member = easy(gap=1.0, examples=500, shadows=8)
    scores = SHADOW_LOGISTIC.score(seen)
    more, side = np.concatenate([scores, *[scores[~member]] * 4]), np.concatenate([member, *[member[~member]] * 4])
    assert auc(more, side) == pytest.approx(auc(scores, member))
    assert tpr_at_fpr(more, side, 0.1) == tpr_at_fpr(scores, member, 0.1)


@pytest.mark.parametrize("attack", CLASSIFIERS, ids=lambda attack: attack.name)
def test_an_example_that_was_never_out_is_refused(attack: Attack) -> None:
    """Without a shadow model that lacks an example nothing can be said of it."""
    seen, _ = gaussian_evidence(gap=1.0, examples=30, shadows=20)
    rows = seen.trained_on.copy()
    rows[:, 7] = True
    never_out = Evidence(target=seen.target, shadows=seen.shadows, trained_on=rows, labels=seen.labels)
    with pytest.raises(ShadowBudgetError, match=rf"{attack.name} needs at least 1 .* 1 of 30 examples have fewer among 20"):
        attack.score(never_out)


def test_parameters_outside_their_range_are_refused() -> None:
    """Each says the smallest value and how to get the default."""
    with pytest.raises(RecipeError, match="shadow-svm: rows_per_class needs 2 or more, got 1; leave it out for the default"):
        replace(SHADOW_SVM, rows_per_class=1)
    with pytest.raises(RecipeError, match="shadow-boosting: trees needs 1 or more, got 0"):
        ShadowBoosting(trees=0)
    with pytest.raises(RecipeError, match="shadow-logistic: cost needs 1e-06 or more, got -1"):
        replace(SHADOW_LOGISTIC, cost=-1)


@pytest.mark.parametrize("name", ["GaussianNB", "KNeighborsClassifier", "LinearDiscriminantAnalysis"])
def test_any_classifier_of_scikit_learn_can_be_named(name: str) -> None:
    """Fitted on the same standardised rows, its decision function or log odds are the scores; the planted leak is found."""
    seen, member = planted(2.0, examples=300, shadows=10, classes=3)
    scores = ShadowScikit(classifier=name).score(seen)
    assert np.isfinite(scores).all()
    assert auc(scores, member) > 0.6
    fitted = GaussianNB().fit(np.array([[0.0], [2.0], [3.0], [5.0]]), [False, False, True, True])
    rows = np.array([[0.5], [3.5]])
    p = fitted.predict_proba(rows)[:, 1]
    np.testing.assert_allclose(decided(fitted, rows), np.log(p / (1 - p)))
    tree = DecisionTreeClassifier(random_state=0).fit(rows, [False, True])
    np.testing.assert_allclose(decided(tree, rows), [-np.log(1e6 - 1), np.log(1e6 - 1)])


def test_a_named_classifier_may_see_richer_features_and_takes_its_settings() -> None:
    """Sorted posteriors, loss and margin instead of logits find the planted leak too; a setting changes the scores."""
    seen, member = planted(2.0, examples=300, shadows=10, classes=3)
    few, many = (
        ShadowScikit(classifier="LogisticRegression", features="posteriors", settings={"C": cost}).score(seen) for cost in (1e-4, 1.0)
    )
    assert auc(many, member) > 0.6
    assert not np.allclose(few, many)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"features": "posterior"}, "features needs one of logits, posteriors, got 'posterior'; did you mean 'posteriors'"),
        ({"classifier": "MultinomialNB"}, "classifier MultinomialNB cannot be fitted on standardised features: Negative values"),
        ({"classifier": "SVC", "settings": {"kernel": "no"}}, "classifier SVC cannot be fitted on standardised features: The 'kernel'"),
        ({"classifier": "SVC", "settings": {"depth": 3}}, "unexpected keyword argument 'depth'"),
    ],
)
def test_a_classifier_that_cannot_work_is_refused_before_the_training(asked: dict[str, Any], told: str) -> None:
    """When the card is read, not hours later; the message has scikit-learn's reason."""
    with pytest.raises(RecipeError, match=f"shadow-scikit: .*{told}"):
        ShadowScikit(**asked)


def test_a_named_regression_is_the_cards_own() -> None:
    """The same rows, the same penalty: logistic regression by its name gives that attack's scores."""
    seen, _ = planted(1.0, examples=200, shadows=10)
    own, by_name = replace(SHADOW_LOGISTIC, rows_per_class=400), ShadowScikit(classifier="LogisticRegression", rows_per_class=400)
    np.testing.assert_allclose(by_name.score(seen), own.score(seen), atol=1e-9)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("RandomForest", "did you mean 'RandomForestClassifier'"),
        ("Ridge", "did you mean 'RidgeClassifier'"),
        ("os.system", "known: AdaBoostClassifier"),
        ("VotingClassifier", "did you mean"),
    ],
)
def test_what_is_no_classifier_is_refused(name: str, hint: str) -> None:
    """Regressions, other modules and classifiers that need classifiers; the nearest name is told."""
    with pytest.raises(RecipeError, match=f"shadow-scikit: classifier needs one of scikit-learn's, got '{name}'; {hint}"):
        ShadowScikit(classifier=name)
