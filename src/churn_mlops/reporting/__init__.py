"""The report: what a model predicts, from what, how well, what it is worth. Facts first, words and pictures after."""

from churn_mlops.reporting.build import build_report
from churn_mlops.reporting.money import Money, money_of
from churn_mlops.reporting.report_data import REPORT_FILE, Report, read_report

__all__ = ["REPORT_FILE", "Money", "Report", "build_report", "money_of", "read_report"]
