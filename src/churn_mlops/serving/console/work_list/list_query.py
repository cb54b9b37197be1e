"""The query of the list, which stands in its address: which customers, in which order, from where on."""

from __future__ import annotations

import hmac
from typing import Annotated, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.request_models import PLAIN
from churn_mlops.store.scoring.browsing import Order, Part, Selection
from churn_mlops.store.scoring.work_states import ListTimes

ME = "me"
"""The owner who asks."""
_DEFAULTS = {"part": "contact", "order": "rank"}
_LONGEST = 2000
"""Characters of an address that a form holds, at most."""
State = Literal["", "open", "taken", "snoozed", "contacted", "done"]
Did = Literal["", "take", "release", "hand_on", "snooze", "done", "note"]


class ListQuery(BaseModel):
    """The query of the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    part: Part = "contact"
    band: Literal["", "high", "medium", "low"] = ""
    q: str = Field("", max_length=200, description="the beginning of a customer ID")
    state: State = ""
    owner: str = Field("", max_length=200, description="who works on the customer; `me` for the principal")
    order: Order = "rank"
    after: Annotated[str, Field(max_length=200), PLAIN] = ""
    before: Annotated[str, Field(max_length=200), PLAIN] = ""
    did: Did = Field("", description="what was just done")
    count: int = Field(0, ge=0, le=2**31 - 1, description="to how many customers")
    proof: str = Field("", pattern=r"^[0-9a-f]{0,32}$", description="that the console wrote `did` and `count`")

    @property
    def is_filtered(self) -> bool:
        """Whether only some customers of the part are asked for."""
        return bool(self.band or self.q.strip() or self.state or self.owner)

    def selection(self, times: ListTimes, me: str) -> Selection:
        """Which predictions the query asks for.

        Args:
            times: of the list.
            me: the principal who asks.
        """
        owner = me if self.owner == ME else self.owner.replace("\x00", "") or None
        return Selection(self.part, self.band or None, self.q.strip(), self.order, self.state or None, owner, times)

    def place(self, given: str) -> int | str | None:
        """The place ``after`` or ``before`` of a page.

        Raises:
            RequestError: 422, it is no rank.
        """
        if not given:
            return None
        if self.order == "customer":
            return given
        if not given.isdecimal() or len(given) > 9:
            raise RequestError(422, "the place in the list is no rank", [("after", "must be a rank")])
        return int(given)

    def address(self, path: str = "/list", **changed: str) -> str:
        """The address of the list with some values changed; a page begins at the first row unless given another."""
        values = {name: str(getattr(self, name)) for name in ("part", "band", "q", "state", "owner", "order")} | changed
        given = {name: value for name, value in values.items() if value and _DEFAULTS.get(name) != value}
        return f"{path}?{urlencode(given)}" if given else path

    def here(self) -> str:
        """The address of this page of the list."""
        return self.address(after=self.after, before=self.before)


def proof_of(token: str, did: str, count: int) -> str:
    """The proof that the console wrote what was done into an address, and no foreign page did.

    Args:
        token: the CSRF token of the session, which no foreign page knows.
        did: what was done.
        count: to how many customers.
    """
    return hmac.new(token.encode(), f"list {did} {count}".encode(), "sha256").hexdigest()[:32]


def query_of(address: str) -> ListQuery:
    """The query of an address of the list, as a form sends it back.

    Raises:
        RequestError: 422, it is none.
    """
    parts = urlsplit(address)
    try:
        if parts.path != "/list" or parts.netloc or len(address) > _LONGEST:
            raise ValueError
        return ListQuery.model_validate(dict(parse_qsl(parts.query, strict_parsing=bool(parts.query))))
    except (ValueError, ValidationError):
        raise RequestError(422, "the form names no page of the list", [("list", "is no page of the list")]) from None
