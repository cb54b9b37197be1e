"""The forms that change the work on the list, read into what is to be done with which customers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn_mlops.serving.api.request_bodies import Day, LongText, ShortText
from churn_mlops.serving.console.customer_forms import read_key
from churn_mlops.serving.console.frame.forms import Form
from churn_mlops.serving.console.work_list.list_query import ListQuery, query_of
from churn_mlops.serving.http.errors import Findings, RequestError
from churn_mlops.serving.model.request_models import CustomerName

WorkKind = Literal["take", "release", "hand_on", "snooze", "done"]
Kind = WorkKind | Literal["note"]
Model = TypeVar("Model", bound=BaseModel)
_NEEDS: Mapping[str, str] = {"to": "hand_on", "until": "snooze"}
"""The one action that a field is for; another action takes no notice of it."""
_ONE = re.compile(r"(take|release|done)-([0-9]{1,9})-([0-9]{1,9})")
ROW = re.compile(r"row-([0-9]{1,9})")
"""The name of the field of a ticked row has its rank; the value is the version of the work that was seen."""


class WorkFields(BaseModel):
    """The action, and what it needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    do: Kind
    to: ShortText | None = None
    until: Day | None = None
    note: LongText | None = None


class CustomerWork(WorkFields):
    """A change of the work on one customer, from their page, whose notes have a form of their own."""

    do: WorkKind
    customer_id: CustomerName
    version: Annotated[int, Field(ge=0, le=2**31 - 1)]


@dataclass(frozen=True)
class ListWorkForm:
    """A change of the work on customers of a page of the list.

    Args:
        fields: what is done.
        query: the page of the list that it comes from.
        published: the publication that the page showed.
        rows: by rank the version of the work that was seen.
        every: whether all customers are meant that match the query, on this page and others.
        is_confirmed: whether that was confirmed.
        after: the place behind which the change goes on; None where it begins.
        key: idempotency key of a note; empty of another change.
    """

    fields: WorkFields
    query: ListQuery
    published: str
    rows: Mapping[int, int]
    every: bool
    is_confirmed: bool
    after: int | str | None
    key: str


def read_customer_work(form: Form) -> CustomerWork:
    """The change of the work of the form on the page of a customer.

    Raises:
        RequestError: 422, naming the fields that are wrong.
    """
    return _read(CustomerWork, form)


def read_list_work(form: Form) -> ListWorkForm:
    """The change of the work of the form on the list.

    A button in a row means that row alone, whatever is ticked. Enter in a field does what the field is for.

    Raises:
        RequestError: 422, naming the fields that are wrong.
    """
    rows = {int(found[1]): _version(value) for name, value in form.items() if (found := ROW.fullmatch(name))}
    given, one = dict(form), form.get("one")
    if one is not None:
        found = _ONE.fullmatch(one)
        if found is None:
            raise RequestError(422, "one names no row", [("one", "names no row")])
        rows, given = {int(found[2]): _version(found[3])}, given | {"do": found[1]}
    elif not given.get("do"):
        given["do"] = "snooze" if given.get("until") else "hand_on" if given.get("to") else "note"
    given = {name: value for name, value in given.items() if _NEEDS.get(name, given["do"]) == given["do"]}
    fields, query = _read(WorkFields, given), query_of(form.get("list", ""))
    begun = query_of(query.address(after=form.get("from", "")))
    return ListWorkForm(
        fields,
        query,
        form.get("published", ""),
        rows,
        every=one is None and form.get("all") == "yes",
        is_confirmed=form.get("confirmed") == "yes",
        after=begun.place(begun.after),
        key=read_key(form) if fields.do == "note" else "",
    )


def needed(fields: WorkFields) -> tuple[str | None, date | None]:
    """The owner and the date that a change needs; None of those that it does not.

    Raises:
        RequestError: 422, one is missing.
    """
    for kind, name, value in (("hand_on", "to", fields.to), ("snooze", "until", fields.until)):
        if fields.do == kind and value is None:
            raise RequestError(422, f"{name} is missing", [(name, "is missing")])
    if fields.do == "note" and fields.note is None:
        raise RequestError(422, "note is missing", [("note", "is missing")])
    return fields.to if fields.do == "hand_on" else None, fields.until if fields.do == "snooze" else None


def _version(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise RequestError(422, "a row has no version", [("row", "has no version")])
    return int(text)


def _read(model: type[Model], form: Form) -> Model:
    """A form as ``model``; a field that is left empty is left out."""
    given = {name: value for name in model.model_fields if (value := form.get(name, "").strip())}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        findings = Findings(model.model_fields, "a change", "/docs")
        findings.add_all(error)
        raise findings.refusal() from None
