"""Outages under load, a few seconds of each: real servers, proxy and PostgreSQL. `bench.outages` has them at length.

Clients ask all the while, and look at every answer: whether its score is that of the version it names, whether what was
acknowledged is in the store once, whether a logged prediction is answered again byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bench.outages.agreement import agreement
from bench.outages.answers import Answered, Tally
from bench.outages.faults import SCENARIOS, champions, clocks, hanging, killed, rolling_restart
from bench.outages.overload import overload
from bench.outages.proxy import haproxy
from bench.outages.replicas import clock_library
from bench.outages.scenario import Scenario
from bench.outages.site import Site, site
from bench.outages.steady import Fault

pytestmark = pytest.mark.skipif(haproxy() is None, reason="there is no haproxy to ask through: install it")

PACE = 8.0
"""Clients share the cores with the servers and all other tests: they ask less often than in the campaign."""


@pytest.fixture(scope="module")
def made() -> Iterator[Site]:
    """A site that is whole again after each test; its source has time to answer on a busy machine."""
    own_clocks = clock_library() is not None
    with site(own_clocks=own_clocks, settings={"CHURN__SERVING__SOURCE_SECONDS": "5"}) as made:
        yield made


def found_of(name: str, made: Site, fault: Fault | None = None) -> dict[str, Any]:
    """The result of an outage, perhaps in a short form, that must hold in every one."""
    scenario: Scenario = SCENARIOS[name] if fault is None else replace(SCENARIOS[name], fault=fault)
    found = scenario.run(made, before=2, pace=PACE)
    assert (found["failed"], found["wrong"], found["contacts lost"]) == (0, 0, 0), found
    assert found["contacts acknowledged"] >= 10
    assert found["answers not kept"] == 0 or scenario.loses, found
    return found


def test_three_servers_on_one_store_agree_on_keys_champion_contacts_and_answers(made: Site) -> None:
    assert found_of("agreement", made, agreement(rounds=2))["excused"] == {}


def test_champions_change_and_a_broken_one_never_goes_live(made: Site) -> None:
    assert found_of("champions", made, champions(3))["excused"] == {}


def test_while_the_store_is_gone_contacts_are_refused_and_all_else_goes_on(made: Site) -> None:
    assert found_of("store-killed", made, killed("store", seconds=0))["excused"]


def test_a_store_that_hangs_holds_up_no_prediction_and_loses_no_contact(made: Site) -> None:
    assert found_of("store-hanging", made, hanging("store", seconds=0))["excused"]


@pytest.mark.parametrize(("name", "harm"), [("source-killed", killed), ("source-hanging", hanging)])
def test_without_the_source_published_scores_are_answered_and_no_request_is_refused(
    name: str, harm: Any, made: Site
) -> None:
    excused = found_of(name, made, harm("source", seconds=0))["excused"]
    assert excused
    assert all(kind.startswith("risk published ") for kind in excused)


def test_all_servers_are_replaced_one_after_the_other_and_no_request_fails(made: Site) -> None:
    assert found_of("sigterm", made, rolling_restart(enough=1))["excused"] == {}


def test_a_server_that_is_killed_is_not_missed(made: Site) -> None:
    assert set(found_of("replica-killed", made)["excused"]) <= {"kept not there 404"}


def test_more_than_can_be_answered_is_refused_with_when_to_come_again(made: Site) -> None:
    found = found_of("overload", made, overload(seconds=1.5))
    assert found["poured"]["503"] > 0
    assert set(found["poured"]) == {"200", "503"}
    assert found["neither answered nor refused"] == 0


@pytest.mark.skipif(clock_library() is None, reason="there is no libfaketime to set clocks with: install it")
def test_clocks_that_jump_change_nothing(made: Site) -> None:
    assert found_of("clock-jump", made, clocks({"+1d": 86_400}, enough=1))["excused"] == {}


def test_what_an_outage_excuses_is_counted_apart_and_recovery_ends_with_the_last_of_it() -> None:
    answers = (
        Answered("predict", 1.0, 0.5, "well", "200"),
        Answered("contact", 2.0, 0.5, "refused", "503"),
        Answered("kept", 9.0, 0.5, "not there", "404"),
        Answered("predict", 3.0, 1.0, "failed", "500"),
        Answered("risk", 3.0, 0.5, "wrong", "200"),
    )
    strict, lenient = Tally(answers), Tally(answers, frozenset({("contact", "refused"), ("kept", "not there")}))
    assert (strict.wrong, lenient.wrong) == (1, 1)
    assert [one.kind for one in strict.failures] == ["contact", "kept", "predict"]
    assert [one.kind for one in lenient.failures] == ["predict"]
    assert [one.kind for one in lenient.excused] == ["contact", "kept"]
    assert (strict.recovery(2.0), lenient.recovery(2.0), lenient.recovery(7.0)) == (7.5, 2.0, 0.0)
    assert lenient.slowest_ms({"predict"}) == 1000.0
