"""The parts of a table whose amounts may be added up: one currency each, and no payment that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from churn_mlops.data.contract import FALSE_TEXTS, TRUE_TEXTS, Where
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.profiling.name_signals import names_identifier
from churn_mlops.data.profiling.quantity_names import names_money, names_things
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.column_types import type_of
from churn_mlops.suggestions import words

MOST_CURRENCIES = 3  # so many get sums of their own
_MOST_LEVELS = 50
_CURRENCY = frozenset("currency currencies ccy curr devise waehrung währung moneda moeda valuta divisa munt".split())
_CODES = frozenset(
    "AED ARS AUD BGN BHD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KES KRW KWD MAD "
    "MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TRY TWD UAH USD UYU VND ZAR".split()
)
_STATUS = frozenset("status state outcome result".split())
_KIND = frozenset("type kind category direction entry".split())
_FAILED = frozenset(
    "fail failed failure failing decline declined reject rejected denied error unsuccessful aborted bounced "
    "test".split()
)
_TURNED = frozenset(
    "refund refunds refunded refunding void voided cancel canceled cancelled reversed reversal reverse dispute "
    "disputed chargeback chargebacks pending open draft unpaid uncollectible expired returned return credit "
    "credits".split()
)
_GOOD = frozenset(
    "paid pay payment payments success successful succeeded complete completed settled captured capture ok "
    "approved posted cleared done shipped delivered processed confirmed charge charged purchase sale invoice "
    "debit order subscription".split()
)


@dataclass(frozen=True)
class AmountPart:
    """Rows whose amounts may be added up.

    Attributes:
        name: what to add to the name of a feature of them; empty for the only part.
        words: what to add to its title.
        where: the rows.
        unit: the currency of the amounts; None where no column names it.
        main: whether it is worth all features, or one sum alone.
    """

    name: str = ""
    words: str = ""
    where: Where = field(default_factory=dict)
    unit: str | None = None
    main: bool = True


@dataclass(frozen=True)
class DividedRows:
    """A column whose values divide the rows: those to ``leave`` out, and those that ``turned`` afterwards or back."""

    column: ColumnProfile
    keep: tuple[str, ...]
    leave: tuple[str, ...] = ()
    turned: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether every value is a word for a payment that came in."""
        return not self.leave and all(set(words(text)) & _GOOD and text not in self.turned for text in self.keep)

    @property
    def came_in(self) -> tuple[str, ...]:
        """The values that are words for a payment that came in."""
        return tuple(text for text in self.keep if text not in self.turned and set(words(text)) & _GOOD)

    @property
    def is_clear(self) -> bool:
        """Whether each value shows if the payment came in: none is of unknown words."""
        return bool(self.came_in) and set(self.keep) == {*self.came_in, *self.turned}

    def rows(self, values: Sequence[str]) -> int:
        """The rows that hold one of ``values``."""
        return sum(rows for text, rows in self.column.level_rows if text in values)


def amount_parts(look: ProfiledTable, amount: ColumnProfile) -> list[AmountPart]:
    """The parts of a table by which ``amount`` may be added up; one of all rows, where nothing divides them."""
    currencies = currencies_of(look)
    if not is_money(amount, currencies):
        return [AmountPart()]
    where = {one.column.name: one.keep for one in by_status(look) if one.leave}
    back = by_kind(look, amount)
    where |= {one.column.name: one.keep for one in back}
    column = currency_column(look)
    if column is None or len(currencies) < 2:
        parts = [AmountPart(where=where, unit=next(iter(currencies), None))]
    else:
        parts = [
            AmountPart("_".join(words(code)) or f"currency_{place}", f" in {code}", where | {column.name: texts}, code)
            for place, (code, texts) in enumerate(list(currencies.items())[:MOST_CURRENCIES], start=1)
        ]
    return parts + [_returned(part, one) for one in back for part in parts]


def _returned(part: AmountPart, one: DividedRows) -> AmountPart:
    name = "_".join(filter(None, (part.name, "returned")))
    where = {**part.where, one.column.name: one.turned}
    return AmountPart(name, f"{part.words}, {' or '.join(one.turned)}", where, part.unit, main=False)


def is_money(column: ColumnProfile, currencies: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a number is money: by its name, or because a column names its currency."""
    name = column.name
    return names_money(name) or (bool(currencies) and not names_things(name) and not names_identifier(name))


def currency_column(look: ProfiledTable) -> ColumnProfile | None:
    """The column that names the currency of a row's amounts, by its name or by its codes."""
    texts = [column for column in look.columns if column.kind == "text" and 0 < column.distinct <= _MOST_LEVELS]
    named = [column for column in texts if set(words(column.name)) & _CURRENCY and not is_number(column)]
    coded = [column for column in texts if column.levels and {text.upper() for text in column.levels} <= _CODES]
    return next(iter(named or coded), None)


def currencies_of(look: ProfiledTable) -> Mapping[str, tuple[str, ...]]:
    """The currencies of a table, the most frequent first, each with the texts that mean it."""
    column = currency_column(look)
    rows: dict[str, int] = {}
    texts: dict[str, tuple[str, ...]] = {}
    for text, count in column.level_rows if column is not None else ():
        rows[text.upper()] = rows.get(text.upper(), 0) + count
        texts[text.upper()] = (*texts.get(text.upper(), ()), text)
    return {code: texts[code] for code in sorted(rows, key=lambda code: (-rows[code], code))}


def by_status(look: ProfiledTable) -> list[DividedRows]:
    """The columns that show the fate of a payment: its status, or a flag such as "failed"."""
    found = []
    for column in look.columns:
        named = set(words(column.name))
        if type_of(column) == "boolean":
            keep = (
                FALSE_TEXTS if named & _FAILED else TRUE_TEXTS if named & {"success", "succeeded", "captured"} else None
            )
            texts = tuple(text for text, _ in column.level_rows if keep is not None and text.lower() in keep)
            leave = tuple(text for text in column.levels if text not in texts)
            if keep is not None and texts and leave:
                found.append(DividedRows(column, texts, leave))
        elif named & _STATUS and column.kind == "text" and 1 < column.distinct <= _MOST_LEVELS and column.levels:
            found.append(_divided(column))
    return found


def _divided(column: ColumnProfile) -> DividedRows:
    leave = tuple(text for text in column.levels if set(words(text)) & _FAILED)
    turned = tuple(text for text in column.levels if set(words(text)) & _TURNED and text not in leave)
    keep = tuple(text for text in column.levels if text not in leave)
    return DividedRows(column, keep, leave if keep else (), turned)


def by_kind(look: ProfiledTable, amount: ColumnProfile) -> list[DividedRows]:
    """The columns that distinguish payments and returns, if the amounts of returns are above zero too."""
    if (amount.smallest or 0) < 0:
        return []
    able = [
        column
        for column in look.columns
        if column.kind == "text" and set(words(column.name)) & _KIND and 1 < column.distinct <= _MOST_LEVELS
    ]
    found = [_divided(column) for column in able if column.levels]
    return [
        DividedRows(one.column, tuple(text for text in one.keep if text not in one.turned), (), one.turned)
        for one in found
        if one.turned and len(one.turned) < len(one.keep)
    ]
