"""The idempotency key of a note: a form or a request that is sent twice records one note."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; earlier notes have no key."""
    op.add_column("customer_notes", sa.Column("key", sa.Text))
    op.create_index("one_note_a_key", "customer_notes", ["key"], unique=True)


def downgrade() -> None:
    """Drop the column."""
    op.drop_index("one_note_a_key", "customer_notes")
    op.drop_column("customer_notes", "key")
