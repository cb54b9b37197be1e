"""The weekly report as HTML has the charts of the PDF, as vectors within the page, and their values as a table."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

from churn_mlops.reporting.weekly import GROUPS, weekly_html
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement
from tests.reporting.test_weekly_pdf import AUC, ROI, WEEKS
from tests.store.builders import DAY, NOW

CALIBRATION = [replace(one, name="calibration", value=97, low=80, high=115) for one in WEEKS]


def page(*figures: StoredMeasurement) -> str:
    return weekly_html(MeasuredDay(DAY, NOW, figures), {1: "Spring"})


def charts(text: str) -> list[ET.Element]:
    return [ET.fromstring(one) for one in re.findall(r"<svg.*?</svg>", text, re.S)]


def test_each_chart_has_all_points_intervals_and_an_alternative_text() -> None:
    found = charts(page(AUC, *WEEKS, *CALIBRATION))
    assert len(found) == 2
    for chart in found:
        assert [one.get("class") for one in chart.iter("circle")] == ["final", "final", "final", "estimate"]
        assert len([one for one in chart.iter("line") if one.get("class") == "whisker"]) == 4
        assert chart.get("role") == "img"
    label = found[0].get("aria-label") or ""
    assert label.startswith(
        "AUC: is the order of the list right? by date, from Nov 1, 2026 (0.830) to Nov 22, 2026 (0.800)"
    )
    assert [one.text for one in found[0].iter("text")][:4] == ["0.78", "0.80", "0.82", "0.84"]
    right = [one for one in found[1].iter("line") if one.get("class") == "right"]
    assert len(right) == 1


def test_a_table_carries_the_values_where_a_mail_program_shows_no_vectors() -> None:
    rows = re.findall(r"<tr>(.*?)</tr>", page(AUC, *WEEKS), re.S)
    cells = [" ".join(re.sub("<[^>]+>", " ", one).split()) for one in rows]
    assert cells[0] == "Date Value 95 % interval"
    assert cells[1] == "Nov 1, 2026 0.830 0.780 to 0.840"
    assert cells[-1] == "Nov 22, 2026 0.800 (estimate) 0.780 to 0.840"


def test_the_page_asks_for_nothing_from_elsewhere_and_runs_nothing() -> None:
    text = page(AUC, *WEEKS, ROI)
    assert not re.search(r"<script|<link|<img|<image|<use|href=|src=|url\(|@import|\son\w+=", text)


def test_too_few_dates_draw_no_chart() -> None:
    text = page(AUC, *WEEKS[:2])
    assert "<svg" not in text
    assert "<table" not in text


def test_figures_stand_under_the_questions_of_the_paper_with_the_charts_under_the_first() -> None:
    text = page(AUC, *WEEKS, ROI)
    places = [text.index(f"<h2>{question}</h2>") for question in GROUPS]
    assert places == sorted(places)
    assert places[0] < text.index("<svg") < places[1] < text.index("Money in less money out") < places[2]
    assert text.count("Nothing was measured yet.") == 2
    assert re.search(r'<strong class="badge" style="background:#e2f3e8;color:#1c6238">Good</strong>', text)
    assert re.search(r'<strong class="badge" style="background:#fdf0d5;color:#7a4a00">Watch</strong>', text)


def test_the_most_urgent_group_of_each_kind_is_a_figure_and_says_how_many_stand_out() -> None:
    level = StoredMeasurement("churn_by_level", "plan=basic", 0.124, 0.11, 0.14, 124, 1000, "watch", "Look.")
    worst = replace(level, part="contract_type=month-to-month", value=0.1, status="act", next_step="Find the cause.")
    fine = replace(level, part="plan=full", value=0.9, status="good")
    text = page(level, worst, fine, replace(fine, name="churn_by_cohort"))
    assert "Churn by feature (contract type: month-to-month)" in text
    assert "124 of 1,000 customers churned; 2 of 3 groups stand out" in text
    assert "Find the cause." in text
    assert "plan: basic" not in text
    assert "Churn by sign-up" not in text
    drift = StoredMeasurement("feature_drift", "plan", 0.17, None, None, None, 1000, "watch", "Look why it changed.")
    text = page(drift, replace(drift, part="age", status="good", value=0.3))
    assert "Drift by feature (plan)" in text
    assert "0.170" in text
    assert "1,000 customers scored; 1 of 2 features stand out" in text
