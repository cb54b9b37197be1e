"""The demo company with a history is reproducible, keeps its contract, adds up, and holds what its page describes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.demo_company import write_company
from churn_mlops.data.demo_company.tables import SCHEMA, Database

LAST_DAY = "DATE '2026-10-31'"
SHIFT = "DATE '2026-02-28'"  # the competitor enters the day after
EIGHT = (
    "tenure monthly_charges total_charges contract_type payment_method internet_service tech_support online_security"
)
# When a row happened and when the company learnt of it.
TIMES = {
    "plans": ("valid_from", "recorded_at"),
    "payments": ("paid_on", "recorded_at"),
    "usage": ("week_ending", "loaded_at"),
    "tickets": ("opened_at", "recorded_at"),
    "cancellations": ("requested_at", "recorded_at"),
    "offers": ("offered_on", "recorded_at"),
}


@dataclass(frozen=True)
class Made:
    """The company, with ``truth`` as one more table of its database."""

    connection: duckdb.DuckDBPyConnection
    contract: HistoryContract

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query).fetchall()

    def one(self, query: str) -> Any:
        return self.rows(query)[0][0]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    files = write_company(tmp_path_factory.mktemp("company"), customers=3000, months=24, seed=7)
    contract = load_contract(files.contract)
    assert isinstance(contract, HistoryContract)
    with duckdb.connect(str(files.database)) as connection:
        connection.execute(f"CREATE TEMP TABLE truth AS FROM '{files.truth}'")
        yield Made(connection, contract)


def everything(folder: Path, seed: int) -> list[list[tuple[Any, ...]]]:
    files = write_company(folder, customers=150, months=5, seed=seed)
    with duckdb.connect(str(files.database), read_only=True) as connection:
        return [connection.execute(f"FROM {place}").fetchall() for place in [*SCHEMA, f"'{files.truth}'"]]


def test_same_seed_gives_the_same_rows_in_the_same_order_and_another_seed_other_rows(tmp_path: Path):
    first, again, other = (everything(tmp_path / name, seed) for name, seed in [("a", 1), ("b", 1), ("c", 2)])
    assert first == again
    assert all(mine != theirs for mine, theirs in zip(first, other, strict=True))


@pytest.mark.parametrize("last_day", [date(2026, 10, 30), date(2026, 11, 28), date(2027, 2, 28)])
def test_a_history_ends_on_the_day_that_is_asked_for(tmp_path: Path, last_day: date):
    files = write_company(tmp_path, 150, 5, 1, last_day)
    with duckdb.connect(str(files.database), read_only=True) as connection:
        dated = {
            table: connection.execute(f"SELECT max({at}) FROM {table}").fetchall()[0][0]
            for table, (at, _) in TIMES.items()
        }
        recorded = [
            connection.execute(f"SELECT max({at}) FROM {table}").fetchall()[0][0] for table, (_, at) in TIMES.items()
        ]
        weekdays = connection.execute("SELECT DISTINCT dayname(week_ending) FROM usage").fetchall()
        active = connection.execute(f"SELECT count(*) FROM '{files.truth}' WHERE as_of = DATE '{last_day}'").fetchall()
    assert last_day - timedelta(days=3) <= max(dated.values()) <= last_day
    assert last_day - timedelta(days=9) <= dated["usage"] <= last_day
    assert max(recorded).date() <= last_day
    assert weekdays == [("Sunday",)]
    assert active == [(150,)]


def test_writing_again_replaces_the_three_files_and_leaves_nothing_else(tmp_path: Path):
    write_company(tmp_path, 30, 4, 1)
    files = write_company(tmp_path, 40, 4, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["company.duckdb", "contract.yaml", "truth.parquet"]
    with duckdb.connect(str(files.database), read_only=True) as connection:
        active = connection.execute(f"SELECT count(*) FROM '{files.truth}' WHERE as_of = {LAST_DAY}").fetchall()
    assert active == [(40,)]


def test_writing_that_fails_halfway_leaves_the_files_that_were_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files = write_company(tmp_path, 30, 4, 1)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def no_room(_: Database) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Database, "finish", no_room)
    with pytest.raises(OSError, match="no space left"):
        write_company(tmp_path, 40, 4, 1)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert files.database in before


@pytest.mark.parametrize(("customers", "months", "name"), [(0, 24, "customers"), (100, 3, "months")])
def test_too_few_customers_or_months_are_refused_by_name(tmp_path: Path, customers: int, months: int, name: str):
    with pytest.raises(ValueError, match=f"{name} is .* at least"):
        write_company(tmp_path / "none", customers, months, 1)
    assert not (tmp_path / "none").exists()


def test_customers_at_the_end_of_every_month_are_as_many_as_asked_for(company: Made):
    ends = company.rows("SELECT as_of FROM truth GROUP BY ALL ORDER BY ALL")
    assert len(ends) == 25
    active = "SELECT count(*) FROM truth GROUP BY as_of"
    assert set(company.rows(active)) == {(3000,)}
    known = company.one(f"SELECT count(*) FROM customers WHERE churn_date IS NULL AND signup_date <= {LAST_DAY}")
    assert 3000 <= known <= 3030  # some ends of the last days are not known yet


def test_about_five_percent_end_a_month_and_one_in_ten_of_them_for_not_paying(company: Made):
    share, unpaid = company.rows(
        "SELECT avg((fate != 'stayed')::INT), avg((fate = 'payment_failure')::INT) FILTER (fate != 'stayed') FROM truth"
    )[0]
    assert 0.045 < share < 0.055
    assert 0.07 < unpaid < 0.13


def test_truth_shows_how_many_leave_by_choice(company: Made):
    expected, left = company.rows(
        "SELECT sum(hazard), sum((fate = 'left')::INT) FROM truth WHERE fate != 'payment_failure'"
    )[0]
    assert left / expected == pytest.approx(1.0, abs=0.06)


def test_fate_of_the_truth_is_the_end_in_the_database(company: Made):
    company.connection.execute(
        "CREATE OR REPLACE TEMP TABLE fates AS "
        "SELECT fate, coalesce(churn_date BETWEEN as_of + 1 AND as_of + 30, false) AS ended, "
        f"churn_reason FROM truth JOIN customers USING (customer_id) WHERE as_of + 37 <= {LAST_DAY}"
    )
    assert company.one("SELECT count(*) FROM fates WHERE ended != (fate != 'stayed')") == 0
    unpaid = (
        "SELECT count(*) FROM fates WHERE ended AND (churn_reason = 'payment_failure') != (fate = 'payment_failure')"
    )
    assert company.one(unpaid) == 0


def test_contract_names_tables_and_columns_of_the_database_and_requires_the_eight(company: Made):
    contract = company.contract
    columns = {
        (table, column) for table, column in company.rows("SELECT table_name, column_name FROM duckdb_columns()")
    }
    for table, declared in contract.tables.items():
        names = [declared.time, declared.known, declared.end, declared.end_known_at, contract.customer]
        assert {(table, name) for name in names if name} <= columns
    for feature in contract.features.values():
        table, column = feature.reads
        where = feature.ratio.where if feature.ratio else feature.where
        assert {(table, contract.column(table, name)) for name in (column, *where) if name} <= columns
    assert {tuple(name.split(".")) for name in contract.set_aside} <= columns
    assert [name for name, feature in contract.features.items() if feature.required] == EIGHT.split()
    assert len(contract.features) > 12


def test_no_feature_reads_what_only_churners_have(company: Made):
    read = {feature.reads[0] for feature in company.contract.features.values()}
    assert "cancellations" not in read
    leaks = [name for name, aside in company.contract.set_aside.items() if aside.reason == "suspected_leak"]
    assert {"cancellations.requested_at", "cancellations.effective_on"} <= set(leaks)


def test_every_declared_level_occurs_and_no_other(company: Made):
    for feature in company.contract.features.values():
        if feature.levels:
            table, column = feature.reads
            assert {value for (value,) in company.rows(f"SELECT DISTINCT {column} FROM {table}")} == set(feature.levels)


def test_label_waits_until_every_end_is_known(company: Made):
    label = company.contract.label
    assert label is not None
    longest = company.one("SELECT max(churn_recorded_at::DATE - churn_date) FROM customers")
    assert 0 < longest <= label.reporting_delay_days


@pytest.mark.parametrize("table", TIMES)
def test_nothing_is_known_before_it_happens_and_some_of_it_only_later(company: Made, table: str):
    event, known = TIMES[table]
    early, late, after = company.rows(
        f"SELECT min({known}::DATE - {event}), count(*) FILTER ({known}::DATE > {event}), max({known}) FROM {table}"
    )[0]
    assert early == 0
    assert late > 0
    assert str(after) < "2026-11-01"


@pytest.mark.parametrize("table", ["usage", "payments", "plans"])
def test_a_few_rows_come_weeks_late(company: Made, table: str):
    event, known = TIMES[table]
    share = company.one(f"SELECT avg(({known}::DATE - {event} >= 14)::INT) FROM {table}")
    assert 0 < share < 0.01


@pytest.mark.parametrize("table", TIMES)
def test_nothing_happens_to_who_is_no_customer(company: Made, table: str):
    event, known = TIMES[table]
    outside = f"{event} < signup_date OR {event} > churn_date"
    assert company.one(f"SELECT count(*) FROM {table} JOIN customers USING (customer_id) WHERE {outside}") == 0
    strangers = f"SELECT count(*) FROM {table} ANTI JOIN customers USING (customer_id)"
    assert company.one(strangers) == 0
    if table in ("usage", "payments"):
        late = f"SELECT count(*) FROM {table} JOIN customers USING (customer_id) WHERE {known}::DATE > churn_date"
        assert company.one(late) > 0


def test_customers_have_one_row_each_and_a_plan_from_their_first_day(company: Made):
    assert company.one("SELECT count(*) = count(DISTINCT customer_id) FROM customers")
    first = "SELECT customer_id, min(valid_from) AS day, min(recorded_at)::DATE AS known FROM plans GROUP BY ALL"
    assert company.one(
        f"SELECT bool_and(day = signup_date AND known = day) FROM customers LEFT JOIN ({first}) USING (customer_id)"
    )


def test_plans_change_in_each_way_the_page_describes(company: Made):
    company.connection.execute(
        "CREATE OR REPLACE TEMP TABLE steps AS SELECT *, "
        + ", ".join(
            f"lag({name}) OVER who AS old_{name}"
            for name in ("contract_type", "monthly_charges", "internet_service", "tech_support", "payment_method")
        )
        + " FROM plans WINDOW who AS (PARTITION BY customer_id ORDER BY valid_from)"
    )
    for change in (
        "contract_type = 'two_year' AND old_contract_type = 'month-to-month'",
        "internet_service = 'fiber_optic' AND old_internet_service = 'dsl'",
        "tech_support != old_tech_support",
        "payment_method != old_payment_method",
    ):
        assert company.one(f"SELECT count(*) FROM steps WHERE {change}") > 0
    risen = company.rows(
        "SELECT monthly_charges / old_monthly_charges FROM steps JOIN customers USING (customer_id) "
        "WHERE valid_from = signup_date + 365 AND old_contract_type = contract_type"
    )
    assert len(risen) > 1000
    assert all(float(ratio) == pytest.approx(1 / 0.85, rel=0.001) for (ratio,) in risen)


def test_payments_are_the_charges_of_the_plan_and_a_second_try_asks_for_the_same(company: Made):
    company.connection.execute(
        "CREATE OR REPLACE TEMP TABLE billed AS SELECT p.*, monthly_charges, "
        "lag(status) OVER who = 'failed' AND paid_on - lag(paid_on) OVER who = 5 AS second "
        "FROM payments p ASOF JOIN plans ON p.customer_id = plans.customer_id AND p.paid_on >= plans.valid_from "
        "WINDOW who AS (PARTITION BY p.customer_id ORDER BY paid_on)"
    )
    assert (
        company.one("SELECT count(*) FROM billed WHERE NOT coalesce(second, false) AND amount != monthly_charges") == 0
    )
    tried = company.rows("SELECT status, count(*) FROM billed WHERE second GROUP BY ALL")
    assert dict(tried)["paid"] > 2 * dict(tried)["failed"] > 0
    months = "date_diff('month', signup_date, least(churn_date, DATE '2026-10-31'))"
    wrong = (
        "SELECT count(*) FROM (SELECT customer_id, count(*) FILTER (NOT coalesce(second, false)) AS bills FROM billed "
        f"GROUP BY ALL) JOIN customers USING (customer_id) WHERE bills NOT BETWEEN {months} - 2 AND {months} + 1"
    )
    assert company.one(wrong) < 0.002 * company.one("SELECT count(*) FROM customers")  # a bill may be recorded later


def test_only_customers_who_chose_to_leave_had_asked_for_it(company: Made):
    company.connection.execute(
        "CREATE OR REPLACE TEMP TABLE gone AS SELECT churn_date, churn_reason, requested_at, effective_on "
        "FROM customers LEFT JOIN cancellations USING (customer_id)"
    )
    chose = "churn_date IS NOT NULL AND churn_reason != 'payment_failure'"
    assert company.one(f"SELECT bool_and(effective_on = churn_date) FROM gone WHERE {chose}")
    assert company.one(f"SELECT max(churn_date - requested_at) FROM gone WHERE {chose}") == 10
    assert company.one("SELECT count(requested_at) FROM gone WHERE churn_reason = 'payment_failure'") == 0
    still = company.rows("SELECT effective_on FROM gone WHERE requested_at IS NOT NULL AND churn_date IS NULL")
    assert len(still) > 0  # requests of the last days, whose end is not in the database
    assert all(str(day) >= "2026-10-20" for (day,) in still)


def test_falling_usage_tickets_and_bad_ratings_come_before_leaving(company: Made):
    trend = (
        "SELECT sum(logins) FILTER (week_ending > as_of - 28) / sum(logins) FROM truth JOIN usage USING (customer_id) "
        "JOIN customers USING (customer_id) WHERE week_ending > as_of - 84 AND week_ending <= as_of "
        "AND signup_date < as_of - 84 AND fate = '{}'"
    )
    assert company.one(trend.format("left")) < company.one(trend.format("stayed")) - 0.02
    opened = (
        "SELECT count(topic) / count(DISTINCT (truth.customer_id, as_of)), avg(satisfaction) "
        "FROM truth LEFT JOIN tickets "
        "ON truth.customer_id = tickets.customer_id AND opened_at BETWEEN as_of - 89 AND as_of "
        "WHERE as_of > DATE '2025-01-01' AND fate {}"
    )
    (many, bad), (few, good) = (company.rows(opened.format(fate))[0] for fate in ("= 'left'", "= 'stayed'"))
    assert many > few + 0.05
    assert bad < good


def test_usage_has_its_seasons(company: Made):
    by_month = dict(
        company.rows("SELECT month(week_ending), avg(gigabytes) FROM usage WHERE gigabytes > 0 GROUP BY ALL")
    )
    assert by_month[7] < 0.9 * by_month[4]
    assert by_month[12] > 1.15 * by_month[4]


def test_competitor_makes_only_fiber_customers_without_a_term_leave_more(company: Made):
    company.connection.execute(
        "CREATE OR REPLACE TEMP TABLE seen AS SELECT truth.*, contract_type = 'month-to-month' AND "
        "internet_service = 'fiber_optic' AS tempted, as_of >= " + SHIFT + " AS shifted "
        "FROM truth ASOF JOIN plans ON truth.customer_id = plans.customer_id AND truth.as_of >= plans.valid_from"
    )
    odds = dict(
        company.rows("SELECT (tempted, shifted)::VARCHAR, avg(ln(hazard / (1 - hazard))) FROM seen GROUP BY ALL")
    )
    rise = {who: odds[f"({who}, true)"] - odds[f"({who}, false)"] for who in ("true", "false")}
    assert rise["true"] > 0.1
    assert abs(rise["false"]) < 0.06


def test_an_offer_persuades_some_wastes_money_on_many_and_drives_a_few_away(company: Made):
    share = dict(company.rows("SELECT kind, count(*) / (SELECT count(*) FROM truth) FROM truth GROUP BY ALL"))
    assert set(share) == {"persuadable", "lost_cause", "sure_thing", "driven_away"}
    assert 0.01 < share["persuadable"] < 0.05
    assert 0.02 < share["driven_away"] < 0.15
    assert share["sure_thing"] > 0.75
    assert company.one("SELECT bool_and(hazard_if_offered > hazard) FROM truth WHERE kind = 'driven_away'")
    assert company.one("SELECT min(hazard - hazard_if_offered) FROM truth WHERE kind = 'persuadable'") >= 0.1
    kept = company.one("SELECT 1 - sum(hazard_if_offered) / sum(hazard) FROM truth WHERE hazard > 0.3")
    assert 0.1 < kept < 0.5
    assert {outcome for (outcome,) in company.rows("SELECT outcome FROM offers")} == {
        "accepted",
        "declined",
        "no_answer",
    }


def test_hazard_varies_much_more_than_its_mean(company: Made):
    top = company.one(
        "SELECT sum(hazard) FILTER (place <= 0.1) / sum(hazard) FROM (SELECT hazard, "
        "percent_rank() OVER (PARTITION BY as_of ORDER BY hazard DESC) AS place FROM truth)"
    )
    assert 0.35 < top < 0.6
