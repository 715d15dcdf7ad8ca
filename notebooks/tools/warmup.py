"""Compile what is compiled at its first use, once and in one process.

librosa keeps functions that numba has compiled in a cache on disk. Two processes that fill this
cache at the same time can spoil it, and from then on every use ends in a segmentation fault. So
`make` runs ``python -m notebooks.tools.warmup all`` after an installation, which writes the
bytecode of what kernels import, too. The study runner calls it before steps run side by side; where
the cache is known to be full, that takes no time.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path

from llvmlite.binding import get_host_cpu_features, get_host_cpu_name

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


LIBROSA = Path(importlib.util.find_spec("librosa").origin).parent


def mark() -> Path | None:
    """Name the file that says: the cache beside librosa is full, for these versions and this CPU.

    There is none where the cache is elsewhere. As in numba's own index, other features of a CPU are
    another CPU.
    """
    if os.environ.get("NUMBA_CACHE_DIR"):
        return None
    of = [version("librosa"), version("numba"), sys.implementation.cache_tag]
    of += [get_host_cpu_name(), get_host_cpu_features().flatten()]
    digest = blake2b(repr(of).encode(), digest_size=8).hexdigest()
    return LIBROSA / "__pycache__" / f"warm-{digest}"


def is_warm() -> bool:
    """Say whether the mark is there, and younger than librosa and the list of calls below."""
    file, sources = mark(), (LIBROSA / "core" / "audio.py", Path(__file__))
    if file is None or not file.exists():
        return False
    return file.stat().st_mtime > max(source.stat().st_mtime for source in sources)


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
    with contextlib.suppress(OSError):  # read-only: then numba's cache is elsewhere, too
        if file := mark():
            file.touch()


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
    if not is_warm():
        main()
