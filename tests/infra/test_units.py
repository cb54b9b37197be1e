"""The units of systemd are such as systemd takes, and as restricted as the containers."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.infra.tools import ROOT, run

UNITS = sorted(path for path in (ROOT / "infra/systemd").iterdir() if path.suffix in (".service", ".timer"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]


def test_every_timer_has_its_service() -> None:
    names = {unit.name for unit in UNITS}
    assert {name for name in names if name.endswith(".timer")} == {"churn-backup.timer", "churn-retrain.timer"}
    assert {name.replace(".timer", ".service") for name in names} <= names


def test_systemd_takes_every_unit() -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    said = "".join(run("systemd-analyze", "verify", str(unit)).stderr for unit in UNITS).splitlines()
    absent = re.compile(r"churn-\w+\.service: Command /srv/churn/\.venv/bin/churn is not executable: .*")
    ours = [line for line in said if "churn-" in line]
    assert [line for line in ours if not absent.fullmatch(line)] == []


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_has_no_right_that_it_does_not_need(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    for line in ("User=churn", "NoNewPrivileges=true", "ProtectSystem=strict", "CapabilityBoundingSet="):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_has_the_variables_of_the_commands_that_people_run(unit: Path) -> None:
    assert "\nEnvironmentFile=/etc/churn/environment\n" in unit.read_text(encoding="utf-8")
