"""The trace of a prediction: the request that asked for it can be found in the logs of other programs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; earlier predictions have no trace."""
    op.add_column("answers", sa.Column("trace_id", sa.Text))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("answers", "trace_id")
