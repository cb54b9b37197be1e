"""Processes as the kernel tells of them: who was started by whom, how much memory they take; frozen and killed."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def family(pid: int) -> list[int]:
    """The process and all that it started, and those that they started; itself first."""
    parents = {int(stat.parent.name): parent for stat in Path("/proc").glob("[0-9]*/stat") if (parent := _parent(stat))}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def is_there(pid: int) -> bool:
    """Whether the process runs, or has ended and nobody took note."""
    return Path(f"/proc/{pid}").exists()


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each that is still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def resident_mb(pid: int) -> float:
    """Memory that the process holds, in MB; 0 where it is gone."""
    with suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0.0)
    return 0.0


def _parent(stat: Path) -> int:
    """0 where the process has ended meanwhile. Its name, in brackets, may hold anything."""
    try:
        return int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0
