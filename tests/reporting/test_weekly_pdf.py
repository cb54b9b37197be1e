"""The weekly report on paper: its words can be read back, and are those of the HTML."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from pypdf import PdfReader

from churn_mlops.reporting.weekly import GROUPS, weekly_html
from churn_mlops.reporting.weekly_pdf import weekly_pdf
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement
from tests.store.builders import DAY, NOW

AUC = StoredMeasurement("auc", "", 0.8123, 0.78, 0.84, 90, 1200, "good", "Nothing to do: the order holds.", True, DAY)
WEEKS = [
    replace(AUC, part=str(DAY - timedelta(weeks=back)), value=0.8 + back / 100, is_final=back > 0) for back in range(4)
]
ROI = StoredMeasurement("roi", "1", -1979.5, -23357.0, 19732.9, 24561.4, 26541.0, "watch", "Not proven yet.", False)
WAIT = StoredMeasurement("score_drift", str(DAY), None, None, None, None, 12, "too_little", "Wait.")
CAMPAIGNS = {1: "Wiosna \u0142 \u0412\u0435\u0441\u043d\u0430 <i>"}


def paper(*figures: StoredMeasurement) -> PdfReader:
    return PdfReader(io.BytesIO(weekly_pdf(MeasuredDay(DAY, NOW, figures), CAMPAIGNS)))


def words(found: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in found.pages).split())


def test_the_words_of_the_html_can_be_read_back_from_the_pdf() -> None:
    figures = (AUC, *WEEKS, ROI, WAIT)
    page = re.sub(
        r"<style>.*?</style>|<table>.*?</table>|<[^>]+>",
        "\n",
        weekly_html(MeasuredDay(DAY, NOW, figures), CAMPAIGNS),
        flags=re.S,
    )
    read = words(paper(*figures))
    lines = {" ".join(unescape(line).split()) for line in page.splitlines()}
    for line in lines - {""}:
        for part in re.split(
            r"(?<=\)) |^\(|\)$", line
        ):  # the interval has brackets, a status a full stop in the HTML alone
            assert part.strip(" ().") in read, line
    assert "Wiosna \u0142 \u0412\u0435\u0441\u043d\u0430 <i>" in read


def test_charts_are_vectors_with_a_scale_and_the_page_is_a4() -> None:
    found = paper(AUC, *WEEKS)
    assert all(not page.images for page in found.pages)
    assert [round(float(side)) for side in found.pages[0].mediabox[2:]] == [595, 842]
    read = words(found)
    for shown in ("0.78 0.80 0.82 0.84", "Nov 1, 2026", "Hollow points are estimates"):
        assert shown in read
    assert "Hollow points" not in words(paper(AUC, *WEEKS[:2]))


def test_many_campaigns_go_on_to_further_pages_and_no_question_stands_alone_at_a_foot() -> None:
    many = [replace(ROI, part=str(number)) for number in range(1, 40)]
    pages = paper(AUC, *many).pages
    assert len(pages) > 4
    assert words(paper(AUC, *many)).count("Money in less money out") == 39
    for page in pages:
        *_, above_the_foot, _foot = page.extract_text().splitlines()
        assert above_the_foot not in GROUPS


@pytest.mark.parametrize("figures", [(), (WAIT,)])
def test_too_little_data_is_said(figures: tuple[StoredMeasurement, ...]) -> None:
    read = words(paper(*figures))
    assert read.count("Nothing was measured yet.") == 4 - len(figures)
    assert ("too little data" in read) == bool(figures)


def test_the_same_figures_give_the_same_bytes() -> None:
    day = MeasuredDay(DAY, NOW, (AUC, *WEEKS))
    assert weekly_pdf(day, CAMPAIGNS) == weekly_pdf(day, CAMPAIGNS)
