"""How long musicnn takes to tag a song of four minutes, and whether memory stays flat over many.

Run ``python tests/benchmarks/bench_listen.py [n_songs] [data_dir]``. The obvious way is
``librosa.load``, ``librosa.feature.melspectrogram`` and one call of the network for each window.
The sound is noise with a beat; what is measured does not depend on what is heard.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import keras
import librosa
import numpy as np
import psutil
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from helpers import pages, published  # noqa: E402
from helpers.classify import Classifier  # noqa: E402

SECONDS, SR = 240, 44100


def obvious(network: keras.Model, path: Path) -> np.ndarray:
    """Return the mean tags of a song, as one would write it."""
    y, _ = librosa.load(path, sr=16000)
    S = librosa.feature.melspectrogram(y=y, sr=16000, n_fft=512, hop_length=256, n_mels=96)
    S_db = 10 * np.log10(np.maximum(S, 1e-10))
    windows = [S_db[:, i : i + 187].T for i in range(0, S_db.shape[1] - 186, 187)]
    tags = [network(window[np.newaxis, ..., np.newaxis]) for window in windows]
    return np.mean([keras.ops.convert_to_numpy(tag)[0] for tag in tags], axis=0)


def main() -> None:
    """Print both times, and the memory over many songs."""
    n_songs = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    data_dir = sys.argv[2] if len(sys.argv) > 2 else "data"
    with tempfile.TemporaryDirectory() as folder:
        rng = np.random.default_rng(0)
        t = np.arange(SECONDS * SR) / SR
        y = rng.normal(size=(len(t), 2)) * (0.02 + 0.1 * ((2 * t) % 1 < 0.1))[:, np.newaxis]
        song, short = Path(folder, "song.mp3"), Path(folder, "short.mp3")
        soundfile.write(song, y, SR)
        soundfile.write(short, y[: 30 * SR], SR)
        begin = time.perf_counter()
        path = published.musicnn(data_dir)
        ask, network = Classifier(path), keras.models.load_model(path, compile=False)
        ask(short)
        print(f"start: {time.perf_counter() - begin:.1f} s")
        begin = time.perf_counter()
        answer = ask(song)
        ours = time.perf_counter() - begin
        begin = time.perf_counter()
        tags = obvious(network, song)
        theirs = time.perf_counter() - begin
        apart = np.abs(answer.overall[ask.classes].to_numpy() - tags).max()
        print(f"{SECONDS} s of mp3: {ours:.2f} s; the obvious way {theirs:.2f} s, ratio "
              f"{theirs / ours:.1f}; answers differ by at most {apart:.1e}")  # fmt: skip
        memory = [psutil.Process().memory_info().rss]
        begin = time.perf_counter()
        for i in range(1, n_songs + 1):
            ask(short)
            if i % max(1, n_songs // 10) == 0:
                memory.append(psutil.Process().memory_info().rss)
        rate = n_songs / (time.perf_counter() - begin)
        told = ", ".join(f"{m / 1e6:.0f}" for m in memory)
        print(f"{n_songs} songs of 30 s: {rate:.1f} songs a second; memory in MB: {told}")
        begin = time.perf_counter()
        pages.song_page(ask, song)
        print(f"page of the song: {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
