"""Addresses of the console: its pages, the page of a customer, and where a browser may be sent on to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from churn_mlops.serving.access.permissions import rule_of
from churn_mlops.serving.access.principal import Role

HOME = "/"
SIGN_IN = "/sign-in"
OF_API = ("risk", "timeline", "notes", "do-not-contact")
"""Ends of addresses of the API that begin with the ID of a customer."""
# In their order. A page that the application does not have is left out.
PAGES = (
    ("find", "/"),
    ("list", "/list"),
    ("campaigns", "/campaigns"),
    ("dashboard", "/dashboard"),
    ("models", "/models"),
    ("status", "/status"),
    ("users", "/users"),
)
PARTS = {
    "customer": "find",
    "campaign": "campaigns",
    "figure_rows": "dashboard",
    "new_campaign": "campaigns",
    "models_change": "models",
    "models_compare": "models",
    "user": "users",
    "keys": "users",
    "confirm": "users",
    "shown_once": "users",
}
"""Pages that belong to one of the navigation."""


@dataclass(frozen=True)
class NavigationItem:
    """A link to a page.

    Args:
        name: of the page, the key of its text.
        path: its address.
        is_current: whether it is the page that is shown.
        is_section: whether the page that is shown belongs to it.
    """

    name: str
    path: str
    is_current: bool
    is_section: bool = False


def may_open(role: Role | None, path: str) -> bool:
    """Whether a role may open the page at ``path``."""
    return role in rule_of("GET", path).roles


def navigation(paths: Collection[str], role: Role | None, current: str) -> list[NavigationItem]:
    """The links to the pages that there are and that ``role`` may open.

    Args:
        paths: of all routes of the application.
        role: of the principal, None while it is not known.
        current: name of the page that is shown.
    """
    section = PARTS.get(current)
    return [
        NavigationItem(name, path, name == current, name == section)
        for name, path in PAGES
        if path in paths and may_open(role, path)
    ]


def home_of(role: str) -> str:
    """The first page that a role may open."""
    return next((path for _, path in PAGES if role in rule_of("GET", path).roles), "/account")


def customer_path(customer: str) -> str:
    """The address of the page of a customer, whatever signs their ID is of.

    A browser takes ``.`` and ``..`` for steps between folders, and an ID that ends as an address of the API does, such
    as with ``/risk``, would lead there: such an ID goes into the query.
    """
    steps = customer.split("/")
    if steps[-1] in OF_API or not {"", ".", ".."}.isdisjoint(steps) or "\\" in customer:
        return f"/customers?{urlencode({'id': customer})}"
    return f"/customers/{quote(customer, safe='')}"


def customer_address(customer: str, **query: str) -> str:
    """The address of the page of a customer, with what it is to say."""
    path = customer_path(customer)
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}"


def local_path(given: str | None) -> str | None:
    """``given`` if it is an address within this server, otherwise None: no one is sent on to a foreign page."""
    if not given or not given.startswith("/") or given.startswith(("//", "/\\")):
        return None
    if "\\" in given or not given.isprintable() or " " in given:
        return None
    try:
        parts = urlsplit(given)
    except ValueError:
        return None
    return given if not parts.scheme and not parts.netloc else None


def sign_in_path(after: str | None) -> str:
    """The address of the sign-in page, which leads on to ``after``."""
    there = local_path(after)
    return SIGN_IN if there in (None, HOME) else f"{SIGN_IN}?{urlencode({'next': there})}"
