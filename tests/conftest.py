"""Fixtures that several test files share, and the order of the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
PHONE = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 900}, "color_scheme": "light"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the small study: it takes longest; another process does the rest beside it."""
    items.sort(key=lambda item: item.path.name != "test_series.py")
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
    if "EVERY_NETWORK" in os.environ:
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="it takes long: `make test-versions` runs it"))


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


@pytest.fixture
def lab(tmp_path):
    """Start JupyterLab on a free port, with nothing of this user's settings: address and folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {name: str(tmp_path / "jupyter" / name) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
        "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")}  # fmt: skip
    settings = Path(folders["JUPYTERLAB_SETTINGS_DIR"]) / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)  # every cell is in the page, not only those in sight
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    with (tmp_path / "lab.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
             "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
             f"--ServerApp.root_dir={tmp_path}", "--IdentityProvider.token=",
             "--LabApp.expose_app_in_browser=True"],
            env=os.environ | folders | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log,
        )  # fmt: skip

    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield SimpleNamespace(address=f"http://127.0.0.1:{port}/lab", folder=tmp_path)
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()


def run_all(page) -> None:
    """Run all cells of the notebook that JupyterLab shows, and wait for the last one."""
    # The session is there before the kernel is: ask for the kernel's own word.
    here = "window.jupyterapp?.shell.currentWidget?.sessionContext"
    page.wait_for_function(f"{here}?.session?.kernel?.status === 'idle'", timeout=60_000)
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")


def serious(page) -> list[str]:
    """Say what keeps people from using a page, as axe-core finds it."""
    from axe_playwright_python.sync_playwright import Axe

    response = Axe().run(page).response
    assert response["passes"]  # it has looked
    return [
        f"{found['id']}: {node['html'][:200]}" for found in response["violations"]
        for node in found["nodes"] if found["impact"] in ("serious", "critical")
    ]  # fmt: skip
