"""A form that is sent once more, as it was: after the store was unavailable, or once the user has confirmed it."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import Response

from churn_mlops.serving.console.frame.forms import Form
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.serving.console.work_list.list_doubts import Doubt
from churn_mlops.serving.console.work_list.list_forms import ROW
from churn_mlops.serving.resilience.store_client import StoreUnavailableError


def again(pages: Pages, request: Request, form: Form, action: str, error: StoreUnavailableError) -> Response:
    """The page from which a form is sent again while it is not known whether its change was made.

    A change that was made is not made twice: the form names the version that was seen.

    Args:
        pages: makes pages.
        request: the request.
        form: as it was sent.
        action: where it is sent to.
        error: why it is to be sent again.
    """
    return pages.page(
        request, "resend", status=error.status, headers=error.headers, form=form, action=action, asked=None
    )


def confirm(
    pages: Pages, request: Request, form: Form, action: str, question: str, back: str, doubts: Sequence[Doubt] = ()
) -> Response:
    """The page on which a user confirms what a form does.

    Args:
        pages: makes pages.
        request: the request.
        form: as it was sent.
        action: where it is sent to.
        question: what is about to be done.
        back: the address of the page that it comes from.
        doubts: the customers that are asked about; empty where all are meant that match a filter.
    """
    others = doubts and "one" not in form and sum(ROW.fullmatch(name) is not None for name in form) > len(doubts)
    asked = {"question": question, "back": back, "doubts": doubts, "others": others}
    given = dict(form) | {"confirmed": "yes"}
    return pages.page(request, "resend", status=409 if doubts else 200, form=given, action=action, asked=asked)
