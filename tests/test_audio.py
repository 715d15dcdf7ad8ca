"""Opening audio: agreement with librosa, excerpts, and every kind of bad file."""

from __future__ import annotations

import builtins
import os
import pickle

import numpy as np
import pytest
import soundfile as sf

from helpers.audio import AudioError, load_audio, read_audio

SR = 22050


def noise(seconds, sr, channels=1, seed=0):
    shape = (int(seconds * sr), channels)
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


def cut(path, target, share=0.5):
    data = path.read_bytes()
    target.write_bytes(data[: int(share * len(data))])
    return target


def reason_of(path, **options):
    with pytest.raises(AudioError) as caught:
        load_audio(path, **options)
    assert caught.value.path == str(path)
    assert str(caught.value).startswith(f"{path}: {caught.value.reason}")
    return caught.value.reason


@pytest.mark.parametrize("native_sr", [8000, 16000, 22050, 44100, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_equals_librosa(tmp_path, native_sr, channels):
    import librosa

    sf.write(tmp_path / "a.wav", noise(1.3, native_sr, channels), native_sr, subtype="FLOAT")
    y = load_audio(tmp_path / "a.wav", sr=SR)
    expected = librosa.load(tmp_path / "a.wav", sr=SR)[0]
    assert y.dtype == np.float32
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, atol=1e-6)


def test_equals_librosa_over_many_blocks(tmp_path):
    import librosa

    sf.write(tmp_path / "a.flac", noise(10, 44100, 2), 44100)
    expected = librosa.load(tmp_path / "a.flac", sr=SR)[0]
    np.testing.assert_allclose(load_audio(tmp_path / "a.flac", sr=SR), expected, atol=1e-6)


def test_equals_librosa_on_real_files(shared_data):
    import librosa

    files = sorted((shared_data / "fma").rglob("*.mp3"))[:3]
    files += sorted((shared_data / "gtzan").rglob("*.ogg"))[:2]
    files += sorted((shared_data / "irmas").rglob("*.wav"))[:2]
    for path in files:
        np.testing.assert_allclose(load_audio(path), librosa.load(path)[0], atol=1e-6)


@pytest.mark.parametrize("suffix", ["wav", "au", "flac", "ogg", "mp3", "aiff"])
def test_formats(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    sf.write(path, noise(2, 44100, 2), 44100)
    audio = read_audio(path, sr=SR)
    assert (audio.sr, audio.native_sr, audio.channels, audio.note) == (SR, 44100, 2, "")
    assert len(audio.y) == 2 * SR


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_excerpts_are_slices(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    sf.write(path, noise(6, SR), SR)
    whole = load_audio(path)
    for offset, start in ((0.0, 0), (1.5, 1.5), (None, 2.0)):
        y = load_audio(path, offset=offset, max_seconds=2.0)
        start = int(start * SR)
        first = 1152 if suffix == "mp3" else 0  # an mp3 decoder needs a frame to get going
        np.testing.assert_allclose(y[first:], whole[start : start + 2 * SR][first:], atol=1e-4)


def test_excerpts_of_short_files(tmp_path):
    sf.write(tmp_path / "a.wav", noise(2, 44100), 44100)
    assert len(load_audio(tmp_path / "a.wav", offset=None, max_seconds=2.5)) == 2 * SR
    assert len(load_audio(tmp_path / "a.wav", offset=1.5, max_seconds=2.5)) == SR // 2
    assert reason_of(tmp_path / "a.wav", offset=2.5) == "no samples"
    with pytest.raises(ValueError, match="positive"):
        load_audio(tmp_path / "a.wav", max_seconds=0)


def test_native_rate(tmp_path):
    sf.write(tmp_path / "a.wav", noise(1, 44100, 2), 44100)
    audio = read_audio(tmp_path / "a.wav", sr=None)
    assert (audio.sr, len(audio.y)) == (44100, 44100)


def test_low_rate_is_noted(tmp_path):
    sf.write(tmp_path / "a.wav", noise(1, 8000), 8000)
    assert read_audio(tmp_path / "a.wav").note == "recorded at 8000 Hz: nothing above 4000 Hz"
    assert read_audio(tmp_path / "a.wav", sr=8000).note == ""


def test_silence_is_returned(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(SR), SR)
    assert not load_audio(tmp_path / "a.wav").any()


def test_unusable_files(tmp_path):
    (tmp_path / "empty.mp3").touch()
    for suffix in ("mp3", "wav", "flac", "ogg"):
        (tmp_path / f"text.{suffix}").write_text("this is no music\n" * 500)
        assert reason_of(tmp_path / f"text.{suffix}") == "not audio"
    (tmp_path / "random.mp3").write_bytes(np.random.default_rng(0).bytes(200_000))
    sf.write(tmp_path / "none.wav", np.zeros(0), SR)
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        y = noise(1, SR)
        y[1000] = value
        sf.write(tmp_path / f"{name}.wav", y, SR, subtype="FLOAT")
        assert reason_of(tmp_path / f"{name}.wav") == "non-finite samples"
    assert reason_of(tmp_path / "missing.wav") == "missing"
    assert reason_of(tmp_path) == "not a file"
    assert reason_of(tmp_path / "empty.mp3") == "empty file"
    assert reason_of(tmp_path / "random.mp3") == "not audio"
    assert reason_of(tmp_path / "none.wav") == "no samples"


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read every file")
def test_no_permission(tmp_path):
    sf.write(tmp_path / "a.wav", noise(1, SR), SR)
    (tmp_path / "a.wav").chmod(0)
    assert reason_of(tmp_path / "a.wav") == "no permission"


def test_no_permission_as_root(tmp_path, monkeypatch):
    path = tmp_path / "a.wav"
    sf.write(path, noise(1, SR), SR)

    def refuse(file, *args, **kwargs):
        if str(file) == str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return builtins_open(file, *args, **kwargs)

    builtins_open = builtins.open
    monkeypatch.setattr(builtins, "open", refuse)
    assert reason_of(path) == "no permission"


@pytest.mark.parametrize("suffix", ["wav", "au", "aiff", "flac", "mp3", "ogg"])
def test_truncated_files_are_kept_with_a_note(tmp_path, suffix):
    path = tmp_path / f"whole.{suffix}"
    sf.write(path, noise(4, 44100), 44100)
    whole = load_audio(path)
    audio = read_audio(cut(path, tmp_path / f"half.{suffix}"))
    assert 0.2 * len(whole) < len(audio.y) < 0.7 * len(whole)
    assert audio.note.startswith(("truncated: ", "damaged: "))
    keep = len(audio.y) - 2000  # the end differs: the resampler does not know what comes
    np.testing.assert_allclose(audio.y[:keep], whole[:keep], atol=1e-4)


def test_middle_of_a_truncated_file(tmp_path):
    sf.write(tmp_path / "whole.mp3", noise(10, 44100), 44100)
    path = cut(tmp_path / "whole.mp3", tmp_path / "cut.mp3", 0.3)
    assert len(load_audio(path, offset=None, max_seconds=2.0)) == 2 * SR


def test_a_hole_ends_the_file(tmp_path):
    sf.write(tmp_path / "a.flac", noise(6, 44100), 44100)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    (tmp_path / "a.flac").write_bytes(data)
    audio = read_audio(tmp_path / "a.flac")
    assert 2.5 < len(audio.y) / SR < 3.1
    assert audio.note.startswith("damaged: ")


def test_cut_within_the_header_fails(tmp_path):
    sf.write(tmp_path / "a.flac", noise(1, SR), SR)
    assert reason_of(cut(tmp_path / "a.flac", tmp_path / "b.flac", 0.005)) in {
        "damaged",
        "not audio",
        "no samples",
    }


def test_a_streamed_wav_is_not_truncated(tmp_path):
    """A program that does not know the length in advance writes the largest one."""
    sf.write(tmp_path / "a.wav", noise(1, SR), SR)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = b"\xff\xff\xff\xff"
    (tmp_path / "a.wav").write_bytes(data)
    audio = read_audio(tmp_path / "a.wav")
    assert (len(audio.y), audio.note) == (SR, "")


@pytest.mark.parametrize("name", ["two words.wav", "naïve café.wav", "日本語.wav", "🎵 song.wav"])
def test_names(tmp_path, name):
    sf.write(tmp_path / name, noise(0.5, SR), SR)
    assert len(load_audio(tmp_path / name)) == SR // 2
    assert len(load_audio(str(tmp_path / name))) == SR // 2


def test_errors_travel_between_processes():
    error = pickle.loads(pickle.dumps(AudioError("a.mp3", "not audio", "text")))
    assert (error.path, error.reason) == ("a.mp3", "not audio")
    assert str(error).startswith("a.mp3: not audio (text); use wav")
