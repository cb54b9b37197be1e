"""An offer changes the demo company as the truth says: some churners stay and go on as before, few are driven away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from churn_mlops.data.demo_company import CompanyFiles, write_company
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.data.demo_company.offer_effects import OfferEffects, make_effective

DAY = date(2026, 7, 31)
IN_HORIZON = f"churn_date > DATE '{DAY}' AND churn_date <= DATE '{DAY}' + 30"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> CompanyFiles:
    return write_company(tmp_path_factory.mktemp("company"), 3000, 6, 1)


@pytest.fixture(scope="module")
def ends(files: CompanyFiles) -> dict[str, date | None]:
    """The churn date of each customer who was active on the day, as the company was without offers."""
    with duckdb.connect(str(files.database)) as connection:
        rows = connection.execute(
            f"SELECT customer_id, churn_date FROM customers WHERE signup_date <= DATE '{DAY}' "
            f"AND (churn_date IS NULL OR churn_date > DATE '{DAY}') ORDER BY 1"
        ).fetchall()
    return dict(rows)


@pytest.fixture(scope="module")
def effects(files: CompanyFiles, ends: dict[str, date | None]) -> OfferEffects:
    """Everyone heard the offer."""
    return make_effective(files.database, files.truth, DAY, list(ends), LAST_DAY, np.random.default_rng(3))


@pytest.fixture
def company(files: CompanyFiles, effects: OfferEffects) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(files.database), read_only=True) as connection:
        yield connection


def test_as_many_are_kept_as_the_truth_expects(
    files: CompanyFiles, ends: dict[str, date | None], effects: OfferEffects
) -> None:
    leavers = [name for name, end in ends.items() if end is not None and end <= DAY + timedelta(days=30)]
    with duckdb.connect() as connection:
        chances = connection.execute(
            "SELECT greatest(0, 1 - hazard_if_offered / hazard) FROM read_parquet(?) "
            "WHERE as_of = ? AND list_contains(?, customer_id)",
            [str(files.truth), DAY, leavers],
        ).fetchall()
    shares = np.array([chance for (chance,) in chances])
    assert len(leavers) > 80
    assert abs(len(effects.kept) - shares.sum()) < 4 * np.sqrt((shares * (1 - shares)).sum())
    assert set(effects.kept) <= set(leavers)
    assert not set(effects.driven_away) & set(leavers)


def test_kept_customers_stay_and_go_on_as_before(
    company: duckdb.DuckDBPyConnection, ends: dict[str, date | None], effects: OfferEffects
) -> None:
    rows = company.execute(
        "SELECT c.customer_id, c.churn_date, max(u.week_ending), count(DISTINCT u.week_ending), count(*) "
        "FROM customers c JOIN usage u USING (customer_id) WHERE list_contains(?, c.customer_id) GROUP BY 1, 2",
        [list(effects.kept)],
    ).fetchall()
    assert len(rows) > 0.9 * len(effects.kept)  # a few never used anything
    for name, end, last_use, weeks, count in rows:
        until = end or LAST_DAY
        assert end is None or end > ends[name]
        assert until - timedelta(days=98) < last_use <= until
        assert weeks == count  # no week stands twice
    cancelled = "SELECT count(*) FROM cancellations WHERE list_contains(?, customer_id)"
    assert company.execute(cancelled, [list(effects.kept)]).fetchone() == (0,)


def test_customers_who_are_driven_away_do_nothing_after_it(
    company: duckdb.DuckDBPyConnection, effects: OfferEffects
) -> None:
    gone = list(effects.driven_away)
    in_time = company.execute(
        f"SELECT count(*) FROM customers WHERE list_contains(?, customer_id) AND {IN_HORIZON}", [gone]
    )
    assert in_time.fetchone() == (len(gone),)
    for table, day in (("usage", "week_ending"), ("payments", "paid_on"), ("tickets", "opened_at")):
        rows = f"{table} JOIN customers USING (customer_id)"
        later = f"SELECT count(*) FROM {rows} WHERE {day} > churn_date AND list_contains(?, customer_id)"
        assert company.execute(later, [gone]).fetchone() == (0,)


def test_no_one_hears_an_offer_and_nothing_changes(files: CompanyFiles, effects: OfferEffects, tmp_path: Path) -> None:
    assert make_effective(files.database, files.truth, DAY, [], LAST_DAY, np.random.default_rng(3)) == OfferEffects()
