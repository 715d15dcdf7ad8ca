"""Open audio files: the one place that decodes, and that turns every failure into AudioError.

Decoding is libsndfile's (wav, au, flac, ogg, mp3, aiff), and FFmpeg's for what libsndfile cannot
read (m4a, aac, wma, ape, and mp3 whose header is wrong); resampling is soxr's. They release the
interpreter lock, so threads decode several files at once.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.dummy import DummyProcess
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import soundfile as sf
import soxr

from helpers.files import on_disk, readable

PROTECTED = (".m4p", ".aa", ".aax")  # a shop's lock: nobody else can decode them
AUDIO = (
    ".wav", ".au", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".w64", ".caf",
    ".m4a", ".m4b", ".mp4", ".aac", ".wma", ".ape", ".wv", ".tta", ".mka", ".webm", ".mp2",
    ".mpc", ".dsf", ".dff", ".ac3", ".amr", ".shn", ".tak", ".ra", ".spx", *PROTECTED,
)  # fmt: skip
SYSTEM = re.compile(  # files and folders that no person made
    r"\._.*|\.DS_Store|\.Trash(es|-\d+)?|\.fseventsd|\.Spotlight-V100|\.TemporaryItems"
    r"|\.DocumentRevisions-V100|\.AppleDouble|__MACOSX|@eaDir|#recycle|\$RECYCLE\.BIN"
    r"|System Volume Information|lost\+found|\.git|\.svn|\.ipynb_checkpoints|\.st(folder|versions)",
    re.IGNORECASE,
)
TRIED_AGAIN = ("too long for memory", "analysis failed")  # reasons that may not hold next time
SILENCE = 10 ** (-90 / 20)  # peak amplitude of what counts as silent: -90 dB of full scale
LOUDEST = 100.0  # peak amplitude of what can be music: beyond it, integers were written as floats
CODEC_SLACK = 0.15  # seconds by which encoder and decoder may differ
MPEG_SLACK = 5 * 1152  # frames that an encoder adds at the ends, and a decoder takes off
BLOCK = 1 << 17  # frames decoded at once: three seconds at 44.1 kHz, small enough for the cache
SMALL_BLOCK = 1024  # used again after a decoder error, to lose little

_REMEDIES = {
    "missing": "check the path, or fetch the dataset again",
    "not a file": "give the path of an audio file, not of a folder",
    "no permission": "make the file readable for your user",
    "empty file": "fetch or copy the file again",
    "not audio": "use wav, flac, ogg, mp3, m4a or another common format; convert others first",
    "protected": "a shop has locked it; get it without protection",
    "silent": "leave the track out, or record it again",
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
        super().__init__(readable(path), reason, detail)
        self.path, self.reason, self.detail = readable(path), reason, detail

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

    The samples are those of ``librosa.load(path, sr=sr)``, in about two thirds of the time, where
    librosa can read the file.
    Silence is returned as it is.

    Parameters
    ----------
    path : str or Path
        The file: wav, au, flac, ogg, opus, mp3, aiff, m4a, aac, wma, ape and others.
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
    path = on_disk(path)
    _check_file(path)
    try:
        found = _look(path)
        sr = sr or found.rate
        length = math.inf if max_seconds is None else math.ceil(max_seconds * found.rate)
        start = 0 if offset is None else round(offset * found.rate)
        if offset is None and length < found.total:
            start = (found.total - length) // 2
        expected = max(0, min(length, found.promised - start))
        y, n_read, error = found.read(path, start, length, sr)
        if offset is None and start and n_read < min(length, found.total - start):
            y, n_read, error = _middle(path, found.read, length, sr)
    except (sf.LibsndfileError, av.FFmpegError) as problem:
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
    notes = _notes(n_read / found.rate, expected / found.rate, error, found.end_missing)
    if found.rate < sr:
        notes.append(f"recorded at {found.rate} Hz: nothing above {found.rate // 2} Hz")
    return Audio(y, sr, found.rate, found.channels, "; ".join(notes))


def walk(folder: str | os.PathLike, suffixes: Sequence[str] = AUDIO) -> list[str]:
    """Return the files with these suffixes, relative to `folder`, sorted: the one way to look.

    What the operating system keeps for itself is skipped. A linked folder is followed, but no
    folder is entered twice. A folder that cannot be opened gives a warning.
    """
    found, seen, todo = [], set(), deque([""])
    while todo:
        inside = todo.popleft()
        place = os.path.join(folder, inside)
        if (real := os.path.realpath(place)) in seen:
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            warnings.warn(f"{readable(place)}: left out, {error.strerror}", stacklevel=2)
            continue
        for entry in entries:
            relative = f"{inside}/{entry.name}" if inside else entry.name
            if SYSTEM.fullmatch(entry.name):
                continue
            if entry.is_dir():  # links wait until all folders have been entered by their own name
                (todo.append if entry.is_symlink() else todo.appendleft)(relative)
            elif entry.name.lower().endswith(tuple(suffixes)):
                found.append(readable(relative))
    return sorted(found)


def in_threads(function: Callable, items: Iterable, jobs: int | None = None) -> Iterator:
    """Yield ``function(item)`` in order, `jobs` at a time; close it, and no thread goes on.

    joblib leaves its threads running when it is stopped early. One that still decodes when Python
    ends aborts the whole process.
    """
    import joblib

    before = set(threading.enumerate())
    pool = joblib.Parallel(jobs, prefer="threads", return_as="generator")
    results = pool(joblib.delayed(function)(item) for item in items)
    try:
        yield from results
    finally:
        results.close()
        for thread in set(threading.enumerate()) - before:
            if isinstance(thread, DummyProcess):
                thread.join()


def read_tags(path: str | os.PathLike) -> dict[str, str]:
    """Return artist and title as the file itself names them; what it does not say is left out."""
    try:
        with av.open(os.fspath(path)) as container:
            said = dict(container.metadata)
            for stream in container.streams.audio:
                said |= stream.metadata
    except (OSError, ValueError, av.FFmpegError):  # no file, or none that FFmpeg reads
        return {}
    said = {key.lower(): value.strip() for key, value in said.items()}
    return {key: said[key] for key in ("artist", "title") if said.get(key)}


def reason_of(problem: Exception) -> tuple[str, str]:
    """Return reason and detail of what went wrong with one file; the others go on."""
    if isinstance(problem, AudioError):
        return problem.reason, problem.detail
    if isinstance(problem, MemoryError):
        return TRIED_AGAIN[0], ""
    return TRIED_AGAIN[1], f"{type(problem).__name__}: {problem}"  # a fault inside a library


def check_level(path, y: np.ndarray) -> None:
    """Raise AudioError if there is nothing to hear, or 40 dB more than full scale."""
    low, high = float(y.min()), float(y.max())
    if high - low < 2 * SILENCE:
        raise AudioError(path, "silent")
    if max(-low, high) > LOUDEST:
        raise AudioError(path, "beyond full scale", f"peak {max(-low, high):.0e}, 1 is full scale")


def _check_file(path) -> None:
    """Raise AudioError unless `path` is a file with bytes in it that may be read."""
    try:
        if Path(path).is_dir():
            raise AudioError(path, "not a file")
        with open(path, "rb") as file:
            if not file.read(1):
                raise AudioError(path, "empty file")
        if Path(path).suffix.lower() in PROTECTED:
            raise AudioError(path, "protected")
    except FileNotFoundError as error:
        raise AudioError(path, "missing") from error
    except PermissionError as error:
        raise AudioError(path, "no permission") from error
    except OSError as error:
        raise AudioError(path, "damaged", error.strerror or "") from error


class _Found(NamedTuple):
    """What a file says about itself, as far as that can be believed before it is decoded."""

    rate: int
    channels: int
    total: int  # frames that are there
    promised: int  # frames that there should be
    end_missing: bool
    read: Callable


def _look(path) -> _Found:
    """Choose the decoder. The length of an MP3 is counted: its header may be wrong, or absent."""
    try:
        with _opened(path) as file:
            claimed, is_mpeg = _claimed_frames(file), file.format == "MP3"
            end_missing = "lacks an end-of-stream" in file.extra_info
            facts = (file.samplerate, file.channels, file.frames, claimed, end_missing)
    except sf.LibsndfileError:
        return _look_with_ffmpeg(path)
    found = _Found(*facts, _read)
    if not is_mpeg:
        return found
    try:
        there = _look_with_ffmpeg(path)
    except (AudioError, av.FFmpegError):
        return found
    if there.rate != found.rate or there.total > found.total + MPEG_SLACK:
        return there
    total = min(found.total, there.total)
    return found._replace(total=total, promised=max(total, there.promised))


def _look_with_ffmpeg(path) -> _Found:
    """Count the packets of the sound, and let FFmpeg decode them."""
    with open(path, "rb") as raw, av.open(raw) as container:
        if not container.streams.audio or not container.streams.audio[0].rate:
            raise AudioError(path, "not audio")
        stream = container.streams.audio[0]
        packets = [(packet.duration or 0, packet.size) for packet in _packets(container, stream)]
        ticks, size = sum(t for t, _ in packets), sum(n for _, n in packets)
        total = round(ticks * stream.time_base * stream.rate)
        promised = round((stream.duration or 0) * stream.time_base * stream.rate)
        if container.format.name in ("mp3", "aac"):  # FFmpeg guesses it from the size of the file
            tagged = _tagged_bytes(path)  # with the packet of the tag itself
            lost = tagged > 1.02 * size + 2 * max((n for _, n in packets), default=0)
            promised = round(total * tagged / size) if size and lost else 0
        promised = promised or max(0, total - MPEG_SLACK)
        return _Found(stream.rate, stream.channels, total, promised, False, _read_with_ffmpeg)


def _packets(container, stream) -> Iterator:
    """Yield the packets of the sound, as far as a damaged file has them."""
    with contextlib.suppress(av.FFmpegError):
        yield from container.demux(stream)


def _tagged_bytes(path) -> int:
    """Return how many bytes of sound the encoder of an MP3 wrote down (Xing); 0 if it did not."""
    with open(path, "rb") as file:
        head = file.read(10)
        after = 10 + sum((byte & 127) << (21 - 7 * i) for i, byte in enumerate(head[6:]))
        file.seek(after if head.startswith(b"ID3") else 0)
        found = re.search(rb"(?:Xing|Info)\0\0\0(.)((?:.{4}){2})", file.read(4096), re.DOTALL)
    if not found or not found[1][0] & 2:
        return 0
    at = 4 if found[1][0] & 1 else 0
    return int.from_bytes(found[2][at : at + 4], "big")


def _opened(path) -> sf.SoundFile:
    """Open with libsndfile, which wants the bytes of a name that is no valid text."""
    return sf.SoundFile(os.fsencode(path) if os.name == "posix" else os.fspath(path))


def _middle(path, read, length, sr) -> tuple[np.ndarray, int, str]:
    """Read all that is there, since the header promised too much, and keep the middle."""
    y, n_read, error = read(path, 0, math.inf, sr)
    wanted = math.ceil(length * len(y) / max(n_read, 1))
    start = max(0, (len(y) - wanted) // 2)
    return y[start : start + wanted], min(n_read, length), error


def _read(path, start, length, sr, *, block=BLOCK) -> tuple[np.ndarray, int, str]:
    """Decode, mix and resample block by block."""
    n_read, n_done, error = 0, 0, ""
    with _opened(path) as file:
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


def _read_with_ffmpeg(path, start, length, sr) -> tuple[np.ndarray, int, str]:
    """Decode from the beginning, which is exact in every format, and keep what is wanted."""
    blocks, n_seen, n_read, error = [np.empty(0, np.float32)], 0, 0, ""
    with open(path, "rb") as raw, av.open(raw) as container:
        source = container.streams.audio[0]
        as_float = av.AudioResampler(format="fltp", rate=source.rate)
        stream = soxr.ResampleStream(source.rate, sr, 1, dtype="float32")
        for packet in _packets(container, source):
            try:
                frames = [part for frame in packet.decode() for part in as_float.resample(frame)]
            except (av.FFmpegError, ValueError) as problem:
                error = error or getattr(problem, "strerror", "") or "decoder error"
                continue
            for frame in frames:
                mono = frame.to_ndarray().mean(axis=0, dtype=np.float32)
                first, n_seen = max(0, start - n_seen), n_seen + len(mono)
                wanted = mono[first : first + int(min(len(mono), length - n_read))]
                n_read += len(wanted)
                blocks.append(stream.resample_chunk(wanted) if source.rate != sr else wanted)
            if n_read >= length:
                break
        if source.rate != sr and n_read:
            blocks.append(stream.resample_chunk(np.empty(0, np.float32), last=True))
        y = np.concatenate(blocks)[: math.ceil(n_read * sr / source.rate)]
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
    found = re.search(r"(?:data|SSND|Data Size|riff) *: (\d+) \(should be (\d+)\)", file.extra_info)
    if not found or int(found[1]) > 0xFFFFFF00 or not int(found[2]):
        return file.frames
    return max(file.frames, file.frames * int(found[1]) // int(found[2]))


def _notes(seconds, expected, error, end_missing) -> list[str]:
    """Say how much is missing, if it is more than a fiftieth of what the header promises."""
    if error or expected - seconds > max(0.02 * expected, CODEC_SLACK):
        kind = "damaged" if error else "truncated"
        return [f"{kind}: {seconds:.1f} of {expected:.1f} s could be decoded"]
    return ["truncated: the end of the file is missing"] if end_missing else []
