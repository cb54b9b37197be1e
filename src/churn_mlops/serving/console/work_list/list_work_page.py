"""``/list/work``: the work on customers of the list that are ticked, or on all that match the filter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.access.principal import principal_of
from churn_mlops.serving.api.work_list.list_desk import ListDesk
from churn_mlops.serving.console.customer_facts import StoreFacts
from churn_mlops.serving.console.frame.confirmation import Question
from churn_mlops.serving.console.frame.forms import Form, add_form, form_token
from churn_mlops.serving.console.frame.pages import Pages, redirect
from churn_mlops.serving.console.work_list.list_change import ListChange, Outcome
from churn_mlops.serving.console.work_list.list_forms import ListWorkForm, needed, read_list_work
from churn_mlops.serving.console.work_list.list_mending import is_mended_on_list, mending
from churn_mlops.serving.console.work_list.list_page import ListPage
from churn_mlops.serving.console.work_list.list_query import ME, proof_of, query_of
from churn_mlops.serving.console.work_list.list_view import published
from churn_mlops.serving.console.work_list.resending import again, confirm, doubtful
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.store_client import StoreUnavailableError
from churn_mlops.store import Store
from churn_mlops.store.audit_log import NewEvent, record_events
from churn_mlops.store.campaigns.list_trace import ListChangedError
from churn_mlops.store.campaigns.list_work import WorkAction
from churn_mlops.store.campaigns.notes import NoteKeyReusedError
from churn_mlops.store.scoring.browsing import count_selected, customers_at
from churn_mlops.store.scoring.runs import Run

MOST_SECONDS = 6.0
"""Time after which no further portion begins: the answer must be there within ``serving.request_seconds``."""
_ACTION = "/list/work"


@dataclass(frozen=True)
class ListWorkPage:
    """The route.

    Args:
        shown: shows the list again, with a form to be mended.
        facts: asks the store.
        desk: changes the work.
        clock: seconds that only ever grow.
    """

    shown: ListPage
    facts: StoreFacts
    desk: ListDesk
    clock: Callable[[], float] = time.monotonic

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        add_form(app, _ACTION, self.change)

    async def change(self, request: Request, form: Form) -> Response:
        """Change the work on customers of the list, and show the list again, or who was skipped and why.

        A form with something to mend comes back on its page of the list, as it was filled in.
        """
        query = query_of(form.get("list", ""))
        try:
            return await self._change(request, form)
        except RequestError as refused:
            if not is_mended_on_list(refused):
                raise
            return await self.shown.show(request, query, mending(self.pages, self.desk, form, refused))

    @property
    def pages(self) -> Pages:
        """Makes pages."""
        return self.shown.pages

    async def _change(self, request: Request, form: Form) -> Response:
        asked, by = read_list_work(form), principal_of(request)
        self.desk.suppression.check_key()
        if not asked.every and not asked.rows:
            raise RequestError(422, "no customer is ticked", [("row", "is missing")])
        if asked.every and asked.fields.do == "note":
            raise RequestError(422, "a note is for customers that are ticked, not for all", [("note", "is for ticked")])
        to, until = needed(asked.fields)
        if until is not None:
            self.desk.check_snooze(until)
        try:
            run = await self.facts.ask(lambda opened: self._run(opened, asked, to))
            trace = {"route": _ACTION, "request_id": request.scope["state"]["request_id"]}
            change = ListChange(self.desk, asked, run, _action(asked, run), by, trace)
            if not asked.is_confirmed and (question := await self._question(request, form, change)) is not None:
                return question
            await self._do(change)
            await self._record_named(change, change.outcome.traces())
        except StoreUnavailableError as error:
            return again(self.pages, request, form, _ACTION, error)
        return self._answer(request, form, asked, change.outcome)

    def _run(self, store: Store, asked: ListWorkForm, to: str | None) -> Run:
        """The run that the form is about.

        Raises:
            RequestError: 404, no list is published; 409, it was published again; 422, no one may get the customers.
        """
        run = self.desk.run(store)
        if run is None:
            raise RequestError(404, "no list is published: `churn score` publishes the first")
        if asked.published != published(run):
            raise _published_again(0)
        if to is not None:
            self.desk.check_agent(store, to)
        return run

    async def _question(self, request: Request, form: Form, change: ListChange) -> Response | None:
        """The page that asks before all that match are changed, or what another agent decided; None without a doubt."""
        texts, number, do = self.pages.texts, self.pages.formats.number, change.asked.fields.do
        back = change.asked.query.here()
        if change.asked.every:
            count = await self.facts.ask(lambda store: count_selected(store, change.run, change.selection(store)))
            question = texts.count(f"list_ask.{do}", count, number(count))
            follows = texts("resend.all_waits" if change.asked.query.state == "snoozed" else "resend.all")
            asked = Question(question, follows, question.removesuffix("?"), texts("resend.back"))
            return confirm(self.pages, request, form, _ACTION, asked, back)
        doubts = await self.facts.ask(change.doubts)
        if not doubts:
            return None
        await self._record_named(change, {one.customer: {"agent": one.agent} for one in doubts})
        chosen = await self.facts.ask(lambda store: customers_at(store, change.run, list(change.asked.rows)))
        names = [one.customer for one in chosen.values()]
        asked = doubtful(self.pages, change.asked.fields, doubts, names, texts("resend.back"))
        return confirm(self.pages, request, form, _ACTION, asked, back, doubts)

    async def _do(self, change: ListChange) -> None:
        """Make the change.

        Raises:
            RequestError: 409, the list was published again, or the form has added another note.
            StoreUnavailableError: the store cannot be asked.
        """
        try:
            if change.asked.every and change.action is not None:
                await self._do_all(change, change.action)
            else:
                await self.facts.ask(change.rows)
        except ListChangedError:
            raise _published_again(change.outcome.done) from None
        except NoteKeyReusedError:
            raise RequestError(409, "this form has added another note already: open the list again") from None

    async def _do_all(self, change: ListChange, action: WorkAction) -> None:
        """Change all that match, until the time is up: the next request goes on from there."""
        after, end = change.asked.after, self.clock() + MOST_SECONDS
        while True:
            found = await self.facts.ask(partial(change.portion, action=action, after=after))
            if not found.has_after:
                return
            last = found.items[-1]
            after = last.customer if change.asked.query.order == "customer" else last.rank
            if self.clock() >= end:
                change.outcome.next = str(after)
                change.outcome.left = await self.facts.ask(partial(_left, change=change, after=after))
                return

    async def _record_named(self, change: ListChange, named: Mapping[str, Mapping[str, str]]) -> None:
        """Record that the answer names customers, each with what it says of the work on them."""
        key, at, given = self.desk.suppression.key, self.desk.clock(), {**change.request, "do": change.asked.fields.do}
        events = [
            NewEvent(at, change.by.name, "customer.read", customer_hash(key, one), given | dict(said))
            for one, said in sorted(named.items())
        ]
        if events:
            await self.facts.ask(lambda store: record_events(store, events))

    def _answer(self, request: Request, form: Form, asked: ListWorkForm, outcome: Outcome) -> Response:
        query, did = asked.query, asked.fields.do
        if not outcome.counts and not outcome.next:
            place = f"#r{next(iter(asked.rows))}" if asked.rows and not asked.every else ""
            proof = proof_of(form_token(request)[0], did, outcome.done)
            done = {"proof": proof, "did": did, "count": str(outcome.done)}
            address = query.address(after=query.after, before=query.before, **done)
            return redirect(address + place)
        status = 409 if not outcome.done and not asked.every else 200
        given: dict[str, Any] = {"outcome": outcome, "back": query.here(), "form": dict(form) | {"from": outcome.next}}
        return self.pages.page(request, "list_result", status=status, did=did, action=_ACTION, **given)


def _left(store: Store, change: ListChange, after: int | str) -> int:
    return count_selected(store, change.run, change.selection(store), after=after)


def _published_again(done: int) -> RequestError:
    """The refusal of a change of a list that is not the newest any more."""
    so_far = f"{done} customers were changed before, and no others" if done else "nothing was changed"
    return RequestError(409, f"the list was published again since this page was made: {so_far}")


def _action(asked: ListWorkForm, run: Run) -> WorkAction | None:
    """The action on the work, None for a note alone.

    The owner that the filter names was seen: their customers may be released or handed on all together.
    """
    to, until = needed(asked.fields)
    seen = asked.query.owner if asked.every and asked.query.owner not in ("", ME) else None
    if asked.fields.do == "note":
        return None
    return WorkAction(asked.fields.do, to, run.as_of if asked.fields.do == "done" else until, seen)
