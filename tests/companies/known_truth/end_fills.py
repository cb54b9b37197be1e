"""How systems fill the column of an end for customers who are still there, and how they write it."""

from __future__ import annotations

import numpy as np

from tests.companies.known_truth.company import Company
from tests.companies.known_truth.lives import FIRST, Array
from tests.companies.known_truth.time_decoys import Shape


def _end(company: Company) -> tuple[str, str] | None:
    return company.truth.end if company.truth.end_kind == "column" else None


def filled_with(value: str) -> Shape:
    """A sentinel instead of a blank."""

    def fill(company: Company) -> None:
        if (place := _end(company)) is not None:
            table, column = place
            cells = company.tables[table][column].astype("datetime64[D]")
            company.tables[table][column] = np.where(np.isnat(cells), np.datetime64(value, "D"), cells)

    return fill


def zeros(company: Company) -> None:
    """Texts, 0000-00-00 instead of a blank."""
    if (place := _end(company)) is not None:
        table, column = place
        company.tables[table][column] = _texts(company.tables[table][column], "0000-00-00")


def blanks(company: Company) -> None:
    """Texts, empty instead of a blank."""
    if (place := _end(company)) is not None:
        table, column = place
        company.tables[table][column] = _texts(company.tables[table][column], "")


def german_dates(company: Company) -> None:
    """Texts such as 31.12.2024."""
    if (place := _end(company)) is not None:
        table, column = place
        iso = _texts(company.tables[table][column], "")
        turned = [".".join(reversed(text.split("-"))) if text else None for text in iso]
        company.tables[table][column] = np.array(turned, dtype=object)


def notices(company: Company) -> None:
    """One in eight of the customers who are there has given notice: their end lies ahead."""
    if (place := _end(company)) is not None:
        table, column = place
        cells = company.tables[table][column].astype("datetime64[D]")
        open_ = np.flatnonzero(np.isnat(cells))
        some = company.rng.choice(open_, open_.size // 8, replace=False)
        ahead = company.lives.newest + company.rng.integers(5, 60, some.size)
        cells[some] = FIRST + ahead.astype("timedelta64[D]")
        company.tables[table][column] = cells


def _texts(cells: Array, blank: str) -> Array:
    days = cells.astype("datetime64[D]")
    return np.where(np.isnat(days), blank, np.datetime_as_string(days)).astype(object)


END_FILLS: dict[str, Shape] = {
    "ends of 9999": filled_with("9999-12-31"),
    "ends of 2099": filled_with("2099-12-31"),
    "ends of 1900": filled_with("1900-01-01"),
    "ends of 1970": filled_with("1970-01-01"),
    "ends of zeros": zeros,
    "ends of empty texts": blanks,
    "ends in German": german_dates,
    "ends ahead": notices,
}
