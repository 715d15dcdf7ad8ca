"""Compile what is compiled at its first use, once and in one process.

librosa keeps functions that numba has compiled in a cache on disk. Two processes that fill this
cache at the same time can spoil it, and from then on every use ends in a segmentation fault. So
`make` runs ``python -m notebooks.tools.warmup all`` after an installation, which writes the
bytecode of what kernels import, too. The study runner calls it before steps run side by side.
"""

from __future__ import annotations

import importlib
import os
import sys

SLOW = (
    "cleanlab.filter",
    "ipykernel.kernelapp",
    "keras",
    "librosa.display",
    "nbconvert",
    "papermill",
    "pyarrow.parquet",
    "sklearn.ensemble",
)


def main() -> None:
    """Call each of librosa's compiled functions that the series uses."""
    import librosa
    import numpy as np

    sr = 22050
    y = np.random.default_rng(0).normal(0, 0.1, 5 * sr).astype(np.float32)
    librosa.beat.beat_track(y=y, sr=sr)
    librosa.onset.onset_detect(y=y, sr=sr)
    librosa.feature.zero_crossing_rate(y)
    librosa.feature.chroma_cqt(y=y, sr=sr)
    librosa.feature.chroma_stft(y=y, sr=sr)  # estimates the tuning: pitch tracking, local maxima
    librosa.effects.hpss(y)  # ends in an inverse transform
    librosa.griffinlim(np.abs(librosa.stft(y, n_fft=512)), n_iter=1)
    librosa.yin(y, fmin=100, fmax=400, sr=sr)


def write_bytecode() -> None:
    """Import what kernels import, without what native libraries log meanwhile."""
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        for name in SLOW:
            importlib.import_module(name)
    finally:
        os.dup2(terminal, 2)


if __name__ == "__main__":
    if sys.argv[1:] == ["all"]:
        write_bytecode()
    main()
