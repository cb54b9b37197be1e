"""The words of a name, and the known names that are nearest to a mistyped one."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_UPPER = "A-ZÀ-ÖØ-Þ"
_LOWER = f"(?:(?![{_UPPER}])[^\\W\\d_])"  # any other letter, of any script
WORD_PATTERN = re.compile(f"[{_UPPER}]{{2,}}(?!{_LOWER})|[{_UPPER}]?{_LOWER}+|[{_UPPER}]|\\d+")


def words(name: str) -> list[str]:
    """The lower-case words of ``name``: ``CustomerStatus`` and ``customer_status`` are the same two."""
    return [word.lower() for word in WORD_PATTERN.findall(name)]


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The names among ``known`` that most resemble ``name``, best first, at most ``count``."""
    by_key: dict[str, str] = {}
    for other in known:
        by_key.setdefault("".join(words(other)) or other.lower(), other)
    found = difflib.get_close_matches("".join(words(name)) or name.lower(), list(by_key), n=count, cutoff=0.5)
    return [by_key[key] for key in found]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error message that suggests the nearest names, or lists what there is."""
    names = list(known)
    close = nearest(name, names)
    if close:
        return f"nearest: {', '.join(map(repr, close))}"
    shown = ", ".join(map(repr, names[:20]))
    return f"it has: {shown}{', ...' if len(names) > 20 else ''}" if names else "it has no columns"
