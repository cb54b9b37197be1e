"""Anomalies in the tables of a database: they are counted, reported, and asked about. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable

import ibis

from churn_mlops.data.discovery.foreign_keys import Link
from churn_mlops.data.discovery.near_keys import near_key
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_columns import TimeColumn
from churn_mlops.data.discovery.time_roles import Times
from churn_mlops.data.discovery.times.open_day import open_day
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.normal_forms import normal_form
from churn_mlops.data.engine.sentinel_dates import without_sentinels
from churn_mlops.data.findings import Finding, missing_as_id
from churn_mlops.data.profiling.duplicate_columns import repeated_rows
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.profiling.unix_times import UnixTimes, unix_times_of

_MASS, _MASS_SHARE, _TIMES = 20, 0.2, 5  # ends of one day, their share of all, and how often the next most frequent
_FEWEST_MONTHS = 3
_WORTH = 0.01  # share of the rows that nearly name a key, from which a normal form is offered


def of_rows(count: int, rows: int) -> str:
    """``count`` of ``rows`` in words."""
    return f"{count:,} of {rows:,} rows ({count / rows:.1%})" if rows else "no row"


def on_tables(table_roles: TableRoles) -> list[Finding]:
    """The anomalies in each table by itself, and along its links."""
    looks = {role.look.name: role.look for role in table_roles.roles.values()}
    times: dict[str, Times] = {}
    for role in table_roles.roles.values():
        if role.look.name not in times or role.kind != "events":  # the ends of rows are events, and not their start
            times[role.look.name] = role.times
    found: list[Finding] = []
    for look in looks.values():
        found += on_key(look) + on_formats(look) + on_times(look, times[look.name])
    linked = {(link.table, link.column) for link in table_roles.links}
    for role in table_roles.roles.values():
        if role.customer is not None and (role.name, role.customer) not in linked and role.look.key != role.customer:
            found += _nameless(role)
    found += on_last_ends(table_roles.customers)
    for role in table_roles.of("events", "attributes"):
        if role.look is not table_roles.customers.look:
            found += on_dates_of_months(role)
    home = table_roles.customers.look.name
    steps = {(role.look.name, role.through.column) for role in table_roles.roles.values() if role.through is not None}
    for link in table_roles.links:
        leads = link.to == home or (link.table, link.column) in steps
        found += on_link(looks[link.table], link, looks[link.to], leads=leads)
        since = times[link.to].first if link.to == home else times[link.to].start
        found += on_lives(looks[link.table], times[link.table].first, link, looks[link.to], since, times[link.to].end)
    return _each_once(found)


def _each_once(findings: list[Finding]) -> list[Finding]:
    """``findings`` without those that two roles of a table share, and without blank keys that are reported as links."""
    nameless = {finding.column for finding in findings if finding.kind == "link_blank"}
    each = {(finding.column, finding.kind, finding.message): finding for finding in findings}
    return [one for one in each.values() if one.kind != "blank_key" or one.column not in nameless]


def on_key(look: ProfiledTable) -> list[Finding]:
    """Rows that repeat a key, or an earlier row in every column where no column is a key."""
    if look.key is not None:
        return []
    copies = repeated_rows(look.table)
    key, again = look.nearly_key, 0
    found = []
    if key is not None:
        column = look.profile[key]
        again, blank = column.present - column.distinct, look.rows - column.present
        are = "is an exact copy" if copies == 1 else "are exact copies"
        alike = "none of them is an exact copy" if not copies else f"{copies:,} of them {are}"
        if again:
            what = (
                f"{of_rows(again, look.rows)} repeat the {key} of an earlier row; {alike}: does {key} name a row, and "
                "if so, which of them counts? All of them are counted"
            )
            found.append(Finding(f"{look.name}.{key}", "duplicate_key", what, rows=again, of=look.rows))
        if blank:
            what = f"{of_rows(blank, look.rows)} have no {key}"
            found.append(Finding(f"{look.name}.{key}", "blank_key", what, rows=blank, of=look.rows))
    if copies > again:  # copies among rows that repeat a key are reported with it
        what = (
            f"{of_rows(copies, look.rows)} repeat an earlier row in every column: is a thing stored twice, or did "
            "it happen twice? They are counted as they stand"
        )
        found.append(Finding(look.name, "repeated_rows", what, rows=copies, of=look.rows))
    return found


def on_formats(look: ProfiledTable) -> list[Finding]:
    """Columns of one table whose dates are written in different ways, or can be read in two, or not at all."""
    found = []
    written = [time for time in look.times.values() if time.read_as is not None]
    plain = next((time for time in written if time.format is None), None)
    common = plain or (written[0] if written else None)
    for time in written:
        name = f"{look.name}.{time.name}"
        if common is not None and time.format is not None and not _written_alike(time, common):
            what = (
                f"is written like {time.example!r} ({time.read_as}), {common.name} like {common.example!r} "
                f"({common.read_as}): do both come from the same clock?"
            )
            found.append(Finding(name, "date_formats", what))
        if time.other is not None:
            what = (
                f"{time.example!r} may be {time.read_as} or {time.other}, and no row decides: "
                f"it is read as {time.read_as}"
            )
            found.append(Finding(name, "date_order", what))
        if time.unread:
            what = (
                f"{of_rows(time.unread, time.unread_texts.filled)} with a value are no time as {time.read_as} writes "
                f"one, {time.unread_texts}: they count as missing, so a customer whose end is not read counts as "
                "staying. Write all dates of the column alike, in the source or in a view"
            )
            found.append(Finding(name, "date_unread", what, rows=time.unread, of=time.unread_texts.filled))
    found += [_outside(look, time) for time in look.times.values() if time.outside]
    return found + [_counted(look, column, times) for column in look.columns if (times := unix_times_of(column))]


def _written_alike(time: TimeColumn, other: TimeColumn) -> bool:
    """Whether two columns of times have one format; ISO 8601 is one of days from the year on."""
    formats = {time.read_as, other.read_as}
    return len(formats) == 1 or ("ISO 8601" in formats and any(str(one).startswith("%Y-%m-%d") for one in formats))


def _counted(look: ProfiledTable, column: ColumnProfile, times: UnixTimes) -> Finding:
    held = f"numbers that are {times.unit} from {times.first} to {times.last}, counted from 1970 in UTC"
    if column.name in look.times:
        what = f"holds {held}: it is read so"
    else:
        what = (
            f"may hold {held}: if they are times, name the column as a time of the table, and declare "
            f"`formats: {{{column.name}: {times.unit}}}`; now they count as numbers"
        )
    return Finding(f"{look.name}.{column.name}", "unix_times", what)


def _outside(look: ProfiledTable, time: TimeColumn) -> Finding:
    what = (
        f"{of_rows(time.outside, look.rows)} hold infinity, a day BC, or the last days of 9999 and later, "
        "which is no time: they count as missing"
    )
    return Finding(f"{look.name}.{time.name}", "outside_calendar", what, rows=time.outside, of=look.rows)


def on_times(look: ProfiledTable, times: Times) -> list[Finding]:
    """An end before its start, and a time of recording before what it records."""
    found = []
    if times.end_early is not None:
        early, both = times.end_early
        since = times.start or times.first
        what = f"lies before {since} in {of_rows(early, both)}: which of the two is wrong?"
        found.append(Finding(f"{look.name}.{times.end}", "end_before_start", what, rows=early, of=both))
    if times.known_early is not None:
        column, early, both = times.known_early
        taken = "it is taken for" if column == times.known_at else "it is not taken for"
        what = (
            f"lies before {times.first} in {of_rows(early, both)}, though it is called like the time when a row was "
            f"recorded: {taken} it"
        )
        found.append(Finding(f"{look.name}.{column}", "known_before_event", what, rows=early, of=both))
    return found


def on_last_ends(customers: Role) -> list[Finding]:
    """Many ends on the last day of all: some exports write their own day, or a far one, where a row has not ended."""
    column = customers.times.end
    if column is None:
        return []
    far = open_day(customers.look, column)
    if far is not None:
        what = (
            f"{of_rows(far.rows, far.of)} with an end have {far.day}, a year or more after all others: taken for "
            '"has not ended". Is that so? Leave these cells blank before that day comes, or these customers count as '
            "churners then"
        )
        return [Finding(f"{customers.name}.{column}", "end_same_day", what, rows=far.rows, of=far.of)]
    ends = without_sentinels(customers.look.time(column)).date().name("day").as_table().drop_null("day")
    days = ends.group_by("day").aggregate(rows=ends.count()).order_by("day")
    counts = as_arrow(days)["rows"].to_pylist()
    others, last = counts[:-1], counts[-1] if counts else 0
    if last < _MASS or last < _MASS_SHARE * sum(counts) or last < _TIMES * max(others, default=0):
        return []
    what = (
        f"{of_rows(last, sum(counts))} with an end have that of the last day: has the export written its own day where "
        "a row had not ended? Then leave these cells blank, or these customers count as churners"
    )
    return [Finding(f"{customers.name}.{column}", "end_same_day", what, rows=last, of=sum(counts))]


def on_dates_of_months(role: Role) -> list[Finding]:
    """Rows that are all dated on the first of a month: some sum up the month, and are known at its end only."""
    column = role.times.first
    if column is None or role.times.known_at is not None:
        return []
    rows = role.look.time(column).name("at").as_table().drop_null("at")
    counts = rows.aggregate(rows=rows.count(), first=(rows.at.day() == 1).sum(), months=rows.at.truncate("M").nunique())
    held = as_arrow(counts).to_pylist()[0]
    if held["months"] < _FEWEST_MONTHS or held["first"] < held["rows"]:
        return []
    what = (
        "every date is the first of a month: does a row sum up the month that begins there? Then it is known at its "
        "end only, and now it reveals up to 30 days: add a column with the last day of the month (a view), and name it "
        "as `known_at`"
    )
    return [Finding(f"{role.name}.{column}", "dates_of_months", what)]


def on_link(look: ProfiledTable, link: Link, other: ProfiledTable, *, leads: bool = True) -> list[Finding]:
    """Rows that name no row of the linked table, or one that is not there or is written differently there.

    Args:
        look: the table of the rows.
        link: what they name.
        other: the linked table.
        leads: whether the rows reach their customers by this link alone.
    """
    name, found = f"{link.table}.{link.column}", []
    kept = "belong to no one" if leads else "still count"
    if link.blank:
        what = f"{of_rows(link.blank, look.rows)} have no {link.column}: they {kept}"
        found.append(Finding(name, "link_blank", what, rows=link.blank, of=look.rows))
    if link.orphans:
        what = (
            f"{of_rows(link.orphans, look.rows)} name {link.missing_keys:,} which {link.to}.{link.key} does not hold: "
            f"{_nearly(look, link, other) or 'were those deleted?'} The rows {kept}"
        )
        found.append(Finding(name, "orphans", what, rows=link.orphans, of=look.rows))
    return found


def _nearly(look: ProfiledTable, link: Link, other: ProfiledTable) -> str:
    near = near_key(look, link.column, other, link.key) if link.normal_form is None else None
    if near is None or near.rows - (link.rows - link.orphans) < _WORTH * link.rows:
        return ""
    return (
        f"{near}. If both mean the same, declare `through: {{table: {link.to}, column: {link.column}, "
        f"key: {link.key}, normal_form: {near.normal_form}}}` for the table, or correct the source."
    )


def on_lives(
    look: ProfiledTable, time: str | None, link: Link, home: ProfiledTable, start: str | None, end: str | None
) -> list[Finding]:
    """Rows that are dated before what they name starts, or after it ends."""
    if time is None or start is None:
        return []
    kept = {"key": normal_form(home.text(link.key), link.normal_form), "start": home.time(start).date()}
    kept["end"] = without_sentinels(home.time(end)).date() if end is not None else ibis.null("date")
    lives = home.table.select(**kept).group_by("key").agg(start=lambda t: t.start.min(), end=lambda t: t.end.max())
    value = normal_form(look.text(link.column), link.normal_form)
    rows = look.table.select(value=value, day=look.time(time).date())
    both = rows.join(lives, rows.value == lives.key)
    counts = both.aggregate(
        early=(both.day < both.start).sum(), late=(both.day > both.end).sum(), ended=both.end.count()
    )
    held = {name: int(count or 0) for name, count in counts.to_pyarrow().to_pylist()[0].items()}
    found, name = [], f"{look.name}.{time}"
    if held["early"]:
        what = (
            f"{of_rows(held['early'], look.rows)} are dated before the {link.key} that they name starts "
            f"({home.name}.{start}): which date is wrong, or what else does {time} mean?"
        )
        found.append(Finding(name, "before_start", what, rows=held["early"], of=look.rows))
    if held["late"]:
        what = (
            f"{of_rows(held['late'], look.rows)} are dated after the {link.key} that they name ended "
            f"({home.name}.{end}); {held['ended']:,} rows name one that has ended"
        )
        found.append(Finding(name, "after_end", what, rows=held["late"], of=look.rows))
    return found


def _nameless(role: Role) -> list[Finding]:
    column = role.look.profile[str(role.customer)]
    name = f"{role.name}.{role.customer}"
    found = [Finding(name, "missing_as_id", missing_as_id(text, rows)) for text, rows in column.markers]
    if column.missing and role.kind != "customers":
        what = f"{of_rows(column.missing, column.rows)} name no customer: they belong to no one and are left out"
        found.append(Finding(name, "link_blank", what, rows=column.missing, of=column.rows))
    return found


def on_present_values(table_roles: TableRoles, used: Iterable[tuple[str, str]]) -> list[Finding]:
    """Columns in use that hold today's value of a row which is changed in place: whether they ever change is asked.

    Args:
        table_roles: the tables.
        used: each table and column that a feature reads the last value of.
    """
    found = []
    for role in table_roles.of("customers", "attributes"):
        if role.grouped:
            continue  # the table whose rows they are stands for itself
        columns = [column for table, column in used if table == role.name and column not in role.look.times]
        if not columns or not (role.one_row_each or role.times.end is not None):
            continue
        why = "a customer has one row" if role.one_row_each else f"{role.times.end} is written into the row later"
        what = (
            f"{why}, so {', '.join(columns)} hold{'s' if len(columns) == 1 else ''} what is so today, which is taken "
            "to have been so from the beginning: take out of the features what is changed afterwards"
        )
        found.append(Finding(role.name, "present_values", what))
    return found
