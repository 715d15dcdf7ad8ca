"""Draw the README's picture of a song page, as a browser shows it: `make pictures`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from helpers import datasets, pages, published
from helpers.classify import Classifier
from helpers.files import write_atomic
from tests.conftest import BROWSER, ROOT

SONG = "A synthetic jazz tune"
SIZE = {"width": 900, "height": 690}
OUT = ROOT / "notebooks" / "results" / "song_page.png"


def draw(folder: Path) -> bytes:
    """Render a song, write its page as `make listen` does, and take its picture."""
    few = {"artists_per_genre": 1, "tracks_per_artist": 1, "seconds": 45.0}
    music = datasets.load("demo", folder, classes=["jazz"], progress=False, **few)
    song = folder / f"{SONG}.flac"
    shutil.copy(music.tracks["path"].iloc[0], song)
    ask = Classifier(published.musicnn(ROOT / "data"))
    (folder / "song.html").write_text(pages.song_page(ask, song), encoding="utf-8")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light", device_scale_factor=1.25)
        page.goto((folder / "song.html").as_uri())
        page.wait_for_load_state()
        picture = page.screenshot()
        browser.close()
    return picture


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        write_atomic(OUT, draw(Path(place)))
    print(OUT.relative_to(ROOT))
