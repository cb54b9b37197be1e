"""The console: all of its pages, put together."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI

from churn_mlops.config import Settings
from churn_mlops.config.oidc import Oidc
from churn_mlops.serving.access.administration import Administration
from churn_mlops.serving.access.sign_in import SignInService
from churn_mlops.serving.api.campaigns import CampaignBook
from churn_mlops.serving.api.contacts import ContactRecorder
from churn_mlops.serving.api.customers import CustomerRisks
from churn_mlops.serving.api.figure_rows import FigureRowsReader
from churn_mlops.serving.api.work_list.list_desk import ListDesk
from churn_mlops.serving.console.account.account_pages import AccountPages
from churn_mlops.serving.console.account.key_pages import KeyPages
from churn_mlops.serving.console.account.user_pages import UserPages
from churn_mlops.serving.console.campaigns.campaign_pages import CampaignPages
from churn_mlops.serving.console.contact_pages import ContactPages
from churn_mlops.serving.console.customer_facts import StoreFacts
from churn_mlops.serving.console.customer_pages import CustomerPages
from churn_mlops.serving.console.dashboard_page import DashboardPage
from churn_mlops.serving.console.figure_rows_page import FigureRowsPage
from churn_mlops.serving.console.frame.error_pages import ErrorPages
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.serving.console.models.models_pages import ModelsPages
from churn_mlops.serving.console.status_page import StatusPage
from churn_mlops.serving.console.work_list.list_export import ListExport
from churn_mlops.serving.console.work_list.list_page import ListPage
from churn_mlops.serving.console.work_list.list_reader import ListReader
from churn_mlops.serving.console.work_list.list_work_page import ListWorkPage
from churn_mlops.serving.console.work_list.work_page import WorkPage
from churn_mlops.serving.model.model_book import ModelBook
from churn_mlops.serving.observability.status_reader import StatusReader
from churn_mlops.serving.prediction.service import PredictionService


@dataclass(frozen=True)
class ConsoleParts:
    """The parts of the server that the console is built from: the same as those of the API.

    Args:
        settings: of the sections ``console`` and ``schedule``.
        service: has the model that is live.
        risks: answers how likely a customer is to leave.
        recorder: records contacts.
        book: makes, reads and ends campaigns.
        desk: changes the work on the list.
        models: reads and changes what is live.
        figure_rows: reads the rows behind the figures of the dashboard.
        status: reads how things stand for the person on call.
        sign_in: begins and ends sessions; None where there is no access control.
        administration: reads and changes users and keys; None where there is no access control.
    """

    settings: Settings
    service: PredictionService
    risks: CustomerRisks
    recorder: ContactRecorder
    book: CampaignBook
    desk: ListDesk
    models: ModelBook
    figure_rows: FigureRowsReader
    status: StatusReader
    sign_in: SignInService | None
    administration: Administration | None


def _add_oidc(app: FastAPI, account: AccountPages, sign_in: SignInService, settings: Oidc) -> None:
    # Imported where it is used: the libraries of tokens take memory.
    from churn_mlops.serving.access.oidc import IdentityProvider
    from churn_mlops.serving.console.account.oidc_pages import OidcPages

    OidcPages(account, IdentityProvider(settings), sign_in).add_to(app)


def add_console(app: FastAPI, parts: ConsoleParts) -> None:
    """Add the pages; a refusal is a page too where a browser asks for one.

    Args:
        app: the application, with the routes of the API: a page gives way to them.
        parts: of the server.
    """
    pages = Pages(app, parts.settings, is_guarded=parts.sign_in is not None)
    facts = StoreFacts(parts.risks.store, parts.risks.offers)
    pages.static.add_to(app)
    account = AccountPages(
        pages, parts.sign_in, parts.administration, with_provider=parts.settings.oidc.issuer is not None
    )
    account.add_to(app)
    if parts.administration is not None:
        UserPages(pages, parts.administration).add_to(app)
        KeyPages(pages, parts.administration).add_to(app)
    if parts.sign_in is not None and parts.settings.oidc.issuer is not None:
        _add_oidc(app, account, parts.sign_in, parts.settings.oidc)
    list_page = ListPage(pages, facts, ListReader(parts.desk))
    list_page.add_to(app)
    ListExport(facts, parts.risks.suppression).add_to(app)
    ListWorkPage(list_page, facts, parts.desk).add_to(app)
    CampaignPages(pages, parts.book).add_to(app)
    DashboardPage(pages, facts).add_to(app)
    FigureRowsPage(pages, parts.figure_rows).add_to(app)
    ModelsPages(pages, parts.models, parts.service).add_to(app)
    StatusPage(pages, parts.status).add_to(app)
    WorkPage(pages, facts, parts.desk).add_to(app)
    customers = CustomerPages(pages, facts, parts.risks, parts.recorder, parts.settings.console)
    customers.add_to(app)
    ContactPages(customers).add_to(app)
    app.add_middleware(ErrorPages, pages=pages)
