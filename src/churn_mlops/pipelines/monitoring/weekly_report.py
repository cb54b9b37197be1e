"""The job of the weekly report: written as a file, or sent to the webhook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from churn_mlops.atomic_files import write_atomic
from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError
from churn_mlops.pipelines.delivery.webhook import RetryClock, deliver_report
from churn_mlops.reporting.weekly import weekly_html, weekly_text
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.campaigns import campaigns
from churn_mlops.store.measurements import MeasuredDay, latest_measurements

PDF = ".pdf"


@dataclass(frozen=True)
class WeeklyReport:
    """The report of the newest measurement.

    Args:
        day: the figures.
        campaigns: the name of each campaign by its number.
    """

    day: MeasuredDay
    campaigns: Mapping[int, str]

    @property
    def measured_on(self) -> date:
        """The date of the figures."""
        return self.day.measured_on

    def write(self, path: Path) -> None:
        """Write the report, whole or not at all: as PDF where the name ends in ``.pdf``, else as HTML."""
        if path.suffix.lower() == PDF:
            from churn_mlops.reporting.weekly_pdf import weekly_pdf  # it takes a while to import

            write_atomic(path, weekly_pdf(self.day, self.campaigns))
        else:
            write_atomic(path, weekly_html(self.day, self.campaigns).encode())

    def send(self, settings: Settings, patience: RetryClock) -> None:
        """Send the report to the webhook.

        Raises:
            ConfigError: no webhook is configured.
            DeliveryError: it was not accepted.
        """
        text, page = weekly_text(self.day, self.campaigns), weekly_html(self.day, self.campaigns)
        document = {"measured_on": self.measured_on.isoformat(), "text": text, "html": page}
        deliver_report(document, settings.webhook, patience, measured_on=self.measured_on)


def weekly_report(settings: Settings) -> WeeklyReport:
    """The weekly report.

    Raises:
        ConfigError: nothing was measured.
        StoreError: the store fails.
    """
    with open_store(settings.store.url) as store:
        day, names = latest_measurements(store), {one.id: one.name for one in campaigns(store)}
    if day is None:
        raise ConfigError("nothing was measured yet: run `churn monitor`, or the daily run, which measures at its end")
    return WeeklyReport(day, names)
