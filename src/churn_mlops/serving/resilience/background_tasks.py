"""Background tasks of an application, from its start to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI


def run_during_lifespan(app: FastAPI, running: Callable[[], AbstractAsyncContextManager[None]]) -> None:
    """Enter ``running`` when ``app`` starts, and leave it when it ends; the last one entered is left first."""
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[Any]:
        async with inner(app) as state, running():
            yield state

    app.router.lifespan_context = lifespan


@asynccontextmanager
async def repeating(work: Callable[[], None], seconds: float) -> AsyncIterator[None]:
    """Do ``work``, which takes no time, every so many seconds, and a last time at the end."""

    async def do() -> None:
        work()

    async with refreshing(do, seconds):
        yield
    work()


@asynccontextmanager
async def refreshing(work: Callable[[], Awaitable[None]], seconds: float) -> AsyncIterator[None]:
    """Do ``work`` once before anything else, and then with so many seconds between its end and its next beginning."""
    await work()

    async def go_on() -> None:
        while True:
            await asyncio.sleep(seconds)
            await work()

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
