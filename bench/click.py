"""One customer: an answer of ``GET /customers/{id}/risk``, and the row of the source under it.

    python -m bench.click [--customers 20000] [--large 1000000] [--events 10000000] [--rounds 3] [--only demo]

Two measurements, whose figures stand in ``bench/click.json``:

- On the demo company, the server of this build and that of revision 2225f61 answer in turn, one question at a time.
  The CPU of an answer is that of the server's process. Each score is compared with that of the full snapshot's row.
- Of 1 M customers with 10 M events, in DuckDB and in PostgreSQL with the indexes that ``churn doctor`` asks for, a row
  is read in turn with the bare statement that a person would write, prepared. Each is compared with the full snapshot.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import psycopg
import pyarrow.compute as pc

from bench.served import wait_until_ready
from bench.snapshot import CONTRACT, DAY, make
from churn_mlops.config import Settings, read_settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.snapshot.missing_indexes import missing_indexes
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.scoring.single_customer import CustomerReader
from tests.postgres import new_database, postgres_server

BEFORE = "2225f61"
BARS = {
    "demo: CPU of an answer, share of that before": 1 / 30,
    "DuckDB: p95, times the bare statement": 2.0,
    "PostgreSQL: p95, times the bare statement": 2.0,
    "PostgreSQL: p95, ms": 15.0,
}
AT_LEAST = {"demo: answers a second on one core, times those before": 20.0}
ROOT = Path(__file__).parents[1]
PORTS = {"before": 18451, "after": 18452}
SECONDS = {"before": 10.0, "after": 4.0}
"""Of each build in each round."""
SAMPLE, WARM_UP = 300, 20

BARE = """
SELECT c.customer_id, (DATE '2025-12-31' - c.signup) / 30.4375 AS tenure, p.contract_type, p.monthly_charges, e.*
FROM (
  SELECT * FROM customers
  WHERE customer_id = $1 AND signup <= DATE '2025-12-31'
    AND (ended IS NULL OR ended > DATE '2025-12-31' OR ended_recorded > DATE '2025-12-31')
) AS c LEFT JOIN (
  SELECT contract_type, monthly_charges FROM plans
  WHERE customer_id = $1 AND valid_from <= DATE '2025-12-31' AND recorded < TIMESTAMP '2026-01-01'
  ORDER BY valid_from DESC LIMIT 1
) AS p ON true LEFT JOIN (
  SELECT sum(logins) FILTER (WHERE happened >= TIMESTAMP '2025-12-02') AS logins_30d,
    sum(logins) FILTER (WHERE happened >= TIMESTAMP '2025-10-03') AS logins_90d,
    sum(minutes) AS minutes,
    avg(minutes) FILTER (WHERE happened >= TIMESTAMP '2025-10-03') AS mean_minutes_90d,
    max(minutes) AS longest,
    count(*) FILTER (WHERE happened >= TIMESTAMP '2025-10-03' AND channel = 'mobile') AS mobile_visits_90d,
    (count(*) FILTER (WHERE happened >= TIMESTAMP '2025-12-02') / 30.0)
      / nullif(count(*) FILTER (WHERE happened >= TIMESTAMP '2025-10-03') / 90.0, 0) AS visits_trend,
    DATE '2025-12-31' - CAST(max(happened) AS DATE) AS days_since
  FROM events
  WHERE customer_id = $1 AND happened < TIMESTAMP '2026-01-01' AND loaded < TIMESTAMP '2026-01-01'
) AS e ON true
"""
_FIRST = r"FROM (SELECT * FROM \1 WHERE customer_id = $1 LIMIT 1000000) AS one WHERE"
LOOKED_UP_FIRST = re.sub(r"FROM (\w+)\s+WHERE customer_id = \$1 AND", _FIRST, BARE)
"""The same with care for DuckDB, which uses an index only where no other condition reaches the table."""
Ask = Callable[[str], Any]


@dataclass
class Asked:
    """Answers of one server or reader: seconds of each, and CPU seconds of all."""

    seconds: list[float]
    busy: float = 0.0

    @property
    def p95_ms(self) -> float:
        """Milliseconds within which 95 of 100 came."""
        return 1e3 * statistics.quantiles(self.seconds, n=100)[94]

    def figures(self) -> dict[str, float]:
        """Rounded, for a person."""
        count = len(self.seconds)
        return {
            "answers": count,
            "cpu_ms": round(1e3 * self.busy / count, 2),
            "p50_ms": round(1e3 * statistics.median(self.seconds), 2),
            "p95_ms": round(self.p95_ms, 2),
            "a_second": round(count / sum(self.seconds), 1),
        }


def demo(customers: int, rounds: int) -> dict[str, Any]:
    """The servers of both builds on the demo company, in turn."""
    asked = {build: Asked([]) for build in PORTS}
    with tempfile.TemporaryDirectory(prefix="click-") as name, _sources(Path(name)) as sources:
        folders = {build: Path(name) / f"{build}-company" for build in PORTS}
        for build, folder in folders.items():
            folder.mkdir()
            _churn(sources[build], folder, "demo", "--no-serve", "--customers", str(customers)).wait()
        with contextlib.chdir(folders["after"]):
            expected = _expected()
        ids = sorted(expected)
        random.Random(1).shuffle(ids)
        with (
            _serving(sources["before"], folders["before"], "before") as before,
            _serving(sources["after"], folders["after"], "after") as after,
        ):
            for _ in range(rounds):
                _ask_often(before, PORTS["before"], ids, SECONDS["before"], asked["before"], None)
                _ask_often(after, PORTS["after"], ids, SECONDS["after"], asked["after"], expected)
    figures = {build: one.figures() for build, one in asked.items()}
    before_, after_ = figures["before"], figures["after"]
    return {
        **figures,
        "demo: CPU of an answer, share of that before": after_["cpu_ms"] / before_["cpu_ms"],
        "demo: answers a second on one core, times those before": after_["a_second"] / before_["a_second"],
    }


@contextmanager
def _sources(folder: Path) -> Iterator[dict[str, Path]]:
    """The code of both builds."""
    tree = folder / "tree"
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(tree), BEFORE], cwd=ROOT, check=True)
    try:
        yield {"before": tree / "src", "after": ROOT / "src"}
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


def _churn(source: Path, folder: Path, *words: str) -> subprocess.Popen[bytes]:
    environ = os.environ | {"PYTHONPATH": str(source), "CHURN__SERVING__SOURCE_SECONDS": "60"}
    command = [sys.executable, "-c", "from churn_mlops.cli import main; main()", *words]
    log = (folder / "log.txt").open("ab")
    return subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)


@contextmanager
def _serving(source: Path, folder: Path, build: str) -> Iterator[int]:
    """A server on the first core, which has answered once; gives its process id."""
    process = _churn(source, folder, "--config", "demo/config.yaml", "serve", "--port", str(PORTS[build]))
    try:
        wait_until_ready(PORTS[build])
        os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
        _ask_often(process.pid, PORTS[build], ["C0000001"], 1.0, Asked([]), None)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _ask_often(
    pid: int, port: int, ids: list[str], seconds: float, asked: Asked, expected: dict[str, float] | None
) -> None:
    """Ask about one customer after the other for so long; each answer has to be fresh, with the ``expected`` score."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
    until, busy = time.perf_counter() + seconds, _cpu(pid)
    with closing(connection):
        while time.perf_counter() < until:
            customer = ids[len(asked.seconds) % len(ids)]
            start = time.perf_counter()
            connection.request("GET", f"/customers/{customer}/risk")
            answer = connection.getresponse()
            body = json.loads(answer.read())
            asked.seconds.append(time.perf_counter() - start)
            if expected is None:
                continue
            if answer.status != 200 or body["origin"] != "source" or body["churn_probability"] != expected[customer]:
                raise RuntimeError(f"{answer.status} {body}, not a fresh score of {expected[customer]}")
    asked.busy += _cpu(pid) - busy


def _cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _expected() -> dict[str, float]:
    """The scores of some active customers of the demo company in the present folder, from the full snapshot."""
    settings = read_settings(Path("demo/config.yaml"), {}).settings
    champion = BundleCache(settings.models.folder).champion()
    contract = load_contract(settings.contract.path)
    assert champion is not None
    assert isinstance(contract, HistoryContract)
    from churn_mlops.data.snapshot.date_range import last_day

    tables = open_tables(str(settings.source.url), contract)
    day = last_day(tables, contract, datetime.now(UTC).date())
    rows = read_history(tables, contract, [day], known_until=datetime.now(UTC))
    tables[contract.customers].get_backend().disconnect()
    sample = random.Random(2).sample(range(len(rows)), min(SAMPLE, len(rows)))
    predictor = ChurnPredictor(champion.bundle)
    return {row[contract.customer]: predictor.score_one(row) for row in rows.take(sample).to_pylist()}


def large(customers: int, events: int) -> dict[str, Any]:
    """The row of one customer of many, in DuckDB and in PostgreSQL, in turn with the bare statement."""
    with tempfile.TemporaryDirectory(prefix="click-") as name:
        path = Path(name) / "large.duckdb"
        make(path, customers, events, "text")
        with duckdb.connect(str(path)) as connection:
            for table in CONTRACT.tables:
                connection.execute(f"CREATE INDEX {table}_key ON {table} (customer_id)")
        os.utime(path, (1, 1))
        expected = _rows(path)
        found = {"DuckDB": _on_duckdb(path, expected)}
        with postgres_server() as server:
            address = new_database(server)
            _fill(address, path)
            found["PostgreSQL"] = _on_postgres(address, expected)
    p95 = {engine: {what: one["p95_ms"] for what, one in both.items()} for engine, both in found.items()}
    return {
        **found,
        **{f"{engine}: p95, times the bare statement": p95[engine]["ours"] / p95[engine]["bare"] for engine in found},
        "PostgreSQL: p95, ms": p95["PostgreSQL"]["ours"],
    }


def _rows(path: Path) -> dict[str, dict[str, Any]]:
    """The rows of some customers in the full snapshot, active or not."""
    tables = open_tables(str(path), CONTRACT)
    rows = read_history(tables, CONTRACT, [DAY])
    tables["customers"].get_backend().disconnect()
    count = int(str(pc.max(rows["customer_id"]))[1:]) + 1
    names = [f"C{place:09}" for place in random.Random(3).sample(range(count), SAMPLE)]
    found = rows.filter(pc.is_in(rows["customer_id"], value_set=pc.cast(names, "string")))
    by_name = {row["customer_id"]: {name: row[name] for name in CONTRACT.features} for row in found.to_pylist()}
    return {name: by_name.get(name, {}) for name in names}


def _on_duckdb(path: Path, expected: dict[str, Any]) -> dict[str, dict[str, float]]:
    own = shutil.copyfile(path, path.with_name("bare.duckdb"))
    with duckdb.connect(str(own), read_only=True, config={"threads": 1}) as connection:
        bare, first = (connection.extract_statements(sql)[0] for sql in (BARE, LOOKED_UP_FIRST))
        asks: dict[str, Ask] = {
            "bare": lambda name: connection.execute(bare, [name]).fetchall(),
            "bare, looked up first": lambda name: connection.execute(first, [name]).fetchall(),
        }
        return _in_turn(str(path), asks, expected)


def _on_postgres(address: str, expected: dict[str, Any]) -> dict[str, dict[str, float]]:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET plan_cache_mode = force_generic_plan")
        cursor = psycopg.RawCursor(connection)
        bare = cast(Any, BARE)
        return _in_turn(address, {"bare": lambda name: cursor.execute(bare, [name], prepare=True).fetchall()}, expected)


def _in_turn(address: str, bare: dict[str, Ask], expected: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Our reading of a customer and bare statements, one after the other; our values are those ``expected``."""
    settings = Settings.model_validate({"source": {"url": address, "as_of": DAY.isoformat()}})
    bundle = cast(Bundle, SimpleNamespace(contract=CONTRACT.flat(), history=CONTRACT))
    with closing(CustomerReader(settings)) as reader:
        asks: dict[str, Ask] = {**bare, "ours": lambda name: reader.read(name, bundle)}
        for names in (list(expected)[:WARM_UP], list(expected)):  # at first, files are read and plans are made
            asked = {what: Asked([]) for what in asks}
            for name in names:
                for what, ask in asks.items():
                    start, busy = time.perf_counter(), time.process_time()
                    row = ask(name)
                    asked[what].seconds.append(time.perf_counter() - start)
                    asked[what].busy += time.process_time() - busy
                if ({} if row is None else row.values) != expected[name]:
                    raise RuntimeError(f"{name} is {row}, not {expected[name]}")
    return {what: one.figures() for what, one in asked.items()}


def _fill(address: str, path: Path) -> None:
    """Copy the tables of DuckDB into PostgreSQL, with the indexes of the bare statement and of ``churn doctor``."""
    types = {"VARCHAR": "text", "DOUBLE": "double precision"}
    with duckdb.connect(str(path), read_only=True) as source, psycopg.connect(address) as target:
        for table in CONTRACT.tables:
            columns = source.execute(f"DESCRIBE {table}").fetchall()
            declared = ", ".join(f"{column[0]} {types.get(column[1], column[1])}" for column in columns)
            target.execute(cast(Any, f"CREATE TABLE {table} ({declared})"))
            file = path.with_name("rows.csv")
            source.execute(f"COPY {table} TO '{file}' (HEADER false)")
            with (
                file.open("rb") as rows,
                target.cursor().copy(cast(Any, f"COPY {table} FROM STDIN (FORMAT csv)")) as copy,
            ):
                shutil.copyfileobj(cast(Any, rows), cast(Any, copy), 1 << 20)
            file.unlink()
            target.execute(cast(Any, f"CREATE INDEX ON {table} (customer_id)"))
        target.execute("ANALYZE")
    tables = open_tables(address, CONTRACT)
    missing = missing_indexes(tables, CONTRACT)
    tables["customers"].get_backend().disconnect()
    with psycopg.connect(address, autocommit=True) as target:
        for one in missing:
            target.execute(cast(Any, one.statement))
        target.execute("VACUUM ANALYZE")


def main() -> None:
    """Measure, print beside the bars, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["demo", "large"], help="measure this again, and keep the other figures")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "click.json")
    given = parser.parse_args()
    figures = json.loads(given.out.read_text())["figures"] if given.only else {}
    if given.only != "demo":
        figures |= large(given.large, given.events)
    if given.only != "large":
        figures |= demo(given.customers, given.rounds)
    for what, bar in {**BARS, **AT_LEAST}.items():
        is_met = figures[what] >= bar if what in AT_LEAST else figures[what] <= bar
        print(f"{what:60} {figures[what]:10.4f}   bar {bar:.4f}   {'met' if is_met else 'NOT MET'}")
    given.out.write_text(
        json.dumps(
            {"customers": given.customers, "large": given.large, "events": given.events, "figures": figures}, indent=1
        )
        + "\n"
    )


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
