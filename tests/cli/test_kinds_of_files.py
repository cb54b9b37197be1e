"""From a file of each kind to a list: every command reads it as it reads the CSV file of the same customers."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pytest

from tests.cli.conftest import Churn
from tests.data.sources.formats.kinds_of_files import customers, frame, write_csv, write_sav, write_workbook

ROWS = customers(400)
KINDS: dict[str, Callable[[Path], object]] = {
    "shop.xlsx": lambda path: write_workbook(path, ROWS),
    "shop.sav": lambda path: write_sav(path, ROWS),
    "shop.feather": lambda path: feather.write_feather(pa.Table.from_pandas(frame(ROWS)), path),
    "shop.zip": lambda path: _zipped(path, write_csv(Path("inside.csv"), ROWS)),
}


def _zipped(path: Path, file: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(file)


def _listed(churn: Churn, file: str) -> str:
    """The list of the customers of ``file``, from a new model."""
    found = churn("init", "--from", file, "--customer", "customer_id", "--label", "churn")
    assert found.code == 0, found.err
    Path("config/config.yaml").write_text(f"source: {{url: {file}}}\ntraining: {{model_type: logistic_regression}}\n")
    assert churn("validate").out == "Go: 400 rows, 0 that stop, 0 warnings.\n"
    trained = churn("train", "--json")
    assert trained.code == 0, trained.err
    assert json.loads(trained.out)["promoted"]
    scored = churn("score", "--out", "list.csv")
    assert scored.code == 0, scored.err
    return Path("list.csv").read_text()


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_any_kind_gives_the_list_of_the_csv_file(churn: Churn, record: Path, name: str) -> None:
    Path("mlflow").mkdir()
    Path("mlflow/mlflow.db").write_bytes(record.read_bytes())
    KINDS[name](Path(name))
    found = _listed(churn, name)
    assert len(found.splitlines()) == 401
    assert all(row[0] in found for row in ROWS)
