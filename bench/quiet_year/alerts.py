"""The alerts of a year: Prometheus's own test of rules goes through the pages that were read, as they came.

It goes through the year in steps of five minutes, month by month, with the rules of the project as they are. The time
around each restart has steps of fifteen seconds too, because what a restart raises may be over within minutes.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from bench.quiet_year.pages import ROOT, RULES, Points
from bench.quiet_year.series import input_series

HOUR, DAY = 3600, 86_400
COARSE, FINE = 300, 15
MONTH_DAYS, LEAD_DAYS = 30, 4
"""Days that one test goes through, and those before them, which the longest window of the rules needs."""
BEFORE_RESTART, AFTER_RESTART = 5 * HOUR // 4, 3 * HOUR // 4
ROUTES = ROOT / "infra/compose/alertmanager.yml"
WATCHDOG = "Watchdog"
STATES = ("firing", "pending")
Onsets = Counter[tuple[str, str, int]]
"""How often an alert began: its name, its severity, and its day from 0."""
_BLOCK = re.compile(r'expr: (?P<expr>".*"), time: (?P<time>\w+),\s+exp: nil\s+got: (?P<got>.*)')
_FOUND = re.compile(r"\{(?P<labels>[^{}]*)\} (?P<count>[\d.E+]+)")


@dataclass
class Alerts:
    """What the alerts of a year did.

    Args:
        firing: those that began to fire and that no other alert inhibits.
        pending: those that began to wait for the time after which they fire.
    """

    firing: Onsets = field(default_factory=Counter)
    pending: Onsets = field(default_factory=Counter)

    def join(self, other: Alerts) -> None:
        """Take over what another look at the same days found; what both found counts once."""
        self.firing |= other.firing
        self.pending |= other.pending

    def load(self, severity: str) -> dict[str, int]:
        """By name, how often the alerts of a severity fired."""
        found = Counter[str]()
        for (name, its, _), count in self.firing.items():
            if its == severity:
                found[name] += count
        return dict(found)


def alerts_of(points: Points, begins: float, days: int, folder: Path) -> Alerts:
    """The alerts of ``days`` from ``begins`` on; ``points`` may begin before."""
    found = Alerts()
    for first in range(0, days, MONTH_DAYS):
        found.join(month_of(points, begins, first, min(first + MONTH_DAYS, days), folder))
    return found


def month_of(points: Points, begins: float, first: int, end: int, folder: Path) -> Alerts:
    """The alerts of the days from ``first`` until before ``end``."""
    oldest = min(known[0][0] for known in points.values())
    lead = min(LEAD_DAYS, max(0, int((begins + first * DAY - oldest) // DAY)))
    start = begins + (first - lead) * DAY
    found = _asked(
        points, start, COARSE, [((day - first + lead + 1) * DAY, DAY, day) for day in range(first, end)], folder
    )
    for at in restarts(points, begins + first * DAY, begins + end * DAY):
        window = BEFORE_RESTART + AFTER_RESTART, AFTER_RESTART, int((at - begins) // DAY)
        found.join(_asked(points, at - BEFORE_RESTART, FINE, [window], folder))
    return found


def restarts(points: Points, begins: float, ends: float) -> list[float]:
    """One time for each day on which a target did not answer."""
    away = (at for series, known in points.items() if series.startswith("up{") for at, value in known if value == 0)
    return list({int((at - begins) // DAY): at for at in sorted(away, reverse=True) if begins <= at < ends}.values())


def _asked(points: Points, start: float, step: int, windows: Sequence[tuple[int, int, int]], folder: Path) -> Alerts:
    """What began in each window, which ends so many seconds after ``start``, has a length, and belongs to a day."""
    count = max(end for end, _, _ in windows) // step + 1
    tests = [
        {"expr": expr, "eval_time": f"{end}s", "exp_samples": []}
        for end, length, _ in windows
        for expr in (_onsets(state, step, length) for state in STATES)
    ]
    test = {
        "interval": f"{step}s",
        "input_series": input_series(points, start, step, count),
        "promql_expr_test": tests,
    }
    file = folder / "test.yml"
    file.write_text(
        json.dumps({"rule_files": [str(RULES)], "evaluation_interval": f"{step}s", "tests": [test]}), encoding="utf-8"
    )  # JSON is YAML
    done = subprocess.run(["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False)
    return _read(done.stdout + done.stderr, windows, is_quiet=done.returncode == 0)


def _read(said: str, windows: Sequence[tuple[int, int, int]], *, is_quiet: bool) -> Alerts:
    """What promtool got where it was to get nothing."""
    days, found, blocks = {end: day for end, _, day in windows}, Alerts(), list(_BLOCK.finditer(said))
    if not is_quiet and not blocks:
        raise AssertionError(said)
    for block in blocks:
        onsets = found.pending if 'alertstate=\\"pending\\"' in block["expr"] else found.firing
        for one in _FOUND.finditer(block["got"].replace('\\"', '"')):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', one["labels"]))
            if labels["alertname"] != WATCHDOG:
                onsets[labels["alertname"], labels["severity"], days[_seconds(block["time"])]] += int(
                    float(one["count"])
                )
    return found


def _seconds(written: str) -> int:
    """A time as Prometheus writes it, such as 1d2h5m."""
    units = {"w": 7 * DAY, "d": DAY, "h": HOUR, "m": 60, "s": 1}
    return sum(int(count) * units[unit] for count, unit in re.findall(r"(\d+)([wdhms])", written))


def _onsets(state: str, step: int, length: int) -> str:
    """How often each alert began to be in a state and not inhibited, within the last ``length`` seconds."""
    now, before = _told(state, ""), _told(state, f" offset {step}s")
    return f"sum by (alertname, severity) (count_over_time((({now}) unless ({before}))[{length - step}s:{step}s]))"


def _told(state: str, offset: str) -> str:
    """The alerts in a state without those that Alertmanager inhibits."""
    found = f'ALERTS{{alertstate="{state}"}}{offset}'
    rules: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(ROUTES)["inhibit_rules"]
    for rule in rules:
        (source,), (target,) = rule["source_matchers"], rule["target_matchers"]
        inhibited = f'ALERTS{{alertstate="{state}", {target}}}{offset}'
        found += f' unless ({inhibited} and on () ALERTS{{alertstate="firing", {source}}}{offset})'
    return found
