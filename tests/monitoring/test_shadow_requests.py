"""What the version on trial would have answered: the requests that it refuses ask for something."""

from __future__ import annotations

import pytest

from churn_mlops.monitoring.shadow_requests import Replay, shadow_requests


@pytest.mark.parametrize(("refused", "status"), [(0, "good"), (1, "act")])
def test_shares_are_of_the_requests_that_were_answered_once_more(refused: int, status: str) -> None:
    figures = {one.name: one for one in shadow_requests("2", Replay(200, refused, 30, 0.5))}
    assert {one.part for one in figures.values()} == {"2"}
    assert (figures["shadow_refused"].value, figures["shadow_refused"].status) == (refused / 200, status)
    assert (figures["shadow_changed"].value, figures["shadow_changed"].status) == (0.15, "good")
    assert figures["shadow_milliseconds"].value == 2.5


def test_without_requests_there_is_no_figure() -> None:
    assert {one.status for one in shadow_requests("2", Replay(0, 0, 0, 0.0))} == {"too_little"}
