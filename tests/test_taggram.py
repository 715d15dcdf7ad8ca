"""Tags over time: what lies under them, and a player that works where there is nothing else."""

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers import interactive
from notebooks.tools import build

SR = 22050


@pytest.fixture
def page():
    y = np.sin(2 * np.pi * 440 * np.arange(6 * SR) / SR).astype(np.float32)
    proba = np.array([[0.1, 0.9], [0.2, 0.8], [0.7, 0.3]])
    truth = np.array([[0, 1], [0, 1], [1, 0]])
    return interactive.player(
        y, proba, ["sax", "<b>"], np.array([0.0, 1.0, 2.0]), 4.0, sr=SR, truth=truth, title="a & b"
    )


def test_heard_adds_up_stretches_and_ends_at_one():
    times = pd.DataFrame({
        "tag": ["sax", "sax", "sax", "other"], "start": [0.0, 3.0, 3.0, 0.0],
        "end": [1.0, 9.0, 9.0, 9.0],
    })  # fmt: skip
    share = interactive.heard(times, ["sax"], np.array([0.0, 4.0, 8.5]), 2.0)
    assert share.ravel().tolist() == [0.5, 1.0, 0.5]
    assert interactive.heard(times[:0], ["sax"], np.array([0.0]), 2.0).tolist() == [[0.0]]


def test_player_holds_its_sound(page):
    [sound] = re.findall(r'src="data:audio/mpeg;base64,([^"]+)"', page)
    y, sr = soundfile.read(io.BytesIO(base64.b64decode(sound)))
    assert sr == SR and len(y) / sr == pytest.approx(6.0, abs=0.3)
    spectrum = np.abs(np.fft.rfft(y[SR : 2 * SR]))
    assert abs(spectrum.argmax() - 440) <= 1
    assert not re.findall(r'(?:src|href)="http', page)


def test_player_draws_answers_and_truth(page):
    assert page.count('fill="#2f6fc4"') == 6 and page.count('fill="#d95f02"') == 3
    assert "&lt;b&gt;" in page and "a &amp; b" in page and "<b>" not in page.split("<script")[0]
    [data] = re.findall(r'<script[^>]*json">(.*?)</script>', page, re.DOTALL)
    data = json.loads(data)
    assert data["edges"] == [0.0, 2.5, 3.5, 6.0] and data["seconds"] == 6.0
    assert data["proba"][2] == [0.7, 0.3]


def test_player_refuses_what_does_not_fit():
    y, start = np.zeros(SR), np.array([0.0, 1.0])
    with pytest.raises(ValueError, match="2 windows and 1 tags"):
        interactive.player(y, np.zeros((3, 1)), ["a"], start, 1.0, sr=SR)
    with pytest.raises(ValueError, match="the truth has shape"):
        interactive.player(y, np.zeros((2, 1)), ["a"], start, 1.0, sr=SR, truth=np.zeros((1, 1)))


NAMES = [
    "</script><script>alert(1)</script>", "<!--<script>", "--><svg onload=alert(1)>", "]]>",
    '"><img src=x onerror=alert(1)>', "' onload='alert(1)", "&", "&lt;", "a\u2028b\u2029c",
    "{title}", "{0}", "{", "}}", "%s", "\\u003c",
]  # fmt: skip


class Elements(HTMLParser):
    """What a page holds: its elements with the names of their attributes, and the text of each."""

    def __init__(self, page: str):
        super().__init__()
        self.found, self.texts = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, [name for name, _ in attrs]))
        self.texts.append("")

    def handle_data(self, data):
        self.texts[-1] += data

    def handle_comment(self, data):
        self.found.append(("comment", data))

    def of(self, tag: str) -> list[str]:
        return [text for (name, _), text in zip(self.found, self.texts) if name == tag]


@pytest.mark.parametrize("title", NAMES)
def test_a_name_in_the_player_is_text_and_nothing_else(title):
    def page(names, title):
        return interactive.player(
            np.zeros(SR), np.ones((1, len(names))), names, [0.0], 1.0, sr=SR, title=title
        )

    plain, hostile = Elements(page(["a"] * len(NAMES), "a")), Elements(page(NAMES, title))
    assert hostile.found == plain.found and len(hostile.of("script")) == 2
    assert hostile.of("span")[: len(NAMES)] == NAMES and hostile.of("div")[1].strip() == title
    data, script = hostile.of("script")
    assert json.loads(data)["tags"] == NAMES and script == plain.of("script")[1]
    assert not set("<>&\u2028\u2029") & set(data)  # a browser knows more than html.parser


@pytest.mark.parametrize("title", NAMES)
def test_a_name_in_a_map_is_text_and_nothing_else(title):
    points = np.arange(2.0 * len(NAMES)).reshape(-1, 2)
    plain = interactive.hover_map(points, [str(i) for i in range(len(NAMES))], ["a"] * len(NAMES))
    hostile = Elements(interactive.hover_map(points, NAMES, [title] * len(NAMES)))
    assert hostile.found == Elements(plain).found
    assert hostile.of("text") == sorted(NAMES) and hostile.of("title") == [title] * len(NAMES)


def test_the_player_survives_on_a_saved_page(page):
    """All other scripts of a page come from the network, and go."""
    from nbformat.v4 import new_code_cell, new_notebook, new_output

    other = "<script src='https://example.org/x.js'></script>"
    output = new_output("display_data", {"text/html": page + other})
    nb = new_notebook(cells=[new_code_cell("player", outputs=[output])])
    saved = build.to_html(nb, title="A page")
    assert saved.count("<script") == 2 and "example.org" not in saved
    kept = [re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL) for text in (page, saved)]
    assert kept[0] == kept[1]
