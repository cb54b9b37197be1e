"""Requests a second of `/predict` against an ordinary FastAPI route, paired: `python -m bench.predict`.

Both servers run on the first core, the load (`wrk`, keeping 16 connections busy) on the second, one server after the
other in each round. `/predict` has keys, metrics, log and keeping on. Then `hey` asks at half the rate, and tells how
long the slowest of a hundred take. Prints a line of JSON.

    python -m bench.predict [--rounds 5] [--seconds 5] [--customers 2000]
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.served import CHURN, EXAMPLE, wait_until_ready

SERVER_CORE, LOAD_CORE = "0", "1"
CONNECTIONS = 16
OURS, ORDINARY = 18441, 18442
_JSON = {"Content-Type": "application/json"}


@contextmanager
def running(command: list[str], folder: Path, log: Path) -> Iterator[int]:
    """A server on its core; gives its process id."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *command], cwd=folder, stdout=subprocess.DEVNULL, stderr=errors
        )
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def load(tool: list[str]) -> str:
    """What a tool prints of its load, put onto the other core."""
    return subprocess.run(["taskset", "-c", LOAD_CORE, *tool], check=True, capture_output=True, text=True).stdout


def write_script(path: Path, body: Any, headers: Mapping[str, str]) -> Path:
    """What `wrk` asks: a POST of ``body`` as JSON; gives the path."""
    lines = ["wrk.method = 'POST'", f"wrk.body = [[{json.dumps(body)}]]"]
    lines += [f"wrk.headers['{name}'] = '{value}'" for name, value in {**_JSON, **headers}.items()]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def requests_a_second(url: str, seconds: int, lua: Path) -> float:
    """By `wrk`; every answer has to be 200."""
    told = load(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-s", str(lua), url])
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(told)
    return float(_found(r"Requests/sec: *([0-9.]+)", told))


def at_half_load(
    url: str, rate: float, seconds: int, body: Any, headers: Mapping[str, str], connections: int = CONNECTIONS
) -> dict[str, float]:
    """Milliseconds within which half, 95 and 99 of a hundred requests are answered, by `hey`; all by 200."""
    each = f"{rate / 2 / connections:.2f}"
    tool = ["hey", "-z", f"{seconds}s", "-c", str(connections), "-q", each, "-m", "POST"]
    for name, value in headers.items():
        tool += ["-H", f"{name}: {value}"]
    told = load([*tool, "-T", _JSON["Content-Type"], "-d", json.dumps(body), url])
    if re.findall(r"\[(\d+)\]\t\d+ responses", told) != ["200"] or "Error distribution" in told:
        raise RuntimeError(told)
    asked = {"requests_a_second": round(float(_found(r"Requests/sec:\s*([0-9.]+)", told)))}
    return asked | {f"p{n}_ms": 1e3 * float(_found(rf"{n}% in ([0-9.]+) secs", told)) for n in (50, 95, 99)}


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/predict"


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        raise RuntimeError(text)
    return match[1]


def main() -> None:
    """Measure, and print a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--customers", type=int, default=2000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = [CHURN, "demo", "--no-serve", "--customers", str(given.customers)]
        subprocess.run(demo, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        print(json.dumps(beside_an_ordinary_route(folder, given.rounds, given.seconds)))


def beside_an_ordinary_route(folder: Path, rounds: int, seconds: int) -> dict[str, Any]:
    """Run both servers for the demo company in ``folder``, and load one after the other."""
    churn = [CHURN, "--config", "demo/config.yaml"]
    made = [*churn, "keys", "create", "--name", "bench", "--role", "service"]
    key = subprocess.run(made, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[0]
    lua = write_script(folder / "post.lua", EXAMPLE, {"X-API-Key": key})
    ordinary = [sys.executable, "-m", "bench.ordinary", str(folder / "demo" / "models"), str(ORDINARY)]
    with ExitStack() as stack:
        stack.enter_context(running([*churn, "serve", "--port", str(OURS)], folder, folder / "ours.log"))
        stack.enter_context(running(ordinary, Path.cwd(), folder / "ordinary.log"))
        wait_until_ready(OURS, "/ready")
        wait_until_ready(ORDINARY, "/docs")
        return _measured(rounds, seconds, lua, key)


def _measured(rounds: int, seconds: int, lua: Path, key: str) -> dict[str, Any]:
    rates: dict[int, list[float]] = {OURS: [], ORDINARY: []}
    for port in rates:
        requests_a_second(_url(port), 2, lua)  # warm
    for _ in range(rounds):
        for port, found in rates.items():
            found.append(requests_a_second(_url(port), seconds, lua))
    ratios = [ours / other for ours, other in zip(rates[OURS], rates[ORDINARY], strict=True)]
    rate = statistics.median(rates[OURS])
    return {
        "predict_requests_a_second": round(rate),
        "ordinary_requests_a_second": round(statistics.median(rates[ORDINARY])),
        "ratio": round(statistics.median(ratios), 2),
        "ratios": [round(ratio, 2) for ratio in ratios],
        "half_load": at_half_load(_url(OURS), rate, seconds, EXAMPLE, {"X-API-Key": key}),
    }


if __name__ == "__main__":
    main()
