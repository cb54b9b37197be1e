"""The one family of errors: every message says what is wrong, where, and what to do."""

from __future__ import annotations


class ChurnError(Exception):
    """Something a person can put right. The command line prints it without a traceback."""


class ConfigError(ChurnError):
    """A setting is missing, unknown or out of range."""


class NoSuchJobError(ConfigError):
    """The data has nothing for a job to do, such as outcomes of a table without dates; so it is no try of the job."""


class ContractError(ChurnError):
    """The data contract is not well formed, or does not fit what it is used for."""


class SourceError(ChurnError):
    """A data source cannot be opened or read."""


class DataError(ChurnError, ValueError):
    """Data does not keep its contract.

    Args:
        message: what is wrong and what to do.
        problems: one ``(field, problem)`` pair for each thing that is wrong, in the order of the contract.
    """

    def __init__(self, message: str, problems: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class BundleError(ChurnError):
    """A model bundle is truncated, altered, of a newer format, or otherwise not to be trusted."""


class NotFittedError(ChurnError, ValueError, AttributeError):
    """A model or a transformer was asked for results before it was fitted."""


class DeliveryError(ChurnError):
    """A list was not accepted by the system it was sent to."""


class PromotionError(ChurnError):
    """A model version cannot go live, or there is none that is live."""


class ServingError(ChurnError):
    """The server cannot go on answering."""


class AccessError(ChurnError):
    """A key, a person or a password cannot be taken as it was given."""


class CustomerErasedError(ChurnError):
    """A customer was erased: nothing more is recorded of them."""


class StoreError(ChurnError):
    """The operational store cannot be reached, read or written, or what it was given breaks its rules."""


class StoreBusyError(StoreError):
    """Another process holds what was asked for; the message says who, and since when where that is known."""


class StoreVersionError(StoreError):
    """The tables of the store are too old or too new for this version of the program."""


class StoreReplacedError(StoreError):
    """Another file stands where that of the store was opened: what is written to the open one would be lost."""


class BackupError(ChurnError):
    """A backup cannot be made, opened or trusted."""


class RowsRefusedError(StoreError):
    """The store is there, but what it was given breaks its rules: to try again changes nothing."""
