"""The dashboards of Grafana; ``make manifests`` writes their JSON into ``infra/monitoring/grafana``."""

from __future__ import annotations

import sys
from pathlib import Path

from infra.monitoring.grafana_panels import Dashboard, Panel

FOLDER = Path(__file__).with_name("grafana")
RATE, DAY, HOUR = "[$__rate_interval]", 86_400, 3_600
REQUESTS = 'churn_requests_total{route!~"/health|/ready|/metrics"}'
FAULTS = 'churn_requests_total{status=~"5..", route!~"/health|/ready|/metrics"}'


def _age(metric: str) -> str:
    return f"time() - max({metric})"


def _quantile(share: float) -> str:
    times = f"churn_request_seconds_bucket{{route!~'/health|/ready|/metrics'}}{RATE}"
    return f"histogram_quantile({share}, sum by (le) (rate({times})))"


def _interval(metric: str, labels: str = "", by: str = "") -> dict[str, str]:
    """A figure and the ends of its 95 % interval, the same of each server."""
    over = f"max by ({by})" if by else "max"
    legend = f"{{{{{by}}}}}" if by else "figure"
    ends = {legend: metric, f"{legend} low".strip(): f"{metric}_low", f"{legend} high".strip(): f"{metric}_high"}
    return {name: f"{over} ({one}{labels})" for name, one in ends.items()}


_UP = (
    Panel("Servers", "Servers that Prometheus reaches. It should be as many as you run.", "short",
          "runbooks/server-gone", {"": 'sum(up{job="api"})'}, "number", (1, 0), 4),
    Panel("Processes", "Processes that answer, over all servers.", "short",
          "runbooks/worker-missing", {"": "sum(churn_workers)"}, "number", (1, 0), 4),
    Panel("Processes with a model", "Without one, no prediction is answered.", "short",
          "runbooks/no-model", {"": "sum(churn_model_live)"}, "number", (1, 0), 4),
    Panel("Store last read", "Each server reads the store every 15 seconds. From 5 minutes on, it is unavailable.", "s",
          "runbooks/store-unavailable", {"": _age("churn_store_read_timestamp_seconds")}, "number", (60, 300), 4),
    Panel("Alerts that fire", "Watchdog always fires: it proves that alerts arrive.", "short",
          "runbooks/README", {"": 'sum by (alertname, severity) (ALERTS{alertstate="firing"})'}, "table", (), 8),
)  # fmt: skip
_REQUESTS = (
    Panel("Requests", "Requests a second of each route, without probes.", "reqps",
          "metrics", {"{{route}}": f"sum by (route) (rate({REQUESTS}{RATE}))"}),
    Panel("Answers by status", "4xx are faults of clients, 5xx of the server; 499 is a client that disconnected.",
          "reqps", "metrics", {"{{status}}": f"sum by (status) (rate({REQUESTS}{RATE}))"}),
    Panel("Failed requests", "Share with a fault of the server. The objective allows 0.1 % over 30 days.",
          "percentunit", "runbooks/requests-fail",
          {"failed": f"sum(rate({FAULTS}{RATE})) / sum(rate({REQUESTS}{RATE}))"}, "lines", (0.001, 0.0144)),
    Panel("How fast the allowed failures are used up", "1 uses them up in 30 days. An alert wakes someone at 14.4 "
          "over an hour or 6 over six hours; 3 over a day is a ticket.", "none", "runbooks/requests-fail",
          {window: f"churn:failed_requests:ratio_rate{window} / 0.001" for window in ("1h", "6h", "1d", "3d")},
          "lines", (3, 14.4)),
    Panel("Time to answer", "Of all routes: half, 95 % and 99 % of the requests are answered within this time.", "s",
          "metrics", {"50 %": _quantile(0.5), "95 %": _quantile(0.95), "99 %": _quantile(0.99)}),
    Panel("Customers scored", "Customers a second, by risk band.", "reqps",
          "metrics", {"{{band}}": f"sum by (band) (rate(churn_scores_total{RATE}))"}),
    Panel("Prediction log: waiting", "Prediction records that wait for the store.", "short",
          "runbooks/predictions-not-logged", {"waiting": "sum(churn_answers_waiting)"}),
    Panel("Prediction log: not logged", "Predictions that are missing from the log, within an hour. It should be 0.",
          "short", "runbooks/predictions-not-logged",
          {"not logged": "sum(increase(churn_answers_dropped_total[1h]))"}, "lines", (1,)),
)  # fmt: skip
_JOBS = (
    Panel("Since the last success", "Of each job that the store knows. The daily run has a success each day.", "s",
          "runbooks/job-fails",
          {"{{job_name}}": "time() - max by (job_name) (churn_job_succeeded_timestamp_seconds)"}, "number", (), 24),
    Panel("Failed tries", "Tries of each job that failed since its last success. It should be 0.", "short",
          "runbooks/job-fails", {"{{job_name}}": "max by (job_name) (churn_job_failures)"}, "lines", (1, 3)),
    Panel("Time of a try", "How long the last try of each job took.", "s", "daily",
          {"{{job_name}}": "max by (job_name) (churn_job_took_seconds)"}),
    Panel("Next run", "Time until the schedule begins the next day. It is empty in a cluster, which has CronJobs.", "s",
          "runbooks/schedule-gone", {"": "max(churn_schedule_next_run_timestamp_seconds) - time()"}, "number", (), 12),
    Panel("Days abandoned", "1 while a day that was abandoned is not made up for. Empty in a cluster.", "short",
          "runbooks/list-missing", {"": "max(churn_schedule_day_abandoned)"}, "number", (1,), 12),
)  # fmt: skip
SERVICE = Dashboard(
    "churn-service",
    "Churn: service",
    "Whether servers, store and jobs work. For the person on call.",
    {"Now": _UP, "Requests": _REQUESTS, "Jobs": _JOBS},
)

_LIVE = (
    Panel("Version", "The version that is live, and in how many processes. Two for long: a server refused the new one.",
          "short", "runbooks/champion-refused",
          {"{{version}} ({{model_type}})": "sum by (version, model_type) (churn_model_live) > 0"}, "number", (), 6),
    Panel("Age of the version", "Since it went live.", "s", "models",
          {"": _age("churn_model_promoted_timestamp_seconds")}, "number", (), 6),
    Panel("Age of the figures", "Since they were measured, which the daily run does.", "s", "runbooks/figures-old",
          {"": _age("churn_measured_timestamp_seconds")}, "number", (2 * DAY, 3 * DAY), 6),
    Panel("Champions refused", "New versions that a server did not take over, within a day.", "short",
          "runbooks/champion-refused", {"": "sum(increase(churn_champion_refused_total[1d]))"}, "number", (1,), 6),
)  # fmt: skip
_FINAL = '{labels="final"}'
_MONEY = (
    Panel("Money lost per month", "What the lists earn less than when the model was newer, on final labels, with its "
          "95 % interval. Below 0, they earn more.", "short", "runbooks/money-lost",
          _interval("churn_money_lost_per_month", _FINAL)),
    Panel("Gain of a month's lists", "In the currency of the settings: on the newest final labels, when the model was "
          "new, and as the newest scores expect.", "short", "dashboard",
          {"final": f"max(churn_list_gain_per_month{_FINAL})", "when new": "max(churn_first_list_gain_per_month)",
           "expected": 'max(churn_list_gain_per_month{labels="expected"})'}),
)  # fmt: skip
_ACCURACY = (
    Panel("AUC", "On final labels of customers without an offer, with its 95 % interval. 0.5 is chance.", "none",
          "dashboard", _interval("churn_model_auc", _FINAL)),
    Panel("AUC, expected", "What the scores of the newest date expect of themselves, before its labels are final; the "
          "95 % interval is for what will come true.", "none",
          "dashboard", _interval("churn_model_auc", '{labels="expected"}')),
    Panel("Estimates that held", "Of the estimates of the AUC whose labels are final by now. Below 80 %, they are of "
          "little use.", "percentunit", "dashboard", {"held": "max(churn_estimates_held_ratio)"}, "lines", (), 12),
    Panel("Churners per expected churner", "1 is right; above it, more customers leave than the scores say.", "none",
          "dashboard", _interval("churn_model_observed_to_expected_ratio", _FINAL)),
    Panel("The same in the top tenth", "Among the tenth with the highest scores, where the offers go.", "none",
          "dashboard", _interval("churn_model_top_decile_observed_to_expected_ratio", _FINAL)),
    Panel("Top decile lift", "Churn rate of the tenth with the highest scores, to that of all. 1 is chance.", "none",
          "dashboard", _interval("churn_model_top_decile_lift_ratio", _FINAL)),
    Panel("Log loss", "In nats per customer; lower is better.", "none",
          "dashboard", _interval("churn_model_log_loss", _FINAL)),
    Panel("Score drift", "Population stability index against the training: from 0.1 on look, from 0.25 on act.",
          "none", "dashboard", {"index": "max(churn_score_drift_index)"}, "lines", (0.1, 0.25)),
    Panel("Feature drift", "The same for the ten features that drifted most. The console says which are beyond chance.",
          "none", "dashboard", {"{{feature}}": "topk(10, max by (feature) (churn_feature_drift_index))"}, "lines",
          (0.1, 0.25)),
    Panel("Scores of the run", "Customers who are likely to churn, of those scored.", "percentunit", "dashboard",
          {"likely to churn": 'max(churn_run_customers{set="likely"}) / max(churn_run_customers{set="scored"})'}),
)  # fmt: skip
_DATA = (
    Panel("Age of the source", "Since the day of the newest row that the run found.", "s", "runbooks/source-stale",
          {"": _age("churn_source_newest_row_timestamp_seconds")}, "number", (2 * 24 * HOUR, 4 * 24 * HOUR), 6),
    Panel("Warnings of the validation", "Of the newest run.", "short", "daily",
          {"warnings": "max(churn_run_warnings)"}, "lines", (), 6),
)  # fmt: skip
MODEL = Dashboard(
    "churn-model",
    "Churn: model",
    "Whether the model is still right, by the figures of the console's dashboard.",
    {"Live": _LIVE, "Money": _MONEY, "Accuracy": _ACCURACY, "Data": _DATA},
    since="now-30d",
)

_LIST = (
    Panel("Customers", "Of the newest run: scored, likely to churn, worth an offer.", "short", "daily",
          {"{{set}}": "max by (set) (churn_run_customers)"}, "number", (), 12),
    Panel("Expected gain of the list", "Sum over the contact list, in the currency of the settings. "
          "A day without the list costs about this much.", "short", "runbooks/list-missing",
          {"": "max(churn_run_expected_gain)"}, "number", (), 6),
    Panel("Age of the list", "Since it was published.", "s", "runbooks/list-missing",
          {"": _age("churn_run_published_timestamp_seconds")}, "number", (26 * HOUR, 48 * HOUR), 6),
    Panel("Customers at risk", "Share of the customers who are likely to churn.", "percentunit", "dashboard",
          {"at risk": "max(churn_customers_at_risk_ratio)"}),
    Panel("Revenue at risk", "Share of the customers' value that is expected to leave.", "percentunit", "dashboard",
          {"at risk": "max(churn_revenue_at_risk_ratio)"}),
    Panel("List worked", "Share of the lists of 28 days that was worked, and of the newest list when it was measured.",
          "percentunit", "dashboard",
          {"28 days": "max(churn_list_worked_ratio)", "newest": "max(churn_list_worked_today_ratio)"}),
)  # fmt: skip
_CAMPAIGNS = (
    Panel("Effect of each campaign", "Share that stayed of the treated, less that of the control group, with its 95 % "
          "interval. An interval with 0 in it proves nothing yet.", "percentunit", "dashboard",
          _interval("churn_campaign_effect_ratio", by="campaign")),
    Panel("Return on investment", "Money in less money out, to money out, with its 95 % interval.", "percentunit",
          "dashboard", _interval("churn_campaign_return_ratio", by="campaign")),
)  # fmt: skip
BUSINESS = Dashboard(
    "churn-business",
    "Churn: business",
    "The list and the campaigns: what is at risk, what is worked, and whether offers work.",
    {"List": _LIST, "Campaigns": _CAMPAIGNS},
    since="now-90d",
)
ALL = (SERVICE, MODEL, BUSINESS)


def write(folder: Path) -> None:
    """Write each dashboard as ``UID.json``."""
    folder.mkdir(exist_ok=True)
    for one in ALL:
        (folder / f"{one.uid}.json").write_text(one.text(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
