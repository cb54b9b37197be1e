"""The tables of serving: deployments, keys, users, sessions, audit log, prediction log, contacts, erasures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


CUSTOMER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    _deployments()
    _access()
    _audit_log()
    _prediction_log()
    _contacts()
    _erasures()


def _deployments() -> None:
    op.create_table(
        "bundles",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
    )
    op.create_table(
        "live_periods",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, sa.ForeignKey("bundles.sha256"), nullable=False),
        sa.Column("model_type", sa.Text, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rollback", sa.Boolean, nullable=False),
    )


def _access() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("sha256", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("revoked_at", TIME),
        sa.CheckConstraint("role IN ('agent', 'analyst', 'admin', 'service')", name="role_of_a_key"),
    )
    op.create_table(
        "people",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("disabled_at", TIME),
        sa.CheckConstraint("role IN ('agent', 'analyst', 'admin')", name="role_of_a_person"),
    )
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, sa.ForeignKey("people.name"), nullable=False),
        sa.Column("csrf_token", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
    )


def _audit_log() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("customer_hash", sa.Text),
        sa.Column("details", sa.JSON, nullable=False),
    )
    op.create_index("events_of_a_customer", "audit_events", ["customer_hash"])


def _prediction_log() -> None:
    op.create_table(
        "answers",
        sa.Column("id", CUSTOMER, primary_key=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("model_sha256", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("customer", CUSTOMER),
        sa.Column("inputs", sa.JSON, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
    )
    op.create_index("answers_of_a_customer", "answers", ["customer"])
    op.create_index("answers_by_time", "answers", ["at"])


def _contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("request_sha256", sa.Text, nullable=False),
        sa.Column("customer", CUSTOMER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("offer", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("prediction_id", sa.Text),
        sa.Column("override_reason", sa.Text),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint("result IN ('offered', 'accepted', 'declined', 'no_answer')", name="result_of_a_contact"),
    )
    op.create_index("contacts_of_a_customer", "contacts", ["customer"])


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("customer_hash", sa.Text, primary_key=True),
        sa.Column("erased_at", TIME, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("removed", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "erasures",
        "contacts",
        "answers",
        "audit_events",
        "sessions",
        "people",
        "api_keys",
        "live_periods",
        "bundles",
    ):
        op.drop_table(table)
