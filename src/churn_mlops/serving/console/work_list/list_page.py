"""``/list``: today's list, best first, with the work on it."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response

from churn_mlops.retention.ranking import EXPLAINED
from churn_mlops.serving.access.principal import about, principal_of, shown_in_refusal
from churn_mlops.serving.console.customer_facts import StoreFacts, newest_run
from churn_mlops.serving.console.frame.forms import form_token
from churn_mlops.serving.console.frame.pages import Banner, Pages
from churn_mlops.serving.console.work_list.list_mending import Mending
from churn_mlops.serving.console.work_list.list_query import ListQuery, proof_of
from churn_mlops.serving.console.work_list.list_reader import ListReader
from churn_mlops.serving.console.work_list.list_view import BANDS, ListFound, list_view, published
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.store import Store


@dataclass(frozen=True)
class ListPage:
    """The route.

    Args:
        pages: makes pages.
        facts: asks the store.
        reader: reads pages of the list.
    """

    pages: Pages
    facts: StoreFacts
    reader: ListReader

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        app.get("/list", include_in_schema=False, dependencies=ONE_EACH)(self.page)

    async def page(self, request: Request, query: Annotated[ListQuery, Query()]) -> Response:
        """A page of the list."""
        return await self.show(request, query)

    async def show(self, request: Request, query: ListQuery, mended: Mending | None = None) -> Response:
        """A page of the list, with a form to be mended where one was refused."""
        desk, me = self.reader.desk, principal_of(request).name
        desk.suppression.check_key()

        def read(store: Store) -> ListFound | None:
            run = newest_run(store)
            return None if run is None else self.reader.read(store, run, query, me)

        found = await self.facts.ask(read)
        if found is None:
            about(request, None)
            return self.pages.page(request, "list", view=None)
        items = found.slice.items
        seen: dict[str, int | str | None] = {
            "as_of": found.run.as_of.isoformat(),
            "part": query.part,
            "first": items[0].rank if items else 0,
        }
        if mended is None:
            about(request, None, **seen)
        else:
            shown_in_refusal(request, None, "predictions.read", refused=mended.error, **seen)
        view = list_view(query, found, me, desk.today(), desk.latest_snooze())
        given: dict[str, Any] = {
            "view": view,
            "bands": BANDS,
            "explained": EXPLAINED,
            "me": me,
            "published": published(found.run),
            "live": desk.service.model.version,
            "key": secrets.token_urlsafe(16),
            "mended": mended,
        }
        status, banner = (200, self._done(request, query)) if mended is None else (mended.status, mended.banner)
        # The bar stays in view where the agent works, and with it the line.
        given |= {"said": banner, "banner": None} if view.is_work and view.rows else {"banner": banner}
        return self.pages.page(request, "list", status=status, **given)

    def _done(self, request: Request, query: ListQuery) -> Banner | None:
        """The line that says what was just done."""
        texts = self.pages.texts
        proof = proof_of(form_token(request)[0], query.did, query.count)
        if not query.did or not query.count or not hmac.compare_digest(proof, query.proof):
            return None
        return Banner("done", texts.count(f"list_did.{query.did}", query.count, self.pages.formats.number(query.count)))
