"""`churn monitor` prints what asks for something, on a terminal of 80 columns."""

from __future__ import annotations

import pytest

from churn_mlops.cli.results.monitor import show
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement
from tests.store.builders import DAY, NOW

WATCH = StoredMeasurement(
    "top_decile_calibration", "", 127.1, 111.3, 142.9, 314, 247, "watch",
    "Look at the drift and at the latest changes of prices and products; then train again.",
)  # fmt: skip
ACT = StoredMeasurement(
    "churn_by_level", "contract_type=month-to-month", 0.121, 0.095, 0.147, 86, 709, "act", "Ask why."
)
OFFER = StoredMeasurement("success", "7", -0.02, -0.14, 0.12, -3, 125, "watch", "Not proven yet.")
GOOD = StoredMeasurement("auc", "", 0.8, 0.7, 0.9, 90, 1200, "good", "Nothing to do.")


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def test_the_most_urgent_figures_come_first_and_fit_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show(MeasuredDay(DAY, NOW, (GOOD, WATCH, OFFER, ACT)))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "top decile calibration" in text
    assert "127.1 (111.3 to 142.9)" in text
    assert "contract type: month-to-month" in text
    assert "campaign 7" in text
    assert "auc" not in text
    assert text.index("Ask why.") < text.index("Not proven yet.")
    assert len(lines) < 18  # no cell is folded to a column of words


def test_nothing_to_do_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show(MeasuredDay(DAY, NOW, (GOOD,)))
    assert "No figure asks for anything." in capsys.readouterr().out
