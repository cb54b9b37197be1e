"""``churn keys`` and ``churn people``."""

from __future__ import annotations

import io
import json

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import hash_of
from churn_mlops.store.access.credentials import access_is_configured, credentials
from churn_mlops.store.audit_log import audit_events
from tests.cli.conftest import Churn

STORE = "sqlite:///store/churn.db"
PASSWORD = "correct horse battery"


def test_a_key_is_printed_once_listed_without_itself_and_revoked(churn: Churn) -> None:
    assert "There is no key yet" in churn("keys", "list").out
    result = churn("keys", "create", "--name", "crm", "--role", "service", "--expires-days", "30")
    assert result.code == 0, result.err
    secret, message = result.out.splitlines()
    assert message.endswith("(crm, service). It is shown this once: keep it where its user finds it.")
    listed = churn("keys", "list").out
    assert secret not in listed
    (key,) = json.loads(churn("keys", "list", "--json").out)
    assert (key["name"], key["role"], key["id"] in message) == ("crm", "service", True)
    assert "sha256" not in key
    assert f"Key {key['id']} (crm, service) is revoked." in churn("keys", "revoke", key["id"]).out
    assert "revoked" in churn("keys", "list").out
    with open_store(STORE) as store:
        assert hash_of(secret) not in credentials(store).by_hash
        log = audit_events(store)
    assert [event.event for event in log] == ["key.revoked", "key.created"]
    assert log[0].caller.startswith("cli")


def test_a_key_for_machines_is_one_document(churn: Churn) -> None:
    made = json.loads(churn("keys", "create", "--name", "ops", "--role", "admin", "--json").out)
    with open_store(STORE) as store:
        assert credentials(store).by_hash[hash_of(made["key"])].role == "admin"
    assert made["expires_at"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("keys", "create", "--name", "crm", "--role", "root"), "'root' is no role of a key"),
        (("keys", "create", "--name", "a b", "--role", "admin"), "'a b' is no name"),
        (("keys", "revoke", "nothing"), "there is no key 'nothing'"),
        (("people", "disable", "nobody"), "there is no user of the name 'nobody'"),
    ],
)
def test_an_impossible_request_is_refused_in_a_sentence(churn: Churn, words: tuple[str, ...], message: str) -> None:
    result = churn(*words)
    assert (result.code, result.out) == (1, "")
    assert message in result.err
    with open_store(STORE) as store:
        assert not access_is_configured(store)


def test_people_are_added_by_a_password_on_standard_input_and_disabled(
    churn: Churn, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No user signs in" in churn("people", "list").out
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "the password has 5 characters" in churn("people", "add", "anna", "--role", "agent").err
    for more, code in (((), 0), ((), 1), (("--replace",), 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        assert churn("people", "add", "anna", "--role", "agent", *more).code == code
    assert "anna may not sign in any more." in churn("people", "disable", "anna").out
    (anna,) = json.loads(churn("people", "list", "--json").out)
    assert (anna["name"], anna["role"], "password" in anna) == ("anna", "agent", False)
    assert anna["disabled_at"] is not None
    assert "disabled" in churn("people", "list").out
