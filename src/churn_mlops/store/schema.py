"""The tables of the store, as the newest revision of the migrations leaves them.

The names keep out of the way of MLflow's tables (``runs``, ``alembic_version``), should both live in one database.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

HEAD = "0001"
"""The newest revision of the migrations: a store that has it needs no migration."""
VERSION_TABLE = "store_version"


class Moment(TypeDecorator[datetime]):
    """A moment with its time zone, which comes back in UTC; SQLite, which has no such type, keeps a text in UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL keeps the moment, SQLite the text."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a time zone, which could be any."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC, whatever the session's time zone is."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo is not None else value.replace(tzinfo=UTC)


# Bytewise order of customers, as SQLite has it: a rule of some language may change with the machine's libraries, and
# would break the index.
CUSTOMER = Text().with_variant(Text(collation="C"), "postgresql")

METADATA = MetaData()

RUNS = Table(
    "scoring_runs",
    METADATA,
    # Stays the same when a date is scored again: it stands for the date.
    Column("id", Integer, Identity(), primary_key=True),
    Column("as_of", Date, nullable=False),
    Column("known_until", Moment, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("model_sha256", Text, nullable=False),
    Column("contract_fingerprint", Text, nullable=False),
    Column("customers", Integer, nullable=False),
    Column("likely", Integer, nullable=False),
    Column("worth_an_offer", Integer, nullable=False),
    Column("warnings", JSON, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment, nullable=False),
    Column("matured_at", Moment),
    Column("checked_at", Moment),
    Column("delivered_at", Moment),
    Column("deleted_at", Moment),
    UniqueConstraint("as_of", name="one_run_a_date"),
)

# Kept in the order of ranks, in which lists are read. No foreign key to the run: PostgreSQL would look it up once more
# for each of a million rows, all of which come from one function.
PREDICTIONS = Table(
    "predictions",
    METADATA,
    Column("run_id", Integer, primary_key=True, autoincrement=False),
    Column("rank", Integer, primary_key=True, autoincrement=False),
    Column("customer", CUSTOMER, nullable=False),
    Column("score", Double, nullable=False),
    Column("will_churn", Boolean, nullable=False),
    Column("risk_band", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("expected_gain", Double, nullable=False),
    Column("reasons", JSON(none_as_null=True)),
    CheckConstraint("score >= 0 AND score <= 1", name="score_is_a_probability"),
    # PostgreSQL counts NaN as larger than any number.
    CheckConstraint("expected_gain > -1e300 AND expected_gain < 1e300", name="expected_gain_is_finite"),
    CheckConstraint("rank >= 1", name="rank_counts_from_1"),
    Index("one_prediction_a_customer", "run_id", "customer", unique=True),
    sqlite_with_rowid=False,
)

OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("run_id", Integer, primary_key=True, autoincrement=False),
    Column("customer", CUSTOMER, primary_key=True),
    Column("left", Boolean),
    sqlite_with_rowid=False,
)

OUTCOME_CHANGES = Table(
    "outcome_changes",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("run_id", Integer, ForeignKey("scoring_runs.id"), nullable=False),
    Column("customer", CUSTOMER, nullable=False),
    Column("was", Boolean),
    Column("became", Boolean),
    Column("changed_at", Moment, nullable=False),
    Index("changes_of_an_outcome", "run_id", "customer"),
)
