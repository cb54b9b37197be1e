"""A person with a browser, as far as HTTP goes: they ask for pages, keep cookies and send the forms that they see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

from fastapi.testclient import TestClient
from httpx import Response

from tests.serving.access.secured_app import PASSWORD

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass
class Visitor:
    """Visits the pages of an application, and follows no redirect by itself."""

    client: TestClient

    def get(self, path: str, **headers: str) -> Response:
        """Ask for a page."""
        answer: Response = self.client.get(path, headers=HTML | headers, follow_redirects=False)
        return answer

    def form(self, page: str, action: str) -> dict[str, str]:
        """The hidden fields of the form on ``page`` that goes to ``action``."""
        text = self.get(page).text
        (form,) = re.findall(rf'<form[^>]* action="{re.escape(action)}".*?</form>', text, re.DOTALL)[:1]
        return {name: unescape(value) for name, value in _HIDDEN.findall(form)}

    def post(self, action: str, fields: dict[str, str], **headers: str) -> Response:
        """Send a form."""
        answer: Response = self.client.post(action, data=fields, headers=HTML | headers, follow_redirects=False)
        return answer

    def send(self, page: str, action: str, **fields: str) -> Response:
        """Fill in the form on ``page`` and send it."""
        return self.post(action, self.form(page, action) | fields)

    def sign_in(self, role: str = "agent", page: str = "/sign-in") -> Response:
        """Sign in as the person of a role."""
        return self.send(page, "/sign-in", name=f"{role}-person", password=PASSWORD)
