"""The console under load: 100,000 customers with a year of weekly lists, 50 agents at once, and kills in between.

    python -m bench.console [--customers N] [--seconds S] [--kills K] [--store sqlite|postgres|both]

The demo company has half a year behind it; lists of 100,000 other customers are published for each week of a year.
Prints a line of JSON for each store, and writes all to ``bench/console.json``: the time of each page from another
process of this machine, asked one after the other (median and 95 % quantile, ms), and the time until a browser with an
empty cache paints it first. Then 50 agents open customers and record contacts, with a second between two acts, until
the server is killed, several times: the time of the click that records a contact, and how many acknowledged contacts
are not in the store. Exit code 1 if one is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import sync_playwright

from churn_mlops.store import Store, open_store
from churn_mlops.store.contacts import contacts
from churn_mlops.store.database.copy import copy_store
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run
from tests.postgres import new_store, postgres_server
from tests.serving.console.test_browser import CHROMIUM
from tests.store.builders import batches, run

WEEKS, AGENTS, TIMES, PAINTS, PORT = 52, 50, 60, 20, 8377
CHURN = str(Path(sys.executable).with_name("churn"))
RESULTS = Path("bench/console.json")
FIRST_PAINT = """() => new Promise(found => new PerformanceObserver(
    list => list.getEntriesByName("first-contentful-paint").forEach(entry => found(entry.startTime))
).observe({type: "paint", buffered: true}))"""
SITE = f"http://127.0.0.1:{PORT}"
PAGES = (
    "/", "/find?q=C0", "/list", "/list?part=all&q=C05", "/campaigns", "/campaigns/1", "/campaigns/new", "/dashboard",
    "/dashboard/rows?name=auc", "/models", "/models/compare?first=1&second=2", "/customers/{}",
)  # fmt: skip
HTML = {"Accept": "text/html", "Origin": SITE}
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def company(folder: Path) -> list[str]:
    """The demo company after half a year of lists; the customers of its newest list."""
    made = [CHURN, "demo", "--customers", "6000", "--half-year", "--no-serve"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    with open_store(f"sqlite:///{folder}/demo/churn.db") as store:
        newest = latest_run(store)
        assert newest is not None
        return [one.customer for one in predictions(store, newest.as_of, limit=4000)]


def publish_year(store: Store, customers: int) -> None:
    """Publish a list of ``customers`` others for each week of a year; the last is the newest of all.

    The others are of another weekday than the demo's lists, which would be replaced, and their outcomes with them.
    """
    for week in reversed(range(WEEKS)):
        day = date.today() - timedelta(days=1 + 7 * week + (week > 0))
        publish(store, run(day), batches(customers, size=10_000))


@contextmanager
def serving(folder: Path, address: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server that answers; it is killed at the end."""
    command = [CHURN, "--config", "demo/config.yaml", "serve", "--port", str(PORT)]
    settings = os.environ | {"CHURN__STORE__URL": address}
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, env=settings, stdout=nowhere, stderr=nowhere) as server:
        try:
            while True:
                with suppress(httpx.HTTPError):
                    if httpx.get(f"{SITE}/ready").status_code == 200:
                        break
                time.sleep(0.1)
            yield server
        finally:
            server.kill()


def quantiles(seconds: list[float]) -> dict[str, float]:
    """Median and 95 % quantile, ms."""
    return {f"p{share}_ms": round(1000 * float(np.quantile(seconds, share / 100)), 1) for share in (50, 95)}


def pages(known: list[str]) -> dict[str, dict[str, float]]:
    """The time of each page, one request after the other; the first ones are not counted."""
    found = {}
    with httpx.Client(base_url=SITE, headers=HTML) as browser:
        for page in PAGES:
            took = []
            for place in range(TIMES + 5):
                begun = time.perf_counter()
                answer = browser.get(page.format(known[place % len(known)]))
                took.append(time.perf_counter() - begun)
                assert answer.status_code == 200, (page, answer.status_code)
            found[page] = quantiles(took[5:])
    return found


def first_paints(known: list[str]) -> dict[str, dict[str, float]]:
    """The time until Chromium paints each page first, ms; each time with an empty cache."""
    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for page in PAGES:
            took = []
            for place in range(PAINTS + 1):
                with browser.new_context() as visit:
                    tab = visit.new_page()
                    tab.goto(SITE + page.format(known[place % len(known)]), wait_until="load")
                    took.append(tab.evaluate(FIRST_PAINT) / 1000)
            found[page] = quantiles(took[1:])
        browser.close()
    return found


class Agents:
    """Agents who open a customer, and record a contact a second later."""

    def __init__(self, known: list[str]) -> None:
        self._known = known
        self.clicks: list[float] = []
        self.acknowledged: list[str] = []
        self.refused = self.cut_off = 0

    async def work(self, until: float) -> None:
        """Work until a time of the loop's clock, or until the server is gone."""
        await asyncio.gather(*(self._agent(place, until) for place in range(AGENTS)))

    async def _agent(self, place: int, until: float) -> None:
        clock = asyncio.get_running_loop().time
        async with httpx.AsyncClient(base_url=SITE, headers=HTML, timeout=10) as browser:
            await asyncio.sleep(2 * place / AGENTS)
            while clock() < until:
                customer = self._known[place % len(self._known)]
                place += AGENTS
                try:
                    page = await browser.get(f"/customers/{customer}")
                    await asyncio.sleep(1)
                    await self._record(browser, page.text)
                    await asyncio.sleep(1)
                except httpx.HTTPError:
                    self.cut_off += 1
                    return

    async def _record(self, browser: httpx.AsyncClient, page: str) -> None:
        fields = dict(_FIELD.findall(page.partition('action="/contact"')[2].partition("</form>")[0]))
        form = fields | {"offer": "20 % off", "result": "no_answer"}
        begun = time.perf_counter()
        answer = await browser.post("/contact", data=form, follow_redirects=False)
        if answer.status_code == 303:
            self.clicks.append(time.perf_counter() - begun)
            self.acknowledged.append(form["key"])
        else:
            self.refused += 1


async def under_load(agents: Agents, server: subprocess.Popen[bytes], seconds: float) -> None:
    """The agents at work; after ``seconds`` the server is killed in the midst of it."""
    work = asyncio.create_task(agents.work(asyncio.get_running_loop().time() + seconds + 10))
    await asyncio.sleep(seconds)
    server.send_signal(signal.SIGKILL)
    await work


def measured(folder: Path, address: str, known: list[str], asked: argparse.Namespace) -> dict[str, Any]:
    """All that is measured with the store at ``address``."""
    with open_store(address) as store:
        publish_year(store, asked.customers)
    agents = Agents(known)
    with serving(folder, address):
        found: dict[str, Any] = {"pages": pages(known), "first_paint": first_paints(known)}
    for _ in range(asked.kills):
        with serving(folder, address) as server:
            asyncio.run(under_load(agents, server, asked.seconds))
    with open_store(address) as store:
        kept = " ".join(one.key for one in contacts(store, limit=1_000_000))
    lost = sum(key not in kept for key in agents.acknowledged)
    return found | {
        "click": quantiles(agents.clicks),
        "acknowledged": len(agents.acknowledged),
        "refused": agents.refused,
        "cut_off_by_the_kills": agents.cut_off,
        "lost": lost,
    }


def main(asked: argparse.Namespace) -> int:
    """Measure; 1 if an acknowledged contact is lost."""
    found: dict[str, Any] = {"customers": asked.customers, "lists": WEEKS, "agents": AGENTS, "kills": asked.kills}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        known = company(folder)
        addresses = {"sqlite": f"sqlite:///{folder}/demo/churn.db"}
        if asked.store != "sqlite":
            addresses["postgres"] = new_store(stack.enter_context(postgres_server()))
            with open_store(addresses["sqlite"]) as old, open_store(addresses["postgres"]) as new:
                copy_store(old, new)
        for kind, address in addresses.items():
            if asked.store in (kind, "both"):
                found[kind] = measured(folder, address, known, asked)
                print(json.dumps({kind: found[kind]}), flush=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return int(any(found[kind]["lost"] for kind in addresses if kind in found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--store", choices=("sqlite", "postgres", "both"), default="both")
    sys.exit(main(parser.parse_args()))
