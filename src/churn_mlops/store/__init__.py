"""The operational store: what was published, and what became of it; SQLite by default, PostgreSQL in production."""

from churn_mlops.store.answers import Answer, answers_of, keep_answers, retain_answers
from churn_mlops.store.audit import AuditEvent, NewEvent, add_event, customer_hash, events, record_event, record_events
from churn_mlops.store.cleaning import Cleaned, clean, log_limits
from churn_mlops.store.contacts import (
    Contact,
    NewContact,
    contact_of,
    contact_under,
    contacts,
    held_out,
    record_contact,
)
from churn_mlops.store.credentials import Credential, Credentials, access_is_configured, credentials
from churn_mlops.store.erasures import Erasure, forget, forget_again, holds
from churn_mlops.store.keys import KEY_ROLES, ApiKey, adopt_key, checked_secret, hash_of, keys, make_key, revoke_key
from churn_mlops.store.live_models import (
    LiveChangedError,
    StoredBundle,
    StoredPeriod,
    add_live,
    current_period,
    stored_bundle,
    stored_periods,
)
from churn_mlops.store.locks import HeldLock, scoring_lock
from churn_mlops.store.moving import copy_store
from churn_mlops.store.opening import Store, is_made, open_store
from churn_mlops.store.outcomes import Change, Labels, Recorded, ScoredOutcomes, due, record, scored_outcomes
from churn_mlops.store.people import (
    PERSON_ROLES,
    Person,
    add_person,
    disable_person,
    password_matches,
    password_of,
    people,
)
from churn_mlops.store.predictions import Prediction, Predictions, prediction_batches, prediction_of, predictions
from churn_mlops.store.publishing import publish
from churn_mlops.store.runs import NewRun, Run, dates, latest_run, record_delivery, retain, run_of
from churn_mlops.store.sessions import Started, end_session, start_session
from churn_mlops.store.tombstone_file import TombstoneFile
from churn_mlops.store.tombstones import Tombstone, Tombstones, all_tombstones, is_forgotten, tombstones

__all__ = [
    "KEY_ROLES",
    "PERSON_ROLES",
    "Answer",
    "ApiKey",
    "AuditEvent",
    "Change",
    "Cleaned",
    "Contact",
    "Credential",
    "Credentials",
    "Erasure",
    "HeldLock",
    "Labels",
    "LiveChangedError",
    "NewContact",
    "NewEvent",
    "NewRun",
    "Person",
    "Prediction",
    "Predictions",
    "Recorded",
    "Run",
    "ScoredOutcomes",
    "Started",
    "Store",
    "StoredBundle",
    "StoredPeriod",
    "Tombstone",
    "TombstoneFile",
    "Tombstones",
    "access_is_configured",
    "add_event",
    "add_live",
    "add_person",
    "adopt_key",
    "all_tombstones",
    "answers_of",
    "checked_secret",
    "clean",
    "contact_of",
    "contact_under",
    "contacts",
    "copy_store",
    "credentials",
    "current_period",
    "customer_hash",
    "dates",
    "disable_person",
    "due",
    "end_session",
    "events",
    "forget",
    "forget_again",
    "hash_of",
    "held_out",
    "holds",
    "is_forgotten",
    "is_made",
    "keep_answers",
    "keys",
    "latest_run",
    "log_limits",
    "make_key",
    "open_store",
    "password_matches",
    "password_of",
    "people",
    "prediction_batches",
    "prediction_of",
    "predictions",
    "publish",
    "record",
    "record_contact",
    "record_delivery",
    "record_event",
    "record_events",
    "retain",
    "retain_answers",
    "revoke_key",
    "run_of",
    "scored_outcomes",
    "scoring_lock",
    "start_session",
    "stored_bundle",
    "stored_periods",
    "tombstones",
]
