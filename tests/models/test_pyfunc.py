"""The two functions that MLflow calls, without MLflow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from churn_mlops.errors import BundleError, DataError
from churn_mlops.models import ChurnModel
from churn_mlops.models.pyfunc import _load_pyfunc


def test_a_bundle_is_loaded_from_its_file_or_its_folder(model: ChurnModel, raw: pd.DataFrame, tmp_path: Path) -> None:
    model.bundle_.save(tmp_path / "model.bundle")
    fitted = model.predict_proba(raw)[:, 1]
    for place in (tmp_path, tmp_path / "model.bundle"):
        assert np.array_equal(_load_pyfunc(str(place)).predict(raw), fitted)


def test_what_cannot_be_read_is_named_by_its_column(model: ChurnModel, raw: pd.DataFrame, tmp_path: Path) -> None:
    model.bundle_.save(tmp_path / "model.bundle")
    with pytest.raises(DataError, match="charges"):
        _load_pyfunc(str(tmp_path)).predict(raw.head(3).assign(charges="12,5"))


def test_a_folder_without_a_bundle_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="holds no model bundle"):
        _load_pyfunc(str(tmp_path))
