"""A classifier of scikit-learn in a .skops: built of types that stand in a list here, by skops (an extra).

The library's own list trusts every estimator and refuses forests; trusting `sklearn.*` lets a file in that ends the process. What a file
would build is read before any of it is, by kind and type, against the list below; then its parts are held to each other (estimators.py).
"""

import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mia_audit.errors import DataError
from mia_audit.external import estimators
from mia_audit.external.archive import require_room
from mia_audit.external.files import reason, regular, told
from mia_audit.extras import extra

MOST_SCHEMA = 2**27
KINDS = frozenset((
    "ListNode", "NdArrayNode", "TypeNode", "DictNode", "SliceNode", "TreeNode", "RandomGeneratorNode", "LossNode",
    "ObjectNode", "TupleNode", "DTypeNode", "JsonNode", "RandomStateNode", "SetNode", "BytesNode",
))  # fmt: skip
"""How a part of a file may be built: data, arrays, and objects by their type. No function, no method."""
_BY_MODULE = {
    "builtins": "dict list slice str tuple set int float bool complex bytes",
    "numpy": "ndarray dtype float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool bool_ str_",
    "numpy.random._generator": "Generator",
    "numpy.random.mtrand": "RandomState",
    "sklearn._loss._loss": "CyHalfBinomialLoss CyHalfMultinomialLoss CyExponentialLoss",
    "sklearn._loss.link": "Interval MultinomialLogit LogitLink HalfLogitLink IdentityLink",
    "sklearn._loss.loss": "HalfBinomialLoss HalfMultinomialLoss ExponentialLoss",
    "sklearn.calibration": "CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration",
    "sklearn.compose._column_transformer": "ColumnTransformer",
    "sklearn.decomposition._pca": "PCA",
    "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "sklearn.dummy": "DummyClassifier",
    "sklearn.ensemble._bagging": "BaggingClassifier",
    "sklearn.ensemble._forest": "ExtraTreesClassifier RandomForestClassifier",
    "sklearn.ensemble._gb": "GradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.binning": "_BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting": "HistGradientBoostingClassifier",
    "sklearn.ensemble._hist_gradient_boosting.predictor": "TreePredictor",
    "sklearn.ensemble._stacking": "StackingClassifier",
    "sklearn.ensemble._voting": "VotingClassifier",
    "sklearn.ensemble._weight_boosting": "AdaBoostClassifier",
    "sklearn.impute._base": "SimpleImputer",
    "sklearn.linear_model._logistic": "LogisticRegression LogisticRegressionCV",
    "sklearn.linear_model._passive_aggressive": "PassiveAggressiveClassifier",
    "sklearn.linear_model._perceptron": "Perceptron",
    "sklearn.linear_model._ridge": "RidgeClassifier RidgeClassifierCV",
    "sklearn.linear_model._sgd_fast": "Hinge SquaredHinge Log ModifiedHuber SquaredLoss Huber EpsilonInsensitive",
    "sklearn.linear_model._stochastic_gradient": "SGDClassifier",
    "sklearn.metrics._dist_metrics": "EuclideanDistance64 ManhattanDistance64 MinkowskiDistance64 ChebyshevDistance64",
    "sklearn.naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
    "sklearn.neighbors._ball_tree": "BallTree",
    "sklearn.neighbors._classification": "KNeighborsClassifier",
    "sklearn.neighbors._kd_tree": "KDTree",
    "sklearn.neural_network._multilayer_perceptron": "MLPClassifier",
    "sklearn.neural_network._stochastic_optimizers": "AdamOptimizer SGDOptimizer",
    "sklearn.pipeline": "Pipeline FeatureUnion",
    "sklearn.preprocessing._data": "MaxAbsScaler MinMaxScaler Normalizer PolynomialFeatures PowerTransformer QuantileTransformer "
    "RobustScaler StandardScaler",
    "sklearn.preprocessing._encoders": "OneHotEncoder OrdinalEncoder",
    "sklearn.preprocessing._function_transformer": "FunctionTransformer",
    "sklearn.preprocessing._label": "LabelBinarizer LabelEncoder",
    "sklearn.svm._classes": "LinearSVC NuSVC SVC",
    "sklearn.tree._classes": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
    "sklearn.tree._tree": "Tree",
    "sklearn.utils._bunch": "Bunch",
}
TRUSTED = frozenset(f"{module}.{name}" for module, names in _BY_MODULE.items() for name in names.split())
"""What a file may be built of."""
_SAVE = "where it was trained, import skops.io; skops.io.dump(model, 'model.skops')"


def network(path: Path) -> tuple[Callable[[Any], Any], tuple[str, ...]]:
    """Return what answers a batch as the file's classifier does, and notes; DataError in one line where there is none in the file."""
    name = told(regular(path, "a classifier").name)
    skops = extra("skops.io", f"{name}: reading .skops")
    _require_known(name, path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of another version of scikit-learn: said below
            estimator = skops.load(path, trusted=sorted(TRUSTED & set(skops.get_untrusted_types(file=path))))
    except Exception as error:  # of many kinds, from skops and from every type in the file
        raise DataError(f"{name}: needs to be a .skops of a classifier, got {reason(error)}; {_SAVE}") from error
    if not estimators.is_estimator(estimator):
        raise DataError(f"{name}: needs a trained classifier, got {told(type(estimator).__name__)}; {_SAVE}")
    try:
        estimators.sound(name, estimator)
    except (AttributeError, TypeError, ValueError, KeyError, IndexError) as error:
        raise DataError(f"{name}: needs a whole classifier, got {reason(error)}; {_SAVE}") from error
    classes = [told(str(each), 20) for each in estimator.classes_[:10]]
    named = [] if classes == [str(place) for place in range(len(classes))] else [f"Its classes are, in order: {', '.join(classes)}."]
    return estimators.asking(estimator, name), (f"{type(estimator).__name__} from {name}.", *named)


def _require_known(name: str, path: Path) -> None:
    """Refuse a file that would build what is not on the list, before any of it is built."""
    try:
        with zipfile.ZipFile(path) as archive:
            require_room(name, archive.infolist(), _SAVE)
            if archive.getinfo("schema.json").file_size > MOST_SCHEMA:
                raise DataError(f"{name}: needs a schema of at most {MOST_SCHEMA // 2**20} MiB, got more; {_SAVE}")
            schema = json.loads(archive.read("schema.json"))
        kinds, types = (set(each) for each in zip(*_built(schema), strict=True))
    except (OSError, ValueError, KeyError, RecursionError, MemoryError, RuntimeError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DataError(f"{name}: needs to be a .skops of a classifier, got {reason(error)}; {_SAVE}") from error
    strange = sorted(kinds - KINDS - {""}) + sorted(types - TRUSTED)
    if strange:
        listed = ", ".join(told(each) for each in strange[:4]) + (" and others" if len(strange) > 4 else "")
        raise DataError(f"{name}: would build {listed}, which no classifier of the list needs; export it as .onnx, or give a function")


def _built(part: Any) -> Iterator[tuple[str, str]]:
    """Yield the kind and type of every part of a schema."""
    if isinstance(part, dict):
        if {"__class__", "__module__", "__loader__"} & set(part):
            yield str(part.get("__loader__", "")), f"{part.get('__module__')}.{part.get('__class__')}"
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _built(each)
