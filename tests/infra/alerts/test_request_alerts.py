"""Requests that fail, many within minutes or a few for hours, and what ends it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.infra.alerts.observed import Observed

NEW_CUSTOMER = "/customers/since-yesterday/risk"
"""No score of theirs is published."""


@contextmanager
def without_its_source(observed: Observed) -> Iterator[None]:
    source = observed.folder / "customers.csv"
    source.rename(source.with_suffix(".away"))
    try:
        yield
    finally:
        source.with_suffix(".away").rename(source)


def test_requests_that_fail_wake_someone_and_the_slow_alert_is_not_sent_beside_it(observed: Observed) -> None:
    def work() -> None:
        observed.predict(5)
        assert observed.ask("GET", NEW_CUSTOMER) == 404

    observed.serve()
    observed.pass_minutes(5, work)
    observed.expect()
    with without_its_source(observed):

        def fail() -> None:
            observed.predict(5)
            assert [observed.ask("GET", NEW_CUSTOMER) for _ in range(2)] == [503] * 2

        observed.pass_minutes(8, fail)
        observed.expect("RequestsFail", also="RequestsFailSlowly")
        assert "customers.csv" in observed.churn("churn doctor", code=1)
    observed.until(lambda: observed.ask("GET", NEW_CUSTOMER) == 404, "the source is read again")
    observed.pass_minutes(40, lambda: observed.predict(5))
    observed.expect("RequestsFailSlowly")
    observed.pass_minutes(6 * 60, lambda: observed.predict(5), every=4)
    observed.expect()
    observed.check()


def test_requests_of_which_a_few_fail_for_hours_are_a_ticket(observed: Observed) -> None:
    def work() -> None:
        observed.predict(85)

    observed.serve()
    observed.pass_minutes(12, work, every=4)
    observed.expect()
    with without_its_source(observed):
        for _ in range(14):
            observed.pass_minutes(8, work, every=4)
            assert observed.ask("GET", NEW_CUSTOMER) == 503
        observed.pass_minutes(4, work, every=4)
        observed.expect("RequestsFailSlowly")
    observed.pass_minutes(6 * 60, work, every=4)
    observed.expect()
    observed.check()
