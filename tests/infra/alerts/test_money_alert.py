"""Customers leave for other reasons than when the model was made, until the version before is live again."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import duckdb

from churn_mlops.config import Settings, load_settings
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.store import open_store
from churn_mlops.store.scoring.predictions import predictions
from tests.companies.daily import DailyCompany, write_daily_company
from tests.infra.alerts.conftest import Observe
from tests.infra.alerts.observed import fix_of
from tests.infra.alerts.weeks import live_through
from tests.pipelines.deployment.two_versions import live, turned

TURN = LAST_DAY - timedelta(days=60)
"""From the day after, other customers leave."""
BEFORE = [TURN - timedelta(days=back) for back in (65, 58, 51, 44, 37, 30)]
AFTER = [TURN + timedelta(days=ahead) for ahead in (0, 7, 14, 21)]


def six_o_clock(day: date) -> datetime:
    return datetime.combine(day, time(6), UTC)


def settings_in(folder: Path, company: DailyCompany) -> Settings:
    """Settings of the company with a store, a record and a models folder in ``folder``."""
    written = company.config(
        "old",
        f"sqlite:///{folder}/churn.db",
        decision="{threshold: 0.06, customer_value: 600, offer_cost: 20, kept_share: 0.5}",
        models=f"{{folder: {folder}/models}}",
        mlflow=f'{{uri: "sqlite:///{folder}/mlflow.db", artifacts: {folder}/artifacts}}',
    )
    return load_settings(written.rename(folder / "config.yaml"), {})


def turn(source: Path, steady: list[str]) -> None:
    """Whoever would leave after the turn stays, and as many leave who were the least likely to."""
    loaded = source.with_suffix(".new")  # the server may have the source open
    shutil.copy(source, loaded)
    with duckdb.connect(str(loaded)) as connection:
        leave = "FROM customers WHERE churn_date > ?"
        (count,) = connection.execute(f"SELECT count(*) {leave}", [TURN]).fetchone() or (0,)
        connection.execute(
            "UPDATE customers SET churn_date = NULL, churn_recorded_at = NULL WHERE churn_date > ?", [TURN]
        )
        for place, customer in enumerate(steady[:count]):
            day = TURN + timedelta(days=1 + place % 55)
            connection.execute(
                "UPDATE customers SET churn_date = ?, churn_recorded_at = ? WHERE customer_id = ?",
                [day, six_o_clock(day).replace(tzinfo=None), customer],
            )
    loaded.replace(source)


def test_customers_who_leave_for_other_reasons_cost_money_until_another_version_is_live(
    tmp_path: Path, record: Path, observe: Observe
) -> None:
    company = write_daily_company(tmp_path / "made", 1500)
    settings = settings_in(tmp_path, company)
    (tmp_path / "mlflow.db").write_bytes(record.read_bytes())
    good = BundleCache(company.folder / "models").champion()
    assert good is not None
    live(settings, turned(good.bundle), "1", six_o_clock(BEFORE[0]) - timedelta(days=60))
    live(settings, good.bundle, "2", six_o_clock(BEFORE[0]) - timedelta(days=30))

    observed = observe(tmp_path, six_o_clock(TURN + timedelta(days=8)))
    observed.run(live_through, "config.yaml", *map(str, BEFORE))
    observed.serve()
    observed.pass_minutes(3)
    assert observed.shown('churn_money_lost_per_month_low{labels="final"}') < 0
    observed.expect()
    with open_store(settings.store.url) as store:
        ranked = [one.customer for one in predictions(store, BEFORE[-1])]
    turn(company.database("old"), ranked[::-1])
    observed.sleep(hours=24 * 51)
    observed.run(live_through, "config.yaml", *map(str, AFTER))
    observed.pass_minutes(3)
    observed.expect("MoneyLost")
    assert "(MoneyLost)" in observed.churn("churn status", code=1)
    observed.churn(fix_of("money-lost", "churn models rollback"))
    observed.churn("churn monitor")
    observed.pass_minutes(70)
    observed.expect()
    observed.check()
