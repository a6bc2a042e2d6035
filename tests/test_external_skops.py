"""Classifiers in .skops, written by skops itself: answers are the estimator's own, and a changed file ends in one line."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from mia_audit.errors import AuditError
from mia_audit.external import networks
from mia_audit.external.recipe import External

skops: Any = pytest.importorskip("skops.io")
X, Y = load_iris(return_X_y=True)
ESTIMATORS = (
    RandomForestClassifier(4, random_state=0), ExtraTreesClassifier(4, random_state=0), DecisionTreeClassifier(random_state=0),
    DecisionTreeClassifier(max_leaf_nodes=5, random_state=0), GradientBoostingClassifier(n_estimators=3, random_state=0),
    HistGradientBoostingClassifier(max_iter=3), AdaBoostClassifier(n_estimators=3, random_state=0),
    BaggingClassifier(n_estimators=3, max_features=2, random_state=0), LogisticRegression(), RidgeClassifier(),
    SGDClassifier(loss="log_loss", random_state=0), MLPClassifier((4,), max_iter=5, random_state=0), SVC(), LinearSVC(), GaussianNB(),
    MultinomialNB(), KNeighborsClassifier(), make_pipeline(StandardScaler(), PCA(2), SVC()),
    make_pipeline(MinMaxScaler(), KNeighborsClassifier(algorithm="ball_tree")), CalibratedClassifierCV(LinearSVC()),
    VotingClassifier([("a", GaussianNB()), ("b", RandomForestClassifier(2))], voting="soft"),
)  # fmt: skip


def read(path: Path) -> tuple[Any, tuple[str, ...]]:
    """Return the network in a file."""
    return networks.built(External(checkpoint=path.name), path.parent)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: type(each).__name__)
def test_a_classifier_answers_as_it_did(tmp_path: Path, estimator: Any) -> None:
    """Probabilities, or decision values where it has none."""
    estimator.fit(X, Y)
    skops.dump(estimator, tmp_path / "m.skops")
    asked, notes = read(tmp_path / "m.skops")
    wanted = (estimator.predict_proba if hasattr(estimator, "predict_proba") else estimator.decision_function)(X)
    np.testing.assert_allclose(asked(torch.from_numpy(X)), wanted, atol=1e-9)
    assert notes == (f"{type(estimator).__name__} from m.skops.",)


def test_classes_with_names_are_told(tmp_path: Path) -> None:
    """In the order of the columns."""
    skops.dump(GaussianNB().fit(X, np.array(["c", "a", "b"])[Y]), tmp_path / "m.skops")
    assert read(tmp_path / "m.skops")[1][1] == "Its classes are, in order: a, b, c."


def changed(path: Path, name: str, change: Callable[[Any], None]) -> Path:
    """Change the array that an estimator's schema calls so, and write the file anew."""
    with zipfile.ZipFile(path) as archive:
        content = {each: archive.read(each) for each in archive.namelist()}
    place = _find(json.loads(content["schema.json"]), name)
    (path.parent / "array.npy").write_bytes(content[place])
    array = np.load(path.parent / "array.npy")
    change(array)
    np.save(path.parent / "array.npy", array)
    content[place] = (path.parent / "array.npy").read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        for each, value in content.items():
            archive.writestr(each, value)
    return path


def _find(part: Any, name: str) -> str:
    for key, value in part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ():
        if key == name and isinstance(value, dict) and "file" in value:
            return str(value["file"])
        if found := _find(value, name):
            return found
    return ""


def far(nodes: Any) -> None:
    """Let the root name a node that is not there."""
    nodes["left_child"][0] = 10**6


def loop(nodes: Any) -> None:
    """Let the root be its own child."""
    nodes["right_child"][0] = 0


def column(nodes: Any) -> None:
    """Let the root ask for a feature that is not there."""
    nodes["feature"][0] = 10**6


def far_histogram(nodes: Any) -> None:
    """Let the root name a node that is not there."""
    nodes["left"][0] = 10**6


def column_histogram(nodes: Any) -> None:
    """Let the root ask for a feature that is not there."""
    nodes["feature_idx"][0] = 10**6


def many(counts: Any) -> None:
    """Promise support vectors that are not there."""
    counts[0] = 10**6


@pytest.mark.parametrize(
    ("estimator", "name", "change", "message"),
    [
        (DecisionTreeClassifier(), "nodes", far, "a tree of 17 nodes names others than its later ones"),
        (RandomForestClassifier(2), "nodes", loop, "names others than its later ones"),
        (DecisionTreeClassifier(), "nodes", column, "a tree asks for feature 1000000 of 4"),
        (HistGradientBoostingClassifier(max_iter=2), "nodes", far_histogram, "names others than its later ones"),
        (HistGradientBoostingClassifier(max_iter=2), "nodes", column_histogram, "a tree asks for feature 1000000 of 4"),
        (SVC(), "_n_support", many, "a support vector machine of 3 classes and .* vectors has arrays of other sizes"),
    ],
)
def test_a_changed_file_is_refused_before_it_is_asked(tmp_path: Path, estimator: Any, name: str, change: Any, message: str) -> None:
    """Compiled code would follow such an index and end the process, or read what lies beside."""
    skops.dump(
        estimator.set_params(**({"random_state": 0} if "random_state" in estimator.get_params() else {})).fit(X, Y), tmp_path / "m.skops"
    )
    with pytest.raises(AuditError, match=message) as caught:
        read(changed(tmp_path / "m.skops", name, change))
    assert str(caught.value).endswith("the file was changed after it was written, write it anew with skops.io.dump")


def function(path: Path) -> None:
    """Write a pipeline with a function in it."""
    skops.dump(make_pipeline(FunctionTransformer(np.sin), GaussianNB()).fit(X, Y), path)


def module(path: Path) -> None:
    """Name a type that nobody trusts."""
    skops.dump(GaussianNB().fit(X, Y), path)
    with zipfile.ZipFile(path) as archive:
        content = {each: archive.read(each) for each in archive.namelist()}
    content["schema.json"] = content["schema.json"].replace(b'"sklearn.naive_bayes"', b'"os"', 1)
    with zipfile.ZipFile(path, "w") as archive:
        for each, value in content.items():
            archive.writestr(each, value)


def regressor(path: Path) -> None:
    """Write what is no classifier."""
    skops.dump(LinearRegression().fit(X, Y), path)


def bomb(path: Path) -> None:
    """Promise a gigabyte in a few bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "{}")
        archive.filelist[0].file_size = 2**30  # as the archive's directory will say


def deep(path: Path) -> None:
    """Nest lists a hundred thousand deep."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", "[" * 100_000)


def page(path: Path) -> None:
    """Write what a server says instead."""
    path.write_text("<html>404</html>")


def empty(path: Path) -> None:
    """Write an archive of nothing."""
    with zipfile.ZipFile(path, "w"):
        pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (function, "would build"),
        (module, "would build os.GaussianNB, which no classifier of the list needs"),
        (regressor, "would build sklearn.linear_model._base.LinearRegression"),
        (bomb, "would unpack from"),
        (deep, "needs to be a .skops of a classifier"),
        (page, "needs to be a .skops of a classifier"),
        (empty, "needs to be a .skops of a classifier"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_hostile_files_end_in_one_line(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    """Nothing of them is built."""
    make(tmp_path / "m.skops")
    with pytest.raises(AuditError, match=message) as caught:
        read(tmp_path / "m.skops")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.pickle"])
def test_pickles_are_refused_with_what_to_do_instead(tmp_path: Path, name: str) -> None:
    """Whatever reads them."""
    import joblib  # noqa: PLC0415

    joblib.dump(GaussianNB().fit(X, Y), tmp_path / name)
    with pytest.raises(AuditError, match=r"would import .*sklearn.naive_bayes.GaussianNB.*skops.io.dump\(model, 'model.skops'\)"):
        read(tmp_path / name)
