"""The estimators for scikit-learn, by its own checks."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
from sklearn.datasets import make_classification, make_regression  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402
from wgrad import layers  # noqa: E402
from wgrad.sklearn import Classifier, Regressor  # noqa: E402

#: Checks that fail, each with the reason.
WEIGHTS = "weights change the batches less than rows that are left out or repeated do"
FAILING = {"check_sample_weight_equivalence_on_dense_data": WEIGHTS}


@parametrize_with_checks(
    [Classifier((16,), device="cpu", random_state=0), Regressor((16,), device="cpu", random_state=0)],
    expected_failed_checks=lambda estimator: FAILING,
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_pipelines_and_searches():
    x, y = make_classification(300, 8, n_informative=6, n_classes=3, random_state=1)
    names = np.array(["ant", "bee", "cow"])[y]
    network = Classifier((32, layers.Dropout(0.1)), epochs=30, device="cpu", random_state=1)
    search = GridSearchCV(make_pipeline(StandardScaler(), network), {"classifier__learning_rate": [0.0, 0.01]}, cv=2)
    search.fit(x, names)
    assert search.best_params_ == {"classifier__learning_rate": 0.01} and search.best_score_ > 0.7
    assert set(search.predict(x)) == set(names)
    shares = search.predict_proba(x)
    assert shares.shape == (300, 3) and np.allclose(shares.sum(axis=1), 1)


def test_images_and_early_stopping():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 200)
    x = random.normal(size=(200, 6, 6)) + y[:, None, None] * np.eye(6) * 3
    network = Classifier((layers.Conv2D(4, 3, activation="relu"),), input_shape=(6, 6, 1), epochs=200, patience=3, device="cpu", random_state=0)
    # Labels that are wrong cannot be learned for the rows that are held out.
    network.fit(x.reshape(200, 36), np.where(random.random(200) < 0.15, 1 - y, y))
    assert network.score(x.reshape(200, 36), y) > 0.9 and network.n_iter_ < 200


def test_a_regression_in_other_units():
    x, y = make_regression(200, 5, noise=1, random_state=0)
    assert Regressor((16,), device="cpu", random_state=0).fit(x, 1e6 + 1e3 * y).score(x, 1e6 + 1e3 * y) > 0.95


def test_wrong_layers_are_refused_in_words():
    with pytest.raises(TypeError, match="layers has a str, expected a number of units or one of wgrad.layers"):
        Classifier(("relu",), device="cpu").fit(np.zeros((4, 2)), [0, 1, 0, 1])
