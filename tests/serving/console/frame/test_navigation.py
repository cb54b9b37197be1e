"""Addresses: a customer of any ID has a page, and no form or link leads to a foreign one."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from churn_mlops.serving.access.permissions import TABLE
from churn_mlops.serving.access.principal import Role
from churn_mlops.serving.console.frame.navigation import (
    OF_API,
    customer_path,
    home_of,
    local_path,
    navigation,
    sign_in_path,
)


@pytest.mark.parametrize(
    "foreign",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\tevil",
        "/ /evil.example",
        "\n//evil.example",
        "evil.example",
        "",
        None,
        "/a\\b",
        "/a\r\nSet-Cookie: x=1",
    ],
)
def test_a_foreign_address_is_no_place_to_go_on_to(foreign: str | None) -> None:
    assert local_path(foreign) is None
    assert sign_in_path(foreign) == "/sign-in"


@pytest.mark.parametrize("ours", ["/", "/list?part=all&after=7", "/customers/C%2F17", "/customers?id=a%20b"])
def test_an_address_of_ours_is(ours: str) -> None:
    assert local_path(ours) == ours


@given(st.text(max_size=40))
@example("//x")
@example("/%5cx")
def test_whatever_is_let_through_stays_on_this_server(given_path: str) -> None:
    found = local_path(given_path)
    if found is not None:
        parts = urlsplit(f"http://localhost{found}")
        assert (parts.scheme, parts.netloc) == ("http", "localhost")
        assert urlsplit(found).netloc == ""


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30))
@example("a/risk")
@example("a/timeline")
@example("..")
@example("a/../b")
@example("a\\b")
@example("C/17")
@example("50% off?#")
def test_the_address_of_a_customer_leads_back_to_their_id(customer: str) -> None:
    parts = urlsplit(customer_path(customer))
    assert (parts.scheme, parts.netloc, parts.fragment) == ("", "", "")
    if parts.path == "/customers":
        assert parse_qs(parts.query, keep_blank_values=True) == {"id": [customer]}
    else:
        assert parts.query == ""
        assert unquote(parts.path) == f"/customers/{customer}"
        assert not unquote(parts.path).endswith(tuple(f"/{end}" for end in OF_API))


def test_only_pages_that_exist_and_that_the_role_may_open_are_linked() -> None:
    def named(role: Role | None, *paths: str) -> list[str]:
        return [item.name for item in navigation(paths, role, "list")]

    assert named("agent", "/", "/list", "/models") == ["find", "list", "models"]
    assert named("analyst", "/", "/list", "/models") == ["list", "models"]
    assert named("admin", "/", "/list") == ["find", "list"]
    assert named(None, "/", "/list") == []
    assert [item.is_current for item in navigation(["/", "/list"], "agent", "list")] == [False, True]
    parts = navigation(["/", "/list"], "agent", "customer")
    assert [(item.is_current, item.is_section) for item in parts] == [(False, True), (False, False)]


@pytest.mark.parametrize("page", ["models_compare", "models_change"])
def test_pages_about_two_versions_belong_to_the_models(page: str) -> None:
    assert [item.is_section for item in navigation(["/models"], "admin", page)] == [True]


def test_every_role_has_a_first_page_that_it_may_open() -> None:
    assert [home_of(role) for role in ("agent", "analyst", "admin", "service")] == ["/", "/list", "/", "/account"]


def test_every_address_of_the_api_that_begins_with_a_customer_is_avoided() -> None:
    ends = {path.rpartition("/")[2] for _, path in TABLE if path.startswith("/customers/{}/")}
    assert ends == set(OF_API)
    assert all(customer_path(f"a/{end}") == f"/customers?id=a%2F{end}" for end in ends)
