"""A few threads that work for the loop; one that hangs, as in a database, holds up neither it nor the process's end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class PoolExhaustedError(TimeoutError):
    """Every thread holds abandoned work that has not ended: there is no use in waiting for one."""


class BoundedThreadPool:
    """Runs calls on a few threads, within a time limit.

    Nothing ends a call that hangs in a driver. Python's own pool waits for such calls when the process is to end; these
    threads are left behind then.

    Args:
        count: how many threads.
        name: begins the threads' names.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count, self._name = count, name
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._abandoned: set[Future[Any]] = set()
        self._started = False

    async def do(self, work: Callable[[], Answer], seconds: float | None) -> Answer:
        """Run ``work`` on a thread and give its result; None for ``seconds`` sets no limit.

        Raises:
            PoolExhaustedError: no thread can take it.
            TimeoutError: it has not ended within ``seconds``; it may still go on, and end.
        """
        if len(self._abandoned) >= self._count:
            raise PoolExhaustedError(f"all {self._count} threads wait for an answer that does not come")
        self._start()
        outcome: Future[Answer] = Future()
        self._waiting.put((outcome, partial(copy_context().run, work)))  # what it logs names the request
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(outcome)
        finally:
            if outcome.running():
                self._abandoned.add(outcome)
                outcome.add_done_callback(self._abandoned.discard)

    def close(self) -> None:
        """Take no more; each thread ends after its present call."""
        for _ in range(self._count if self._started else 0):
            self._waiting.put(None)

    def _start(self) -> None:
        """Start the threads with the first call: a process made by a fork takes no threads along."""
        if not self._started:
            self._started = True
            for number in range(self._count):
                threading.Thread(target=self._work, name=f"{self._name}-{number}", daemon=True).start()

    def _work(self) -> None:
        while (taken := self._waiting.get()) is not None:
            _carry_out(*taken)
            del taken  # its objects need not live until the next comes


def _carry_out(outcome: Future[Answer], work: Callable[[], Answer]) -> None:
    if not outcome.set_running_or_notify_cancel():
        return
    try:
        answer = work()
    except BaseException as error:  # it is raised in the caller, which waits for it
        outcome.set_exception(error)
    else:
        outcome.set_result(answer)
