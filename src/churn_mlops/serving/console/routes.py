"""The console: all of its pages, put together."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI

from churn_mlops.config import Settings
from churn_mlops.serving.access.sign_in import SignInService
from churn_mlops.serving.api.contacts import ContactRecorder
from churn_mlops.serving.api.customers import CustomerRisks
from churn_mlops.serving.console.account_pages import AccountPages
from churn_mlops.serving.console.customer_facts import StoreFacts
from churn_mlops.serving.console.customer_pages import CustomerPages
from churn_mlops.serving.console.dashboard_page import DashboardPage
from churn_mlops.serving.console.frame.error_pages import ErrorPages
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.serving.console.list_page import ListPage
from churn_mlops.serving.console.models_page import ModelsPage
from churn_mlops.serving.prediction.service import PredictionService


@dataclass(frozen=True)
class ConsoleParts:
    """The parts of the server that the console is built from: the same as those of the API.

    Args:
        settings: of the sections ``console`` and ``schedule``.
        service: has the model that is live.
        risks: answers how likely a customer is to leave.
        recorder: records contacts.
        sign_in: begins and ends sessions; None where there is no access control.
    """

    settings: Settings
    service: PredictionService
    risks: CustomerRisks
    recorder: ContactRecorder
    sign_in: SignInService | None


def add_console(app: FastAPI, parts: ConsoleParts) -> None:
    """Add the pages; a refusal is a page too where a browser asks for one.

    Args:
        app: the application, with the routes of the API: a page gives way to them.
        parts: of the server.
    """
    pages = Pages(app, parts.settings, is_guarded=parts.sign_in is not None)
    facts = StoreFacts(parts.risks.store, parts.risks.offers)
    pages.static.add_to(app)
    AccountPages(pages, parts.sign_in).add_to(app)
    ListPage(pages, facts, parts.risks.suppression).add_to(app)
    DashboardPage(pages, facts).add_to(app)
    ModelsPage(pages, facts, parts.service).add_to(app)
    CustomerPages(pages, facts, parts.risks, parts.recorder, parts.settings.console).add_to(app)
    app.add_middleware(ErrorPages, pages=pages)
