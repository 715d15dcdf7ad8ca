"""Recording properties: a class from another source must show."""

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
import soxr

from helpers import quality

SR = 22050


def noise(seed, seconds=2.0, level=0.1):
    """Pink-like noise: falls with frequency, reaches the top."""
    rng = np.random.default_rng(seed)
    n = int(seconds * SR)
    spectrum = np.fft.rfft(rng.normal(size=n)) / np.sqrt(np.arange(n // 2 + 1) + 50)
    y = np.fft.irfft(spectrum, n)
    return (level * y / y.std()).astype(np.float32)


def test_a_16_khz_copy_has_a_cliff_at_8_khz():
    y = noise(0)
    copy = soxr.resample(soxr.resample(y, SR, 16000), 16000, SR)
    good, bad = (quality.recording_properties(x, sr=SR) for x in (y, copy))
    assert good["bandwidth"] > 10500 and good["cliff"] < 10
    assert 7500 < bad["bandwidth"] < 8300 and bad["cliff"] > 40


def test_level_crest_silence_offset_and_clipping():
    t = np.arange(SR) / SR
    sine = 0.5 * np.sin(2 * np.pi * 100 * t)
    p = quality.recording_properties(sine, sr=SR)
    assert p["level"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
    assert p["crest"] == pytest.approx(3.01, abs=0.02)
    assert p["silence"] == 0 and p["clipped"] == 0
    half = np.concatenate([sine, np.zeros(SR)]) + 0.0
    assert quality.recording_properties(half, sr=SR)["silence"] == pytest.approx(0.5, abs=0.05)
    assert quality.recording_properties(sine + 0.1, sr=SR)["dc_offset"] == pytest.approx(0.1)
    assert quality.recording_properties(np.clip(4 * sine, -1, 1), sr=SR)["clipped"] > 0.5
    with pytest.raises(ValueError, match="no samples"):
        quality.recording_properties(np.zeros(0), sr=SR)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 43, 44, 100])
def test_a_recording_of_a_few_samples_has_finite_properties(n):
    y = noise(0)[:n]
    assert np.isfinite(list(quality.recording_properties(y, sr=SR).values())).all()
    assert np.isfinite(list(quality.recording_properties(np.zeros(n), sr=SR).values())).all()


def test_a_class_from_another_source_gives_itself_away(tmp_path):
    rows = []
    for i in range(24):
        label, y = "abc"[i % 3], noise(i, level=0.05 + 0.1 * ((7 * i) % 5) / 5)
        if label == "c":
            y = soxr.resample(soxr.resample(y, SR, 16000), 16000, SR)
        sf.write(tmp_path / f"{i}.wav", y, SR)
        rows.append((f"t{i}", str(tmp_path / f"{i}.wav"), label))
    (tmp_path / "bad.wav").write_text("not audio")
    rows.append(("bad", str(tmp_path / "bad.wav"), "a"))
    sf.write(tmp_path / "silent.wav", np.zeros(SR), SR)
    rows.append(("silent", str(tmp_path / "silent.wav"), "a"))
    tracks = pd.DataFrame(rows, columns=["track_id", "path", "label"])
    table = quality.measure(tracks, progress=False)
    assert table.loc["bad", "reason"] == "not audio"
    assert table.loc["silent", "reason"] == "silent"
    assert (table["reason"] == "").sum() == 24
    clues = quality.class_clues(table, tracks.set_index("track_id")["label"])
    assert clues.loc["c", "cliff"] == 1 and clues.loc["c", "bandwidth"] == 1
    assert clues["level"].max() < 0.6 and clues["sample_rate"].max() == 0


def test_the_same_file_twice_has_the_same_digest(tmp_path):
    for name in ("one", "two"):
        sf.write(tmp_path / f"{name}.wav", noise(3), SR)
    sf.write(tmp_path / "other.wav", noise(4), SR)
    names = ["one", "two", "other"]
    tracks = pd.DataFrame({"track_id": names, "path": [str(tmp_path / f"{n}.wav") for n in names]})
    content = quality.measure(tracks, progress=False)["content"]
    assert content["one"] == content["two"] != content["other"]
