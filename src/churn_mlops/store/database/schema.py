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
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
)
from sqlalchemy.types import TypeEngine

HEAD = "0013"
"""The newest revision of the migrations: a store that has it needs no migration."""
OLDEST_PROGRAM = "0007"
"""The oldest revision whose program works on the tables of `HEAD`, as its migration says too."""
VERSION_TABLE = "store_version"
SUPPORT_TABLE = "store_support"
"""One row: the oldest revision whose program still works on the present tables, as during a rollout."""


class Timestamp(TypeDecorator[datetime]):
    """A timestamp with its time zone, which comes back in UTC; SQLite, which has no such type, keeps a text in UTC."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL keeps the timestamp, SQLite the text."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a timestamp without a time zone, which could be any."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The timestamp in UTC, whatever the session's time zone is."""
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
    Column("known_until", Timestamp, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("model_sha256", Text, nullable=False),
    Column("contract_fingerprint", Text, nullable=False),
    Column("customers", Integer, nullable=False),
    Column("likely", Integer, nullable=False),
    Column("worth_an_offer", Integer, nullable=False),
    Column("warnings", JSON, nullable=False),
    Column("started_at", Timestamp, nullable=False),
    Column("finished_at", Timestamp, nullable=False),
    Column("matured_at", Timestamp),
    Column("checked_at", Timestamp),
    Column("delivered_at", Timestamp),
    Column("deleted_at", Timestamp),
    Column("asked_for", Boolean, nullable=False, server_default=false()),
    Column("newest_row", Date),
    Column("shadow_version", Text),
    Column("shadow_sha256", Text),
    Column("shadow_seconds", Double),
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
    Column("campaign_id", Integer),
    Column("why_not", Text),
    Column("shadow_score", Double),
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
    Column("changed_at", Timestamp, nullable=False),
    Index("changes_of_an_outcome", "run_id", "customer"),
)

# Without any customer: for each feature how many customers are in each step or level of the training data. The start
# says of which run they are, since a program of the release before scores a date again without them.
FEATURE_COUNTS = Table(
    "feature_counts",
    METADATA,
    Column("run_id", Integer, ForeignKey("scoring_runs.id"), primary_key=True, autoincrement=False),
    Column("started_at", Timestamp, nullable=False),
    Column("counts", JSON, nullable=False),
)

BUNDLES = Table(
    "bundles",
    METADATA,
    Column("sha256", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("provenance", JSON, nullable=False),
    Column("added_at", Timestamp, nullable=False),
)

# Which version was live from when to when; the champion is the one without an end.
DEPLOYMENTS = Table(
    "live_periods",
    METADATA,
    Column("id", Integer, Identity(), primary_key=True),
    Column("version", Text, nullable=False),
    Column("sha256", Text, ForeignKey("bundles.sha256"), nullable=False),
    Column("model_type", Text, nullable=False),
    Column("since", Timestamp, nullable=False),
    Column("until", Timestamp),
    Column("reason", Text, nullable=False),
    Column("rollback", Boolean, nullable=False),
    Column("deployed_by", Text),
)

# The versions whose bundle is here: those that were ever live, and the newest of the others.
MODEL_VERSIONS = Table(
    "model_versions",
    METADATA,
    Column("version", Text, primary_key=True),
    Column("sha256", Text, ForeignKey("bundles.sha256"), nullable=False),
    Column("model_type", Text, nullable=False),
    Column("registered_at", Timestamp, nullable=False),
    Column("provenance", JSON, nullable=False),
)

# A key is stored as its hash alone; ``id`` names it in lists and logs.
API_KEYS = Table(
    "api_keys",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("sha256", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", Timestamp),
    Column("revoked_at", Timestamp),
    CheckConstraint("role IN ('agent', 'analyst', 'admin', 'service')", name="role_of_a_key"),
)

PEOPLE = Table(
    "people",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("password", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("disabled_at", Timestamp),
    CheckConstraint("role IN ('agent', 'analyst', 'admin')", name="role_of_a_person"),
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("sha256", Text, primary_key=True),
    Column("person", Text, ForeignKey("people.name"), nullable=False),
    Column("csrf_token", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False),
    Column("ended_at", Timestamp),
)

# Each event says who read or changed what. A customer stands here by their keyed hash, which outlives their erasure.
AUDIT_EVENTS = Table(
    "audit_events",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("at", Timestamp, nullable=False),
    Column("caller", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("customer_hash", Text),
    Column("details", JSON, nullable=False),
    Index("events_of_a_customer", "customer_hash"),
)

# The prediction log: each answer with all that it was made of. The order of ids is bytewise, so that the customers of
# one batch, with ids that begin alike, stand together. The answer is a text, since JSON may come back in another form.
ANSWERS = Table(
    "answers",
    METADATA,
    Column("id", CUSTOMER, primary_key=True),
    Column("at", Timestamp, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("model_version", Text, nullable=False),
    Column("model_sha256", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("customer", CUSTOMER),
    Column("inputs", JSON, nullable=False),
    Column("answer", Text, nullable=False),
    Column("trace_id", Text),
    Index("answers_of_a_customer", "customer"),
    Index("answers_by_time", "at"),
)

CONTACTS = Table(
    "contacts",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("request_sha256", Text, nullable=False),
    Column("customer", CUSTOMER, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("offer", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("prediction_id", Text),
    Column("override_reason", Text),
    Column("recorded_at", Timestamp, nullable=False),
    Column("campaign_id", Integer),
    Column("channel", Text, nullable=False, server_default="api"),
    Column("dismissal", Text),
    Column("note", Text),
    CheckConstraint(
        "result IN ('offered', 'accepted', 'declined', 'no_answer', 'not_offered')", name="result_of_a_contact"
    ),
    CheckConstraint("(result = 'not_offered') = (dismissal IS NOT NULL)", name="dismissal_has_a_reason"),
    CheckConstraint("channel IN ('console', 'api', 'import', 'webhook')", name="channel_of_a_contact"),
    Index("contacts_of_a_customer", "customer"),
)

# An erased customer leaves only their keyed hash, which keeps tomorrow's run from bringing them back.
ERASURES = Table(
    "erasures",
    METADATA,
    Column("customer_hash", Text, primary_key=True),
    Column("erased_at", Timestamp, nullable=False),
    Column("caller", Text, nullable=False),
    Column("removed", JSON, nullable=False),
)

# The times of challengers in the shadow; one that runs has no end.
TRIALS = Table(
    "trials",
    METADATA,
    Column("id", Integer, Identity(), primary_key=True),
    Column("version", Text, nullable=False),
    Column("sha256", Text, ForeignKey("bundles.sha256"), nullable=False),
    Column("champion_sha256", Text, ForeignKey("bundles.sha256"), nullable=False),
    Column("since", Timestamp, nullable=False),
    Column("until", Timestamp),
    Column("result", Text),
    CheckConstraint("(until IS NULL) = (result IS NULL)", name="a_trial_that_ended_has_a_result"),
)

# The figures of the dashboard, without any customer; a date that is measured again is replaced as a whole.
MEASUREMENTS = Table(
    "measurements",
    METADATA,
    Column("measured_on", Date, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("rows_as_of", Date),
    Column("value", Double),
    Column("low", Double),
    Column("high", Double),
    Column("numerator", Double),
    Column("denominator", Double),
    Column("status", Text, nullable=False),
    Column("next_step", Text, nullable=False),
    Column("is_final", Boolean, nullable=False),
    Column("measured_at", Timestamp, nullable=False),
    CheckConstraint("status IN ('good', 'watch', 'act', 'too_little')", name="status_of_a_measurement"),
    CheckConstraint("value IS NOT NULL OR status = 'too_little'", name="measurement_has_a_value"),
)

# The last try of each job: those that run for minutes and end cannot be asked.
JOB_RECORDS = Table(
    "job_records",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("began_at", Timestamp, nullable=False),
    Column("ended_at", Timestamp, nullable=False),
    Column("has_succeeded", Boolean, nullable=False),
    Column("succeeded_at", Timestamp),
    Column("failures", Integer, nullable=False),
)

SUPPORT = Table(SUPPORT_TABLE, METADATA, Column("oldest_program", Text, primary_key=True))
