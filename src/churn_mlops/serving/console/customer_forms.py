"""The forms on the page of a customer, read into what the API takes: a contact, a note."""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn_mlops.serving.api.contact_models import ContactRequest
from churn_mlops.serving.console.frame.forms import Form
from churn_mlops.serving.http.errors import Findings, RequestError
from churn_mlops.serving.model.request_models import PLAIN, CustomerName
from churn_mlops.store.contacts import IMPORTED

_CONTACT_FIELDS = ("customer_id", "offer", "result", "dismissal", "note", "prediction_id", "override_reason")
Model = TypeVar("Model", bound=BaseModel)


class NoteForm(BaseModel):
    """A note on a customer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_id: CustomerName
    text: Annotated[str, Field(min_length=1, max_length=2000), PLAIN]


def read_contact(form: Form) -> ContactRequest:
    """The contact of a form.

    Raises:
        RequestError: 422, naming the fields that are wrong.
    """
    return _read(ContactRequest, form, _CONTACT_FIELDS, "a contact", channel="console")


def read_note(form: Form) -> NoteForm:
    """The note of a form.

    Raises:
        RequestError: 422, naming the fields that are wrong.
    """
    return _read(NoteForm, form, ("customer_id", "text"), "a note")


def read_key(form: Form) -> str:
    """The idempotency key, which the page made: a form that is sent twice records one contact, or adds one note.

    Raises:
        RequestError: 422, there is none.
    """
    key = form.get("key", "")
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", key) or key.startswith(IMPORTED):
        raise RequestError(422, "key is missing: open the page again", [("key", "is missing")])
    return key


def read_seen(form: Form) -> int | None:
    """The latest contact that the page showed, 0 for none; None where the page could not know.

    Raises:
        RequestError: 422, it is no number of a contact.
    """
    seen = form.get("seen", "")
    if not re.fullmatch(r"[0-9]{0,18}", seen):
        raise RequestError(422, "seen is no contact: open the page of the customer again", [("seen", "is no contact")])
    return int(seen) if seen else None


def _read(model: type[Model], form: Form, names: tuple[str, ...], of: str, **more: str) -> Model:
    """A form as ``model``; a field that is left empty is left out."""
    given = {name: value for name in names if (value := form.get(name, "").strip())}
    try:
        return model.model_validate(given | more)
    except ValidationError as error:
        findings = Findings(model.model_fields, of, "/docs")
        findings.add_all(error)
        raise findings.refusal() from None
