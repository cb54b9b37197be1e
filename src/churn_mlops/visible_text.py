"""Text from outside as a terminal may show it: nothing commands the terminal, or shows text that is not there."""

from __future__ import annotations

import re

# Control characters but for the end of a line; and those that turn the direction of text, or take no place.
UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""``text`` with escapes, such as ``\x1b``, for what would command the terminal, or show text that is not there."""
    return UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
