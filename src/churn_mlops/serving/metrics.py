"""What the server counts for Prometheus. Each application has a registry of its own."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from churn_mlops.serving.live import Live, LiveSource

# From the 0.1 ms of one score to the seconds of a full batch.
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of one application."""

    def __init__(self, source: LiveSource) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter("churn_requests", "Requests answered", ["route", "status"], registry=self.registry)
        self._seconds = Histogram(
            "churn_request_seconds", "Time to answer", ["route"], buckets=_SECONDS, registry=self.registry
        )
        self._scores = Counter("churn_scores", "Customers scored, by risk band", ["band"], registry=self.registry)
        # Kept by label: to look them up takes longer than to count.
        self._answered: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._banded: dict[str, Counter] = {}
        self.registry.register(_LiveModel(source))
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one request. ``route`` is the route's pattern, never the address that was asked for."""
        counted = self._answered.get((route, status))
        if counted is None:
            counted = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._answered[route, status] = counted
        counted[0].inc()
        counted[1].observe(seconds)

    def scored(self, live: Live, probabilities: Iterable[float] | npt.NDArray[np.float64]) -> None:
        """Count the customers of a batch by their risk band."""
        for band, count in Counts(map(live.predictor.band, probabilities)).items():
            self._count_band(band, count)

    def scored_one(self, live: Live, probability: float) -> None:
        """Count one customer by his risk band."""
        self._count_band(live.predictor.band(probability), 1)

    def _count_band(self, band: str, count: int) -> None:
        if band not in self._banded:
            self._banded[band] = self._scores.labels(band)
        self._banded[band].inc(count)

    def text(self) -> bytes:
        """All counters in the text format of Prometheus."""
        return generate_latest(self.registry)


class _LiveModel(Collector):
    """Which version is live, and what was taken up and refused, read when Prometheus asks."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source

    def collect(self) -> Iterator[Metric]:
        gauge = GaugeMetricFamily(
            "churn_model_live", "1 for the version that is live", labels=["version", "model_type"]
        )
        live = self._source.current
        if live is not None:
            gauge.add_metric([live.version, live.model_type], 1.0)
        yield gauge
        changes = CounterMetricFamily("churn_champion_changes", "Champions taken up since the start")
        changes.add_metric([], self._source.changes)
        yield changes
        refused = CounterMetricFamily("churn_champion_refused", "Champions not taken up, by reason", labels=["reason"])
        for reason in ("broken", "slow"):
            refused.add_metric([reason], self._source.refusals[reason])
        yield refused
