"""The command that brings compose up: what it starts, and what it asks for first."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.infra.tools import ROOT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder of its own, since the command makes secrets and reads settings beside itself."""
    shutil.copytree(ROOT / "infra/compose", tmp_path / "infra/compose", ignore=shutil.ignore_patterns("secrets"))
    return tmp_path


def up(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(folder / "infra/compose/up.sh"), *words]
    environ = os.environ | {"COMPOSE": "echo compose"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("place", ["full", "small"])
def test_the_demo_company_needs_nothing(copy: Path, place: str) -> None:
    done = up(copy, place)
    assert done.returncode == 0, done.stderr
    assert f"compose --file docker-compose.yml --profile {place} up --build --detach --wait" in done.stdout


def test_your_own_customers_need_settings_a_contract_and_an_address(copy: Path) -> None:
    for needed in ("config/config.yaml", "config/contract.yaml", "infra/compose/secrets/source_url"):
        done = up(copy, "own")
        assert done.returncode == 1
        assert f"{needed} is missing" in done.stderr
        (copy / needed).parent.mkdir(exist_ok=True)
        (copy / needed).write_text("something\n")
    done = up(copy, "own")
    assert done.returncode == 0, done.stderr
    assert "compose --file docker-compose.yml --file infra/compose/own.yml --profile full up" in done.stdout
