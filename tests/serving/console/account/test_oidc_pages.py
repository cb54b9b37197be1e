"""Signing in through a real identity provider, and all that must not let anyone in."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.store import open_store
from churn_mlops.store.access.users import disable_user, list_users
from churn_mlops.store.audit_log import audit_events
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor
from tests.serving.oidc_provider import CLIENT, INSTALLED, SECRET, provider, sign_in

pytestmark = pytest.mark.skipif(
    not (INSTALLED / "node_modules").exists(), reason="`make test` installs the identity provider by npm"
)
BACK = "http://localhost/sign-in/oidc/back"
ROLES = ["churn-agents=agent", "churn-admins=admin"]


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider(BACK) as address:
        yield address


def settings(issuer: str, **more: Any) -> dict[str, Any]:
    return {"issuer": issuer, "client_id": CLIENT, "client_secret": SECRET, "roles": ROLES} | more


@dataclass
class Company:
    """A visitor of the console, the provider of their company, and the store."""

    visitor: Visitor
    guarded: Guarded

    def leave(self, after: str = "") -> str:
        """To the provider; the address there."""
        answer = self.visitor.get("/sign-in/oidc" + (f"?next={after}" if after else ""))
        assert answer.status_code == 303
        return str(answer.headers["Location"])

    def come_back(self, address: str) -> Any:
        """Back from the provider."""
        there = urlsplit(address)
        return self.visitor.get(f"{there.path}?{there.query}")

    def sign_in(self, login: str | None, after: str = "") -> Any:
        """The whole way."""
        return self.come_back(sign_in(self.leave(after), login))

    def is_signed_in(self) -> bool:
        return self.visitor.get("/account").status_code == 200


@pytest.fixture
def company(guarded: Guarded, source: ModelSlot, issuer: str) -> Iterator[Company]:
    with guarded.client(source, oidc=settings(issuer)) as client:
        yield Company(Visitor(client), guarded)


def test_a_user_signs_in_and_goes_on_to_where_they_were_going(company: Company) -> None:
    assert 'href="/sign-in/oidc?next=%2Flist%3Fpart%3Dall"' in company.visitor.get("/sign-in?next=/list?part=all").text
    answer = company.sign_in("anna", "/list?part=all")
    assert answer.status_code == 200
    # The browser comes from another site: only a page of ours makes it send the strict cookie.
    assert '<meta http-equiv="refresh" content="0; url=/list?part=all">' in answer.text
    cookies = answer.headers.get_list("set-cookie")
    assert any(one.startswith("churn_session=") and "SameSite=Strict" in one for one in cookies)
    assert any(one.startswith("churn_oidc=;") and "Max-Age=0" in one for one in cookies)
    assert company.visitor.client.get("/session").json() | {"csrf_token": "", "expires_at": ""} == {
        "name": "person:anna@example.com", "role": "agent", "csrf_token": "", "expires_at": "",
    }  # fmt: skip
    with open_store(company.guarded.address) as store:
        last = audit_events(store, limit=2)
    assert [(one.event, one.caller) for one in last] == [
        ("session.started", "person:anna@example.com"), ("person.added", "oidc"),
    ]  # fmt: skip


def test_the_role_is_that_of_the_groups_and_no_password_lets_such_a_user_in(company: Company) -> None:
    company.sign_in("bert")
    assert company.visitor.client.get("/session").json()["role"] == "admin"
    company.visitor.client.cookies.clear()
    for guess in ("oidc", ""):
        refused = company.visitor.send("/sign-in", "/sign-in", name="bert@example.com", password=guess)
        assert refused.status_code in (401, 422)
    assert (
        company.visitor.client.post("/session", json={"name": "bert@example.com", "password": "oidc"}).status_code
        == 401
    )


@pytest.mark.parametrize(
    ("login", "status", "said"),
    [
        ("carl", 403, "none of your groups may use this program"),
        ("fred", 401, "did not let you in"),  # nor says so
        ("dora", 401, "did not let you in"),  # the provider has not verified their address
        ("emil", 401, "did not let you in"),  # a user of this name has a password
        (None, 401, "did not let you in"),  # they refused
    ],
)
def test_who_may_not_sign_in_is_told_on_the_page(company: Company, login: str | None, status: int, said: str) -> None:
    with open_store(company.guarded.address) as store:
        before = list_users(store)
    answer = company.sign_in(login)
    assert answer.status_code == status
    assert said in answer.text
    assert not company.is_signed_in()
    with open_store(company.guarded.address) as store:
        assert list_users(store) == before


def test_a_user_who_is_disabled_here_stays_out(company: Company) -> None:
    company.sign_in("anna")
    with open_store(company.guarded.address) as store:
        disable_user(store, "anna@example.com", by="test")
    company.visitor.client.cookies.clear()
    assert company.sign_in("anna").status_code == 401
    assert not company.is_signed_in()


def test_an_answer_counts_once_and_only_in_the_browser_that_began(company: Company) -> None:
    answer = sign_in(company.leave(), "anna")
    kept = company.visitor.client.cookies["churn_oidc"]
    company.visitor.client.cookies.clear()
    assert company.come_back(answer).status_code == 401  # another browser
    company.leave()
    assert company.come_back(answer).status_code == 401  # another sign-in of the same browser
    assert not company.is_signed_in()
    company.visitor.client.cookies.set("churn_oidc", kept, domain="localhost.local")
    assert company.come_back(answer).status_code == 200
    company.visitor.client.cookies.clear()
    company.visitor.client.cookies.set("churn_oidc", kept, domain="localhost.local")
    assert company.come_back(answer).status_code == 401  # the provider gives no second token for a code


@pytest.mark.parametrize("part", ["nonce", "verifier"])
def test_a_token_of_another_sign_in_is_refused(company: Company, part: str) -> None:
    answer = sign_in(company.leave(), "anna")
    kept = json.loads(base64.urlsafe_b64decode(company.visitor.client.cookies["churn_oidc"]))
    changed = base64.urlsafe_b64encode(json.dumps(kept | {part: "x" * 43}).encode()).decode()
    company.visitor.client.cookies.set("churn_oidc", changed, domain="localhost.local")
    assert company.come_back(answer).status_code == 401
    assert not company.is_signed_in()


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        "e30=",
        base64.urlsafe_b64encode(b'{"state":"","nonce":"","verifier":"","after":5}').decode(),
        base64.urlsafe_b64encode(b"[1]").decode(),
    ],
)
def test_a_cookie_that_cannot_be_read_is_no_attempt(company: Company, cookie: str) -> None:
    company.visitor.client.cookies.set("churn_oidc", cookie, domain="localhost.local")
    assert company.visitor.get("/sign-in/oidc/back?code=x&state=").status_code == 401


@pytest.mark.parametrize("foreign", ["https://evil.example", "//evil.example", "/%5Cevil.example"])
def test_no_sign_in_leads_to_another_site(company: Company, foreign: str) -> None:
    assert 'content="0; url=/"' in company.sign_in("anna", foreign).text


def test_the_provider_is_asked_by_code_with_pkce_a_state_and_a_nonce(company: Company) -> None:
    asked = parse_qs(urlsplit(company.leave()).query)
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert asked["redirect_uri"] == [BACK]


@pytest.mark.parametrize("change", [{"client_id": "another"}, {"client_secret": "wrong"}])
def test_a_server_that_the_provider_does_not_know_lets_no_one_in(
    guarded: Guarded, source: ModelSlot, issuer: str, change: dict[str, str]
) -> None:
    with (
        guarded.client(source, oidc=settings(issuer)) as known,
        guarded.client(source, oidc=settings(issuer, **change)) as unknown,
    ):
        company, other = Company(Visitor(known), guarded), Company(Visitor(unknown), guarded)
        answer = sign_in(company.leave(), "anna")
        unknown.cookies.set("churn_oidc", known.cookies["churn_oidc"], domain="localhost.local")
        assert other.come_back(answer).status_code == 401
        assert not other.is_signed_in()


def test_a_provider_that_is_away_leaves_the_password(guarded: Guarded, source: ModelSlot) -> None:
    with guarded.client(source, oidc=settings("http://127.0.0.1:9")) as client:
        visitor = Visitor(client)
        answer = visitor.get("/sign-in/oidc")
        assert answer.status_code == 503
        assert "cannot be reached now" in answer.text
        assert visitor.sign_in("agent").status_code == 303


def test_without_users_and_keys_a_server_with_a_provider_lets_no_one_in_unasked(
    source: ModelSlot, issuer: str, tmp_path: Any
) -> None:
    open_store(f"sqlite:///{tmp_path}/churn.db").close()
    empty = Guarded(f"sqlite:///{tmp_path}/churn.db")
    with empty.client(source, oidc=settings(issuer)) as client:
        company = Company(Visitor(client), empty)
        assert company.visitor.get("/list").headers["Location"].startswith("/sign-in")
        company.sign_in("anna")
        assert company.is_signed_in()
