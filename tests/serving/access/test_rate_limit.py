"""A bucket gives its tokens, fills up with time, and is never dropped before it is full."""

from __future__ import annotations

from dataclasses import dataclass

from churn_mlops.serving.access.rate_limit import TokenBucketLimiter


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_its_tokens_then_one_for_each_time_that_passes() -> None:
    clock = Clock()
    limiter = TokenBucketLimiter(0.5, 3, clock)
    assert [limiter.take("anna") for _ in range(4)] == [0.0, 0.0, 0.0, 2.0]
    assert limiter.take("otto") == 0.0
    clock.now += 2
    assert [limiter.take("anna") for _ in range(2)] == [0.0, 2.0]
    limiter.give_back("anna")
    assert [limiter.take("anna") for _ in range(2)] == [0.0, 2.0]


def test_no_number_of_other_names_gives_a_name_its_tokens_back() -> None:
    clock = Clock()
    limiter = TokenBucketLimiter(0.1, 2, clock, most=100)
    assert [limiter.take("victim") for _ in range(3)] == [0.0, 0.0, 10.0]
    taken = [limiter.take(f"name-{number}") for number in range(10_000)]
    assert taken.count(0.0) == 99
    assert set(taken) == {0.0, 10.0}  # the first of the others is full then, and makes room
    assert limiter.take("victim") == 10.0
    clock.now += 10
    assert limiter.take("new") == 0.0
    assert [limiter.take("victim") for _ in range(2)] == [0.0, 10.0]


def test_a_token_that_is_given_back_makes_room() -> None:
    limiter = TokenBucketLimiter(0.1, 2, Clock(), most=1)
    assert [limiter.take(name) for name in ("anna", "otto")] == [0.0, 10.0]
    limiter.give_back("anna")
    limiter.give_back("nadia")
    assert [limiter.take(name) for name in ("otto", "anna")] == [0.0, 10.0]
