"""Only administrators add, change and disable users by page, and none of them locks themselves out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.store import open_store
from churn_mlops.store.access.sessions import start_session
from churn_mlops.store.access.users import User, add_user, add_vouched_user, disable_user, list_users
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.database.clock import utc_now
from tests.serving.access.secured_app import PASSWORD, Guarded, bearer, cookie
from tests.serving.console.visitor import HTML, Visitor

SECRET = re.compile(r'<p class="secret"[^>]*>([^<]+)</p>')


def as_admin(visitor: Visitor, guarded: Guarded) -> Visitor:
    visitor.client.cookies.set("churn_session", guarded.sessions["admin"][0], domain="localhost.local")
    return visitor


@pytest.fixture
def admin(visitor: Visitor, guarded: Guarded) -> Visitor:
    return as_admin(visitor, guarded)


def users(guarded: Guarded) -> dict[str, User]:
    with open_store(guarded.address) as store:
        return {one.name: one for one in list_users(store)}


def change(admin: Visitor, name: str, **fields: str) -> tuple[int, str]:
    """What is answered to a confirmed change of a user, and the words of the banner of the page that follows."""
    answer = admin.post(f"/users/{name}", admin.form("/users", "/users") | fields | {"confirmed": "yes"})
    page = answer if answer.status_code != 303 else admin.get(answer.headers["Location"])
    (words,) = re.findall(r'<p class="banner[^>]*>([^<]*)</p>', page.text)
    return answer.status_code, unescape(words)


def test_all_users_are_listed_with_role_way_in_last_session_and_state(admin: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        add_vouched_user(store, "carl@example.com", "analyst", by="oidc")
        long_ago = utc_now() - timedelta(days=30)
        add_vouched_user(store, "old@example.com", "analyst", by="oidc", clock=lambda: long_ago)
    text = " ".join(re.sub(r"<[^>]+>", " ", admin.get("/users").text).split())
    assert re.search(r"agent-person Agent Password \w+ \d+, 20\d\d, [\d: \xa0AMP]+ active", text)
    assert "carl@example.com Analyst Company account never active" in text
    assert "old@example.com Analyst Company account not in the last week active" in text
    assert "<dd>never</dd>" in admin.get("/users/carl@example.com").text
    assert re.search(r"disabled-person Administrator Password .{5,30} disabled", text)


def test_the_form_of_a_user_says_what_each_role_works_with(admin: Visitor) -> None:
    text = admin.get("/users").text
    assert "Agent: customers and contacts" in text
    assert "Analyst: lists and campaigns" in text  # so that a marketing lead becomes one


def test_an_added_user_signs_in_with_the_password_that_is_shown_once(admin: Visitor, guarded: Guarded) -> None:
    answer = admin.send("/users", "/users", name="dora", role="analyst")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    (password,) = SECRET.findall(answer.text)
    assert password not in admin.get("/users").text + admin.get("/users/dora").text
    admin.client.cookies.clear()
    assert admin.send("/sign-in", "/sign-in", name="dora", password=password).headers["Location"] == "/list"
    with open_store(guarded.address) as store:
        (added,) = audit_events(store, event="person.added", caller="person:admin-person")
    assert added.details == {"name": "dora", "role": "analyst"}


@pytest.mark.parametrize(
    ("name", "role", "words"),
    [
        ("agent-person", "agent", "take another name, or change that user."),
        ("a b", "agent", "is no name"),
        ("<script>x</script>", "agent", "is no name"),
        ("../admin", "agent", "is no name"),
        ("dora", "service", "is no role of a person"),
        ("dora", "", "is no role of a person"),
    ],
)
def test_a_user_who_cannot_be_is_refused_and_the_form_keeps_what_was_typed(
    admin: Visitor, guarded: Guarded, name: str, role: str, words: str
) -> None:
    before = users(guarded)
    answer = admin.send("/users", "/users", name=name, role=role)
    assert (answer.status_code, words in answer.text) == (409, True)
    assert f'value="{name}"' in unescape(answer.text)
    assert "<script>x" not in answer.text
    assert users(guarded) == before


def test_another_role_is_in_force_immediately_and_the_old_session_is_over(admin: Visitor, guarded: Guarded) -> None:
    headers = cookie(guarded.sessions["agent"])
    assert change(admin, "agent-person", do="role", role="analyst") == (
        303,
        "The role is changed. Their sessions have ended.",
    )
    admin.client.cookies.clear()
    assert admin.client.get("/session", headers=headers).status_code == 401
    assert admin.sign_in("agent").headers["Location"] == "/list"
    assert admin.get("/find?q=C").status_code == 403


def test_a_disabled_user_is_out_until_they_are_enabled(admin: Visitor, guarded: Guarded, source: ModelSlot) -> None:
    headers = cookie(guarded.sessions["agent"])
    with guarded.client(source, key_refresh_seconds=0.05) as other:
        assert other.get("/session", headers=headers).status_code == 200
        assert change(admin, "agent-person", do="disable")[0] == 303
        # Another process learns it by itself.
        assert any(other.get("/session", headers=headers).status_code == 401 for _ in range(5000))
    assert users(guarded)["agent-person"].disabled_at is not None
    admin.client.cookies.clear()
    assert admin.sign_in("agent").status_code == 401
    as_admin(admin, guarded)
    assert change(admin, "agent-person", do="enable") == (303, "The user may sign in again.")
    admin.client.cookies.clear()
    assert admin.sign_in("agent").status_code == 303


def test_sessions_are_ended_and_the_user_may_come_back(admin: Visitor, guarded: Guarded) -> None:
    assert change(admin, "agent-person", do="sessions") == (303, "All their sessions have ended.")
    admin.client.cookies.clear()
    assert admin.client.get("/session", headers=cookie(guarded.sessions["agent"])).status_code == 401
    assert admin.sign_in("agent").status_code == 303


def test_a_reset_password_is_shown_once_and_replaces_the_old_one(admin: Visitor, guarded: Guarded) -> None:
    answer = admin.post("/users/agent-person", admin.form("/users", "/users") | {"do": "password", "confirmed": "yes"})
    (password,) = SECRET.findall(answer.text)
    assert answer.headers["Cache-Control"] == "no-store"
    admin.client.cookies.clear()
    assert admin.sign_in("agent").status_code == 401
    assert admin.send("/sign-in", "/sign-in", name="agent-person", password=password).status_code == 303


@pytest.mark.parametrize("fields", [{"do": "role", "role": "agent"}, {"do": "disable"}, {"do": "password"}])
def test_no_administrator_changes_their_own_account_here(
    admin: Visitor, guarded: Guarded, fields: dict[str, str]
) -> None:
    with open_store(guarded.address) as store:
        add_user(store, "second", PASSWORD, "admin", by="test")
    before = users(guarded)
    assert change(admin, "admin-person", **fields) == (
        409, "This is your own account: ask another administrator to change it.",
    )  # fmt: skip
    assert users(guarded) == before
    assert admin.get("/users").status_code == 200
    assert "<form" not in admin.get("/users/admin-person").text.partition("<main")[2].partition("</main")[0]


@pytest.mark.parametrize(
    ("do", "question", "follows"),
    [
        ("role", "Change the role of agent-person to Analyst?", "Their sessions end."),
        ("disable", "Disable agent-person?", "They are signed out everywhere within 5 seconds, and may not sign in."),
        ("password", "Reset the password of agent-person?", "and their sessions end."),
        ("sessions", "End all sessions of agent-person?", "They are signed out everywhere within 5 seconds"),
    ],
)
def test_a_change_that_signs_a_user_out_is_asked_about_and_waits_for_the_answer(
    admin: Visitor, guarded: Guarded, do: str, question: str, follows: str
) -> None:
    before, headers = users(guarded), cookie(guarded.sessions["agent"])
    form = admin.form("/users", "/users") | {"do": do, "role": "analyst"}
    page = unescape(admin.post("/users/agent-person", form).text)
    assert f"<h1>{question}</h1>" in page
    assert follows in page
    assert 'href="/users/agent-person"' in page  # the way back
    assert users(guarded) == before
    assert admin.client.get("/session", headers=headers).status_code == 200
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.partition("<main")[2]))
    assert {name: sent[name] for name in ("do", "role")} == {"do": do, "role": "analyst"}
    admin.post("/users/agent-person", sent)
    admin.client.cookies.clear()
    assert admin.client.get("/session", headers=headers).status_code == 401


@pytest.mark.parametrize("fields", [{"do": "role", "role": "agent"}, {"do": "disable"}])
def test_the_last_administrator_stays(admin: Visitor, guarded: Guarded, fields: dict[str, str]) -> None:
    admin.client.cookies.clear()
    fields = fields | {"confirmed": "yes"}
    answer = admin.client.post("/users/admin-person", data=fields, headers=HTML | bearer(guarded.keys["admin"]))
    assert answer.status_code == 409
    assert "No other administrator may sign in: make one before you change admin-person." in answer.text
    assert users(guarded)["admin-person"].disabled_at is None


@pytest.mark.parametrize("role", ["agent", "analyst"])
def test_only_administrators_see_and_change_users(visitor: Visitor, guarded: Guarded, role: str) -> None:
    visitor.client.cookies.set("churn_session", guarded.sessions[role][0], domain="localhost.local")
    token, before = guarded.sessions[role][1], users(guarded)
    assert 'href="/users"' not in visitor.get("/account").text
    for path in ("/users", "/users/agent-person", "/keys"):
        assert visitor.get(path).status_code == 403
    fields = {"csrf_token": token, "name": f"{role}-person", "role": "admin", "do": "role"}
    for path in ("/users", f"/users/{role}-person", "/keys", "/keys/revoke"):
        assert visitor.post(path, fields).status_code == 403
    assert users(guarded) == before


def test_a_form_without_the_token_or_of_another_site_changes_nothing(admin: Visitor, guarded: Guarded) -> None:
    before = users(guarded)
    good = admin.form("/users", "/users") | {"do": "disable", "name": "eve", "role": "admin"}
    for path in ("/users", "/users/agent-person"):
        assert admin.post(path, good | {"csrf_token": guarded.sessions["agent"][1]}).status_code == 403
        assert (
            admin.post(path, {name: value for name, value in good.items() if name != "csrf_token"}).status_code == 403
        )
        assert admin.post(path, good, Origin="https://evil.example").status_code == 403
    assert users(guarded) == before


def test_an_unknown_user_or_change_is_said_so(admin: Visitor) -> None:
    token = admin.form("/users", "/users")
    assert admin.get("/users/none").status_code == 404
    assert admin.get("/users/%00").status_code == 404
    assert admin.post("/users/none", token | {"do": "disable"}).status_code == 404
    assert admin.post("/users/agent-person", token | {"do": "delete"}).status_code == 422
    assert "banner" not in admin.get("/users/agent-person?done=%3Cscript%3E").text


@pytest.fixture
def local(tmp_path: Path, source: ModelSlot) -> Iterator[Visitor]:
    """The console of a machine without users and keys."""
    address = f"sqlite:///{tmp_path}/empty/churn.db"
    open_store(address).close()
    with Guarded(address).client(source) as client:
        yield Visitor(client)


def test_the_first_user_of_a_machine_is_an_administrator(local: Visitor) -> None:
    assert '<option value="admin" selected>' in local.get("/users").text
    refused = local.send("/users", "/users", name="anna", role="agent")
    assert (refused.status_code, "Add an administrator first" in refused.text) == (409, True)
    refused = local.send("/keys", "/keys", name="crm", role="service", expires="never")
    assert (refused.status_code, "Add an administrator first" in refused.text) == (409, True)
    (password,) = SECRET.findall(local.send("/users", "/users", name="root", role="admin").text)
    assert local.get("/users").headers["Location"] == "/sign-in?next=%2Fusers"
    assert local.send("/sign-in", "/sign-in", name="root", password=password).status_code == 303
    assert local.get("/users").status_code == 200


def test_a_user_of_the_company_account_has_no_password_form(admin: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        add_vouched_user(store, "carl@example.com", "analyst", by="oidc")
        begun = start_session(store, "carl@example.com", timedelta(hours=1))
    page = admin.get("/users/carl@example.com").text
    assert "Their groups there decide their role" in page
    assert "Reset the password" not in page
    assert change(admin, "carl@example.com", do="role", role="admin")[0] == 409
    assert change(admin, "carl@example.com", do="password")[0] == 409
    assert change(admin, "carl@example.com", do="disable")[0] == 303
    with open_store(guarded.address) as store:
        disable_user(store, "agent-person", by="test")
        add_vouched_user(store, "dora@example.com", "analyst", by="oidc")
        begun = start_session(store, "dora@example.com", timedelta(hours=1))
    admin.client.cookies.set("churn_session", begun.token, domain="localhost.local")
    assert "Change password" not in admin.get("/account").text
