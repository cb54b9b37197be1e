"""When NannyML and Evidently first raise an alert in the runs of `bench.shifts`, as they are set up by default.

    PYTHON bench/shifts/peers.py FOLDER

Runs in an environment of its own, with ``nannyml`` and ``evidently`` and nothing of this project. Each file of the
folder is a run: rows with features, score, label and month. The first four months are the reference. NannyML looks at
each month, as a chunk; Evidently compares the month before the shift may begin and then every fourth with the
reference. The last line that is printed is JSON: of each run the first month with an alert, or null, by peer.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nannyml
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import DriftedColumnsCount

REFERENCE = 4
OWN = ("score", "left", "month")
EVERY = 4


def alerts(path: str) -> tuple[str, dict[str, int | None]]:
    """The first month with an alert, by peer."""
    rows = pd.read_parquet(path)
    features = [name for name in rows.columns if name not in OWN]
    texts = [name for name in features if not pd.api.types.is_numeric_dtype(rows[name])]
    rows["predicted"] = (rows["score"] >= 0.5).astype(int)
    reference, later = (rows[of].reset_index(drop=True) for of in (rows.month < REFERENCE, rows.month >= REFERENCE))
    size = int((rows.month == 0).sum())
    named = {"y_pred_proba": "score", "y_pred": "predicted", "y_true": "left"}
    model = {**named, "problem_type": "classification_binary", "metrics": ["roc_auc"], "chunk_size": size}
    found: dict[str, int | None] = {}
    for name, calculator, run in (
        ("NannyML, estimated AUC", nannyml.CBPE(**model), "estimate"),
        ("NannyML, AUC by final labels", nannyml.PerformanceCalculator(**model), "calculate"),
        ("NannyML, drift of a feature", nannyml.UnivariateDriftCalculator(features, chunk_size=size), "calculate"),
    ):
        calculator.fit(reference)
        table = getattr(calculator, run)(later).filter(period="analysis").to_df()
        raised = table[[column for column in table.columns if column[-1] == "alert"]].any(axis=1)
        found[name] = next((REFERENCE + place for place, one in enumerate(raised) if one), None)
    kinds = DataDefinition(
        numerical_columns=[name for name in features if name not in texts], categorical_columns=texts
    )
    known = Dataset.from_pandas(reference[features], data_definition=kinds)
    half, any_feature = "Evidently, drift of half of the features", "Evidently, drift of a feature"
    found |= {half: None, any_feature: None}
    for month in range(REFERENCE, int(rows.month.max()) + 1, EVERY):
        now = rows.loc[rows.month == month, features].reset_index(drop=True)
        drifted = Report([DriftedColumnsCount()]).run(Dataset.from_pandas(now, data_definition=kinds), known)
        value = drifted.dict()["metrics"][0]["value"]
        for name, is_raised in ((half, value["share"] >= 0.5), (any_feature, value["count"] > 0)):
            if is_raised and found[name] is None:
                found[name] = month
    return Path(path).stem, found


if __name__ == "__main__":
    files = sorted(str(path) for path in Path(sys.argv[1]).glob("*.parquet"))
    with ProcessPoolExecutor(2) as pool:
        print(json.dumps(dict(pool.map(alerts, files, chunksize=4))))
