"""The analysis notebooks on datasets of every kind, not only the one they show."""

import re

import keras
import nbformat
import numpy as np
import pandas as pd
import papermill
import pytest
import soundfile

from helpers import clips, datasets, evaluate, features, published, splits, training
from helpers.classify import Classifier
from helpers.published.musicnn import INPUTS
from helpers.recommend import Recommender
from notebooks.tools import build

ROOT = build.ROOT
pytestmark = pytest.mark.processes
CLASSES = ["cel", "flu", "pia"]
SMALL = {"recordings_per_class": 4, "excerpts_per_recording": 2, "test_pieces": 40}


def run(name, folder, **parameters):
    """Execute a notebook; return its text outputs."""
    nb = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    nbformat.write(nb, folder / "in.ipynb")
    papermill.execute_notebook(
        folder / "in.ipynb", folder / "out.ipynb", parameters, kernel_name="python3", cwd=ROOT,
        progress_bar=False, kernel_manager_class=build.QuietKernelManager,
    )  # fmt: skip
    outputs = [
        o for c in nbformat.read(folder / "out.ipynb", 4).cells for o in c.get("outputs", [])
    ]
    texts = [o.get("text", "") or o.get("data", {}).get("text/plain", "") for o in outputs]
    marked = [o.get("data", {}).get("text/markdown", "") for o in outputs]
    return "\n".join(texts), "\n".join(filter(None, marked))


def players(folder):
    """How many outputs of an executed notebook hold sound."""
    nb = nbformat.read(folder / "out.ipynb", 4)
    shown = [o.get("data", {}) for c in nb.cells for o in c.get("outputs", [])]
    return sum("<audio" in data.get("text/html", "") for data in shown)


@pytest.fixture(scope="module")
def taggers(tmp_path_factory):
    """A folder that two training notebooks could have left, of a dataset with several labels."""
    out = tmp_path_factory.mktemp("taggers")
    dataset = datasets.load("demo_instruments", out / "data", classes=CLASSES, **SMALL)
    store = features.extract(
        dataset.tracks, out / "features", n_mels=32, max_seconds=6.0, progress=False
    )
    tracks = store.usable(dataset.tracks)
    split = splits.prepare(tracks, store, out / "split.csv")
    ids = {side: split.ids(side) for side in splits.SIDES}
    Y = pd.DataFrame([[int(c in row) for c in CLASSES] for row in tracks["labels"]], tracks.index)
    batches = {
        side: clips.EveryClip(store, ids[side], Y.loc[ids[side]].to_numpy(), clip_frames=60)
        for side in splits.SIDES
    }
    for name, epochs in (("tagger", 8), ("beginner", 1)):
        keras.utils.set_random_seed(0)
        mean, variance = clips.band_statistics(store, ids["train"])
        network = keras.Sequential([
            keras.layers.Input((None, 32, 1)),
            keras.layers.Normalization(axis=(2, 3), mean=mean[:, None], variance=variance[:, None]),
            keras.layers.Conv2D(8, 3, activation="relu"), keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="sigmoid"),
        ])  # fmt: skip
        network.compile(keras.optimizers.Adam(0.02), loss="binary_crossentropy")
        history = training.fit(
            network, batches["train"], batches["valid"], epochs=epochs, patience=9
        )
        proba = evaluate.track_proba(
            evaluate.predict(network, batches["test"]), batches["test"].owner
        )
        truth = Y.loc[ids["test"]].to_numpy()
        training.record(
            name, evaluate.scores(truth, proba), proba=proba, track_ids=ids["test"],
            parameters={"DATASET": "demo_instruments", "OUT_DIR": str(out), "RUN_NAME": "07_crnn",
                        "SEED": 0},
            dataset=dataset, split=split, network=network, history=history,
            inputs={**store.params, "clip_frames": 60},
        )  # fmt: skip
    keras.utils.set_random_seed(0)  # musicnn as if it had been fetched, but untrained
    card = {"model": "musicnn MSD", "made_by": "this test", "inputs": INPUTS, "multilabel": True}
    path = out / "data" / "weights" / "musicnn" / "musicnn-MSD.keras"
    path.parent.mkdir(parents=True)
    training.save(published.build_musicnn(), path, card | {"classes": list(published.TAGS)})
    return out


def analyse(name, taggers, folder, **parameters):
    """Execute a page on what the taggers have left."""
    return run(
        name, folder, DATASET="demo_instruments", OUT_DIR=str(taggers), CLASSES=CLASSES,
        DATA_DIR=str(taggers / "data"), DATASET_OPTIONS=SMALL, **parameters,
    )  # fmt: skip


@pytest.mark.slow
def test_analysis_of_several_labels(taggers, tmp_path):
    """Leaderboard, mistakes, wrong labels and calibration, by ROC-AUC."""
    text, learned = analyse("11_test_set_analysis", taggers, tmp_path)
    assert "2 models answered all" in text and "of 1 pairs differ after Holm" in learned
    assert "the answers are those of the training notebook: True" in text
    assert "The first was 07 " in learned and ": roc auc 0." in learned
    [saved] = (taggers / "models" / "demo_instruments").glob("11_test_set_analysis-*.keras")
    assert training.read_card(saved)["temperature"] > 0


@pytest.mark.slow
def test_explanations_where_tracks_have_several_labels(taggers, tmp_path):
    text, learned = analyse("12_listening_to_a_network", taggers, tmp_path, EXPLAINED=8)
    assert "opened: 07_crnn-tagger" in text and re.search(r"of these \d clips", learned)
    assert "against *the same, shifted* " in learned and players(tmp_path) == 2
    tests = pd.read_csv(taggers / "tables" / "12_listening_to_a_network-tests.csv", index_col=0)
    assert 1 <= len(tests) <= 8 and set(tests["answer"]) <= set(CLASSES)


@pytest.mark.slow
def test_neighbours_and_a_song_where_tracks_have_several_labels(taggers, tmp_path):
    """The collection is searched from the shell with the network that described it."""
    text, learned = analyse("13_recommender", taggers, tmp_path)
    assert "musicnn says: " in learned and "by musicnn" in learned
    assert "**Same artist**" in learned and "nearest to " in text
    collection = pd.read_parquet(taggers / "tables" / "13_recommender-collection.parquet")
    [network] = (taggers / "models" / "demo_instruments").glob("07_crnn-tagger.keras")
    embedding = Classifier(network)(next((taggers / "data").rglob("*.flac"))).embedding
    assert len(embedding) == collection.shape[1]
    assert len(Recommender(collection).nearest(embedding, k=2)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("whose", ["own", "example"])
def test_a_real_song_is_drawn_and_kept_silent(taggers, tmp_path, monkeypatch, whose):
    """A kept page has the sound of rendered tracks only; where no song can be had, it says so."""
    monkeypatch.setenv("LIBROSA_DATA_DIR", str(tmp_path))  # empty, and nobody answers
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    t = np.arange(8 * 16000) / 16000
    soundfile.write(tmp_path / "my song.wav", 0.2 * np.sin(2 * np.pi * 300 * t), 16000)
    text, learned = run(
        "15_multilabel_tagging", tmp_path, DATASET="demo_instruments", OUT_DIR=str(taggers),
        DATA_DIR=str(taggers / "data"), CLASSES=CLASSES, DATASET_OPTIONS=SMALL, FOLLOWED=10,
        SONG=str(tmp_path / "my song.wav") if whose == "own" else "",
    )  # fmt: skip
    assert "**musicnn** hears" in learned and "Rank correlation" in learned
    if whose == "own":
        assert "Run this cell in a live notebook to hear my song" in text
        assert "Of my song, musicnn said first" in learned and players(tmp_path) == 1
    else:
        assert "of demo_instruments is asked about. It is synthetic" in text
        assert players(tmp_path) == 2


@pytest.mark.slow
def test_annotations_of_your_own_take_the_place_of_the_beatles(taggers, tmp_path):
    """Five albums: their harmony is read and tested, beside the sound of the invented band."""
    for year in range(5):
        for song in ("one", "two"):
            for kind, text in (("chords", "0 2 C\n2 4 Eb\n4 8 G:7\n"), ("keys", "0 8 C\n")):
                path = tmp_path / "lab" / kind / f"{year + 1:02d} - Album {year}" / f"{song}.lab"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text if year < 3 else text.replace("Eb", "F"))
    [network] = (taggers / "models" / "demo_instruments").glob("07_crnn-tagger.keras")
    text, learned = run(
        "14_beatles_exploration", tmp_path, ANNOTATIONS_DIR=str(tmp_path / "lab"), SHUFFLES=50,
        OUT_DIR=str(tmp_path / "out"), DATA_DIR=str(tmp_path / "data"), NETWORK_FILE=str(network),
    )  # fmt: skip
    assert "10 songs were read" in text and "The chords of 10 songs by lab" in learned
    table = pd.read_csv(tmp_path / "out" / "tables" / "14_beatles_exploration-harmony.csv")
    assert np.allclose(table["outside_share"], [0.25] * 6 + [0] * 4)
