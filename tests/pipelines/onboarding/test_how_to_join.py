"""What a person does with several tables of one row for each customer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from churn_mlops.config.settings import Source
from churn_mlops.errors import ContractError
from churn_mlops.pipelines.onboarding import init

NAMES = [f"c{place:03}" for place in range(200)]
ACCOUNT = pd.DataFrame({"customer_id": NAMES, "plan": ["a", "b"] * 100})
USAGE = pd.DataFrame({"customer_id": NAMES[::-1], "calls": [place % 9 for place in range(200)]})


def _refused(address: Path) -> str:
    with pytest.raises(ContractError, match="each has one row for each customer") as refused:
        init.initialize(init.InitRequest(str(address)), address.parent / "contract.yaml", Source(), None)
    return str(refused.value)


def test_a_zip_is_unpacked_first(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    ACCOUNT.to_csv(tmp_path / "parts" / "account.csv", index=False)
    USAGE.to_csv(tmp_path / "parts" / "usage.csv", index=False)
    path = Path(shutil.make_archive(str(tmp_path / "export"), "zip", tmp_path / "parts"))
    assert _refused(path).endswith(f"Unpack {path}, and start `churn init` again with the folder")


def test_the_sheets_of_a_workbook_become_files_first(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "export.xlsx") as workbook:
        ACCOUNT.to_excel(workbook, sheet_name="account", index=False)
        USAGE.to_excel(workbook, sheet_name="usage", index=False)
    assert "Save each sheet as a CSV file in one folder" in _refused(tmp_path / "export.xlsx")


def test_files_that_duckdb_does_not_read_become_others_first(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    ACCOUNT.to_csv(tmp_path / "parts" / "account.csv", index=False)
    USAGE.to_feather(tmp_path / "parts" / "usage.feather")
    assert _refused(tmp_path / "parts").endswith("Save usage.feather as CSV, and start `churn init` again")
