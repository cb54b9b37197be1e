"""Made-up databases with a history: one that is sound, and the faults that are put into it."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from churn_mlops.data.sources.database import memory_connection

Frames = dict[str, pd.DataFrame]
DAY = np.timedelta64(1, "D")
DAY_AFTER = np.datetime64("2025-06-01")


def shop(customers: int = 300) -> Frames:
    """A sound database: customers with an end, orders and tickets within their time, articles that are ordered."""
    rng = np.random.default_rng(7)
    start = np.datetime64("2023-01-01") + rng.integers(0, 300, customers) * DAY
    left = rng.random(customers) < 0.4
    end = np.where(left, start + rng.integers(100, 400, customers) * DAY, np.datetime64("NaT"))
    names = np.array([f"K{number:05}" for number in 10_000 + rng.permutation(customers)])
    last = np.where(left, end, end[left].max())
    who = rng.integers(0, customers, 3000)
    at = start[who] + (rng.random(3000) * ((last[who] - start[who]) / DAY)).astype(int) * DAY
    asked = rng.integers(0, customers, 400)
    opened = start[asked] + (rng.random(400) * ((last[asked] - start[asked]) / DAY)).astype(int) * DAY
    return {
        "customers": pd.DataFrame(
            {
                "customer_id": names,
                "signup_date": start,
                "cancelled_at": end,
                "country": rng.choice(["DE", "FR"], customers),
            }
        ),
        "orders": pd.DataFrame(
            {
                "order_id": [f"O{place:06}" for place in range(3000)],
                "customer_id": names[who],
                "ordered_at": at,
                "article": [f"{number:05}" for number in rng.integers(10_000, 10_400, 3000)],
                "quantity": rng.integers(1, 9, 3000),
                "recorded_at": at + rng.integers(0, 3, 3000) * DAY,
            }
        ),
        "tickets": pd.DataFrame(
            {
                "ticket_id": [f"T{place:06}" for place in range(400)],
                "customer_id": names[asked],
                "submitted_at": opened,
                "closed_at": opened + rng.integers(0, 5, 400) * DAY,
                "priority": rng.choice(["low", "high"], 400),
                "urgent_flag": rng.choice(["TRUE", "FALSE"], 400),
            }
        ),
    }


def faulty_shop() -> Frames:
    """The same database with every fault that can stand beside the others."""
    frames = shop()
    customers, orders, tickets = frames["customers"], frames["orders"], frames["tickets"]
    customers["churn_flag"] = customers["cancelled_at"].notna()
    customers["is_gone_agreed_closed"] = customers["cancelled_at"].notna()
    customers.loc[:19, "churn_flag"] = ~customers.loc[:19, "churn_flag"]
    customers["plan_status"] = np.random.default_rng(1).choice(["gold", "basic"], len(customers))
    orders.loc[:29, "customer_id"] = "K99999"
    orders.loc[30:49, "customer_id"] = None
    orders.loc[100:199, "ordered_at"] = np.datetime64("2022-06-01")
    orders["recorded_at"] = orders["ordered_at"] - 5 * DAY
    orders["receipt"] = [f"{500_000 + place // 3}" for place in range(len(orders))]
    orders.loc[300:359, "receipt"] = "R" + orders.loc[300:359, "receipt"]
    orders.loc[300:359, "quantity"] *= -1
    orders.loc[400:405, "article"] = "FREIGHT"
    tickets.loc[1:5, "ticket_id"] = "T000000"
    tickets.loc[6] = tickets.loc[7]
    ended = customers.dropna()["customer_id"].iloc[0]
    tickets.loc[10:19, ["customer_id", "submitted_at", "closed_at"]] = [ended, DAY_AFTER, DAY_AFTER]
    tickets.loc[20:23, "closed_at"] = np.datetime64("2020-01-01")
    frames["parcels"] = pd.DataFrame({"order_id": orders["order_id"], "sent_on": orders["ordered_at"], "weight": 1.5})
    frames["articles"] = pd.DataFrame({"article": orders["article"].unique(), "colour": "red"})
    return frames


def shop_with_ends() -> Frames:
    """The same database with the ends in a table of their own; seven customers end twice."""
    frames = shop()
    gone = frames["customers"].dropna(subset="cancelled_at")
    frames["customers"] = frames["customers"].drop(columns="cancelled_at")
    ends = pd.DataFrame({"customer_id": gone["customer_id"], "cancel_date": gone["cancelled_at"], "reason": "price"})
    frames["cancellations"] = pd.concat([ends, ends.head(7)], ignore_index=True)
    return frames


def tables(frames: Frames) -> dict[str, ir.Table]:
    """The database in the engine."""
    connection = memory_connection()
    return {
        name: connection.create_table(name, pa.Table.from_pandas(frame, preserve_index=False))
        for name, frame in frames.items()
    }


def write_folder(frames: Frames, folder: Path) -> Path:
    """The database as CSV files."""
    folder.mkdir()
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def shop_of_contracts(rows: pd.DataFrame) -> Frames:
    """A shop whose customers are named by their contracts, beside accounts with one row each."""
    frames = shop()
    customers = frames.pop("customers")
    frames["contracts"] = pd.DataFrame(
        {
            "contract_id": [f"V{place:06}" for place in range(len(customers) + 40)],
            "customer_id": pd.concat([customers["customer_id"], customers["customer_id"].head(40)]),
            "start_date": pd.concat([customers["signup_date"], customers["signup_date"].head(40)]),
            "end_date": pd.concat([customers["cancelled_at"], customers["cancelled_at"].head(40)]),
        }
    ).reset_index(drop=True)
    frames["customers"] = rows
    return frames


def accounts() -> pd.DataFrame:
    """One row for each customer of the shop, with a status."""
    plans = np.random.default_rng(3).choice(["gold", "basic"], 300)
    return shop()["customers"].drop(columns="cancelled_at").assign(status=plans)
