"""The demo company against its truth: train on its past, score later months, compare with each customer's true hazard.

    python -m bench.company [--customers 20000] [--months 24] [--type auto] [--store sqlite|postgres]
        [--folder FOLDER]

Prints a line of JSON: areas under the ROC curve of the model and of the truth, out of time; calibration slope, observed
over expected, overall, in the top decile and by contract; the same for scores of the eight required fields alone; the
two lists against the truth; seconds and peak memory of each step.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from churn_mlops.config import Settings
from churn_mlops.data.contract import AS_OF, HistoryContract, load_contract
from churn_mlops.data.demo_company import CompanyFiles, write_company
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.calibration import fit_calibration
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.training.train import train
from tests.postgres import new_store, postgres_server

Floats = npt.NDArray[np.float64]
TRAINED_BEFORE_END = 150
"""Days before the end of the history when the model is trained, so that months with known fates follow."""


@contextmanager
def stores(kind: str) -> Iterator[str]:
    """The address of an empty store."""
    if kind == "postgres":
        with postgres_server() as server:
            yield new_store(server)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/churn.db"


def settings_for(folder: Path, files: CompanyFiles, store: str, model_type: str, trained_on: date) -> Settings:
    """Settings with everything but the store inside ``folder``."""
    return Settings.model_validate(
        {
            "source": {"url": str(files.database), "as_of": trained_on.isoformat()},
            "contract": {"path": files.contract},
            "models": {"folder": folder / "models"},
            "mlflow": {"uri": f"sqlite:///{folder / 'mlflow.db'}", "artifacts": folder / "artifacts"},
            "store": {"url": store},
            "training": {"model_type": model_type, "snapshots": 8},
        }
    )


def compare(files: CompanyFiles, settings: Settings, trained_on: date) -> dict[str, Any]:
    """The champion's scores at the later month ends against the truth."""
    champion = BundleCache(settings.models.folder).champion()
    contract = load_contract(files.contract)
    assert champion is not None
    assert isinstance(contract, HistoryContract)
    truth = pq.read_table(files.truth)
    days = sorted({day for day in truth.column("as_of").to_pylist() if day > trained_on})
    tables = open_tables(str(files.database), contract)
    rows = read_history(tables, contract, days)
    scored = rows.append_column("score", pa.array(ChurnPredictor(champion.bundle).score(rows)))
    required = [name for name, feature in contract.features.items() if feature.required]
    bare = ChurnPredictor(champion.bundle).score(rows.select(required))
    scored = scored.append_column("bare", pa.array(bare)).rename_columns(
        ["as_of" if name == AS_OF else name for name in [*rows.column_names, "score", "bare"]]
    )
    with duckdb.connect() as connection:
        connection.register("scored", scored)
        connection.register("truth", truth)
        joined = connection.execute(
            "SELECT score, bare, contract_type, hazard, hazard_if_offered, kind, "
            "CASE fate WHEN 'left' THEN 1.0 ELSE 0.0 END AS gone, fate FROM scored "
            "JOIN truth USING (customer_id, as_of) WHERE fate IN ('left', 'stayed') ORDER BY as_of, customer_id"
        ).to_arrow_table()
    y, hazard = (np.asarray(joined.column(name), dtype=np.float64) for name in ("gone", "hazard"))
    contracts = np.array(joined.column("contract_type").to_pylist(), dtype=object)
    found: dict[str, Any] = {"dates": len(days), "rows": len(y), "left": int(y.sum())}
    found["auc_of_the_truth"] = round(float(roc_auc_score(y, hazard)), 4)
    for name in ("score", "bare"):
        scores = np.asarray(joined.column(name), dtype=np.float64)
        by_contract = {
            str(kind): _calibration(scores[contracts == kind], y[contracts == kind]) for kind in set(contracts)
        }
        found[name] = {"auc": round(float(roc_auc_score(y, scores)), 4), "all": _calibration(scores, y)} | by_contract
    likely = np.asarray(joined.column("score"), dtype=np.float64) >= settings.decision.threshold
    kinds = np.array(joined.column("kind").to_pylist(), dtype=object)
    found["likely"] = {
        "customers": int(likely.sum()),
        "left": int(y[likely].sum()),
        "true_hazard": round(float(hazard[likely].mean()), 3),
    }
    found["kinds_of_the_likely"] = {str(kind): int((kinds[likely] == kind).sum()) for kind in set(kinds)}
    return found


def _calibration(scores: Floats, y: Floats) -> list[float]:
    """Slope, observed over expected, and that of the top decile."""
    top = np.argsort(-scores)[: max(1, len(y) // 10)]
    slope = fit_calibration(np.log(scores / (1 - scores)), y, prior=False).slope
    return [round(float(value), 3) for value in (slope, y.sum() / scores.sum(), y[top].sum() / scores[top].sum())]


def main() -> None:
    """Run the steps in one folder, which a given one keeps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--type", default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="company-"))
    start = time.perf_counter()
    files = write_company(folder, given.customers, given.months, given.seed)
    made = time.perf_counter() - start
    last = max(pq.read_table(files.truth).column("as_of").to_pylist())
    trained_on = last - timedelta(days=TRAINED_BEFORE_END)
    with stores(given.store) as store:
        settings = settings_for(folder, files, store, given.type, trained_on)
        start = time.perf_counter()
        trained = train(settings, today=datetime.now(UTC).date(), force="measured against the truth")
        seconds = {"company": round(made, 1), "training": round(time.perf_counter() - start, 1)}
    found = {"customers": given.customers, "type": trained.bundle.model_type, "trained_on": trained_on.isoformat()}
    found |= {"store": given.store} | compare(files, settings, trained_on)
    found |= {"seconds": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
