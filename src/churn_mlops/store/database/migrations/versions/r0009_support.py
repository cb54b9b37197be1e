"""The oldest program that works on the tables: during a rollout, old and new replicas share one store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

oldest_program = "0007"
"""Programs of this revision or a later one read and write these tables without harm."""


def upgrade() -> None:
    """Add the table; the migration that runs fills it."""
    op.create_table("store_support", sa.Column("oldest_program", sa.Text, primary_key=True))


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("store_support")
