"""How many cores a process may use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from churn_mlops.cores import usable_cores
from churn_mlops.models.fit_settings import FitSettings

ALL = 64


@pytest.fixture(autouse=True)
def _many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine of 64 cores, as a container sees it whatever its quota."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(ALL)))


def cores(tmp_path: Path, membership: str, **files: str) -> int:
    """The cores of a process in the groups ``membership``, with these files; ``__`` stands for ``/``."""
    (tmp_path / "cgroup").write_text(membership)
    for name, text in files.items():
        file = tmp_path / "groups" / name.replace("__", "/").replace("cpu_", "cpu.")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return usable_cores(tmp_path / "groups", tmp_path / "cgroup")


def test_without_a_quota_all_cores_of_the_affinity_count(tmp_path: Path) -> None:
    assert cores(tmp_path, "0::/\n") == ALL
    assert usable_cores(tmp_path / "not there", tmp_path / "nor there") == ALL


@pytest.mark.parametrize(
    ("quota", "found"),
    [
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("100001 100000\n", 2),
        ("100000 100000\n", 1),
        ("10000 100000\n", 1),
        ("50000 10000\n", 5),
        ("max 100000\n", ALL),
        ("9900000 100000\n", ALL),
        ("", ALL),
        ("100000 0\n", ALL),
        ("none of this", ALL),
    ],
)
def test_a_quota_of_version_2_rounds_up_and_a_container_sees_it_at_the_root(
    quota: str, found: int, tmp_path: Path
) -> None:
    assert cores(tmp_path, "0::/\n", cpu_max=quota) == found


def test_the_smallest_quota_of_all_groups_around_the_process_counts(tmp_path: Path) -> None:
    inner = cores(tmp_path, "0::/pods/churn\n", pods__churn__cpu_max="400000 100000", pods__cpu_max="300000 100000")
    assert inner == 3
    assert cores(tmp_path, "0::/pods/churn\n", pods__churn__cpu_max="200000 100000") == 2


@pytest.mark.parametrize("controllers", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize(("quota", "found"), [("250000", 3), ("-1", ALL)])
def test_a_quota_of_version_1_counts_where_the_path_of_the_host_is_not_seen(
    controllers: str, quota: str, found: int, tmp_path: Path
) -> None:
    folder = tmp_path / "groups" / controllers
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert cores(tmp_path, f"3:cpuset:/\n2:{controllers}:/docker/0a1b\n1:name=systemd:/\n") == found


def test_a_quota_beside_groups_of_version_1_counts_too(tmp_path: Path) -> None:
    assert cores(tmp_path, "1:cpu:/\n0::/churn\n", unified__churn__cpu_max="300000 100000") == 3


def test_a_fit_takes_as_many_threads_as_there_are_cores_unless_it_is_given_a_number() -> None:
    assert FitSettings(threads=7).cores == 7
    assert FitSettings().cores == usable_cores()


def test_the_affinity_of_a_real_process_counts() -> None:
    script = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    script += "from churn_mlops.cores import usable_cores; print(usable_cores())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


@pytest.mark.parametrize("name", ["a\x0cb", "a\rb", "a:b", "k\u00e4fer", "..", "\x1c"])
def test_a_group_of_any_name_does_not_keep_the_program_from_starting(name: str, tmp_path: Path) -> None:
    assert cores(tmp_path, f"\nodd\n0::/{name}\n", cpu_max="200000 100000") == 2
