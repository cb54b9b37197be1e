"""``/keys``: the API keys that let programs in, for administrators."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.access.administration import Administration
from churn_mlops.serving.access.principal import principal_of
from churn_mlops.serving.console.frame.confirmation import Question, ask, is_confirmed
from churn_mlops.serving.console.frame.forms import Form, add_form
from churn_mlops.serving.console.frame.pages import Banner, Pages, redirect
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.store.access.api_keys import KEY_ROLES, ApiKey
from churn_mlops.store.database.clock import utc_now

KEYS = "/keys"
LIVES = {"90": 90, "365": 365, "30": 30, "never": None}
"""Days until a key expires, by what the form sends; the first is what a new form offers."""


@dataclass(frozen=True)
class KeyPages:
    """The routes.

    Args:
        pages: makes pages.
        administration: reads, makes and revokes keys.
    """

    pages: Pages
    administration: Administration

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.get(KEYS, include_in_schema=False)(self.all)
        add_form(app, KEYS, self.make)
        add_form(app, f"{KEYS}/revoke", self.revoke)

    async def all(self, request: Request) -> Response:
        """All keys, and the form for another one."""
        done = Banner("done", self.pages.texts("keys.revoked_done")) if request.query_params.get("done") else None
        return await self._all(request, {}, done)

    async def make(self, request: Request, form: Form) -> Response:
        """Make a key, and show it this once; a form that cannot be taken comes back."""
        text, lives = self.pages.texts, form.get("expires", "")
        if lives not in LIVES:
            raise RequestError(422, "there is no such time", [("expires", f"must be one of {', '.join(LIVES)}")])
        name, role = form.get("name", "").strip(), form.get("role", "")
        try:
            secret, key = await self.administration.make_key(name, role, LIVES[lives], principal_of(request))
        except RequestError as refused:
            return await self._refused(request, form, refused)
        return self.pages.page(
            request,
            "shown_once",
            title=text("shown_once.key_made", name=key.name),
            label=text("shown_once.key"),
            secret=secret,
            help=text("shown_once.key_help"),
            back=KEYS,
            back_label=text("shown_once.to_keys"),
        )

    async def revoke(self, request: Request, form: Form) -> Response:
        """Revoke a key, once the administrator has confirmed it."""
        if not is_confirmed(form) and (key := await self._valid(form.get("key", ""))) is not None:
            return self._ask(request, form, key)
        try:
            await self.administration.revoke_key(form.get("key", ""), principal_of(request))
        except RequestError as refused:
            return await self._refused(request, {}, refused)
        return redirect(f"{KEYS}?done=revoked")

    async def _valid(self, key_id: str) -> ApiKey | None:
        """The valid key of this ID."""
        found, now = (await self.administration.keys())[0], utc_now()
        return next((key for key in found if key.id == key_id and key.is_valid(now)), None)

    def _ask(self, request: Request, form: Form, key: ApiKey) -> Response:
        text = self.pages.texts
        question = Question(
            text("keys.revoke_asked", name=key.name, id=key.id, role=text(f"role_names.{key.role}")),
            text("keys.revoke_help"),
            text("keys.revoke_button", name=key.name),
            text("shown_once.to_keys"),
        )
        return ask(self.pages, request, question, form, action=f"{KEYS}/revoke", back=KEYS)

    async def _refused(self, request: Request, form: Form, refused: RequestError) -> Response:
        if refused.status != 409:
            raise refused
        said = f"{refused.error[:1].upper()}{refused.error[1:]}."
        return await self._all(request, form, Banner("error", said), refused.status)

    async def _all(self, request: Request, form: Form, banner: Banner | None, status: int = 200) -> Response:
        found, used = await self.administration.keys()
        now = utc_now()
        return self.pages.page(
            request,
            "keys",
            status=status,
            banner=banner,
            valid=[key for key in found if key.is_valid(now)],
            past=[key for key in reversed(found) if not key.is_valid(now)],
            used={key.name: used[key.name] for key in found if used.get(key.name, key.created_at) > key.created_at},
            roles=KEY_ROLES,
            lives=LIVES,
            form=form,
        )
