"""The job of the weekly report: written as a file, or sent to the webhook."""

from __future__ import annotations

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
from churn_mlops.store.measurements import latest_measurements


@dataclass(frozen=True)
class WeeklyReport:
    """The report of the newest measurement.

    Args:
        measured_on: its date.
        html: the page.
        text: a few lines for a chat.
    """

    measured_on: date
    html: str
    text: str

    def write(self, path: Path) -> None:
        """Write the page, whole or not at all."""
        write_atomic(path, self.html.encode())

    def send(self, settings: Settings, patience: RetryClock) -> None:
        """Send the report to the webhook.

        Raises:
            ConfigError: no webhook is configured.
            DeliveryError: it was not accepted.
        """
        document = {"measured_on": self.measured_on.isoformat(), "text": self.text, "html": self.html}
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
    return WeeklyReport(day.measured_on, weekly_html(day, names), weekly_text(day, names))
