"""No pickle, joblib or cloudpickle is ever loaded by this package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from churn_mlops.models import ChurnModel

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
assert 0 < ChurnModel.load(sys.argv[1]).predictor.score_one(row) < 1
assert 0 < _load_pyfunc(sys.argv[1]).predict([row])[0] < 1
assert unpickled == [], unpickled
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


def test_nothing_is_unpickled_when_a_model_is_loaded_and_scores(model: ChurnModel, tmp_path: Path) -> None:
    model.save(tmp_path / "m.bundle")
    subprocess.run([sys.executable, "-c", WATCH, str(tmp_path / "m.bundle")], check=True, timeout=120)
