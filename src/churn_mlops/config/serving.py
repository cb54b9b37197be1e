"""The declaration of the settings of the server."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import field_validator, model_validator

from churn_mlops.config.sections import Section, listed, setting


class Serving(Section):
    """The HTTP server."""

    host: str = setting(
        "127.0.0.1", "address to listen on; the default is reached from this machine only", min_length=1
    )
    port: int = setting(8000, "port to listen on; 0 takes a free one", ge=0, le=65535)
    workers: int = setting(
        1,
        "how many answer on the port, one for each core at most; they have one page of metrics",
        "processes",
        ge=1,
        le=256,
    )
    max_body_bytes: int = setting(1_048_576, "largest body of a request; a larger one is answered 413", "bytes", ge=1)
    max_batch_rows: int = setting(10_000, "most customers of one batch request", "customers", ge=1)
    requests_at_once: int = setting(
        200,
        "most requests that one process works on, their bodies being there; more are answered 503, but for probes",
        "requests",
        ge=1,
    )
    request_seconds: float = setting(
        10.0, "longest time to answer, once the body is there; then the answer is 503", "seconds", gt=0, le=600
    )
    drain_seconds: float = setting(
        3.0,
        "time after SIGTERM in which requests are still answered, while /ready says no: longer than a load balancer "
        "needs to see it, on Kubernetes longer than the removal of an endpoint takes, such as 15; Ctrl-C and a later "
        "signal do not wait",
        "seconds",
        ge=0,
        le=600,
    )
    source_seconds: float = setting(
        2.0,
        "longest wait for one customer of the source; then the answer is their published score",
        "seconds",
        gt=0,
        le=60,
    )
    answers_waiting: int = setting(
        50_000,
        "most predictions that wait for the prediction log; further ones are dropped and counted",
        "answers",
        ge=1,
    )
    champion_seconds: float = setting(2.0, "time between looks for a new champion", "seconds", gt=0, le=3600)
    champion_load_seconds: float = setting(
        30.0, "longest time to load a new champion; a slower one is refused", "seconds", gt=0, le=3600
    )
    champion_score_ms: float = setting(
        50.0, "longest time in which a new champion scores one customer; a slower one is refused", "milliseconds", gt=0
    )
    admin_key_file: Path | None = setting(
        None, "file that holds the first admin key, such as a mounted secret; null takes keys of the store only"
    )
    key_refresh_seconds: float = setting(
        2.0, "time between two looks for keys that were made or revoked", "seconds", gt=0, le=2
    )
    requests_per_second: float | None = setting(
        None,
        "most requests of one principal to one process; more are answered 429; null sets no limit",
        "requests per second",
        gt=0,
    )
    session_hours: float = setting(10.0, "time after which users sign in again", "hours", gt=0, le=720)
    allowed_hosts: tuple[str, ...] = setting(
        (), "names that the server is asked by, such as churn.example.com; none takes every name off loopback"
    )
    traces_url: str | None = setting(
        None,
        "address of a collector that a span of each request is sent to (OpenTelemetry, OTLP over HTTP), such as "
        "http://localhost:4318/v1/traces; null sends none",
        pattern="^https?://[^/]",
    )
    metrics: Literal["open", "closed"] = setting(
        "closed", "whether /metrics needs a key, where there are keys; `open` needs none"
    )
    docs: Literal["open", "closed"] = setting(
        "closed", "whether /docs needs a key, where there are keys; `open` needs none"
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), "addresses of proxies whose word is taken for who asks, such as 10.0.0.5 or 10.0.0.0/24"
    )
    proxy_user_header: str | None = setting(
        None, "header in which they name who signed in, such as X-Forwarded-User; null trusts no proxy about it"
    )
    proxy_groups_header: str | None = setting(
        None,
        "header in which they name the groups of this user, commas between; null takes the user name for the one group",
    )
    proxy_roles: tuple[str, ...] = setting(
        (), "role of each group, such as churn-admins=admin; the group * is every user who is in none of the others"
    )

    @field_validator("allowed_hosts", "trusted_proxies", "proxy_roles", mode="before")
    @classmethod
    def _texts_as_list(cls, value: Any) -> Any:
        return listed(value)

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts_are_small(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host.lower() for host in value)

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ip_network(network)
            except ValueError:
                raise ValueError(f"{network!r} is no address: write 10.0.0.5 or 10.0.0.0/24") from None
        return value

    @field_validator("proxy_roles")
    @classmethod
    def _roles_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pair in value:
            group, equals, role = pair.rpartition("=")
            if not equals or not group or role not in ("agent", "analyst", "admin"):
                raise ValueError(f"{pair!r} gives no group a role: write churn-admins=admin, or agent or analyst")
        return value

    @model_validator(mode="after")
    def _word_is_whose(self) -> Serving:
        if self.proxy_user_header is not None and not self.trusted_proxies:
            raise ValueError("`proxy_user_header` needs `trusted_proxies`: whose word is taken")
        return self
