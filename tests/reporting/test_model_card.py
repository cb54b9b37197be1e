"""The model card, and how numbers are written."""

from __future__ import annotations

import pytest

from churn_mlops.pipelines.training.report import Recorded
from churn_mlops.reporting import number_text
from churn_mlops.reporting.model_card import model_card, plain
from churn_mlops.reporting.report_data import Figure, Noticed, Unseen


def test_the_card_says_what_the_page_says(found: Recorded) -> None:
    card = model_card(found.report, found.money)
    assert card.startswith("# Model card: demo\n")
    assert "of 100 customers from the top 10\u00a0% of the list" in card
    auc = found.report.metrics["auc"]
    assert f"| AUC | {auc.value:.3f} | {auc.low:.3f} to {auc.high:.3f} |" in card
    assert "What it cannot know" in card
    assert "## What it was not shown\n\nNo column is excluded." in card


def test_what_markdown_or_html_would_read_stands_for_itself(found: Recorded) -> None:
    unseen = (Unseen(column="<img src=x>[a](b)_c_|`", reason="date", note=""),)
    card = model_card(found.report.model_copy(update={"unseen": unseen}), found.money)
    assert "- &lt;img src=x&gt;\\[a\\](b)\\_c\\_\\|\\`: a date" in card
    assert plain("a & b * c") == "a &amp; b \\* c"


def test_the_card_says_that_a_horizon_is_assumed(found: Recorded) -> None:
    assert "assumed, being" not in model_card(found.report, found.money)
    subject = found.report.subject.model_copy(update={"horizon_stated": False})
    card = model_card(found.report.model_copy(update={"subject": subject}), found.money)
    assert "within 30\u00a0days (assumed)." in card
    assert card.count("The 30\u00a0days are assumed, being the contract's default") == 2


def test_a_name_of_several_lines_makes_no_heading(found: Recorded) -> None:
    subject = found.report.subject.model_copy(update={"name": "demo\r\n\n# Heading\u2028\n- item"})
    card = model_card(found.report.model_copy(update={"subject": subject}), found.money)
    assert card.startswith("# Model card: demo \\# Heading - item\n\n")
    assert sum(line.startswith("# ") for line in card.splitlines()) == 1


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (number_text.percent(0.057), "5.7 %"),
        (number_text.percent(0.62), "62 %"),
        (number_text.length(0.0249), "2.5 %"),
        (number_text.length(0.01), "1 %"),
        (number_text.usd(30_000_000), "30 million USD"),
        (number_text.usd(15_432), "15,400 USD"),
        (number_text.usd(-51.2), "\u221251.2 USD".replace(".2", "")),
        (number_text.usd(999_999), "1 million USD"),
        (number_text.points(12.3), "+12 points"),
        (number_text.points(-0.04), "0.0 points"),
        (number_text.number(0.00012), "0.00012"),
        (number_text.number(1234.5678), "1,235"),
        (number_text.step_text(None, 9.0, "months"), "up to 9 months"),
        (number_text.step_text(12.5, None, None), "over 12.5"),
        (number_text.between(Figure(value=0.41, low=0.3551, high=0.46), number_text.percent), "36 to 46 %"),
        (number_text.between(Figure(value=2e6, low=1e5, high=3e6), number_text.usd), "100,000 USD to 3 million USD"),
        (number_text.listed(["a", "b", "c"]), "a, b and c"),
        (number_text.setting_words({"stumps": 0.13987654, "depth_3": 0.14}), "stumps: 0.13988; depth 3: 0.14"),
        (number_text.setting_words([120, 0.5, "few_trees"]), "120, 0.5, few trees"),
    ],
)
def test_numbers_are_written_alike_everywhere(written: str, expected: str) -> None:
    assert written.replace("\u00a0", " ") == expected


LEAK = Noticed(feature="refund<b>", message="is set for churners only", sure=True, set_aside=False)


def test_the_card_says_what_looks_too_good(found: Recorded) -> None:
    assert "## What looks too good\n\nNo feature seems to know" in model_card(found.report, found.money)
    card = model_card(found.report.model_copy(update={"noticed": (LEAK,)}), found.money)
    assert "1\u00a0feature that the model is shown most likely knows what was not known at the time." in card
    assert "- refund&lt;b&gt;: is set for churners only (the model is shown it)" in card
    aside = LEAK.model_copy(update={"set_aside": True})
    card = model_card(found.report.model_copy(update={"noticed": (aside,)}), found.money)
    assert "that seemed to know what was not known at the time: dropped." in card


def test_the_card_says_that_the_leakage_checks_were_blind(found: Recorded) -> None:
    blind = "The leakage checks are not reliable here: a made-up column is not caught."
    card = model_card(found.report.model_copy(update={"blind": (blind,)}), found.money)
    assert "The leakage checks found nothing sure, which means little" in card
    assert f"- {blind}" in card
    assert "No feature seems to know" not in card


def test_the_card_of_a_version_without_leakage_checks_says_nothing_of_leaks(found: Recorded) -> None:
    assert "too good" not in model_card(found.report.model_copy(update={"noticed": None}), found.money)
