"""Leaks of many kinds, each planted in a made-up company of its own: as one more column, and rows without a label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tests.data.leakage.honest_company import EVERY, Array, World, arrow, flat, world

LEAK = "extra"
Plant = Callable[[World], Array]


@dataclass(frozen=True)
class Planted:
    """A leak: how its column is made, in which kind of table, and whether its rows to score are looked at."""

    make: Plant
    build: Callable[[int], World] = world
    unlabelled: bool = False

    def table(self, seed: int) -> tuple[World, pa.Table | None]:
        """The company with the leak, and where wanted its customers of a day later than all labels."""
        found = self.build(seed)
        if not self.unlabelled:
            return found.with_columns(**{LEAK: self.make(found)}), None
        # The last date is scored: nothing that comes after it is known, so the leak sees customers who are still there.
        labelled, scored = found.at(found.day < found.day.max()), found.at(found.day == found.day.max())
        still = World(found.rng, scored.customer, scored.day, 0 * scored.left, 0 * scored.ends + 10_000, scored.usage)
        now = pa.table({**{n: arrow(v) for n, v in scored.columns.items()}, LEAK: arrow(self.make(still))})
        return labelled.with_columns(**{LEAK: self.make(labelled)}), now


def label_copy(w: World) -> Array:
    return np.where(w.left == 1, "b", "a")


def noisy_label(w: World) -> Array:
    return w.left ^ (w.rng.random(w.left.size) < 0.06)


def end_date(w: World) -> Array:
    """The day of the end in seconds, the far future for who is still there."""
    return 86_400.0 * (19_358 + np.where(w.ends <= w.last, w.ends, 9_999))


def days_until_end(w: World) -> Array:
    return np.where(w.ends <= w.last, w.ends - w.day, np.nan).astype(float)


def current_status(w: World) -> Array:
    """The status of today, written into every past date."""
    gone = w.ends <= w.last
    return np.where(gone & (w.rng.random(gone.size) < 0.95), "inactive", "active")


def reason(w: World) -> Array:
    reported = (w.left == 1) & (w.rng.random(w.left.size) < 0.3)
    return np.where(reported, w.rng.choice(["price", "service", "moved"], reported.size), None)


def missing_for_churners(w: World) -> Array:
    wiped = (w.left == 1) & (w.rng.random(w.left.size) < 0.25)
    return np.where(wiped, np.nan, w.usage * 2.0 + w.rng.normal(size=wiped.size))


def default_for_churners(w: World) -> Array:
    wiped = (w.left == 1) & (w.rng.random(w.left.size) < 0.25)
    return np.where(wiped, -1.0, w.usage * 2.0 + w.rng.gamma(2, 1, wiped.size))


def backdated_events(w: World) -> Array:
    """A count of events, to which the leaving adds some whose time is moved to before the date."""
    added = (w.left == 1) * (w.rng.random(w.left.size) < 0.8) * (2 + w.rng.poisson(1, w.left.size))
    return w.rng.poisson(0.3, w.left.size) + added


def final_bill(w: World) -> Array:
    return np.where((w.left == 1) & (w.rng.random(w.left.size) < 0.7), w.rng.gamma(3, 20, w.left.size).round(2), 0.0)


def contacts_afterwards(w: World) -> Array:
    return w.rng.poisson(0.5 + 4.0 * w.left)


def id_order(w: World) -> Array:
    """Numbers given out when the churners had been moved to the front, more or less."""
    ever = np.zeros(w.customer.max() + 1)
    np.maximum.at(ever, w.customer, w.left)
    number = np.empty(ever.size)
    number[np.argsort(w.rng.normal(size=ever.size) - 0.8 * ever)] = np.arange(ever.size)
    return 100_000 + number[w.customer].astype(np.int64)


def use_ahead(w: World) -> Array:
    """Mean use over the days that are to be predicted, nothing after the end."""
    if w.ends.min() >= 10_000:  # the days ahead have not come yet
        return np.zeros(w.usage.size)
    return w.usage * np.clip(w.ends - w.day, 0, EVERY) / EVERY


def target_encoding(w: World) -> Array:
    """The churn rate of a category's level over all rows: 150 levels, none of which means anything."""
    level = w.rng.integers(0, 150, w.left.size)
    return (np.bincount(level, weights=w.left) / np.maximum(np.bincount(level), 1))[level]


def score_of_a_model(w: World) -> Array:
    """The score of a model that learnt all rows by heart, or nearly so: the ten nearest rows, itself among them."""
    order = np.argsort(w.usage + w.rng.normal(0, 0.01, w.left.size))
    near = np.convolve(w.left[order], np.ones(5) / 5, mode="same")
    score = np.empty(w.left.size)
    score[order] = 0.7 * w.left[order] + near + w.rng.normal(0, 0.2, w.left.size)
    return score


def segment_of_today(w: World) -> Array:
    """A segment recomputed when all was over, for every past date of a customer."""
    lost = (w.ends <= w.last) & (w.rng.random(w.left.size) < 0.93)
    other = w.rng.choice(["loyal", "new", "at risk"], lost.size)
    return np.where(lost | (w.rng.random(lost.size) < 0.02), "lost", other)


def only_early(w: World) -> Array:
    """Shows the churn on the first dates, and is noise from then on."""
    early = w.day < 6 * EVERY
    return 1.2 * w.left * early + w.rng.normal(size=w.left.size)


def planned_calls(w: World) -> Array:
    """The day of a call with the customer, put in after the notice: later than the date for customers who leave."""
    called = (w.left == 1) & (w.rng.random(w.left.size) < 0.3)
    day = 19_358 + w.day + np.where(called, w.rng.integers(1, 20, called.size), -w.rng.integers(1, 300, called.size))
    return 86_400.0 * day


KINDS: dict[str, Planted] = {
    "a copy of the label": Planted(label_copy),
    "a copy of the label, flat": Planted(label_copy, flat),
    "the label with some of it wrong": Planted(noisy_label),
    "the label with some of it wrong, flat": Planted(noisy_label, flat),
    "the end date": Planted(end_date),
    "the end date, flat": Planted(end_date, flat),
    "days until the end": Planted(days_until_end),
    "a status of today": Planted(current_status),
    "a reason set for churners only": Planted(reason),
    "a reason set for churners only, flat": Planted(reason, flat),
    "missing for churners only": Planted(missing_for_churners),
    "missing for churners only, flat": Planted(missing_for_churners, flat),
    "a default value for churners only": Planted(default_for_churners),
    "events moved to before the leaving": Planted(backdated_events, unlabelled=True),
    "a final bill": Planted(final_bill),
    "a final bill, flat": Planted(final_bill, flat),
    "contacts after the leaving": Planted(contacts_afterwards),
    "contacts after the leaving, flat": Planted(contacts_afterwards, flat),
    "numbers in the order of the label": Planted(id_order),
    "numbers in the order of the label, flat": Planted(id_order, flat),
    "use over the days ahead": Planted(use_ahead, unlabelled=True),
    "a rate of the label by category": Planted(target_encoding),
    "a rate of the label by category, flat": Planted(target_encoding, flat),
    "the score of a model that knew the rows": Planted(score_of_a_model),
    "a segment recomputed afterwards": Planted(segment_of_today),
    "valid on early dates only": Planted(only_early),
    "times after the date": Planted(planned_calls),
}
