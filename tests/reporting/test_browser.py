"""The page in a real browser, at the width of a desk and of a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from churn_mlops.pipelines.training.report import Recorded, write_report
from tests.chromium import CHROMIUM

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium: apt-get install chromium (`make test` does as root)"
)


@pytest.fixture(scope="module")
def written(found: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(found, path)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_nothing_is_asked_of_the_network_and_nothing_fails(
    browser: Browser, written: Path, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if request.url != written.as_uri() else None)
    page.goto(written.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    beyond = """() => [...document.querySelectorAll('body *')].filter(each => !each.closest('.scroll'))
        .filter(each => each.getBoundingClientRect().right > innerWidth + 0.5).map(each => each.outerHTML.slice(0, 80))
    """
    assert page.evaluate(beyond) == []
    smallest = (
        "() => Math.min(...[...document.querySelectorAll('svg text')].map(each => each.getBoundingClientRect().height))"
    )
    assert page.evaluate(smallest) >= 10
    page.close()


def test_a_phone_shows_every_table_whole(browser: Browser, written: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(written.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    cut = """() => [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth)
        .map(each => each.getAttribute('aria-label'))"""
    assert page.evaluate(cut) == []
    unnamed = "() => [...document.querySelectorAll('.rows td')].filter(each => !each.dataset.of).length"
    assert page.evaluate(unnamed) == 0
    page.close()


def test_the_labels_of_an_axis_do_not_collide(browser: Browser, written: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(written.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    colliding = """() => [...document.querySelectorAll('.role-axis-label')].flatMap(axis => {
        const boxes = [...axis.querySelectorAll('text')].filter(each => each.getAttribute('opacity') !== '0')
            .map(each => each.getBoundingClientRect());
        return boxes.flatMap((one, place) => boxes.slice(place + 1).filter(other =>
            one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom));
    }).length"""
    assert page.evaluate(colliding) == 0
    page.close()
