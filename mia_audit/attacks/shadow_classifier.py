"""The shadow-model attack of Shokri et al., mended: one classifier a class, fitted on what shadow models answer.

Shokri et al., "Membership Inference Attacks Against Machine Learning Models", IEEE S&P 2017, arXiv:1610.05820v2; in the form
of Moshruba et al., arXiv:2411.06613v2 (class-wise RBF-SVM on the output vector), whose protocol arXiv:2502.18623v1 continues.

Departs from that protocol, where it went wrong: the classifier is fitted on rows of shadow models alone, and the target is
none of them; every (model, example) is a member by its own coin, so that no shadow model's membership tells the target's;
members and non-members are weighed alike; every class is attacked; several queries are averaged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from mia_audit.attacks.attack import Attack
from mia_audit.attacks.learning import Classifier, boosted, decided, even_draw, logistic, named, require_fits
from mia_audit.attacks.observables import Observable, within_reach
from mia_audit.attacks.ranges import Cost, Count, Rows
from mia_audit.attacks.shadow_features import features
from mia_audit.errors import RecipeError, nearest
from mia_audit.streams import stream
from mia_audit.types import Bools, Evidence, Floats, Ints

FEWEST_ROWS = 20
"""Rows of members, and of non-members, that a class needs for a classifier of its own; others share one over all classes."""

_DEFAULT = "RidgeClassifier"


@dataclass(frozen=True, kw_only=True)
class ShadowPenalised(Attack):
    """A class-wise classifier whose one knob is its cost.

    new             the classifier, not yet fitted, from its cost
    rows_per_class  most rows a classifier is fitted on, drawn at random
    cost            inverse of the penalty
    seed            of the draw
    """

    shadows_per_side = 1
    needs = frozenset({"shadows"})
    name: str
    new: Callable[[float], Classifier]
    rows_per_class: Rows = 5_000
    cost: Cost = 1.0
    seed: int = 0

    def _score(self, seen: Evidence) -> Floats:
        return _by_class(seen, lambda: self.new(self.cost), self.rows_per_class, self.seed)


@dataclass(frozen=True, kw_only=True)
class ShadowBoosting(Attack):
    """Class-wise gradient-boosted trees.

    rows_per_class  most rows a classifier is fitted on, drawn at random
    trees           how many; each has at most eight leaves
    seed            of the draw
    """

    name = "shadow-boosting"
    shadows_per_side = 1
    needs = frozenset({"shadows"})
    rows_per_class: Rows = 5_000
    trees: Count = 50
    seed: int = 0

    def _score(self, seen: Evidence) -> Floats:
        """Return the log odds of membership, [examples]; larger means more likely a member."""
        return _by_class(seen, self._new, self.rows_per_class, self.seed)

    def _new(self) -> Classifier:
        return boosted(self.trees, self.seed)


@dataclass(frozen=True, kw_only=True)
class ShadowScikit(Attack):
    """Class-wise classifier of scikit-learn, whichever the card names, at that library's defaults but for what the card sets.

    classifier      its class
    settings        its parameters, by name
    features        "logits", or "posteriors": the ten largest log-probabilities, loss, phi, margin and correctness
    rows_per_class  most rows a classifier is fitted on, drawn at random
    seed            of the draw, and of the classifier where it has one
    """

    name = "shadow-scikit"
    shadows_per_side = 1
    needs = frozenset({"shadows"})
    classifier: str = _DEFAULT
    settings: Mapping[str, Any] = field(default_factory=dict)
    features: str = "logits"
    rows_per_class: Rows = 1_000
    seed: int = 0

    def _check(self) -> None:
        if self.features not in _FEATURES:
            raise RecipeError(
                f"{self.name}: features needs one of {', '.join(_FEATURES)}, got {self.features!r}{nearest(self.features, _FEATURES)}"
            )
        if (self.classifier, self.settings) != (_DEFAULT, {}):  # which is known to fit
            require_fits(self.name, self.classifier, self._new)

    def _score(self, seen: Evidence) -> Floats:
        """Return its decision function, or its log odds where it has none, [examples]; larger means more likely a member."""
        return _by_class(seen, self._new, self.rows_per_class, self.seed, _FEATURES[self.features])

    def _new(self) -> Classifier:
        fresh = named(self.name, self.classifier)(**self.settings)
        if "random_state" in fresh.get_params():
            fresh.set_params(random_state=self.seed)
        return make_pipeline(StandardScaler(), fresh)


def _svm(cost: float) -> Classifier:
    return make_pipeline(StandardScaler(), SVC(C=cost))


SHADOW_SVM = ShadowPenalised(name="shadow-svm", new=_svm, rows_per_class=1_000)
SHADOW_LOGISTIC = ShadowPenalised(name="shadow-logistic", new=logistic)


def _raw(logits: Floats, _: Ints) -> Floats:
    """Return the logits [examples, classes] of one model, averaged over queries."""
    return within_reach(logits.mean(axis=0))


_FEATURES: dict[str, Observable] = {"logits": _raw, "posteriors": features}


def _by_class(seen: Evidence, new: Callable[[], Classifier], most: int, seed: int, describe: Observable = _raw) -> Floats:
    """Return the scores of one classifier a class; classes with too few rows share one that is fitted on all."""
    scores = np.empty(seen.examples)
    shared = np.zeros(seen.examples, dtype=np.bool_)
    with threadpool_limits(limits=1):  # the order of sums, and so the scores, must not depend on the machine's cores
        for label in np.unique(seen.labels):
            here = seen.labels == label
            if _fewest_rows(seen.trained_on[:, here]) < FEWEST_ROWS:
                shared |= here
                continue
            fitted = _fit(new(), seen.only(here), most, stream(seed, "rows of a class", int(label)), describe)
            scores[here] = decided(fitted, describe(seen.target[:, here], seen.labels[here]))
        if shared.any():
            alike = _label_first(seen)
            fitted = _fit(new(), alike, most, stream(seed, "rows of all classes"), describe)
            scores[shared] = decided(fitted, describe(alike.target[:, shared], alike.labels[shared]))
    return scores


def _fit(classifier: Classifier, seen: Evidence, most: int, rng: np.random.Generator, describe: Observable) -> Classifier:
    """Fit on rows (shadow model, example), as many members as non-members."""
    rows = np.concatenate([describe(logits, seen.labels) for logits in seen.shadows])
    member = seen.trained_on.reshape(-1)
    drawn = even_draw(rows, member, most // 2, rng)
    classifier.fit(rows[drawn], member[drawn])
    return classifier


def _label_first(seen: Evidence) -> Evidence:
    """Return the evidence with each label's logit first and the others in falling order, which makes classes alike."""
    own = np.arange(seen.classes) == seen.labels[:, None]

    def turned(logits: Floats) -> Floats:
        others = -np.sort(-np.where(own, -np.inf, logits), axis=-1)[..., :-1]
        return np.concatenate([logits[..., own][..., None], others], axis=-1)

    return replace(seen, target=turned(seen.target), shadows=turned(seen.shadows), labels=np.zeros_like(seen.labels))


def _fewest_rows(trained_on: Bools) -> int:
    members = int(trained_on.sum())
    return min(members, trained_on.size - members)
