"""The processes behind one port: which are alive, and what they take together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which Prometheus's library knows the folder in which several processes count together."""
_STARTED = "process_start_time_seconds"


def count_processes(folder: str) -> int:
    """How many processes count together in ``folder``: as many as ``churn_workers`` says."""
    return len(_counting(Path(folder)))


def _counting(folder: Path) -> set[int]:
    """The IDs of the processes. The counters of one that ended stay, and its ID may be that of any other program."""
    named = (re.search(r"_(\d+)$", file.stem) for file in folder.glob("gauge_livesum_*.db"))
    return {int(match[1]) for match in named if match}


class Processes(Collector):
    """The metrics of a process by Prometheus's library (memory, processor, files), added up; the earliest start.

    Args:
        folder: the folder in which they count together; the name of each file ends with the ID of a process.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def collect(self) -> Iterator[Metric]:
        """The sums."""
        found: dict[str, tuple[Metric, list[float]]] = {}
        for pid in self._alive():
            for metric in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                _, values = found.setdefault(metric.name, (metric, []))
                values.append(metric.samples[0].value)
        for one, values in found.values():
            total = Metric(one.name, one.documentation, one.type)
            total.add_sample(one.samples[0].name, {}, min(values) if one.name == _STARTED else sum(values))
            yield total

    def _alive(self) -> set[int]:
        return {pid for pid in _counting(self._folder) if Path(f"/proc/{pid}").exists()}
