"""Samples in the feature store, and clips of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf

from helpers import clips, features
from helpers.audio import load_audio
from helpers.features import FeatureError, extract, extract_waveform
from helpers.store import FeatureStore

SR, NATIVE = 11025, 22050


def noise(seconds, sr=NATIVE, seed=0, level=0.1):
    return np.random.default_rng(seed).normal(0, level, round(seconds * sr)).astype(np.float32)


def make_tracks(folder, sounds, sr=NATIVE):
    """Write each sound of a dict; return the table of tracks."""
    folder.mkdir(exist_ok=True)
    for name, y in sounds.items():
        sf.write(folder / f"{name}.wav", y, sr, subtype="FLOAT")
    paths = [str(folder / f"{name}.wav") for name in sounds]
    return pd.DataFrame({"track_id": list(sounds), "path": paths})


def run(tracks, folder, **options):
    return extract_waveform(tracks, folder, **({"jobs": 2, "progress": False} | options))


def error_db(y, stored):
    """Rounding error relative to the sound, in decibels."""
    return 10 * np.log10(np.square(stored - y).mean() / np.square(y).mean())


def test_the_store_holds_the_samples(tmp_path):
    tracks = make_tracks(
        tmp_path / "audio", {f"t{i}": noise(1 + 0.1 * i, seed=i) for i in range(5)}
    )
    store = run(tracks, tmp_path / "store", chunk_size=2)
    assert store.frames_per_second == SR
    assert store.params["kind"] == "waveform"
    for i, row in enumerate(tracks.itertuples()):
        frames = store.frames(row.track_id)
        assert frames.dtype == np.float16
        assert frames.shape == (-(-round((1 + 0.1 * i) * NATIVE) // 2), 1)
        np.testing.assert_array_equal(frames[:, 0], load_audio(row.path, sr=SR).astype("<f2"))
    np.testing.assert_allclose(store.index["seconds"], 1 + 0.1 * np.arange(5), atol=1 / SR)


def test_a_tone_keeps_its_pitch_and_its_level(tmp_path):
    y = 0.5 * np.sin(2 * np.pi * 440 * np.arange(NATIVE) / NATIVE)
    store = run(make_tracks(tmp_path / "audio", {"a": y}), tmp_path / "store")
    stored = store.frames("a")[:, 0].astype(float)
    assert np.abs(np.fft.rfft(stored)).argmax() == 440
    assert stored.std() == pytest.approx(0.5 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize("level", [0.5, 0.1, 1e-3, 3.0])
def test_rounding_lies_73_db_below_the_sound_at_any_level(tmp_path, level):
    tracks = make_tracks(tmp_path / "audio", {"a": noise(2, level=level)})
    stored = run(tracks, tmp_path / "store", sr=NATIVE).frames("a")[:, 0].astype(float)
    assert error_db(noise(2, level=level), stored) < -73


def test_max_seconds_takes_the_middle(tmp_path):
    y = np.concatenate([noise(2, level=0.001), noise(2, level=0.5), noise(2, level=0.001)])
    tracks = make_tracks(tmp_path / "audio", {"a": y})
    samples = run(tracks, tmp_path / "store", max_seconds=1.5).frames("a")[:, 0].astype(float)
    assert len(samples) == round(1.5 * SR)
    assert np.abs(samples[:16500].reshape(15, -1)).mean(axis=1).min() > 0.1
    same = extract(tracks, tmp_path / "mel", max_seconds=1.5, jobs=1, progress=False)
    assert same.index["seconds"][0] == pytest.approx(1.5)


def test_bad_files_are_rows_with_a_reason(tmp_path):
    sounds = {
        "ok": noise(1),
        "silent": np.zeros(NATIVE),
        "huge": noise(1, level=1e6),
        "short": noise(0.2),
    }
    tracks = make_tracks(tmp_path / "audio", sounds)
    (tmp_path / "audio" / "text.wav").write_text("no music")
    for name in ("text", "gone"):
        tracks.loc[len(tracks)] = [name, str(tmp_path / "audio" / f"{name}.wav")]
    store = run(tracks, tmp_path / "store", min_seconds=0.5)
    assert store.index.set_index("track_id")["reason"].to_dict() == {
        "ok": "",
        "silent": "silent",
        "huge": "beyond full scale",
        "short": "shorter than 0.5 s",
        "text": "not audio",
        "gone": "missing",
    }
    assert list(store.usable(tracks)["track_id"]) == ["ok"]
    with pytest.raises(FeatureError, match="none of 1 tracks"):
        run(tracks.iloc[-1:], tmp_path / "store")


def test_a_second_run_decodes_nothing(tmp_path, monkeypatch):
    tracks = make_tracks(tmp_path / "audio", {f"t{i}": noise(0.5, seed=i) for i in range(6)})
    first = run(tracks.iloc[:4], tmp_path / "store")
    old = np.array(first.frames("t1"))
    decoded, original = [], features.read_audio

    def count(path, **options):
        decoded.append(Path(path).stem)
        return original(path, **options)

    monkeypatch.setattr(features, "read_audio", count)
    store = run(tracks, tmp_path / "store")
    assert sorted(decoded) == ["t4", "t5"]
    np.testing.assert_array_equal(store.frames("t1"), old)
    run(tracks, tmp_path / "store", min_seconds=0.1)
    assert len(decoded) == 2
    run(tracks, tmp_path / "store", sr=8000)
    assert len(decoded) == 8


def test_it_stands_beside_the_log_mels_of_the_same_folder(tmp_path):
    tracks = make_tracks(tmp_path / "audio", {"a": noise(1)})
    extract(tracks, tmp_path / "store", n_mels=16, jobs=1, progress=False)
    run(tracks, tmp_path / "store")
    assert FeatureStore(tmp_path / "store").n_mels == 16
    assert FeatureStore(tmp_path / "store" / "waveform").frames("a").shape == (SR, 1)


# --- clips ---------------------------------------------------------------------------------------


@pytest.fixture
def ramps(tmp_path):
    """Two tracks whose sample t is t / 4096 (and minus that), exact in half precision."""
    n = {"up": 400, "down": 150}
    sounds = {"up": np.arange(400) / 4096, "down": -np.arange(150) / 4096}
    tracks = make_tracks(tmp_path / "audio", sounds, sr=SR)
    return run(tracks, tmp_path / "store"), list(n), np.array([0, 1])


def test_every_clip_of_samples_in_order(ramps):
    store, ids, Y = ramps
    feed = clips.EveryClip(store, ids, Y, clip_frames=100, batch_size=3)
    X = np.concatenate([feed[i][0] for i in range(len(feed))])
    assert feed.owner.tolist() == [0, 0, 0, 0, 1]
    assert X.shape == (5, 100, 1, 1) and X.dtype == np.float32
    assert (X[:, 0, 0, 0] * 4096).tolist() == [0, 100, 200, 300, 0]
    assert (np.diff(X[:4, :, 0, 0] * 4096) == 1).all()


def test_random_clips_of_samples_lie_where_they_should(ramps):
    store, ids, Y = ramps
    feed = clips.RandomClips(store, ids, Y, clip_frames=100, clips_per_track=3000, seed=1)
    X, y = (np.concatenate(parts) for parts in zip(*(feed[i] for i in range(len(feed)))))
    assert X.shape == (6000, 100, 1, 1)
    start = X[y == 0][:, 0, 0, 0] * 4096
    assert (start.min(), start.max()) == (0, 300)
    np.testing.assert_array_equal(X[y == 0][:, 99, 0, 0] * 4096, start + 99)
    again = clips.RandomClips(store, ids, Y, clip_frames=100, clips_per_track=3000, seed=1)
    np.testing.assert_array_equal(again[0][0], feed[0][0])


def test_a_short_track_is_repeated(ramps):
    store, ids, Y = ramps
    X = clips.EveryClip(store, ids, Y, clip_frames=350)[0][0]
    assert (X[1, :, 0, 0] * -4096).tolist() == [t % 150 for t in range(350)]


def test_the_same_seed_draws_the_same_places_in_both_stores(tmp_path):
    sounds = {"a": noise(3), "b": noise(2, seed=1)}
    tracks = make_tracks(tmp_path / "audio", sounds)
    mel = extract(tracks, tmp_path / "store", n_mels=8, jobs=1, progress=False)
    wave = run(tracks, tmp_path / "store")
    options = {"clips_per_track": 50, "seed": 3}
    one, two = (
        clips.RandomClips(
            s, ["a", "b"], np.arange(2), clip_frames=round(s.frames_per_second), **options
        )
        for s in (mel, wave)
    )
    np.testing.assert_array_equal(one.order, two.order)
    np.testing.assert_array_equal(one.position, two.position)


def test_statistics_of_samples(tmp_path):
    tracks = make_tracks(tmp_path / "audio", {"a": noise(2, level=0.2) + 0.1})
    mean, variance = clips.band_statistics(run(tracks, tmp_path / "store", sr=NATIVE), ["a"])
    assert mean == pytest.approx([0.1], abs=0.01)
    assert variance == pytest.approx([0.04], rel=0.05)
