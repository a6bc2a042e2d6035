"""What attacks that learn have in common: rows of shadow models, as many members as non-members, and a classifier fitted on them.

A row is one (shadow model, example) pair with its features; whether the model was trained on the example is what is learnt.
"""

import warnings
from collections.abc import Callable
from inspect import signature
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from sklearn import discriminant_analysis, ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from mia_audit.attacks.observables import within_reach
from mia_audit.errors import RecipeError, nearest
from mia_audit.streams import stream
from mia_audit.types import Bools, Floats, Ints

Classifier: TypeAlias = Any
"""A scikit-learn classifier with fit and decision_function; the library ships no types."""

_SORT_KEYS = 16
_LEAST_SHARE = 1e-6


class Draw(NamedTuple):
    """How many rows a classifier is fitted on at most, and the seed they are drawn with."""

    most: int
    seed: int


def fitted_scores(classifier: Classifier, shadow: Floats, trained_on: Bools, target: Floats, draw: Draw) -> Floats:
    """Return the log odds of membership of the target's rows, [examples], after fitting on the shadow models'.

    shadow      features [models, examples, features]
    target      features [examples, features]
    Rows are drawn at random, as many of each side.
    """
    rows, member = shadow.reshape(-1, shadow.shape[-1]), trained_on.ravel()
    drawn = even_draw(rows, member, draw.most // 2, stream(draw.seed, "rows of shadow models"))
    with threadpool_limits(limits=1):  # the order of sums, and so the scores, must not depend on the machine's cores
        classifier.fit(within_reach(rows[drawn]), member[drawn])
        odds: Floats = classifier.decision_function(within_reach(target))
    return odds


def even_draw(rows: Floats, member: Bools, most: int, rng: np.random.Generator) -> Ints:
    """Return which rows are drawn, at most so many a side; they are sorted first, so that the order of examples is forgotten."""
    listed = np.lexsort(rows.T[:_SORT_KEYS])
    sides = [rng.permutation(listed[member[listed] == side]) for side in (False, True)]
    return np.concatenate([side[: min(most, *map(len, sides))] for side in sides])


def boosted(trees: int, seed: int) -> Classifier:
    """Return small gradient-boosted trees, not yet fitted."""
    return HistGradientBoostingClassifier(
        max_iter=trees,
        max_leaf_nodes=8,
        early_stopping=False,  # pyright: ignore[reportArgumentType]  # documented as 'auto' or bool
        random_state=seed,
    )


def logistic(cost: float = 1.0) -> Classifier:
    """Return a ridge logistic regression on standardised features, not yet fitted."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=cost, max_iter=1_000))


def named(attack: str, name: str) -> Any:
    """Return scikit-learn's classifier class of that name; RecipeError names the nearest one."""
    rooms = (discriminant_analysis, ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree)
    known = {found: getattr(room, found) for room in rooms for found in room.__all__ if is_classifier(getattr(room, found))}
    if name not in known:
        raise RecipeError(f"{attack}: classifier needs one of scikit-learn's, got {name!r}{nearest(name, known)}")
    return known[name]


def require_fits(attack: str, name: str, new: Callable[[], Classifier]) -> None:
    """Raise RecipeError where a classifier refuses its parameters, or rows such as these; better now than after the training."""
    rng = np.random.default_rng(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decided(new().fit(rng.normal(size=(40, 4)), np.arange(40) % 2 == 0), rng.normal(size=(8, 4)))
    except (ValueError, TypeError) as error:
        told = " ".join(str(error).split())
        raise RecipeError(f"{attack}: classifier {name} cannot be fitted on standardised features: {told[:200]}; name another") from error


def is_classifier(found: object) -> bool:
    """Say whether this is a class of classifiers that needs nothing to be built: no further classifiers to combine."""
    if not (isinstance(found, type) and issubclass(found, ClassifierMixin)):
        return False
    return all(parameter.default is not parameter.empty for parameter in signature(found).parameters.values())


def decided(fitted: Classifier, rows: Floats) -> Floats:
    """Return a fitted classifier's decision function of rows [examples, features]; the log odds where it tells probabilities alone."""
    if hasattr(fitted, "decision_function"):
        decision: Floats = fitted.decision_function(rows)
        return decision
    p = fitted.predict_proba(rows)[:, 1].clip(_LEAST_SHARE, 1 - _LEAST_SHARE)
    odds: Floats = np.log(p / (1 - p))
    return odds
