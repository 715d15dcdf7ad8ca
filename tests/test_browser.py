"""In a real browser: pages play, jump, search and fit; the microphone answers in JupyterLab."""

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import soundfile
from nbformat.v4 import new_code_cell, new_notebook

from helpers import interactive, pages
from helpers.classify import Answer
from tests.conftest import DESKTOP, PHONE, run_all, serious

playwright = pytest.importorskip("playwright.sync_api", reason="make test installs it")

pytestmark = pytest.mark.processes


CELL = """
from pathlib import Path
from helpers.interactive import Recorder
def keep(y, sr):
    y.tofile("heard.f32")
    Path("rate.txt").write_text(str(sr))
    return f"heard {len(y)} samples"
Recorder(keep, seconds=2)
"""


def test_the_microphone_answers_in_jupyterlab(lab, visit):
    """The microphone is Chromium's own, which beeps twice a second."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = new_notebook(cells=[new_code_cell(CELL)], metadata=kernel)
    nbformat.write(notebook, lab.folder / "try.ipynb")
    page = visit(f"{lab.address}/tree/try.ipynb")
    run_all(page)
    button = page.get_by_role("button", name="record 2 s")
    button.click(timeout=60_000)
    shown = page.locator("button:has-text('record') + pre")
    playwright.expect(shown).to_contain_text("heard", timeout=20_000)
    y = np.fromfile(lab.folder / "heard.f32", np.float32)
    rate = float((lab.folder / "rate.txt").read_text())
    assert shown.text_content() == f"heard {len(y)} samples"
    assert rate in (44100, 48000) and 1.5 < len(y) / rate < 2.5
    [loud] = np.nonzero(np.abs(y) > np.abs(y).max() / 2)
    assert np.abs(y).max() > 0.01
    beeps = loud[np.diff(loud, prepend=-rate) > 0.2 * rate] / rate
    assert len(beeps) >= 3 and np.diff(beeps) == pytest.approx(0.5, abs=0.05)


# --- hostile names -----------------------------------------------------------------------------

NAMES = ["</script><script>window.hit = 1</script>", "<!--<script>", "a\u2028b",
         '"><img src=x onerror="window.hit = 1">', "'", "&lt;", "{title}{0}"]  # fmt: skip


def test_no_name_becomes_a_script(visit, tmp_path):
    """A browser reads a page by more rules than html.parser knows."""
    proba = np.linspace(0, 1, len(NAMES))[None]
    html = interactive.player(np.zeros(4000), proba, NAMES, [0.0], 0.5, sr=8000, title=NAMES[0])
    points = np.arange(2.0 * len(NAMES)).reshape(-1, 2)
    html += interactive.hover_map(points, NAMES, NAMES[::-1])
    (tmp_path / "page.html").write_text(f"<!doctype html><meta charset=utf-8>{html}", "utf8")
    page = visit((tmp_path / "page.html").as_uri())
    seen = page.evaluate("""({
      scripts: document.scripts.length, images: document.images.length, hit: window.hit || 0,
      tags: JSON.parse(document.scripts[0].textContent).tags,
      rows: [...document.querySelectorAll(".rows > span")].map(e => e.textContent),
      texts: [...document.querySelectorAll("text")].map(e => e.textContent),
      titles: [...document.querySelectorAll("title")].map(e => e.textContent)})""")
    assert seen == {"scripts": 2, "images": 0, "hit": 0, "tags": NAMES, "rows": NAMES,
                    "texts": sorted(NAMES), "titles": NAMES[::-1]}  # fmt: skip
    page.locator(".over").click()
    says = page.locator(".says").text_content()
    assert says.endswith(f"{NAMES[-1]} 100 %, {NAMES[-2]} 83 %, {NAMES[-3]} 67 %")


# --- the page of a song, the page of a library ---------------------------------------------------


class Ask:
    """Answers by the name of the file."""

    classes, digest = ["jazz", "rock", NAMES[0]], "1"
    card = {"model": NAMES[3], "classes": classes}

    def __call__(self, path):
        y, sr = soundfile.read(path)
        n, jazz = int(len(y) / sr), "jazz" in str(path)
        proba = np.tile([0.8, 0.1, 0.15] if jazz else [0.05, 0.7, 0.0], (n, 1))
        over_time = pd.DataFrame(proba, np.arange(n, dtype=float), self.classes)
        rng = np.random.default_rng(len(str(path)))
        E = np.r_[proba[0], 0.1 * rng.normal(size=5)].astype("float32")
        return Answer(over_time.mean().sort_values(ascending=False), over_time, E, len(y) / sr)


def beeps(path, at, seconds=12, sr=24000):
    """A sound that is silent but for a tenth of a second at each of some moments."""
    y = 1e-4 * np.random.default_rng(0).normal(size=seconds * sr)
    for moment in at:
        n = np.arange(sr // 10)
        y[int(moment * sr) :][: len(n)] += 0.5 * np.sin(2 * np.pi * 880 * n / sr)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, y, sr)
    return path


def playing(page, selector):
    page.wait_for_function(
        f"(() => {{ const s = document.querySelector('{selector}');"
        " return !s.paused && s.currentTime > (window.before ||= s.currentTime); })()"
    )
    return page.evaluate(f"document.querySelector('{selector}').currentTime")


def fits(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_song_page_in_a_browser(visit, tmp_path, device):
    title = NAMES[3].replace("/", "")
    song = beeps(tmp_path / f"{title} jazz.wav", [4.0, 9.0])
    out = tmp_path / "song.html"
    out.write_text(pages.song_page(Ask(), song, out), encoding="utf8")
    song.unlink()  # the page holds all it needs
    page = visit(out.as_uri(), **device)
    assert page.title() == page.locator("h1").text_content() == song.stem
    assert page.evaluate("window.hit") is None and fits(page) and not serious(page)
    assert "From beginning to end it has jazz" in page.locator(".said").text_content()
    over = page.locator(".over")
    box = over.bounding_box()
    over.click(position={"x": box["width"] * 0.7, "y": 20})
    assert 8.4 <= playing(page, "audio") < 11
    places = page.evaluate("""async () => { const seen = new Set();
      for (let i = 0; i < 30; i++) {
        seen.add(document.querySelector(".now").style.left);
        await new Promise(requestAnimationFrame);
      }
      return seen.size; }""")
    assert places > 10  # it moves with the sound, not four times a second
    page.evaluate("document.querySelector('audio').pause()")
    page.wait_for_timeout(100)
    at, line = page.evaluate("""[document.querySelector("audio").currentTime,
        parseFloat(document.querySelector(".now").style.left)]""")
    assert line == pytest.approx(100 * at / 12, abs=1)
    assert "jazz 80 %" in page.locator(".says").text_content()
    over.press("ArrowLeft")
    assert page.evaluate("document.querySelector('audio').currentTime") == pytest.approx(at - 5)


def test_the_cursor_is_where_the_sound_is(visit, tmp_path):
    """What the browser decodes from the page has its beeps where the picture has them."""
    out = tmp_path / "song.html"
    out.write_text(pages.song_page(Ask(), beeps(tmp_path / "s.wav", [4.0, 9.0])), encoding="utf8")
    page = visit(out.as_uri())
    source = page.evaluate("document.querySelector('audio').src").split(",")[1]
    heard = page.evaluate(
        """async (text) => {
          const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
          const sound = await new OfflineAudioContext(1, 8000, 8000).decodeAudioData(bytes.buffer);
          return [...sound.getChannelData(0)].map(Math.abs);
        }""",
        source,
    )
    [loud] = np.nonzero(np.array(heard) > 0.2)
    first, second = loud[0] / 8000, loud[loud > 6 * 8000][0] / 8000
    assert (first, second) == pytest.approx((4.0, 9.0), abs=0.1)
    picture = page.evaluate(
        """() => { const image = document.querySelector(".rows img");
          const canvas = document.createElement("canvas");
          const [w, h] = [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
          const pen = canvas.getContext("2d");
          pen.drawImage(image, 0, 0);
          const data = pen.getImageData(0, 0, w, h).data, sums = new Array(w).fill(0);
          for (let i = 0; i < w * h; i++) sums[i % w] += data[4 * i];
          return sums; }"""
    )
    [bright] = np.nonzero(np.array(picture) > 1.5 * np.median(picture))
    at = 12 * bright / len(picture)
    assert (at[0], at[at > 6][0]) == pytest.approx((4.0, 9.0), abs=0.1)


@pytest.fixture
def library(tmp_path):
    root = tmp_path / "my music"
    for artist in ("jazz & co", "rock #1"):
        for i in range(4):
            beeps(root / artist / f"song {i}%.wav", [1.0], seconds=3 + i)
    beeps(root / "x" / (NAMES[3].replace("/", "") + ".wav"), [1.0])
    (root / "x" / "broken.mp3").write_bytes(b"no music")
    out = tmp_path / "pages" / "library.html"
    files = sorted(root.rglob("*.*"))
    pages.library_page(Ask(), files, root, out)
    return out


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_library_page_in_a_browser(visit, library, device):
    page = visit(library.as_uri(), **device)
    assert page.evaluate("window.hit") is None and fits(page) and not serious(page)
    assert page.locator("#rows tr").count() == page.locator("#map circle").count() == 9
    assert "x/broken.mp3" in page.locator("#problems").text_content()
    page.locator("#search").fill("jazz song 2")
    assert page.locator("#rows tr").count() == 1
    assert page.locator("#map circle:not(.away)").count() == 1
    page.locator("#map circle:not(.away)").click()
    playing(page, "#sound")
    assert page.locator("#what").text_content() == "jazz & co – song 2%"
    assert page.locator("#near button").count() == 5
    assert "jazz & co" not in page.locator("#near").text_content()
    page.locator("#near button").first.click()
    assert "jazz & co" not in page.locator("#playing").text_content()
    page.locator("#search").fill("")
    page.locator("th button[data-key=seconds]").click()
    page.locator("th button[data-key=seconds]").click()
    assert "0:12" in page.locator("#rows tr").first.text_content()
    page.locator("#colour").select_option(label="jazz")
    dots = page.locator("#map circle")
    assert len({dots.nth(i).get_attribute("fill") for i in range(9)}) == 2


def test_a_playlist_plays_elsewhere(visit, library):
    page = visit(library.as_uri())
    assert page.locator("#save").is_disabled()
    page.locator("#search").fill("rock #1")
    page.locator("#all").click()
    with page.expect_download() as download:
        page.locator("#save").click()
    lines = Path(download.value.path()).read_text(encoding="utf8").splitlines()
    assert lines[0] == "#EXTM3U" and len(lines) == 9
    assert lines[1] == "#EXTINF:3,rock #1 – song 0%"
    root = library.parent.parent / "my music" / "rock #1"
    assert [Path(line) for line in lines[2::2]] == [root / f"song {i}%.wav" for i in range(4)]
    page.locator("#rows input").first.uncheck()
    assert page.locator("#save").text_content() == "save playlist (3)"
