"""The hash key that comes with the program is for one machine alone."""

from __future__ import annotations

import pytest

from churn_mlops.config import Settings
from churn_mlops.config.exposure import check_hash_key
from churn_mlops.errors import ConfigError


def settings(host: str = "127.0.0.1", url: str = "sqlite:///store/churn.db", key: str = "churn") -> Settings:
    return Settings.model_validate({"serving": {"host": host}, "store": {"url": url, "customer_hash_key": key}})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///store/churn.db",
        "postgresql://churn:password@localhost/churn",
        "postgresql://churn@127.0.0.1:5432/churn",
        "postgresql:///churn",
        "postgresql://churn@/churn?host=/run/postgresql",
        "postgresql://churn@/churn?host=localhost:5432&host=127.0.0.1",
    ],
)
def test_on_one_machine_the_default_key_is_taken(host: str, url: str) -> None:
    check_hash_key(settings(host, url))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "churn.example.com"])
def test_a_server_that_others_reach_needs_a_key_of_its_own(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_hash_key(settings(host))
    for part in (
        f"serving.host is {host}",
        "store.customer_hash_key",
        "openssl rand",
        "CHURN__STORE__CUSTOMER_HASH_KEY_FILE",
    ):
        assert part in str(caught.value)
    check_hash_key(settings(host, key="another"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://churn:s3cret@db.internal/churn",
        "postgresql://churn:s3cret@/churn?host=db.internal",
        "postgresql://churn:s3cret@[fd00::1]:5432/churn",
        "postgresql://churn:s3cret@[db/churn",
        "postgresql://churn:s3cret@localhost/churn?hostaddr=192.0.2.1",
        "postgresql://churn:s3cret@/churn?host=db.internal:5432&host=localhost",
        "postgresql://churn:s3cret@/churn?host=/run/postgresql,db.internal",
        "postgresql://churn:s3cret@/churn?service=production",
    ],
)
def test_a_store_on_another_machine_needs_a_key_of_its_own_and_its_password_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigError, match="the store is on another machine") as caught:
        check_hash_key(settings(url=url))
    assert "s3cret" not in str(caught.value)
    check_hash_key(settings(url=url, key="another"))
