"""Which table is that of the customers, and how the rows of the others belong to them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Literal

from churn_mlops.data.contract import Where
from churn_mlops.data.discovery.foreign_keys import Link, best_link, links_from
from churn_mlops.data.discovery.named_customer import named_customer
from churn_mlops.data.discovery.one_row_each import refuse_parts
from churn_mlops.data.discovery.profiled_table import ProfiledTable, may_be_key
from churn_mlops.data.discovery.time_roles import Times, times_of, times_of_customers
from churn_mlops.data.discovery.version_tables import Versions, find_versions, times_of_versions, version_key
from churn_mlops.data.profiling.name_signals import (
    names_held_thing,
    names_identifier,
    names_leaving,
    speaks_of_customer,
    table_names_leaving,
)
from churn_mlops.errors import ContractError

_MANY = 4  # so many customers of one employee, one shop, one plan
Kind = Literal["customers", "attributes", "events", "ends", "undated", "apart"]


@dataclass(frozen=True)
class Role:
    """The role of a table for the customers.

    Attributes:
        look: the table.
        kind: "ends" holds the leavings, "undated" has no time, "apart" names no customer.
        times: its times by what they mean.
        customer: its column that names the customer.
        through: the link to the table that names the customer, or to the customers in a normal form of their key.
        grouped: a customer may have several rows in a table of customers.
        where: the rows of the table in the database that it holds; all if empty.
        period_days: the most days from one row of a customer to the next in a panel; None in any other table.
    """

    look: ProfiledTable
    kind: Kind
    times: Times
    customer: str | None = None
    through: Link | None = None
    grouped: bool = False
    where: Where = field(default_factory=dict)
    period_days: int | None = None

    @property
    def name(self) -> str:
        """Its name in the contract."""
        return self.look.name

    @cached_property
    def one_row_each(self) -> bool:
        """Whether a customer has one row, which is then changed in place; some may still be stored twice."""
        if self.kind == "customers" or (self.look.key is not None and self.look.key == self.customer):
            return True
        if self.customer is not None and self.look.profile[self.customer].distinct == self.look.rows:
            return True  # whatever the column is called
        if self.customer is None or self.look.nearly_key != self.customer or self.times.valid_from is not None:
            return False
        return not self._repeats_are_later()

    def _repeats_are_later(self) -> bool:
        """Whether most rows that repeat a customer have a time of their own: then the customer has a history here."""
        if self.times.first is None:
            return False
        rows = self.look.table.select(who=self.look.text(str(self.customer)), at=self.look.time(self.times.first))
        rows = rows.filter(rows.who.notnull(), rows["at"].notnull())
        each = rows.group_by("who").agg(k=rows.count(), times=rows["at"].nunique())
        held = each.aggregate(again=(each.k - 1).sum(), later=(each.times - 1).sum()).to_pyarrow().to_pylist()[0]
        return 2 * int(held["later"] or 0) > int(held["again"] or 0)


@dataclass(frozen=True)
class TableRoles:
    """The tables by what they are to the customers, the links among them, and the column that names the customer.

    ``newest`` is the time until which the data goes: what lies later has not happened yet.
    """

    customer: str
    roles: Mapping[str, Role]
    links: tuple[Link, ...]
    newest: datetime | None = None

    @property
    def customers(self) -> Role:
        """The table of the customers, or whose rows name them first."""
        return next(role for role in self.roles.values() if role.kind == "customers")

    @property
    def home(self) -> str:
        """The name of the table of the customers in the contract."""
        return next(name for name, role in self.roles.items() if role.kind == "customers")

    def of(self, *kinds: Kind) -> list[Role]:
        """The tables of those kinds."""
        return [role for role in self.roles.values() if role.kind in kinds]


def find_table_roles(looks: Sequence[ProfiledTable], links: Sequence[Link], customer: str | None = None) -> TableRoles:
    """Find the customers among the tables.

    Args:
        looks: the tables.
        links: their links.
        customer: column that names the customer, or ``table.column``, where a person has said it.

    Raises:
        ContractError: ``customer`` is no column, or no table says who the customers are or since when.
    """
    times = {look.name: times_of(look) for look in looks}
    customer, table = named_customer(customer, looks)
    home = _home([look for look in looks if table in (None, look.name)], links, times, customer)
    versions = find_versions(looks, times) if customer is None else None
    dated = home is not None and times[home.name].valid_from is not None  # a price of a customer, not the customer
    if versions is not None and (home is None or dated or not _is_called(home)):
        return _of_versions(looks, times, tuple(links), versions)
    if home is not None:
        key = customer or str(home.key or home.nearly_key)
        times[home.name] = times_of_customers(home, times[home.name])
        roles = {look.name: _role(look, times[look.name], home, key, looks, links) for look in looks}
        if times[home.name].first is not None:
            return TableRoles(key, roles, tuple(links))
        return _dated_by_another(key, roles, tuple(links))
    named = customer or _shared_name(looks)
    return _grouped(looks, times, tuple(links), named)


def by_lasting_rows(table_roles: TableRoles, lasting: Role) -> TableRoles:
    """``table_roles`` with customers from rows that last, such as subscriptions, not from one row each."""
    roles = {
        name: Role(role.look, "attributes", role.times, role.customer) if role.kind == "customers" else role
        for name, role in table_roles.roles.items()
    }
    return replace(table_roles, roles=_with_first_rows(roles, [lasting]))


def _home(
    looks: Sequence[ProfiledTable], links: Sequence[Link], times: Mapping[str, Times], customer: str | None
) -> ProfiledTable | None:
    """The table with one row for each customer, None where there is none."""
    able = [look for look in looks if (look.key or look.nearly_key) is not None]
    able = [look for look in able if version_key(look, times[look.name]) is None]
    if customer is not None:
        once = [look for look in looks if _names_each_row(look, customer)]
        able = [look for look in able if customer in (look.key, look.nearly_key)] or once

    def rank(look: ProfiledTable) -> tuple[bool, bool, bool, int, bool]:
        # Rows with a time from which on they are valid are versions, or prices, of something that is named elsewhere.
        lasts = times[look.name].valid_from is None
        return (
            _is_called(look),
            lasts,
            not _groups(look, links),
            _reach(look, links),
            times[look.name].first is not None,
        )

    found = max(able, key=rank, default=None)
    if found is None or customer is not None:
        return found
    called, _, _, reach, _ = rank(found)
    return found if called or (reach and len(looks) > 1) else None


def _names_each_row(look: ProfiledTable, column: str) -> bool:
    return any(one.name == column and one.distinct == one.present == look.rows for one in look.columns)


def _is_called(look: ProfiledTable) -> bool:
    """Whether a table is called like customers, or its key like what names one."""
    key = str(look.key or look.nearly_key)
    called = speaks_of_customer(look.name) and not names_held_thing(look.name)  # memberships are not the members
    return called or (speaks_of_customer(key) and names_identifier(key))


def _groups(look: ProfiledTable, links: Sequence[Link]) -> bool:
    """Whether each row stands for many of a table that others name: staff, a shop, a plan of customers."""
    named = {link.to for link in links}
    return any(link.to == look.name and link.table in named and link.rows >= _MANY * look.rows for link in links)


def _reach(look: ProfiledTable, links: Sequence[Link]) -> int:
    """Tables whose rows lead to ``look``, directly or through another table."""
    near = {link.table for link in links if link.to == look.name}
    return len(near | {link.table for link in links if link.to in near} - {look.name})


def _role(
    look: ProfiledTable,
    times: Times,
    home: ProfiledTable,
    customer: str,
    looks: Sequence[ProfiledTable],
    links: Sequence[Link],
) -> Role:
    if look is home:
        return Role(look, "customers", times, customer)
    of_home = [link for link in links_from(links, look.name) if link.to == home.name]
    direct = [link.column for link in of_home]
    if home.key is None and home.nearly_key is None:  # the column that names the customer is no key by its looks
        direct = [column.name for column in look.columns if column.name == customer]
    if direct:
        step = next((link for link in of_home if link.column == direct[0] and link.normal_form is not None), None)
        return Role(look, kind_of(look, times, links), times, direct[0], step)
    near = {link.table for link in links if link.to == home.name}
    keyed = {other.name for other in looks if other.key or other.nearly_key}
    steps = [link for link in links_from(links, look.name) if link.to in near & keyed]
    if steps:
        return Role(look, kind_of(look, times, links), times, None, steps[0])
    return Role(look, "apart", times)


def kind_of(look: ProfiledTable, times: Times, links: Sequence[Link]) -> Kind:
    """The kind of the rows of a table that is not that of the customers."""
    if times.first is None:
        return "undated"
    if table_names_leaving(look.name) or (names_leaving(times.first) and times.end is None):
        return "ends"
    if version_key(look, times) is not None:
        return "attributes"
    held = names_held_thing(look.name) or any(link.to == look.name for link in links)
    lasting = times.first is not None and times.end is not None
    return "attributes" if times.valid_from is not None or (lasting and held) else "events"


def _dated_by_another(key: str, roles: dict[str, Role], links: tuple[Link, ...]) -> TableRoles:
    """If the table of customers has no time, the rows of another table say since when each customer is there."""
    dated = [role for role in roles.values() if role.kind in ("attributes", "events") and role.customer is not None]
    if not dated:
        named = {
            role.look.source: role.customer or (role.through.column if role.through else None)
            for role in roles.values()
        }
        refuse_parts(named, {role.look.source: role.look.key for role in roles.values()})
        raise ContractError(
            f"no table says since when a customer is there: add a date of sign-up, or dated rows with {key!r}"
        )
    roles = {name: _without_start(role) if role.kind == "customers" else role for name, role in roles.items()}
    return TableRoles(key, _with_first_rows(roles, dated), links)


def _without_start(role: Role) -> Role:
    """A table of customers that says of them when they left, or no time at all."""
    if role.times.end is None:
        return Role(role.look, "undated", role.times, role.customer)
    return Role(role.look, "ends", Times(event=role.times.end, known_at=role.times.known_at), role.customer)


def _grouped(
    looks: Sequence[ProfiledTable], times: Mapping[str, Times], links: tuple[Link, ...], customer: str | None
) -> TableRoles:
    """Customers from the rows that name them, if no table has one row for each."""
    holders = [look for look in looks if customer is not None and any(c.name == customer for c in look.columns)]
    dated = [look for look in holders if times[look.name].first is not None]
    if customer is None or not dated:
        raise ContractError(
            "no table says who the customers are: name the column that does, in a table with dates, with `--customer`"
        )
    roles = {
        look.name: Role(look, kind_of(look, times[look.name], links), times[look.name], customer)
        if look in holders
        else _by_step(look, times[look.name], holders, links)
        for look in looks
    }
    return TableRoles(customer, _with_first_rows(roles, [roles[look.name] for look in dated], same=False), links)


def _of_versions(
    looks: Sequence[ProfiledTable], times: Mapping[str, Times], links: tuple[Link, ...], versions: Versions
) -> TableRoles:
    """Customers from the versions of their rows: they are there since the first of them."""
    named = versions.named_by
    columns = [link.column for link in named.values()]
    customer, name = max(columns, key=columns.count), name_for_customers([look.name for look in looks])
    own = Role(versions.look, "attributes", times_of_versions(times[versions.look.name]), versions.key)
    holders = [look for look in looks if look.name in named]
    roles: dict[str, Role] = {}
    for look in looks:
        of_look = times[look.name]
        if look in holders:
            link = named[look.name]
            step = None if link.normal_form is None else replace(link, to=name)
            roles[look.name] = Role(look, kind_of(look, of_look, links), of_look, link.column, step)
        else:
            roles[look.name] = own if look is versions.look else _by_step(look, of_look, holders, links)
    near = tuple(link for link in named.values() if link.normal_form is not None)
    return TableRoles(customer, _with_first_rows(roles, [own]), links + near)


def _by_step(look: ProfiledTable, times: Times, holders: Sequence[ProfiledTable], links: tuple[Link, ...]) -> Role:
    names = {holder.name for holder in holders if holder.key or holder.nearly_key}
    steps = [link for link in links_from(links, look.name) if link.to in names]
    return Role(look, kind_of(look, times, links) if steps else "apart", times, None, steps[0] if steps else None)


def _with_first_rows(roles: dict[str, Role], dated: Sequence[Role], *, same: bool = True) -> dict[str, Role]:
    """``roles`` with a table of customers made of the rows of the one that knows the most of them.

    ``same`` states that all tables write a customer in the same way, unless a link says otherwise.
    """
    kept = [role for role in dated if role.kind == "attributes"]
    lasting = [role for role in kept if role.times.end is not None]
    best = max(lasting or kept or dated, key=lambda role: role.look.profile[str(role.customer)].distinct)
    name = name_for_customers(roles)
    customers = Role(best.look, "customers", best.times, best.customer, grouped=True)
    if not same or best.through is not None:
        roles = {key: _led_to(role, name, customers) for key, role in roles.items()}
    return {name: customers, **roles}


def name_for_customers(tables: Collection[str]) -> str:
    """The name of a table of customers that is made of the rows of one of ``tables``."""
    return "customers" if "customers" not in tables else "all_customers"


def _led_to(role: Role, name: str, customers: Role) -> Role:
    """``role`` with its customers as the table of customers writes them, which does so as the rows that it is of."""
    if role.look is customers.look:
        return replace(role, through=None)
    if role.customer is None:
        return role
    link = best_link(role.look, role.customer, customers.look, str(customers.customer))
    return replace(role, through=None if link.normal_form is None else replace(link, to=name))


def _shared_name(looks: Sequence[ProfiledTable]) -> str | None:
    """The column that is called like a customer ID, in the most tables."""
    counts: dict[str, int] = {}
    for look in looks:
        for column in look.columns:
            if may_be_key(column) and speaks_of_customer(column.name):
                counts[column.name] = counts.get(column.name, 0) + 1
    return max(counts, key=lambda name: counts[name], default=None)
