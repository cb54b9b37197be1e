"""Whether the date of a run was asked for: such a run is none of the schedule's."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nothing is known of earlier runs, which count as they did."""
    op.add_column("scoring_runs", sa.Column("asked_for", sa.Boolean, nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("scoring_runs", "asked_for")
