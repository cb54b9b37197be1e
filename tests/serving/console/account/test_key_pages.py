"""Administrators make and revoke API keys by page; a key is shown once, and stands nowhere else."""

from __future__ import annotations

import re

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import list_keys
from churn_mlops.store.audit_log import audit_events
from tests.serving.access.secured_app import Guarded, bearer
from tests.serving.console.account.test_user_pages import SECRET, admin
from tests.serving.console.visitor import Visitor

__all__ = ["admin"]


def made(admin: Visitor, name: str = "bi", role: str = "service", expires: str = "90") -> str:
    (secret,) = SECRET.findall(admin.send("/keys", "/keys", name=name, role=role, expires=expires).text)
    return str(secret)


def test_a_made_key_is_shown_once_and_let_in(
    admin: Visitor, guarded: Guarded, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = admin.send("/keys", "/keys", name="bi", role="service", expires="90")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "Location" not in answer.headers
    (secret,) = SECRET.findall(answer.text)
    assert secret not in admin.get("/keys").text
    admin.client.cookies.clear()
    assert admin.client.get("/session", headers=bearer(secret)).json()["name"] == "key:bi"
    with open_store(guarded.address) as store:
        (event,) = audit_events(store, event="key.created", caller="person:admin-person")
        key = list_keys(store)[-1]
    assert (event.details["name"], event.details["role"]) == ("bi", "service")
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days in (89, 90)
    log = capfd.readouterr()
    assert secret not in log.out + log.err
    assert re.search(r"route\W+/keys\b", log.out + log.err)  # it is the log of these requests


def test_keys_are_listed_with_role_maker_expiry_and_last_use(admin: Visitor) -> None:
    secret = made(admin, expires="never")

    def row() -> str:
        text = " ".join(re.sub(r"<[^>]+>", " ", admin.get("/keys").text).split())
        (found,) = re.findall(r"(bi [0-9a-f]{8} .*?) Revoke", text)
        return str(found)

    assert re.fullmatch(r"bi \w+ Service .+ by admin-person Never not known", row())
    admin.client.get("/predictions", headers=bearer(secret))
    assert len(re.findall(r", 20\d\d, ", row())) == 2  # when it was made, and when it was used
    assert "not known" not in row()
    text = admin.get("/keys").text
    assert "Keys that are no longer valid (2)" in text


def test_a_revoked_key_is_refused_and_stays_revoked(admin: Visitor, guarded: Guarded) -> None:
    secret = made(admin)
    form = [one for one in re.findall(r'name="key" value="(\w+)"', admin.get("/keys").text)]
    with open_store(guarded.address) as store:
        key = list_keys(store)[-1].id
    assert key in form
    asked = admin.send("/keys", "/keys/revoke", key=key).text
    assert f"<h1>Revoke the key bi ({key}, Service)?</h1>" in asked
    assert "This cannot be undone." in asked
    assert admin.client.get("/session", headers=bearer(secret)).status_code == 200
    for _ in range(2):
        answer = admin.send("/keys", "/keys/revoke", key=key, confirmed="yes")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/keys?done=revoked")
    assert "The key is revoked." in admin.get("/keys?done=revoked").text
    assert admin.client.get("/session", headers=bearer(secret)).status_code == 401
    with open_store(guarded.address) as store:
        assert len(audit_events(store, event="key.revoked", caller="person:admin-person")) == 1


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"name": "agent-key"}, 409, "a valid key has the name"),
        ({"name": '"><script>x'}, 409, "is no name"),
        ({"role": "root"}, 409, "is no role of a key"),
        ({"expires": "0"}, 422, "there is no such time"),
        ({"expires": "-1"}, 422, "there is no such time"),
    ],
)
def test_a_key_that_cannot_be_is_refused(
    admin: Visitor, guarded: Guarded, fields: dict[str, str], status: int, words: str
) -> None:
    with open_store(guarded.address) as store:
        before = list_keys(store)
    answer = admin.send("/keys", "/keys", **{"name": "bi", "role": "service", "expires": "90"} | fields)
    assert (answer.status_code, words in answer.text.lower()) == (status, True)
    assert "<script>x" not in answer.text
    with open_store(guarded.address) as store:
        assert list_keys(store) == before
    for key in ("none", "", "\x00", "0" * 8):
        assert admin.send("/keys", "/keys/revoke", key=key).status_code == 409


def test_a_form_without_the_token_makes_and_revokes_nothing(admin: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        before = list_keys(store)
    for path, fields in (
        ("/keys", {"name": "bi", "role": "admin", "expires": "never"}),
        ("/keys/revoke", {"key": before[0].id}),
    ):
        assert admin.post(path, fields).status_code == 403
        assert admin.post(path, fields | admin.form("/keys", "/keys"), Origin="https://evil.example").status_code == 403
    with open_store(guarded.address) as store:
        assert list_keys(store) == before


def test_last_used_is_explained_only_where_there_is_such_a_column(admin: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        valid = [one.id for one in list_keys(store) if one.revoked_at is None]
    assert "“Last used” is read from" in admin.get("/keys").text
    for key in valid:
        admin.send("/keys", "/keys/revoke", key=key, confirmed="yes")
    text = admin.get("/keys").text
    assert "No key is valid" in text
    assert "Last used" not in text
