"""Whether a workbook is small enough to be read."""

from churn_mlops.data.sources.formats.workbook_size.checks import SMALLER, Limits, check_sheet, check_unpacked

__all__ = ["SMALLER", "Limits", "check_sheet", "check_unpacked"]
