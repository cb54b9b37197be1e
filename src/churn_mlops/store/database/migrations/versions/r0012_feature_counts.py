"""How the values of a run are spread, so that their drift can be measured without a second look at the source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

oldest_program = "0007"
"""Programs of this revision or a later one read and write these tables without harm."""

TIME = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Make the table; earlier runs have no counts."""
    op.create_table(
        "feature_counts",
        sa.Column("run_id", sa.Integer, sa.ForeignKey("scoring_runs.id"), primary_key=True, autoincrement=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("counts", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("feature_counts")
