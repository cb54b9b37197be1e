"""The programs that look at the files of a deployment; they are in an environment of their own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv" / "infra" / "bin"


def tool(name: str) -> str:
    """The path of one of them; without it the test is skipped."""
    if not (BIN / name).exists():
        pytest.skip(f"{BIN / name} is not there: `make test` makes it")
    return str(BIN / name)


def run(*command: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What a command in the root of the repository leaves behind."""
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
