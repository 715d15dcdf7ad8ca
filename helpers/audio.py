"""Open audio files: the one place that decodes, and that turns every failure into AudioError.

Decoding is libsndfile's (wav, au, flac, ogg, mp3, aiff), resampling is soxr's. Both release the
interpreter lock, so threads decode several files at once.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile as sf
import soxr

BLOCK = 1 << 17  # frames decoded at once: three seconds at 44.1 kHz, small enough for the cache
SMALL_BLOCK = 1024  # used again after a decoder error, to lose little

_REMEDIES = {
    "missing": "check the path, or fetch the dataset again",
    "not a file": "give the path of an audio file, not of a folder",
    "no permission": "make the file readable for your user",
    "empty file": "fetch or copy the file again",
    "not audio": "use wav, au, flac, ogg, mp3 or aiff; convert other formats first",
    "damaged": "fetch or copy the file again",
    "no samples": "check the file's length and the offset",
    "non-finite samples": "export the file again, without NaN and infinite samples",
    "beyond full scale": "export the file again, with samples between -1 and 1",
    "too long for memory": "pass max_seconds",
}


class AudioError(ValueError):
    """A file that cannot be used as audio.

    Parameters
    ----------
    path : str or Path
        The file.
    reason : str
        A short phrase that can be counted, such as ``"missing"`` or ``"not audio"``.
    detail : str, default=""
        What exactly was wrong, if the reason does not say it all.

    Examples
    --------
    >>> print(AudioError("a.mp3", "empty file"))
    a.mp3: empty file; fetch or copy the file again
    """

    def __init__(self, path, reason, detail=""):
        super().__init__(str(path), reason, detail)
        self.path, self.reason, self.detail = str(path), reason, detail

    def __str__(self) -> str:
        problem = f"{self.reason} ({self.detail})" if self.detail else self.reason
        remedy = _REMEDIES.get(self.reason, "leave the track out")
        return f"{self.path}: {problem}; {remedy}"


class Audio(NamedTuple):
    """What `read_audio` found: the samples, and the facts about the file."""

    y: np.ndarray
    sr: int
    native_sr: int
    channels: int
    note: str


def load_audio(
    path: str | os.PathLike,
    *,
    sr: int | None = 22050,
    offset: float | None = 0.0,
    max_seconds: float | None = None,
) -> np.ndarray:
    """Load an audio file as mono samples at one rate.

    The samples are those of ``librosa.load(path, sr=sr)``, in about two thirds of the time.
    Silence is returned as it is.

    Parameters
    ----------
    path : str or Path
        The file: wav, au, flac, ogg, mp3 or aiff.
    sr : int or None, default=22050
        Rate of the result in hertz. None keeps the file's own.
    offset : float or None, default=0.0
        Where to start, in seconds. None takes the excerpt from the middle of the file.
    max_seconds : float, optional
        Longest excerpt in seconds; only that much is decoded. Default: all of it.

    Returns
    -------
    y : ndarray [n], float32
        The mean of the channels.

    Raises
    ------
    AudioError
        If the file is missing, unreadable, empty, not audio, damaged from the start, without
        samples, or holds non-finite samples.
    ValueError
        If `offset` is negative, or `max_seconds` is not positive.

    Examples
    --------
    >>> import numpy as np, soundfile, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "noise.wav"
    >>> soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, (44100, 2)), 44100)
    >>> load_audio(path, sr=22050).shape
    (22050,)
    """
    return read_audio(path, sr=sr, offset=offset, max_seconds=max_seconds).y


def read_audio(
    path: str | os.PathLike,
    *,
    sr: int | None = 22050,
    offset: float | None = 0.0,
    max_seconds: float | None = None,
) -> Audio:
    """Load an audio file like `load_audio`, with the facts about the file beside the samples."""
    if (offset or 0.0) < 0 or (max_seconds is not None and not max_seconds > 0):
        raise ValueError(f"offset={offset} and max_seconds={max_seconds} must be positive")
    _check_file(path)
    try:
        with sf.SoundFile(os.fspath(path)) as file:
            native_sr, channels = file.samplerate, file.channels
            sr = sr or native_sr
            start, length, expected = _plan(file, offset, max_seconds)
            end_missing = "lacks an end-of-stream" in file.extra_info
        y, n_read, error = _read(path, start, length, sr)
        if offset is None and start and n_read < expected:  # the header promised too much
            y, n_read, error = _read(path, 0, length, sr)
    except sf.LibsndfileError as problem:
        raise AudioError(path, "not audio") from problem
    except MemoryError as problem:
        raise AudioError(path, "too long for memory") from problem
    if error and not n_read:
        raise AudioError(path, "damaged", error)
    if not len(y):
        raise AudioError(path, "no samples")
    if not np.isfinite(y).all():
        raise AudioError(path, "non-finite samples")
    if max_seconds is not None:
        y = y[: round(max_seconds * sr)]
    notes = _notes(n_read / native_sr, expected / native_sr, error, end_missing)
    if native_sr < sr:
        notes.append(f"recorded at {native_sr} Hz: nothing above {native_sr // 2} Hz")
    return Audio(y, sr, native_sr, channels, "; ".join(notes))


def _check_file(path) -> None:
    """Raise AudioError unless `path` is a file with bytes in it that may be read."""
    try:
        if Path(path).is_dir():
            raise AudioError(path, "not a file")
        with open(path, "rb") as file:
            if not file.read(1):
                raise AudioError(path, "empty file")
    except FileNotFoundError as error:
        raise AudioError(path, "missing") from error
    except PermissionError as error:
        raise AudioError(path, "no permission") from error
    except OSError as error:
        raise AudioError(path, "damaged", error.strerror or "") from error


def _plan(file, offset, max_seconds) -> tuple[int, float, float]:
    """Return the first frame, the number of frames to read, and how many the header promises."""
    rate, total = file.samplerate, _claimed_frames(file)
    length = math.inf if max_seconds is None else math.ceil(max_seconds * rate)
    start = max(0, (total - length) // 2) if offset is None else round(offset * rate)
    start = 0 if math.isinf(start) else start
    return start, length, max(0, min(length, total - start))


def _read(path, start, length, sr, *, block=BLOCK) -> tuple[np.ndarray, int, str]:
    """Decode, mix and resample block by block."""
    n_read, n_done, error = 0, 0, ""
    with sf.SoundFile(os.fspath(path)) as file:
        rate, start = file.samplerate, min(start, file.frames)
        stream = None if rate == sr else soxr.ResampleStream(rate, sr, 1, dtype="float32")
        buffer = np.empty((block, file.channels), dtype=np.float32)
        y = np.empty(math.ceil(min(length, file.frames - start) * sr / rate), dtype=np.float32)
        try:
            file.seek(start)
            while n_read < length and len(frames := _next(file, buffer, length - n_read)):
                n_read += len(frames)
                mono = _mix(frames)
                n_done = _append(y, n_done, stream.resample_chunk(mono) if stream else mono)
        except sf.LibsndfileError as problem:
            error = problem.error_string.rstrip(".") or "decoder error"
    if error and block > SMALL_BLOCK:
        return _read(path, start, length, sr, block=SMALL_BLOCK)
    if stream and n_read:
        n_done = _append(y, n_done, stream.resample_chunk(np.empty(0, np.float32), last=True))
    y = y[: math.ceil(n_read * sr / rate)]
    y[n_done:] = 0  # soxr rounds the length, librosa rounds it up
    return y, n_read, error


def _append(y, n_done, new) -> int:
    """Copy `new` into `y` after the first `n_done` samples; return how many there are now."""
    end = min(n_done + len(new), len(y))
    y[n_done:end] = new[: end - n_done]
    return end


def _next(file, buffer, wanted) -> np.ndarray:
    """Read the next frames [n, channels] into `buffer`, at most `wanted`; none at the end."""
    return file.read(int(min(len(buffer), wanted)), out=buffer)


def _mix(block) -> np.ndarray:
    """Mean of the channels of `block` [n, channels]; adding columns beats np.mean by far."""
    mono = block[:, 0].copy()
    for channel in range(1, block.shape[1]):
        mono += block[:, channel]
    if block.shape[1] > 1:
        mono *= np.float32(1 / block.shape[1])
    return mono


def _claimed_frames(file) -> int:
    """Frames that the header promises; libsndfile corrects some, and logs what they said."""
    found = re.search(r"(?:data|SSND|Data Size) *: (\d+) \(should be (\d+)\)", file.extra_info)
    if not found or int(found[1]) > 0xFFFFFF00 or not int(found[2]):
        return file.frames
    return max(file.frames, file.frames * int(found[1]) // int(found[2]))


def _notes(seconds, expected, error, end_missing) -> list[str]:
    """Say how much is missing, if it is more than a fiftieth of what the header promises."""
    if error or seconds < 0.98 * expected:
        kind = "damaged" if error else "truncated"
        return [f"{kind}: {seconds:.1f} of {expected:.1f} s could be decoded"]
    return ["truncated: the end of the file is missing"] if end_missing else []
