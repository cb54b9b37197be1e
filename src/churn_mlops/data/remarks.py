"""What a look at a table notices, in words."""

from __future__ import annotations

from dataclasses import dataclass

from churn_mlops.data.contract import DataContract
from churn_mlops.data.labels import LabelCounts
from churn_mlops.data.profile import ColumnProfile


@dataclass(frozen=True)
class Finding:
    """Something noticed: about which ``column`` (None for the table), of which ``kind``, in words."""

    column: str | None
    kind: str
    message: str


def on_label(counts: LabelCounts, rows: int) -> list[Finding]:
    """How many left, and whether some are not known."""
    label = counts.label
    known = counts.left + counts.stayed
    found = [
        Finding(
            label.column,
            "label",
            f"{counts.left:,} of {known:,} left ({counts.left / known:.2%}): "
            f"{label.positive!r} is left, {label.negative!r} stayed",
        )
    ]
    if counts.left > counts.stayed:
        found.append(
            Finding(
                label.column,
                "label_share",
                f"more left than stayed: is {label.positive!r} really the value of a leaver?",
            )
        )
    if min(counts.left, counts.stayed) < 50:
        few = "leavers" if counts.left < counts.stayed else "stayers"
        found.append(
            Finding(label.column, "label_few", f"only {min(counts.left, counts.stayed)} {few}: too few to learn much")
        )
    if counts.unknown:
        found.append(
            Finding(
                label.column,
                "label_unknown",
                f"{counts.unknown:,} of {rows:,} rows have no label: scored, not learnt from",
            )
        )
    return found


def on_customer(column: ColumnProfile) -> list[Finding]:
    """Whether the customer is blank, or stands twice, which validation will not let pass."""
    found = []
    gone = column.rows - column.present
    if gone:
        found.append(Finding(column.name, "customer_missing", f"{gone:,} rows name no customer: validation stops here"))
    if column.distinct < column.present:
        again = column.present - column.distinct
        found.append(
            Finding(
                column.name,
                "customer_repeated",
                f"{again:,} rows name a customer who stands elsewhere: validation stops here",
            )
        )
    return found


def on_column(
    column: ColumnProfile, contract: DataContract, rule: tuple[str, str] | None, leak: str | None
) -> list[Finding]:
    """What is worth knowing about a feature, or why a column is set aside."""
    if column.name in contract.set_aside:
        why = contract.set_aside[column.name]
        return [Finding(column.name, why.reason, f"set aside ({why.reason.replace('_', ' ')}): {why.note}")]
    found = []
    if column.missing:
        found.append(Finding(column.name, "missing", _missing(column, rule)))
    for text, count in column.markers:
        found.append(Finding(column.name, "marker", f"{text!r} in {count:,} rows is taken for missing"))
    if column.infinite:
        found.append(Finding(column.name, "infinite", f"{column.infinite:,} infinite numbers: validation stops here"))
    if contract.features[column.name].type == "boolean" and column.smallest is not None:
        siblings = [name for name, feature in contract.features.items() if _yes_no(feature.levels)]
        like = f", where {siblings[0]} and {len(siblings) - 1} others say Yes and No" if len(siblings) > 1 else ""
        found.append(Finding(column.name, "flag", f"holds 0 and 1{like}: taken for false and true"))
    if column.kind == "text" and column.type != "string" and column.numbers:
        found.append(Finding(column.name, "number_text", "numbers written as text"))
    if leak is not None:
        found.append(Finding(column.name, "strong", leak))
    return found


def _missing(column: ColumnProfile, rule: tuple[str, str] | None) -> str:
    kind = "blank" if column.blank == column.missing else "missing"
    share = f"{column.missing / column.rows:.2%}"
    where = f", exactly those where {rule[0]} is {rule[1]}" if rule else ""
    as_number = "; the others are numbers" if column.kind == "text" and column.numbers and column.blank else ""
    return f"{kind} in {column.missing:,} rows ({share}){where}{as_number}"


def _yes_no(levels: tuple[str, ...] | None) -> bool:
    return {level.lower() for level in levels or ()} == {"yes", "no"}
