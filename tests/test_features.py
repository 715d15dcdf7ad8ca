"""Features: agreement with librosa, resuming, bad files, kills, concurrency, Dask."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from helpers import datasets, features
from helpers.features import (
    SUMMARY_NAMES,
    FeatureError,
    extract,
    extract_summary,
    log_mel,
    summary_features,
)
from helpers.store import FeatureStore

SR = 22050
ROOT = Path(__file__).resolve().parents[1]


def noise(seconds, sr=SR, channels=1, seed=0, level=0.1):
    shape = (int(seconds * sr), channels)
    return np.random.default_rng(seed).normal(0, level, shape).astype(np.float32)


def make_tracks(folder, n, seconds=0.3):
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{i:03d}.wav" for i in range(n)]
    for i, path in enumerate(paths):
        sf.write(path, noise(seconds + 0.01 * (i % 7), seed=i), SR)
    return pd.DataFrame({"track_id": [f"t{i}" for i in range(n)], "path": map(str, paths)})


def run(tracks, folder, **options):
    options = {"jobs": 2, "n_mels": 16, "progress": False, "chunk_size": 8} | options
    return extract(tracks, folder, **options)


def contents(folder):
    """Return the digest of each finished file of a store, by name."""
    paths = [p for p in Path(folder).rglob("*") if p.is_file() and not p.name.startswith(".")]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def assert_same_store(tracks, one, other):
    for track_id in tracks["track_id"]:
        np.testing.assert_array_equal(one.frames(track_id), other.frames(track_id))


def forbid_decoding(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a file was decoded")

    monkeypatch.setattr(features, "read_audio", refuse)


# --- one track ---------------------------------------------------------------------------------


def librosa_log_mel(y, sr, **options):
    import librosa

    return librosa.power_to_db(
        librosa.feature.melspectrogram(y=y, sr=sr, **options), ref=1.0, amin=1e-10, top_db=None
    )


def assert_agrees(y, sr, **options):
    ours, expected = log_mel(y, sr=sr, **options), librosa_log_mel(y, sr, **options)
    assert ours.shape == expected.shape
    assert ours.dtype == np.float32
    loud = expected > expected.max() - 60
    assert np.abs(ours - expected)[loud].max() < 0.005
    assert np.abs(ours.astype("<f2").astype(float) - expected)[loud].max() < 0.05


@pytest.mark.parametrize(
    "options",
    [
        {"sr": 22050, "n_fft": 2048, "hop_length": 512, "n_mels": 96},
        {"sr": 22050, "n_fft": 2048, "hop_length": 512, "n_mels": 128, "fmin": 30, "fmax": 8000},
        {"sr": 12000, "n_fft": 512, "hop_length": 256, "n_mels": 40},
        {"sr": 44100, "n_fft": 1001, "hop_length": 300, "n_mels": 23},
        {"sr": 16000, "n_fft": 400, "hop_length": 160, "n_mels": 1},
    ],
)
def test_log_mel_agrees_with_librosa(options):
    assert_agrees(noise(1.7, options["sr"])[:, 0], **options)


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("n", [1, 100, 511, 512, 2047, 2048, 2049, 512 * 64, 512 * 64 + 1])
def test_log_mel_of_any_length(n):
    assert_agrees(noise(2)[:n, 0], sr=SR, n_fft=2048, hop_length=512, n_mels=32)


def test_log_mel_agrees_on_real_audio(shared_data):
    from helpers.audio import load_audio

    files = sorted((shared_data / "fma").rglob("*.mp3"))[:6]
    files += sorted((shared_data / "gtzan").rglob("*.ogg"))[::60]
    for path in files:
        y = load_audio(path, max_seconds=15)
        assert_agrees(y, sr=SR, n_fft=2048, hop_length=512, n_mels=128)


def test_log_mel_of_silence_is_the_floor():
    np.testing.assert_allclose(log_mel(np.zeros(5000)), -100)


@pytest.mark.parametrize("y", [np.zeros(0), np.zeros((2, 100)), np.array([0.0, np.nan])])
@pytest.mark.parametrize("function", [log_mel, summary_features])
def test_no_signal(function, y):
    with pytest.raises(ValueError, match="y "):
        function(y)


def test_summary_agrees_with_librosa():
    import librosa

    y = noise(3)[:, 0] + 0.3 * np.sin(2 * np.pi * 440 * np.arange(3 * SR) / SR)
    y = y.astype(np.float32)
    got = summary_features(y)
    assert list(got) == SUMMARY_NAMES
    assert all(np.isfinite(list(got.values())))
    S = np.abs(librosa.stft(y))
    mel_24 = librosa.feature.melspectrogram(y=y, n_mels=24)
    mel_12 = librosa.feature.melspectrogram(y=y, n_mels=12)
    chroma_24 = librosa.feature.chroma_stft(S=S**2, tuning=0, n_chroma=24)
    expected = {
        "rms": librosa.feature.rms(y=y),
        "centroid": librosa.feature.spectral_centroid(y=y),
        "bandwidth": librosa.feature.spectral_bandwidth(y=y),
        "rolloff": librosa.feature.spectral_rolloff(y=y),
        "flatness": librosa.feature.spectral_flatness(y=y),
        "contrast": librosa.feature.spectral_contrast(y=y).mean(axis=0),
        "contrast_3": librosa.feature.spectral_contrast(y=y)[2],
        "contrast_7": librosa.feature.spectral_contrast(y=y)[6],
        "chroma_A": librosa.feature.chroma_stft(S=S**2, tuning=0)[9],
        "chroma24_01": chroma_24[0],
        "chroma24_19": chroma_24[18],
        "mfcc_01": librosa.feature.mfcc(y=y, n_mfcc=24)[0],
        "mfcc_24": librosa.feature.mfcc(y=y, n_mfcc=24)[23],
        "mel_power_02": mel_24[1],
        "mel_db_24": librosa.power_to_db(mel_24)[23],
        "mel12_power_02": mel_12[1],
        "mel12_db_12": librosa.power_to_db(mel_12)[11],
    }
    for name, values in expected.items():
        assert got[f"{name}_mean"] == pytest.approx(values.mean(), rel=1e-3), name
        assert got[f"{name}_std"] == pytest.approx(values.std(), rel=2e-3, abs=1e-6), name
    crossings = librosa.feature.zero_crossing_rate(y).mean()
    assert got["zero_crossing_rate_mean"] == pytest.approx(crossings, rel=0.02)


@pytest.mark.parametrize(("quarter_tones", "name"), [(0, "chroma24_19"), (1, "chroma24_20")])
def test_chroma_in_24_bins_tells_quarter_tones(quarter_tones, name):
    y = np.sin(2 * np.pi * 440 * 2 ** (quarter_tones / 24) * np.arange(SR) / SR)
    got = {n: v for n, v in summary_features(y).items() if re.match(r"chroma24_\d+_mean", n)}
    assert len(got) == 24 and max(got, key=got.get) == f"{name}_mean"


@pytest.mark.parametrize("n", [1, 100, 512 * 30, 512 * 30 + 1])
def test_summary_does_not_depend_on_blocks(monkeypatch, n):
    y = noise(1)[:n, 0]
    whole = np.array(list(summary_features(y).values()))
    monkeypatch.setattr(features, "SUMMARY_FRAMES", 10)
    blocks = np.array(list(summary_features(y).values()))
    np.testing.assert_allclose(blocks, whole, rtol=1e-4, atol=1e-6)
    assert np.isfinite(whole).all()


@pytest.mark.parametrize("sr", [8000, 12000, 16000, 44100])
def test_summary_at_other_rates(sr):
    assert np.isfinite(list(summary_features(noise(0.5, sr)[:, 0], sr=sr).values())).all()


def test_summary_of_silence_is_finite():
    assert np.isfinite(list(summary_features(np.zeros(SR)).values())).all()


# --- a dataset ---------------------------------------------------------------------------------


def test_store_holds_the_log_mels(tmp_path):
    tracks = make_tracks(tmp_path / "audio", 20)
    store = run(tracks, tmp_path / "store")
    assert list(store.index["track_id"]) == list(tracks["track_id"])
    assert list(store.index["path"]) == list(tracks["path"])
    for row in tracks.itertuples():
        y = sf.read(row.path, dtype="float32")[0]
        frames = store.frames(row.track_id)
        assert (frames.dtype, frames.shape[1]) == (np.float16, 16)
        np.testing.assert_array_equal(frames, log_mel(y, n_mels=16).T.astype(np.float16))
    seconds = [0.3 + 0.01 * (i % 7) for i in range(20)]
    np.testing.assert_allclose(store.index["seconds"], seconds, atol=1 / SR)


def test_second_run_decodes_and_writes_nothing(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", 20)
    (tmp_path / "audio" / "text.mp3").write_text("no music")
    tracks.loc[20] = ["text", str(tmp_path / "audio" / "text.mp3")]
    tracks.loc[21] = ["gone", str(tmp_path / "audio" / "gone.mp3")]
    run(tracks, tmp_path / "store")
    forbid_decoding(monkeypatch)
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("*")}
    store = run(tracks, tmp_path / "store")
    assert stamps == {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("*")}
    assert store.report() == "22 tracks: 20 ok, 2 failed (1 not audio, 1 missing)."


def count_decoding(monkeypatch):
    decoded = []
    original = features.read_audio

    def count(path, **options):
        decoded.append(Path(path).name)
        return original(path, **options)

    monkeypatch.setattr(features, "read_audio", count)
    return decoded


def test_only_changed_and_new_files_are_computed(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", 20)
    before = run(tracks.iloc[:18], tmp_path / "store")
    old = np.array(before.frames("t3"))
    kept = tmp_path / "kept.wav"
    shutil.copy2(tracks["path"][3], kept)
    sf.write(tracks["path"][3], noise(0.5, seed=99), SR)
    decoded = count_decoding(monkeypatch)
    store = run(tracks, tmp_path / "store")
    assert sorted(decoded) == ["003.wav", "018.wav", "019.wav"]
    assert len(store.frames("t3")) == 22
    assert_same_store(tracks.iloc[:3], before, store)
    assert len(FeatureStore(tmp_path / "store").frames("t3")) == 22
    os.replace(kept, tracks["path"][3])  # the earlier version comes back
    store = run(tracks, tmp_path / "store")
    assert len(decoded) == 3
    np.testing.assert_array_equal(store.frames("t3"), old)
    np.testing.assert_array_equal(FeatureStore(tmp_path / "store").frames("t3"), old)


def test_failed_tracks_are_tried_again_when_they_change(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", 3)
    os.rename(tracks["path"][1], tmp_path / "away.wav")
    Path(tracks["path"][2]).write_text("no music")
    store = run(tracks, tmp_path / "store")
    assert list(store.index["reason"]) == ["", "missing", "not audio"]
    decoded = count_decoding(monkeypatch)
    os.rename(tmp_path / "away.wav", tracks["path"][1])
    assert list(run(tracks, tmp_path / "store").index["reason"]) == ["", "", "not audio"]
    sf.write(tracks["path"][2], noise(0.4), SR)
    assert list(run(tracks, tmp_path / "store").index["reason"]) == ["", "", ""]
    assert decoded == ["001.wav", "002.wav"]


def test_parameters_live_side_by_side(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", 5)
    run(tracks, tmp_path / "store", n_mels=16)
    decoded = count_decoding(monkeypatch)
    assert run(tracks, tmp_path / "store", n_mels=24).frames("t0").shape[1] == 24
    assert len(decoded) == 5
    assert FeatureStore(tmp_path / "store").n_mels == 24
    assert run(tracks, tmp_path / "store", n_mels=16, fmax=SR / 2).frames("t0").shape[1] == 16
    assert FeatureStore(tmp_path / "store").n_mels == 16
    assert len(decoded) == 5


def test_a_moved_dataset_is_not_computed_again(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", 5)
    run(tracks, tmp_path / "store")
    os.rename(tmp_path / "audio", tmp_path / "moved")
    decoded = count_decoding(monkeypatch)
    tracks["path"] = tracks["path"].str.replace("audio", "moved")
    store = run(tracks, tmp_path / "store")
    assert not decoded
    assert list(store.index["path"]) == list(tracks["path"])


def test_some_of_the_tracks(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", 12)
    run(tracks, tmp_path / "store")
    forbid_decoding(monkeypatch)
    some = run(tracks.iloc[[7, 2]], tmp_path / "store")
    assert list(some.index["track_id"]) == ["t7", "t2"]
    assert set(FeatureStore(tmp_path / "store").index["track_id"]) == set(tracks["track_id"])


def test_min_seconds_is_a_filter(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", 3)
    sf.write(tracks["path"][0], noise(3.0), SR)
    sf.write(tracks["path"][1], noise(2.99), SR)
    decoded = count_decoding(monkeypatch)
    store = run(tracks, tmp_path / "store", min_seconds=3)
    assert list(store.index["reason"]) == ["", "shorter than 3 s", "shorter than 3 s"]
    assert "t1" not in store
    assert list(FeatureStore(tmp_path / "store").index["status"]) == ["ok", "failed", "failed"]
    assert len(run(tracks, tmp_path / "store")) == 3
    assert len(decoded) == 3


def test_max_seconds_takes_the_middle(tmp_path):
    y = np.concatenate([noise(2, level=0.001), noise(2, level=0.5), noise(2, level=0.001)])
    sf.write(tmp_path / "a.wav", y, SR)
    tracks = pd.DataFrame({"track_id": ["a"], "path": [tmp_path / "a.wav"]})
    store = run(tracks, tmp_path / "store", max_seconds=2.0)
    frames = store.frames("a").astype(float)
    assert len(frames) == 1 + 2 * SR // 512
    assert frames.mean(axis=1).min() > log_mel(y[:SR, 0], n_mels=16).mean() + 40


def test_bad_files_stop_nothing(tmp_path, monkeypatch):
    audio = tmp_path / "audio"
    audio.mkdir()
    nan = noise(1)
    nan[7] = np.nan
    files = {
        "ok.wav": (noise(1), SR),
        "stereo 🎵 naïve.wav": (noise(1, 44100, 2), 44100),
        "six.wav": (noise(1, 48000, 6), 48000),
        "low.wav": (noise(1, 8000), 8000),
        "high.wav": (noise(1, 192000), 192000),
        "silent.wav": (np.zeros(SR), SR),
        "offset.wav": (np.full(SR, 0.25), SR),
        "quiet.wav": (noise(1, level=5e-6), SR),
        "nan.wav": (nan, SR),
        "huge.wav": (noise(1) * 1e25, SR),
        "short.wav": (noise(0.2), SR),
        "none.wav": (np.zeros(0), SR),
        "whole.flac": (noise(2), SR),
    }
    for name, (y, sr) in files.items():
        sf.write(audio / name, y, sr, subtype="FLOAT" if name.endswith("wav") else None)
    data = (audio / "whole.flac").read_bytes()
    (audio / "half.flac").write_bytes(data[: len(data) // 2])
    (audio / "empty.mp3").touch()
    (audio / "text.mp3").write_text("no music " * 1000)
    (audio / "folder.wav").mkdir()
    names = sorted(p.name for p in audio.iterdir()) + ["missing.wav"]
    tracks = pd.DataFrame({"track_id": names, "path": [audio / name for name in names]})
    store = run(tracks, tmp_path / "store", min_seconds=0.5)
    reasons = store.index.set_index("track_id")["reason"]
    assert reasons[reasons != ""].to_dict() == {
        "empty.mp3": "empty file",
        "folder.wav": "not a file",
        "huge.wav": "beyond full scale",
        "missing.wav": "missing",
        "nan.wav": "non-finite samples",
        "none.wav": "no samples",
        "offset.wav": "silent",
        "quiet.wav": "silent",
        "short.wav": "shorter than 0.5 s",
        "silent.wav": "silent",
        "text.mp3": "not audio",
    }
    notes = store.index.set_index("track_id")["note"]
    assert notes["low.wav"] == "recorded at 8000 Hz: nothing above 4000 Hz"
    assert notes["half.flac"].startswith("damaged: ")
    facts = store.index.set_index("track_id")[["native_sr", "channels"]]
    assert facts.loc["six.wav"].tolist() == [48000, 6]
    assert all(np.isfinite(store.frames(name)).all() for name in names if name in store)
    assert "18 tracks: 7 ok, 11 failed (3 silent, 1 empty file" in store.report()
    assert "Kept with a note: 1 damaged, 1 recorded at 8000 Hz." in store.report()
    summary = extract_summary(tracks, tmp_path / "store", jobs=2, progress=False)
    assert set(summary.index) == {*(n for n in names if n in store), "short.wav"}
    assert np.isfinite(summary.to_numpy()).all()


def test_loudest_samples_are_finite():
    y = np.clip(noise(1)[:, 0] * 1e12, -1e9, 1e9)
    assert np.isfinite(log_mel(y)).all()
    assert np.isfinite(list(summary_features(y).values())).all()


def test_non_finite_features_never_reach_the_store(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", 2)
    whole = features.log_mel

    def one_nan(y, **options):
        S_db = np.array(whole(y, **options))
        S_db[3, 3] = np.nan if len(y) > 0.305 * SR else 0
        return S_db

    monkeypatch.setattr(features, "log_mel", one_nan)
    store = run(tracks, tmp_path / "store")
    assert list(store.index["reason"]) == ["", "non-finite features"]


def test_unreadable_files_are_tried_again(tmp_path, monkeypatch):
    """Rights change without changing the time of modification; root has all of them."""
    tracks = make_tracks(tmp_path / "audio", 2)
    path = tracks["path"][1]
    real_access, real_open = os.access, open

    def refuse(file, *args, **kwargs):
        if str(file) == path:
            raise PermissionError(13, "Permission denied")
        return real_open(file, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda p, mode: str(p) != path and real_access(p, mode))
        patch.setattr("builtins.open", refuse)
        store = run(tracks, tmp_path / "store")
        assert list(store.index["reason"]) == ["", "no permission"]
    assert len(run(tracks, tmp_path / "store")) == 2


def test_nothing_readable_is_one_error(tmp_path, monkeypatch):
    names = [f"{i}.wav" for i in range(5)]
    tracks = pd.DataFrame({"track_id": names, "path": [tmp_path / name for name in names]})
    with pytest.raises(FeatureError, match=r"none of 5 tracks .*0\.wav: missing; .*, \.\.\."):
        run(tracks, tmp_path / "store")
    forbid_decoding(monkeypatch)
    with pytest.raises(FeatureError, match="missing"):
        run(tracks, tmp_path / "store")
    assert FeatureStore(tmp_path / "store").report() == "5 tracks: 0 ok, 5 failed (5 missing)."


@pytest.mark.parametrize(
    ("tracks", "options", "message"),
    [
        ({"track_id": [], "path": []}, {}, "is empty"),
        ({"track_id": ["a"]}, {}, "lacks the column path"),
        ({"track_id": ["a", "a"], "path": ["b", "c"]}, {}, "'a' stands twice"),
        ({"track_id": ["a"], "path": ["b"]}, {"jobs": 0}, "jobs"),
        ({"track_id": ["a"], "path": ["b"]}, {"max_seconds": 2, "min_seconds": 3}, "max_seconds"),
    ],
)
def test_calls_that_cannot_work(tmp_path, tracks, options, message):
    with pytest.raises(ValueError, match=message):
        run(pd.DataFrame(tracks), tmp_path / "store", **options)
    assert not (tmp_path / "store").exists()


def test_progress_counts_tracks(tmp_path, capsys):
    tracks = make_tracks(tmp_path / "audio", 10)
    run(tracks, tmp_path / "store", progress=True)
    assert "10/10" in capsys.readouterr().err
    run(tracks, tmp_path / "store", progress=True)
    assert capsys.readouterr() == ("", "")


def test_summary_table(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", 4)
    tracks.loc[4] = ["gone", "gone.wav"]
    table = extract_summary(tracks, tmp_path / "store", jobs=2, progress=False)
    forbid_decoding(monkeypatch)
    assert list(table.index) == ["t0", "t1", "t2", "t3"]
    assert list(table.columns) == SUMMARY_NAMES
    y = sf.read(tracks["path"][2], dtype="float32")[0]
    np.testing.assert_allclose(table.loc["t2"], list(summary_features(y).values()), rtol=1e-5)
    assert table.attrs["report"] == "5 tracks: 4 ok, 1 failed (1 missing)."
    again = extract_summary(tracks, tmp_path / "store", jobs=2, progress=False)
    pd.testing.assert_frame_equal(table, again)


# --- interruption and concurrency --------------------------------------------------------------

CHILD = """
import os, signal, sys, time
import pandas as pd
from helpers import datasets, features
tracks, folder, delay, dies = pd.read_csv(sys.argv[1]), sys.argv[2], *map(float, sys.argv[3:])
compute, replace, published = features._compute, os.replace, []
def slow(*args, **kwargs):
    time.sleep(delay)
    return compute(*args, **kwargs)
def fatal(*args):
    published.append(1)
    if len(published) == dies:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*args)
features._compute, os.replace = slow, fatal
features.log_mel([0.0], n_mels=16)
print("ready", flush=True)
sys.stdin.readline()
features.extract(tracks, folder, jobs=2, n_mels=16, progress=False, chunk_size=8)
"""


def start_child(csv, folder, *, delay=0.0, dies=0):
    """Start an extraction that waits for a line on its standard input."""
    command = [sys.executable, "-c", CHILD, str(csv), str(folder), str(delay), str(dies)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)


def go(child):
    child.stdin.write("\n")
    child.stdin.flush()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Return 150 tracks, their table on disk, and an undisturbed store of them."""
    folder = tmp_path_factory.mktemp("dataset")
    tracks = make_tracks(folder / "audio", 150, seconds=0.1)
    Path(tracks["path"][77]).write_text("no music")
    tracks.to_csv(folder / "tracks.csv", index=False)
    run(tracks, folder / "store")
    return tracks, folder / "tracks.csv", folder / "store"


@pytest.mark.processes
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_before_any_rename(dataset, tmp_path):
    """Every write ends in a rename: params (2), then frames and index of each shard, the index."""
    tracks, csv, undisturbed = dataset
    children = {dies: start_child(csv, tmp_path / str(dies), dies=dies) for dies in (2, 6, 9)}
    for child in children.values():
        go(child)
    for dies, child in children.items():
        assert child.wait(60) == -signal.SIGKILL
        folder = tmp_path / str(dies)
        stamps = {p: p.stat().st_mtime_ns for p in folder.rglob("index-*.parquet")}
        assert len(stamps) == max(0, (dies - 3) // 2)
        if stamps:
            assert len(FeatureStore(folder)) == 8 * len(stamps)
        run(tracks, folder)
        assert contents(folder) == contents(undisturbed)
        assert stamps == {p: p.stat().st_mtime_ns for p in stamps}


def count_shards(folder):
    return len(list(folder.rglob("index-*.parquet")))


@pytest.mark.processes
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_killed_at_random_moments(dataset, tmp_path):
    tracks, csv, undisturbed = dataset
    rng = np.random.default_rng(0)
    shards = 0
    for _ in range(4):
        child = start_child(csv, tmp_path / "store", delay=0.01)
        child.stdout.readline()
        go(child)
        while count_shards(tmp_path / "store") == shards and child.poll() is None:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.08))
        child.kill()
        child.wait(60)
        assert count_shards(tmp_path / "store") > shards
        shards = count_shards(tmp_path / "store")
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("frames-*.npy")}
    store = run(tracks, tmp_path / "store")
    assert contents(tmp_path / "store") == contents(undisturbed)
    finished = {p for p in stamps if p.with_name(p.name.replace("frames", "index")).exists()}
    redone = [p for p in finished if stamps[p] != p.stat().st_mtime_ns]
    assert len(redone) <= 1  # frames renamed, killed before the index was
    assert store.index["status"].value_counts().to_dict() == {"ok": 149, "failed": 1}


@pytest.mark.processes
def test_two_runs_at_once(dataset, tmp_path):
    tracks, csv, undisturbed = dataset
    children = [start_child(csv, tmp_path / "store", delay=d) for d in (0.001, 0.002)]
    for child in children:
        child.stdout.readline()
    for child in children:
        go(child)
    assert [child.wait(60) for child in children] == [0, 0]
    assert contents(tmp_path / "store") == contents(undisturbed)


@pytest.mark.processes
def test_two_runs_at_once_with_different_tracks(dataset, tmp_path):
    tracks, _, undisturbed = dataset
    parts = {"a": tracks.iloc[:90], "b": tracks.iloc[60:]}
    for name, part in parts.items():
        part.to_csv(tmp_path / f"{name}.csv", index=False)
    children = [start_child(tmp_path / f"{name}.csv", tmp_path / "store") for name in parts]
    for child in children:
        child.stdout.readline()
    for child in children:
        go(child)
    assert [child.wait(60) for child in children] == [0, 0]
    store = FeatureStore(tmp_path / "store")
    assert sorted(store.index["track_id"]) == sorted(tracks["track_id"])
    assert_same_store(tracks.drop(77), store, FeatureStore(undisturbed))


@pytest.mark.parametrize("fault", [MemoryError(), ZeroDivisionError("by zero")])
def test_a_fault_inside_a_library_is_one_track_s_and_tried_again(tmp_path, monkeypatch, fault):
    tracks = make_tracks(tmp_path / "audio", 5)
    calls, real = [], features.log_mel

    def fails_once(y, **options):
        calls.append(y)
        if len(calls) == 3:
            raise fault
        return real(y, **options)

    monkeypatch.setattr(features, "log_mel", fails_once)
    store = run(tracks, tmp_path / "store", jobs=1)
    reason = {MemoryError: "too long for memory"}.get(type(fault), "analysis failed")
    assert len(store) == 4 and store.failed["reason"].tolist() == [reason]
    assert str(fault) in store.index["note"].iloc[2]
    assert len(run(tracks, tmp_path / "store", jobs=1)) == 5 and len(calls) == 6


def test_a_name_that_is_no_utf_8_is_a_track_like_others(tmp_path):
    """The name is escaped in every table, and the file is found again under it."""
    folder = tmp_path / "music" / "rock"
    folder.mkdir(parents=True)
    sf.write(folder / "plain.wav", noise(1)[:, 0], SR)
    os.rename(folder / "plain.wav", os.fsencode(folder) + b"/caf\xe9.wav")
    dataset = datasets.load("folder", tmp_path, folder="music")
    assert dataset.tracks["track_id"].tolist() == ["rock/caf\\xe9"]
    store = run(dataset.tracks, tmp_path / "store")
    assert len(store) == 1 and store.index["size"].iloc[0] > 0
    assert run(dataset.tracks, tmp_path / "store").index.equals(store.index)


@pytest.mark.slow
@pytest.mark.processes
def test_dask_makes_the_same_store(dataset, tmp_path):
    distributed = pytest.importorskip("distributed")
    tracks, _, undisturbed = dataset
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options, silence_logs=50) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        store = run(tracks, tmp_path / "store")
        assert contents(tmp_path / "store") == contents(undisturbed)
        assert store.report() == FeatureStore(undisturbed).report()
        table = extract_summary(tracks.iloc[:5], tmp_path, progress=False)
        local = extract_summary(tracks.iloc[:5], tmp_path / "local", progress=False)
        pd.testing.assert_frame_equal(table, local)
