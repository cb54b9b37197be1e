"""The contract that a table suggests, for an estimator that is given none."""

from __future__ import annotations

from typing import Any

from churn_mlops.data.contract import DataContract
from churn_mlops.errors import ContractError, DataError


def inferred_contract(X: Any) -> DataContract:
    """The contract that ``churn init`` would propose for ``X``, which has no label.

    Args:
        X: a DataFrame, an Arrow table, a list of mappings or a mapping of columns.

    Raises:
        DataError: the table says nothing about its columns: too few rows, or each column is constant or an identifier.
    """
    # Imported here, because serving imports this package and has neither pandas nor a query engine.
    import pandas

    from churn_mlops.data.proposal.flat_proposal import propose_for_frame

    if not isinstance(X, pandas.DataFrame):
        X = X.to_pandas() if hasattr(X, "to_pandas") else pandas.DataFrame(X).infer_objects()
    if len(X) == 1:
        raise DataError("1 sample says nothing about its columns: fit on more rows, or pass a contract")
    try:
        return propose_for_frame(X).contract
    except ContractError as error:
        raise DataError(f"{error}; pass a contract, if that is wrong") from None
