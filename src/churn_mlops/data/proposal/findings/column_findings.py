"""The findings about the columns of a table, in words."""

from __future__ import annotations

from churn_mlops.data.contract import DataContract, Label
from churn_mlops.data.findings import Finding, missing_as_id, repeated
from churn_mlops.data.profiling.label_values import LabelCounts
from churn_mlops.data.profiling.level_variants import seeming_same
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.excluded_columns import LEVEL_ROWS, SAFE_LEVELS
from churn_mlops.data.proposal.findings.code_findings import on_code, on_markers, same_asked
from churn_mlops.data.proposal.findings.number_findings import on_number
from churn_mlops.data.proposal.findings.treatment_findings import on_treatment

HORIZON_UNKNOWN = (
    f"no column says how far ahead the label looks, and {Label.model_fields['horizon_days'].default} days are assumed: "
    "write the days into the label of the contract, as in `horizon_days: 90`; money per month and year depends on it"
)
"""The message about a label without a horizon."""


def on_label(counts: LabelCounts, rows: int) -> list[Finding]:
    """How many left, and whether some are not known."""
    label = counts.label
    known = counts.left + counts.stayed
    found = [
        Finding(
            label.column,
            "label",
            f"{counts.left:,} of {known:,} left ({counts.left / known:.2%}): "
            f"{label.positive!r} is left, {label.stayed} stayed",
        )
    ]
    if len(label.negatives) > 1:
        found.append(Finding(label.column, "label_at_risk", _at_risk(counts)))
    if "horizon_days" not in label.model_fields_set:
        found.append(Finding(label.column, "horizon", HORIZON_UNKNOWN))
    if counts.left > counts.stayed:
        found.append(
            Finding(
                label.column,
                "label_share",
                f"more left than stayed: is {label.positive!r} really the value of a churner?",
            )
        )
    if min(counts.left, counts.stayed) < 50:
        few = "churners" if counts.left < counts.stayed else "retained customers"
        found.append(
            Finding(label.column, "label_few", f"only {min(counts.left, counts.stayed)} {few}: too few to learn much")
        )
    if counts.unknown:
        found.append(
            Finding(
                label.column,
                "label_unknown",
                f"{counts.unknown:,} of {rows:,} rows have no label: they are scored, not trained on",
            )
        )
    return found


def _at_risk(counts: LabelCounts) -> str:
    rows = " and ".join(f"{value!r} ({number:,})" for value, number in counts.of_stayed)
    return (
        f"{rows} are taken for customers who stayed. Were all of them at risk: customers when the time of the label "
        "began? Blank the label of customers who joined later, and take their value out of `negative`"
    )


def on_customer(column: ColumnProfile, copies: int) -> list[Finding]:
    """Whether the customer is blank, or stands twice, in so many exact ``copies`` of a row: validation stops there."""
    found = []
    if column.missing:
        what = f"{column.missing:,} rows name no customer: validation stops here"
        found.append(Finding(column.name, "customer_missing", what))
    found += [Finding(column.name, "missing_as_id", missing_as_id(text, rows)) for text, rows in column.markers]
    again = column.rows - column.missing - column.distinct - len(column.markers)
    if again:
        what = f"{again:,} rows name a customer who stands elsewhere: validation stops here; {repeated(again, copies)}"
        found.append(Finding(column.name, "customer_repeated", what))
    return found


def on_column(
    column: ColumnProfile, contract: DataContract, rule: tuple[str, str] | None, leak: str | None
) -> list[Finding]:
    """The findings about a feature, or the reason why a column is excluded."""
    if column.name in contract.set_aside:
        why = contract.set_aside[column.name]
        return [Finding(column.name, why.reason, f"excluded ({why.reason.replace('_', ' ')}): {why.note}")]
    found = []
    if column.missing:
        found.append(_missing(column, rule))
    found += on_markers(column) + on_number(column)
    if column.infinite:
        found.append(Finding(column.name, "infinite", f"{column.infinite:,} infinite numbers: validation stops here"))
    if contract.features[column.name].type == "boolean" and column.smallest is not None:
        siblings = [name for name, feature in contract.features.items() if _yes_no(feature.levels)]
        like = f", where {siblings[0]} and {len(siblings) - 1} others say Yes and No" if len(siblings) > 1 else ""
        found.append(Finding(column.name, "flag", f"holds 0 and 1{like}: taken for false and true"))
    if column.kind == "text" and column.type != "string" and column.numbers:
        found.append(Finding(column.name, "number_text", "numbers written as text"))
    found += on_code(column, contract.features[column.name].type)
    if contract.features[column.name].type == "category":
        found += _on_levels(column)
    if leak is not None:
        found.append(Finding(column.name, "strong", leak))
    return found + on_treatment(column.name)


def _on_levels(column: ColumnProfile) -> list[Finding]:
    """That there are many levels, and whether some seem to mean the same."""
    found: list[Finding] = []
    rows = dict(column.level_rows)
    if len(rows) > SAFE_LEVELS:
        rare = sum(held < LEVEL_ROWS for held in rows.values())
        few = f'; {rare:,} of them stand in fewer than {LEVEL_ROWS} rows and count as one, "other"' if rare else ""
        found.append(Finding(column.name, "levels", f"{len(rows):,} levels{few}"))
    return found + on_same_levels(column)


def on_same_levels(column: ColumnProfile) -> list[Finding]:
    """The question whether levels that seem to mean the same do."""
    rows, same = dict(column.level_rows), seeming_same(column.level_rows)
    if not same:
        return []
    alike = [[(level, rows[level]) for level in (kept, *others)] for kept, others in same.items()]
    message = f"{same_asked(alike)} If so, join them by `same` in the contract"
    return [Finding(column.name, "same_levels", message, {"same": same})]


def _missing(column: ColumnProfile, rule: tuple[str, str] | None) -> Finding:
    kind = "blank" if column.blank == column.missing else "missing"
    share = column.missing / column.rows
    where = f", exactly those where {rule[0]} is {rule[1]}" if rule else ""
    as_number = "; the others are numbers" if column.kind == "text" and column.numbers and column.blank else ""
    message = f"{kind} in {column.missing:,} rows ({share:.2%}){where}{as_number}"
    return Finding(column.name, "missing", message, share=None if rule else share)


def _yes_no(levels: tuple[str, ...] | None) -> bool:
    return {level.lower() for level in levels or ()} == {"yes", "no"}
