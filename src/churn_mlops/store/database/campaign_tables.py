"""The tables of campaigns and of the work on the list, as the newest revision of the migrations leaves them.

With them, ``METADATA`` knows every table of the store.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
)

from churn_mlops.store.database.schema import CUSTOMER, METADATA, Timestamp

__all__ = ["ASSIGNMENTS", "CAMPAIGNS", "DO_NOT_CONTACT", "LIST_WORK", "METADATA", "NOTES"]

# A campaign is ended, never deleted.
CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("offer", Text, nullable=False),
    Column("offer_cost", Double, nullable=False),
    Column("script", Text, nullable=False),
    Column("min_score", Double, nullable=False),
    Column("risk_band", Text),
    Column("only_worth", Boolean, nullable=False),
    Column("capacity", Integer),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),
    Column("control_share", Double, nullable=False),
    Column("explore_share", Double, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("ended_at", Timestamp),
    Column("ended_by", Text),
    Column("ended_reason", Text),
    CheckConstraint("control_share >= 0 AND control_share < 1", name="control_share_is_a_share"),
    CheckConstraint("explore_share >= 0 AND explore_share < 1", name="explore_share_is_a_share"),
    CheckConstraint("min_score >= 0 AND min_score <= 1", name="min_score_is_a_probability"),
    CheckConstraint("offer_cost >= 0 AND offer_cost < 1e300", name="offer_cost_is_finite"),
)

# A row is written once and never changed, so that a customer keeps the arm.
ASSIGNMENTS = Table(
    "assignments",
    METADATA,
    Column("campaign_id", Integer, ForeignKey("campaigns.id"), primary_key=True, autoincrement=False),
    Column("customer", CUSTOMER, primary_key=True),
    Column("arm", Text, nullable=False),
    Column("explored", Boolean, nullable=False),
    Column("assigned_on", Date, nullable=False),
    CheckConstraint("arm IN ('treated', 'control')", name="arm_of_an_assignment"),
    Index("assignments_of_a_customer", "customer"),
)

# Rows are only added: the latest row of a customer says whether they may be contacted.
DO_NOT_CONTACT = Table(
    "do_not_contact",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("customer", CUSTOMER, nullable=False),
    Column("blocked", Boolean, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("reason", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Index("do_not_contact_of_a_customer", "customer", "id"),
)

# ``version`` grows with each change, so that two agents never change the same state without seeing it.
LIST_WORK = Table(
    "list_work",
    METADATA,
    Column("customer", CUSTOMER, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("owner", Text),
    Column("owner_since", Timestamp),
    Column("snoozed_until", Date),
    Column("done_for", Date),
    Column("note", Text),
    Column("changed_at", Timestamp, nullable=False),
    Column("changed_by", Text, nullable=False),
)

NOTES = Table(
    "customer_notes",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("customer", CUSTOMER, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("key", Text),
    Index("notes_of_a_customer", "customer"),
    Index("one_note_a_key", "key", unique=True),
)
