"""After several failures a source is left alone, and then tried again."""

from __future__ import annotations

from churn_mlops.serving.resilience.circuit_breaker import FAILURES, CircuitBreaker


def test_a_breaker_lets_one_try_through_after_its_pause() -> None:
    now = [0.0]
    breaker = CircuitBreaker(failures=2, pause=10.0, clock=lambda: now[0])
    breaker.failed()
    assert breaker.may_try()
    breaker.failed()
    assert not breaker.may_try()
    now[0] = 10.0
    assert [breaker.may_try() for _ in range(3)] == [True, False, False]
    breaker.failed()
    assert not breaker.may_try()
    now[0] = 20.0
    assert breaker.may_try()
    breaker.succeeded()
    breaker.failed()
    assert [breaker.may_try() for _ in range(3)] == [True] * 3


def test_a_try_that_never_ended_is_followed_by_another() -> None:
    now = [0.0]
    breaker = CircuitBreaker(failures=1, pause=10.0, clock=lambda: now[0])
    breaker.failed()
    now[0] = 10.0
    assert breaker.may_try()
    now[0] = 20.0
    assert breaker.may_try()


def test_a_source_that_is_back_is_asked_again_within_seconds() -> None:
    now = [0.0]
    breaker = CircuitBreaker(clock=lambda: now[0])
    for _ in range(FAILURES):
        breaker.failed()
    assert not breaker.may_try()
    now[0] = 3.0
    assert breaker.may_try()
