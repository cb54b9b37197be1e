"""Speed against the bars of the design, on this machine: ``make bench``.

Every figure is the best of a few runs (the machine's noise only ever adds), in one process on one core where a bar says
so. The last committed figures stand in ``bench/results.json``.

    python -m bench [--out FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from churn_mlops.data import load_csv
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.promotion import LiveModels

CHURN = str(Path(sys.executable).parent / "churn")
BARS: dict[str, float] = {
    "one row: score, microseconds": 20,
    "one row: score with reasons, microseconds": 60,
    "1 M rows: score, seconds": 1.5,
    "1 M rows: score with reasons, seconds": 4,
    "serving: ready, seconds": 2,
    "serving: memory, MB": 250,
    "churn demo of 20,000 customers, seconds": 60,
}

EXAMPLE = {
    "tenure": 12,
    "monthly_charges": 65.50,
    "total_charges": 786.00,
    "contract_type": "month-to-month",
    "payment_method": "electronic_check",
    "internet_service": "fiber_optic",
    "tech_support": "no",
    "online_security": "no",
}


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
    """Time from the start of ``churn serve`` to its first 200 on /ready, and its memory after 1,000 requests."""
    port = 18431
    command = [CHURN, "--config", "demo/config.yaml", "serve", "--port", str(port)]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until_ready(port)
            seconds.append(time.perf_counter() - start)
            _request_often(port, 1000)
            memory = _resident_mb(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
    return {"serving: ready, seconds": min(seconds), "serving: memory, MB": memory}


def wait_until_ready(port: int, path: str = "/ready", seconds: float = 60) -> None:
    """Wait for the first 200."""
    until = time.perf_counter() + seconds
    while True:
        with contextlib.suppress(OSError):  # nobody listens yet
            if _request(port, "GET", path) == 200:
                return
        if time.perf_counter() > until:
            raise TimeoutError(f"{path} of port {port} does not answer 200")
        time.sleep(0.01)  # a poll: the figure is right to this much


def _request_often(port: int, count: int) -> None:
    body = json.dumps(EXAMPLE)
    for _ in range(count):
        if (status := _request(port, "POST", "/predict", body)) != 200:
            raise RuntimeError(f"/predict answered {status}")


def _request(port: int, method: str, path: str, body: str | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


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
        champion = LiveModels(folder / "demo" / "models").champion()
        assert champion is not None, "the demo promoted no model"
        figures |= measure_scoring(ChurnPredictor(champion.bundle), folder / "demo" / "customers.csv")
        figures |= measure_serving(folder)
    for what, bar in BARS.items():
        print(f"{what:45} {figures[what]:10.2f}   bar {bar:g}   {'met' if figures[what] <= bar else 'NOT MET'}")
    machine = {"cores": len(os.sched_getaffinity(0)), "python": platform.python_version(), "numpy": np.__version__}
    document = {"machine": machine, "bars": BARS, "figures": {what: round(value, 4) for what, value in figures.items()}}
    arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
