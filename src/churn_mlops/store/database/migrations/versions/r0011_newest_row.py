"""The day of the newest row of the source, by run: nothing else shows that its loading stopped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

oldest_program = "0007"
"""Programs of this revision or a later one read and write these tables without harm."""


def upgrade() -> None:
    """Add the column; nothing is known of earlier runs."""
    op.add_column("scoring_runs", sa.Column("newest_row", sa.Date))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("scoring_runs", "newest_row")
