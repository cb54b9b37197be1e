"""The shown part of an address holds no password, however it is written."""

from __future__ import annotations

import pytest

from churn_mlops.data.sources.open import open_table
from churn_mlops.database_urls import name_in, scrubbed, shown
from churn_mlops.errors import SourceError

SECRETS = [
    "postgres://u:hunter2@127.0.0.1:1/db",
    "postgres://127.0.0.1:1/db?user=u&password=hunter2",
    "postgres://u:hun/hunter2@127.0.0.1:1/db",
    "postgres://u:hunter2/ter@127.0.0.1:1/db",
    "postgres://u:hun@hunter2@127.0.0.1:1/db",
    "postgres://u:hun?hunter2@127.0.0.1:1/db",
    "postgres://u:hun#hunter2@127.0.0.1:1/db",
    "postgres://127.0.0.1:1/db?password=hun@hunter2",
    "postgres://u:hunter2",
    "postgres://u:hunter2@[/db",
    "nonsense://u:hunter2@host/db?password=hunter2#hunter2",
]


@pytest.mark.parametrize("address", SECRETS)
def test_no_password_is_shown(address: str) -> None:
    assert "hunter2" not in shown(address)
    assert "hunter2" not in str(name_in(address))
    with pytest.raises(SourceError) as caught:
        open_table(address, "t")
    assert "hunter2" not in str(caught.value)


def test_what_may_be_shown_is() -> None:
    assert shown("postgres://u:hunter2@host:5432/db?sslmode=require") == "postgres://***@host:5432/db?***"
    assert shown("postgres://host/db") == "postgres://host/db"
    assert name_in("postgres://u:hunter2@host/shop") == "shop"
    assert name_in("postgres://u:hunter2@host") is None


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("postgres://u:hun@hunter2@host/db", "failed to resolve host 'hunter2@host'"),
        ("postgres://u:hunter2@host/db", "cannot log u:hunter2 in with 'hunter2'"),
        ("postgres://u:hunt%40er2@host/db", "cannot log in with 'hunt@er2'"),
        ("postgres://host/db?password=p%2Fw", "invalid dsn: password=p%2Fw, that is p/w"),
        ("postgres://u:a/hunter2@host/db", "no port 'a', no file hunter2@host"),
    ],
)
def test_what_a_driver_says_is_scrubbed(address: str, said: str) -> None:
    text = scrubbed(said, address)
    assert not any(secret in text for secret in ("hunter2", "hunt@er2", "p%2Fw", "p/w"))


def test_what_a_driver_says_stays_readable() -> None:
    assert scrubbed("no route to host 1", "postgres://u:hunter2@host/db?try=1") == "no route to host 1"


def test_a_database_whose_driver_is_not_installed_says_what_to_install() -> None:
    with pytest.raises(SourceError, match=r"needs a driver: pip install 'ibis-framework\[mysql\]'"):
        open_table("mysql://reader@localhost/crm", "customers")
