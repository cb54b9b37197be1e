"""One customer of a flat table: read alone as in the list, and the source is named where his column is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops.errors import SourceError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.scoring.single_customer import read_customer
from tests.companies.small import Company, write_rows


def bundle_of(company: Company) -> Bundle:
    champion = BundleCache(company.settings.models.folder).champion()
    assert champion is not None
    return champion.bundle


def test_a_customer_is_found_by_his_name_and_a_stranger_is_not(company: Company) -> None:
    bundle, listed = bundle_of(company), company.rows()[3]
    row = read_customer(company.settings, f" {listed['customer_id']} ", bundle)
    assert row is not None
    assert list(row.values) == list(bundle.contract.features)
    assert row.values["tenure"] == float(listed["tenure"])
    assert read_customer(company.settings, "nobody", bundle) is None


def test_a_source_that_lost_the_column_of_the_customer_is_refused_naming_it(company: Company, tmp_path: Path) -> None:
    rows = [{"customer": row.pop("customer_id"), **row} for row in company.rows()[:5]]
    file = write_rows(tmp_path / "renamed.csv", rows)
    source = company.settings.source.model_copy(update={"url": str(file)})
    settings = company.settings.model_copy(update={"source": source})
    with pytest.raises(SourceError, match="no column 'customer_id', which tells its customers; nearest: 'customer'"):
        read_customer(settings, rows[0]["customer"], bundle_of(company))
