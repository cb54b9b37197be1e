"""The forms in which a database, or a file, holds times and all else; written last, for other shapes read times."""

from __future__ import annotations

import numpy as np

from tests.companies.known_truth.company import Company
from tests.companies.known_truth.lives import Array
from tests.companies.known_truth.time_decoys import Shape


def acts_since_1970(unit: str) -> Shape:
    """The time of an act as the seconds, or milliseconds, since 1970."""

    def write(company: Company) -> None:
        if (rows := company.tables.get(company.names.acts)) is not None:
            rows[company.names.at] = rows[company.names.at].astype(f"datetime64[{unit}]").astype(np.int64)

    return write


def starts_since_1970(company: Company) -> None:
    """The start of a customer as the seconds since 1970."""
    if company.names.start in company.home:
        company.home[company.names.start] = company.home[company.names.start].astype("datetime64[s]").astype(np.int64)


def texts(company: Company) -> None:
    """Every cell is a text, as a delimited file holds it."""
    for columns in company.tables.values():
        columns |= {name: _texts(cells) for name, cells in columns.items()}


def _texts(cells: Array) -> Array:
    if cells.dtype.kind == "M":
        written = np.char.replace(np.datetime_as_string(cells).astype(str), "T", " ").astype(object)
        written[np.isnat(cells)] = None
        return written
    blank = [cell is None or cell != cell for cell in cells.tolist()]
    return np.array([None if gone else str(cell) for gone, cell in zip(blank, cells.tolist(), strict=True)], object)


FORMS: dict[str, Shape] = {
    "acts in seconds since 1970": acts_since_1970("s"),
    "acts in milliseconds since 1970": acts_since_1970("ms"),
    "starts in seconds since 1970": starts_since_1970,
    "all as texts": texts,
}
