"""Lists a page at a time: the query that asks for a page, and the one way to cut it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_LIMIT, MOST = 100, 1000
T = TypeVar("T")


class PageQuery(BaseModel):
    """The query of a list. Each list adds its filters, the place to read on from, and :func:`limit_field`."""

    model_config = ConfigDict(extra="forbid")


def limit_field(items: str) -> Any:
    """The field ``limit`` of a query, for a list of ``items`` such as "contacts"."""
    return Field(DEFAULT_LIMIT, ge=1, le=MOST, description=f"most {items} of the page")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page of a list.

    Args:
        items: of the page.
        next: the place of its last item, to read on from; None on the last page.
    """

    items: Sequence[T]
    next: int | None


def read_page(read: Callable[..., Sequence[T]], limit: int, place: Callable[[T], int]) -> Page[T]:
    """Read a page, and one item more: it shows whether there is a next page.

    Args:
        read: reads at most ``limit`` items, a keyword argument.
        limit: most items of the page.
        place: the place of an item in the list.
    """
    found = read(limit=limit + 1)
    items = found[:limit]
    return Page(items, place(items[-1]) if len(found) > limit else None)
