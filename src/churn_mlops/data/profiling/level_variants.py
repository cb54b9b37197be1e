"""Levels of a category that seem to mean the same: asked, never joined here.

Four signs: they differ only in capitals, blanks and punctuation; one is the letter of the answer that the other is
("Y", "yes"), where both answers stand in the column; one is the initials of the other ("CC", "Credit
Card"); one is a part of the other in whole words ("Phone", "Mobile Phone").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_FEW = 40  # among more levels, initials and parts of names are found by chance
_PLAIN = frozenset(
    {"yes", "no", "true", "false", "y", "n", "t", "f", "on", "off", "none", "other", "others", "unknown"}
)
# Words that make another thing of what they stand beside: "High" is not "Very High", "Virginia" not "West Virginia".
_MODIFIERS = frozenset(
    "not no non un never without ex former self semi quasi very high higher highest low lower lowest medium mid extra "
    "super ultra plus pro max mini lite light premium basic standard new old other part half all some post pre under "
    "over upper sub partial early late north south east west central great main first second third one two three four "
    "five six double single multi inter un young big small large long short and or only with deluxe gold silver".split()
)
_SMALL_WORDS = frozenset({"of", "on", "the", "and", "in", "at", "for", "a", "to", "by"})
_LETTERS = re.compile(r"[^\W\d_]+")


_ANSWERS = ({"y": "yes", "n": "no"}, {"t": "true", "f": "false"})


def written_apart(levels: Sequence[tuple[str, int]]) -> list[list[tuple[str, int]]]:
    """Groups of levels that differ only in capitals, blanks and punctuation, the most frequent of each first.

    Args:
        levels: each level with its rows.
    """
    groups: dict[str, list[tuple[str, int]]] = {}
    for level, rows in levels:
        groups.setdefault(_key(level), []).append((level, rows))
    ordered = [sorted(group, key=lambda item: (-item[1], item[0])) for key, group in groups.items() if len(key) > 1]
    return [group for group in ordered if len(group) > 1]


def seeming_same(levels: Sequence[tuple[str, int]]) -> dict[str, list[str]]:
    """Levels to ask about: the one to keep, and the others that seem to mean it.

    Args:
        levels: each level with its rows.
    """
    rows = dict(levels)
    groups: dict[str, set[str]] = {level: {level} for level in rows}
    for one, other in [
        *((group[0][0], other) for group in written_apart(levels) for other, _ in group[1:]),
        *_answers(list(rows)),
        *(_related(list(rows)) if len(rows) <= _FEW else []),
    ]:
        merged = groups[one] | groups[other]
        for level in merged:
            groups[level] = merged
    found = {id(group): group for group in groups.values() if len(group) > 1}
    return {kept: sorted(group - {kept}) for group in found.values() for kept in [_kept(group, rows)]}


def _kept(group: set[str], rows: Mapping[str, int]) -> str:
    """The level with the most words, of these the most frequent."""
    return max(group, key=lambda level: (len(_words(level)), rows[level], level))


def _answers(levels: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of a letter and the answer that it stands for, in a column that holds the other answer too."""
    lower: dict[str, list[str]] = {}
    for level in levels:
        lower.setdefault(level.casefold(), []).append(level)
    pairs = []
    for words in _ANSWERS:
        if all(letter in lower or word in lower for letter, word in words.items()):
            for letter, word in words.items():
                same = lower.get(letter, []) + lower.get(word, []) if letter in lower and word in lower else []
                pairs += [(same[0], level) for level in same[1:]]
    return pairs


def _key(level: str) -> str:
    """``level`` without what people leave out. Signs beside digits and signs such as + and < mean something."""
    text = re.sub(r"[\s_]+", " ", level.casefold())
    return re.sub(r"(?<!\d)[ \-./,;:&'\"()]+(?!\d)|(?<=\d)[ _]+(?=[^\W\d_])|(?<=[^\W\d_])[ _]+(?=\d)", "", text).strip()


def _related(levels: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of which one is the initials of the other, or the only one that a whole word of it stands in."""
    plain = [level for level in levels if level.lower() not in _PLAIN and not re.search(r"\d", level)]
    pairs = []
    for short in plain:
        longer = [level for level in plain if _are_initials(short, level)] or [
            level for level in plain if _is_part(short, level)
        ]
        if len({_key(level) for level in longer}) == 1:
            pairs.append((short, longer[0]))
    return pairs


def _are_initials(short: str, level: str) -> bool:
    words, text = _words(level), short.replace(".", "").lower()
    if len(words) < 2 or not text.isalpha() or not 2 <= len(text) <= 6 or _words(level)[0] in _PLAIN:
        return False
    return text in {
        "".join(word[0] for word in words),
        "".join(word[0] for word in words if word not in _SMALL_WORDS),
    }


def _is_part(short: str, level: str) -> bool:
    few, words = _words(short), _words(level)
    if not few or len(few) >= len(words) or len("".join(few)) < 3:
        return False
    rests = []
    if words[-len(few) :] == few:
        rests.append(words[: -len(few)])
    if words[: len(few)] == few:
        rests.append(words[len(few) :])
    apart = _MODIFIERS | _PLAIN | _SMALL_WORDS
    return any(not set(rest) & apart and all(len(word) > 1 for word in rest) for rest in rests)


def _words(level: str) -> list[str]:
    return [word.lower() for word in _LETTERS.findall(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", level))]
