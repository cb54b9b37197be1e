"""A small company with a model and two versions of its database, so that an old and a new list of a day differ."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np

from churn_mlops.config import Settings, load_settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.demo_company import write_company
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.models.fitting.inputs import FitSettings
from churn_mlops.models.train import fit_bundle
from churn_mlops.pipelines.training.snapshots import read_labelled
from tests.companies.models_folder import fill_folder

MONTHS = 8
FEW_FEATURES = """
version: 1
name: demo
customer: customer_id
time_zone: Europe/Berlin
tables:
  customers: {start: signup_date, end: churn_date, end_known_at: churn_recorded_at}
  plans: {valid_from: valid_from, known_at: recorded_at}
  usage: {event_time: week_ending, known_at: loaded_at}
label: {event: customers.end, horizon_days: 30, reporting_delay_days: 7}
features:
  tenure: {age_of: customers.start, unit: months}
  monthly_charges: {last: plans.monthly_charges}
  contract_type: {last: plans.contract_type}
  logins_28d: {sum: usage.logins, days: 28, missing: 1.0}
"""
# Long enough ago for their labels to be final.
DAYS = tuple(LAST_DAY - timedelta(days=back) for back in (91, 90))
KEEP_DAYS = 200
LONG_AGO = DAYS[0] - timedelta(days=400)
"""A date that every run finds too old to keep."""


@dataclass(frozen=True)
class DailyCompany:
    """A folder with the two versions of the database, the contract and the model."""

    folder: Path

    def config(self, source: str, store: str, name: str = "config", **sections: str) -> Path:
        """The settings as a file, for a source ("old" or "new", or a path) and the address of a store."""
        path = self.folder / f"{name}.yaml"
        url = self.database(source) if source in ("old", "new") else source
        lines = {
            "source": f"{{url: {url}, as_of: today}}",
            "contract": f"{{path: {self.folder / 'contract.yaml'}}}",
            "models": f"{{folder: {self.folder / 'models'}}}",
            "store": f'{{url: "{store}", keep_days: {KEEP_DAYS}, tombstones: null}}',
            "decision": "{threshold: 0.06}",
            "schedule": "{at: 00:00, retries: 0}",
        } | sections
        path.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()), encoding="utf-8")
        return path

    def database(self, source: str) -> Path:
        """The database of the company, "old" or "new"."""
        return self.folder / f"{source}.duckdb"


def write_daily_company(folder: Path, customers: int, contract: str | None = FEW_FEATURES) -> DailyCompany:
    """Write the company and fit its model, without the record and the checks of a training run.

    Args:
        folder: where to.
        customers: how many are active at a time.
        contract: its text; that of the demo company when None, which takes longer to read.
    """
    files = write_company(folder, customers, MONTHS, 1)
    if contract is not None:
        files.contract.write_text(contract, encoding="utf-8")
    company = DailyCompany(folder)
    shutil.copy(files.database, company.database("old"))
    files.database.rename(company.database("new"))
    with duckdb.connect(str(company.database("new"))) as connection:
        connection.execute("UPDATE plans SET monthly_charges = monthly_charges + 2")
    settings = load_settings(company.config("old", "sqlite:///not-opened.db"), {})
    _fit(settings)
    return company


def _fit(settings: Settings) -> None:
    contract = load_contract(settings.contract.path)
    assert isinstance(contract, HistoryContract)
    tables = open_tables(str(settings.source.url), contract)
    rows = read_labelled(tables, contract, LAST_DAY, every_days=settings.training.every_days, max_dates=2).rows
    flat = contract.flat()
    y = rows.column(LABEL).to_numpy().astype(np.float64)
    bundle = fit_bundle(
        rows.select(list(flat.features)),
        y,
        flat,
        "logistic_regression",
        history=contract,
        settings=FitSettings(threads=1),
    )
    fill_folder(settings.models.folder, bundle)
