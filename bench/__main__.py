"""Speed against the bars of the design, on this machine: ``make bench``.

Every figure is the best of a few runs (the machine's noise only ever adds), in one process on one core where a bar says
so. The last committed figures stand in ``bench/results.json``.

    python -m bench [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.predict import beside_an_ordinary_route
from bench.served import CHURN, EXAMPLE, request, wait_until_ready
from churn_mlops.data import load_csv
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.inference import ChurnPredictor

BARS: dict[str, float] = {
    "one row: score, microseconds": 20,
    "one row: score with reasons, microseconds": 60,
    "1 M rows: score, seconds": 1.5,
    "1 M rows: score with reasons, seconds": 4,
    "serving: ready, seconds": 2,
    "serving: memory, MB": 250,
    "churn demo of 20,000 customers, seconds": 60,
}
AT_LEAST: dict[str, float] = {"/predict: requests, times an ordinary FastAPI route": 1.5}
_NO_BAR = ("/predict: requests a second", "/predict: p99 at half load, milliseconds")


def best_of(runs: int, work: Callable[[], Any]) -> float:
    """Seconds of the fastest of ``runs`` runs."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def measure_demo(folder: Path) -> float:
    """Seconds of ``churn demo --no-serve`` in an empty folder, all in: data, training, recording, list."""
    start = time.perf_counter()
    subprocess.run([CHURN, "demo", "--no-serve"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure_scoring(predictor: ChurnPredictor, customers: Path) -> dict[str, float]:
    """One row and a million rows, with and without reasons.

    The rows are those of a request: the eight fields of ``customers``, each drawn again and again, and no behaviour.
    """
    fields = [name for name, feature in predictor.contract.features.items() if feature.required]
    places = np.random.default_rng(1).integers(0, len(held := pa.Table.from_pandas(load_csv(customers))), 1_000_000)
    table = held.select(fields).take(pa.array(places))
    row = table.slice(0, 1).to_pylist()[0]
    rows = 2000

    def one_by_one() -> None:
        for _ in range(rows):
            predictor.score_one(row)

    def one_by_one_with_reasons() -> None:
        for _ in range(rows):
            predictor.explain_one(row)

    return {
        "one row: score, microseconds": best_of(7, one_by_one) / rows * 1e6,
        "one row: score with reasons, microseconds": best_of(7, one_by_one_with_reasons) / rows * 1e6,
        "1 M rows: score, seconds": best_of(5, lambda: predictor.score(table)),
        "1 M rows: score with reasons, seconds": best_of(3, lambda: predictor.explain(table)),
    }


def measure_serving(folder: Path) -> dict[str, float]:
    """Time from the start of ``churn serve`` to its first 200; its memory with an open source, after 1,000 requests."""
    port = 18431
    command = [CHURN, "--config", "demo/config.yaml", "serve", "--port", str(port)]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready(port)
            seconds.append(time.perf_counter() - start)
            if request(port, "GET", "/customers/C000001/risk") not in (200, 404):  # the source is open then, or opened
                raise RuntimeError("/customers/C000001/risk finds no source")
            _request_often(port, 1000)
            memory = _resident_mb(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    return {"serving: ready, seconds": min(seconds), "serving: memory, MB": memory}


def measure_predict(folder: Path) -> dict[str, float]:
    """Requests a second of `/predict`, also against an ordinary route, and its slowest hundredth at half that rate."""
    found = beside_an_ordinary_route(folder, rounds=5, seconds=5)
    return {
        "/predict: requests, times an ordinary FastAPI route": found["ratio"],
        "/predict: requests a second": found["predict_requests_a_second"],
        "/predict: p99 at half load, milliseconds": found["half_load"]["p99_ms"],
    }


def _request_often(port: int, count: int) -> None:
    body = json.dumps(EXAMPLE)
    for _ in range(count):
        if (status := request(port, "POST", "/predict", body)) != 200:
            raise RuntimeError(f"/predict answered {status}")


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def main() -> None:
    """Measure everything, print it beside its bar, and write it to ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench/results.json"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = {"churn demo of 20,000 customers, seconds": measure_demo(folder)}
        champion = BundleCache(folder / "demo" / "models").champion()
        assert champion is not None, "the demo promoted no model"
        figures |= measure_scoring(ChurnPredictor(champion.bundle), folder / "demo" / "customers.csv")
        figures |= measure_serving(folder) | measure_predict(folder)
    for bars, met in ((BARS, float.__le__), (AT_LEAST, float.__ge__)):
        for what, bar in bars.items():
            said = "met" if met(float(figures[what]), float(bar)) else "NOT MET"
            print(f"{what:55} {figures[what]:10.2f}   bar {bar:g}   {said}")
    for what in _NO_BAR:
        print(f"{what:55} {figures[what]:10.2f}")
    machine = {"cores": len(os.sched_getaffinity(0)), "python": platform.python_version(), "numpy": np.__version__}
    bars = {"at most": BARS, "at least": AT_LEAST}
    document = {"machine": machine, "bars": bars, "figures": {what: round(value, 4) for what, value in figures.items()}}
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
