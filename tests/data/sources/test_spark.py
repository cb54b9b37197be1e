"""The address of Spark, and the error if it cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.sources.open import open_table
from churn_mlops.data.sources.spark import SparkAddress, is_spark
from churn_mlops.errors import SourceError

CONTRACT = HistoryContract.from_dict(
    {
        "name": "tests",
        "customer": "id",
        "tables": {"customers": {"start": "signed_on"}},
        "features": {"tenure": {"age_of": "customers.start", "unit": "months"}},
    }
)


@pytest.mark.parametrize(
    ("address", "master", "folder", "database"),
    [
        ("spark://local[2]/data/my%20tables", "local[2]", "/data/my tables", None),
        ("spark://local[*]?folder=tables", "local[*]", "tables", None),
        ("spark://local?database=crm", "local", None, "crm"),
        ("spark://host:7077?folder=s3a://bucket/tables", "spark://host:7077", "s3a://bucket/tables", None),
        ("spark://yarn?database=lake.crm", "yarn", None, "lake.crm"),
        ("spark:///data/tables", None, "/data/tables", None),
        ("spark://localhost:7077", "spark://localhost:7077", None, None),
    ],
)
def test_an_address_says_master_and_place(
    address: str, master: str | None, folder: str | None, database: str | None
) -> None:
    found = SparkAddress.of(address)
    assert (found.master, found.folder, found.database) == (master, folder, database)
    assert found.is_local == (master is not None and master.partition("[")[0] == "local")


def test_options_are_those_of_spark_and_are_never_shown() -> None:
    found = SparkAddress.of("spark://yarn?database=crm&spark.hadoop.fs.s3a.secret.key=very%2Bsecret")
    assert found.options == {"spark.hadoop.fs.s3a.secret.key": "very+secret"}
    assert "very" not in found.shown + repr(found)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("spark://local/tables?database=crm", "in one place"),
        ("spark://local?folder=tables&database=crm", "in one place"),
        ("spark://local?catalog=crm", "'catalog' is no option"),
        ("spark://user:secret@host:7077/tables", "cannot be read"),
    ],
)
def test_an_address_of_another_form_is_refused(address: str, said: str) -> None:
    with pytest.raises(SourceError, match=said) as caught:
        SparkAddress.of(address)
    assert "secret" not in str(caught.value)


def test_other_addresses_do_not_lead_to_spark() -> None:
    assert is_spark("spark://local")
    assert not any(map(is_spark, (None, "tables", "postgres://host/spark")))


def test_a_missing_pyspark_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(SourceError, match=r"needs PySpark: pip install 'churn-mlops\[spark\]'"):
        open_tables("spark://local/tables", CONTRACT)


def test_a_missing_java_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SourceError, match=r"needs Java 17 or later, and JAVA_HOME .* holds none"):
        open_tables("spark://local/tables", CONTRACT)
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="needs Java 17 or later, and there is none"):
        open_tables("spark://local/tables", CONTRACT)


def test_a_flat_table_is_not_read_from_spark() -> None:
    with pytest.raises(SourceError, match="one flat table is not read from Spark"):
        open_table("spark://local/tables", "customers")
