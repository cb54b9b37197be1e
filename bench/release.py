"""The release as its users get it: built twice, installed for each Python that is here, run from an empty folder."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.release import ROOT, bare_environ, build

VERSIONS = ("3.11", "3.12", "3.13")
PAGES = ("/", "/list", "/dashboard", "/models", "/static/console.css", "/docs", "/ready")
CUSTOMER = (
    '{"tenure": 12, "monthly_charges": 65.50, "total_charges": 786.00, "contract_type": "month-to-month", '
    '"payment_method": "electronic_check", "internet_service": "fiber_optic", '
    '"tech_support": "no", "online_security": "no"}'
)


def pythons() -> dict[str, Path]:
    """A Python of each version that is on this machine."""
    found: dict[str, Path] = {}
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in VERSIONS:
        candidates = [*sorted(kept.glob(f"{version}.*/bin/python")), *_on_the_path(f"python{version}")]
        found |= {version: candidates[0]} if candidates else {}
    return found


def _on_the_path(name: str) -> list[Path]:
    place = shutil.which(name)
    return [] if place is None else [Path(place)]


def install(python: Path, wheel: Path, folder: Path) -> Path:
    """The environment of ``wheel`` and the locked libraries; returns its ``churn``."""
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", "--python", str(python), str(folder)], check=True)
    into = [*uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    subprocess.run([*into, "--require-hashes", "-r", str(ROOT / "requirements.txt")], check=True)
    subprocess.run([*into, "--offline", "--no-deps", str(wheel)], check=True)
    return folder / "bin" / "churn"


class Site:
    """The commands of a release in an empty folder.

    Args:
        churn: the command.
        folder: the working directory.
    """

    def __init__(self, churn: Path, folder: Path) -> None:
        self._churn, self._folder = churn, folder
        self._environ = bare_environ(CHURN__SCHEDULE__AT="00:01")

    def run(self, *arguments: str) -> str:
        """What ``churn`` prints with these arguments."""
        done = subprocess.run(
            [self._churn, *arguments], cwd=self._folder, env=self._environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"churn {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def daily_run(self) -> list[str]:
        """The events of ``churn schedule`` until it waits for the next day."""
        events: list[str] = []
        command = [self._churn, "--config", "demo/config.yaml", "schedule"]
        with subprocess.Popen(
            command, cwd=self._folder, env=self._environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            for line in process.stderr:
                events.append(json.loads(line)["event"])
                if events[-1] == "next_run_scheduled":
                    process.send_signal(signal.SIGTERM)
        assert process.returncode == 0
        return events

    def pages(self) -> dict[str, int]:
        """The status of each page of the console, and of a prediction."""
        command = [self._churn, "--config", "demo/config.yaml", "serve", "--port", "0"]
        with subprocess.Popen(
            command, cwd=self._folder, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            found = re.search(r"http://\S+?:\d+", process.stdout.readline())
            assert found
            try:
                return {page: _status(found[0] + page) for page in PAGES} | {"/predict": _predicted(found[0])}
            finally:
                process.send_signal(signal.SIGINT)


def _status(address: str) -> int:
    with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 our own server
        answer.read()
        return int(answer.status)


def _predicted(address: str) -> int:
    request = urllib.request.Request(  # noqa: S310 our own server
        f"{address}/predict", CUSTOMER.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 our own server
        assert set(json.load(answer)) == {"prediction", "will_churn", "churn_probability", "confidence"}
        return int(answer.status)


def measure(wheel: Path, version: str, python: Path, customers: int) -> str:
    """Install and run the release under one Python; a row of the table."""
    with tempfile.TemporaryDirectory(prefix="churn-release-") as folder:
        began = time.monotonic()
        churn = install(python, wheel, Path(folder) / "environment")
        installed = time.monotonic()
        work = Path(folder) / "empty"
        work.mkdir()
        site = Site(churn, work)
        site.run("demo", "--customers", str(customers), "--months", "12", "--no-serve")
        shown = time.monotonic()
        (work / "demo" / "churn.db").unlink()  # so that the day of today is to be done
        events = site.daily_run()
        assert events[-2:] == ["next_run_scheduled", "schedule_stopped"], events
        assert "daily_run_succeeded" in events, events
        pages = site.pages()
        assert set(pages.values()) == {200}, pages
        assert {path.name for path in work.iterdir()} == {"demo"}
        said = site.run("--config", "demo/config.yaml", "doctor")
        assert "ok      package: churn-mlops" in said, said
    return (
        f"| {version} | {installed - began:.0f} | {shown - installed:.0f} | succeeded | {len(pages)} of {len(pages)} |"
    )


def main() -> None:
    """Build, install and run; ends with an error at the first thing that is not as it has to be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--python", choices=VERSIONS, action="append", help="only this version; may be repeated")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="churn-release-") as folder:
        built = build(Path(folder) / "one")
        again = build(Path(folder) / "two")
        for kind, file in built.items():
            assert file.read_bytes() == again[kind].read_bytes(), f"the {kind} differs between two builds"
            print(f"{file.name}: {file.stat().st_size:,} bytes, the same twice")
        print("\n| Python | installed, s | demo, s | daily run | pages |\n|---|---|---|---|---|")
        for version, python in pythons().items():
            if options.python is None or version in options.python:
                print(measure(built["wheel"], version, python, options.customers), flush=True)


if __name__ == "__main__":
    main()
