"""The meaning of the times of a table: a start, an end, when an event happened, when the company recorded it.

Names propose, the rows decide: a time of recording lies after what it records, an end after its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.engine.sentinel_dates import without_sentinels
from churn_mlops.data.profiling.name_signals import names_held_thing, names_leaving
from churn_mlops.suggestions import words

TimeRole = Literal["start", "end", "valid_from", "known_at", "event", "other"]
_KNOWN = frozenset(
    "recorded loaded ingested inserted known synced imported processed etl logged entered updated modified reported "
    "load ingest ingestion record recording".split()
)
_VALID = frozenset("valid effective applies".split())
_UNTIL = frozenset("to until till through thru".split())
_END = frozenset(
    "end ended ends ending churn churned cancel cancelled canceled cancellation closed close closing terminated "
    "termination left leave leaving exit exited expired expires expiry deactivated stopped stop until resolved solved "
    "completed finished departure departed unsubscribed lapse lapsed discontinued lost inactive gone ceased withdrawn "
    "resigned thru deleted deletion removed archived ende einde fin fim baja slut koniec".split()
)
_END_STEMS = (
    "kuendig", "kündig", "gekuendigt", "gekündigt", "austritt", "beendet", "resili", "résili", "disdett", "cessaz",
    "cancela", "encerra", "opzeg", "beeind", "vertragsende", "enddat", "rezygn", "uppsag", "abmeld", "abgemeldet",
    "desabon", "désabon", "laufzeitende", "aboende", "mitgliedschaftsende", "rescis",
    "gelöst", "geloest", "erledigt", "geschlossen", "résolu", "resuelt", "cerrad", "fermé", "fechad",
)  # fmt: skip
_START = frozenset(
    "start started starts begin began beginning signup signed sign joined join since created creation registered "
    "registration activated activation onboarded onboarding subscribed opened opening acquired acquisition "
    "enrolled from inception beginn seit angelegt angemeldet registriert inicio alta debut début inizio".split()
)
_START_STEMS = (
    "vertragsbegin", "vertragsstart", "laufzeitbegin", "abobegin", "abostart", "mitgliedschaftsbegin", "startdat",
    "eintritt", "beitritt", "anmeld", "registrier", "inscri", "iscri", "souscri", "suscri", "abonnement", "adhesion",
    "adhésion", "adesione", "adesão", "aktivier", "activaci", "activaç", "attivazion", "ingangsdat", "begindat",
    "aanmeld", "aanvang", "início",
)  # fmt: skip
_TERM = frozenset("period trial discount promo promotion coupon billing cycle grace warranty paid prepaid".split())
_TRIAL_STEMS = ("trial", "probezeit", "probephase", "testphase", "testzeit", "essai", "prueba", "prova", "proef")
_OTHER = frozenset("birth birthday birthdate dob born next due renewal last latest".split())
_OTHER_STEMS = ("geburt", "geboort", "naiss", "nacim", "nascim", "nascit", "urodz", "födel")  # days of birth
MOSTLY = 0.95
"""Share of the rows that must bear a name out."""


@dataclass(frozen=True)
class Times:
    """The times of a table by what they mean; None where there is none.

    Attributes:
        start: from when on.
        end: until when.
        valid_from: from when a row's values hold.
        event: when it happened.
        known_at: when the company learnt of it.
        end_known_at: when the company learnt of an end.
        known_early: a column that is called like ``known_at`` but lies before the event, and in how many rows of all.
        end_early: in how many rows, of those that have both, the end lies before the start or the event.
    """

    start: str | None = None
    end: str | None = None
    valid_from: str | None = None
    event: str | None = None
    known_at: str | None = None
    end_known_at: str | None = None
    known_early: tuple[str, int, int] | None = None
    end_early: tuple[int, int] | None = None

    @property
    def first(self) -> str | None:
        """The time from which a row counts."""
        return self.valid_from or self.event or self.start


def role_by_name(column: str) -> TimeRole:
    """The role that the name of a column of times suggests."""
    found = set(words(column))
    if found & _OTHER or is_term(column) or any(word.startswith(_OTHER_STEMS) for word in found):
        return "other"
    if found & _KNOWN:
        return "known_at"
    if found & _VALID:
        return "end" if found & _UNTIL else "valid_from"
    if names_leaving(column) or found & _END or any(word.startswith(_END_STEMS) for word in found):
        return "end"
    is_start = found & _START or any(word.startswith(_START_STEMS) for word in found)
    return "start" if is_start else "event"


def _is_filled(look: ProfiledTable, column: str) -> bool:
    return look.profile[column].present >= MOSTLY * look.rows


def _may_hold_versions(look: ProfiledTable) -> bool:
    return names_held_thing(look.name) or look.key is None


def is_term(column: str) -> bool:
    """Whether ``column`` is called like the begin or the end of a period, a trial, a discount: a customer goes on."""
    found = set(words(column))
    return bool(found & _TERM) and bool(found & (_END | _UNTIL | _START))


def is_trial_end(column: str) -> bool:
    """Whether ``column`` is called like the end of a trial."""
    found = set(words(column))
    begins = found & _START or any("begin" in word or "start" in word for word in found)
    return any(word.startswith(_TRIAL_STEMS) for word in found) and not begins


def times_of(look: ProfiledTable) -> Times:
    """The times of ``look`` by their names and by what the rows bear out."""
    order = _order(look, list(look.times))

    def is_filled(name: str) -> bool:  # without the days that stand for none, where they were counted
        return order[name, name][0] >= MOSTLY * look.rows if order else _is_filled(look, name)

    by_role: dict[TimeRole, list[str]] = {}
    for name in look.times:
        by_role.setdefault(role_by_name(name), []).append(name)
    earliest = {role: _earliest(look, names, order) for role, names in by_role.items()}
    start, event, valid = earliest.get("start"), earliest.get("event"), earliest.get("valid_from")
    end, known = earliest.get("end"), earliest.get("known_at")
    if valid is not None and "valid" not in words(valid) and end is None and not _may_hold_versions(look):
        event, valid = _earliest(look, [*by_role.get("event", []), valid], order), None  # as the day of an order is
    if start is not None and event is not None and not is_filled(event) and is_filled(start):
        event = None  # what only some rows have does not say since when they are there
    first = valid or event or start
    if first is None:  # all that is there: a time of recording, an end, or that of a period is when it happened
        terms = [name for name in look.times if is_term(name)]
        event = end or known or (_earliest(look, terms, order) if terms else None)
        first, end, known = event, None, (known if end else None)
    found = Times(start=start, end=end, valid_from=valid, event=event, known_at=known)
    return _borne_out(found, order) if first is not None else found


def _borne_out(found: Times, order: dict[tuple[str, str], tuple[int, int]]) -> Times:
    """``found`` without a time of recording that lies before what it records."""
    first = found.first
    known = found.known_at
    if known is not None and first is not None:
        both, early = _before(order, known, first)
        if early:
            kept = known if early <= (1 - MOSTLY) * both else None
            found = replace(found, known_at=kept, known_early=(known, early, both))
    since = found.start or first
    if found.end is not None and since is not None:
        both, early = _before(order, found.end, since)
        found = replace(found, end_early=(early, both)) if early else found
    return found


def _earliest(look: ProfiledTable, names: Sequence[str], order: dict[tuple[str, str], tuple[int, int]]) -> str:
    """One of several times of a role: the one that is seldom blank and lies before the others."""

    def rank(name: str) -> tuple[int, int, int]:
        blank = look.rows - look.profile[name].present
        after = sum(_before(order, other, name)[1] for other in names if other != name)
        return (blank > look.rows // 20, after, names.index(name))

    return min(names, key=rank)


def times_of_customers(look: ProfiledTable, times: Times) -> Times:
    """``times`` in a table of customers: they begin with a start, and an end that most of them have not is none."""
    if times.start is not None and times.valid_from is None:
        return replace(times, event=None)
    first = times.first
    if first is None or role_by_name(first) != "end" or _is_filled(look, first):
        return times
    return Times(end=first, known_at=times.known_at)


def with_end(look: ProfiledTable, times: Times, end: str | None) -> Times:
    """``times`` with another end, and the rows that do not bear it out."""
    named = [name for name in (times.start or times.first, end) if name is not None]
    found = replace(times, end=end, end_early=None, known_at=None)
    return replace(_borne_out(found, _order(look, named)), known_at=times.known_at, known_early=times.known_early)


def with_start(look: ProfiledTable, times: Times, start: str) -> Times:
    """``times`` that begin with another start, and the rows that do not bear them out."""
    known = times.known_at or (times.known_early[0] if times.known_early is not None else None)
    found = replace(times, start=start, event=None, known_at=known, known_early=None, end_early=None)
    return _borne_out(found, _order(look, [name for name in (start, known, times.end) if name is not None]))


def checked(look: ProfiledTable, found: Times) -> Times:
    """``found``, as it was declared, with the rows that do not bear it out."""
    named = [name for name in (found.first, found.known_at, found.end) if name is not None]
    return replace(_borne_out(found, _order(look, list(dict.fromkeys(named)))), known_at=found.known_at)


def _order(look: ProfiledTable, names: Sequence[str]) -> dict[tuple[str, str], tuple[int, int]]:
    """For each pair of times: rows that have both, and rows where the first lies on a day before that of the second.

    For a time and itself: rows that have it.
    """
    pairs = list(combinations(names, 2))
    if not pairs:
        return {}
    read = look.table.select(**{f"t{place}": look.time(name) for place, name in enumerate(names)})
    days = {name: without_sentinels(read[f"t{place}"]).date() for place, name in enumerate(names)}
    counts = {f"all{place}": days[name].count() for place, name in enumerate(names)}
    for place, (one, other) in enumerate(pairs):
        a, b = days[one], days[other]
        counts[f"n{place}"], counts[f"a{place}"], counts[f"b{place}"] = (a < b).count(), (a < b).sum(), (b < a).sum()
    held = read.aggregate(**counts).to_pyarrow().to_pylist()[0]
    order = {(name, name): (int(held[f"all{place}"]), 0) for place, name in enumerate(names)}
    for place, (one, other) in enumerate(pairs):
        rows = int(held[f"n{place}"])
        order[one, other] = (rows, int(held[f"a{place}"] or 0))
        order[other, one] = (rows, int(held[f"b{place}"] or 0))
    return order


def _before(order: dict[tuple[str, str], tuple[int, int]], one: str, other: str) -> tuple[int, int]:
    return order.get((one, other), (0, 0))
