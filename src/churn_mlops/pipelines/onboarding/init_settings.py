"""The settings that `churn init` writes: which source the other commands read, and as of which day."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from churn_mlops.atomic_files import write_atomic
from churn_mlops.config.settings import Source
from churn_mlops.database_urls import shown
from churn_mlops.errors import ConfigError

_HEAD = "# Settings; docs/configuration.md lists them all.\n"
_KEYS: Mapping[str, frozenset[str]] = {
    "source": frozenset({"url", "table", "as_of"}),
    "training": frozenset({"every_days"}),
}


@dataclass(frozen=True)
class InitSettings:
    """The settings that a proposal needs.

    Args:
        address: of the source.
        table: of that source, None for all of them.
        as_of: the day of the rows of a flat table, or "latest"; None for the default.
        every_days: days between the dates to learn from, None for the default.
    """

    address: str
    table: str | None = None
    as_of: str | None = None
    every_days: int | None = None

    def write(self, path: Path, source: Source) -> bool:
        """Write ``path`` if there is no such file, or ``churn init`` wrote it for the same source; whether it did.

        Settings from the environment alone count too: a new file under them would change nothing. A day that stands in
        the file stays unless another one is needed.

        Args:
            path: the settings file.
            source: the source of the present settings.

        Raises:
            ConfigError: the file cannot be written.
        """
        if path.exists():
            present = _own(path)
            if present is None or not self._is_source(present["source"]):
                return False
            kept = str(present["source"].get("as_of", ""))
            text = _text(self._values(kept if self.as_of is None and kept[:1].isdigit() else self.as_of))
            if text == _text(present):
                return False
        elif source.url in (None, self.address):
            text = _text(self._values(self.as_of))
        else:
            return False
        try:
            write_atomic(path, text.encode(), mode=0o600)  # the address may hold a password
        except OSError as error:
            raise ConfigError(f"cannot write the settings to {path}: {error.strerror or error}") from None
        return True

    def advice(self, path: Path, source: Source) -> str | None:
        """The settings to change, where they were not written; None if they are right.

        It repeats no password, neither of the present source nor of the proposed one.
        """
        same = self._is_source({"url": source.url, "table": source.table})
        day = self.as_of not in (None, source.as_of) and _own(path) is None
        if same and not day:
            return None
        present = "this source" if same else "no source" if source.url is None else "another source"
        wanted = ([] if same else [self._wanted_source(source)]) + ([f"source.as_of to {self.as_of}"] if day else [])
        left = f"the settings ({path}, or the environment) name {present}, and were left as they are"
        return f"{left}: set {' and '.join(wanted)}"

    def _is_source(self, source: Mapping[str, Any]) -> bool:
        return (source.get("url"), source.get("table")) == (self.address, self.table)

    def _wanted_source(self, source: Source) -> str:
        wanted = f"source.url to {shown(self.address) if '://' in self.address else self.address}"
        if self.table:
            wanted += f" and source.table to {self.table}"
        if self.table is None and source.table is not None:
            wanted += " and source.table to null"
        return wanted

    def _values(self, as_of: str | None) -> dict[str, dict[str, Any]]:
        source: dict[str, Any] = {"url": self.address}
        source |= {"table": self.table} if self.table else {}
        source |= {"as_of": as_of} if as_of is not None else {}
        training = {} if self.every_days is None else {"training": {"every_days": self.every_days}}
        return {"source": source} | training


def _text(values: Mapping[str, Any]) -> str:
    text = io.StringIO(_HEAD)
    text.seek(0, io.SEEK_END)
    YAML().dump(dict(values), text)
    return text.getvalue()


def _own(path: Path) -> dict[str, Any] | None:
    """The settings at ``path`` if ``churn init`` wrote them and no one added anything; None if a person did."""
    try:
        text = path.read_text(encoding="utf-8")
        values = YAML(typ="safe").load(text)
    except (OSError, UnicodeDecodeError, YAMLError):
        return None
    if not isinstance(values, dict) or "source" not in values:
        return None
    plain = {key: value for key, value in values.items() if isinstance(value, dict)}
    known = all(key in _KEYS and set(held) <= _KEYS[key] for key, held in plain.items())
    if len(plain) != len(values) or not known:
        return None
    return plain if _text(plain) == text else None
