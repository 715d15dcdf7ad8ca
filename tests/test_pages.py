"""The pages of a song and of a library hold what they say, whatever the files are called."""

import base64
import io
import json
import re
from urllib.parse import unquote

import keras
import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers import audio, classify, pages, training
from helpers.classify import Answer
from helpers.interactive import clock

TAGS = ["calm", "loud", "</script><b>"]
SR = 8000


class Ask:
    """A network that hears how loud a sound is; it counts how often it was asked."""

    classes, digest = TAGS, "1"
    card = {"model": "ear", "classes": TAGS, "dataset": {"name": "noise"}, "licence": "none"}

    def __init__(self):
        self.asked = []

    def __call__(self, path):
        self.asked.append(str(path))
        y = audio.load_audio(path, sr=SR)
        audio.check_level(path, y)
        windows = y[: len(y) // SR * SR].reshape(-1, SR)
        loud = np.clip(3 * np.abs(windows).max(axis=1), 0, 1)
        proba = np.stack([1 - loud, loud, np.full(len(loud), 0.05)], axis=1)
        over_time = pd.DataFrame(proba, np.arange(len(loud), dtype=float), TAGS)
        mean = over_time.mean()
        embedding = np.append(mean.to_numpy(), 1.0).astype("float32")
        return Answer(mean.sort_values(ascending=False), over_time, embedding, len(y) / SR)


def noise(path, *levels, **tags):
    """Write a minute at each of the levels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    y = np.concatenate([level * rng.uniform(-1, 1, 30 * SR) for level in levels])
    with soundfile.SoundFile(path, "w", SR, 1) as file:
        for name, value in tags.items():
            setattr(file, name, value)
        file.write(y)
    return path


@pytest.fixture
def library(tmp_path):
    root = tmp_path / "my music"
    for artist in ("a & b", "#1"):
        for i in range(4):
            noise(root / artist / "album" / f"song {i}%.wav", 0.05 * i)
    noise(root / "x" / "y.flac", 0.3, title="<i>T</i>", artist="Voice")
    (root / "x" / "broken.mp3").write_bytes(b"no music")
    return root


# --- in words --------------------------------------------------------------------------------


def test_parts_follow_the_stated_rule():
    curves = np.zeros((60, 4))
    curves[:30, 0], curves[30:, 1] = 0.6, 0.3
    curves[:, 2], curves[:, 3] = 0.12, 0.05
    curves = pd.DataFrame(curves, 3.0 * np.arange(60), ["jazz", "rock", "chillout", "sad"])
    first, second = pages.parts(curves, 180.0)
    assert first.words == "jazz, and a bit of chillout"
    assert second.words == "rock, and a bit of chillout"
    assert first.start == 0 and second.end == 180 and first.end == second.start
    assert abs(first.end - 90) < 7.5  # half of what the curves are averaged over
    told = pages.sentences([first, second])
    assert told[0] == f"From 0:00 to {clock(first.end)} it has jazz, and a bit of chillout."


def test_what_is_short_or_the_same_is_no_part():
    curves = pd.DataFrame({"jazz": np.full(40, 0.5), "rock": np.zeros(40)}, 3.0 * np.arange(40))
    curves.iloc[:1] = [0.0, 0.5]
    [only] = pages.parts(curves, 120.0)
    assert (only.start, only.end) == (0, 120) and only.words == "jazz"
    assert pages.sentences([only]) == ["From beginning to end it has jazz."]
    [short] = pages.parts(curves.iloc[:1], 3.0)
    assert short.words == "rock"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.5, 0.4, 0.3, 0.25], "a, b and c"),
        ([0.5, 0.15, 0.12, 0.11], "a, and a bit of b and c"),
        ([0.15, 0.0, 0.0, 0.0], "a bit of a"),
        ([0.3, 0.22, 0.19, 0.0], "a, b, and a bit of c"),
        ([0.09, 0.0, 0.0, 0.0], "nothing that stands out"),
    ],
)
def test_words(values, words):
    assert pages.in_words(pd.Series(values, list("abcd"))) == words


# --- one song --------------------------------------------------------------------------------


def test_a_song_page_holds_all_it_needs(tmp_path):
    song = noise(tmp_path / "s.flac", 0.02, 0.3, title="<b>Night</b>", artist="The & Band")
    page = pages.song_page(Ask(), song)
    assert "<title>The &amp; Band – &lt;b&gt;Night&lt;/b&gt;</title>" in page
    assert not re.findall(r'(?:src|href)=["\'](?!data:)', page)
    [sound] = re.findall(r'src="data:audio/mpeg;base64,([^"]+)"', page)
    y, sr = soundfile.read(io.BytesIO(base64.b64decode(sound)))
    assert len(y) / sr == pytest.approx(60, abs=0.3)
    loud = np.sqrt(np.mean(y[: 60 * sr].reshape(60, -1) ** 2, axis=1)) > 0.05
    assert loud[31:59].all() and not loud[:29].any()
    assert re.findall(r"<li>From 0:00 to 0:(?:2\d|3\d) it has calm.</li>", page)
    assert 'src="data:image/png;base64,' in page and "learned from noise" in page


def test_a_long_song_is_linked(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "EMBED_SECONDS", 20.0)
    song = noise(tmp_path / "music" / 'a "b" #1.wav', 0.1)
    page = pages.song_page(Ask(), song, tmp_path / "out" / "song.html")
    [address] = re.findall(r'<audio[^>]* src="([^"]+)"', page)
    assert unquote(address) == '../music/a "b" #1.wav' and "%23" in address and '"' not in address


# --- a library -------------------------------------------------------------------------------


def data(page):
    [found] = re.findall(r'id="data" type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(found)


def test_a_library_page(library, tmp_path):
    out = tmp_path / "pages" / "library.html"
    paths = list(classify.find_sounds([library]))
    assert pages.library_page(Ask(), paths, library, out) == {"songs": 7, "problems": 3}
    page = out.read_text(encoding="utf8")
    found = data(page)
    assert found["tags"] == TAGS and page.count("</script>") == 2
    named = {(song["artist"], song["title"]) for song in found["songs"]}
    assert ("Voice", "<i>T</i>") in named and ("a & b", "song 1%") in named
    for song in found["songs"]:
        assert (out.parent / unquote(song["address"])).exists()
        assert all(0 <= v <= 1 for v in song["xy"]) and song["seconds"] == 30
        others = [found["songs"][i]["artist"] for i in song["near"]]
        assert others and song["artist"] not in others
    assert re.findall(r"<li>x/broken.mp3: not audio", page) and page.count("silent") == 2
    twin = {s["artist"]: s for s in found["songs"] if s["title"] == "song 2%"}
    assert found["songs"][twin["#1"]["near"][0]] == twin["a & b"]  # the same sound


def test_a_library_is_heard_once(library, tmp_path):
    """An interrupted call goes on; a changed file is heard again; a torn line is no row."""
    out, ask = tmp_path / "library.html", Ask()
    paths = list(classify.find_sounds([library]))
    with pytest.raises(KeyboardInterrupt):
        pages.listen(interrupted(ask, 4), paths, out)
    journal = out.with_suffix(".jsonl")
    journal.write_text(journal.read_text()[:-30])
    pages.library_page(ask, paths, library, out)
    assert len(ask.asked) == 4 + len(paths) - 3
    ask.asked.clear()
    noise(library / "#1" / "album" / "song 3%.wav", 0.3)
    pages.library_page(ask, paths, library, out)
    assert [path[-11:] for path in ask.asked] == ["song 3%.wav"]


def test_what_failed_inside_a_library_is_heard_again(tmp_path):
    song, out = noise(tmp_path / "a.wav", 0.2), tmp_path / "library.html"

    class Broken(Ask):
        def __call__(self, path):
            raise MemoryError

    [row] = pages.listen(Broken(), [song], out)
    assert row["problem"] == "too long for memory"
    [row] = pages.listen(Ask(), [song], out)
    assert "problem" not in row and row["seconds"] == 30


def interrupted(ask, after):
    """`ask`, stopped by its user after so many songs."""

    class Stopped(Ask):
        def __call__(self, path):
            if len(ask.asked) == after:
                raise KeyboardInterrupt
            return ask(path)

    return Stopped()


def test_nothing_to_hear_is_said(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    with pytest.raises(ValueError, match="none of 1 songs can be heard.*a.wav: empty file"):
        pages.library_page(Ask(), [tmp_path / "a.wav"], tmp_path, tmp_path / "x.html")


def test_one_artist_alone_has_no_neighbours(tmp_path):
    songs = [noise(tmp_path / "a" / f"{i}.wav", 0.1 * i) for i in (1, 2, 3)]
    pages.library_page(Ask(), songs, tmp_path, tmp_path / "x.html")
    found = data((tmp_path / "x.html").read_text(encoding="utf8"))["songs"]
    assert [song["near"] for song in found] == [[], [], []]


@pytest.mark.parametrize("n", [1, 2, 15])
def test_a_map_of_few_songs(n):
    xy = pages.places(np.random.default_rng(0).normal(size=(n, 8)).astype("float16"))
    assert xy.shape == (n, 2) and np.isfinite(xy).all() and xy.min() >= 0 and xy.max() <= 1


@pytest.mark.slow
def test_alike_songs_lie_together():
    rng = np.random.default_rng(0)
    E = np.repeat(np.eye(8)[:3], 15, axis=0) + 0.1 * rng.normal(size=(45, 8))
    xy, kind = pages.places(E.astype("float16")), np.repeat(np.arange(3), 15)
    distance = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    same = kind[:, None] == kind[None]
    assert distance[same].mean() < 0.5 * distance[~same].mean()


# --- from the shell --------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path):
    pool = [keras.layers.Rescaling(0.02), keras.layers.GlobalAveragePooling2D()]
    head = keras.layers.Dense(3, activation="sigmoid")
    network = keras.Sequential([keras.layers.Input((None, 16, 1)), *pool, head])
    inputs = {"kind": "log_mel", "sr": SR, "n_fft": 512, "hop_length": 256, "n_mels": 16}
    inputs |= {"fmin": 0.0, "fmax": SR / 2, "clip_frames": 60}
    card = {"model": "x", "made_by": "05", "inputs": inputs, "classes": TAGS, "multilabel": True}
    return training.save(network, tmp_path / "x.keras", card)


def test_one_song_or_a_library_from_the_shell(model, library, tmp_path, capsys):
    song, library_ = tmp_path / "song.html", tmp_path / "library.html"
    told = [str(model), str(library / "x" / "y.flac"), "--page", str(song)]
    assert classify.main(told) == 0 and "Voice" in song.read_text(encoding="utf8")
    assert classify.main([str(model), str(library), "--page", str(library_)]) == 1
    assert f"{library_}: 7 of 10 songs" in capsys.readouterr().out
    assert len(data(library_.read_text(encoding="utf8"))["songs"]) == 7
    assert not list(tmp_path.glob("*.csv"))
    assert classify.main([str(model), str(library), "--page", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    broken = str(library / "x" / "broken.mp3")
    assert classify.main([str(model), broken, "--page", str(song)]) == 2
    assert "broken.mp3: not audio" in capsys.readouterr().err
