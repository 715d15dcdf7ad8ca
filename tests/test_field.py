"""Three hundred files as people have them go through all of it; each becomes the row it must."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys

import av
import keras
import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import yaml

from helpers import classify, datasets, features, splits, training
from helpers.files import readable
from helpers.store import FeatureStore
from notebooks.tools import run

SR, SECONDS = 16000, 0.6
LABELS, ARTISTS = ("calm", "loud", "wild"), ("Ann", "Björk Ü", "...Ces", "Dee.mp3", "Éva")
NAMES = [
    "plain", "two  blanks ", "naïve café", "日本語の歌", "עברית", "Песня №5", "🎵 song", "a'b\"c",
    "A$AP & $uicide", "100% [live] (1999)", "-rf", "#1; rm", "tab\tin it", "dotted.name.v2",
    ".38 Special", "x" * 200,
]  # fmt: skip
OF_LIBSNDFILE = ("wav", "flac", "ogg", "mp3", "aiff", "au", "w64", "caf", "WAV", "opus", "oga")
OF_FFMPEG = {
    "m4a": ("aac", "ipod"), "aac": ("aac", "adts"), "wma": ("wmav2", "asf"),
    "wv": ("wavpack", "wv"), "tta": ("tta", "tta"), "mka": ("flac", "matroska"),
}  # fmt: skip
RUBBISH = {
    "empty": b"", "text": b"this is no music\n" * 500, "zeros": bytes(20_000),
    "page": b"<!DOCTYPE html><html></html>",
}  # fmt: skip
BYTES = [b"caf\xe9", b"\x83\x8d\x83b\x83N", b"\xd0\xc5\xd3\xce\xd1"]  # Latin-1, Shift JIS, KOI8-R
MEL = {"sr": SR, "n_fft": 512, "hop_length": 256, "n_mels": 16}


def sound(seed, seconds=SECONDS, channels=1, rate=SR):
    y = np.random.default_rng(seed).normal(0, 0.1, (int(seconds * rate), channels))
    return y.astype(np.float32)


def ffmpeg(path, codec, container, y, rate=44100):
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        if codec in ("aac", "wmav2"):
            stream.bit_rate = 64000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(y.T), "fltp", "mono")
        frame.rate, frame.pts = rate, 0
        size = stream.codec_context.frame_size or 1024
        fit = av.AudioResampler(stream.format, "mono", rate, frame_size=size)
        for part in [*fit.resample(frame), *fit.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))


class Library:
    """Files in the folders of three classes and five artists, and what each must become."""

    def __init__(self, root):
        self.root, self.rows, self.n = root, {}, 0

    def place(self, name):
        """Return a path for a file, in the next class and artist."""
        label = LABELS[self.n % len(LABELS)]
        artist = ARTISTS[self.n // len(LABELS) % len(ARTISTS)]
        self.n += 1
        path = self.root / label / artist / f"{self.n:03}" / name
        path.parent.mkdir(parents=True)
        return path

    def expect(self, path, reason="", note=""):
        """Write down what a file must become: "" if it can be used, and how its note begins."""
        self.rows[readable(path)] = (reason, note)

    def good(self):
        """Every container and codec under every kind of name."""
        for name in NAMES:
            for suffix in OF_LIBSNDFILE:
                path = self.place(f"{name}.{suffix}")
                rate = 48000 if suffix == "opus" else 44100
                subtype = {"opus": "OPUS", "oga": "VORBIS"}.get(suffix)
                how = {"format": "OGG", "subtype": subtype} if subtype else {}
                sf.write(path, sound(self.n, channels=1 + self.n % 2, rate=rate), rate, **how)
                self.expect(path)
        for i, (suffix, kind) in enumerate(12 * list(OF_FFMPEG.items())):
            path = self.place(f"{NAMES[i % 15]}.{suffix}")
            ffmpeg(path, *kind, sound(self.n, rate=44100))
            self.expect(path)
        for raw in BYTES:
            path = self.place("plain.wav")
            sf.write(path, sound(self.n), SR)
            odd = os.fsdecode(os.fsencode(path.parent) + b"/" + raw + b".wav")
            os.rename(path, odd)
            self.expect(odd)
        path = self.place("telephone.wav")
        sf.write(path, sound(self.n, rate=8000), 8000)
        self.expect(path, note="recorded at 8000 Hz")

    def damaged(self):
        """Every kind of damage to container, header and samples."""
        for suffix in ("wav", "flac", "ogg", "mp3", "aiff", "au", "w64"):
            path = self.place(f"half.{suffix}")
            sf.write(path, sound(self.n, seconds=4), SR)
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            self.expect(path, note=("truncated", "damaged"))
        for suffix in ("wav", "mp3", "m4a", "mpc"):
            for kind, data in RUBBISH.items():
                path = self.place(f"{kind}.{suffix}")
                path.write_bytes(data)
                self.expect(path, "empty file" if kind == "empty" else "not audio")
        for kind, reason in (("silent", "silent"), ("nan", "non-finite samples"),
                             ("ints", "beyond full scale"), ("none", "no samples")):  # fmt: skip
            for suffix in ("wav", "aiff"):
                y = sound(self.n)
                y[100] = np.nan if kind == "nan" else y[100]
                y = {"silent": 0 * y, "ints": 32768 * y, "none": y[:0]}.get(kind, y)
                path = self.place(f"{kind}.{suffix}")
                sf.write(path, y, SR, subtype="FLOAT")
                self.expect(path, reason)
        for suffix in ("m4p", "aax"):
            path = self.place(f"locked.{suffix}")
            path.write_bytes(b"\0\0\0\x20ftypM4P " + bytes(100))
            self.expect(path, "protected")
        path = self.place("gone.wav")
        path.symlink_to(path.with_name("nowhere.wav"))
        self.expect(path, "missing")

    def mp3s(self):
        """Headers that are wrong, absent, or count what is no sound."""
        for kind in ("cover", "zeros", "few", "many", "none"):
            path = self.place(f"{kind}.mp3")
            sf.write(path, sound(self.n, seconds=2, rate=44100), 44100)
            data = bytearray(path.read_bytes())
            at = max(data.find(b"Xing"), data.find(b"Info"))
            if kind in ("few", "many"):
                data[at + 8 : at + 12] = {"few": 3, "many": 9000}[kind].to_bytes(4, "big")
            if kind == "none":
                data[at : at + 4] = bytes(4)
            tag = b"ID3\3\0\0\0\1\x34\x50" + b"\xff\xd8" * 13_864
            path.write_bytes({"cover": tag, "zeros": bytes(70_000)}.get(kind, b"") + data)
            self.expect(path)

    def beside(self):
        """What is no track: the system's files, and others; and a folder called like a file."""
        for name in ("._001.wav", ".DS_Store", "cover.jpg", "notes.txt", "Thumbs.db", "list.m3u"):
            self.place(name).write_bytes(b"\0\5\x16\7 not sound")
        folder = self.place("Live.flac")
        folder.mkdir()
        sf.write(folder / "01.wav", sound(self.n), SR)
        self.expect(folder / "01.wav")
        (self.root / "calm" / "loop").symlink_to(self.root)
        trash = self.root / "wild" / ".Trashes" / "501"
        trash.mkdir(parents=True)
        sf.write(trash / "gone.wav", sound(0), SR)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    made = Library(tmp_path_factory.mktemp("data") / "my music")
    for step in (made.good, made.damaged, made.mp3s, made.beside):
        step()
    assert len(made.rows) >= 290 and made.n >= 298
    return made


@pytest.fixture(scope="module")
def loaded(library):
    return datasets.load("folder", library.root.parent, folder=library.root.name)


@pytest.fixture(scope="module")
def store(loaded, tmp_path_factory):
    return features.extract(loaded.tracks, tmp_path_factory.mktemp("store"), jobs=2, **MEL)


def agrees(found, expected):
    """Does reason and note of a row hold what was expected of its file?"""
    reason, note = expected
    return found[0] == reason and (bool(reason) or found[1].startswith(note or ""))


def test_each_file_is_one_track_and_nothing_else_is(library, loaded):
    assert sorted(loaded.tracks["path"]) == sorted(library.rows)
    assert loaded.classes == sorted(LABELS)
    notes = {note.split(":")[0] for note in loaded.notes}
    assert notes == {"1 files end in .aax", "1 files end in .m4p"}


def test_each_file_becomes_the_row_it_must(library, loaded, store):
    index = store.index.set_index("path")
    wrong = {
        path: (index.loc[path, ["status", "reason", "note"]].tolist(), expected)
        for path, expected in library.rows.items()
        if not agrees(tuple(index.loc[path, ["reason", "note"]]), expected)
    }
    assert wrong == {}
    unnoted = index[(index["status"] == "ok") & (index["note"] != "")].index
    assert sorted(unnoted) == sorted(p for p, (reason, note) in library.rows.items() if note)


def test_a_second_run_changes_nothing(loaded, store):
    before = {p: p.stat().st_mtime_ns for p in store.folder.rglob("*") if p.is_file()}
    again = features.extract(loaded.tracks, store.folder, jobs=2, **MEL)
    assert again.index.equals(store.index)
    assert before == {p: p.stat().st_mtime_ns for p in store.folder.rglob("*") if p.is_file()}


def test_every_class_stands_on_every_side(loaded, store, tmp_path):
    tracks = store.usable(loaded.tracks)
    split = splits.prepare(tracks, store, tmp_path / "split.csv")
    sides = split.sides.groupby(tracks["label"]).agg(lambda side: set(side))
    assert all(found == set(splits.SIDES) for found in sides)
    assert splits.audit(split, tracks).empty
    assert splits.prepare(tracks, store, tmp_path / "split.csv").sides.equals(split.sides)


def test_the_classifier_says_the_same_of_each_file(library, tmp_path, capsys):
    keras.utils.set_random_seed(0)
    pool = [keras.layers.Rescaling(0.02), keras.layers.GlobalAveragePooling2D()]
    head = keras.layers.Dense(2, activation="softmax")
    network = keras.Sequential([keras.layers.Input((None, 16, 1)), *pool, head])
    inputs = {"kind": "log_mel", **MEL, "fmin": 0.0, "fmax": SR / 2, "clip_frames": 20}
    card = {"made_by": "05", "inputs": inputs, "classes": ["low", "high"], "multilabel": False}
    model = training.save(network, tmp_path / "x.keras", card)
    assert classify.main([str(model), str(library.root), "--csv", str(tmp_path / "x.csv")]) == 1
    with open(tmp_path / "x.csv", encoding="utf-8", newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert sorted(rows) == sorted(library.rows)
    wrong = {
        path: (rows[path]["problem"], rows[path]["note"], expected)
        for path, expected in library.rows.items()
        if not agrees((rows[path]["problem"], rows[path]["note"]), expected)
    }
    assert wrong == {}
    assert all(bool(row["label_1"]) != bool(row["problem"]) for row in rows.values())


# --- the same under faults ---------------------------------------------------------------------

FULL = """
import resource, signal, sys
from helpers import datasets, features
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), -1))
tracks = datasets.load("folder", sys.argv[1], folder="my music").tracks
features.extract(tracks, sys.argv[2], jobs=2, sr=16000, n_fft=512, hop_length=256, n_mels=16)
"""


@pytest.mark.processes
def test_a_full_disk_ends_the_run_and_the_next_one_finishes_it(library, loaded, store, tmp_path):
    """Files may grow to 40 kB only: the shards do not fit, and no half of one is left."""
    told = [sys.executable, "-c", FULL, str(library.root.parent), str(tmp_path), "40000"]
    done = subprocess.run(told, capture_output=True, text=True)
    assert done.returncode == 1 and "OSError: " in done.stderr
    assert not [p for p in tmp_path.rglob("frames-*.npy")] and not list(tmp_path.rglob("*.tmp*"))
    after = features.extract(loaded.tracks, tmp_path, jobs=2, **MEL)
    assert after.index.drop(columns="shard").equals(store.index.drop(columns="shard"))


KILLED = """
import os, random, signal, sys, time
from helpers import datasets, features
tracks = datasets.load("folder", sys.argv[1], folder="my music").tracks

def extract():
    if (pid := os.fork()) == 0:
        features.extract(tracks, sys.argv[2], jobs=1, sr=16000, n_fft=512, hop_length=256,
                         n_mels=16, chunk_size=8, progress=False)
        os._exit(0)
    return pid

random.seed(0)
for _ in range(20):
    pid = extract()
    time.sleep(random.uniform(0, 0.4))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
both = [extract(), extract()]
sys.exit(sum(os.waitpid(pid, 0)[1] for pid in both))
"""


@pytest.mark.processes
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_killed_twenty_times_and_then_run_twice_at_once(library, loaded, store, tmp_path):
    told = [sys.executable, "-c", KILLED, str(library.root.parent), str(tmp_path)]
    done = subprocess.run(told, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("frames-*")}
    after = features.extract(loaded.tracks, tmp_path, jobs=2, **MEL)
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("frames-*")}
    place = ["shard", "start"]
    assert after.index.drop(columns=place).equals(store.index.drop(columns=place))
    usable = store.usable(loaded.tracks)["track_id"]
    assert all(np.array_equal(after.frames(i), store.frames(i)) for i in usable)


@pytest.mark.processes
@pytest.mark.slow
def test_a_study_goes_through(library, tmp_path):
    """Loading, features, split, audit and the leak ladder, on the same files."""
    given = {"SR": SR, "N_FFT": 512, "HOP_LENGTH": 256, "N_MELS": 16, "CLIP_SECONDS": 0.3}
    study = {"name": "field", "dataset": "folder", "steps": [{"notebook": "03_load_xy"}]}
    study["parameters"] = {"DATASET_OPTIONS": {"folder": str(library.root)}, **given}
    (tmp_path / "field.yml").write_text(yaml.safe_dump(study), encoding="utf8")
    told = [str(tmp_path / "field.yml"), "--data-dir", str(tmp_path), "--runs-dir", str(tmp_path)]
    assert run.main(told) == 0
    index = pd.read_csv(tmp_path / "field" / "tables" / "clips_split.csv")
    assert set(index["split"].dropna()) == set(splits.SIDES)


@pytest.mark.processes
def test_a_read_only_data_folder_is_enough(library, loaded, store, tmp_path):
    """Nothing is written beside the music."""
    before = sorted(os.walk(library.root))
    features.extract(loaded.tracks, tmp_path, jobs=2, **MEL)
    assert sorted(os.walk(library.root)) == before


def test_a_file_that_goes_while_others_are_read_is_one_row(library, loaded, tmp_path):
    copy = tmp_path / "music"
    few = loaded.tracks.head(12).copy()
    copy.mkdir()
    few["path"] = [shutil.copy(p, copy / f"{i}.wav") for i, p in enumerate(few["path"])]
    os.remove(few["path"].iloc[5])
    found = features.extract(few, tmp_path / "store", jobs=2, **MEL)
    assert found.failed["reason"].tolist() == ["missing"]
    assert isinstance(found, FeatureStore) and len(found) == 11
