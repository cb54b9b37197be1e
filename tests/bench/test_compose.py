"""The states of a deployment are read as compose states them."""

from __future__ import annotations

import json

from bench.compose import states

ITEMS = [
    {"Service": "api", "State": "running", "Health": "healthy", "ExitCode": 0},
    {"Service": "setup", "State": "exited", "Health": "", "ExitCode": 0},
]


def test_the_states_are_read_from_an_array_and_from_a_line_for_each_service() -> None:
    expected = {"api": "healthy", "setup": "exited (0)"}
    assert states(json.dumps(ITEMS)) == expected
    assert states("\n".join(map(json.dumps, ITEMS))) == expected
