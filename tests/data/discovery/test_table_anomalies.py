"""What is said about the rows of one table, and about the links among the tables."""

from __future__ import annotations

import pandas as pd

from churn_mlops.data.proposal.history_proposal import propose_history
from tests.data.proposal.databases import shop, tables


def test_a_missing_article_takes_no_row_from_its_customer() -> None:
    frames = shop()
    frames["orders"] = frames["orders"].rename(columns={"article": "article_id"})
    articles = frames["orders"]["article_id"].drop_duplicates().sort_values().tolist()
    frames["articles"] = pd.DataFrame({"article_id": articles[1:], "colour": "red"})
    frames["orders"].loc[0, "article_id"] = articles[0]
    found = propose_history(tables(frames), name="shop").findings
    said = next(one.message for one in found if (one.column, one.kind) == ("orders.article_id", "orphans"))
    assert said.endswith("were those deleted? The rows still count")
