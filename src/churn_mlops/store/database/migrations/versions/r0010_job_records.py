"""The last try of each job, since a job that has ended cannot be asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

oldest_program = "0007"
"""Programs of this revision or a later one read and write these tables without harm."""

TIME = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "job_records",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=False),
        sa.Column("has_succeeded", sa.Boolean, nullable=False),
        sa.Column("succeeded_at", TIME),
        sa.Column("failures", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("job_records")
