"""A form of the list that was refused: the list is shown again as it was filled in, with what has to be mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from churn_mlops.serving.api.work_list.list_desk import ListDesk
from churn_mlops.serving.console.frame.forms import Form
from churn_mlops.serving.console.frame.pages import Banner, Pages
from churn_mlops.serving.console.work_list.list_forms import ROW
from churn_mlops.serving.http.errors import RequestError

_FILLED_IN = frozenset({"row", "to", "until", "note"})
"""Fields that the agent fills in; the page fills in the others."""


@dataclass(frozen=True)
class Mending:
    """A form that was not taken.

    Args:
        form: as it was filled in.
        status: of the answer.
        error: why it was refused, for the audit log; it repeats no value.
        problems: a sentence for each field that is wrong, by its name.
        banner: what is wrong, in a line.
        ticked: ranks of the rows that stay ticked.
    """

    form: Form
    status: int
    error: str
    problems: Mapping[str, str]
    banner: Banner
    ticked: frozenset[int]


def is_mended_on_list(refused: RequestError) -> bool:
    """Whether the list is shown again after a refusal; a form that no page of ours has made gets a page of its own."""
    if refused.status in (403, 409):
        return True
    return refused.status == 422 and _FILLED_IN.issuperset(name for name, _ in refused.problems)


def mending(pages: Pages, desk: ListDesk, form: Form, refused: RequestError) -> Mending:
    """The form with what has to be mended.

    Args:
        pages: has the texts.
        desk: knows the dates until which a customer may wait.
        form: as it was filled in.
        refused: why it was refused.
    """
    names = [name for name, _ in refused.problems]
    problems = {name: _sentence(pages, desk, form, name) for name in names if name != "row"}
    said = f"{refused.error[0].upper()}{refused.error[1:]}."
    if refused.status == 422:
        said = pages.texts("list_wrong.row" if "row" in names else "list_wrong.title")
    # After another publication, a rank may mean another customer.
    is_same = refused.status != 409
    ticked = frozenset(int(found[1]) for name in form if (found := ROW.fullmatch(name)) and is_same)
    return Mending(form, refused.status, refused.error, problems, Banner("error", said), ticked)


def _sentence(pages: Pages, desk: ListDesk, form: Form, name: str) -> str:
    texts, day = pages.texts, pages.formats.date
    if name == "until":
        first, last = desk.snooze_bounds()
        return texts("list_wrong.until", first=day(first), last=day(last))
    is_empty = not form.get(name, "").strip()
    if name == "to":
        return texts("list_wrong.to_empty" if is_empty else "list_wrong.to")
    if form.get("all") == "yes" and form.get("do", "note") in ("", "note"):
        return texts("list_wrong.note_all")
    return texts("list_wrong.note_empty" if is_empty else "list_wrong.note")
