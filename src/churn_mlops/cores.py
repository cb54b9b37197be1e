"""Cores: how many this process may use, by its affinity and by the CPU quota of its container."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

_GROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def usable_cores(groups: Path = _GROUPS, membership: Path = _MEMBERSHIP) -> int:
    """How many threads have a core of their own, 1 or more; a quota of one and a half counts as two.

    A container with a quota sees all cores of its machine. With a thread for each, it would use its quota up in a part
    of each period, and stand still for the rest.

    Args:
        groups: folder in which the control groups are mounted, of version 1 or 2.
        membership: file that names the groups of the process.

    Source: Linux, ``Documentation/admin-guide/cgroup-v2.rst`` (``cpu.max``) and ``scheduler/sched-bwc.rst``.
    """
    cores = len(os.sched_getaffinity(0))
    return max(1, min([cores, *map(math.ceil, _quotas(groups, membership))]))


def _quotas(groups: Path, membership: Path) -> Iterator[float]:
    """The quota, in cores, of each group that the process is in, and of the groups around it."""
    for line in _text(membership).split("\n"):  # a name may hold any other end of a line
        _, _, group = line.partition(":")
        controllers, colon, place = group.partition(":")
        if not colon:
            continue
        if controllers == "":
            yield from _found(groups, place, _quota_of_version_2)
            yield from _found(groups / "unified", place, _quota_of_version_2)
        elif "cpu" in controllers.split(","):
            yield from _found(groups / controllers, place, _quota_of_version_1)


def _found(mount: Path, place: str, quota_of: Callable[[Path], float | None]) -> Iterator[float]:
    """The quotas from the group at ``place`` up to the mounted one, which is the only one that a container sees."""
    path = PurePosixPath(place.lstrip("/"))
    for folder in (path, *path.parents):
        quota = quota_of(mount / folder)
        if quota is not None:
            yield quota


def _quota_of_version_2(folder: Path) -> float | None:
    quota, _, period = _text(folder / "cpu.max").strip().partition(" ")
    return _share(quota, period)


def _quota_of_version_1(folder: Path) -> float | None:
    quota, period = (_text(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period"))
    return _share(quota, period)


def _share(quota: str, period: str) -> float | None:
    """The quota in cores; None where there is none, which the files write as ``max`` or -1."""
    if not (quota.isdecimal() and period.isdecimal()) or not int(period):
        return None
    return int(quota) / int(period)


def _text(file: Path) -> str:
    """The text of ``file``; none where it is not there, as in a group without this limit."""
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
