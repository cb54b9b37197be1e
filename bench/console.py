"""The console under load: 100,000 customers with a year of weekly lists, 50 agents at once, and a kill in between.

    python -m bench.console [--customers N] [--seconds S]

Prints a line of JSON, and writes it to ``bench/console.json``: the time of each page from another process of this
machine, asked one after the other (median and 95 % quantile, ms). Then 50 agents open customers and record contacts,
with a second between two acts, until the server is killed: the same of the click that records a contact, and how many
acknowledged contacts are not in the store. Exit code 1 if one is lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from churn_mlops.store import open_store
from churn_mlops.store.contacts import contacts
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run
from tests.store.builders import batches, run

WEEKS, AGENTS, TIMES, PORT = 52, 50, 60, 8377
CHURN = str(Path(sys.executable).with_name("churn"))
RESULTS = Path("bench/console.json")
SITE = f"http://127.0.0.1:{PORT}"
PAGES = ("/", "/find?q=C0", "/list", "/list?part=all&q=C05", "/campaigns", "/dashboard", "/models", "/customers/{}")
HTML = {"Accept": "text/html", "Origin": SITE}
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def company(folder: Path, customers: int) -> list[str]:
    """The demo company with a year of weekly lists of ``customers`` others; the customers that the source knows."""
    made = [CHURN, "demo", "--customers", "2000", "--months", "9", "--no-serve"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    with open_store(f"sqlite:///{folder}/demo/churn.db") as store:
        newest = latest_run(store)
        assert newest is not None
        known = [one.customer for one in predictions(store, newest.as_of, limit=500)]
        for week in reversed(range(WEEKS)):
            publish(store, run(date.today() - timedelta(days=1 + 7 * week)), batches(customers, size=10_000))
    return known


def started(folder: Path) -> subprocess.Popen[bytes]:
    """The server, once it answers."""
    command = [CHURN, "--config", "demo/config.yaml", "serve", "--port", str(PORT)]
    server = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{SITE}/ready").status_code == 200:
                return server
        time.sleep(0.1)


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
        fields = dict(_FIELD.findall(page.partition('action="/contact"')[2]))
        form = fields | {"offer": "20 % off", "result": "no_answer"}
        begun = time.perf_counter()
        answer = await browser.post("/contact", data=form, follow_redirects=False)
        if answer.status_code == 303:
            self.clicks.append(time.perf_counter() - begun)
            self.acknowledged.append(form["key"])
        else:
            self.refused += 1


async def under_load(known: list[str], server: subprocess.Popen[bytes], seconds: float) -> Agents:
    """The agents at work; after ``seconds`` the server is killed in the midst of it."""
    agents, clock = Agents(known), asyncio.get_running_loop().time
    work = asyncio.create_task(agents.work(clock() + seconds + 10))
    await asyncio.sleep(seconds)
    server.send_signal(signal.SIGKILL)
    await work
    return agents


def main(customers: int, seconds: float) -> int:
    """Measure; 1 if an acknowledged contact is lost."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = company(folder, customers)
        server = started(folder)
        found: dict[str, Any] = {"customers": customers, "lists": WEEKS, "pages": pages(known)}
        agents = asyncio.run(under_load(known, server, seconds))
        server.wait()
        with open_store(f"sqlite:///{folder}/demo/churn.db") as store:
            kept = {one.key for one in contacts(store, limit=1_000_000)}
    lost = [key for key in agents.acknowledged if not any(key in one for one in kept)]
    found |= {"agents": AGENTS, "click": quantiles(agents.clicks), "acknowledged": len(agents.acknowledged)}
    found |= {"refused": agents.refused, "cut_off_by_the_kill": agents.cut_off, "lost": len(lost)}
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found))
    return int(bool(lost))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    sys.exit(main(given.customers, given.seconds))
