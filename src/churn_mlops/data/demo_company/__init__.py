"""The demo company: a made-up internet provider with a history, whose customers leave for plausible causes."""

from churn_mlops.data.demo_company.company import CompanyFiles, write_company
from churn_mlops.data.demo_company.flat import write_flat

__all__ = ["CompanyFiles", "write_company", "write_flat"]
