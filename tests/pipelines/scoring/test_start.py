"""The daily job starts fast: it imports no library that only training needs."""

from __future__ import annotations

import subprocess
import sys

OF_TRAINING = ("sklearn", "scipy", "mlflow", "lightgbm", "pandas")


def test_the_scoring_job_imports_no_library_of_training() -> None:
    code = f"import sys, churn_mlops.pipelines.scoring.publish; print([m for m in {OF_TRAINING} if m in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
