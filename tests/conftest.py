"""Fixtures that several test files share, and the order of the tests."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the small study: it takes longest; another process does the rest beside it."""
    items.sort(key=lambda item: item.path.name != "test_series.py")
    if "EVERY_NETWORK" not in os.environ:
        later = pytest.mark.skip(reason="a quarter of a minute: `make test-versions` runs it")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(later)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real audio, which is not part of the project."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MUSIC_DATA_DIR", default))
    if not folder.is_dir():
        pytest.skip(f"no real audio: {folder} is absent (set MUSIC_DATA_DIR)")
    return folder


@pytest.fixture(scope="module")
def chromium():
    """Start a browser whose microphone beeps twice a second."""
    if BROWSER is None:
        pytest.skip("no browser: apt-get install -y chromium")
    driven = pytest.importorskip("playwright.sync_api", reason="make test installs it")
    flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with driven.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Open a page; afterwards, no script has failed and nothing was asked of another machine."""
    opened = []

    def open_page(address, **device):
        page = chromium.new_page(**device)
        errors, asked = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        opened.append((page, errors, asked))
        return page

    yield open_page
    for page, errors, asked in opened:
        page.close()
        assert not errors
        local = ("file:", "data:", "blob:", "http://127.0.0.1", "ws://127.0.0.1")
        assert [url for url in asked if not url.startswith(local)] == []


def serious(page) -> list[str]:
    """Say what keeps people from using a page, as axe-core finds it."""
    from axe_playwright_python.sync_playwright import Axe

    response = Axe().run(page).response
    assert response["passes"]  # it has looked
    return [
        f"{found['id']}: {node['html'][:200]}" for found in response["violations"]
        for node in found["nodes"] if found["impact"] in ("serious", "critical")
    ]  # fmt: skip
