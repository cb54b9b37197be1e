"""Draws the pictures of the pages from the real program: ``python docs/pictures.py`` (after ``make .venv/.dev``)."""

from __future__ import annotations

import re
import tempfile
from datetime import date
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from churn_mlops.cli import scoring, terminal
from churn_mlops.config import Settings
from churn_mlops.pipelines.demo import demo_settings, make_company
from churn_mlops.pipelines.score import score
from churn_mlops.pipelines.train import train

IMAGES = Path(__file__).parent / "images"
# Rich's own frame asks a web site for its font; these pictures ask nobody.
FRAME = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code", "DejaVu Sans Mono, Menlo, Consolas"
)


def draw_list() -> None:
    """The ranked list of the demo company, as the terminal shows it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = demo_settings(Settings(), folder)
        make_company(folder, customers=20_000, seed=20261123)
        train(settings)
        terminal.out = Console(record=True, width=104, highlight=False, file=(folder / "out").open("w"))
        scoring.show(score(settings, date(2026, 11, 23)))
        terminal.out.save_svg(str(IMAGES / "list.svg"), title="churn score", code_format=FRAME)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    draw_list()
