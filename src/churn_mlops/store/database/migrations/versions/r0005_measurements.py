"""The figures of the dashboard."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "measurements",
        sa.Column("measured_on", sa.Date, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("part", sa.Text, primary_key=True),
        sa.Column("rows_as_of", sa.Date),
        sa.Column("value", sa.Double),
        sa.Column("low", sa.Double),
        sa.Column("high", sa.Double),
        sa.Column("numerator", sa.Double),
        sa.Column("denominator", sa.Double),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("next_step", sa.Text, nullable=False),
        sa.Column("is_final", sa.Boolean, nullable=False),
        sa.Column("measured_at", TIME, nullable=False),
        sa.CheckConstraint("status IN ('good', 'watch', 'act', 'too_little')", name="status_of_a_measurement"),
        sa.CheckConstraint("value IS NOT NULL OR status = 'too_little'", name="measurement_has_a_value"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("measurements")
