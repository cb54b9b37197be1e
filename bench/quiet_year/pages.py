"""What Prometheus scraped: the points of each series that the alerts ask for."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULES = ROOT / "infra/monitoring/alerts.yml"
Points = dict[str, list[tuple[float, float | None]]]


def asked_for() -> frozenset[str]:
    """The metrics that the rules ask for."""
    return frozenset(re.findall(r"\bchurn_\w+", RULES.read_text(encoding="utf-8")))


class Pages:
    """Keeps the pages; a series that is not on the next page of its server ends there, with None."""

    def __init__(self) -> None:
        self.points: Points = defaultdict(list)
        self._wanted = asked_for()
        self._shown: dict[str, set[str]] = defaultdict(set)

    def take(self, at: float, job: str, instance: str, page: str) -> None:
        """Keep a page that was read."""
        target = f'instance="{instance}",job="{job}"'
        shown = set()
        for line in page.splitlines():
            name = line.partition("{")[0].partition(" ")[0]
            if name in self._wanted:
                series, _, value = line.rpartition(" ")
                labels = series[len(name) + 1 : -1]
                shown.add(key := f"{name}{{{labels}{',' if labels else ''}{target}}}")
                self.points[key].append((at, float(value)))
        self._end(at, instance, shown)
        self.points[f"up{{{target}}}"].append((at, 1.0))

    def miss(self, at: float, job: str, instance: str) -> None:
        """Nothing answered."""
        self._end(at, instance, set())
        self.points[f'up{{instance="{instance}",job="{job}"}}'].append((at, 0.0))

    def _end(self, at: float, instance: str, shown: set[str]) -> None:
        for gone in self._shown[instance] - shown:
            self.points[gone].append((at, None))
        self._shown[instance] = shown

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.points), encoding="utf-8")
