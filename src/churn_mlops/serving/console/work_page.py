"""The work on a customer of the list, by page: an agent takes them, and marks the work as done."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.errors import ConfigError, CustomerErasedError
from churn_mlops.serving.access.principal import about, principal_of
from churn_mlops.serving.console.customer_facts import StoreFacts, newest_run
from churn_mlops.serving.console.customer_forms import WorkForm, read_work
from churn_mlops.serving.console.frame.forms import Form, add_form
from churn_mlops.serving.console.frame.navigation import customer_path
from churn_mlops.serving.console.frame.pages import redirect
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.prediction.suppression import OtherHashKeyError, SuppressionCheck
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import TakenError, WorkChange, WorkChangedError, finish, take
from churn_mlops.store.scoring.predictions import OFFER, predictions


@dataclass(frozen=True)
class WorkPage:
    """The route.

    Args:
        facts: asks the store.
        suppression: knows which customers were erased.
    """

    facts: StoreFacts
    suppression: SuppressionCheck

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        add_form(app, "/work", self.change)

    async def change(self, request: Request, form: Form) -> Response:
        """Change the work on a customer, and show them again."""
        asked = read_work(form)
        about(request, asked.customer_id)
        self.suppression.check_key()
        by, key = principal_of(request).name, self.suppression.key
        change = WorkChange(asked.customer_id, by, asked.version, None, key)
        try:
            await self.facts.ask(lambda opened: _change(opened, change, asked))
        except (TakenError, WorkChangedError) as error:  # two agents never work on one customer without seeing it
            raise RequestError(409, str(error)) from None
        except CustomerErasedError as error:
            raise RequestError(410, str(error)) from None
        except ConfigError:
            raise OtherHashKeyError from None
        return redirect(customer_path(asked.customer_id))


def _change(store: Store, change: WorkChange, asked: WorkForm) -> None:
    run = newest_run(store)
    found = [] if run is None else predictions(store, run.as_of, customer=change.customer)
    if run is None or not found or found[0].action != OFFER:
        raise RequestError(404, "the customer is not on the newest list")
    if asked.do == "take":
        take(store, change)
    else:
        finish(store, change, run.as_of)
