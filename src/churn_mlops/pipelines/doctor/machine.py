"""The machine: room on its disks, its cores and memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from churn_mlops.config import Settings
from churn_mlops.cores import usable_cores
from churn_mlops.pipelines.doctor.champion import nearest_folder
from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.pipelines.doctor.mlflow import sqlite_file

GIB = 1 << 30
ENOUGH = GIB
_CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")


def disk_found(settings: Settings) -> Iterator[Finding]:
    """The room where models, records and lists are written, one finding for each file system."""
    places = {"models": settings.models.folder}
    database = sqlite_file(settings.mlflow.uri)
    if database is not None:
        places["MLflow"] = database.parent
    if not settings.mlflow.uri.startswith(("http://", "https://")):
        places["artifacts"] = settings.mlflow.artifacts
    places["lists"] = Path()
    by_system: dict[int, list[str]] = {}
    folders: dict[int, Path] = {}
    for what, place in places.items():
        folder = nearest_folder(place)
        system = folder.stat().st_dev
        by_system.setdefault(system, []).append(f"{what} ({place})")
        folders.setdefault(system, folder)
    for system, names in by_system.items():
        free = shutil.disk_usage(folders[system]).free
        summary = f"{free / GIB:,.1f} GiB free for {', '.join(names)}"
        if free < ENOUGH:
            yield Finding(
                "disk", "warning", summary, f"make room on the file system of {folders[system]}, 1 GiB or more"
            )
        else:
            yield Finding("disk", "ok", summary)


def machine_found() -> Iterator[Finding]:
    """Cores and memory that this process may use, for information."""
    cores = usable_cores()
    yield Finding("machine", "ok", f"{cores} core{'' if cores == 1 else 's'}, {_memory() / GIB:,.1f} GiB of memory")


def _memory() -> int:
    """Bytes of memory: the machine's, or fewer where a container may use fewer."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = _CONTROL_GROUP.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return machine
    return min(machine, int(limit)) if limit.isdecimal() else machine
