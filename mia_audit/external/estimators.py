"""Estimators of scikit-learn as functions x -> scores, and their trees and machines looked at before compiled code walks them.

A tree is an array of nodes that name each other, and compiled code follows them without looking: one index changed in a file ends the
process with signal 11, or reads what lies beside. So every node must name later nodes of its own tree and a feature that is there. Nearest
neighbours are indexed anew from their examples, since an index is such an array too.
"""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from mia_audit.errors import DataError, EvidenceError
from mia_audit.external.files import reason

_FORESTS = ("sklearn.tree", "sklearn.ensemble._forest", "sklearn.ensemble._gb", "sklearn.ensemble._hist_gradient_boosting")
"""Modules of estimators whose trees see the columns that they were given themselves."""
_DEEPEST = 60


def is_estimator(value: Any) -> bool:
    """Say whether this answers as scikit-learn's classifiers do."""
    return hasattr(value, "classes_") and any(callable(getattr(value, name, None)) for name in ("predict_proba", "decision_function"))


def asking(estimator: Any, name: str) -> Callable[[Any], npt.NDArray[Any]]:
    """Return what asks a classifier: probabilities where it has them, else decision values, one row an example of flat numbers."""
    ask = next((each for each in ("predict_proba", "decision_function") if callable(getattr(estimator, each, None))), "predict")

    def answer(batch: Any) -> npt.NDArray[Any]:
        rows = np.asarray(batch, dtype=np.float64).reshape(len(batch), -1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # such as names of columns, which a batch has not
                found: npt.NDArray[Any] = np.asarray(getattr(estimator, ask)(rows))
        except (ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
            raise EvidenceError(f"{name} cannot answer {len(rows)} examples of {rows.shape[1]} numbers, got {reason(error)}") from error
        return found

    return answer


def sound(name: str, estimator: Any) -> None:
    """Refuse an estimator whose parts do not fit each other, and index neighbours anew."""
    for each, columns in _parts(estimator, float("inf"), set(), 0):
        kind = type(each).__name__
        if kind == "Tree":
            nodes = each.__getstate__()["nodes"]
            _require_nodes(name, nodes, ("left_child", "right_child", "feature"), nodes["left_child"] != -1, columns)
        elif kind == "TreePredictor":
            nodes = each.nodes
            _require_nodes(name, nodes, ("left", "right", "feature_idx"), nodes["is_leaf"] == 0, columns)
            if (nodes["bitset_idx"][nodes["is_categorical"] != 0] >= len(each.raw_left_cat_bitsets)).any():
                raise _tampered(name, "a tree's categories are not all there")
        elif kind == "GradientBoostingClassifier" and each.estimators_.shape[1] != each.n_trees_per_iteration_:
            raise _tampered(name, f"{each.estimators_.shape[1]} trees a round stand for {each.n_trees_per_iteration_}")
        elif kind in {"SVC", "NuSVC"}:
            _require_machine(name, each)
        elif kind == "KNeighborsClassifier":
            each.fit(each._fit_X, each.classes_[each._y])  # noqa: SLF001  a file's index is not followed, what it was made from is there


def _require_nodes(name: str, nodes: npt.NDArray[Any], fields: tuple[str, str, str], inner: npt.NDArray[Any], columns: float) -> None:
    """Refuse nodes that name none of the later nodes, or a feature that is not there.

    fields  what a node's left, right and feature are called
    """
    left, right, feature = (nodes[field] for field in fields)
    count = len(nodes)
    places = np.arange(count)[inner]
    children = np.stack([left[inner], right[inner]]).astype(np.int64)
    if not count or (children <= places).any() or (children >= count).any():
        raise _tampered(name, f"a tree of {count} nodes names others than its later ones")
    if inner.any() and not (feature[inner].min() >= 0 and feature[inner].max() < columns):
        raise _tampered(name, f"a tree asks for feature {int(feature[inner].max())} of {columns}")


def _require_machine(name: str, machine: Any) -> None:
    """Refuse a support vector machine whose arrays are not of one size."""
    vectors, classes = machine.support_vectors_, len(machine.classes_)
    pairs = classes * (classes - 1) // 2
    fits = (
        vectors.ndim == 2
        and not machine._sparse  # noqa: SLF001
        and vectors.shape == (len(machine.support_), machine.n_features_in_)
        and machine._n_support.shape == (classes,)  # noqa: SLF001
        and (machine._n_support >= 0).all()  # noqa: SLF001
        and machine._n_support.sum() == len(vectors)  # noqa: SLF001
        and machine._dual_coef_.shape == machine.dual_coef_.shape == (classes - 1, len(vectors))
        and machine._intercept_.shape == (pairs,)
        and machine._probA.size in {0, pairs}  # noqa: SLF001
        and machine._probB.size == machine._probA.size  # noqa: SLF001
    )
    if not fits:
        raise _tampered(name, f"a support vector machine of {classes} classes and {len(vectors)} vectors has arrays of other sizes")


def _parts(value: Any, columns: float, seen: set[int], depth: int) -> Iterator[tuple[Any, float]]:
    """Yield every object in an estimator, with how many columns the trees in it may name."""
    if id(value) in seen or depth > _DEEPEST:
        return
    seen.add(id(value))
    if isinstance(value, dict):
        inside: Any = value.values()
    elif isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        inside = value.ravel() if isinstance(value, np.ndarray) else value
    elif type(value).__module__.startswith("sklearn."):
        own = getattr(value, "__dict__", {})
        if hasattr(value, "get_params"):
            near = columns if type(value).__module__.startswith(_FORESTS) else float("inf")
            columns = min(near, own.get("n_features_in_", float("inf")))
        yield value, columns
        inside = own.values()
    else:
        return
    for each in inside:
        yield from _parts(each, columns, seen, depth + 1)


def _tampered(name: str, what: str) -> DataError:
    return DataError(f"{name}: {what}; the file was changed after it was written, write it anew with skops.io.dump")
