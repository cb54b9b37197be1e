"""How a number and its unit are written together."""

from __future__ import annotations

CURRENCIES = frozenset(
    "$ € £ ¥ ₹ ₩ ₽ ₺ ₫ ₪ ₱ ₦ ฿ r$ us$ a$ c$ hk$ s$ nz$ rs rs. inr usd eur gbp chf jpy cny rmb brl cad aud nzd sgd "
    "hkd sek nok dkk pln zł kr kr. try zar rm idr rp php thb ngn kes ksh ghs mxn aed sar vnd ils krw rub czk kč "
    "huf euro euros dollar dollars pound pounds".split()
)
UNITS = frozenset(
    "% percent pct s sec secs second min mins minute h hr hrs hour d day w wk week mo mth month y yr yrs year ms "
    "b kb mb gb tb kib mib gib tib byte km mi m cm mm ft kg g lb lbs kwh wh kbps mbps gbps kbit mbit gbit call "
    "sms x pts point k mn bn".split()
)


def unit_of(number: str, unit: str) -> str:
    """``unit`` as it follows ``number``: 1 month, 2 months, 1 GB."""
    one = unit.removesuffix("s")
    return one if number in ("1", "-1") and one.lower() in UNITS | CURRENCIES else unit


def _singular(unit: str) -> str:
    return unit.removesuffix(".").removesuffix("s") if len(unit) > 2 else unit
