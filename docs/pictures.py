"""Draws the pictures of the pages from the real program: ``python docs/pictures.py`` (after ``make test``)."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from churn_mlops.cli import scoring, terminal
from churn_mlops.config import Settings
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.pipelines.onboarding.demo import make_company
from churn_mlops.pipelines.onboarding.demo_places import demo_settings
from churn_mlops.pipelines.scoring.score import score
from churn_mlops.pipelines.training.report import recorded, write_report
from churn_mlops.pipelines.training.train import train

IMAGES = Path(__file__).parent / "images"
# Rich's own frame asks a web site for its font; these pictures need no network.
FRAME = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code", "DejaVu Sans Mono, Menlo, Consolas"
)


def draw_list(settings: Settings, folder: Path) -> None:
    """The ranked list of the demo company, as the terminal shows it."""
    with (folder / "out").open("w") as unseen:
        terminal.out = Console(record=True, width=104, highlight=False, file=unseen)
        scoring.show(score(settings))
        terminal.out.save_svg(str(IMAGES / "list.svg"), title="churn score", code_format=FRAME)


def draw_report(settings: Settings, folder: Path) -> None:
    """The report of the demo company, as a browser shows it: the part about money."""
    page = folder / "report.html"
    write_report(recorded(settings), page)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 805})
        tab.goto(f"{page.as_uri()}#money")
        tab.screenshot(path=IMAGES / "report.png")
        browser.close()


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        demo = demo_settings(Settings(), Path(name))
        make_company(Path(name), customers=20_000, months=24, seed=20261123, last_day=LAST_DAY)
        train(demo)
        draw_list(demo, Path(name))
        draw_report(demo, Path(name))
