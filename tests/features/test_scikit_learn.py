"""scikit-learn's tools take FeatureEngineer as they take its own transformers."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import NotFittedError as ScikitLearnNotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from churn_mlops.errors import DataError
from churn_mlops.features import FeatureEngineer
from tests.companies.customers import CONTRACT, customers, left
from tests.estimator_checks import checks_of


def test_every_check_of_scikit_learn_holds() -> None:
    for _, check in checks_of(FeatureEngineer()):
        check()


def test_a_contract_is_inferred_where_none_is_given() -> None:
    frame = customers(500).assign(constant=1)
    engineer = FeatureEngineer().fit(frame)
    assert engineer.get_feature_names_out().tolist() == list(engineer.contract_.features) == list(CONTRACT.features)
    assert engineer.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(DataError, match=r"no column is left to learn from: constant \(constant\)"):
        FeatureEngineer().fit(frame[["constant"]])


def test_a_search_sets_it_in_a_pipeline() -> None:
    frame = customers(400)
    trees = HistGradientBoostingClassifier(max_iter=5)
    pipeline = make_pipeline(FeatureEngineer(CONTRACT), trees)
    search = GridSearchCV(pipeline, {"featureengineer__min_level_rows": [1, 10_000]}, scoring="neg_log_loss", cv=2)
    search.fit(frame, left(frame))
    assert search.best_params_ == {"featureengineer__min_level_rows": 1}
    assert search.best_estimator_[0].levels_["plan"]
    assert search.best_estimator_[:-1].get_feature_names_out().tolist() == list(CONTRACT.features)


def test_it_stands_beside_other_transformers() -> None:
    frame = customers(400).assign(other=2.0)
    both = ColumnTransformer([("raw", FeatureEngineer(CONTRACT), list(CONTRACT.features))], remainder="passthrough")
    inputs = both.fit_transform(frame)
    np.testing.assert_array_equal(inputs[:, :-1], FeatureEngineer(CONTRACT).fit_transform(frame))
    assert both.get_feature_names_out().tolist() == [
        *(f"raw__{name}" for name in CONTRACT.features),
        "remainder__other",
    ]


def test_a_copy_keeps_what_was_learnt_and_a_clone_only_the_arguments() -> None:
    frame = customers(400)
    engineer = FeatureEngineer(CONTRACT, min_level_rows=3).fit(frame)
    other = pickle.loads(pickle.dumps(engineer))
    np.testing.assert_array_equal(other.transform(frame), engineer.transform(frame))
    fresh = clone(engineer)
    assert repr(fresh) == "FeatureEngineer(contract=<DataContract 'tests': 5 features>, min_level_rows=3)"
    with pytest.raises(ScikitLearnNotFittedError, match="this FeatureEngineer is not fitted yet"):
        fresh.transform(frame)
    with pytest.raises(ScikitLearnNotFittedError):
        FeatureEngineer().get_feature_names_out()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (sparse.csr_array(np.eye(5)), "sparse data are not supported"),
        (np.zeros(5), "Reshape your data"),
        (np.zeros((5, 5, 5)), "Reshape your data"),
        (np.zeros((5, 0)), "0 feature"),
        (np.zeros((5, 5), dtype=complex), "Complex data"),
        (np.zeros((5, 4)), "X has 4 columns without names, and the contract 5"),
        (7, "customers come as"),
        ([1, 2], "customers come as"),
    ],
)
def test_what_is_no_table_is_refused(X: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        FeatureEngineer(CONTRACT).fit(X)


def test_a_second_fit_drops_the_names_of_the_first() -> None:
    frame = customers(400)
    engineer = FeatureEngineer(CONTRACT).fit(frame)
    array = frame.to_numpy()
    with pytest.warns(UserWarning, match="X has no column names"):
        engineer.transform(array)
    engineer.fit(array)
    assert not hasattr(engineer, "feature_names_in_")
    np.testing.assert_array_equal(engineer.transform(array), engineer.transform(pd.DataFrame(array)))
