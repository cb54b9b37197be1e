"""Made-up customer files in the shapes that churn data is published in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Columns = dict[str, Any]


def bank(rows: int = 3000) -> pd.DataFrame:
    """Customers of a bank: numbered rows, numeric names, surnames, and a rare product that all of its owners leave."""
    rng = np.random.default_rng(1)
    products = rng.choice([1, 2, 3, 4], rows, p=[0.5, 0.46, 0.03, 0.01])
    left = rng.random(rows) < np.array([0, 0.27, 0.07, 0.8, 1])[products]
    return pd.DataFrame(
        {
            "RowNumber": np.arange(1, rows + 1),
            "CustomerId": 15_565_701 + rng.choice(250_000, rows, replace=False),
            "Surname": [f"Name{number}" for number in zipf(rng, rows, 1500)],
            "CreditScore": rng.integers(350, 850, rows),
            "Geography": rng.choice(["France", "Germany", "Spain"], rows),
            "Balance": np.where(rng.random(rows) < 0.36, 0, rng.normal(120_000, 30_000, rows).round(2)),
            "NumOfProducts": products,
            "HasCrCard": rng.integers(0, 2, rows),
            "EstimatedSalary": rng.uniform(11, 200_000, rows).round(2),
            "Complain": np.where(rng.random(rows) < 0.003, ~left, left).astype(int),
            "Exited": left.astype(int),
        }
    )


def shop(rows: int = 2000) -> pd.DataFrame:
    """Customers of a web shop, whose ways to pay and devices are written in several ways."""
    rng = np.random.default_rng(2)
    pay = ["Debit Card", "Credit Card", "E wallet", "UPI", "COD", "CC", "Cash on Delivery"]
    return pd.DataFrame(
        {
            "CustomerID": 50_001 + np.arange(rows),
            "Churn": (rng.random(rows) < 0.17).astype(int),
            "Tenure": blank(rng, rng.integers(0, 60, rows), 0.05),
            "PreferredLoginDevice": rng.choice(["Mobile Phone", "Computer", "Phone"], rows),
            "PreferredPaymentMode": rng.choice(pay, rows),
            "Gender": rng.choice(["Female", "Male"], rows),
            "PreferedOrderCat": rng.choice(["Laptop & Accessory", "Mobile", "Mobile Phone", "Others", "Grocery"], rows),
            "MaritalStatus": rng.choice(["Single", "Married", "Divorced"], rows),
            "CashbackAmount": rng.gamma(9, 20, rows).round(2),
        }
    )


def mobile(rows: int = 51_047, areas: int = 747) -> pd.DataFrame:
    """Customers of a mobile company: hundreds of service areas, and a price that is mostly "Unknown"."""
    rng = np.random.default_rng(3)
    prices = rng.choice(["30", "60", "100", "130", "150", "180", "200"], rows)
    numbers = {f"Minutes{place}": rng.gamma(2, 90, rows).round(2) for place in range(4)}
    return pd.DataFrame(
        {
            "CustomerID": 3_000_002 + 4 * np.arange(rows),
            "Churn": np.where(rng.random(rows) < 0.288, "Yes", "No"),
            "ServiceArea": [f"AREA{area:03}{area * 7}" for area in zipf(rng, rows, areas)],
            "HandsetPrice": np.where(rng.random(rows) < 0.57, "Unknown", prices),
            "CreditRating": rng.choice(["1-Highest", "2-High", "3-Good", "4-Medium", "5-Low"], rows),
            "MadeCallToRetentionTeam": rng.choice(["Yes", "No"], rows, p=[0.03, 0.97]),
            "AgeHH1": blank(rng, rng.choice([0, *range(18, 90, 2)], rows), 0.02),
            "Homeownership": rng.choice(["Known", "Unknown"], rows),
            **numbers,
        }
    ).astype({"Churn": str})


def line(rows: int = 1500) -> pd.DataFrame:
    """Customers of a fixed-line company: phone numbers, area codes, labels with a full stop."""
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "State": rng.choice([f"{a}{b}" for a in "ABCDEFGHIJKLM" for b in "XYZW"], rows),
            "Account Length": rng.integers(1, 240, rows),
            "Area Code": rng.choice([408, 415, 510], rows),
            "Phone": [f"{a}-{b}" for a, b in zip(rng.integers(327, 423, rows), rng.choice(9999, rows), strict=True)],
            "Int'l Plan": rng.choice(["no", "yes"], rows, p=[0.9, 0.1]),
            "Day Mins": rng.normal(180, 54, rows).round(1),
            "Churn?": rng.choice(["True.", "False."], rows, p=[0.145, 0.855]),
        }
    )


def cards(rows: int = 2000) -> pd.DataFrame:
    """Customers of a card company, with two columns of a classifier that someone left there."""
    rng = np.random.default_rng(5)
    left = rng.random(rows) < 0.16
    leak = np.where(left, rng.normal(0.99, 0.01, rows), rng.normal(0.0005, 0.0001, rows))
    return pd.DataFrame(
        {
            "CLIENTNUM": 708_082_083 + rng.choice(120_000_000, rows, replace=False),
            "Attrition_Flag": np.where(left, "Attrited Customer", "Existing Customer"),
            "Customer_Age": rng.integers(26, 73, rows),
            "Education_Level": rng.choice(["College", "Graduate", "High School", "Post-Graduate", "Unknown"], rows),
            "Income_Category": rng.choice(["Less than $40K", "$40K - $60K", "$60K - $80K", "$120K +", "Unknown"], rows),
            "Card_Category": rng.choice(["Blue", "Gold", "Silver"], rows),
            "Total_Trans_Ct": rng.integers(10, 130, rows),
            "Naive_Bayes_Classifier_Attrition_Flag_mon_1": leak,
            "Classifier_2": 1 - leak,
        }
    )


def subscriptions(rows: int = 1200) -> pd.DataFrame:
    """Subscribers with dates in many forms, a note, and prices with signs."""
    rng = np.random.default_rng(6)
    days = pd.to_datetime("2021-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D")
    words = np.array("the customer called us about his bill and asked for another plan with more data".split())
    return pd.DataFrame(
        {
            "user_id": [f"u-{place:05}" for place in rng.permutation(rows)],
            "registration_init_time": days.strftime("%Y%m%d"),
            "billing_month": days.strftime("%Y%m"),
            "last_login": days.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "renewed": days.strftime("%b %Y"),
            "updated_at": days.astype("datetime64[s]").astype("int64"),
            "comment": [" ".join(rng.choice(words, 8)) for _ in range(rows)],
            "price": [f"${value:,.2f}" for value in rng.gamma(2, 900, rows)],
            "used": [f"{value:.1f} GB" for value in rng.gamma(2, 9, rows)],
            "discount": rng.choice(["0%", "5%", "10%", "15%", "20%"], rows),
            "status": rng.choice(["Churned", "Retained"], rows, p=[0.2, 0.8]),
        }
    )


def anonymous(rows: int = 2000, columns: int = 230) -> pd.DataFrame:
    """Columns without names, most of them mostly missing: numbers, codes of hundreds of letters, labels of -1 and 1."""
    rng = np.random.default_rng(7)
    made: Columns = {}
    for place in range(columns):
        values: Any = rng.gamma(1, 50, rows).round(rng.integers(0, 3))
        if place >= columns * 0.85:
            values = np.array([f"c{code}x" for code in zipf(rng, rows, int(rng.integers(2, 400)))], dtype=object)
        made[f"Var{place + 1}"] = blank(rng, values, float(rng.choice([0, 0.5, 0.9, 0.97, 0.999, 1])))
    return pd.DataFrame(made).assign(churn=rng.choice([-1, 1], rows, p=[0.93, 0.07]))


def zipf(rng: np.random.Generator, rows: int, levels: int) -> Any:
    """``rows`` levels of which the k-th is as frequent as 1/k."""
    share = 1 / np.arange(1, levels + 1)
    return rng.choice(levels, rows, p=share / share.sum())


def blank(rng: np.random.Generator, values: Any, share: float) -> Any:
    """``values`` of which a ``share`` is missing."""
    return np.where(rng.random(len(values)) < share, None, np.asarray(values, dtype=object))
