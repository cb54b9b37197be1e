"""The disaster drill in its short form."""

from __future__ import annotations

from pathlib import Path

from bench.drill import drill


def test_upgrade_backup_erasure_downgrade_and_restore_under_load_lose_nothing_and_bring_no_customer_back(
    postgres_server: str, tmp_path: Path
) -> None:
    found = drill(tmp_path, postgres_server, more=20)
    assert found.pop("acknowledged") >= 160
    assert found == {"failed": [], "lost": {"early": [], "late": []}, "back": {"early": [], "late": []}}
