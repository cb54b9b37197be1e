"""The operational store: what was published, and what became of it; SQLite by default, PostgreSQL in production."""

from churn_mlops.store.answers import Answer, answers_of, keep_answers, retain_answers
from churn_mlops.store.contacts import Contact, NewContact, contact_under, contacts, held_out, record_contact
from churn_mlops.store.locks import HeldLock, scoring_lock
from churn_mlops.store.moving import copy_store
from churn_mlops.store.opening import Store, open_store
from churn_mlops.store.outcomes import Change, Labels, Recorded, ScoredOutcomes, due, record, scored_outcomes
from churn_mlops.store.predictions import Prediction, Predictions, prediction_batches, prediction_of, predictions
from churn_mlops.store.publishing import publish
from churn_mlops.store.runs import NewRun, Run, dates, latest_run, record_delivery, retain, run_of

__all__ = [
    "Answer",
    "Change",
    "Contact",
    "HeldLock",
    "Labels",
    "NewContact",
    "NewRun",
    "Prediction",
    "Predictions",
    "Recorded",
    "Run",
    "ScoredOutcomes",
    "Store",
    "answers_of",
    "contact_under",
    "contacts",
    "copy_store",
    "dates",
    "due",
    "held_out",
    "keep_answers",
    "latest_run",
    "open_store",
    "prediction_batches",
    "prediction_of",
    "predictions",
    "publish",
    "record",
    "record_contact",
    "record_delivery",
    "retain",
    "retain_answers",
    "run_of",
    "scored_outcomes",
    "scoring_lock",
]
