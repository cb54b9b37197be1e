"""The page: self-contained, escaped, and saying what the facts say."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from churn_mlops.pipelines.training.report import Recorded
from churn_mlops.reporting import Report, money_of
from churn_mlops.reporting.page import Page
from churn_mlops.reporting.report_data import Cell, Compared, Figure, Noticed, Unseen
from churn_mlops.retention import Economics

EVIL = '<script>alert("x")</script>&amp;'
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


def page_of(report: Report, **economics: float) -> Page:
    return Page(report, money_of(report, replace(Economics(), **economics)), 7, False)


class Reader(HTMLParser):
    """Elements, ids and references of a page; complains where elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name == "id":
                self.ids.append(str(value))
            if name in ("src", "href", "xlink:href", "action"):
                self.links.append(str(value))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(found: Recorded) -> Page:
    return page_of(found.report)


@pytest.fixture(scope="module")
def html(page: Page) -> str:
    return page.html()


def test_the_page_needs_nothing_but_itself(html: str) -> None:
    reader = Reader(html)
    assert not {"script", "iframe", "object", "img"} & set(reader.tags)
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    assert "@import" not in html
    assert set(re.findall(r"https?://[^\s\"<]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "default-src 'none'" in html


def test_every_id_is_there_once_and_every_link_leads_to_one(html: str) -> None:
    reader = Reader(html)
    assert len(set(reader.ids)) == len(reader.ids)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)
    assert set(re.findall(r"url\(#(.*?)\)", html)) <= set(reader.ids)


def test_every_picture_has_a_description_and_scales(page: Page, html: str) -> None:
    names = {"profit", "gains", "lift", "roc", "precision-recall", "calibration", "importance", "segments", "feature-8"}
    assert names <= set(page.pictures)
    opened = re.findall(r"<svg .*?>", html)
    assert len(opened) == len(page.pictures)
    for svg in opened:
        assert 'width="100%"' in svg
        width = float(re.search(r'viewBox="0 0 ([0-9.]+)', svg)[1])  # type: ignore[index]
        assert 360 <= width <= 420  # a phone shows it nearly as large as it is
    assert (
        len(re.findall(r'<title id=".*?">[^<]', html)) == len(opened) == len(re.findall(r'<desc id=".*?">[^<]', html))
    )


def test_words_of_the_contract_are_text_wherever_they_stand(found: Recorded) -> None:
    report, evil = found.report, {"title": EVIL}
    hostile: dict[str, Any] = {
        "subject": report.subject.model_copy(
            update={
                "name": EVIL,
                "label": EVIL,
                "positive": EVIL,
                "chosen_because": EVIL,
                "settings": {EVIL: EVIL},
                "compared": (Compared(model_type=EVIL, log_loss=0.4, excess=0, error=0),),
            }
        ),
        "effects": tuple(
            effect.model_copy(
                update=evil
                | {"unit": EVIL, "cells": tuple(cell.model_copy(update={"text": EVIL}) for cell in effect.cells)}
            )
            for effect in report.effects
        ),
        "segments": tuple(s.model_copy(update=evil | {"text": EVIL, "misjudged": True}) for s in report.segments),
        "columns": tuple(column.model_copy(update=evil | {"missing": 0.5}) for column in report.columns),
        "unseen": (Unseen(column=EVIL, reason="by_choice", note=EVIL),),
        "made": report.made.model_copy(update={"verdict": EVIL}),
    }
    html = page_of(report.model_copy(update=hostile)).html()
    assert "<script" not in html
    assert "script" not in Reader(html).tags
    svgs = re.findall(r"<svg .*?</svg>", html, flags=re.DOTALL)
    assert sum("&lt;script&gt;alert(" in svg for svg in svgs) >= len(report.effects)
    assert html.count("&lt;script&gt;") > 50


def test_the_unit_of_a_figure_breaks_between_words_alone(found: Recorded) -> None:
    html = page_of(found.report, value=1e6).html()
    units = re.findall(r"<small>(.*?)</small>", html)
    assert "\u00a0million USD" in units
    assert not [unit for unit in units if "\u00a0" in unit[1:]]


def test_a_model_that_found_nothing_says_so_first_and_still_has_a_page(found: Recorded, html: str) -> None:
    assert "No signal." not in html
    made = found.report.made.model_copy(update={"signal": False, "promoted": False})
    nothing = {"made": made, "effects": (), "interplays": (), "segments": (), "metrics": {}}
    bare = page_of(found.report.model_copy(update=nothing)).html()
    assert bare.index("No signal.") < bare.index("of 100 customers from the top")
    assert "Recorded, not promoted" in bare
    assert "Too few left to measure" in bare
    Reader(bare)


def test_a_horizon_that_the_contract_does_not_state_is_reported_as_assumed(found: Recorded, html: str) -> None:
    few = {"effects": (), "segments": ()}
    assumed = "figures per month and year hold only if the label looks 30\u00a0days ahead"
    assert found.report.subject.horizon_stated
    assert "assumed, being the contract" not in html
    unstated = found.report.subject.model_copy(update={"horizon_stated": False})
    page = page_of(found.report.model_copy(update=few | {"subject": unstated})).html()
    sections = page.split("<section ")
    holding = [section.partition('"')[2].partition('"')[0] for section in sections if assumed in section]
    assert holding == ["short", "money", "limits"]
    assert "within 30\u00a0days (assumed)" in page
    longer = unstated.model_copy(update={"horizon_days": 90})
    assert assumed not in page_of(found.report.model_copy(update=few | {"subject": longer})).html()


def test_an_assumed_horizon_that_is_surely_longer_gives_no_figures_per_month_or_year(found: Recorded) -> None:
    left = Figure(value=0.27, low=0.26, high=0.28)
    unstated = found.report.subject.model_copy(update={"horizon_stated": False})
    many = {"effects": (), "segments": (), "churn": left}
    page = page_of(found.report.model_copy(update=many | {"subject": unstated})).html()
    text = " ".join(re.sub(r"<.*?>", " ", page).replace("\u00a0", " ").split())
    assert "It is surely longer than a month" in text
    assert "27 % of the customers leave, in a time that is not stated" in text
    assert not [
        said for said in ("lost in a year", "leave in a month", "USD a year", "The year assumes") if said in text
    ]
    stated = page_of(found.report.model_copy(update=many)).html()
    assert "lost in a year" in stated
    assert "That is more customers in a year than there are" in stated


def test_the_base_and_the_list_of_all_customers_are_explained(found: Recorded, html: str) -> None:
    text = " ".join(re.sub(r"<.*?>", "", html).replace("\u00a0", " ").split())
    assert "The base is the score of a customer whose contributions are all zero" in text
    assert "since the few customers with high scores raise the mean." in text
    counts = found.report.counts
    assert f"The table goes by the test set ({counts.set_aside} customers):" in text
    assert f"by all {counts.customers:,} customers with a known label:" in text
    assert "average customer" not in text


def test_rows_of_a_history_are_not_called_customers(found: Recorded, html: str) -> None:
    counts = found.report.counts
    several = counts.model_copy(update={"trained_on_customers": counts.trained_on_customers // 3})
    cell = Cell(kind="missing", points=Figure(value=1, low=0, high=2), rows=77)
    kept = [effect.model_copy(update={"cells": (*effect.cells, cell)}) for effect in found.report.effects[:1]]
    history = found.report.model_copy(update={"counts": several, "effects": tuple(kept)})
    text = page_of(history).html().replace("\u00a0", " ")
    dot, groups = found.report.calibration[0].customers, len(found.report.segments)
    assert f"Each dot is {dot} rows with scores that are alike (a row is a customer on a date)." in text
    assert text.count('<th class="num">Rows</th>') == 2
    assert "77 rows." in text
    assert "if the test set has at least 20 rows of it" in text
    assert f"{groups} groups of rows" in text
    sections = text.partition('<section id="trust"')[2].partition('<section id="unseen"')[0]
    assert not re.search(r"\d customers", sections)
    flat = html.replace("\u00a0", " ")
    assert f"Each dot is {dot} customers with scores that are alike. On" in flat
    assert flat.count('<th class="num">Customers</th>') == 2


def test_the_settings_used_are_printed_and_change_the_money(found: Recorded, html: str) -> None:
    few = found.report.model_copy(update={"effects": (), "segments": ()})
    generous = page_of(few, kept_share=0.8, offer_cost=30.0).html()
    assert re.search(r"that an offer keeps</th><td class=\"num\">80\u00a0%", generous)
    assert re.search(r"that an offer keeps</th><td class=\"num\">20\u00a0%", html)
    assert "no list of 2" in html
    assert "no list of" not in generous
    assert "assumed until measured" in generous


def test_money_by_defaults_says_so_in_the_headline_the_money_and_the_settings(found: Recorded) -> None:
    money = money_of(found.report, Economics(), defaults=("customer_value", "offer_cost"))
    html = Page(found.report, money, 7, False).html().replace("\u00a0", " ")
    sections = {part.partition('"')[2].partition('"')[0]: part for part in html.split("<section ")[1:]}
    assert "Defaults, not set by you" in sections["money"]
    assert "500 USD (default)" in sections["money"]
    generous = money_of(found.report, replace(Economics(), kept_share=0.8), defaults=("customer_value",))
    assert "(by defaults, not set by you)" in Page(found.report, generous, 7, False).html().split("<section ")[1]
    assert "default" not in page_of(found.report).html().split("<section ")[2]


def test_a_report_says_that_the_leakage_checks_were_blind(found: Recorded) -> None:
    html = page_of(found.report.model_copy(update={"blind": ("The checks are blind with only 5 customers.",)})).html()
    Reader(html)
    assert "The checks are blind with only 5 customers." in html
    assert "No feature seems to know" not in html


def test_a_leak_that_the_model_is_shown_is_reported_first_and_escaped(found: Recorded) -> None:
    assert "Too good to be true." not in page_of(found.report).html()
    leak = Noticed(feature=EVIL, message="is set for churners only", sure=True, set_aside=False)
    html = page_of(found.report.model_copy(update={"noticed": (leak,)})).html()
    Reader(html)
    assert "Too good to be true." in html
    assert "<h3>What looks too good</h3>" in html
    assert EVIL not in html
    assert "alert(&#34;x&#34;)&lt;/script&gt;&amp;amp;: is set for churners only" in html
