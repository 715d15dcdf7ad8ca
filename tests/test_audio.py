"""Opening audio: agreement with librosa, excerpts, and every kind of bad file."""

from __future__ import annotations

import builtins
import contextlib
import os
import pickle
import time

import av
import numpy as np
import pytest
import soundfile as sf

from helpers.audio import AUDIO as audio_suffixes
from helpers.audio import AudioError, in_threads, load_audio, read_audio
from helpers.files import readable

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


# --- what people really have -------------------------------------------------------------------


def encoded(path, codec, container, seconds=3.0):
    """Write a tone as people's programs do; soundfile cannot write these."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=44100, layout="mono")
        if codec in ("aac", "wmav2"):
            stream.bit_rate = 64000
        tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * 44100)) / 44100)
        frame = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], "fltp", "mono")
        frame.rate, frame.pts = 44100, 0
        size = stream.codec_context.frame_size or 1024
        fit = av.AudioResampler(stream.format, "mono", 44100, frame_size=size)
        for part in [*fit.resample(frame), *fit.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


def pitch(y):
    return np.fft.rfftfreq(len(y), 1 / SR)[np.abs(np.fft.rfft(y)).argmax()]


FORMATS = {
    "m4a": ("aac", "ipod"), "ALAC.m4a": ("alac", "ipod"), "aac": ("aac", "adts"),
    "mp4": ("aac", "mp4"), "wma": ("wmav2", "asf"), "wv": ("wavpack", "wv"),
    "tta": ("tta", "tta"), "mka": ("flac", "matroska"), "w64": ("pcm_s16le", "w64"),
}  # fmt: skip


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_formats_of_phones_and_shops(tmp_path, suffix):
    path = encoded(tmp_path / f"a.{suffix}", *FORMATS[suffix])
    audio = read_audio(path)
    assert audio.note == "" and audio.native_sr == 44100 and audio.channels == 1
    assert len(audio.y) == pytest.approx(3 * SR, abs=0.06 * SR)  # some encoders add a frame
    assert pitch(audio.y) == pytest.approx(440, abs=1)
    middle = load_audio(path, offset=None, max_seconds=1.0)
    assert len(middle) == SR and pitch(middle) == pytest.approx(440, abs=1)
    assert path.suffix in audio_suffixes


@pytest.mark.parametrize("suffix", ["opus", "oga", "caf"])
def test_formats_of_libsndfile_with_rarer_names(tmp_path, suffix):
    kind = {"opus": ("OGG", "OPUS"), "oga": ("OGG", "VORBIS"), "caf": ("CAF", "PCM_16")}[suffix]
    sf.write(tmp_path / f"a.{suffix}", noise(2, 48000), 48000, format=kind[0], subtype=kind[1])
    assert len(load_audio(tmp_path / f"a.{suffix}")) == 2 * SR
    assert f".{suffix}" in audio_suffixes


def test_a_stereo_m4a_is_mixed_like_a_wav(tmp_path):
    y = noise(1, 44100, 2)
    sf.write(tmp_path / "a.wav", y, 44100, subtype="FLOAT")
    with av.open(str(tmp_path / "a.mka"), "w") as out:
        stream = out.add_stream("pcm_f32le", rate=44100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(y.T, np.float32), "fltp", "stereo")
        frame.rate, frame.pts = 44100, 0
        for part in av.AudioResampler("flt", "stereo", 44100).resample(frame):
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    np.testing.assert_allclose(
        load_audio(tmp_path / "a.mka"), load_audio(tmp_path / "a.wav"), atol=1e-4
    )


def test_a_truncated_file_that_ffmpeg_reads_is_kept_with_a_note(tmp_path):
    whole = encoded(tmp_path / "a.wv", "wavpack", "wv", seconds=10)
    audio = read_audio(cut(whole, tmp_path / "half.wv"))
    assert 3 < len(audio.y) / SR < 6
    assert audio.note.startswith(("truncated: ", "damaged: ")) and " of 10.0 s" in audio.note


def test_what_a_shop_has_locked_says_so(tmp_path):
    (tmp_path / "a.m4p").write_bytes(b"\0\0\0\x20ftypM4P " + bytes(1000))
    assert reason_of(tmp_path / "a.m4p") == "protected"


def id3(size, fill=b"\0"):
    """A tag of `size` bytes before the sound, as players write it: padding, or a cover."""
    return b"ID3\3\0\0" + bytes((size >> shift) & 127 for shift in (21, 14, 7, 0)) + fill * size


def mp3_without_tag(path, *rates):
    """Frames of different bit rates one after another, and no header that counts them."""
    data = b""
    for i, rate in enumerate(rates):
        with av.open(str(path), "w", options={"write_xing": "0", "id3v2_version": "0"}) as out:
            stream = out.add_stream("mp3", rate=44100, layout="mono")
            stream.bit_rate = rate
            y = noise(2, 44100, seed=i).astype(np.float32).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(y, "fltp", "mono")
            frame.rate, frame.pts = 44100, 0
            fit = av.AudioResampler(stream.format, "mono", 44100, frame_size=1152)
            for part in [*fit.resample(frame), *fit.resample(None)]:
                out.mux(stream.encode(part))
            out.mux(stream.encode(None))
        data += path.read_bytes()
    path.write_bytes(data)
    return path


def test_a_variable_mp3_without_a_header_is_read_to_its_end(tmp_path):
    path = mp3_without_tag(tmp_path / "a.mp3", 320000, 32000, 32000, 32000)
    with sf.SoundFile(path) as file:
        assert file.frames / file.samplerate < 4  # it takes the first bit rate for all
    audio = read_audio(path)
    assert len(audio.y) / SR == pytest.approx(8, abs=0.3) and audio.note == ""
    middle = load_audio(path, offset=None, max_seconds=2.0)
    assert len(middle) == 2 * SR
    at = (len(audio.y) - len(middle)) // 2
    assert max(np.corrcoef(audio.y[at + d : at + d + SR], middle[:SR])[0, 1]
               for d in range(-3, 4)) > 0.95  # fmt: skip


@pytest.mark.parametrize("frames", [20, 5000])
def test_a_wrong_count_in_the_header_of_an_mp3_is_not_believed(tmp_path, frames):
    sf.write(tmp_path / "a.mp3", noise(4, 44100), 44100)
    data = bytearray((tmp_path / "a.mp3").read_bytes())
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    data[at : at + 4] = frames.to_bytes(4, "big")
    (tmp_path / "a.mp3").write_bytes(data)
    audio = read_audio(tmp_path / "a.mp3")
    assert len(audio.y) / SR == pytest.approx(4, abs=0.06) and audio.note == ""


@pytest.mark.parametrize(
    "before", [id3(60_000, b"\xff\xd8"), id3(300_000), bytes(5000), bytes(200_000)],
    ids=["cover", "padding", "zeros", "many zeros"],
)  # fmt: skip
def test_what_stands_before_the_sound_of_an_mp3_is_not_counted(tmp_path, before):
    path = mp3_without_tag(tmp_path / "a.mp3", 64000, 64000)
    path.write_bytes(before + path.read_bytes())
    audio = read_audio(path, offset=None, max_seconds=30.0)
    assert len(audio.y) / SR == pytest.approx(4, abs=0.2) and audio.note == ""
    assert len(load_audio(path, offset=None, max_seconds=2.0)) == 2 * SR


def test_a_name_that_is_no_utf_8(tmp_path):
    sf.write(tmp_path / "plain.wav", noise(1, SR), SR)
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav")
    os.rename(tmp_path / "plain.wav", name)
    assert len(load_audio(name)) == SR
    assert len(load_audio(readable(name))) == SR and readable(name).endswith(r"caf\xe9.wav")
    error = AudioError(name, "missing")
    assert str(error).encode() and r"caf\xe9.wav" in str(error)


@pytest.mark.filterwarnings("ignore:.*have been cancelled")
def test_no_thread_goes_on_after_an_error():
    """A thread that still decodes when Python ends aborts the process."""
    done, began = [], []

    def work(item):
        began.append(item)
        time.sleep(0.05)
        done.append(item)
        return item

    results = in_threads(work, range(99), 2)
    with contextlib.suppress(OSError), contextlib.closing(results):
        assert next(results) == 0
        raise OSError("the disk is full")
    stopped = list(began)
    assert sorted(done) == sorted(began) and len(began) < 99
    time.sleep(0.1)
    assert began == stopped
