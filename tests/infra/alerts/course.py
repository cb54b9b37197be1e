"""What the rules of the alerts say of the real pages of metrics of some hours, by Prometheus's own test of rules."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from tests.infra.test_alerts import ALERTS, RULES, program
from tests.infra.tools import ROOT

ASKED_FOR = set(re.findall(r"\bchurn_\w+", RULES.read_text(encoding="utf-8")))
"""The metrics that the rules read."""


def _names(matchers: list[str]) -> set[str]:
    """The alerts that the only matcher of a side of a rule means."""
    (matcher,) = matchers
    label, *names = re.findall(r"\w+", matcher)
    assert label == "alertname"
    return set(names)


INHIBITED = [
    (
        _names(rule["source_matchers"]).pop(),
        _names(rule["target_matchers"]),
    )
    for rule in YAML(typ="safe", pure=True).load(ROOT / "infra/compose/alertmanager.yml")["inhibit_rules"]
]
ALWAYS: dict[str, Mapping[str, str]] = {"Watchdog": {}}
TARGET = {"job": "api", "instance": "api:8000"}
Labels = tuple[tuple[str, str], ...]


def sent(firing: Iterable[str]) -> set[str]:
    """The alerts that someone receives of those that fire."""
    fires = set(firing)
    follow = {target for source, targets in INHIBITED if source in fires for target in targets}
    return fires - follow - ALWAYS.keys()


@dataclass
class Course:
    """The pages that Prometheus would have scraped, a minute each, and what the alerts are expected to be.

    The clock of a test of rules begins in 1970. So all timestamps are moved: ``began_at`` is its zero.

    Args:
        began_at: the time of minute 0, in seconds since 1970.
    """

    began_at: float
    minute: int = 0
    _scraped: list[int] = field(default_factory=list)
    _series: dict[tuple[str, Labels], dict[int, float]] = field(default_factory=dict)
    _expected: list[tuple[int, dict[str, Mapping[str, str]]]] = field(default_factory=list)

    def add(self, page: str | None) -> None:
        """Add the page of the present minute; None where the server does not answer."""
        self._scraped.append(self.minute)
        self._put("up", {}, 0.0 if page is None else 1.0)
        for family in text_string_to_metric_families(page or ""):
            for sample in family.samples:
                if sample.name in ASKED_FOR:
                    moved = self.began_at if sample.name.endswith("_timestamp_seconds") else 0.0
                    self._put(sample.name, sample.labels, sample.value - moved)

    def expect(self, **firing: Mapping[str, str]) -> None:
        """Expect just these alerts to fire in the present minute, by their names, with these labels of their own."""
        self._expected.append((self.minute, firing))

    def check(self, folder: Path) -> None:
        """Compare with what the rules of the project say.

        Raises:
            AssertionError: they say something else.
        """
        asked = [
            {
                "expr": 'ALERTS{alertstate="firing"}',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": _alert(name, own), "value": 1} for name, own in (ALWAYS | firing).items()],
            }
            for minute, firing in self._expected
        ]
        inputs = [{"series": _name(*series), "values": self._values(values)} for series, values in self._series.items()]
        test = {"interval": "1m", "input_series": inputs, "promql_expr_test": asked}
        file = folder / "course.yml"
        file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
        done = subprocess.run(
            [program("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _put(self, name: str, labels: Mapping[str, str], value: float) -> None:
        series = (name, tuple(sorted({**labels, **TARGET}.items())))
        self._series.setdefault(series, {})[self.minute] = value

    def _values(self, of_minute: Mapping[int, float]) -> str:
        """A sample that a scrape did not find ends its series there, as in Prometheus; between scrapes is nothing."""
        texts = dict.fromkeys(range(self.minute + 1), "_") | dict.fromkeys(self._scraped, "stale")
        return " ".join((texts | {minute: repr(value) for minute, value in of_minute.items()}).values())


def _alert(name: str, own: Mapping[str, str]) -> str:
    return _name("ALERTS", {"alertname": name, "alertstate": "firing", **ALERTS[name]["labels"], **own}.items())


def _name(metric: str, labels: Iterable[tuple[str, str]]) -> str:
    return f"{metric}{{{', '.join(f'{name}={json.dumps(value)}' for name, value in labels)}}}"
