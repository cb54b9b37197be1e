"""The declaration of the settings of the sign-in through an identity provider."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic import field_validator, model_validator

from churn_mlops.config.sections import Section, listed, setting

ROLES = ("agent", "analyst", "admin")


class Oidc(Section):
    """Signing in through the company's identity provider (OpenID Connect), beside the password."""

    issuer: str | None = setting(
        None, "address of the provider, such as https://login.example.com/realms/main; null signs in by password alone"
    )
    client_id: str | None = setting(None, "name under which the provider knows this server", min_length=1)
    client_secret: str | None = setting(
        None, "secret of this server at the provider; null for a public client", secret=True
    )
    name_claim: str = setting(
        "email",
        "claim that names the user; one that users cannot choose, and that no other user can have",
        min_length=1,
    )
    groups_claim: str = setting("groups", "claim that holds the groups of the user", min_length=1)
    scope: str = setting("openid email profile", "scopes that are asked for, with blanks between", min_length=6)
    roles: tuple[str, ...] = setting(
        (), "role of each group, such as churn-admins=admin; the group * is every user who is in none of the others"
    )

    @field_validator("roles", mode="before")
    @classmethod
    def _texts_as_list(cls, value: Any) -> Any:
        return listed(value)

    @field_validator("roles")
    @classmethod
    def _roles_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pair in value:
            group, equals, role = pair.rpartition("=")
            if not equals or not group or role not in ROLES:
                raise ValueError(f"{pair!r} gives no group a role: write churn-admins=admin, or agent or analyst")
        return value

    @field_validator("issuer")
    @classmethod
    def _issuer_is_reached_safely(cls, value: str | None) -> str | None:
        if value is None:
            return None
        place = urlsplit(value)
        if place.scheme != "https" and not (place.scheme == "http" and place.hostname in ("localhost", "127.0.0.1")):
            raise ValueError("write an address that begins with https://; http:// is for this machine alone")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Oidc:
        if self.issuer is not None and (self.client_id is None or not self.roles):
            raise ValueError("`issuer` needs `client_id`, and `roles`, which say what users may do")
        return self
