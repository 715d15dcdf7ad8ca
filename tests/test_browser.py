"""In a real browser: the microphone answers in JupyterLab, and no name becomes a script."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from helpers import interactive

websocket = pytest.importorskip("websocket", reason="it comes with jupyterlab: make install")

ROOT = Path(__file__).resolve().parents[1]
BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(BROWSER is None, reason="no browser: apt-get install -y chromium"),
]


def wait(ready, *, what: str, seconds: float = 40):
    """Ask again and again until there is an answer, and return it."""
    end = time.monotonic() + seconds
    while not (answer := ready()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.2)
    return answer


class Browser:
    """One page of Chromium without a window, driven through its developer tools."""

    def __init__(self, folder: Path, *flags: str):
        self.process = subprocess.Popen(
            [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--remote-debugging-port=0", f"--user-data-dir={folder}", *flags],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.number, self.socket = 0, None
        try:
            told = folder / "DevToolsActivePort"
            wait(lambda: told.exists() and len(told.read_text().split()) == 2, what=BROWSER)
            port, path = told.read_text().split()
            self.connect(port, path)
            page = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.socket.close()
            self.connect(port, f"/devtools/page/{page}")
        except BaseException:
            self.process.kill()
            raise

    def connect(self, port: str, path: str) -> None:
        address = f"ws://127.0.0.1:{port}{path}"
        self.socket = websocket.create_connection(address, timeout=30, suppress_origin=True)

    def call(self, method: str, **arguments) -> dict:
        self.number += 1
        message = {"id": self.number, "method": method, "params": arguments}
        self.socket.send(json.dumps(message))
        while (answer := json.loads(self.socket.recv())).get("id") != self.number:
            pass
        return answer["result"]

    def run(self, script: str):
        """Return what a script gives, run as if a person had clicked; None if it fails."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                           awaitPromise=True, userGesture=True)  # fmt: skip
        return answer["result"].get("value") if "exceptionDetails" not in answer else None

    def close(self) -> None:
        try:
            self.call("Browser.close")
            self.process.wait(10)
        finally:
            self.process.kill()


@pytest.fixture
def lab(tmp_path):
    """Start JupyterLab on a free port, with nothing of this user's settings."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folders = {name: str(tmp_path / "jupyter" / name) for name in (
        "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR",
        "JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")}  # fmt: skip
    with (tmp_path / "lab.txt").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
             "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0",
             f"--ServerApp.root_dir={tmp_path}", "--IdentityProvider.token=",
             "--LabApp.expose_app_in_browser=True"],
            env=os.environ | folders | {"PYTHONPATH": str(ROOT)}, stdout=log, stderr=log,
        )  # fmt: skip

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait(answers, what="JupyterLab")
        yield f"http://127.0.0.1:{port}/lab"
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()


CELL = """
from pathlib import Path
from helpers.interactive import Recorder
def keep(y, sr):
    y.tofile("heard.f32")
    Path("rate.txt").write_text(str(sr))
    return f"heard {len(y)} samples"
Recorder(keep, seconds=2)
"""


def test_the_microphone_answers_in_jupyterlab(lab, tmp_path):
    """The microphone is Chromium's own, which beeps twice a second."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = new_notebook(cells=[new_code_cell(CELL)], metadata=kernel)
    nbformat.write(notebook, tmp_path / "try.ipynb")
    browser = Browser(tmp_path / "browser", "--use-fake-ui-for-media-stream",
                      "--use-fake-device-for-media-stream")  # fmt: skip
    try:
        browser.call("Page.navigate", url=f"{lab}/tree/try.ipynb")
        # The session is there before the kernel is: ask for the kernel's own word.
        here = "window.jupyterapp?.shell.currentWidget?.sessionContext"
        wait(lambda: browser.run(f"{here}?.session?.kernel?.status") == "idle", what="a kernel")
        browser.run("void jupyterapp.commands.execute('notebook:run-all-cells')")
        button = (
            "[...document.querySelectorAll('button')].find(b => /^record /.test(b.textContent))"
        )
        wait(lambda: browser.run(f"Boolean({button})"), what="the button")
        browser.run(f"window.button = {button}; button.click()")
        shown = "button.nextElementSibling.textContent.replace('listening ...', '')"
        told = wait(lambda: browser.run(shown), what="an answer", seconds=15)
    finally:
        browser.close()
    y, rate = np.fromfile(tmp_path / "heard.f32", np.float32), (tmp_path / "rate.txt").read_text()
    rate = float(rate)
    assert told == f"heard {len(y)} samples"
    assert rate in (44100, 48000) and 1.5 < len(y) / rate < 2.5
    [loud] = np.nonzero(np.abs(y) > np.abs(y).max() / 2)
    assert np.abs(y).max() > 0.01
    beeps = loud[np.diff(loud, prepend=-rate) > 0.2 * rate] / rate
    assert len(beeps) >= 3 and np.diff(beeps) == pytest.approx(0.5, abs=0.05)


def test_no_name_becomes_a_script(tmp_path):
    """A browser reads a page by more rules than html.parser knows."""
    names = ["</script><script>window.hit = 1</script>", "<!--<script>", "a\u2028b",
             '"><img src=x onerror="window.hit = 1">', "'", "&lt;", "{title}{0}"]  # fmt: skip
    proba = np.linspace(0, 1, len(names))[None]
    html = interactive.player(np.zeros(4000), proba, names, [0.0], 0.5, sr=8000, title=names[0])
    points = np.arange(2.0 * len(names)).reshape(-1, 2)
    page = tmp_path / "page.html"
    html += interactive.hover_map(points, names, names[::-1])
    page.write_text(f"<!doctype html><meta charset=utf-8>{html}", encoding="utf8")
    browser = Browser(tmp_path / "browser")
    try:
        browser.call("Page.navigate", url=page.as_uri())
        wait(lambda: browser.run("document.readyState") == "complete"
             and browser.run("document.scripts.length") > 0, what="the page")  # fmt: skip
        seen = browser.run("""({
          scripts: document.scripts.length, images: document.images.length, hit: window.hit || 0,
          tags: JSON.parse(document.scripts[0].textContent).tags,
          texts: [...document.querySelectorAll("text")].map(e => e.textContent),
          titles: [...document.querySelectorAll("title")].map(e => e.textContent)})""")
        browser.run("document.querySelector('svg').dispatchEvent(new MouseEvent('click'))")
        says = browser.run("document.querySelector('.says').textContent")
    finally:
        browser.close()
    assert seen == {"scripts": 2, "images": 0, "hit": 0, "tags": names, "texts": 2 * names,
                    "titles": names[::-1]}  # fmt: skip
    assert says.endswith(f"{names[-1]} 100 %, {names[-2]} 83 %, {names[-3]} 67 %")
