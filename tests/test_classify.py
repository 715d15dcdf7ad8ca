"""A model that was moved alone answers any file; a folder of files becomes a table."""

import csv
import os
import shutil

import keras
import numpy as np
import pandas as pd
import pytest
import soundfile

from helpers import classify, clips, evaluate, features, training
from helpers.audio import AudioError, load_audio
from helpers.datasets import DatasetError
from helpers.recommend import Recommender

SR = 11025
LOG_MEL = {"kind": "log_mel", "sr": SR, "n_fft": 512, "hop_length": 256, "n_mels": 16}
LOG_MEL |= {"fmin": 0.0, "fmax": SR / 2, "clip_frames": 20}
CARD = {"made_by": "05_convpool", "inputs": LOG_MEL, "classes": ["low", "high"]}
CARD |= {"multilabel": False}


def network(shape=(None, 16, 1)):
    keras.utils.set_random_seed(0)
    pool = {3: [keras.layers.GlobalAveragePooling2D()], 1: []}[len(shape)]
    layers = [keras.layers.Input(shape), keras.layers.Rescaling(0.02), *pool]
    layers += [
        keras.layers.Dense(4, activation="relu"),
        keras.layers.Dense(2, activation="softmax"),
    ]
    return keras.Sequential(layers)


@pytest.fixture
def songs(tmp_path):
    folder = tmp_path / "songs"
    (folder / "b").mkdir(parents=True)
    time = np.arange(2 * 22050) / 22050
    for name, hertz in (("a.wav", 200), ("b/c.flac", 3000)):
        soundfile.write(folder / name, 0.3 * np.sin(2 * np.pi * hertz * time), 22050)
    return folder


@pytest.fixture
def model(tmp_path):
    """A model file alone in an empty folder."""
    saved = training.save(network(), tmp_path / "made" / "x.keras", CARD)
    (tmp_path / "alone").mkdir()
    return shutil.move(saved, tmp_path / "alone" / "x.keras")


def test_a_moved_model_gives_the_answer_it_gave(model, songs, tmp_path):
    """As the training notebooks compute it: feature store, every clip, mean."""
    answer = classify.Classifier(model)(songs / "a.wav")
    tracks = pd.DataFrame({"track_id": ["a"], "path": [str(songs / "a.wav")]})
    made_with = {k: LOG_MEL[k] for k in ("sr", "n_fft", "hop_length", "n_mels")}
    store = features.extract(tracks, tmp_path / "store", progress=False, **made_with)
    batches = clips.EveryClip(store, ["a"], np.zeros(1, dtype=int), clip_frames=20)
    there = evaluate.predict(network(), batches)
    assert len(there) == len(answer.over_time) == 4
    assert np.allclose(answer.over_time[["low", "high"]], there, atol=1e-3)  # the store rounds
    assert np.allclose(answer.overall[["low", "high"]], there.mean(axis=0), atol=1e-3)
    assert np.allclose(answer.over_time.index, np.arange(4) * 20 * 256 / SR)
    assert answer.overall.is_monotonic_decreasing and answer.embedding.shape == (4,)


def test_samples_of_any_rate_are_heard(model, songs):
    ask = classify.Classifier(model)
    y = load_audio(songs / "b" / "c.flac", sr=None)
    assert np.allclose(ask(y, sr=22050).overall, ask(songs / "b" / "c.flac").overall, atol=1e-3)
    with pytest.raises(ValueError, match="give sr, in hertz"):
        ask(y)
    with pytest.raises(ValueError, match="no samples"):
        ask(y[:0], sr=22050)


def test_confidence_is_calibrated(songs, tmp_path):
    plain = classify.Classifier(training.save(network(), tmp_path / "a.keras", CARD))
    mild = training.save(network(), tmp_path / "b.keras", CARD | {"temperature": 3.0})
    one, two = (ask(songs / "a.wav") for ask in (plain, classify.Classifier(mild)))
    expected = evaluate.temper(one.overall.to_numpy()[np.newaxis], 3.0)[0]
    assert np.allclose(two.overall, expected, atol=1e-5)
    assert np.allclose(one.over_time, two.over_time)


def test_the_other_kinds_of_input(songs, tmp_path):
    inputs = {"kind": "waveform", "sr": SR, "clip_frames": 4000}
    wave = training.save(network((None, 1, 1)), tmp_path / "w.keras", CARD | {"inputs": inputs})
    answer = classify.Classifier(wave)(songs / "a.wav")
    assert answer.over_time.index.tolist() == [i * 4000 / SR for i in range(5)]
    y = load_audio(songs / "a.wav", sr=SR)
    columns = sorted(features.summary_features(y, sr=SR))[:3]
    inputs = {"kind": "summary", "sr": SR, "max_seconds": 1.0, "columns": columns}
    rows = training.save(network((3,)), tmp_path / "s.keras", CARD | {"inputs": inputs})
    answer = classify.Classifier(rows)(songs / "a.wav")
    middle = features.summary_features(y[(len(y) - SR) // 2 :][:SR], sr=SR)
    row = np.array([[middle[column] for column in columns]])
    assert np.allclose(answer.over_time, evaluate.predict(network((3,)), row), atol=1e-4)


def test_a_picture_that_only_its_notebook_makes_is_refused(tmp_path):
    card = CARD | {"inputs": LOG_MEL | {"kind": "picture", "picture": "CQT"}}
    path = training.save(network(), tmp_path / "p.keras", card)
    with pytest.raises(ValueError, match="p.keras reads 'picture' pictures that only 05_convpool"):
        classify.Classifier(path)


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_folder_becomes_a_table(model, songs, tmp_path, capsys):
    (songs / "broken.mp3").write_bytes(b"nothing")
    (songs / "notes.txt").write_text("not a sound")
    out = tmp_path / "new" / "answers.csv"
    assert classify.main([str(model), str(songs), "--csv", str(out), "--top", "1"]) == 1
    told = capsys.readouterr()
    assert "2 of 3 sounds answered" in told.out and "broken.mp3: not audio" in told.err
    found = rows(out)
    assert [row["path"] for row in found] == [
        str(songs / name) for name in ("a.wav", "b/c.flac", "broken.mp3")
    ]
    assert [row["problem"] for row in found] == ["", "", "not audio"]
    best = classify.Classifier(model)(songs / "a.wav").overall
    assert found[0]["label_1"] == best.index[0]
    assert float(found[0]["confidence_1"]) == pytest.approx(best.iloc[0], abs=1e-4)
    assert not out.with_name("answers.csv.part").exists()


def test_an_interrupted_table_is_continued(model, songs, tmp_path, monkeypatch):
    ask, out = classify.Classifier(model), tmp_path / "answers.csv"
    sounds = list(classify.find_sounds([songs]))
    asked = []

    def interrupted(path):
        asked.append(path.name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return classify.Classifier.__call__(ask, path)

    proxy = type("Ask", (), {"classes": ask.classes, "__call__": lambda self, p: interrupted(p)})()
    with pytest.raises(KeyboardInterrupt):
        classify.classify_all(proxy, sounds, out)
    assert not out.exists()
    part = out.with_name("answers.csv.part")
    part.write_text(part.read_text() + "half a line,")  # the machine went down while it wrote
    assert classify.classify_all(proxy, sounds, out) == 0
    assert asked == ["a.wav", "c.flac", "c.flac"]
    assert [row["path"] for row in rows(out)] == [str(path) for path in sounds]


def test_neighbours_come_from_the_collection(model, songs, tmp_path):
    ask = classify.Classifier(model)
    embeddings = {path.stem: ask(path).embedding for path in classify.find_sounds([songs])}
    table = pd.DataFrame(embeddings).T
    table.columns = table.columns.map(str)
    table.to_parquet(tmp_path / "collection.parquet")
    told = [str(model), str(songs / "a.wav"), "--csv", str(tmp_path / "x.csv"), "--top", "1"]
    assert classify.main([*told, "--collection", str(tmp_path / "collection.parquet")]) == 0
    assert rows(tmp_path / "x.csv")[0]["neighbour_1"] == "a"
    assert isinstance(Recommender(table), Recommender)


def test_what_cannot_be_done_is_said(model, songs, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for told, problem in (
        ([str(model), str(tmp_path / "empty")], "no audio file"),
        ([str(model), str(tmp_path / "gone")], "gone does not exist"),
        ([str(tmp_path / "gone.keras"), str(songs)], "gone.keras"),
    ):
        assert classify.main(told) == 2
        assert problem in capsys.readouterr().err


def test_silence_and_other_sounds_that_are_no_use_get_no_label(model, songs, tmp_path):
    """The same checks as in feature extraction, and the note of a file that is incomplete."""
    soundfile.write(songs / "silent.wav", np.zeros(22050), 22050)
    ints = (np.sin(np.arange(22050)) * 16384).astype(np.float32)  # int16 written as float
    soundfile.write(songs / "ints.wav", ints, 22050, subtype="FLOAT")
    whole = (songs / "a.wav").read_bytes()
    (songs / "half.wav").write_bytes(whole[: len(whole) // 2])
    (songs / "locked.m4p").write_bytes(bytes(100))
    name = os.fsencode(songs) + b"/caf\xe9.wav"
    shutil.copy(songs / "a.wav", os.fsdecode(name))
    assert classify.main([str(model), str(songs), "--csv", str(tmp_path / "x.csv")]) == 1
    found = {row["path"].split("/")[-1]: row for row in rows(tmp_path / "x.csv")}
    assert len(found) == 7
    problems = {file: row["problem"] for file, row in found.items() if row["problem"]}
    assert problems == {
        "silent.wav": "silent", "ints.wav": "beyond full scale", "locked.m4p": "protected",
    }  # fmt: skip
    assert all(not found[file]["label_1"] for file in problems)
    assert found["half.wav"]["note"].startswith("truncated: 1.0 of 2.0 s")
    assert found["half.wav"]["label_1"] and found[r"caf\xe9.wav"]["label_1"]
    with pytest.raises(AudioError, match="the sound: silent"):
        classify.Classifier(model)(np.zeros(8000, np.float32), sr=8000)


def test_a_fault_inside_a_library_is_one_file_s(model, songs, tmp_path, monkeypatch):
    real = classify.Classifier.__call__

    def fails(self, sound, **told):
        if str(sound).endswith("a.wav"):
            raise ZeroDivisionError("inside a library")
        return real(self, sound, **told)

    monkeypatch.setattr(classify.Classifier, "__call__", fails)
    assert classify.main([str(model), str(songs), "--csv", str(tmp_path / "x.csv")]) == 1
    one, other = rows(tmp_path / "x.csv")
    assert one["problem"] == "analysis failed" and "inside a library" in one["note"]
    assert other["label_1"] and not other["problem"]


def test_a_folder_in_place_of_a_file_is_refused_before_any_work(model, songs, tmp_path, capsys):
    (tmp_path / "folder.keras").mkdir()
    assert classify.main([str(tmp_path / "folder.keras"), str(songs)]) == 2
    assert "is a folder; give the name of a .keras file in it" in capsys.readouterr().err
    assert classify.main([str(model), str(songs), "--csv", str(tmp_path)]) == 2
    assert f"{tmp_path} is a folder; give the name of a file in it" in capsys.readouterr().err
    with pytest.raises(SystemExit):  # each sound would be heard twice
        classify.main([str(model), str(songs), "--csv", "a.csv", "--page", "a.html"])
    assert "not allowed with" in capsys.readouterr().err
    assert classify.main([str(model)]) == 2
    assert "give a sound or a folder after the network" in capsys.readouterr().err


def test_without_a_network_musicnn_answers(model, songs, tmp_path, monkeypatch, capsys):
    """It is asked for in the folder of the data; where it cannot be had, the message says why."""
    asked = []
    monkeypatch.setattr(
        classify.published, "musicnn", lambda folder: (asked.append(folder), model)[1]
    )
    told = [str(songs), "--csv", str(tmp_path / "x.csv"), "--data-dir", str(tmp_path)]
    assert classify.main(told) == 0 and asked == [str(tmp_path)]
    assert [row["problem"] for row in rows(tmp_path / "x.csv")] == ["", ""]

    def fails(folder):
        raise DatasetError("pip could not fetch musicnn==0.1.0")

    monkeypatch.setattr(classify.published, "musicnn", fails)
    assert classify.main(told) == 2 and "pip could not fetch" in capsys.readouterr().err
