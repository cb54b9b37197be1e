"""Looking for a customer in every byte of every file, and in every column of every table."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text

from churn_mlops.store import Store


def in_files(folder: Path, name: str) -> list[str]:
    """The files below ``folder`` whose name or content holds ``name``, whatever its case, in UTF-8 or UTF-16."""
    needles = [name.lower().encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be")]
    found = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder)).lower().encode()
        content = path.read_bytes().lower() if path.is_file() else b""
        if any(needle in content or needle in name for needle in needles):
            found.append(str(path.relative_to(folder)))
    return found


def in_tables(store: Store, name: str) -> list[str]:
    """The tables of the store, those of the database's own statistics too, that hold ``name`` in a row."""
    found = []
    with store.reading("look for a customer") as connection:
        names = [*inspect(connection).get_table_names()]
        names += ["pg_stats"] if connection.dialect.name == "postgresql" else []
        for table in names:
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):
                if name.lower() in str(tuple(row)).lower():
                    found.append(table)
                    break
    return found
