"""A form that is sent once more, as it was: after the store was unavailable, or once the user has confirmed it."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from fastapi.responses import Response

from churn_mlops.serving.console.frame.confirmation import Question
from churn_mlops.serving.console.frame.forms import Form
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.serving.console.work_list.list_doubts import Doubt
from churn_mlops.serving.console.work_list.list_forms import WorkFields
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


def doubtful(
    pages: Pages, fields: WorkFields, doubts: Sequence[Doubt], chosen: Sequence[str], back_label: str
) -> Question:
    """The question before a change ends what another agent decided.

    Args:
        pages: has the texts.
        fields: what is done.
        doubts: the customers that are asked about.
        chosen: all customers that are changed.
        back_label: the words of the link that leaves everything as it is.
    """
    texts, formats, do = pages.texts, pages.formats, fields.do
    many = texts.count("list_work.customers", len(chosen), formats.number(len(chosen)))
    until = "" if fields.until is None else formats.date(fields.until)
    follows = texts(f"list_follows.{do}", to=formats.who(fields.to or ""), until=until)
    others = f" {texts('resend.others')}" if len(chosen) > len(doubts) else ""
    return Question(
        texts.count(f"list_doubt.{do}", len(doubts), formats.number(len(doubts))),
        follows + others,
        texts(f"list_button.{do}", who=chosen[0] if len(chosen) == 1 else many),
        back_label,
    )


def confirm(
    pages: Pages, request: Request, form: Form, action: str, asked: Question, back: str, doubts: Sequence[Doubt] = ()
) -> Response:
    """The page on which a user confirms what a form does.

    Args:
        pages: makes pages.
        request: the request.
        form: as it was sent.
        action: where it is sent to.
        asked: what is about to be done.
        back: the address of the page that it comes from.
        doubts: the customers that are asked about; empty where all are meant that match a filter.
    """
    given = dict(form) | {"confirmed": "yes"}
    status = 409 if doubts else 200
    return pages.page(
        request, "resend", status=status, form=given, action=action, asked=asked, back=back, doubts=doubts
    )
