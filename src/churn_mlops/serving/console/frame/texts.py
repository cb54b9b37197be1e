"""Every text of the pages, by its key: one file for each language."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

LANGUAGE = "en"


class Texts:
    """The texts of one language.

    Args:
        language: whose file ``texts/LANGUAGE.toml`` is read.
    """

    def __init__(self, language: str = LANGUAGE) -> None:
        self.language = language
        self.by_key = _read(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key`` with ``values`` in its places; it is plain text, which a template escapes.

        Raises:
            KeyError: there is no such text, or a value of it is not given.
        """
        return self.by_key[key].format(**values)

    def count(self, key: str, count: int, shown: str) -> str:
        """The text for ``count`` things: of ``KEY.one`` or ``KEY.other``, with ``shown`` as the number."""
        return self(f"{key}.{'one' if count == 1 else 'other'}", count=shown)


@cache
def _read(language: str) -> Mapping[str, str]:
    file = resources.files("churn_mlops.serving.console") / "texts" / f"{language}.toml"
    return MappingProxyType(dict(_flat(tomllib.loads(file.read_text(encoding="utf-8")))))


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield before + name, value
        else:
            yield from _flat(value, f"{before}{name}.")
