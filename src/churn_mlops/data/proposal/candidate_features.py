"""The features that a history is likely to need, and the columns that would reveal the future."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ibis

from churn_mlops.data.contract import TRUE_TEXTS, ExcludedColumn, HistoryFeature
from churn_mlops.data.discovery.churn_conflicts import leaving_flags
from churn_mlops.data.discovery.churn_side_effects import marked_by_end, marked_by_leaving
from churn_mlops.data.discovery.label_candidates import LabelChoice
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_roles import Times, role_by_name
from churn_mlops.data.profiling.name_signals import names_identifier, names_leaving, names_total_price, title
from churn_mlops.data.profiling.numeric_codes import is_code
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.amount_parts import AmountPart, amount_parts
from churn_mlops.data.proposal.column_types import feature_of, type_of
from churn_mlops.data.proposal.event_numbers import counted_as_codes, in_calendar
from churn_mlops.data.proposal.excluded_columns import exclusion_of
from churn_mlops.suggestions import words

_SHORT, _LONG = 30, 90
_MOST_AMOUNTS = 6  # of one table
_NEWEST = 3  # rows of a customer in a panel
_PAST = 0.99  # share of the dates that lie in the past of their row
_OF_A_ROW = frozenset("price rate score rating avg average mean percent pct ratio level temperature hours age".split())
_CHANGING = frozenset(
    "plan tier package status state stage segment seats licences licenses is has flag active trial balance score total "
    "lifetime last latest current count number nps health risk mrr arr charges price value cohort owner level points "
    "tenure usage spend churned days months auto renew "
    # The same in German, French, Spanish, Portuguese, Italian and Dutch.
    "tarif tarifa tarifas tariffa tarief paket paquete formule forfait abonnement statut estado estatus stato zustand "
    "preis prix precio preço preco prezzo prijs beitrag monatsbeitrag gebühr gebuehr cuota mensualidad mensualité "
    "umsatz guthaben saldo solde punkte puntos pontos punti gesamt insgesamt cumulé cumule cumulado acumulado "
    "totaal totale anzahl nombre aantal letzte letzter letztes dernier dernière último última ultimo ultima".split()
)
_SO_FAR = frozenset(
    "last latest total lifetime current balance letzte letzter letztes gesamt insgesamt guthaben saldo dernier "
    "dernière totale totaal solde cumulé cumule cumulado acumulado último última ultimo ultima".split()
)
_AFTERWARDS = frozenset(
    "resolution resolved closed closing outcome result satisfaction survey csat rating refund refunded response".split()
)


@dataclass(frozen=True)
class Features:
    """Features by name, and each excluded ``table.column`` with its reason."""

    features: Mapping[str, HistoryFeature]
    set_aside: Mapping[str, ExcludedColumn]


def propose_features(table_roles: TableRoles, choice: LabelChoice | None = None) -> Features:
    """Features for every table by what its rows are; a name that would stand twice gets that of its table.

    ``choice`` says how it is decided who left.
    """
    features: dict[str, HistoryFeature] = {}
    aside: dict[str, ExcludedColumn] = {}
    kept = table_roles.of("attributes")
    for role in [table_roles.customers, *kept, *table_roles.of("events")]:
        if role.kind == "customers" and role.grouped:
            features["tenure"] = HistoryFeature(**_age(table_roles.home))
            continue
        usable, gone = _columns(role, table_roles, choice)
        aside |= {} if role.period_days is not None and role.kind == "events" else gone  # the same columns once more
        own = [("tenure", _age(table_roles.home))] if role.kind == "customers" else []
        for name, data in [*own, *_of_role(role, usable)]:
            taken = {table_roles.customer.lower(), *map(str.lower, features)}
            free = name if name.lower() not in taken else f"{role.name}_{name}"
            features[free] = HistoryFeature(**data)
    return Features(features, aside)


def _of_role(role: Role, columns: list[ColumnProfile]) -> Iterator[tuple[str, dict[str, Any]]]:
    if role.kind in ("customers", "attributes"):
        for column in columns:
            if _may_be_last(column):
                yield _plain(column.name), _last(role, column)
        yield from _ages(role) if role.period_days is not None else ()
        return
    yield from _of_events(role, columns) if role.period_days is None else _of_periods(role, columns, role.period_days)


def _age(home: str) -> dict[str, Any]:
    return {"age_of": f"{home}.start", "unit": "months", "title": "time as a customer", "min": 0}


def _may_be_last(column: ColumnProfile) -> bool:
    return exclusion_of(column, None) is None


def _last(role: Role, column: ColumnProfile) -> dict[str, Any]:
    declared = feature_of(column).model_dump(exclude_defaults=True, exclude={"range", "missing", "column"})
    declared |= {"last": f"{role.name}.{column.name}"}
    if role.kind != "customers":
        return declared | {"required": False}
    usual = (column.rows - column.present) / column.rows  # a customer has one row, so it is the share of customers too
    return declared | ({"missing": round(usual, 6)} if usual else {})


def _ages(role: Role) -> Iterator[tuple[str, dict[str, Any]]]:
    """The time since other dates of a panel's rows; a date that lies ahead of its row was filled in later."""
    look, at = role.look, role.look.time(str(role.times.first))
    past = {name: (look.time(name) <= at).cast("int32").cast("float64").mean() for name in look.times}
    shares = look.table.aggregate(**past).to_pyarrow().to_pylist()[0]
    for name in look.times:
        if name != role.times.first and role_by_name(name) != "end" and (shares[name] or 0) >= _PAST:
            what = f"time since {title(name)}"
            data = {"age_of": f"{role.name}.{name}", "unit": "months", "title": what, "required": False}
            yield f"months_since_{_plain(name)}", data


def _of_periods(role: Role, columns: list[ColumnProfile], days: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows so far of a panel, and the mean of its quantities over the newest three."""
    yield f"{_plain(role.name)}_so_far", {"count": role.name, "title": f"{title(role.name)} so far", "min": 0}
    codes = counted_as_codes(columns)
    for column in columns:
        is_quantity = type_of(column) == "number" and column.numbers == column.present and column.name not in codes
        if is_quantity and _may_be_last(column):
            keys = {"decimal", "thousands", "around", "unit", "min", "missing_values"}
            data = feature_of(column).model_dump(exclude_defaults=True, include=keys) | {"required": False}
            what = f"mean {title(column.name)} of the newest rows"
            data |= {"mean": f"{role.name}.{column.name}", "days": _NEWEST * days, "title": what}
            yield f"{_plain(column.name)}_mean", data


def _of_events(role: Role, columns: list[ColumnProfile]) -> Iterator[tuple[str, dict[str, Any]]]:
    name, what, no = role.name, title(role.name), {"required": False}
    for days in (_SHORT, _LONG):
        yield f"{_plain(name)}_{days}d", {"count": name, "days": days, "title": f"{what} in {days} days", "min": 0} | no
    yield f"{_plain(name)}_so_far", {"count": name, "title": f"{what} so far", "min": 0} | no
    ratio = {"count": name, "days": [_SHORT, _LONG]}
    yield f"{_plain(name)}_trend", {"ratio": ratio, "title": f"trend of {what}", "min": 0} | no
    yield f"days_since_{_plain(name)}", {"since_last": name, "title": f"days since the last of {what}", "min": 0} | no
    amounts, codes = 0, counted_as_codes(columns)
    for column in columns:
        kind = type_of(column)
        if kind == "boolean":
            yield from _of_flag(role, column)
        elif column.name in codes:
            yield from _of_kinds(role, column)
        elif kind == "number" and column.numbers == column.present and _may_be_last(column) and amounts < _MOST_AMOUNTS:
            amounts += 1
            for part in amount_parts(role.look, column):
                yield from _of_amount(role, column, part)
        elif (column.kind == "text" or is_code(column)) and column.distinct > 1:
            yield from _of_kinds(role, column)


def _of_kinds(role: Role, column: ColumnProfile) -> Iterator[tuple[str, dict[str, Any]]]:
    data = {"distinct": f"{role.name}.{column.name}", "required": False, "min": 0}
    what, name = f"different {title(column.name)}", f"{_plain(column.name)}_kinds"
    yield f"{name}_{_LONG}d", data | {"days": _LONG, "title": f"{what} in {_LONG} days"}
    if names_identifier(column.name):  # several rows are one purchase, visit or call
        yield f"{name}_so_far", data | {"title": f"{what} so far"}


def _of_flag(role: Role, column: ColumnProfile) -> Iterator[tuple[str, dict[str, Any]]]:
    true = [text for text, _ in column.top if text.lower() in TRUE_TEXTS]
    if true:
        where = {column.name: true}
        yield f"{_plain(column.name)}_{_LONG}d", {
            "count": role.name, "days": _LONG, "where": where, "required": False, "min": 0,
            "title": f"{title(role.name)} with {title(column.name)} in {_LONG} days",
        }  # fmt: skip


def _of_amount(role: Role, column: ColumnProfile, part: AmountPart) -> Iterator[tuple[str, dict[str, Any]]]:
    declared = feature_of(column)
    keys = {"decimal", "thousands", "around", "unit", "min", "missing_values"}
    data = declared.model_dump(exclude_defaults=True, include=keys) | {"required": False}
    data |= {"unit": part.unit} if part.unit is not None else {}
    data |= {"where": part.where} if part.where else {}
    source, what = f"{role.name}.{column.name}", f"{title(column.name)}{part.words}"
    name = "_".join(filter(None, (_plain(column.name), part.name)))
    if not part.main:
        yield f"{name}_{_LONG}d", data | {"sum": source, "days": _LONG, "title": f"{what} in {_LONG} days"}
        return
    if set(words(column.name)) & _OF_A_ROW and not names_total_price(column.name):
        yield f"{name}_mean_{_LONG}d", data | {"mean": source, "days": _LONG, "title": f"mean {what} in {_LONG} days"}
        return
    for days in (_SHORT, _LONG):
        yield f"{name}_{days}d", data | {"sum": source, "days": days, "title": f"{what} in {days} days"}
    yield f"{name}_so_far", data | {"sum": source, "title": f"{what} so far"}
    if (column.smallest or 0) >= 0:
        ratio = {"sum": source, "days": [_SHORT, _LONG], "where": part.where}
        written = {key: value for key, value in data.items() if key not in ("unit", "min", "where")}
        yield f"{name}_trend", written | {"ratio": ratio, "title": f"trend of {what}", "min": 0}


def _columns(
    role: Role, table_roles: TableRoles, choice: LabelChoice | None
) -> tuple[list[ColumnProfile], dict[str, ExcludedColumn]]:
    """The columns of a table that may be used, and the excluded ones, each with its reason."""
    look, usable, aside = role.look, [], {}
    linked = {link.column for link in table_roles.links if link.table == look.name} | {role.customer, look.key}
    flags = {column.name for column, _ in leaving_flags(look)}
    others = [other for other in table_roles.of("attributes") if other.look is not look]
    dated = {column.name for other in others for column in other.look.columns}
    for column in look.columns:
        if column.name in linked or column.name in look.times or column.name == look.nearly_key:
            continue
        why = _reason(role, column, flags, dated)
        if why is None:
            usable.append(column)
        else:
            aside[f"{role.name}.{column.name}"] = why
    if role.kind == "events":
        calendar = in_calendar(look, str(role.times.first), usable)
        aside |= {f"{role.name}.{name}": why for name, why in calendar.items()}
        usable = [column for column in usable if column.name not in calendar]
    if role.period_days is not None:  # what their first row says of customers who left later was filled in then
        marked = marked_by_leaving(_of_first_rows(role), table_roles, usable, choice)
    elif (times := _until(role, table_roles)) is not None:
        marked = marked_by_end(look, times, usable, table_roles.newest)
    else:
        in_place = role.one_row_each and not role.grouped
        marked = marked_by_leaving(role, table_roles, usable, choice) if in_place else {}
    for name, evidence in marked.items():
        note = f"{evidence}, and nothing says since when it holds"
        aside[f"{role.name}.{name}"] = ExcludedColumn(reason="suspected_leak", note=note)
    return [column for column in usable if column.name not in marked], aside


def _until(role: Role, table_roles: TableRoles) -> Times | None:
    """The times of a table whose rows have a start and an end, several for some customers; None for any other table."""
    home = table_roles.customers
    times = home.times if home.grouped and role.look is home.look else role.times
    return times if times.end is not None and not role.one_row_each else None


def _of_first_rows(role: Role) -> Role:
    """The role of the first row of each customer."""
    look, customer = role.look, str(role.customer)
    order = ibis.window(group_by=customer, order_by=look.time(str(role.times.first)))
    placed = look.table.mutate(__place__=ibis.row_number().over(order))
    first = placed.filter(placed["__place__"] == 0).drop("__place__")
    return replace(role, look=replace(look, table=first))


def _reason(role: Role, column: ColumnProfile, flags: set[str], dated: set[str]) -> ExcludedColumn | None:
    found = set(words(column.name))
    if not column.present or (column.distinct == 1 and column.present == column.rows):
        return exclusion_of(column, None)
    if names_leaving(column.name) or column.name in flags:
        values = " and ".join(repr(text) for text, _ in column.top[:2])
        why = "its name speaks of leaving" if names_leaving(column.name) else f"{values} may be set long after the row"
        return ExcludedColumn(reason="suspected_leak", note=f"{why}, and nothing says since when it holds")
    if role.one_row_each:
        if column.name in dated:
            note = "today's value; another table holds it with its history, and is read instead"
            return ExcludedColumn(reason="suspected_leak", note=note)
        if found & _CHANGING:
            note = "today's value of something that may change: for the past it would reveal the future; move it to "
            return ExcludedColumn(reason="suspected_leak", note=note + "`features` if it never changes")
    elif role.times.end is not None and role.kind == "attributes" and found & _SO_FAR:
        note = "counted or written until today, while the row goes on: move it to `features` if it never changes"
        return ExcludedColumn(reason="suspected_leak", note=note)
    elif role.times.end is not None and role.kind == "events" and found & _AFTERWARDS:
        note = f"may be known only at {role.times.end}, after {role.times.first}: move it to `features` if it is not"
        return ExcludedColumn(reason="suspected_leak", note=note)
    if role.kind != "events":
        return exclusion_of(column, None)
    return _unfit_of_events(column)


def _unfit_of_events(column: ColumnProfile) -> ExcludedColumn | None:
    why = exclusion_of(column, None)
    if (
        why is not None
        and why.reason in ("identifier", "many_levels", "unclear")
        and column.distinct < 0.5 * column.present
    ):
        return None  # names of other things, which can be counted: invoices, articles
    return why


def _plain(name: str) -> str:
    return "_".join(words(name)) or name
