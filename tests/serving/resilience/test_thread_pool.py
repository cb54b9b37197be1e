"""Threads that hang hold up neither the loop, nor the next call, nor the end of the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from churn_mlops.serving.resilience.thread_pool import BoundedThreadPool, PoolExhaustedError
from churn_mlops.trace_context import Trace, current_trace, in_trace, new_trace

HANGS = """
import asyncio, threading
from churn_mlops.serving.resilience.thread_pool import BoundedThreadPool

async def main():
    try:
        await BoundedThreadPool(1, "test").do(threading.Event().wait, 0.01)
    except TimeoutError:
        print("timed out")

asyncio.run(main())
"""


@contextmanager
def threads(count: int) -> Iterator[BoundedThreadPool]:
    made = BoundedThreadPool(count, "test")
    yield made
    made.close()


def test_work_belongs_to_the_trace_of_the_request_that_asks_for_it() -> None:
    trace = new_trace()

    async def asked(made: BoundedThreadPool) -> tuple[Trace | None, Trace | None]:
        with in_trace(trace):
            inside = await made.do(current_trace, 60)
        return inside, await made.do(current_trace, 60)

    with threads(1) as made:
        assert asyncio.run(asked(made)) == (trace, None)


def test_what_work_gives_or_raises_is_given_or_raised() -> None:
    async def asked(made: BoundedThreadPool) -> str:
        with pytest.raises(ZeroDivisionError):
            await made.do(lambda: 1 / 0, 60)
        return await made.do(lambda: threading.current_thread().name, 60)

    with threads(2) as made:
        assert asyncio.run(asked(made)).startswith("test-")


def test_if_all_threads_hang_the_next_call_is_refused_immediately_and_taken_when_one_is_free() -> None:
    over = threading.Event()

    async def asked(made: BoundedThreadPool) -> bool:
        for _ in range(2):
            with pytest.raises(TimeoutError) as abandoned:
                await made.do(lambda: over.wait(60), 0.05)
            assert not isinstance(abandoned.value, PoolExhaustedError)
        with pytest.raises(PoolExhaustedError, match="all 2 threads"):
            await made.do(over.is_set, 60)
        over.set()
        while True:
            try:
                return await made.do(over.is_set, 60)
            except PoolExhaustedError:
                await asyncio.sleep(0)

    with threads(2) as made:
        assert asyncio.run(asked(made))


def test_a_call_abandoned_before_a_thread_took_it_is_never_run() -> None:
    over, done = threading.Event(), []

    async def asked(made: BoundedThreadPool) -> None:
        hanging = asyncio.create_task(made.do(lambda: over.wait(60), 60))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await made.do(lambda: done.append("too late"), 0.05)
        over.set()
        assert await hanging
        await made.do(lambda: done.append("in time"), 60)

    with threads(1) as made:
        asyncio.run(asked(made))
    assert done == ["in time"]


def test_a_process_ends_though_a_thread_hangs() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout == "timed out\n"
