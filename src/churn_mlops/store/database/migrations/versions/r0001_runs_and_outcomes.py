"""Scoring runs with their predictions, and outcomes with their changes.

A revision is never edited once released: it shows how the tables of that time came to be.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    customer = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    timestamp = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")
    op.create_table(
        "scoring_runs",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("as_of", sa.Date, nullable=False),
        sa.Column("known_until", timestamp, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("model_sha256", sa.Text, nullable=False),
        sa.Column("contract_fingerprint", sa.Text, nullable=False),
        sa.Column("customers", sa.Integer, nullable=False),
        sa.Column("likely", sa.Integer, nullable=False),
        sa.Column("worth_an_offer", sa.Integer, nullable=False),
        sa.Column("warnings", sa.JSON, nullable=False),
        sa.Column("started_at", timestamp, nullable=False),
        sa.Column("finished_at", timestamp, nullable=False),
        sa.Column("matured_at", timestamp),
        sa.Column("checked_at", timestamp),
        sa.Column("delivered_at", timestamp),
        sa.Column("deleted_at", timestamp),
        sa.UniqueConstraint("as_of", name="one_run_a_date"),
    )
    op.create_table(
        "predictions",
        sa.Column("run_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rank", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("customer", customer, nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("will_churn", sa.Boolean, nullable=False),
        sa.Column("risk_band", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("expected_gain", sa.Double, nullable=False),
        sa.Column("reasons", sa.JSON),
        sa.CheckConstraint("score >= 0 AND score <= 1", name="score_is_a_probability"),
        sa.CheckConstraint("expected_gain > -1e300 AND expected_gain < 1e300", name="expected_gain_is_finite"),
        sa.CheckConstraint("rank >= 1", name="rank_counts_from_1"),
        sqlite_with_rowid=False,
    )
    op.create_index("one_prediction_a_customer", "predictions", ["run_id", "customer"], unique=True)
    op.create_table(
        "outcomes",
        sa.Column("run_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("customer", customer, primary_key=True),
        sa.Column("left", sa.Boolean),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outcome_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("run_id", sa.Integer, sa.ForeignKey("scoring_runs.id"), nullable=False),
        sa.Column("customer", customer, nullable=False),
        sa.Column("was", sa.Boolean),
        sa.Column("became", sa.Boolean),
        sa.Column("changed_at", timestamp, nullable=False),
    )
    op.create_index("changes_of_an_outcome", "outcome_changes", ["run_id", "customer"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("outcome_changes", "outcomes", "predictions", "scoring_runs"):
        op.drop_table(table)
