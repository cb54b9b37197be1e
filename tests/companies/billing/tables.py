"""Rows of an export as files: one CSV file for each table, as exporters write them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

Rows = list[dict[str, Any]]


def at(moment: datetime | None) -> str:
    """A time in UTC as a text; blank for none."""
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def unix(moment: datetime | None) -> int | None:
    """A time in seconds since 1970."""
    return None if moment is None else int((moment - datetime(1970, 1, 1)).total_seconds())


def flag(value: bool) -> str:
    """A boolean as exporters write it."""
    return "true" if value else "false"


def write_csv(tables: Mapping[str, Iterable[Mapping[str, Any]]], folder: Path) -> Path:
    """One file for each table; the first row names the columns."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        held = list(rows)
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as out:
            writer = csv.DictWriter(out, list(held[0]))
            writer.writeheader()
            writer.writerows(held)
    return folder


def write_json_lines(tables: Mapping[str, Iterable[Mapping[str, Any]]], folder: Path) -> Path:
    """One file for each table, a row as an object on a line."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        lines = "\n".join(json.dumps(row) for row in rows)
        (folder / f"{name}.jsonl").write_text(lines + "\n", encoding="utf-8")
    return folder
