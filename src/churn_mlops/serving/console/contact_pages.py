"""The forms on the page of a customer, sent: what came of a contact is recorded, and notes are added."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.errors import ConfigError, CustomerErasedError
from churn_mlops.serving.access.principal import about, principal_of, shown_in_refusal
from churn_mlops.serving.console.customer_forms import read_contact, read_key, read_note, read_seen
from churn_mlops.serving.console.customer_pages import CustomerPages, Refused
from churn_mlops.serving.console.frame.forms import Form, add_form, form_token
from churn_mlops.serving.console.frame.navigation import customer_address
from churn_mlops.serving.console.frame.pages import redirect
from churn_mlops.serving.console.work_list.list_query import proof_of
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.prediction.suppression import OtherHashKeyError
from churn_mlops.store.campaigns.notes import NoteKeyReusedError, add_note
from churn_mlops.store.contacts import ContactedMeanwhileError

_FILLED_IN = frozenset({"offer", "note", "dismissal"})
"""Fields of a contact that the agent fills in; the page fills in the others."""


@dataclass(frozen=True)
class ContactPages:
    """The routes.

    Args:
        customers: shows the customer again.
    """

    customers: CustomerPages

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        add_form(app, "/contact", self.record)
        add_form(app, "/note", self.note)

    async def record(self, request: Request, form: Form) -> Response:
        """Record a contact, and show the customer again.

        A form with a field to mend comes back as it was filled in. If the customer's arm or wish speaks against the
        contact, or another one was recorded since the page was shown, the agent is asked first.
        """
        key, seen = read_key(form), read_seen(form)
        try:
            asked = read_contact(form)
            await self.customers.recorder.record(request, asked, key, seen)
        except ContactedMeanwhileError as newer:
            contact, pages = newer.contact, self.customers.pages
            shown_in_refusal(request, contact.customer)
            return pages.page(request, "meanwhile", status=409, form=form, key=key, contact=contact)
        except RequestError as refused:
            fields = [field for field, _ in refused.problems]
            if refused.status == 422 and _FILLED_IN.issuperset(fields):
                return await self.customers.show(request, form["customer_id"], refused=self._mending(form, refused))
            if refused.status != 409 or fields[:1] != ["customer_id"]:
                raise
            # Their arm or their wish speaks against it: the agent may say why they do it.
            why, key = refused.problems[0][1], secrets.token_urlsafe(16)
            return self.customers.pages.page(request, "override", status=409, form=form, why=why, key=key)
        return redirect(customer_address(asked.customer_id, recorded=asked.result))

    async def note(self, request: Request, form: Form) -> Response:
        """Add a note on a customer."""
        note, key = read_note(form), read_key(form)
        about(request, note.customer_id)
        suppression, by = self.customers.risks.suppression, principal_of(request).name
        suppression.check_key()
        try:
            await self.customers.facts.ask(
                lambda opened: add_note(opened, note.customer_id, note.text, by=by, key=key, hash_key=suppression.key)
            )
        except NoteKeyReusedError:
            raise RequestError(409, "this form has added another note already: open the page again") from None
        except CustomerErasedError:
            raise RequestError(410, "the customer was erased: nothing more is recorded of them") from None
        except ConfigError:
            raise OtherHashKeyError from None
        proof = proof_of(form_token(request)[0], "note", 1)
        return redirect(f"{customer_address(note.customer_id, did='note', proof=proof)}#history")

    def _mending(self, form: Form, refused: RequestError) -> Refused:
        """The form with a sentence for each field that is wrong."""
        texts = self.customers.pages.texts
        problems = {field: texts("wrong.field", problem=problem) for field, problem in refused.problems}
        if "dismissal" in problems:
            problems["dismissal"] = texts("wrong.both" if form.get("dismissal") else "wrong.dismissal")
        elif "note" in problems and not form.get("note", "").strip():
            problems["note"] = texts("wrong.note")
        return Refused(form, problems)
