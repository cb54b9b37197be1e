"""Draws the pictures of the console from the real program: ``python docs/console_pictures.py [CONFIG]``.

CONFIG is a file of settings with a published list and a live model, such as ``demo/config.yaml``. Without it, a demo
company is made.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from churn_mlops.cli.serving import reader
from churn_mlops.config import Settings, load_settings
from churn_mlops.pipelines.onboarding.demo import demo_settings, make_company
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.pipelines.training.train import train
from churn_mlops.serving.console.frame.navigation import customer_path
from churn_mlops.serving.model.model_watcher import ModelWatcher
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.serving.server import Server, address_of, listen
from churn_mlops.store import open_store
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.scoring.browsing import Selection, read_slice
from churn_mlops.store.scoring.runs import latest_run

IMAGES = Path(__file__).parent / "images"
DESK, PHONE = {"width": 1280, "height": 760}, {"width": 390, "height": 844}


def draw(settings: Settings) -> None:
    """Draw the page of a customer, the list, the search and the models."""
    customers = record_some_contacts(settings)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with served(settings) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        draw_page(browser, f"{url}{customer_path(customers[1])}", "console-customer", "light")
        draw_page(browser, f"{url}/list", "console-list", "light")
        draw_page(browser, f"{url}{customer_path(customers[1])}", "console-phone", "dark", PHONE)
        draw_page(browser, f"{url}/models", "console-models", "dark")
        browser.close()


def draw_page(browser: Browser, url: str, name: str, scheme: str, size: dict[str, int] = DESK) -> None:
    """Draw one page, as wide as ``size``."""
    page = browser.new_page(viewport=size, color_scheme=scheme)
    page.goto(url)
    page.screenshot(path=IMAGES / f"{name}.png")
    page.close()


def record_some_contacts(settings: Settings) -> list[str]:
    """Record contacts with customers of the list, so that the pages have some to show; the first of the list."""
    with open_store(settings.store.url) as store:
        run = latest_run(store)
        if run is None:
            sys.exit("no list is published: `churn score` publishes one")
        customers = [one.customer for one in read_slice(store, run, Selection("contact"), 8).items]
        for days, (place, result) in enumerate([(1, "no_answer"), (4, "accepted"), (2, "declined"), (3, "no_answer")]):
            at = utc_now() - timedelta(days=9 - days)
            offer, caller = "20 % off for a year", "person:anna"
            record_contact(store, NewContact(f"picture-{days}", "", customers[place], at, offer, result, caller))
    return customers


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The address of a server of these settings."""
    with closing(StoreClient(settings.store.url)) as store:
        slot, listening, ready = ModelSlot(), listen("127.0.0.1", 0), threading.Event()
        ModelWatcher(settings, store, slot).first()
        url = address_of(listening)
        server = Server(slot, settings, url, ready.set, store, None, reader(settings))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        ready.wait()
        yield url
        server.should_exit = True
        thread.join()


def demo(folder: Path) -> Settings:
    """A demo company with a published list."""
    settings = demo_settings(Settings(), folder)
    make_company(folder, customers=20_000, months=24, seed=20261123)
    train(settings)
    run_day(settings)
    return settings


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        found = load_settings(Path(sys.argv[1])) if sys.argv[1:] else demo(Path(name))
        # The demo company may end weeks ago: its pages show what they look like on any other day.
        fresh = found.console.model_copy(update={"stale_days": 3650})
        draw(found.model_copy(update={"console": fresh}))
