"""No pickle, joblib or cloudpickle is ever loaded by this package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from churn_mlops.models import MODEL_TYPES, ChurnModel
from tests.companies.customers import CONTRACT, customers, left

SOURCES = sorted((Path(__file__).parents[1] / "src").rglob("*.py"))
FORBIDDEN = {"pickle", "_pickle", "cPickle", "joblib", "cloudpickle", "dill", "marshal", "shelve"}

WATCH = """
import sys
unpickled = []
sys.addaudithook(lambda event, arguments: unpickled.append(arguments) if event == "pickle.find_class" else None)
from churn_mlops.models import ChurnModel
from churn_mlops.models.pyfunc import _load_pyfunc
from churn_mlops.models.bundle_cache import BundleCache
row = {"tenure": 3, "plan": "monthly"}
for bundle in sys.argv[1:]:
    assert 0 < ChurnModel.load(bundle).predictor.score_one(row) < 1
    assert 0 < _load_pyfunc(bundle).predict([row])[0] < 1
    assert unpickled == [], (bundle, unpickled)
"""


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: "/".join(path.parts[-2:]))
def test_no_source_imports_a_pickler(source: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            pytest.fail(f"{source} sets allow_pickle")
    assert not imported & FORBIDDEN


def test_nothing_is_unpickled_when_a_model_of_any_type_is_loaded_and_scores(tmp_path: Path) -> None:
    frame, bundles = customers(300), []
    for model_type in MODEL_TYPES:
        bundles.append(str(tmp_path / f"{model_type}.bundle"))
        ChurnModel(model_type, contract=CONTRACT, bags=2, max_trees=20).fit(frame, left(frame)).save(bundles[-1])
    subprocess.run([sys.executable, "-c", WATCH, *bundles], check=True, timeout=120)
