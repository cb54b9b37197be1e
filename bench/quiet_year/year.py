"""A year of a plan, lived in a process of its own, and its alerts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.quiet_year.alerts import Alerts, alerts_of
from bench.quiet_year.clock import environ
from bench.quiet_year.plan import Plan

ROOT = Path(__file__).parents[2]
PAGES, TICKETS = 0, 4
"""The bars: most pages and most tickets of a quiet year."""


def lived(plan: Plan, folder: Path) -> tuple[Alerts, dict[str, Any]]:
    """The alerts of a year that is lived in ``folder``, and its counts."""
    command = [sys.executable, "-m", "bench.quiet_year.life", json.dumps(plan.plain()), str(folder)]
    paths = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "NO_PROXY": "127.0.0.1"}
    subprocess.run(command, cwd=folder, env=os.environ | environ() | paths, check=True)
    return read(plan, folder), json.loads((folder / "counts.json").read_text(encoding="utf-8"))


def read(plan: Plan, folder: Path) -> Alerts:
    """The alerts of a year whose pages are in ``folder``."""
    points = json.loads((folder / "points.json").read_text(encoding="utf-8"))
    return alerts_of(points, plan.begins, plan.days, folder)


def summary(plan: Plan, alerts: Alerts, counts: dict[str, Any]) -> dict[str, Any]:
    """The figures of a year, and whether it keeps the bars."""
    load = {severity: alerts.load(severity) for severity in ("page", "ticket", "note")}
    pages, tickets = (sum(load[severity].values()) for severity in ("page", "ticket"))
    waited = sorted({(name, day) for name, _, day in alerts.pending})
    about = {"seed": plan.seed, "customers": plan.customers, "days": plan.days, "model_type": plan.model_type}
    return (
        about
        | {"pages": load["page"], "tickets": load["ticket"], "notes": load["note"]}
        | {"waited_and_did_not_fire": [f"{name} on day {day}" for name, day in waited], "counts": counts}
        | {"bars": {"pages": pages <= PAGES, "tickets": tickets <= TICKETS}}
    )
