"""The versions that can be made live from any machine, and who made a version live."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")


def upgrade() -> None:
    """Make the table, and add the column."""
    op.create_table(
        "model_versions",
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("sha256", sa.Text, sa.ForeignKey("bundles.sha256"), nullable=False),
        sa.Column("model_type", sa.Text, nullable=False),
        sa.Column("registered_at", TIME, nullable=False),
        sa.Column("provenance", sa.JSON, nullable=False),
    )
    op.add_column("live_periods", sa.Column("deployed_by", sa.Text))


def downgrade() -> None:
    """Drop the column and the table; the bundles of versions that never were live stay, and nothing names them."""
    op.drop_column("live_periods", "deployed_by")
    op.drop_table("model_versions")
