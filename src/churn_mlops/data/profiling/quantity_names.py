"""The names of quantities: money, and things that are counted or measured. Only quantities are summed."""

from __future__ import annotations

from churn_mlops.suggestions import words

_MONEY = frozenset(
    "amount amounts amt price total totals charge charges charged fee fees revenue value paid cost costs net gross "
    "tax taxes payment payments spend spent sum premium billed subtotal discount turnover sales income salary balance "
    "budget debt betrag preis montant prix importe precio valor preco importo prezzo bedrag prijs".split()
)
_THINGS = frozenset(
    "quantity qty count counts unit units item items seats minutes seconds hours days number pieces weight".split()
)
_MEASURED = frozenset(
    "quantity qty count duration length size volume distance weight usage consumption traffic frequency score rating "
    "points ms sec secs min mins kb mb gb km kwh kg calories cents age".split()
)
_NO_PLURALS = ("ss", "us", "is", "as", "os")


def names_money(name: str) -> bool:
    """Whether ``name`` holds a word for money."""
    return bool(set(words(name)) & _MONEY)


def names_things(name: str) -> bool:
    """Whether ``name`` holds a word for things that are counted."""
    return bool(set(words(name)) & _THINGS)


def names_quantity(name: str) -> bool:
    """Whether ``name`` says that its numbers are money, are measured, or count things, as a plural does."""
    found = words(name)
    if not found:
        return False
    plural = len(found[-1]) > 2 and found[-1].endswith("s") and not found[-1].endswith(_NO_PLURALS)
    return plural or found[:2] == ["number", "of"] or bool(set(found) & (_MONEY | _MEASURED))
