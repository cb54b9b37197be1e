"""What commands a terminal, or shows other text than is there, becomes an escape; everything else stays."""

from __future__ import annotations

import sys
import unicodedata

from churn_mlops.visible_text import visible


def test_every_control_direction_and_half_character_is_escaped_and_no_letter() -> None:
    for code in range(sys.maxunicode + 1):
        sign = chr(code)
        is_turned = unicodedata.bidirectional(sign) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        if (unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") and sign != "\n") or is_turned:
            assert visible(sign) == sign.encode("unicode_escape").decode() != sign
        elif unicodedata.category(sign)[0] in "LNP":
            assert visible(sign) == sign
