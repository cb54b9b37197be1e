"""The end of customers is told by who stops to act after it, not by a name or by how many rows are filled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.discovery.foreign_keys import find_links
from churn_mlops.data.discovery.profiled_table import look_at
from churn_mlops.data.discovery.table_roles import find_table_roles
from churn_mlops.data.discovery.times.evaluate import EvaluatedTimes, evaluate_times
from tests.data.discovery.accounts import DAY, NEWEST, NONE, Accounts, accounts, company
from tests.data.proposal.databases import Frames, tables


def _evaluated(frames: Frames) -> EvaluatedTimes:
    looks = look_at(tables(frames))
    return evaluate_times(find_table_roles(looks, find_links(looks)))


def _after_start(made: Accounts, days: int, share: float) -> Any:
    """A day so long after the start, for a share of the accounts, whether they leave or stay."""
    return np.where(made.some(share), made.start + days * DAY, NONE)


def _periods(made: Accounts) -> Any:
    """The end of the period that is paid: ahead for those who stay, the end itself for those who left."""
    return np.where(made.left, made.end, made.later(np.full(len(made.names), NEWEST), 1, 29))


def _of_leavers(made: Accounts, days: int, share: float = 1.0) -> Any:
    """A day so long after the end of those who left."""
    return np.where(made.left & made.some(share), made.end + days * DAY, NONE)


def _shapes(made: Accounts) -> dict[str, tuple[Mapping[str, Any], str | None]]:
    """Columns of the accounts beside their start, and the true end among them."""
    periods, trials = _periods(made), _after_start(made, 14, 0.6)
    return {
        "a period": ({"ended_at": made.end, "current_period_end": periods}, "ended_at"),
        "a request, a period and a trial": (
            {
                "canceled_at": _of_leavers(made, -20),
                "ended_at": made.end,
                "current_period_end": periods,
                "trial_end": trials,
            },
            "ended_at",
        ),
        "a request that is called so": (
            {"cancel_requested_at": _of_leavers(made, -20), "cancelled_at": made.end},
            "cancelled_at",
        ),
        "a request in German": (
            {"Kündigung eingegangen am": _of_leavers(made, -20), "Vertragsende": made.end},
            "Vertragsende",
        ),
        "a trial": ({"trial_end": trials, "discontinued_at": made.end}, "discontinued_at"),
        "a discount": ({"discount_end": _after_start(made, 60, 0.6), "lost_date": made.end}, "lost_date"),
        "a promotion": ({"promo_end_date": _after_start(made, 90, 0.6), "thru_date": made.end}, "thru_date"),
        "names without a meaning": ({"x1_dt": _after_start(made, 50, 0.5), "x2_dt": made.end}, "x2_dt"),
        "another language": ({"kuendigungsdatum": made.end}, "kuendigungsdatum"),
        "a deletion after the end": ({"deleted_at": _of_leavers(made, 90), "cancelled_at": made.end}, "cancelled_at"),
        "a deletion alone": ({"deleted_at": made.end}, "deleted_at"),
        "an offer to come back": ({"winback_sent_at": _of_leavers(made, 20, 0.5), "left_on": made.end}, "left_on"),
        "paid until, alone": ({"paid_until": periods}, None),
        "a trial alone": ({"trial_end": trials}, None),
        "the last change": ({"updated_at": np.where(made.left, made.end, made.later(made.start, 0, 300))}, None),
    }


@pytest.fixture(scope="module")
def made() -> Accounts:
    return accounts()


@pytest.mark.parametrize("shape", list(_shapes(accounts(20))))
def test_the_end_is_what_parts_those_who_stop_from_those_who_go_on(made: Accounts, shape: str) -> None:
    columns, truth = _shapes(made)[shape]
    found = _evaluated(company(made, **columns)).table_roles
    assert (found.customers.times.start, found.customers.times.end) == ("created_at", truth)
    assert found.newest is not None
    assert found.newest.date() == NEWEST.astype(object)


@pytest.mark.parametrize("none", ["9999-12-31", "2099-12-31", "1900-01-01", "1970-01-01"])
def test_a_day_that_stands_for_none_is_no_leaving(made: Accounts, none: str) -> None:
    ends = np.where(made.left, made.end, np.datetime64(none))
    evaluated = _evaluated(company(made, end_date=ends))
    assert evaluated.table_roles.customers.times.end == "end_date"
    assert evaluated.ends["accounts"][0].left == made.left.sum()
    assert evaluated.table_roles.customers.times.end_early is None


def test_an_end_is_judged_in_the_table_of_subscriptions_too(made: Accounts) -> None:
    frames = company(made)
    frames["subscriptions"] = frames["accounts"].assign(
        subscription_id=np.arange(len(made.names)) + 7000,
        current_period_start=_periods(made) - 30 * DAY,
        current_period_end=_periods(made),
        trial_end=_after_start(made, 14, 0.6),
        ended_at=made.end,
    )
    found = _evaluated(frames).table_roles.roles["subscriptions"]
    assert (found.kind, found.times.first, found.times.end) == ("attributes", "created_at", "ended_at")


def test_an_end_is_found_in_a_table_whose_names_say_nothing(made: Accounts) -> None:
    frames = company(made)
    frames["t7"] = pd.DataFrame(
        {"c1": np.arange(150) + 7000, "account_id": made.names, "c2": made.start, "c3": made.end}
    )
    found = _evaluated(frames).table_roles.roles["t7"]
    assert (found.kind, found.times.first, found.times.end) == ("attributes", "c2", "c3")
    tickets = {"ticket_id": np.arange(150) + 9000, "account_id": made.names, "opened_at": made.start + 20 * DAY}
    frames["tickets"] = pd.DataFrame(tickets | {"closed_at": made.start + 25 * DAY})
    assert _evaluated(frames).table_roles.roles["tickets"].kind == "events"


def test_a_deletion_long_after_the_last_event_is_no_end_where_nothing_else_tells_it(made: Accounts) -> None:
    evaluated = _evaluated(company(made, deleted_at=_of_leavers(made, 90)))
    assert evaluated.table_roles.customers.times.end is None
    assert evaluated.ends["accounts"][0].verdict == "late"


def test_a_table_that_is_called_like_leavings_is_none_if_customers_go_on_after_its_rows(made: Accounts) -> None:
    frames = company(made)
    gone = frames["accounts"][made.left]
    frames["cancellations"] = gone[["account_id"]].assign(cancelled=made.end[made.left])
    assert _evaluated(frames).table_roles.roles["cancellations"].kind == "ends"
    some = frames["accounts"].head(75)
    frames["cancellations"] = some[["account_id"]].assign(booked_at=some["created_at"] + 40 * DAY)
    evaluated = _evaluated(frames)
    assert evaluated.table_roles.roles["cancellations"].kind == "events"
    assert evaluated.ends["cancellations"][0].verdict == "same"


def test_customers_whose_only_time_is_their_end_do_not_start_with_it(made: Accounts) -> None:
    frames = company(made, closed_on=made.end)
    frames["accounts"] = frames["accounts"].drop(columns="created_at")
    found = _evaluated(frames).table_roles
    assert (found.roles["accounts"].kind, found.roles["accounts"].times.event) == ("ends", "closed_on")
    assert found.customers.times.first in {"paid_at", "logged_in_at"}


def test_a_pause_is_no_end_though_a_table_with_rare_rows_does_not_decide(made: Accounts) -> None:
    """By payments, customers go on after it; by visits of a few of them, hardly anyone does, paused or not."""
    frames = company(made, paused_until=np.where(made.some(0.4), made.start + (made.last - made.start) // 2, NONE))
    some = made.some(0.2)
    frames["visits"] = pd.DataFrame({"account_id": made.names[some], "came_at": made.last[some]})
    evaluated = _evaluated(frames)
    assert evaluated.table_roles.customers.times.end is None
    assert [one.verdict for one in evaluated.ends["accounts"]] == ["same"]


def test_a_time_is_no_end_by_a_table_in_which_hardly_anyone_goes_on(made: Accounts) -> None:
    """By payments, customers go on after the pause; of second contracts, only a few who never pause have any."""
    paused = made.some(0.4)
    frames = company(made, paused_until=np.where(paused, made.start + (made.last - made.start) // 2, NONE))
    second = ~paused & made.some(0.35)
    days = np.r_[made.start, (made.last - 10 * DAY)[second]]
    frames["contracts"] = pd.DataFrame({"account_id": np.r_[made.names, made.names[second]], "signed_for": days})
    assert _evaluated(frames).table_roles.customers.times.end is None


def test_letters_to_everyone_do_not_speak_against_an_end(made: Accounts) -> None:
    """Nothing else happens, and an end in another language is not asked for by its name either."""
    frames = company(made, kaiyakubi=made.end)
    sent = np.arange(made.start.min(), NEWEST, 30 * DAY)
    of_all = pd.DataFrame({"account_id": np.repeat(made.names, sent.size), "sent_at": np.tile(sent, len(made.names))})
    evaluated = _evaluated({"accounts": frames["accounts"], "mailings": of_all})
    assert [one.verdict for one in evaluated.ends["accounts"]] == ["unknown"]


def _t3(made: Accounts, days: Any, some: Any) -> pd.DataFrame:
    return pd.DataFrame({"account_id": made.names[some], "d21": days[some]})


def test_a_table_with_a_row_of_each_customer_who_then_stops_is_one_of_ends_whatever_it_is_called(
    made: Accounts,
) -> None:
    found = _evaluated(company(made) | {"t3": _t3(made, made.end, made.left)}).table_roles
    assert {role.name: role.kind for role in found.roles.values()}["t3"] == "ends"
    went_on = made.some(0.5)
    evaluated = _evaluated(company(made) | {"t3": _t3(made, made.start + 50 * DAY, went_on)})
    assert evaluated.table_roles.roles["t3"].kind == "events"
    assert [one.verdict for one in evaluated.ends["t3"]] == ["same"]


def test_an_end_that_is_called_so_is_not_given_up_for_such_a_table(made: Accounts) -> None:
    returned = made.left & made.some(0.5)
    frames = company(made, churned_on=made.end)
    frames.pop("logins")
    back = frames["payments"][frames["payments"]["account_id"].isin(made.names[returned])]
    frames["payments"] = pd.concat([frames["payments"], back.assign(paid_at=NEWEST - 2 * DAY)])
    evaluated = _evaluated(frames | {"refunds": _t3(made, made.end, made.left & ~returned)})
    assert [one.verdict for one in evaluated.ends["accounts"]] == ["unknown"]
    assert evaluated.table_roles.customers.times.end == "churned_on"
    assert evaluated.table_roles.roles["refunds"].kind == "events"


def test_such_a_table_is_asked_about_where_the_customers_have_an_end_that_is_borne_out(made: Accounts) -> None:
    evaluated = _evaluated(company(made, closed_on=made.end) | {"t3": _t3(made, made.end, made.left)})
    found = evaluated.table_roles
    assert (found.customers.times.end, found.roles["t3"].kind) == ("closed_on", "events")
    assert [one.verdict for one in evaluated.ends["t3"]] == ["parts"]


def test_a_table_of_ends_with_a_second_time_holds_nothing_that_lasts(made: Accounts) -> None:
    ends = _t3(made, made.end - 9 * DAY, made.left).assign(d22=made.end[made.left])
    assert _evaluated(company(made) | {"t3": ends}).table_roles.roles["t3"].kind == "ends"


def test_a_start_is_not_hidden_by_an_end_that_is_filled_with_a_day_for_none(made: Accounts) -> None:
    frames = company(made)
    filled = np.where(made.left, made.end, np.datetime64("2099-12-31"))
    terms = {"term_id": np.arange(150) + 7000, "account_id": made.names, "started_on": made.start, "x2": filled}
    found = _evaluated(frames | {"terms": pd.DataFrame(terms)}).table_roles.roles["terms"]
    assert (found.kind, found.times.first, found.times.end) == ("attributes", "started_on", "x2")
