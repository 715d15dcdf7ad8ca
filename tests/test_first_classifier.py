"""What notebook 00 says in words is what its tables and sounds hold. Cells run without a kernel."""

import html
import re
from types import SimpleNamespace

import jupytext
import librosa
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from IPython.display import HTML, Audio, Markdown
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import datasets, evaluate
from notebooks.tools import build

NAME = "00_first_classifier"
SR = 22050
TIME = np.arange(4 * SR) / SR


def run_cell(marker, **names):
    """Run the one code cell that holds `marker`; return its names and what its last line gives."""
    nb = jupytext.read(build.ROOT / "notebooks" / "src" / f"{NAME}.py")
    (source,) = [c.source for c in nb.cells if c.cell_type == "code" and marker in c.source]
    before, _, last = source.rpartition("\nMarkdown(")
    names |= {"np": np, "pd": pd, "plt": plt, "Markdown": Markdown}
    exec(before or source, names)
    return names, eval(f"Markdown({last}", names).data if before else ""


# --- the six numbers -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def six_numbers():
    names, _ = run_cell("def six_numbers", librosa=librosa, SR=SR)
    return names["six_numbers"]


def tone(hertz):
    return 0.3 * np.sin(2 * np.pi * hertz * TIME)


def gated(y, rate):
    """Play it in half-second pulses."""
    return y * (np.sin(2 * np.pi * rate * TIME) > 0)


NOISE = 0.1 * np.random.default_rng(0).normal(size=len(TIME))
STROKES = np.where(TIME % 0.25 < 0.02, NOISE, 0)
LOUDER_AND_SOFTER = {
    "loudness swing": (gated(tone(300), 1), tone(300)),
    "brightness": (tone(3000), tone(300)),
    "brightness swing": (tone(300) + gated(NOISE, 2), tone(300) + NOISE),
    "attack": (STROKES, tone(300)),
    "bass": (tone(80), tone(300)),
    "note clarity": (tone(300), NOISE),
}


@pytest.mark.parametrize("name", LOUDER_AND_SOFTER)
def test_each_number_is_higher_where_one_hears_more_of_it(six_numbers, name):
    much, little = (six_numbers(y)[name] for y in LOUDER_AND_SOFTER[name])
    assert much > 1.5 * little


def test_they_are_what_the_text_calls_them(six_numbers):
    found = six_numbers(np.where(TIME < 2, tone(1000), tone(3000)))
    assert found["brightness"] == pytest.approx(2000, rel=0.05)  # in hertz, the mean
    half = six_numbers(tone(100) + tone(1000))["bass"]
    assert half == pytest.approx(0.5, abs=0.02)  # a share of the energy
    assert list(found) == list(LOUDER_AND_SOFTER)


def test_silence_has_finite_numbers(six_numbers):
    assert np.isfinite(list(six_numbers(np.zeros(SR)).values())).all()


# --- sentences -----------------------------------------------------------------------------


def told_of(confusion):
    classes = ["blues", "jazz", "pop"]
    dataset = SimpleNamespace(classes=classes)
    return run_cell("found, total = ", confusion=np.array(confusion), dataset=dataset)[1]


def test_the_confusion_matrix_is_read_aloud():
    assert told_of([[1, 1, 3], [0, 2, 0], [1, 0, 2]]) == (
        "On these songs, *jazz* came out best, with 100% found. *blues* was found 1 of 5 times; "
        "3 went to *pop*."
    )
    assert told_of(np.diag([2, 2, 2])) == "It was right for all songs."
    assert "*blues* and *jazz* came out best" in told_of([[2, 0, 0], [0, 2, 0], [1, 0, 1]])


def test_the_table_is_read_aloud():
    rows = {
        "sound 1": {"brightness": 2000, "bass": 0.1},
        "sound 2": {"brightness": 900, "bass": 0.5},
    }
    names = {"display": len, "six_numbers": rows.get, "sounds": {name: name for name in rows}}
    said = run_cell("bright, bass = ", **names)[1]
    assert "**sound 1** the brightest (2,000 hertz) and **sound 2** the darkest (900 hertz)" in said
    assert "**sound 2** has the most bass, 50% of its energy" in said


def test_the_exam_is_read_aloud_and_kept(tmp_path):
    """Five songs of two genres far apart, one of them mislabelled."""
    x = [0, 1, 10, 11, 0.5, 0.6, 10.5, 10.6, 10.7]
    genres = pd.Series([*"aabb", *"aabba"])
    names = {"X": pd.DataFrame({"x": x}), "labels": genres, "artists": pd.Series([*"klmnopqrs"]),
             "train": [0, 1, 2, 3], "test": [4, 5, 6, 7, 8], "quiz": genres[[4, 8]], "SEED": 0,
             "dataset": SimpleNamespace(classes=["a", "b"]), "OUT_DIR": tmp_path,
             "Path": build.Path, "LogisticRegression": LogisticRegression,
             "StandardScaler": StandardScaler, "make_pipeline": make_pipeline,
             "evaluate": evaluate}  # fmt: skip
    said = run_cell("make_pipeline(", **names)[1]
    assert "**4 of 5** songs. That is an **accuracy** of 0.80, where chance is 0.50" in said
    assert "Of the 2 songs that you were asked about, the program is right for 1." in said
    kept = pd.read_csv(tmp_path / "tables" / "first_classifier.csv", index_col=0)
    assert (kept["genre"] == kept["answer"]).tolist() == [True, True, True, True, False]


def test_the_map_is_read_aloud():
    """Two genres that lie apart, and one song that strayed."""
    X = pd.DataFrame({"x": [0, 1, 9, 10, 10, 10], "y": [5, 5, 5, 1, 1, 1]}, dtype=float)
    labels = pd.Series(["a", "a", "a", "b", "b", "b"])
    names = {"X": X, "labels": labels, "train": list(X.index), "across": "x", "up": "y"}
    _, said = run_cell("strays = ", **names, centre=X.groupby(labels).mean())
    assert "*a* has the widest y, 5.0 decibels on average, and *b* the narrowest, 1.0." in said
    assert "clearest in *b* and drown most in *a*" in said
    assert "Still, 1 of the 6 songs" in said


def test_what_misled_is_read_aloud():
    what_if = pd.DataFrame({"metal": [0.8, 0.9, 0.2], "rock": [0.03, 0.01, 0.3]},
                           ["as it is", "average bass", "average attack"])  # fmt: skip
    names = {"what_if": what_if, "taken": "metal", "genre": "rock"}
    assert run_cell("misled = ", **names)[1] == (
        "The song is *rock*. The program gave *metal* 80% and *rock* 3%. With average attack, "
        "*metal* would get 20%: that number spoke for *metal* most."
    )
    names["what_if"] = what_if.iloc[:2]
    assert run_cell("misled = ", **names)[1].endswith(
        "No number, made average, would give *metal* less."
    )


# --- the network ---------------------------------------------------------------------------


def ask_network(fetch, song="", dataset="demo"):
    tags = pd.Series({"jazz": 0.5, "60s": 0.25, "folk": 0.1, "pop": 0.05})
    quiz = pd.DataFrame({"path": ["genres/a.flac"], "label": ["blues"]})
    heard = []

    def classifier(path):
        return lambda sound: heard.append(sound) or SimpleNamespace(overall=tags)

    _, said = run_cell("published.musicnn(", SONG=song, DATASET=dataset, DATA_DIR="", quiz=quiz,
                       Path=build.Path, published=SimpleNamespace(musicnn=fetch),
                       Classifier=classifier, datasets=datasets)  # fmt: skip
    plt.close("all")
    return said, heard


def test_the_tags_are_read_aloud_and_a_made_song_is_called_so():
    tags = "musicnn hears above all *jazz* (50%), *60s* (25%), *folk* (10%)."
    said, heard = ask_network(lambda _: "x.keras")
    assert (said, heard) == (f"In sound 1, which is synthetic blues, {tags}", ["genres/a.flac"])
    said, heard = ask_network(lambda _: "x.keras", song="mine/My Song.mp3")
    assert (said, heard) == (f"In *My Song*, {tags}", ["mine/My Song.mp3"])
    assert "synthetic" not in ask_network(lambda _: "x.keras", dataset="gtzan")[0]


def test_without_musicnn_one_sentence_says_so(capsys):
    def fetch(data_dir):
        raise datasets.DatasetError("no network")

    said, heard = ask_network(fetch)
    assert heard == [] and "could not be fetched" in said and said.count(".") == 1
    assert capsys.readouterr().out == "musicnn is left out: no network\n"


# --- the quiz ------------------------------------------------------------------------------


def test_players_do_not_tell_the_genre_and_folds_do():
    """A name is text, whatever stands in it."""
    names, _ = run_cell("def players", HTML=HTML, Audio=Audio, SR=SR, SEED=0,
                        load_audio=lambda *_, **__: NOISE, test=["t1", "t2", "t3"],
                        escape=html.escape, tracks=pd.DataFrame(
                            {"label": ["blues", "jazz", "<pop>"], "path": "genres/x.flac"},
                            ["t1", "t2", "t3"]))  # fmt: skip
    page = names["players"](names["sounds"]).data
    assert page.count("<audio") == 3 and "sound 3" in page
    shown = re.sub(r"base64,[^\"]*", "", page)
    assert not re.search("blues|jazz|pop", shown)
    assert "&lt;b&gt;" in names["players"]({"<b>": NOISE}).data


def test_the_kept_page_hides_each_genre_behind_a_fold_in_no_order():
    nb = nbformat.read(build.ROOT / "notebooks" / f"{NAME}.ipynb", 4)
    pages = [str(o.data["text/html"]) for c in nb.cells for o in c.get("outputs", [])
             if "<details" in str(o.get("data", {}).get("text/html"))]  # fmt: skip
    (page,) = pages
    genres = re.findall(r"<summary>sound \d+</summary>(\w+)</details>", page)
    assert len(set(genres)) == len(genres) == 10 and genres != sorted(genres)
