"""The models: the one that is live, what was live when, and how an admin changes it by page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from httpx import Response
from sqlalchemy import update

from churn_mlops.models.promotion import roll_back
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.store import open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.database.schema import BUNDLES
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from churn_mlops.store.trials import end_trial, start_trial, trials
from tests.companies.registered import deploy, live, register, register_again
from tests.companies.versions import version_of
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor
from tests.store.builders import DAY, NOW
from tests.store.test_shadow import published

PROMOTE, ROLLBACK = "/models/3/promote", "/models/rollback"


@pytest.fixture
def admin(guarded: Guarded, source: ModelSlot) -> Iterator[Visitor]:
    """An admin; version 1 was live, 2 is, 3 never was."""
    register(guarded.address, 1, 2, 3)
    deploy(guarded.address, 1, 2, by="person:bob")
    with guarded.client(source) as client:
        client.cookies.set("churn_session", guarded.sessions["admin"][0], domain="localhost.local")
        yield Visitor(client)


def as_role(visitor: Visitor, guarded: Guarded, role: str) -> Visitor:
    visitor.client.cookies.set("churn_session", guarded.sessions[role][0], domain="localhost.local")
    return visitor


def send(visitor: Visitor, path: str, **fields: str) -> Response:
    return visitor.send(path, path, **{"reason": "simpler to explain"} | fields)


def test_deployments_are_shown_the_latest_first_with_who_and_why(admin: Visitor) -> None:
    text = admin.get("/models").text
    history = text[text.index("Which version was live when") :]
    assert history.index("why &lt;i&gt;2") < history.index("why &lt;i&gt;1")
    assert history.count("by bob") == 2
    assert "less than a day" in history


def test_the_version_in_the_shadow_is_shown_beside_the_live_one(admin: Visitor, guarded: Guarded) -> None:
    assert "in the shadow" not in admin.get("/models").text
    assert admin.get("/api/models").json()["shadow"] is None
    published(guarded.address, 2, 1)
    text = " ".join(admin.get("/models").text.split())
    section = text[text.index("Version 1 in the shadow") : text.index(">Versions<")]
    assert "The version before" in section
    assert "3 customers in 1.5" in section
    assert "$1,120 a month" in section
    assert "<dt>Difference in what the lists earn</dt>" in section
    assert "$120 a month, 95 % interval \N{MINUS SIGN}$40.00 to $280" in section
    shadow = admin.get("/api/models").json()["shadow"]
    assert (shadow["version"], shadow["on_trial_since"], shadow["refused"]) == ("1", None, 0)
    assert shadow["gain"] == {"value": 120.0, "low": -40.0, "high": 280.0, "is_final": True}


def test_a_trial_is_shown_with_its_requests_and_its_end(admin: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        start_trial(store, "3", version_of(3).sha256, version_of(2).sha256, clock=lambda: NOW)
    published(guarded.address, 2, 3)
    with open_store(guarded.address) as store:
        figures = {"shadow_refused": 2.0, "shadow_changed": 30.0, "shadow_milliseconds": 80.0}
        measured = [
            StoredMeasurement(name, "3", count / 1000, None, None, count, 1000, "good", "")
            for name, count in figures.items()
        ]
        record_measurements(store, DAY, measured, clock=lambda: NOW)
    text = " ".join(admin.get("/models").text.split())
    section = text[text.index("Version 3 in the shadow") : text.index(">Versions<")]
    assert "On trial" in section
    assert "1,000; it would refuse 2" in section
    assert "for 30 of them" in section
    with open_store(guarded.address) as store:
        (trial,) = trials(store, 1)
        end_trial(store, trial, "version 3 earns <less>", clock=lambda: NOW)
    assert "version 3 earns &lt;less&gt;" in admin.get("/models").text


def test_every_version_is_shown_with_its_figures_and_what_training_said(admin: Visitor) -> None:
    text = admin.get("/models").text
    versions = text[text.index(">Versions<") : text.index("Which version was live when")]
    assert [versions.index(f"&lt;b&gt;verdict {number}&lt;/b&gt;") for number in (3, 2, 1)] == sorted(
        versions.index(f"verdict {number}&") - len("&lt;b&gt;") for number in (1, 2, 3)
    )
    assert all(f"0.8{number}0" in versions for number in (1, 2, 3))
    assert [versions.count(state) for state in ("Never live", "Was live")] == [1, 1]


def test_the_page_of_a_server_that_does_not_follow_yet_says_so(admin: Visitor) -> None:
    text = admin.get("/models").text
    assert "Version 2: live, but not on this server yet" in text
    assert "Still on this server</span></h2>" in text
    assert text[: text.index(">Versions<")].count("Live now") == 0
    deploy_served = admin.get("/models?changed=2").text
    assert "Version 2 is live. Servers follow within seconds." in deploy_served
    assert "is live. Servers" not in admin.get("/models?changed=%3Cb%3E").text


def test_a_store_without_deployments_shows_the_card_of_the_live_model(agent: Visitor) -> None:
    text = agent.get("/models").text
    assert "additive boosting" in text
    assert "No deployment is recorded" in text


def test_an_admin_promotes_a_version_with_a_reason(admin: Visitor, guarded: Guarded) -> None:
    text = admin.get(PROMOTE).text
    assert "Make version 3 live?" in text
    assert "&lt;b&gt;verdict 3&lt;/b&gt;" in text
    assert "<td" in text[text.index("Version 2") :]
    answer = send(admin, PROMOTE, reason=" good on <b>new</b> customers ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/models?changed=3")
    assert live(guarded.address) == "3"
    with open_store(guarded.address) as store:
        event = next(one for one in audit_events(store, limit=10) if one.event == "champion.changed")
    assert (event.caller, event.details["reason"]) == ("person:admin-person", "good on <b>new</b> customers")
    shown = admin.get("/models").text
    assert "good on &lt;b&gt;new&lt;/b&gt; customers" in shown
    assert "<b>new" not in shown


def test_an_admin_goes_back_to_the_version_before(admin: Visitor, guarded: Guarded) -> None:
    assert "Go back to version 1" in admin.get("/models").text
    assert send(admin, ROLLBACK).headers["Location"] == "/models?changed=1"
    assert live(guarded.address) == "1"
    assert admin.get(ROLLBACK).status_code == 404  # no other was live before
    assert "Go back to version" not in admin.get("/models").text


@pytest.mark.parametrize("role", ["agent", "analyst"])
def test_agents_and_analysts_see_no_button_and_are_refused(admin: Visitor, guarded: Guarded, role: str) -> None:
    forms = {path: admin.form(path, path) for path in (PROMOTE, ROLLBACK)}
    visitor = as_role(admin, guarded, role)
    for page in ("/models", "/models/compare?first=2&second=3"):
        answer = visitor.get(page)
        assert answer.status_code == 200
        assert "/promote" not in answer.text
        assert ROLLBACK not in answer.text
    for path, form in forms.items():
        assert visitor.get(path).status_code == 403
        own = form | {"csrf_token": guarded.sessions[role][1], "reason": "mine"}
        assert visitor.post(path, own).status_code == 403
    assert live(guarded.address) == "2"


def test_a_form_of_another_site_or_without_the_token_changes_nothing(admin: Visitor, guarded: Guarded) -> None:
    for path in (PROMOTE, ROLLBACK):
        form = admin.form(path, path) | {"reason": "why"}
        bare = {name: value for name, value in form.items() if name != "csrf_token"}
        assert admin.post(path, bare).status_code == 403
        assert admin.post(path, form | {"csrf_token": guarded.sessions["agent"][1]}).status_code == 403
        assert admin.post(path, form, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
        assert admin.post(path, form, Origin="https://evil.example").status_code == 403
    assert live(guarded.address) == "2"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001, "a\x00b"])
def test_a_reason_that_is_none_comes_back_with_the_form(admin: Visitor, guarded: Guarded, reason: str) -> None:
    for path in (PROMOTE, ROLLBACK):
        answer = send(admin, path, reason=reason)
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
        assert 'role="alert"' in answer.text
        assert admin.form(path, path)["expected_champion"] == version_of(2).sha256
    assert live(guarded.address) == "2"


@pytest.mark.parametrize("field", ["expected_champion", "expected_bundle"])
def test_a_form_that_does_not_say_what_was_live_is_refused(admin: Visitor, guarded: Guarded, field: str) -> None:
    form = admin.form(PROMOTE, PROMOTE) | {"reason": "why"}
    for broken in ({**form, field: "x"}, {name: value for name, value in form.items() if name != field}):
        assert admin.post(PROMOTE, broken).status_code == 422
    assert live(guarded.address) == "2"


def test_another_admin_was_faster(admin: Visitor, guarded: Guarded) -> None:
    forms = {path: admin.form(path, path) | {"reason": "my own reason"} for path in ("/models/1/promote", ROLLBACK)}
    deploy(guarded.address, 3, by="person:bob")
    for path, form in forms.items():
        answer = admin.post(path, form)
        assert answer.status_code == 409
        assert "version 3 went live (by bob: why &lt;i&gt;3&lt;/i&gt;)" in answer.text
        assert 'value="my own reason"' in answer.text
        assert version_of(3).sha256 in answer.text  # the form that came back goes by what is live now
    assert live(guarded.address) == "3"


@pytest.mark.parametrize("path", [PROMOTE, ROLLBACK])
def test_a_form_that_is_sent_twice_changes_what_is_live_once(admin: Visitor, guarded: Guarded, path: str) -> None:
    form = admin.form(path, path) | {"reason": "why"}
    first, again = (admin.post(path, form) for _ in range(2))
    assert first.headers["Location"] == again.headers["Location"]
    with open_store(guarded.address) as store:
        assert len(Deployments(store).history()) == 3


def test_a_rollback_goes_to_the_version_that_was_shown(admin: Visitor, guarded: Guarded) -> None:
    form = admin.form(ROLLBACK, ROLLBACK) | {"reason": "why"}
    deploy(guarded.address, 3, 2)  # the champion is version 2 as before, but 3 is before it by now
    assert admin.post(ROLLBACK, form).status_code == 409
    assert live(guarded.address) == "2"


def test_the_card_of_a_version_that_came_back_says_so_because_the_reason_is_that_of_the_other(
    admin: Visitor, guarded: Guarded, source: ModelSlot
) -> None:
    def card(version: int) -> str:
        assert source.current is not None
        source.deploy(replace(source.current, version=str(version), sha256=version_of(version).sha256))
        text = admin.get("/models").text
        return text[text.index('id="live-title"') : text.index(">Versions<")]

    assert ">Live now<" in card(2)
    assert ">Rollback<" not in card(2)
    with open_store(guarded.address) as store:
        roll_back(Deployments(store), reason="a bad list", by="person:bob")
    assert ">Rollback<" in card(1)


def test_a_rollback_goes_to_the_bundle_that_was_live_whatever_its_number_stands_for(
    admin: Visitor, guarded: Guarded
) -> None:
    register_again(guarded.address, 1, 5)
    assert admin.form(ROLLBACK, ROLLBACK)["expected_bundle"] == version_of(1).sha256
    assert send(admin, ROLLBACK).headers["Location"] == "/models?changed=1"
    with open_store(guarded.address) as store:
        assert Deployments(store).history()[-1].sha256 == version_of(1).sha256


def test_another_bundle_under_the_number_that_is_live_can_be_made_live(admin: Visitor, guarded: Guarded) -> None:
    register_again(guarded.address, 2, 5)
    versions = admin.get("/models").text
    assert 'href="/models/2/promote"' in versions
    form = admin.form("/models/2/promote", "/models/2/promote")
    assert (form["expected_champion"], form["expected_bundle"]) == (version_of(2).sha256, version_of(5).sha256)
    assert send(admin, "/models/2/promote").headers["Location"] == "/models?changed=2"
    with open_store(guarded.address) as store:
        assert Deployments(store).history()[-1].sha256 == version_of(5).sha256


def test_a_broken_bundle_does_not_go_live_and_the_page_says_why(admin: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store, store.writing("damage a bundle") as connection:
        damaged = BUNDLES.c.sha256.in_([version_of(1).sha256, version_of(3).sha256])
        connection.execute(update(BUNDLES).where(damaged).values(content=b"{}\n{}\n"))
    for path in (PROMOTE, ROLLBACK):
        answer = send(admin, path)
        assert answer.status_code == 409
        assert "it does not go live: model bundle" in answer.text
    assert live(guarded.address) == "2"


def test_an_unknown_version_has_no_page(admin: Visitor, guarded: Guarded) -> None:
    form = admin.form(PROMOTE, PROMOTE) | {"reason": "why"}
    assert admin.get("/models/9/promote").status_code == 404
    assert admin.post("/models/9/promote", form).status_code == 404
    assert admin.get("/models/%3Cscript%3E/promote").status_code == 422
    assert admin.get("/models/compare?first=2&second=9").status_code == 404
    assert live(guarded.address) == "2"


def test_the_page_of_the_version_that_is_live_has_no_form(admin: Visitor) -> None:
    text = admin.get("/models/2/promote").text
    assert "there is nothing to change" in text
    assert 'name="reason"' not in text


def test_two_versions_stand_side_by_side_with_difference_and_curves(admin: Visitor) -> None:
    text = admin.get("/models/compare?first=1&second=3").text
    assert "0.795 to 0.825" in text
    assert "+0.020" in text
    assert "measured on the same customers" in text
    assert text.count('role="img"') == 3
    assert text.count("exactly as scored") == 1


def test_a_version_without_curves_says_so(admin: Visitor, guarded: Guarded) -> None:
    register(guarded.address, 4, curves=False)
    text = admin.get("/models/compare?first=2&second=4").text
    assert "Version 4 was recorded without curves" in text
    assert "Version 2 was recorded without" not in text
    assert text.count('role="img"') == 3


@pytest.mark.parametrize(
    "query", ["", "?first=2", "?first=2&second=2", "?second=3", "?first=%00&second=2", "?first=2&second=x"]
)
def test_a_comparison_takes_two_versions(admin: Visitor, query: str) -> None:
    answer = admin.get(f"/models/compare{query}")
    assert answer.status_code == 422
    assert "Choose two different versions." in answer.text


def test_identical_versions_are_two_in_the_book_and_the_pages_say_that_they_are_identical(
    admin: Visitor, guarded: Guarded
) -> None:
    register_again(guarded.address, 3, 2)  # the same training gave the same bundle
    alike = "Version 2 and version 3 are identical: the same model was trained twice"
    text = admin.get("/models").text
    assert [text.count(f"identical to version {number}") for number in (1, 2, 3)] == [0, 1, 1]
    assert alike in admin.get("/models/compare?first=2&second=3").text
    assert "are identical" not in admin.get("/models/compare?first=1&second=3").text
    assert alike in admin.get(PROMOTE).text
    assert send(admin, PROMOTE).headers["Location"] == "/models?changed=3"
    shown = admin.get("/models").text
    assert "Go back to version 2" in shown
    history = shown[shown.index("Which version was live when") :]
    assert [history.index(f"Version {number}") for number in (3, 2, 1)] == sorted(
        history.index(f"Version {number}") for number in (1, 2, 3)
    )
    assert send(admin, ROLLBACK).headers["Location"] == "/models?changed=2"
    assert live(guarded.address) == "2"
    assert "Go back to version 1" in admin.get("/models").text
