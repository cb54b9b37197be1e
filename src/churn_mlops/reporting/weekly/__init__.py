"""The weekly report: the figures of the dashboard as HTML, as PDF, and as a chat's text."""

from churn_mlops.reporting.weekly.page import weekly_html
from churn_mlops.reporting.weekly.rows import (
    COLOURS,
    GROUPS,
    TITLES,
    WeeklyRow,
    date_words,
    measured_text,
    title_of,
    weekly_rows,
    weekly_text,
)

__all__ = [
    "COLOURS",
    "GROUPS",
    "TITLES",
    "WeeklyRow",
    "date_words",
    "measured_text",
    "title_of",
    "weekly_html",
    "weekly_rows",
    "weekly_text",
]
