"""Features of one track, and of all tracks: log-mel frames, samples, summary vectors.

`extract`, `extract_waveform` and `extract_summary` share one engine: joblib decodes and analyses
tracks, in threads or on a Dask cluster, and each 64 of them become a shard of the feature store.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from helpers import store as store_files
from helpers.audio import (
    TRIED_AGAIN,
    AudioError,
    check_level,
    in_threads,
    read_audio,
    reason_of,
)
from helpers.store import FeatureStore, File, Result

VERSION = 1  # of the calculations below; a new one makes new stores
SUMMARY_VERSION = 2  # the same for the summary features
WAVEFORM_VERSION = 1  # and for the samples
FFT_FRAMES = 64  # frames transformed at once, so that all of it stays in the cache
BANDS = 16  # mel bands multiplied at once: neighbours share their few frequencies
SUMMARY_FRAMES = 512  # frames summarized at once, so that an hour of music fits in memory
SUMMARY_FFT, SUMMARY_HOP = 2048, 512

_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FRAME_FEATURES = (
    ["zero_crossing_rate", "rms", "centroid", "bandwidth", "rolloff", "flatness", "contrast"]
    + [f"contrast_{i}" for i in range(1, 8)]
    + [f"chroma_{note}" for note in _NOTES]
    + [f"chroma24_{i:02d}" for i in range(1, 25)]
    + [f"mfcc_{i:02d}" for i in range(1, 25)]
    + [f"mel_db_{i:02d}" for i in range(1, 25)]
    + [f"mel_power_{i:02d}" for i in range(1, 25)]
    + [f"mel12_db_{i:02d}" for i in range(1, 13)]
    + [f"mel12_power_{i:02d}" for i in range(1, 13)]
)
SUMMARY_NAMES = [f"{name}_{kind}" for name in _FRAME_FEATURES for kind in ("mean", "std")]


class FeatureError(ValueError):
    """No track of a dataset has features."""


def log_mel(
    y: np.ndarray,
    *,
    sr: float = 22050,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 96,
    fmin: float = 0.0,
    fmax: float | None = None,
) -> np.ndarray:
    """Return the log-mel spectrogram, as librosa does but about three times as fast.

    The result is ``librosa.power_to_db(librosa.feature.melspectrogram(y=y, ...), top_db=None)``:
    Hann window, frames centred on their time with zeros beyond the ends, Slaney's mel bands. The
    speed comes from a transform in single precision that stays in the cache, and from leaving out
    the zeros of the mel filters.

    Parameters
    ----------
    y : ndarray [n]
        Mono samples.
    sr : float, default=22050
        Sampling rate in hertz.
    n_fft, hop_length : int
        Length of a frame, and distance between frames, in samples.
    n_mels : int, default=96
        Number of mel bands.
    fmin, fmax : float
        Range of the bands in hertz; `fmax` is half of `sr` by default.

    Returns
    -------
    S_db : ndarray [n_mels, n_frames], float32
        Decibels relative to a power of 1, at least -100.

    Raises
    ------
    ValueError
        If `y` is empty, has more than one channel, or holds non-finite samples.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    >>> S_db = log_mel(y)
    >>> S_db.shape, int(S_db.mean(axis=1).argmax())
    ((96, 44), 12)
    """
    y = _checked(y)
    window, groups = _filters(sr, n_fft, n_mels, float(fmin), float(fmax or sr / 2))
    n_frames = 1 + max(0, len(y) + n_fft // 2 * 2 - n_fft) // hop_length
    S_db = np.empty((n_frames, n_mels), dtype=np.float32)
    buffer = np.empty((FFT_FRAMES, n_fft), dtype=np.float32)
    for i in range(0, n_frames, FFT_FRAMES):
        out = S_db[i : i + FFT_FRAMES]
        frames = _framed(y, i * hop_length - n_fft // 2, len(out), n_fft, hop_length)
        _mel_block(frames, window, groups, buffer, out)
    return S_db.T


def _checked(y) -> np.ndarray:
    """Return `y` as float32 [n], or say why it is no mono signal."""
    y = np.asarray(y, dtype=np.float32)
    if y.ndim != 1 or not len(y):
        raise ValueError(f"y has the shape {y.shape}; give mono samples [n], at least one")
    if not np.isfinite(y).all():
        raise ValueError("y holds NaN or infinite samples; leave the track out")
    return y


def _framed(y, start, n_frames, n_fft, hop_length) -> np.ndarray:
    """Return frames [n_frames, n_fft] of `y` from sample `start`, with zeros beyond its ends."""
    stop = start + (n_frames - 1) * hop_length + n_fft
    segment = y[max(start, 0) : stop]
    if len(segment) < stop - start:
        segment = np.pad(segment, (max(-start, 0), max(stop - len(y), 0)))
    return np.lib.stride_tricks.sliding_window_view(segment, n_fft)[::hop_length]


@lru_cache(maxsize=8)
def _filters(sr, n_fft, n_mels, fmin, fmax) -> tuple[np.ndarray, list]:
    """Return the Hann window, and the mel filters in groups: first band, frequencies, weights."""
    from librosa.filters import get_window, mel

    window = get_window("hann", n_fft, fftbins=True).astype(np.float32)
    weights = mel(sr=sr, n_fft=n_fft, n_mels=n_mels, fmin=fmin, fmax=fmax, dtype=np.float32)
    groups = []
    for first in range(0, n_mels, BANDS):
        group = weights[first : first + BANDS]
        used = np.flatnonzero(group.any(axis=0))
        low, high = (used[0], used[-1] + 1) if len(used) else (0, 1)
        both = np.repeat(group[:, low:high].T, 2, axis=0)
        groups.append((slice(first, first + len(group)), slice(2 * low, 2 * high), both))
    return window, groups


def _mel_block(frames, window, groups, buffer, out) -> None:
    """Write the log-mel of `frames` [n, n_fft] into `out` [n, n_mels]."""
    from scipy.fft import rfft

    windowed = np.multiply(frames, window, out=buffer[: len(frames)])
    parts = rfft(windowed, axis=-1).view(np.float32)  # real, imaginary, real, imaginary, ...
    np.square(parts, out=parts)
    for bands, frequencies, weights in groups:
        out[:, bands] = parts[:, frequencies] @ weights
    np.maximum(out, 1e-10, out=out)
    np.log10(out, out=out)
    out *= 10


def summary_features(y: np.ndarray, *, sr: float = 22050) -> dict[str, float]:
    """Return mean and standard deviation over time of the classical features.

    They are librosa's, from one transform (frames of 2048 samples, 512 apart): zero crossing rate,
    RMS, spectral centroid, bandwidth, rolloff (hertz), flatness, contrast (the mean over its
    bands, and each of the 7), chroma (for A = 440 Hz, 12 semitones from C, and 24 quarter tones
    from C), MFCC (24, from 128 bands), and mel bands (24, and 12), in decibels and in power.
    Decibels end 80 below the track's loudest band, as they do in ``librosa.feature.mfcc``.

    Parameters
    ----------
    y : ndarray [n]
        Mono samples.
    sr : float, default=22050
        Sampling rate in hertz.

    Returns
    -------
    features : dict of str to float
        292 numbers, named like ``centroid_mean``, ``mfcc_01_std``, ``chroma_C#_mean``,
        ``chroma24_02_mean``, ``mel_db_24_mean``, ``mel_power_01_std``, ``mel12_db_12_mean``.

    Raises
    ------
    ValueError
        If `y` is empty, has more than one channel, or holds non-finite samples.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050)
    >>> features = summary_features(y)
    >>> len(features), round(features["chroma_A_mean"])
    (292, 1)
    """
    return dict(zip(SUMMARY_NAMES, _summary(y, sr).tolist()))


def _summary(y, sr) -> np.ndarray:
    """Return the values of `summary_features` [292], float32, in the order of SUMMARY_NAMES."""
    from librosa import power_to_db
    from librosa.feature import mfcc

    padded = np.pad(_checked(y), SUMMARY_FFT // 2)
    step = SUMMARY_FRAMES * SUMMARY_HOP
    ends = range(SUMMARY_FFT, len(padded) + 1, step)
    blocks = [padded[e - SUMMARY_FFT : e - SUMMARY_HOP + step] for e in ends]
    values, mel_128, mel_24, mel_12 = (
        np.concatenate(parts, axis=1) for parts in zip(*(_summary_block(b, sr) for b in blocks))
    )
    cepstrum = mfcc(S=power_to_db(mel_128), n_mfcc=24)
    mels = [power_to_db(mel_24), mel_24, power_to_db(mel_12), mel_12]
    values = np.concatenate([values, cepstrum, *mels]).astype(np.float64)
    return np.stack([values.mean(axis=1), values.std(axis=1)], axis=1).ravel().astype(np.float32)


def _summary_block(y, sr) -> tuple[np.ndarray, ...]:
    """Return the features [50, n], and power in 128, 24 and 12 mel bands, of some frames of `y`."""
    import librosa
    from librosa import feature

    size = {"frame_length": SUMMARY_FFT, "hop_length": SUMMARY_HOP, "center": False}
    S = np.abs(librosa.stft(y, n_fft=SUMMARY_FFT, hop_length=SUMMARY_HOP, center=False))
    power = S**2
    centroid = feature.spectral_centroid(S=S, sr=sr)
    # 200 Hz is librosa's lowest edge; below 22,050 Hz it moves down with the rate.
    contrast = feature.spectral_contrast(S=S, sr=sr, fmin=min(200.0, 200.0 * sr / 22050))
    values = [
        feature.zero_crossing_rate(y, **size),
        feature.rms(y=y, **size),
        centroid,
        feature.spectral_bandwidth(S=S, sr=sr, centroid=centroid),
        feature.spectral_rolloff(S=S, sr=sr),
        feature.spectral_flatness(S=S),
        contrast.mean(axis=0, keepdims=True),
        contrast,
        feature.chroma_stft(S=power, sr=sr, tuning=0.0),
        feature.chroma_stft(S=power, sr=sr, tuning=0.0, n_chroma=24),
    ]
    mels = (feature.melspectrogram(S=power, sr=sr, n_mels=n) for n in (128, 24, 12))
    return np.concatenate(values), *mels


def extract(
    tracks: pd.DataFrame,
    folder,
    *,
    sr: int = 22050,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 96,
    fmin: float = 0.0,
    fmax: float | None = None,
    max_seconds: float | None = None,
    min_seconds: float = 0.0,
    jobs: int | None = None,
    progress: bool = True,
    chunk_size: int = 64,
) -> FeatureStore:
    """Fill a feature store with the log-mel frames of all tracks.

    What the store holds already is not computed again, unless the file changed; other parameters
    go beside it. A track that cannot be used becomes a row with status "failed" and a reason, and
    is tried again when its file changes. The call may be interrupted, repeated, and run twice at
    once. The frames are `log_mel`'s, rounded to float16, which adds at most 0.016 dB (0.031 dB
    where a value lies beyond -64 or 64 dB).

    Parameters
    ----------
    tracks : DataFrame
        Columns track_id (unique) and path.
    folder : str or Path
        The store; it is made if need be.
    sr, n_fft, hop_length, n_mels, fmin, fmax
        As in `log_mel`; tracks are resampled to `sr`.
    max_seconds : float, optional
        Use only so much from the middle of each track, which is more typical than its beginning.
    min_seconds : float, default=0.0
        Fail shorter tracks. Another value recomputes nothing.
    jobs : int, optional
        Number of threads; default: all cores. Inside ``with joblib.parallel_config("dask"):`` the
        workers of a Dask cluster compute, which must see the files and helpers.
    progress : bool, default=True
        Show a progress bar in tracks, unless there is nothing to do.
    chunk_size : int, default=64
        Tracks in a shard: what an interrupted run loses.

    Returns
    -------
    store : FeatureStore
        With one row of `index` for each track, in the order of `tracks`.

    Raises
    ------
    FeatureError
        If no track can be used. The message gives the first reasons.
    ValueError
        If `tracks` is empty, lacks a column or names a track twice; if `max_seconds` is less than
        `min_seconds`.

    Examples
    --------
    >>> import numpy as np, pandas as pd, soundfile, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp())
    >>> soundfile.write(path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 22050), 22050)
    >>> tracks = pd.DataFrame({"track_id": ["a", "b"], "path": [path / "a.wav", path / "b.wav"]})
    >>> store = extract(tracks, path / "features", progress=False)
    >>> store.frames("a").shape, store.report()
    ((44, 96), '2 tracks: 1 ok, 1 failed (1 missing).')
    """
    params = {
        "kind": "log_mel",
        "version": VERSION,
        "sr": int(sr),
        "n_fft": int(n_fft),
        "hop_length": int(hop_length),
        "n_mels": int(n_mels),
        "fmin": float(fmin),
        "fmax": float(fmax or sr / 2),
        "max_seconds": None if max_seconds is None else float(max_seconds),
        "min_seconds": float(min_seconds),
    }
    run = {"jobs": jobs, "progress": progress, "chunk_size": chunk_size}
    return _fill(tracks, Path(folder), params, **run)


def extract_waveform(
    tracks: pd.DataFrame,
    folder,
    *,
    sr: int = 11025,
    max_seconds: float | None = None,
    min_seconds: float = 0.0,
    jobs: int | None = None,
    progress: bool = True,
    chunk_size: int = 64,
) -> FeatureStore:
    """Fill a feature store with the samples of all tracks, for networks that read waveforms.

    The store is ``folder/waveform``, filled by the same engine as `extract`: resumable, and a
    track that cannot be used is a row with a reason. A frame is one sample in one column, so
    `helpers.clips` cuts clips [shape=(clips, samples, 1, 1)] from it: time, frequency, channel.

    Samples are rounded to float16. The error follows the level of the sound, about 73 dB below
    it, so a quiet track loses no more than a loud one, and samples beyond full scale survive.
    16-bit integers are better for sounds above -27 dB of full scale, and worse below.

    Parameters
    ----------
    tracks, folder, max_seconds, min_seconds, jobs, progress, chunk_size
        As in `extract`.
    sr : int, default=11025
        Rate in hertz to which tracks are resampled. Nothing above half of it is left.

    Returns
    -------
    store : FeatureStore
        With one row of `index` for each track, in the order of `tracks`. Its `frames_per_second`
        is `sr`.

    Raises
    ------
    FeatureError, ValueError
        As in `extract`.
    """
    params = {
        "kind": "waveform",
        "version": WAVEFORM_VERSION,
        "sr": int(sr),
        "hop_length": 1,
        "max_seconds": None if max_seconds is None else float(max_seconds),
        "min_seconds": float(min_seconds),
    }
    run = {"jobs": jobs, "progress": progress, "chunk_size": chunk_size}
    return _fill(tracks, Path(folder) / "waveform", params, **run)


def extract_summary(
    tracks: pd.DataFrame,
    folder,
    *,
    sr: int = 22050,
    max_seconds: float | None = None,
    jobs: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Return the summary features of all tracks as a table, computing only what is new.

    The store is ``folder/summary``, filled by the same engine as `extract`.

    Parameters
    ----------
    tracks, folder, max_seconds, jobs, progress
        As in `extract`.
    sr : int, default=22050
        Rate in hertz to which tracks are resampled.

    Returns
    -------
    table : DataFrame [n_tracks, 292]
        Indexed by track_id, in the order of `tracks`, columns as in `summary_features`. Failed
        tracks are left out; ``table.attrs["report"]`` counts them, and
        ``FeatureStore(folder / "summary").failed`` lists them.

    Raises
    ------
    FeatureError, ValueError
        As in `extract`.
    """
    params = {
        "kind": "summary",
        "version": SUMMARY_VERSION,
        "sr": int(sr),
        "max_seconds": None if max_seconds is None else float(max_seconds),
    }
    run = {"jobs": jobs, "progress": progress, "chunk_size": 64}
    store = _fill(tracks, Path(folder) / "summary", params, **run)
    ok = store.index.loc[store.index["status"] == "ok", "track_id"]
    values = np.concatenate([store.frames(track_id) for track_id in ok])
    table = pd.DataFrame(values, index=pd.Index(ok, name="track_id"), columns=SUMMARY_NAMES)
    table.attrs["report"] = store.report()
    return table


def _fill(tracks, folder, params, *, jobs, progress, chunk_size) -> FeatureStore:
    """Compute what the store lacks, write its index, and return it with the rows of `tracks`."""
    _check_call(tracks, params, jobs, chunk_size)
    target = store_files.write_params(folder, params)
    known, files = store_files.read_rows(target), _look(tracks)
    rows = _match(files, known)
    if rows["shard"].isna().any() and len(known):  # perhaps an earlier version of a file is back
        rows = _match(files, pd.concat([known, store_files.read_all_rows(target)]))
    lacking = (rows["shard"].isna() | rows["reason"].isin(TRIED_AGAIN)).to_numpy()
    if lacking.any():
        store_files.sweep(target)
        pending = [File(*file) for file in files[lacking].itertuples(index=False)]
        chunks = [pending[i : i + chunk_size] for i in range(0, len(pending), chunk_size)]
        with _progress_bar(len(files), len(pending), progress) as bar:
            new = list(_shards(chunks, target, params, jobs, bar))
        rows = _match(files, pd.concat([rows[~lacking], *new]))
    rows = rows[list(store_files.COLUMNS)].astype(store_files.COLUMNS)
    _remember(target, rows, known)
    return _opened(folder, params, rows)


def _check_call(tracks, params, jobs, chunk_size) -> None:
    """Raise ValueError for what could not work."""
    missing = {"track_id", "path"} - set(tracks.columns)
    if missing or not len(tracks):
        problem = f"lacks the column {' and '.join(sorted(missing))}" if missing else "is empty"
        raise ValueError(f"the table of tracks {problem}; give track_id and path of each track")
    twice = tracks["track_id"][tracks["track_id"].duplicated()]
    if len(twice):
        raise ValueError(f"track_id {twice.iloc[0]!r} stands twice; each track needs its own")
    if (jobs is not None and jobs < 1) or chunk_size < 1:
        raise ValueError("jobs and chunk_size must be at least 1")
    longest = params["max_seconds"]
    if longest is not None and not longest >= max(params.get("min_seconds", 0.0), 1e-3):
        raise ValueError(f"max_seconds={longest:g} must be positive and reach min_seconds")


def _look(tracks) -> pd.DataFrame:
    """Return track_id, path, size and mtime_ns of each track's file as it is now."""
    names = zip(tracks["track_id"].astype(str), tracks["path"].astype(str))
    return pd.DataFrame([File.look(*name) for name in names], columns=File._fields)


def _match(files, rows) -> pd.DataFrame:
    """Return the row of each file in `files`, in their order, or NaN where `rows` has none."""
    same = ["track_id", "name", "size", "mtime_ns"]
    files = files.assign(name=files["path"].map(os.path.basename))
    rows = rows.assign(name=rows["path"].map(os.path.basename)).drop(columns="path")
    return files.merge(rows.drop_duplicates(same), on=same, how="left").drop(columns="name")


def _progress_bar(total, pending, progress):
    from tqdm.auto import tqdm

    initial = total - pending
    return tqdm(total=total, initial=initial, unit="track", desc="features", disable=not progress)


def _shards(chunks, target, params, jobs, bar) -> Iterator[pd.DataFrame]:
    """Compute and write the chunks. Threads suffice: what takes time releases the interpreter lock.

    Few results wait at a time, so memory does not grow with the number of tracks.
    """
    compute = partial(_compute, root=os.getcwd(), params=params)
    results = in_threads(compute, itertools.chain.from_iterable(chunks), jobs)
    # BLAS threads would fight with ours for the cores.
    with threadpool_limits(1, user_api="blas"), contextlib.closing(results):
        for chunk in chunks:
            these = itertools.islice(results, len(chunk))
            yield _write(target, chunk, _counted(these, bar), params)


def _counted(results, bar) -> Iterator[Result]:
    for result in results:
        bar.update()
        yield result


def _write(target, chunk, results, params) -> pd.DataFrame:
    """Write a shard: half precision for frames and samples, single for summaries."""
    is_summary = params["kind"] == "summary"
    dtype = "<f4" if is_summary else "<f2"
    columns = len(SUMMARY_NAMES) if is_summary else params.get("n_mels", 1)
    return store_files.write_shard(target, chunk, results, dtype=dtype, columns=columns)


def _compute(file, root, params) -> Result:
    """Decode and analyse one track; a file that is no use is a result, too."""
    try:
        path = os.path.join(root, file.path)
        audio = read_audio(path, sr=params["sr"], offset=None, max_seconds=params["max_seconds"])
        check_level(path, audio.y)
        frames = _analyse(audio.y, params)
        if not np.isfinite(frames).all():
            raise AudioError(path, "non-finite features")
    except Exception as problem:
        reason, note = reason_of(problem)
        return Result(reason=reason, note=note)
    seconds = len(audio.y) / audio.sr
    return Result(frames, seconds, audio.native_sr, audio.channels, note=audio.note)


def _analyse(y, params) -> np.ndarray:
    """Return the frames [n, columns] that are stored: one row in a summary, one a sample."""
    if params["kind"] == "summary":
        return _summary(y, params["sr"])[np.newaxis]
    if params["kind"] == "waveform":
        return y.astype("<f2")[:, np.newaxis]
    names = ("sr", "n_fft", "hop_length", "n_mels", "fmin", "fmax")
    return log_mel(y, **{name: params[name] for name in names}).T.astype("<f2")


def _remember(target, rows, known) -> None:
    """Write ``index.parquet``: these rows, and those of other tracks in the store."""
    others = known[~known["track_id"].isin(rows["track_id"])]
    index = pd.concat([rows, others], ignore_index=True)
    path = target / "index.parquet"
    if not path.exists() or not index.equals(known):
        store_files.write_index(path, index)


def _opened(folder, params, rows) -> FeatureStore:
    """Return the store with these rows; FeatureError if none of them can be used."""
    store = FeatureStore(folder, params=params, rows=rows)
    if not len(store):
        first = store.failed.head(3)
        reasons = "; ".join(f"{path}: {why}" for path, why in zip(first["path"], first["reason"]))
        raise FeatureError(
            f"none of {len(rows):,} tracks can be used ({reasons}{', ...' * (len(rows) > 3)}); "
            "check the folder of the data"
        )
    return store
