"""The cost of `GET /metrics` of two processes, on the demo company with half a year: `python -m bench.metrics_page`.

The server answers each kind of request first, so that every series is there. Prints a line of JSON: milliseconds of a
scrape (half and 95 of a hundred), CPU milliseconds of a scrape in all processes, the share of the throughput of
`/predict` that a scrape every 15 seconds takes, and how many series the page has. The bars: 15 ms and 1 %.

    python -m bench.metrics_page [--scrapes 300] [--customers 2000]
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.outages.processes import family
from bench.predict import requests_a_second, running, write_script
from bench.served import CHURN, EXAMPLE, wait_until_ready

PORT, WORKERS = 18443, 2
EVERY_SECONDS, LOAD_SECONDS = 15.0, 10
BAR_MS, BAR_SHARE = 15.0, 0.01
PATHS = ("/", "/health", "/ready", "/model", "/api/list", "/list", "/dashboard", "/models", "/none", "/docs")


def cpu_seconds(parent: int) -> float:
    """Of a process and all its children, by now."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = 0
    for pid in [parent, *family(parent)]:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        found += int(fields[11]) + int(fields[12])
    return found / ticks


def scrape() -> tuple[float, str]:
    """Milliseconds, and the page."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
    begun = time.perf_counter()
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    took = 1e3 * (time.perf_counter() - begun)
    connection.close()
    return took, page


def measured(folder: Path, scrapes: int) -> dict[str, Any]:
    """The figures of a server for the demo company in ``folder``."""
    serve = [CHURN, "--config", "demo/config.yaml", "serve", "--port", str(PORT), "--workers", str(WORKERS)]
    lua = write_script(folder / "post.lua", EXAMPLE, {})
    with running(serve, folder, folder / "log") as pid:
        wait_until_ready(PORT, "/ready")
        for path in PATHS * 4:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
        url = f"http://127.0.0.1:{PORT}/predict"
        before, rate = cpu_seconds(pid), requests_a_second(url, LOAD_SECONDS, lua)
        of_a_prediction = (cpu_seconds(pid) - before) / (rate * LOAD_SECONDS)
        before, found = cpu_seconds(pid), [scrape() for _ in range(scrapes)]
        of_a_scrape = (cpu_seconds(pid) - before) / scrapes
    times = sorted(took for took, _ in found)
    share = of_a_scrape / EVERY_SECONDS / (rate * of_a_prediction)
    p95 = times[int(0.95 * len(times))]
    return {
        "p50_ms": round(statistics.median(times), 2),
        "p95_ms": round(p95, 2),
        "cpu_ms": round(1e3 * of_a_scrape, 2),
        "share_of_throughput": round(share, 5),
        "series": sum(1 for line in found[-1][1].splitlines() if line and not line.startswith("#")),
        "bytes": len(found[-1][1]),
        "bars": {"p95": p95 <= BAR_MS, "share": share <= BAR_SHARE},
    }


def main() -> None:
    """Measure, and print a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scrapes", type=int, default=300)
    parser.add_argument("--customers", type=int, default=2000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = [CHURN, "demo", "--no-serve", "--half-year", "--customers", str(given.customers)]
        subprocess.run(demo, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        print(json.dumps(measured(folder, given.scrapes)))


if __name__ == "__main__":
    main()
