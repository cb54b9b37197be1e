"""A trace is continued by a valid header alone; any other header changes nothing."""

from __future__ import annotations

import asyncio
import re

import pytest

from churn_mlops.trace_context import Trace, continued, current_trace, in_trace, new_trace, outgoing_headers

OWN = Trace("a" * 32, "b" * 16, request_id="a" * 32)
THEIRS = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("given", "sampled"),
    [
        (f"00-{THEIRS}-{SPAN}-01", True),
        (f"00-{THEIRS}-{SPAN}-00", False),
        (f"00-{THEIRS}-{SPAN}-03", True),
        (f"00-{THEIRS}-{SPAN}-fe", False),
        (f"01-{THEIRS}-{SPAN}-01", True),
        (f"cc-{THEIRS}-{SPAN}-01-what-the-future-will-be-like", True),
    ],
)
def test_a_valid_header_continues_the_trace_with_a_part_of_its_own(given: str, sampled: bool) -> None:
    trace = continued(given.encode(), OWN)
    assert trace == Trace(THEIRS, OWN.span_id, SPAN, sampled, OWN.request_id)
    assert trace.traceparent == f"00-{THEIRS}-{OWN.span_id}-{'01' if sampled else '00'}"


@pytest.mark.parametrize(
    "given",
    [
        "",
        f"00-{THEIRS}-{SPAN}",
        f"00-{THEIRS}-{SPAN}-01-more",
        f"00-{THEIRS}-{SPAN}-01 ",
        f"00-{THEIRS}-{SPAN}-01\n",
        f"00-{THEIRS.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{THEIRS}-{'0' * 16}-01",
        f"ff-{THEIRS}-{SPAN}-01",
        f"0-{THEIRS}-{SPAN}-01",
        f"01-{THEIRS}-{SPAN}-01more",
        f"00-{THEIRS}-{SPAN}-0g",
        f"00_{THEIRS}_{SPAN}_01",
        f"00-{THEIRS[:-1]}é-{SPAN}-01",
        "0" * 60_000,
    ],
)
def test_any_other_header_changes_nothing(given: str) -> None:
    assert continued(given.encode("latin-1"), OWN) == OWN


def test_a_trace_that_begins_here_is_one_that_others_continue() -> None:
    first, second = new_trace(), new_trace()
    assert first.trace_id != second.trace_id
    assert continued(first.traceparent.encode(), OWN) == OWN._replace(trace_id=first.trace_id, parent_id=first.span_id)
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", first.traceparent)


def test_tasks_have_the_trace_of_the_block_that_starts_them_and_no_other() -> None:
    async def headers() -> dict[str, str]:
        await asyncio.sleep(0)
        return outgoing_headers()

    async def run() -> tuple[dict[str, str], dict[str, str]]:
        with in_trace(OWN):
            inside = asyncio.create_task(headers())
        return await inside, await asyncio.create_task(headers())

    assert asyncio.run(run()) == ({"traceparent": OWN.traceparent}, {})
    assert current_trace() is None
