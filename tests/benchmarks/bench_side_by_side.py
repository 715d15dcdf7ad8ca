"""One table: the series beside what a person would use instead, in the same run.

    python tests/benchmarks/bench_side_by_side.py [subject ...]

Each subject runs in a process of its own. Ours and the other way alternate, and medians count.
What is not installed is left out; `tests/benchmarks/requirements.txt` names it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

N_MELS, HOP = 64, 1024


def timed(ways: dict[str, Callable], rounds: int = 5) -> dict[str, float]:
    """Median seconds of each way; they take turns, after one turn that does not count."""
    times = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            if turn:
                times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(found) for name, found in times.items()}


def rows(what: str, found: dict[str, float], scale: float, unit: str) -> list[list]:
    """One row for each other way; the first is ours."""
    (_, mine), *others = found.items()
    return [[what, f"{mine * scale:,.3g} {unit}", name, f"{theirs * scale:,.3g} {unit}",
             f"{theirs / mine:.2f}"] for name, theirs in others]  # fmt: skip


def features() -> list[list]:
    """Log-mels of files: ours in two threads, beside loops of librosa and essentia."""
    import essentia.standard as essentia
    import librosa
    from bench_features import find, table

    from helpers.features import extract

    settings = {"n_fft": 2048, "hop_length": HOP, "n_mels": N_MELS}
    with tempfile.TemporaryDirectory() as folder:
        paths = find(None, folder)[:20]
        tracks, turns = table(paths), iter(range(10**6))
        window, spectrum = essentia.Windowing(type="hann"), essentia.Spectrum(size=2048)
        bands = essentia.MelBands(inputSize=1025, numberBands=N_MELS, sampleRate=22050,
                                  highFrequencyBound=11025)  # fmt: skip

        def ours():
            extract(tracks, f"{folder}/{next(turns)}", jobs=2, progress=False, **settings)

        def plain():
            for path in paths:
                y, sr = librosa.load(path, sr=22050)
                librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr, **settings))

        def other():
            for path in paths:
                y = essentia.MonoLoader(filename=path, sampleRate=22050)()
                frames = essentia.FrameGenerator(y, frameSize=2048, hopSize=HOP)
                10 * np.log10(np.maximum([bands(spectrum(window(f))) for f in frames], 1e-10))

        ways = {"extract": ours, "loop of librosa": plain, "loop of essentia": other}
        return rows("log-mels of a track, two cores", timed(ways, 3), 1000 / len(paths), "ms")


def storing() -> list[list]:
    """Frames of 1,000 tracks: write them, then read clips at random places."""
    import h5py
    import zarr

    from helpers.store import FeatureStore, File, Result, write_params, write_shard

    n, length, clip, draws = 1000, 646, 65, 5000
    rng = np.random.default_rng(0)
    frames = rng.normal(-40, 20, (n, length, N_MELS)).astype(np.float16)
    at = list(zip(rng.integers(n, size=draws), rng.integers(length - clip, size=draws)))
    with tempfile.TemporaryDirectory() as folder:
        turns, last = iter(range(10**6)), {}

        def place(kind):
            last[kind] = f"{folder}/{kind}{next(turns)}"
            os.makedirs(last[kind])
            return last[kind]

        def ours():
            target = write_params(place("store"), {"kind": "log_mel", "n_mels": N_MELS})
            for begin in range(0, n, 64):
                part = range(begin, min(begin + 64, n))
                files = [File(f"t{i}", f"t{i}.wav", 1, 1) for i in part]
                results = [Result(frames=frames[i], seconds=30.0, native_sr=22050, channels=1)
                           for i in part]  # fmt: skip
                write_shard(target, files, results, dtype="<f2", columns=N_MELS)

        def npy():
            where = place("npy")
            for i in range(n):
                np.save(f"{where}/{i}.npy", frames[i])

        def hdf5():
            with h5py.File(f"{place('hdf5')}/all.h5", "w") as file:
                for i in range(n):
                    file.create_dataset(str(i), data=frames[i])

        def arrays():
            group = zarr.open_group(place("zarr"), mode="w")
            for i in range(n):
                made = group.create_array(str(i), shape=frames[i].shape, dtype="float16",
                                          chunks=(clip * 2, N_MELS))  # fmt: skip
                made[:] = frames[i]

        names = ("feature store", "one npy file a track", "HDF5", "zarr")
        wrote = timed(dict(zip(names, (ours, npy, hdf5, arrays))), 3)
        store = FeatureStore(last["store"])
        file, group = h5py.File(f"{last['hdf5']}/all.h5"), zarr.open_group(last["zarr"], mode="r")
        reads = (
            lambda: [np.array(store.frames(f"t{i}")[s : s + clip]) for i, s in at],
            lambda: [np.array(np.load(f"{last['npy']}/{i}.npy", mmap_mode="r")[s : s + clip])
                     for i, s in at],
            lambda: [file[str(i)][s : s + clip] for i, s in at],
            lambda: [group[str(i)][s : s + clip] for i, s in at[: draws // 10]],
        )  # fmt: skip
        read = timed(dict(zip(names, reads)), 3)
        read["zarr"] *= 10  # a tenth of the draws
        file.close()
    written = rows("write 1,000 tracks of 30 s", wrote, 1, "s")
    return written + rows("read a clip of 3 s at a random place", read, 1e6 / draws, "µs")


def training() -> list[list]:
    """Clips that conv-pool learns from in a second, fed by our clips and by tf.data."""
    import keras
    import tensorflow as tf

    from helpers.clips import RandomClips

    n, length, clip, batch = 200, 646, 65, 32
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(n, length, N_MELS)).astype(np.float16)
    y = rng.integers(10, size=n)
    names = [str(i) for i in range(n)]

    class Memory:
        index = pd.DataFrame({"track_id": names, "n_frames": length})

        def frames(self, track_id):
            return frames[int(track_id)]

    def cut(i):
        at = tf.random.uniform((), 0, length - clip, tf.int32)
        return tf.cast(held[i][at : at + clip][..., tf.newaxis], tf.float32), truth[i]

    held, truth = tf.constant(frames), tf.constant(y)
    piped = tf.data.Dataset.range(n).repeat(4).shuffle(4 * n, seed=0)
    piped = piped.map(cut, num_parallel_calls=tf.data.AUTOTUNE).batch(batch).prefetch(2)
    drawn = RandomClips(Memory(), names, y, clip_frames=clip, clips_per_track=4, batch_size=batch)
    network = keras.Sequential([keras.layers.Input((None, N_MELS, 1))])
    for filters, pool in ((16, 4), (32, 4), (64, 2)):
        network.add(keras.layers.Conv2D(filters, 3, padding="same", use_bias=False))
        network.add(keras.layers.MaxPooling2D(pool, padding="same"))
        network.add(keras.layers.BatchNormalization())
        network.add(keras.layers.Activation("relu"))
    network.add(keras.layers.GlobalAveragePooling2D())
    network.add(keras.layers.Dense(10, activation="softmax"))
    network.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    ways = {
        "clips.RandomClips": lambda: network.fit(drawn, verbose=0, shuffle=False),
        "tf.data": lambda: network.fit(piped, verbose=0),
    }
    return rows("an epoch of conv-pool, 800 clips of 3 s", timed(ways), 1, "s")


def tagging() -> list[list]:
    """Tags of a song of four minutes by musicnn."""
    import keras
    import soundfile
    from bench_listen import SECONDS, SR, obvious

    from helpers import published
    from helpers.classify import Classifier

    with tempfile.TemporaryDirectory() as folder:
        t = np.arange(SECONDS * SR) / SR
        y = np.random.default_rng(0).normal(size=len(t)) * (0.02 + 0.1 * ((2 * t) % 1 < 0.1))
        song = Path(folder, "song.mp3")
        soundfile.write(song, y, SR)
        path = published.musicnn("data")
        ask, network = Classifier(path), keras.models.load_model(path, compile=False)
        ways = {"classify": lambda: ask(song),
                "librosa, window by window": lambda: obvious(network, song)}  # fmt: skip
        return rows("tags of a song of 4 minutes", timed(ways, 3), 1, "s")


def recommending() -> list[list]:
    """Ten nearest songs by other artists among 100,000."""
    import faiss
    from sklearn.neighbors import NearestNeighbors

    from helpers.recommend import Recommender

    n, width, k = 100_000, 128, 10
    X = np.random.default_rng(0).normal(size=(n, width)).astype(np.float32)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    ids, owner = [f"t{i:06d}" for i in range(n)], np.arange(n) // 10
    ours = Recommender(pd.DataFrame(X, ids), pd.Series(owner, ids))
    flat = faiss.IndexFlatIP(width)
    flat.add(X)
    brute = NearestNeighbors(n_neighbors=k + 10, metric="cosine", algorithm="brute").fit(X)
    asked = iter(range(10**6))

    def others(found, i):
        return [j for j in found if owner[j] != owner[i]][:k]

    def faiss_way():
        i = next(asked) % n
        return others(flat.search(X[i : i + 1], k + 10)[1][0], i)

    def sklearn_way():
        i = next(asked) % n
        return others(brute.kneighbors(X[i : i + 1], return_distance=False)[0], i)

    ways = {"recommend": lambda: ours.nearest(ids[next(asked) % n], k=k), "faiss": faiss_way,
            "scikit-learn": sklearn_way}  # fmt: skip
    return rows("10 nearest of 100,000 tracks", timed(ways, 15), 1000, "ms")


def memory() -> list[list]:
    """Memory that a store and its training clips hold, by the number of tracks."""
    found = {}
    for n in (100, 1000, 10_000, 100_000):
        command = [sys.executable, __file__, "--hold", str(n)]
        words = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        found[n] = float(words[-1])
    base = found[100]
    return [[f"memory with a store of {n:,} tracks", f"{mb:.0f} MB", "100 tracks", f"{base:.0f} MB",
             f"{base / mb:.2f}"] for n, mb in list(found.items())[1:]]  # fmt: skip


def hold(n: int) -> None:
    """Open a simulated store of `n` tracks, draw an epoch's first batches, print megabytes."""
    import psutil

    from helpers.clips import RandomClips
    from helpers.store import FeatureStore, File, Result, write_params, write_shard

    with tempfile.TemporaryDirectory() as folder:
        target = write_params(folder, {"kind": "log_mel", "n_mels": N_MELS})
        frames = np.zeros((80, N_MELS), np.float16)
        for begin in range(0, n, 1000):
            part = range(begin, min(begin + 1000, n))
            files = [File(f"t{i}", f"t{i}.wav", 1, 1) for i in part]
            results = [Result(frames=frames, seconds=3.0, native_sr=22050, channels=1)] * len(part)
            write_shard(target, files, results, dtype="<f2", columns=N_MELS)
        store = FeatureStore(folder)
        ids = store.index["track_id"].tolist()
        batches = RandomClips(store, ids, np.zeros(n, int), clip_frames=65, clips_per_track=1)
        for i in range(min(len(batches), 200)):
            batches[i]
        print(psutil.Process().memory_info().rss / 1e6)


SUBJECTS = {f.__name__: f for f in (features, storing, training, tagging, recommending, memory)}


def main(wanted: list[str]) -> None:
    """Measure each subject in its own process, and print the table."""
    head = "| what | ours | instead | instead | ratio |\n|---|---|---|---|---|"
    print(f"{os.cpu_count()} cores\n\n{head}")
    for name in wanted or SUBJECTS:
        command = [sys.executable, __file__, "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"| {name}: left out, {done.stderr.strip().splitlines()[-1]} | | | | |")
            continue
        for row in json.loads(done.stdout.strip().splitlines()[-1]):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(SUBJECTS[sys.argv[2]]()))
    elif sys.argv[1:2] == ["--hold"]:
        hold(int(sys.argv[2]))
    else:
        main(sys.argv[1:])
