"""Campaigns, arms, customers who must not be contacted, work on the list, notes; a contact says more of itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CUSTOMER = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
TIME = sa.DateTime().with_variant(sa.DateTime(timezone=True), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")
RESULTS = "result IN ('offered', 'accepted', 'declined', 'no_answer')"


def upgrade() -> None:
    """Make the tables, and add columns to contacts and predictions."""
    _campaigns()
    _do_not_contact()
    _work()
    _contacts()
    op.add_column("predictions", sa.Column("campaign_id", sa.Integer))
    op.add_column("predictions", sa.Column("why_not", sa.Text))


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("offer", sa.Text, nullable=False),
        sa.Column("offer_cost", sa.Double, nullable=False),
        sa.Column("script", sa.Text, nullable=False),
        sa.Column("min_score", sa.Double, nullable=False),
        sa.Column("risk_band", sa.Text),
        sa.Column("only_worth", sa.Boolean, nullable=False),
        sa.Column("capacity", sa.Integer),
        sa.Column("starts_on", sa.Date, nullable=False),
        sa.Column("ends_on", sa.Date),
        sa.Column("control_share", sa.Double, nullable=False),
        sa.Column("explore_share", sa.Double, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("ended_by", sa.Text),
        sa.Column("ended_reason", sa.Text),
        sa.CheckConstraint("control_share >= 0 AND control_share < 1", name="control_share_is_a_share"),
        sa.CheckConstraint("explore_share >= 0 AND explore_share < 1", name="explore_share_is_a_share"),
        sa.CheckConstraint("min_score >= 0 AND min_score <= 1", name="min_score_is_a_probability"),
        sa.CheckConstraint("offer_cost >= 0 AND offer_cost < 1e300", name="offer_cost_is_finite"),
    )
    op.create_table(
        "assignments",
        sa.Column("campaign_id", sa.Integer, sa.ForeignKey("campaigns.id"), primary_key=True, autoincrement=False),
        sa.Column("customer", CUSTOMER, primary_key=True),
        sa.Column("arm", sa.Text, nullable=False),
        sa.Column("explored", sa.Boolean, nullable=False),
        sa.Column("assigned_on", sa.Date, nullable=False),
        sa.CheckConstraint("arm IN ('treated', 'control')", name="arm_of_an_assignment"),
    )
    op.create_index("assignments_of_a_customer", "assignments", ["customer"])


def _do_not_contact() -> None:
    op.create_table(
        "do_not_contact",
        sa.Column("id", BIG, sa.Identity(), primary_key=True),
        sa.Column("customer", CUSTOMER, nullable=False),
        sa.Column("blocked", sa.Boolean, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
    )
    op.create_index("do_not_contact_of_a_customer", "do_not_contact", ["customer", "id"])


def _work() -> None:
    op.create_table(
        "list_work",
        sa.Column("customer", CUSTOMER, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("owner", sa.Text),
        sa.Column("owner_since", TIME),
        sa.Column("snoozed_until", sa.Date),
        sa.Column("done_for", sa.Date),
        sa.Column("note", sa.Text),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
    )
    op.create_table(
        "customer_notes",
        sa.Column("id", BIG, sa.Identity(), primary_key=True),
        sa.Column("customer", CUSTOMER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("notes_of_a_customer", "customer_notes", ["customer"])


def _contacts() -> None:
    # SQLite changes a constraint only in a new table, which Alembic fills from the old one.
    with op.batch_alter_table("contacts", copy_from=_contacts_before()) as contacts:
        contacts.add_column(sa.Column("campaign_id", sa.Integer))
        contacts.add_column(sa.Column("channel", sa.Text, nullable=False, server_default="api"))
        contacts.add_column(sa.Column("dismissal", sa.Text))
        contacts.add_column(sa.Column("note", sa.Text))
        contacts.drop_constraint("result_of_a_contact", type_="check")
        contacts.create_check_constraint("result_of_a_contact", f"{RESULTS[:-1]}, 'not_offered')")
        contacts.create_check_constraint("dismissal_has_a_reason", "(result = 'not_offered') = (dismissal IS NOT NULL)")
        contacts.create_check_constraint("channel_of_a_contact", "channel IN ('console', 'api', 'import', 'webhook')")


def _contacts_before() -> sa.Table:
    """The table as revision 0002 made it."""
    return sa.Table(
        "contacts",
        sa.MetaData(),
        sa.Column("id", BIG, sa.Identity(), primary_key=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("request_sha256", sa.Text, nullable=False),
        sa.Column("customer", CUSTOMER, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("offer", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("prediction_id", sa.Text),
        sa.Column("override_reason", sa.Text),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.CheckConstraint(RESULTS, name="result_of_a_contact"),
        sa.Index("contacts_of_a_customer", "customer"),
    )


def downgrade() -> None:
    """Drop the tables and columns; contacts with the newer result have no place in the older table."""
    op.drop_column("predictions", "why_not")
    op.drop_column("predictions", "campaign_id")
    op.execute("DELETE FROM contacts WHERE result = 'not_offered'")
    with op.batch_alter_table("contacts") as contacts:
        for name in ("dismissal_has_a_reason", "channel_of_a_contact", "result_of_a_contact"):
            contacts.drop_constraint(name, type_="check")
        for name in ("note", "dismissal", "channel", "campaign_id"):
            contacts.drop_column(name)
        contacts.create_check_constraint("result_of_a_contact", RESULTS)
    for table in ("customer_notes", "list_work", "do_not_contact", "assignments", "campaigns"):
        op.drop_table(table)
