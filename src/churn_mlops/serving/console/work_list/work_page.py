"""The work on one customer, from their page: take, release, hand on, snooze, done."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.access.principal import Principal, about, principal_of, shown_in_refusal
from churn_mlops.serving.api.work_list.list_desk import ListDesk, Wanted, WorkRefusedError
from churn_mlops.serving.console.customer_facts import StoreFacts
from churn_mlops.serving.console.frame.forms import Form, add_form
from churn_mlops.serving.console.frame.navigation import customer_path
from churn_mlops.serving.console.frame.pages import Pages, redirect
from churn_mlops.serving.console.work_list.list_forms import CustomerWork, needed, read_customer_work
from churn_mlops.serving.console.work_list.resending import again
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.store_client import StoreUnavailableError
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import WorkAction


@dataclass(frozen=True)
class WorkPage:
    """The route.

    Args:
        pages: makes pages.
        facts: asks the store.
        desk: changes the work.
    """

    pages: Pages
    facts: StoreFacts
    desk: ListDesk

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        add_form(app, "/work", self.change)

    async def change(self, request: Request, form: Form) -> Response:
        """Change the work on a customer, and show them again."""
        asked = read_customer_work(form)
        about(request, asked.customer_id)
        self.desk.suppression.check_key()
        if asked.do == "snooze" and asked.until is not None:
            self.desk.check_snooze(asked.until)
        by = principal_of(request)
        try:
            owner = await self.facts.ask(lambda opened: self._change(opened, asked, by))
        except WorkRefusedError as error:
            if error.status == 409:
                shown_in_refusal(request, asked.customer_id, do=asked.do, **error.refused.trace())
            raise
        except StoreUnavailableError as error:
            return again(self.pages, request, form, "/work", error)
        about(request, asked.customer_id, do=asked.do, **{"from": owner})
        return redirect(customer_path(asked.customer_id))

    def _change(self, store: Store, asked: CustomerWork, by: Principal) -> str | None:
        """Make the change; the other agent who had the customer before, None without one."""
        to, until = needed(asked)
        run = self.desk.run(store)
        found = None if run is None else self.desk.listed(store, run, asked.customer_id)
        if run is None or found is None:
            raise RequestError(404, "the customer is not on the newest list")
        if to is not None:
            self.desk.check_agent(store, to)
        action = WorkAction(asked.do, to, run.as_of if asked.do == "done" else until)
        owner = self.desk.other_owner(store, asked.customer_id, by)
        self.desk.change_one(store, Wanted(found, asked.version), action, by=by, note=asked.note)
        return owner
