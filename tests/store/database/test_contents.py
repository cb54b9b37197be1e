"""Which tables of a store hold rows."""

from __future__ import annotations

from churn_mlops.store import Store
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.database.contents import filled_tables
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import batches, run


def test_an_empty_store_holds_nothing_and_a_key_is_no_data_of_customers(store: Store) -> None:
    assert filled_tables(store) == []
    make_key(store, "crm", "agent", by="test")
    assert filled_tables(store) == ["api_keys", "audit_events"]
    assert filled_tables(store, besides=("api_keys", "audit_events")) == []


def test_a_published_date_is_found_in_each_of_its_tables(store: Store) -> None:
    publish(store, run(), batches(3))
    assert sorted(filled_tables(store)) == ["predictions", "scoring_runs"]
