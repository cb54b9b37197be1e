"""Users and keys as an administrator changes them: what may not be done is refused in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from churn_mlops.errors import AccessError
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access.principal import LOCAL, Principal
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.access.api_keys import ApiKey, last_uses, list_keys, make_key, revoke_key
from churn_mlops.store.access.sessions import OpenSession, end_sessions, open_sessions
from churn_mlops.store.access.user_changes import (
    SeenUser,
    change_role,
    enable_user,
    made_password,
    reset_password,
    seen_users,
)
from churn_mlops.store.access.users import User, add_user, disable_user

Answer = TypeVar("Answer")


class Administration:
    """Reads and changes users, sessions and keys; a change holds here immediately, and in other processes in seconds.

    Args:
        access: the keys and sessions that this process knows.
        store: the store that they are in.
    """

    def __init__(self, access: CredentialCache, store: StoreClient) -> None:
        self._access, self._store = access, store

    async def users(self) -> list[SeenUser]:
        """All users, by name."""
        return await self._store.ask(seen_users)

    async def user(self, name: str) -> SeenUser:
        """One user.

        Raises:
            RequestError: 404, there is none of this name.
        """
        found = await self._store.ask(lambda store: seen_users(store, name)) if "\x00" not in name else []
        if not found:
            raise RequestError(404, "there is no such user", [("name", "is the name of no user")])
        return found[0]

    async def add(self, name: str, role: str, by: Principal) -> tuple[User, str]:
        """Add a user.

        Returns:
            the user, and their first password.

        Raises:
            RequestError: 409, the name is taken or cannot be one, or the role is none.
        """
        if role != "admin":
            await self._check_someone_stays(by)
        password = made_password()
        return await self._change(lambda store: add_user(store, name, password, role, by=by.name)), password

    async def change_role(self, name: str, role: str, by: Principal) -> None:
        """Give a user another role; their sessions end.

        Raises:
            RequestError: 409, it is the administrator's own role, that of the last one, or not decided here.
        """
        _check_another(name, by)
        await self._change(lambda store: change_role(store, name, role, by=by.name))

    async def disable(self, name: str, by: Principal) -> None:
        """Disable a user; their sessions end.

        Raises:
            RequestError: 409, it is the administrator themselves, or the last one.
        """
        _check_another(name, by)
        await self._change(lambda store: disable_user(store, name, by=by.name, keep_an_admin=True))

    async def enable(self, name: str, by: Principal) -> None:
        """Let a user sign in again.

        Raises:
            RequestError: 409, there is none of this name.
        """
        await self._change(lambda store: enable_user(store, name, by=by.name))

    async def reset_password(self, name: str, by: Principal) -> str:
        """Give a user another password, which is returned; their sessions end.

        Raises:
            RequestError: 409, it is the administrator themselves, or a user without password.
        """
        _check_another(name, by)
        password = made_password()
        await self._change(lambda store: reset_password(store, name, password, by=by.name))
        return password

    async def sessions(self, name: str) -> list[OpenSession]:
        """The sessions of a user that may still be used, the newest first."""
        return await self._store.ask(lambda store: open_sessions(store, name))

    async def end_sessions(self, name: str, by: Principal, keep: str | None = None) -> int:
        """End the sessions of a user, but that of the token with the hash ``keep``; how many ended."""
        return await self._change(lambda store: end_sessions(store, name, by=by.name, keep=keep))

    async def keys(self) -> tuple[list[ApiKey], dict[str, datetime]]:
        """All keys, the oldest first, and when those were last used of which it is known, by name."""
        return await self._store.ask(list_keys), await self._store.ask(last_uses)

    async def make_key(self, name: str, role: str, days: int | None, by: Principal) -> tuple[str, ApiKey]:
        """Make a key.

        Args:
            name: what it is for.
            role: what it may.
            days: until it expires, None for never.
            by: who makes it.

        Returns:
            the key itself, and what is kept of it.

        Raises:
            RequestError: 409, the name is taken or cannot be one, or the role is none.
        """
        await self._check_someone_stays(by)
        expires_at = None if days is None else self._access.now().time + timedelta(days=days)
        return await self._change(lambda store: make_key(store, name, role, by=by.name, expires_at=expires_at))

    async def revoke_key(self, key: str, by: Principal) -> ApiKey:
        """Revoke a key.

        Raises:
            RequestError: 409, there is none of this id.
        """
        return await self._change(lambda store: revoke_key(store, key, by=by.name))

    async def _change(self, work: Callable[[Store], Answer]) -> Answer:
        try:
            return await self._store.ask(work)
        except AccessError as error:
            raise RequestError(409, str(error)) from None
        finally:
            await self._access.refresh()

    async def _check_someone_stays(self, by: Principal) -> None:
        """The first key or user ends the free access of this machine: an administrator has to get in after that."""
        if by != LOCAL:
            return
        able = [one for one in await self.users() if one.user.role == "admin" and one.user.disabled_at is None]
        if not able:
            raise RequestError(
                409, "add an administrator first: from the first user or key on, this page asks everyone to sign in"
            )


def _check_another(name: str, by: Principal) -> None:
    if by.name == f"person:{name}":
        raise RequestError(409, "this is your own account: ask another administrator to change it")
