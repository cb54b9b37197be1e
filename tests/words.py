"""The words that the glossary bans, and where a text has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.prose import Text

ROOT = Path(__file__).parents[1]
GLOSSARY = ROOT / "docs/glossary.md"
BANNED_FROM = "## Words we do not use"
"""The heading of the glossary below which the table of these words stands."""

_SENTENCE_END = re.compile(r"(?<=[.!?])[)\"'*_`]*\s+|\n\s*\n")
_FRONTED = re.compile(r"(?:Who|Whom|Whose|Whoever|Of|Where|Wherever|Nor|Those|What|Whatever)\b")


@dataclass(frozen=True)
class Hit:
    """A word that should be another one, in its sentence."""

    line: int
    sentence: str
    word: str
    use: str

    def __str__(self) -> str:
        return f"{self.line}: {self.sentence} -> {self.word}: {self.use}"


@cache
def banned_words() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The table of the glossary: a pattern for each row, and the word to use."""
    _, _, table = GLOSSARY.read_text(encoding="utf-8").partition(BANNED_FROM)
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", table, re.MULTILINE)[1:]
    return tuple((_any_of(left.split(", ")), use) for left, use in rows)


def _any_of(phrases: list[str]) -> re.Pattern[str]:
    any_space = (r"\s+".join(map(re.escape, phrase.split())) for phrase in phrases)
    return re.compile(rf"(?<![\w.-])(?:{'|'.join(any_space)})(?![\w-])", re.IGNORECASE)


def hits(text: Text) -> Iterator[Hit]:
    """The banned words in ``text``, and its sentences that begin with a relative word."""
    for pattern, use in banned_words():
        for found in pattern.finditer(text.words):
            line = text.line + text.words.count("\n", 0, found.start())
            yield Hit(line, _sentence_at(text.words, found.start()), found[0], use)
    if text.sentences:
        yield from _fronted(text)


def _fronted(text: Text) -> Iterator[Hit]:
    for start, end in _sentences(text.words):
        sentence = text.words[start:end].strip()
        begins = _FRONTED.match(sentence.lstrip("(\"'*_`["))
        if begins and not sentence.rstrip(")\"'*_`").endswith("?"):
            line = text.line + text.words.count("\n", 0, start)
            yield Hit(line, _short(sentence), begins[0], "begin the sentence with its subject")


def _sentences(words: str) -> Iterator[tuple[int, int]]:
    start = 0
    for end in _SENTENCE_END.finditer(words):
        yield start, end.end()
        start = end.end()
    yield start, len(words)


def _sentence_at(words: str, position: int) -> str:
    return next(_short(words[start:end]) for start, end in _sentences(words) if position < end)


def _short(sentence: str) -> str:
    return " ".join(sentence.split())[:160]
