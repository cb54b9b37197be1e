"""The command in an empty working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import Churn, Result, runner

__all__ = ["Churn", "Result", "churn"]


@pytest.fixture
def churn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Churn:
    """Runs ``churn`` with arguments, in an empty working directory and wide enough not to fold lines."""
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capsys)
