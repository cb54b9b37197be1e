"""The scores of a second model beside those of the champion, and the trials of challengers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

oldest_program = "0007"
"""Programs of this revision or a later one read and write these tables without harm."""

TIME = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")
OF_A_RUN = {"shadow_version": sa.Text, "shadow_sha256": sa.Text, "shadow_seconds": sa.Double}


def upgrade() -> None:
    """Make the columns and the table; earlier runs have no second scores."""
    for name, kind in OF_A_RUN.items():
        op.add_column("scoring_runs", sa.Column(name, kind))
    op.add_column("predictions", sa.Column("shadow_score", sa.Double))
    op.create_table(
        "trials",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, sa.ForeignKey("bundles.sha256"), nullable=False),
        sa.Column("champion_sha256", sa.Text, sa.ForeignKey("bundles.sha256"), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME),
        sa.Column("result", sa.Text),
        sa.CheckConstraint("(until IS NULL) = (result IS NULL)", name="a_trial_that_ended_has_a_result"),
    )


def downgrade() -> None:
    """Drop the table and the columns."""
    op.drop_table("trials")
    op.drop_column("predictions", "shadow_score")
    for name in OF_A_RUN:
        op.drop_column("scoring_runs", name)
