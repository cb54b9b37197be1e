"""The page that asks before a form changes what cannot be taken back; it works by keyboard, and without script."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from fastapi import Request
from fastapi.responses import Response

from churn_mlops.serving.console.frame.forms import Form
from churn_mlops.serving.console.frame.pages import Pages

_CONFIRMED = ("confirmed", "yes")


@dataclass(frozen=True)
class Question:
    """A question before a change.

    Args:
        question: what is about to be done, with the name of the user or key.
        follows: what follows from it.
        button: the words of the button that does it.
        back_label: the words of the link that leaves everything as it is.
    """

    question: str
    follows: str
    button: str
    back_label: str


def is_confirmed(form: Form) -> bool:
    """Whether the form comes from the page that asks."""
    name, value = _CONFIRMED
    return form.get(name) == value


def ask(pages: Pages, request: Request, question: Question, form: Form, *, action: str, back: str) -> Response:
    """The page that asks; its button sends the form again, confirmed.

    Args:
        pages: makes pages.
        request: the request.
        question: what is asked.
        form: as it was sent.
        action: where it is sent to.
        back: the address of the page that it comes from.
    """
    confirmed = dict(form) | dict([_CONFIRMED])
    return pages.page(request, "confirm", form=confirmed, action=action, back=back, **asdict(question))
