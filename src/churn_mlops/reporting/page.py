"""The report as one HTML file that needs nothing else: no script, no font, no picture from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import jinja2

from churn_mlops.models.metrics import METRICS
from churn_mlops.reporting import charts, explanations, feature_charts, number_text, sentences
from churn_mlops.reporting.chart_style import Picture, files, inline_svg
from churn_mlops.reporting.money import ListMoney, Money
from churn_mlops.reporting.report_data import Effect, Report

SHOWN_CURVES = 12
SHOWN_SEGMENTS = 12
_LENGTHS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
_LIFT_LENGTHS = (0.01, 0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Page:
    """A report of one version at the money of today.

    Args:
        report: the facts.
        money: what they are worth.
        version: number of the version.
        is_live: whether that version scores customers now.
    """

    report: Report
    money: Money
    version: int
    is_live: bool

    @cached_property
    def pictures(self) -> dict[str, Picture]:
        """Every picture, by its name."""
        report = self.report
        drawn = [
            charts.profit(self.money),
            charts.gains(report),
            charts.lift(report),
            charts.roc(report),
            charts.precision_recall(report),
            charts.calibration(report),
        ]
        if any(effect.importance for effect in report.effects):
            drawn.append(feature_charts.importance(report))
        domain = feature_charts.shared_domain(report)
        drawn += [feature_charts.curve(report, effect, name, domain) for name, effect in self._curves()]
        if report.segments:
            drawn.append(feature_charts.segments(report))
        return {picture.name: picture for picture in drawn}

    def html(self) -> str:
        """The page."""
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("churn_mlops.reporting"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals |= {
            "number_text": number_text,
            "say": sentences,
            "explanations": explanations,
            "metrics": METRICS,
            "svg": self._svg,
        }
        return environment.get_template("report.html.j2").render(
            report=self.report,
            money=self.money,
            version=self.version,
            is_live=self.is_live,
            lists=self._lists(),
            lengths=[sentences.length_near(self.report, share) for share in self._kept(_LIFT_LENGTHS)],
            curves=self._curves()[:SHOWN_CURVES],
            more_curves=self._curves()[SHOWN_CURVES:],
            shown_segments=self.report.segments[:SHOWN_SEGMENTS],
            has_importance="importance" in self.pictures,
        )

    def files(self) -> dict[str, bytes]:
        """Every picture as SVG and as PNG, by the file's name."""
        return {name: data for picture in self.pictures.values() for name, data in files(picture).items()}

    def _svg(self, name: str) -> str:
        return inline_svg(self.pictures[name])

    def _curves(self) -> Sequence[tuple[str, Effect]]:
        ranked = enumerate(self.report.effects, 1)
        return [(f"feature-{rank}", effect) for rank, effect in ranked if effect.has_curve]

    def _lists(self) -> list[ListMoney]:
        chosen = [self.money.nearest(share) for share in self._kept(_LENGTHS)]
        if self.money.best is not None:
            chosen.append(self.money.best)
        return sorted({entry.share: entry for entry in chosen}.values(), key=lambda entry: entry.share)

    def _kept(self, shares: Sequence[float]) -> list[float]:
        return [share for share in shares if share >= 0.9 * self.report.lengths[0].share]
