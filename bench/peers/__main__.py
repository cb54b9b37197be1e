"""`/predict` against `mlflow models serve`, BentoML and MLServer with the same trees: `make bench-peers`.

A model is fitted on the customers of the demo company, compiled, and served by `churn serve` with a key, metrics, log
and keeping on. The peers get the LightGBM trees that it is compiled from, each in two forms: behind a scikit-learn
encoding of a DataFrame, as one deploys it, for which the bar holds; and by hand, with neither DataFrame nor pipeline
and one call of LightGBM, as lean as that server can be. First every peer has to give our scores of 50 customers.

Then ours and a peer run on the first core, the load (`wrk`, keeping 16 connections busy) on the second, one after the
other in each round; `hey` asks at half of each one's own rate, by 4 connections. Prints a table,
writes ``--out``, and exits 1 where a bar is missed.

    python -m bench.peers [--environment .venv/peers] [--rounds 5] [--seconds 5] [--customers 20000] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from bench.__main__ import BARS
from bench.peers.processes import Process, running
from bench.peers.servers import PIPELINE, Peer, ours, peers
from bench.peers.trees import trees_of
from bench.predict import at_half_load, requests_a_second, write_script
from bench.served import CHURN, EXAMPLE
from churn_mlops.data import load_csv
from churn_mlops.data.demo_company import write_company, write_flat
from churn_mlops.models import ChurnModel
from tests.companies.models_folder import fill_folder

RATIO = 40.0
"""How many times the requests a second of a peer, as one deploys it, `/predict` has to answer."""
IN_STEP = 4
"""Connections at half load: `hey` asks on all at once, and of 4 the last waits about as long as some do by chance."""
ALIKE, CUSTOMERS_ALIKE = 1e-9, 50
OUR_PORT, FIRST_PORT = 18501, 18511
MONTHS, SEED, WARM_SECONDS, FEWEST_REQUESTS = 24, 1, 2, 500
PACKAGES = ("mlflow", "bentoml", "mlserver", "mlserver-mlflow", "lightgbm", "scikit-learn", "pandas", "uvicorn")


@dataclass(frozen=True)
class Company:
    """The customers whose label is known, who of them left, and the model that is live."""

    customers: pd.DataFrame
    model: ChurnModel


def prepare(folder: Path, customers: int, python: Path) -> Company:
    """In ``folder``: a company, a live model of it, its trees, and the models that MLflow saves of them."""
    table = load_csv(write_flat(write_company(folder / "company", customers, MONTHS, SEED))).dropna(subset=["churned"])
    known, left = table[list(EXAMPLE)], (table["churned"] == "yes").to_numpy(float)
    model = ChurnModel("additive_boosting", seed=SEED).fit(known, left)
    fill_folder(folder / "models", model.bundle_)
    trees_of(model.bundle_, known, left).write(folder / "trees")
    (folder / "example.json").write_text(json.dumps(EXAMPLE), encoding="utf-8")
    (folder / "config.yaml").write_text("models: {folder: models}\nstore: {url: 'sqlite:///churn.db'}\n")
    command = [str(python), "-m", "bench.peers.mlflow_save", str(folder)]
    subprocess.run(command, check=True, capture_output=True, env=_environment(folder, python.parent))
    return Company(known, model)


class Measured:
    """What was found of one server, round by round."""

    def __init__(self, peer: Peer, process: Process, folder: Path) -> None:
        self.peer, self.process = peer, process
        folder.mkdir(exist_ok=True)
        self.lua = write_script(folder / "post.lua", peer.body(EXAMPLE), peer.headers)
        self.rates: list[float] = []

    def load(self, seconds: int) -> None:
        """One round."""
        self.rates.append(requests_a_second(self.peer.url, seconds, self.lua))

    def half_load(self, seconds: int) -> dict[str, float]:
        """Milliseconds at half of the rate found, of requests enough to tell the slowest of a hundred."""
        rate = statistics.median(self.rates)
        seconds = max(seconds, math.ceil(FEWEST_REQUESTS / (rate / 2)))
        return at_half_load(self.peer.url, rate, seconds, self.peer.body(EXAMPLE), self.peer.headers, IN_STEP)

    def figures(self, seconds: int) -> dict[str, Any]:
        """Everything but ratios; the memory is that after the load."""
        half = self.half_load(seconds)
        return {
            "requests_a_second": round(statistics.median(self.rates), 1),
            "half_load": {name: round(value, 2) for name, value in half.items()},
            "memory_mb": round(self.process.memory_mb()),
            "start_seconds": round(self.process.start_seconds, 2),
        }


def compare(company: Company, us: Measured, peer: Measured, rounds: int, seconds: int) -> dict[str, Any]:
    """A peer's figures, and how many times its requests a second ours are: the median of the paired rounds."""
    difference = largest_difference(company, peer)
    for one in (us, peer):
        requests_a_second(one.peer.url, WARM_SECONDS, one.lua)
    ratios = []
    for _ in range(rounds):
        us.load(seconds)
        _wait_until_all_is_kept(us)
        peer.load(seconds)
        ratios.append(us.rates[-1] / peer.rates[-1])
    return {
        "name": peer.peer.name,
        "form": peer.peer.form,
        **peer.figures(seconds),
        "ratio": round(statistics.median(ratios), 1),
        "ratios": [round(ratio, 1) for ratio in ratios],
        "largest_difference": difference,
    }


def largest_difference(company: Company, asked: Measured) -> float:
    """Largest difference of a server's scores of some customers from those of the model.

    Raises:
        RuntimeError: it is no rounding.
    """
    some = company.customers.sample(CUSTOMERS_ALIKE, random_state=SEED)
    told = [asked.process.ask(asked.peer, customer) for customer in some.to_dict("records")]
    largest = float(abs(company.model.predictor.score(some) - told).max())
    if not largest <= ALIKE:
        raise RuntimeError(f"{asked.peer.name} ({asked.peer.form}) differs from our scores by up to {largest:g}")
    return largest


def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All servers' figures."""
    binaries = given.environment.absolute() / "bin"
    company = prepare(folder, given.customers, binaries / "python")
    churn = [CHURN, "--config", "config.yaml"]
    made = subprocess.run(
        [*churn, "keys", "create", "--name", "bench", "--role", "service"],
        cwd=folder, check=True, capture_output=True, text=True,
    )  # fmt: skip
    key, found = made.stdout.split()[0], []
    with running(ours(churn, key, OUR_PORT), folder, os.environ, EXAMPLE) as process:
        us = Measured(ours(churn, key, OUR_PORT), process, folder / "ours")
        largest_difference(company, us)
        for peer in peers(binaries, folder, FIRST_PORT):
            home = folder / f"{peer.name} {peer.form}".replace(" ", "-").lower()
            with running(peer, folder, _environment(folder, binaries), EXAMPLE) as other:
                found.append(compare(company, us, Measured(peer, other, home), given.rounds, given.seconds))
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
        figures = us.figures(given.seconds) | {"answers_dropped": _ready(us)["answers_dropped"]}
    chosen = company.model.bundle_.training["chosen"]
    return {
        "machine": {"cores": len(os.sched_getaffinity(0)), "python": platform.python_version()},
        "versions": _versions(binaries) | {"churn-mlops": version("churn-mlops")},
        "trees_of_bags": chosen["trees_of_bags"],
        "ours": figures,
        "peers": found,
        "bars": bars(figures, found),
    }


def bars(us: Mapping[str, Any], found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each bar, what was measured, and whether it is met."""
    stated = [
        (f"times the requests a second of {one['name']}", one["ratio"], RATIO, one["ratio"] >= RATIO)
        for one in found
        if one["form"] == PIPELINE
    ]
    for what, name in (("start_seconds", "serving: ready, seconds"), ("memory_mb", "serving: memory, MB")):
        stated.append((name, us[what], BARS[name], us[what] <= BARS[name]))
    return [{"what": what, "measured": value, "bar": bar, "met": bool(met)} for what, value, bar, met in stated]


def table(document: Mapping[str, Any]) -> str:
    """The figures as a table of Markdown."""
    lines = ["| server | requests/s | ours, times | p50, p95, p99 at half load, ms | memory, MB | start, s |"]
    lines.append("|---|---|---|---|---|---|")
    for one in ({"name": "`churn serve`", "form": "", "ratio": ""} | document["ours"], *document["peers"]):
        half = one["half_load"]
        name = f"{one['name']}, {one['form']}" if one["form"] else one["name"]
        times = ", ".join(f"{half[f'p{n}_ms']:.3g}" for n in (50, 95, 99))
        rate = f"{one['requests_a_second']:,.0f}"
        lines.append(
            f"| {name} | {rate} | {one['ratio']} | {times} | {one['memory_mb']} | {one['start_seconds']:.1f} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure, print and write; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", type=Path, default=Path(".venv/peers"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--out", type=Path, default=Path("bench/peers.json"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        document = measure(given, Path(name))
    print(table(document))
    for bar in document["bars"]:
        met = "met" if bar["met"] else "NOT MET"
        print(f"{bar['what']:45} {bar['measured']:10.4g}   bar {bar['bar']:g}   {met}")
    given.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0 if all(bar["met"] for bar in document["bars"]) else 1


def _environment(folder: Path, binaries: Path) -> dict[str, str]:
    """Of a peer: one thread, this folder's code, and nothing told to anybody."""
    return os.environ | {
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path.cwd()),
        "TREES": str(folder / "trees"),
        "OMP_NUM_THREADS": "1",
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(folder / "bentoml"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


def _ready(us: Measured) -> dict[str, Any]:
    told: dict[str, Any] = us.process.get(us.peer.url.replace("/predict", "/ready"))
    return told


def _wait_until_all_is_kept(us: Measured) -> None:
    """What ours still writes would slow down the peer that comes next."""
    until = time.perf_counter() + 60
    while _ready(us)["answers_waiting"]:
        if time.perf_counter() > until:
            raise TimeoutError("the answers are not kept after a minute")
        time.sleep(0.1)  # a poll


def _versions(binaries: Path) -> dict[str, str]:
    code = f"import json, importlib.metadata as m; print(json.dumps({{n: m.version(n) for n in {PACKAGES}}}))"
    told = subprocess.run([str(binaries / "python"), "-c", code], check=True, capture_output=True, text=True)
    return dict(json.loads(told.stdout))


if __name__ == "__main__":
    sys.exit(main())
