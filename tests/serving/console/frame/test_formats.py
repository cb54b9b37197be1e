"""Numbers, money and dates as people of a place write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.config.console import Console
from churn_mlops.serving.console.frame.formats import LOCALES, Formats
from churn_mlops.serving.console.frame.texts import Texts

TEXTS = Texts()


def formats(locale: str = "en-US", currency: str = "USD", zone: str = "UTC") -> Formats:
    return Formats(LOCALES[locale], currency, ZoneInfo(zone), TEXTS)


def test_every_locale_of_the_settings_can_be_written() -> None:
    assert set(LOCALES) == set(Console.model_fields["locale"].annotation.__args__)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.78, "78 %"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.004, "0.4 %"),
        (0.0001, "< 0.1 %"),
        (0.9999, "> 99.9 %"),
        (0.995, "99.5 %"),
        (0.01, "1 %"),
    ],
)
def test_a_share_is_whole_percent_and_certain_only_if_it_is(share: float, text: str) -> None:
    assert formats().percent(share).replace("\u00a0", " ") == text


@given(st.floats(0, 1))
def test_no_share_becomes_certain_by_rounding(share: float) -> None:
    text = formats().percent(share)
    assert (text in ("0\u00a0%", "100\u00a0%")) == (share in (0.0, 1.0))


@pytest.mark.parametrize(
    ("locale", "currency", "amount", "text"),
    [
        ("en-US", "USD", 1234.5, "$1,234"),
        ("en-US", "USD", 19.234, "$19.23"),
        ("en-US", "USD", -19.234, "\u2212$19.23"),
        ("en-US", "USD", -0.001, "$0.00"),
        ("de-DE", "EUR", 1234.5, "1.234 €"),
        ("de-DE", "EUR", 19.234, "19,23 €"),
        ("de-CH", "CHF", 1234.5, "CHF 1\u2019234"),
        ("fr-FR", "EUR", 12345.0, "12\u202f345 €"),
        ("sv-SE", "SEK", 7.5, "7,50 kr"),
        ("en-US", "JPY", 19.6, "¥20"),
    ],
)
def test_money_has_the_signs_of_the_place(locale: str, currency: str, amount: float, text: str) -> None:
    assert formats(locale, currency).money(amount).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("locale", "text"),
    [("en-US", "Nov 9, 2026, 12:05 AM"), ("en-GB", "9 Nov 2026, 00:05"), ("de-DE", "9. Nov 2026, 00:05")],
)
def test_a_time_is_that_of_the_zone(locale: str, text: str) -> None:
    at = datetime(2026, 11, 8, 23, 5, tzinfo=UTC)
    assert formats(locale, zone="Europe/Berlin").time(at).replace("\u00a0", " ") == text


def test_a_date_and_points_are_not_broken_between_lines() -> None:
    assert " " not in formats().date(date(2026, 1, 31))
    assert [formats().points(points) for points in (7, 0, -7)] == ["+7", "0", "\u22127"]


def test_a_day_and_a_time_are_of_the_same_zone() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert formats().day_of(late) == date(2026, 11, 23)
    assert formats(zone="Europe/Berlin").day_of(late) == date(2026, 11, 24)
    assert formats(zone="Europe/Berlin").time(late).startswith("Nov\u00a024")


@pytest.mark.parametrize(
    ("caller", "text"),
    [
        ("person:anna", "anna"),
        ("key:crm", "crm (a program)"),
        ("cli:root", "root (command line)"),
        ("proxy:a:b", "a:b"),
        ("local", "local"),
        ("", ""),
    ],
)
def test_a_principal_is_called_by_their_name(caller: str, text: str) -> None:
    assert formats().who(caller) == text
