"""Properties of a recording that should not depend on its class.

A class whose files come from another source, codec or level gives itself away without any music.
"""

from __future__ import annotations

import contextlib
from hashlib import blake2b
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
from scipy.ndimage import percentile_filter

from helpers.audio import AudioError, in_threads, read_audio

PROPERTIES = (
    "sample_rate",
    "channels",
    "bandwidth",
    "cliff",
    "level",
    "crest",
    "silence",
    "dc_offset",
    "clipped",
)


def recording_properties(y: np.ndarray, *, sr: int) -> dict[str, float]:
    """Measure one recording.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Samples, at the rate the file really has.
    sr : int > 0
        Samples per second.

    Returns
    -------
    dict
        bandwidth : highest frequency within 70 dB of the strongest, in hertz.
        cliff : steepest fall of the mean spectrum above 2 kHz, in decibels: from all of the 500 Hz
        below a frequency to all of the 500 Hz above it. Music fades out; a codec or a resampler
        cuts.
        level : root mean square, in decibels below full scale.
        crest : peak above that level, in decibels.
        silence : share of 50 ms pieces below -60 dB.
        dc_offset : mean sample, as a share of full scale.
        clipped : share of samples at the peak, where the peak is near full scale.

    Raises
    ------
    ValueError
        There are no samples.

    Examples
    --------
    >>> tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(22050) / 22050)
    >>> p = recording_properties(tone, sr=22050)
    >>> round(p["level"]), round(p["crest"])
    (-9, 3)
    """
    if len(y) == 0:
        raise ValueError("there are no samples")
    n_fft = min(2048, len(y))
    S = librosa.stft(y - np.mean(y), n_fft=n_fft, hop_length=max(1, n_fft // 2), center=False)
    f, power = librosa.fft_frequencies(sr=sr, n_fft=n_fft), (np.abs(S) ** 2).mean(axis=1)
    S_db = 10 * np.log10(np.maximum(power, 1e-9 * max(power.max(), 1e-20)))
    rms, peak = float(np.sqrt(np.mean(np.square(y)))), float(np.abs(y).max())
    pieces = y[: len(y) - len(y) % (sr // 20)].reshape(-1, sr // 20)
    quiet = np.sqrt(np.mean(np.square(pieces), axis=1)) < 1e-3
    return {
        "bandwidth": float(f[np.flatnonzero(S_db > S_db.max() - 70)[-1]]),
        "cliff": _cliff(f, S_db),
        "level": 20 * np.log10(max(rms, 1e-6)),
        "crest": 20 * np.log10(max(peak, 1e-6) / max(rms, 1e-6)),
        "silence": float(quiet.mean()) if len(quiet) else 0.0,
        "dc_offset": float(np.mean(y)),
        "clipped": float(np.mean(np.abs(y) >= 0.999 * peak)) if peak > 0.98 else 0.0,
    }


def measure(tracks: pd.DataFrame, *, jobs: int = 2, progress: bool = True) -> pd.DataFrame:
    """Measure every track of a dataset; a file that cannot be read becomes a row with a reason.

    Parameters
    ----------
    tracks : pd.DataFrame
        Columns track_id and path.
    jobs : int
        Number of threads.
    progress : bool
        Show a progress bar.

    Returns
    -------
    pd.DataFrame
        Indexed by track_id: reason (empty if all is well), seconds, content (a digest of the
        file) and the columns of `PROPERTIES`.
    """
    from tqdm.auto import tqdm

    with contextlib.closing(in_threads(_measure_file, tracks["path"], jobs)) as rows:
        rows = list(tqdm(rows, total=len(tracks), desc="audit", disable=not progress))
    return pd.DataFrame(rows, index=pd.Index(tracks["track_id"], name="track_id"))


def class_clues(table: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Say how well each single property tells one class from all others.

    Parameters
    ----------
    table : pd.DataFrame
        What `measure` returns.
    labels : pd.Series
        Class of each track, indexed by track_id.

    Returns
    -------
    pd.DataFrame [shape=(n_classes, n_properties)]
        0 for no information, 1 for a property that gives the class away: |2 AUC - 1|.

    Notes
    -----
    Source: `sklearn.metrics.roc_auc_score`.
    """
    from sklearn.metrics import roc_auc_score

    good = table[table["reason"] == ""]
    labels = labels.reindex(good.index)
    clues = {
        name: {
            p: abs(2 * roc_auc_score(labels == name, good[p].astype(float)) - 1) for p in PROPERTIES
        }
        for name in sorted(labels.unique())
        if 0 < (labels == name).sum() < len(labels)
    }
    return pd.DataFrame(clues).T.reindex(columns=list(PROPERTIES))


def _cliff(f: np.ndarray, S_db: np.ndarray, *, width: float = 500.0, gap: float = 200.0) -> float:
    """Lower quartile of the band below minus upper quartile of the band above, at its largest."""
    if len(f) < 2 or f[1] > width or f[-1] < 2000 + 2 * width:  # a few samples have no spectrum
        return 0.0
    size, half = round(width / f[1]), round((width + gap) / 2 / f[1])
    low = percentile_filter(S_db, 25, size=size, mode="nearest")
    high = percentile_filter(S_db, 75, size=size, mode="nearest")
    fall = low[: -2 * half] - high[2 * half :]
    fall = fall[f[half:-half] >= 2000]
    return max(0.0, float(fall.max())) if len(fall) else 0.0


def _measure_file(path: str) -> dict:
    try:
        audio = read_audio(path, sr=None)
    except AudioError as error:
        return {"reason": error.reason}
    y = audio.y
    silent = not np.any(np.abs(y) > 10 ** (-90 / 20))
    return {
        "reason": "silent" if silent else "",
        "seconds": len(y) / audio.sr,
        "content": blake2b(Path(path).read_bytes(), digest_size=8).hexdigest(),
        "sample_rate": audio.native_sr,
        "channels": audio.channels,
        **recording_properties(y, sr=audio.sr),
    }
