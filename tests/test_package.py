"""Importing the package creates nothing, connects to nothing and reads no settings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src"
MODULES = sorted(
    ".".join(file.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
    for file in (SOURCES / "churn_mlops").rglob("*.py")
    if file.name != "__main__.py"
)

# Audit events say what Python does, whichever library does it. Reading code and compiling it to __pycache__ is what an
# import is; /dev and /proc are how libraries look at the machine.
WATCH = """
import importlib, os, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "sqlite3.connect", "os.mkdir", "subprocess.Popen", "os.system"):
        sys.exit(f"{event} {arguments}")
    if event == "open" and isinstance(arguments[0], str):
        path, mode, flags = arguments
        writes = (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and not path.startswith(("/dev/", "/proc/")):
            sys.exit(f"writes {path}")
        if os.path.abspath(path).startswith(os.getcwd()):
            sys.exit(f"reads {path}")

sys.dont_write_bytecode = True
sys.addaudithook(watch)
"""


def imported(module: str, folder: Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """What became of importing ``module`` in a new process whose home and working directory are empty."""
    return subprocess.run(
        [sys.executable, "-c", f"{WATCH}\n{before}\nimportlib.import_module({module!r})"],
        cwd=folder,
        env={"HOME": str(folder), "TMPDIR": str(folder), "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("module", [name for name in MODULES if name.count(".") <= 1])
def test_importing_a_room_creates_nothing_and_connects_to_nothing(module, tmp_path):
    result = imported(module, tmp_path)
    assert result.returncode == 0, result.stderr
    assert (result.stdout, result.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "deed",
    [
        "open('made.txt', 'w')",
        "os.mkdir('made')",
        "import sqlite3; sqlite3.connect('made.db')",
        "import socket; socket.socket().connect(('127.0.0.1', 9))",
        "open('config.yaml')",
    ],
)
def test_the_watch_would_see_it(deed, tmp_path):
    assert imported("churn_mlops", tmp_path, before=deed).returncode == 1
