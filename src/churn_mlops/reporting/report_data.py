"""The facts of a report, as plain data: no picture, no money, and nothing about a single customer.

The training job records it with the model version, so that a report needs neither the data nor the model again.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn_mlops.data.contract import FeatureType
from churn_mlops.errors import ChurnError

REPORT_FILE = "report.json"
REPORT_VERSION = 1
SMALLEST_GROUP = 20
"""A group of fewer customers is not shown: its figures say nothing, and might reveal one of them."""


class ReportError(ChurnError):
    """There is no report of a version, or it cannot be read or written."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False, populate_by_name=True)


class Figure(_Facts):
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


class Point(_Facts):
    """A point of a curve: where it stands, and the estimate there with its pointwise 95 % interval."""

    x: float
    y: Figure


class Length(_Facts):
    """A list of a given length: the share of customers on it, best first, and what became of them.

    Args:
        share: of all customers, in (0, 1].
        churners: churners on it, for each customer there is (on it or not).
        captured: share of all churners who are on it.
        expected: churners on it for each customer there is, as the scores had it.
    """

    share: float
    churners: Figure = Field(validation_alias="leavers", serialization_alias="leavers")
    captured: Figure
    expected: float


class Bin(_Facts):
    """Customers (in a history, rows) with scores that are alike: their mean score, and the share of them who left."""

    customers: int
    expected: float
    observed: Figure


class Cell(_Facts):
    """One level of a category, or one step of a number: ``low`` < value <= ``high``, None where it has no end.

    Args:
        kind: "level", "step", "other" or "missing".
        text: the level.
        points: what the value adds to the score of a customer whose contributions are all zero, in percentage points.
        rows: trained on, whose value it is.
    """

    kind: Literal["level", "step", "other", "missing"]
    text: str = ""
    low: float | None = None
    high: float | None = None
    points: Figure
    rows: int


class Effect(_Facts):
    """The effect of one feature: its mean absolute contribution in log-odds, and its curve in points."""

    feature: str
    title: str
    type: FeatureType
    unit: str | None
    importance: float | None
    cells: tuple[Cell, ...]

    @property
    def has_curve(self) -> bool:
        """Whether there is more to draw than what a missing value does."""
        return any(cell.kind != "missing" for cell in self.cells)


class Interplay(_Facts):
    """Two features that say together what neither says alone; ``strength`` is its standard deviation in log-odds."""

    first: str
    second: str
    strength: float


class Segment(_Facts):
    """Customers (rows of a history) of the test set that share a level or a step: the share expected, and observed.

    ``misjudged`` says that the difference is beyond chance, counted together with all others that were looked at.
    """

    title: str
    text: str
    customers: int
    expected: float
    observed: Figure
    p_value: float
    misjudged: bool


class Column(_Facts):
    """A feature as it came: its title, its type, and the share of missing values in training."""

    feature: str
    title: str
    type: FeatureType
    missing: float


class Unseen(_Facts):
    """A column that the model was not shown, and why."""

    column: str
    reason: str
    note: str


class Noticed(_Facts):
    """A feature that may know what was not known at the time, by what sign, and whether the model is shown it.

    ``sure`` is False where it is only worth a look.
    """

    feature: str
    message: str
    sure: bool
    set_aside: bool


class Compared(_Facts):
    """One model type of a comparison: its out-of-fold log loss, how much above the best, and the error of that."""

    model_type: str
    log_loss: float
    excess: float
    error: float


class Subject(_Facts):
    """The target of the predictions, and the kind of model.

    ``horizon_stated`` says whether the contract states the days, or leaves them at its default; ``settings`` are those
    that the fit chose; ``base`` is the log-odds of a customer whose contributions are all zero.
    """

    name: str
    label: str
    positive: str
    horizon_days: int
    horizon_stated: bool = False
    model_type: str
    chosen_because: str | None
    compared: tuple[Compared, ...]
    settings: dict[str, str]
    base: float


class Counts(_Facts):
    """Customers in the source; rows of the training data and of the test set, how many left, of how many customers.

    A flat table has one row a customer, a history one for each customer and as-of date. ``left`` of the customers in a
    flat source have left already, by their label.
    """

    source: int
    left: int = 0
    trained_on: int
    trained_on_left: int
    trained_on_customers: int
    set_aside: int
    set_aside_left: int
    set_aside_customers: int

    @property
    def active(self) -> int:
        """Customers in the source who are still there."""
        return self.source - self.left

    @property
    def customers(self) -> int:
        """Customers with a known label."""
        return self.trained_on_customers + self.set_aside_customers

    @property
    def each(self) -> str:
        """The unit that a figure counts: "customer", or "row" where a customer has several."""
        return "customer" if self.trained_on + self.set_aside == self.customers else "row"


class Made(_Facts):
    """How the version was made."""

    trained_at: str
    seed: int
    data_fingerprint: str
    model_sha256: str
    git_revision: str | None
    versions: dict[str, str]
    verdict: str
    signal: bool
    promoted: bool


class BacktestScores(_Facts):
    """The test on later dates: a model of the past, and how it did on as-of dates that it knew nothing of.

    Args:
        trained_until: the last as-of date of the past, ISO.
        tested_on: the later dates, ISO, ascending.
        gap_days: between the two at least.
        customers: rows tested.
        left: of these.
        metrics: by the names of ``Report.metrics``.
        estimate_errors: by metric, what came true less what the scores themselves expected; empty of older versions.
    """

    trained_until: str
    tested_on: tuple[str, ...]
    gap_days: int
    customers: int
    left: int
    metrics: dict[str, Figure]
    estimate_errors: dict[str, float] = Field(default_factory=dict)


class Report(_Facts):
    """All facts of one model version; ``noticed`` is None if there were no leakage checks.

    ``blind`` says in a sentence each why these checks are not reliable on this data; nothing if they are.
    ``later`` is None where there was no such test: ``untested`` says why, and is None of a flat table.
    """

    format: int = REPORT_VERSION
    subject: Subject
    counts: Counts
    churn: Figure
    metrics: dict[str, Figure]
    roc: tuple[Point, ...]
    precision_recall: tuple[Point, ...]
    lengths: tuple[Length, ...]
    calibration: tuple[Bin, ...]
    effects: tuple[Effect, ...]
    interplays: tuple[Interplay, ...]
    segments: tuple[Segment, ...]
    columns: tuple[Column, ...]
    unseen: tuple[Unseen, ...]
    noticed: tuple[Noticed, ...] | None = None
    blind: tuple[str, ...] = ()
    later: BacktestScores | None = None
    untested: str | None = None
    made: Made

    def to_dict(self) -> dict[str, Any]:
        """Plain data, from which :func:`read_report` makes an equal report."""
        return self.model_dump(mode="json", by_alias=True)


def read_report(document: Any, where: str) -> Report:
    """The report that ``document`` holds.

    Raises:
        ReportError: it is none, or of a newer format; ``where`` is named.
    """
    written = document.get("format") if isinstance(document, dict) else None
    if isinstance(written, int) and written > REPORT_VERSION:
        raise ReportError(
            f"the report of {where} has format {written}; this program reads up to {REPORT_VERSION}: update churn-mlops"
        )
    try:
        return Report.model_validate(document)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise ReportError(f"the report recorded with {where} cannot be read (at {place}): train again") from None
