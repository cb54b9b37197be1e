"""Days that stand for none: databases write 9999-12-31, 1900-01-01 or 1970-01-01 where there is no end."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir

_FIRST, _LAST = datetime(1902, 1, 1), datetime(2099, 1, 1)
# The first instant of Unix time, wherever the clock that wrote it stands.
_EPOCH = (datetime(1969, 12, 31, 9), datetime(1970, 1, 1, 15))


def without_sentinels(times: ir.TimestampValue) -> ir.TimestampValue:
    """``times`` without those that stand for none: before 1902, from 2099 on, and the beginning of Unix time."""
    stands = times.between(ibis.literal(_FIRST), ibis.literal(_LAST)) & (times < ibis.literal(_LAST))
    epoch = times.between(*map(ibis.literal, _EPOCH))
    return ibis.ifelse(stands & ~epoch, times, ibis.null("timestamp"))
