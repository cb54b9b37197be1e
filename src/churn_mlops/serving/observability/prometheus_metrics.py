"""The metrics of the server for Prometheus. Each application has a registry of its own.

Several processes behind one port have one page: each counts into files of a folder that they share, named by the
environment (:data:`FOLDER`), and whichever is asked adds them up.
"""

from __future__ import annotations

import os
from collections import Counter as Counts
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, Counter, Gauge, GCCollector, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from churn_mlops.serving.model.served_model import ModelSlot, ServedModel
from churn_mlops.serving.observability.process_metrics import FOLDER, Processes, count_processes

# From the 0.1 ms of one score to the seconds of a full batch.
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
FAULTS = ("500", "503")
"""The statuses of a fault of the server: each route has their counts from its first answer."""


class Metrics:
    """The counters of one application.

    Args:
        source: holds the model that is live.
        wanted: how many processes are to answer on the port; several count together by :data:`FOLDER`.
    """

    def __init__(self, source: ModelSlot, wanted: int = 1) -> None:
        self._registry = CollectorRegistry()
        self._requests = self._counter("churn_requests", "Requests answered", ["route", "status"])
        self._seconds = Histogram(
            "churn_request_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self._scores = self._counter("churn_scores", "Customers scored, by risk band", ["band"])
        # Kept by label: to look them up takes longer than to count.
        self._answered: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._banded: dict[str, Counter] = {}
        self._readings: list[Callable[[], None]] = []
        self._collectors: list[Collector] = []
        self._follow(source)
        self._gauge("churn_workers", "Processes that answer").set(1)
        self.folder = os.environ.get(FOLDER)
        """The folder in which several processes count together; None for a single process."""
        workers = Gauge(
            "churn_workers_wanted",
            "Processes that are to answer",
            registry=self._registry,
            multiprocess_mode="livemax",
        )
        workers.set(1 if self.folder is None else wanted)
        if self.folder is None:
            ProcessCollector(registry=self._registry)
            GCCollector(registry=self._registry)

    @property
    def processes(self) -> int:
        """How many processes answer on the port of this one."""
        return 1 if self.folder is None else count_processes(self.folder)

    def answered(self, route: str, status: int, seconds: float, trace_id: str | None = None) -> None:
        """Count one request.

        Args:
            route: the route's pattern, never the address that was asked for.
            status: of the answer.
            seconds: the time to answer.
            trace_id: of a trace that is recorded: an example of such a time (an exemplar of OpenMetrics).
        """
        counted = self._answered.get((route, status))
        if counted is None:
            for fault in FAULTS:  # a counter that is not there yet cannot be seen to grow
                self._requests.labels(route, fault)
            counted = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._answered[route, status] = counted
        counted[0].inc()
        counted[1].observe(seconds, None if trace_id is None else {"trace_id": trace_id})

    def scored(self, live: ServedModel, probabilities: Iterable[float] | npt.NDArray[np.float64]) -> None:
        """Count the customers of a batch by their risk band."""
        for band, count in Counts(map(live.predictor.band, probabilities)).items():
            self._count_band(band, count)

    def scored_one(self, live: ServedModel, probability: float) -> None:
        """Count one customer by their risk band."""
        self._count_band(live.predictor.band(probability), 1)

    def follow_count(self, name: str, meaning: str, read: Callable[[], int]) -> None:
        """Publish a count that is kept elsewhere; it is read when Prometheus asks."""
        self._follow_count(self._counter(name, meaning), read)

    def follow_level(self, name: str, meaning: str, read: Callable[[], int]) -> None:
        """Publish a level that is kept elsewhere; several processes publish their sum."""
        gauge = self._gauge(name, meaning)
        self._readings.append(lambda: gauge.set(read()))

    def add(self, collector: Collector) -> None:
        """Publish metrics that are the same in every process, such as those of the store; they are not added up."""
        self._collectors.append(collector)
        if self.folder is None:
            self._registry.register(collector)

    def take_over(self) -> None:
        """Read the counts that are kept elsewhere, so that any process can publish them."""
        for reading in self._readings:
            reading()

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics, and the media type of the page.

        Args:
            accept: the header ``Accept``: OpenMetrics if that is among it, otherwise the text format of Prometheus.
        """
        self.take_over()
        if "application/openmetrics-text" in accept:
            page: bytes = openmetrics.generate_latest(self._all())  # type: ignore[no-untyped-call]
            return page, openmetrics.CONTENT_TYPE_LATEST
        return generate_latest(self._all()), CONTENT_TYPE_PLAIN_0_0_4

    def _all(self) -> CollectorRegistry:
        """The metrics of this process, or of all that count together."""
        if self.folder is None:
            return self._registry
        together = CollectorRegistry()
        MultiProcessCollector(together, self.folder)  # type: ignore[no-untyped-call]
        for collector in (Processes(self.folder), *self._collectors):
            together.register(collector)
        return together

    def _follow(self, source: ModelSlot) -> None:
        """Publish the live version, the changes of it, and the rejections."""
        live = self._gauge("churn_model_live", "Processes in which the version is live", ["version", "model_type"])
        published: ServedModel | None = None

        def take_over() -> None:
            nonlocal published
            now = source.current
            if now is not published:
                if published is not None:
                    live.labels(published.version, published.model_type).set(0)
                if now is not None:
                    live.labels(now.version, now.model_type).set(1)
                published = now

        self._readings.append(take_over)
        self.follow_count("churn_champion_changes", "Champions taken up since the start", lambda: source.changes)
        refused = self._counter("churn_champion_refused", "Champions not taken up, by reason", ["reason"])
        for reason in ("broken", "slow"):
            self._follow_count(refused.labels(reason), partial(source.rejections.__getitem__, reason))

    def _follow_count(self, counter: Counter, read: Callable[[], int]) -> None:
        published = 0

        def take_over() -> None:
            nonlocal published
            now = read()
            if now > published:
                counter.inc(now - published)
                published = now

        self._readings.append(take_over)

    def _count_band(self, band: str, count: int) -> None:
        if band not in self._banded:
            self._banded[band] = self._scores.labels(band)
        self._banded[band].inc(count)

    def _counter(self, name: str, meaning: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(name, meaning, labels, registry=self._registry)

    def _gauge(self, name: str, meaning: str, labels: Iterable[str] = ()) -> Gauge:
        return Gauge(name, meaning, labels, registry=self._registry, multiprocess_mode="livesum")
