"""An SQLite store on a network volume is refused by name, before anything is written there."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops.errors import StoreError
from churn_mlops.store.database.network_volume import check_local

LINES = """22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 22 0:27 / /data rw,relatime shared:1 - nfs4 nas:/export rw
32 31 254:16 / /data/fast rw,relatime - xfs /dev/vdb rw
33 22 0:29 / /mnt/two\\040words rw - cifs //nas/share rw
34 22 0:30 / /over rw - nfs nas:/a rw
35 34 0:31 / /over rw - tmpfs tmpfs rw
"""


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(LINES)
    return file


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/data/churn.db", "nfs4"), ("/data/deep/er/churn.db", "nfs4"), ("/mnt/two words/churn.db", "cifs")],
)
def test_a_file_on_a_network_volume_is_refused_with_its_kind(mounts: Path, path: str, kind: str) -> None:
    with pytest.raises(StoreError, match=rf"network volume \({kind}\).*PostgreSQL"):
        check_local(f"sqlite:///{path}", mounts)


@pytest.mark.parametrize(
    "address",
    [
        "sqlite:////srv/churn.db",
        "sqlite:////data/fast/churn.db",
        "sqlite:////database/churn.db",
        "sqlite:////over/churn.db",
    ],
)
def test_a_file_on_a_disk_of_this_machine_is_taken(mounts: Path, address: str) -> None:
    check_local(address, mounts)


def test_a_server_and_a_system_without_such_a_list_are_let_alone(mounts: Path, tmp_path: Path) -> None:
    check_local("postgresql://churn@nas/churn", mounts)
    check_local("sqlite:////data/churn.db", tmp_path / "none")


def test_the_list_of_this_machine_can_be_read(tmp_path: Path) -> None:
    check_local(f"sqlite:///{tmp_path}/churn.db")
