"""What a column's name says: its words, its title, the names nearest to it, and whether it speaks of leaving."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_UPPER = "A-ZÀ-ÖØ-Þ"
_LOWER = f"(?:(?![{_UPPER}])[^\\W\\d_])"  # any other letter, of any script
_WORD = re.compile(f"[{_UPPER}]{{2,}}(?!{_LOWER})|[{_UPPER}]?{_LOWER}+|[{_UPPER}]|\\d+")

_LEAVING = re.compile(
    r"cancel\w*|exit(s|ed|ing)?|terminat\w*|departure|departed|quit|unsubscri\w*|deactivat\w*|disconnect\w*|offboard\w*"
    r"|leave|leaving|leaver|defect(ed|ion)|attrit\w*|resign\w*"
)
_PERHAPS_LEAVING = frozenset(
    "left end ended close closed closing closure lost lapse lapsed expired status state active inactive reason winback "
    "refund refunded retention retained final outcome stayed lifecycle".split()
)
_DETAIL = frozenset(
    "reason reasons score date day days dt time timestamp datetime at on cause category comment comments feedback "
    "survey probability prob risk month since".split()
)
_IDENTIFYING = frozenset(
    {
        "id",
        "uuid",
        "guid",
        "key",
        "no",
        "number",
        "nr",
        "num",
        "index",
        "row",
        "msisdn",
        "phone",
        "imsi",
        "imei",
        "iban",
    }
)
_LINE_OR_PLACE = frozenset(
    "phone telephone tel fax telefax zip zipcode postcode postalcode postal plz pincode eircode".split()
)
_PERSONAL = frozenset(
    {"surname", "lastname", "firstname", "fullname", "forename", "email", "mail", "address", "street"}
)
_GLUED = re.compile(
    r".*id|(customer|client|cust|user|account|acct|member|subscriber|row|order|person|contract|policy|card|phone|serial)"
    r"(no|num|nr|nbr|number|code|key|index)"
)
_NO_ID = ("paid", "bid", "grid", "hybrid", "valid", "void", "solid", "fluid", "liquid", "rapid", "covid", "mid", "aid")


def words(name: str) -> list[str]:
    """The lower-case words of ``name``: ``CustomerStatus`` and ``customer_status`` are the same two."""
    return [word.lower() for word in _WORD.findall(name)]


def title(name: str, unit: str | None = None) -> str:
    """``MonthlyCharges`` -> "monthly charges"; abbreviations keep their capitals, a ``unit`` at the end is left out."""
    found = _WORD.findall(name)
    if unit and len(found) > 1 and found[-1].lower().removesuffix("s") == unit.lower().removesuffix("s"):
        found = found[:-1]  # "tenure_months" is said as "tenure 7 months"
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in found) or name


def names_leaving(name: str) -> bool:
    """Whether ``name`` says outright that it tells of a leaving: churn, or a reason, score or date of an exit."""
    if "churn" in name.lower() or "attrition" in name.lower():
        return True
    found = words(name)
    return any(_LEAVING.fullmatch(word) for word in found) and any(word in _DETAIL for word in found)


def may_name_leaving(name: str) -> bool:
    """Whether ``name`` could tell of a leaving (a status, an end, a refund), so that the values must decide."""
    return any(_LEAVING.fullmatch(word) or word in _PERHAPS_LEAVING for word in words(name))


def names_identifier(name: str) -> bool:
    """Whether ``name`` ends in a word such as "id", or begins with one."""
    found = words(name)
    if not found:
        return False
    glued = _GLUED.fullmatch(found[-1]) is not None and not found[-1].endswith(_NO_ID)
    return found[-1] in _IDENTIFYING or found[0] in {"id", "index", "row"} or glued


def names_line_or_place(name: str) -> bool:
    """Whether ``name`` tells of the number of a telephone or of a post code, whose digits count nothing."""
    found = words(name)
    return bool({*found[-1:], "".join(found[-2:])} & _LINE_OR_PLACE)


def names_person(name: str) -> bool:
    """Whether ``name`` tells of what a person is called, or where he is reached."""
    found = words(name)
    return bool(set(found) & _PERSONAL) or found[-2:] in (["first", "name"], ["last", "name"], ["full", "name"])


def names_date(name: str) -> bool:
    """Whether ``name`` holds a word such as "date"."""
    return any(
        word in {"date", "dt", "day", "timestamp", "datetime", "time", "at", "on", "dob"} for word in words(name)
    )


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The names among ``known`` that most resemble ``name``, best first, at most ``count``."""
    by_key: dict[str, str] = {}
    for other in known:
        by_key.setdefault("".join(words(other)) or other.lower(), other)
    found = difflib.get_close_matches("".join(words(name)) or name.lower(), list(by_key), n=count, cutoff=0.5)
    return [by_key[key] for key in found]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of an error message that suggests the nearest names, or lists what there is."""
    names = list(known)
    close = nearest(name, names)
    if close:
        return f"nearest: {', '.join(map(repr, close))}"
    shown = ", ".join(map(repr, names[:20]))
    return f"it has: {shown}{', ...' if len(names) > 20 else ''}" if names else "it has no columns"


def check_feature_names(names: Iterable[str], customer: str) -> None:
    """Features of a history and its customer are told apart by more than case, which some engines do not see.

    Raises:
        ValueError: two names differ in case alone, or one is kept for the columns of snapshots.
    """
    taken = {customer.lower(): "a column of every snapshot"}
    for name in names:
        if name.startswith("__") and name.endswith("__"):
            raise ValueError(f"feature {name!r}: names with two underscores around them are kept for snapshots")
        if name.lower() in taken:
            what = taken[name.lower()]
            raise ValueError(f"feature {name!r} is called like {what}, be it in other case: give it another name")
        taken[name.lower()] = f"feature {name!r}"
