"""A page holds at most its limit, and says where the next one begins, if there is one."""

from __future__ import annotations

import pytest

from churn_mlops.serving.http.pagination import Page, read_page

NUMBERS = [3, 5, 8, 13]


@pytest.mark.parametrize(
    ("limit", "items", "following"),
    [(1, [3], 3), (3, [3, 5, 8], 8), (4, NUMBERS, None), (5, NUMBERS, None)],
)
def test_a_page_ends_at_its_limit_and_names_its_last_place(limit: int, items: list[int], following: int | None) -> None:
    asked: list[int] = []

    def read(limit: int) -> list[int]:
        asked.append(limit)
        return NUMBERS[:limit]

    assert read_page(read, limit, lambda number: number) == Page(items, following)
    assert asked == [limit + 1]


def test_a_list_without_items_has_no_next_page() -> None:
    assert read_page(lambda limit: [], 10, int) == Page([], None)
