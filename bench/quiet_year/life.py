"""The year itself, in a process whose clock moves: the real schedule, the timers beside it, servers and their clients.

Started by :mod:`bench.quiet_year.year`; writes what Prometheus would have scraped.
"""

from __future__ import annotations

import heapq
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client.exposition import generate_latest

from bench.quiet_year.clock import Clock
from bench.quiet_year.pages import Pages
from bench.quiet_year.plan import Plan
from bench.quiet_year.server import OFFER, Server
from bench.quiet_year.source import load, write_source
from churn_mlops.config import Settings
from churn_mlops.errors import ChurnError
from churn_mlops.logs import configure
from churn_mlops.pipelines.backup.make_backup import make_backup
from churn_mlops.pipelines.delivery.webhook import RetryClock
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scheduling import daily_job as daily
from churn_mlops.pipelines.scheduling.daily_job import daily_job, timetable_of, utc_now
from churn_mlops.pipelines.scheduling.metrics import ScheduleMetrics
from churn_mlops.pipelines.scheduling.scheduler import Schedule
from churn_mlops.pipelines.scheduling.steps import Retries
from churn_mlops.pipelines.training.due import is_training_due
from churn_mlops.pipelines.training.train import train
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.runs import latest_run
from tests.pipelines.delivery.webhook_receiver import receiving

DAY = 86_400.0
DOWN_SECONDS = 20.0
"""A server that is replaced answers nothing for so long."""
CALLS_AN_HOUR = 3
PREDICTIONS_AN_HOUR = 4
RISKS, RISK_HOURS = 3, (9, 12, 15)
SCHEDULER = "scheduler"
RECHECK_DAYS = 7
"""Final labels are compared with the source again for so long; the product's 90 days would take most of the time."""


class _Watched(ScheduleMetrics):
    """The metrics of the schedule; ``after`` each part of the daily run, all pages are read."""

    def __init__(self, after: Callable[[], None]) -> None:
        super().__init__(utc_now)
        self._after = after

    @contextmanager
    def try_of(self, job: str) -> Iterator[None]:
        try:
            with super().try_of(job):
                yield
        finally:
            self._after()


class Life:
    """The company, its jobs and its servers.

    Args:
        folder: for all files.
        plan: of the year.
        webhook: address that takes the lists.
    """

    def __init__(self, folder: Path, plan: Plan, webhook: str) -> None:
        self._clock, self._plan, self._draw = Clock(), plan, random.Random(plan.seed)
        self._settings = _settings(folder, plan, webhook)
        self._database = folder / "company.duckdb"
        self.pages, self.counts = Pages(), Counter[str]()
        self._servers = [Server(name, self._settings) for name in ("a", "b")]
        self._metrics: _Watched | None = None
        self._is_over = self._restarts_schedule = False
        self._customers: list[str] = []
        self._end = plan.begins + plan.days * DAY
        self._events = list(self._all_events())
        heapq.heapify(self._events)

    def live(self) -> None:
        """From the first training to the end of the year."""
        folder, begins = self._database.parent, self._plan.begins - self._plan.lead_days * DAY
        write_source(folder, self._plan.customers, self._plan.seed, self._plan.first)
        self._clock.move_to(begins)
        load(self._database)
        train(self._settings)
        self._make_campaign()
        for server in self._servers:
            server.start()
        while not self._is_over:
            self._restarts_schedule = False
            self._schedule().keep()
        for server in self._servers:
            server.stop()

    def _schedule(self) -> Schedule:
        """As `churn schedule` makes it."""
        wanted, timetable = self._settings.schedule, timetable_of(self._settings, utc_now())
        self._metrics = _Watched(self._read_pages)
        self._read_pages()
        return Schedule(
            timetable,
            daily_job(self._settings, timetable, RetryClock(self._wait), metrics=self._metrics),
            Retries(wanted.retries, wanted.first_wait_seconds, wanted.again, wanted.again_seconds),
            clock=utc_now,
            wait=self._wait,
            backfill=False,
            metrics=self._metrics,
        )

    def _wait(self, seconds: float) -> bool:
        """Let the time pass, with all that happens in it; true where the schedule has to stop."""
        until = time.time() + seconds
        while self._events and self._events[0][0] <= until and not self._restarts_schedule:
            at, _, what, given = heapq.heappop(self._events)
            self._clock.move_to(at)
            getattr(self, what)(*given)
        if not self._restarts_schedule:
            self._clock.move_to(until)
        self._is_over = self._is_over or time.time() >= self._end
        return self._is_over or self._restarts_schedule

    def _all_events(self) -> Iterator[tuple[float, int, str, tuple[Any, ...]]]:
        number = 0
        for day in range(-self._plan.lead_days, self._plan.days):
            midnight = self._plan.begins + day * DAY
            for seconds, what, *given in self._events_of(day):
                number += 1
                yield midnight + seconds, number, what, tuple(given)

    def _events_of(self, day: int) -> Iterator[Any]:
        date_ = self._plan.first + timedelta(days=day)
        yield 1 * 3600, "_load_rows"
        yield 2 * 3600, "_retrain"
        yield 3 * 3600, "_back_up"
        for hour in (0, 2, 4, *range(6, 24)):
            yield hour * 3600 + 300, "_traffic", hour, date_.weekday() < 5
        if day >= 0 and date_.day <= 7 and date_.weekday() == 1 and self._plan.restarts:
            for place in range(len(self._servers)):
                yield 10 * 3600 + 600 + 60 * place, "_stop_server", place
                yield 10 * 3600 + 600 + 60 * place + DOWN_SECONDS, "_start_server", place
            yield 10 * 3600 + 1200, "_restart_schedule"
        if day == self._plan.fault_day:
            yield 1800, "_lose_source"
            yield DAY + 1800, "_find_source"

    def _load_rows(self) -> None:
        load(self._database)
        self.counts["days"] += 1
        if self.counts["days"] % 30 == 0:  # what was lived so far can be asked for already
            self.pages.write(self._database.parent / "points.json")

    def _retrain(self) -> None:
        """`churn train --if-due`."""
        if not is_training_due(self._settings, utc_now()).is_due:
            return
        with suppress(ChurnError):  # the record of the job says so
            found = train(self._settings)
            self.counts["trainings"] += 1
            self.counts["promotions"] += found.decision.promote
        self._read_pages()

    def _back_up(self) -> None:
        make_backup(self._settings, plain=True)
        self._read_pages()

    def _traffic(self, hour: int, is_workday: bool) -> None:
        """An hour of it: by day by far the most, at night nearly none, and agents on workdays."""
        if hour == 8:
            self._know_customers()
        for place, server in enumerate(self._servers):
            predicted = PREDICTIONS_AN_HOUR if 7 <= hour < 22 else self._draw.randrange(2)
            server.asked(predicted, RISKS if hour in RISK_HOURS else 0, self._customers, self._draw)
            if is_workday and 9 <= hour < 17 and place == hour % 2:
                self.counts["contacts"] += server.worked(CALLS_AN_HOUR, self._draw)
        self._read_pages()

    def _know_customers(self) -> None:
        with open_store(self._settings.store.url) as store:
            run = latest_run(store)
            found = [] if run is None else predictions(store, run.as_of)
        self._customers = [one.customer for one in found]

    def _stop_server(self, place: int) -> None:
        self._read_pages()
        server = self._servers[place]
        server.stop()
        self.pages.miss(time.time(), "api", server.name)

    def _start_server(self, place: int) -> None:
        server = self._servers[place]
        server.start()
        self.pages.take(time.time(), "api", server.name, server.bare_page())
        self.counts["restarts"] += 1

    def _restart_schedule(self) -> None:
        self._restarts_schedule = True
        self.pages.miss(time.time(), SCHEDULER, SCHEDULER)
        self._clock.move_to(time.time() + DOWN_SECONDS)

    def _lose_source(self) -> None:
        self._database.rename(self._database.with_suffix(".away"))

    def _find_source(self) -> None:
        self._database.with_suffix(".away").rename(self._database)

    def _read_pages(self) -> None:
        for server in self._servers:
            page = server.page()
            self.pages.take(time.time(), "api", server.name, page)
        if self._metrics is not None:
            text = generate_latest(self._metrics.registry).decode()
            self.pages.take(time.time(), SCHEDULER, SCHEDULER, text)
        self.counts["pages"] += 1

    def _make_campaign(self) -> None:
        new = NewCampaign(
            "The year", OFFER, 50.0, "Half price for the next three months.", date.fromtimestamp(time.time()),
            "person:maria", control_share=0.3, explore_share=0.01,
        )  # fmt: skip
        with open_store(self._settings.store.url) as store:
            create_campaign(store, new)


def _settings(folder: Path, plan: Plan, webhook: str) -> Settings:
    """Those of a usual company; training is as fast as that of the demo."""
    return Settings.model_validate(
        {
            "source": {"url": str(folder / "company.duckdb")},
            "contract": {"path": folder / "contract.yaml"},
            "models": {"folder": folder / "models"},
            "store": {"url": f"sqlite:///{folder}/churn.db", "tombstones": folder / "tombstones.jsonl"},
            "mlflow": {"uri": f"sqlite:///{folder}/mlflow.db", "artifacts": folder / "artifacts"},
            "backup": {"folder": folder / "backups", "keep": 2},
            "training": {
                "model_type": plan.model_type, "snapshots": plan.snapshots, "settings_cells": 160_000,
                "learning_rate": 0.1, "threads": 1,
            },
            "webhook": {"url": webhook, "secret": "k" * 16, "allowed_hosts": ["127.0.0.1"]},
        }
    )  # fmt: skip


def main() -> None:
    """Live the year of the plan in ``argv[1]``, in the folder that is ``argv[2]``."""
    plan, folder = Plan.of(json.loads(sys.argv[1])), Path(sys.argv[2])
    configure("error", "json")
    daily.record_outcomes = partial(record_outcomes, recheck_days=RECHECK_DAYS)
    begun = time.monotonic()
    with receiving() as receiver:
        life = Life(folder, plan, receiver.url)
        life.live()
        life.counts["lists_sent"] = len({request.document["as_of"] for request in receiver.accepted()})
    life.pages.write(folder / "points.json")
    seconds = round(time.monotonic() - begun)
    (folder / "counts.json").write_text(json.dumps(life.counts | {"seconds": seconds}), encoding="utf-8")


if __name__ == "__main__":
    main()
