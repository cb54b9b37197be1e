"""The whole way of a newcomer, on a public file as it was published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Churn


def test_from_a_public_file_to_a_ranked_list(
    churn: Churn, public_data: Path, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mlflow").mkdir()
    Path("mlflow/mlflow.db").write_bytes(record.read_bytes())
    # The quickest to fit; how good the others are is measured by bench/quality.py.
    monkeypatch.setenv("CHURN__TRAINING__MODEL_TYPE", "logistic_regression")
    telco = public_data / "telco" / "telco.csv"
    found = churn("init", "--from", telco, "--customer", "customerID", "--label", "Churn")
    assert found.code == 0
    assert "TotalCharges: blank in 11 rows" in found.out
    assert churn("validate").out == "Go: 7,043 rows, 0 that stop, 0 warnings.\n"
    trained = json.loads(churn("train", "--json").out)
    assert trained["promoted"]
    assert 0.82 < trained["metrics"]["auc"]["value"] < 0.88
    scored = churn("score", "--out", "list.csv")
    assert "of 5,174 customers are likely to churn" in scored.out
    assert "1,869 more have left already (Churn is Yes)" in scored.out
    assert "the scores are out of fold" in scored.out
    assert len(Path("list.csv").read_text().splitlines()) == 7044
    today = churn("score", "--from", telco, "--json")
    assert json.loads(today.out)["out_of_fold"] is False
