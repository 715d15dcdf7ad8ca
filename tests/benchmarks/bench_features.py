"""Measure the features: speed against the plain loop, agreement, the second run, and memory.

    python tests/benchmarks/bench_features.py [--data "FOLDER/**/*.mp3"] [--rounds 5]

Without --data it takes the real mp3 files beside the project, or renders noise to mp3 where there
are none. Timings are noisy, so the plain loop and ours alternate in one run, and medians count.
"""

from __future__ import annotations

import argparse
import glob
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pandas as pd
import soundfile as sf

from helpers.features import extract, extract_summary, log_mel

SETTINGS = {"n_fft": 2048, "hop_length": 512, "n_mels": 128}


def plain(path):
    import librosa

    y, sr = librosa.load(path, sr=22050)
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr, **SETTINGS))


def seconds_of(function, *args):
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def table(paths, repeat=1):
    many = [path for _ in range(repeat) for path in paths]
    return pd.DataFrame({"track_id": [f"t{i:06d}" for i in range(len(many))], "path": many})


def fill(tracks, folder, jobs):
    return extract(tracks, folder, jobs=jobs, progress=False, **SETTINGS)


def speed(paths, rounds):
    tracks = table(paths)
    warm = table(paths[:2])
    with tempfile.TemporaryDirectory() as folder:
        fill(warm, folder, 2)
        extract_summary(warm, folder, jobs=2, progress=False)
        plain(paths[0])
    ratios = {1: [], 2: []}
    second, milliseconds = [], {0: [], 1: [], 2: []}
    for _ in range(rounds):
        base = seconds_of(lambda: [plain(path) for path in paths])
        milliseconds[0].append(1000 * base / len(paths))
        for jobs in (1, 2):
            folder = tempfile.mkdtemp()
            first = seconds_of(fill, tracks, folder, jobs)
            milliseconds[jobs].append(1000 * first / len(paths))
            ratios[jobs].append(base / first)
            second.append(seconds_of(fill, tracks, folder, jobs) / first)
            shutil.rmtree(folder)
    print(f"{len(paths)} files, {rounds} rounds, {os.cpu_count()} cores")
    print(f"plain loop                {statistics.median(milliseconds[0]):8.1f} ms a track")
    for jobs, ratio in ratios.items():
        print(
            f"extract, jobs={jobs}           {statistics.median(milliseconds[jobs]):8.1f} ms"
            f" a track, {statistics.median(ratio):.2f} times the plain loop's speed"
            f" (from {min(ratio):.2f} to {max(ratio):.2f})"
        )
    print(f"second run                {100 * statistics.median(second):8.2f} % of the first")
    with tempfile.TemporaryDirectory() as folder:
        cost = seconds_of(lambda: extract_summary(tracks, folder, jobs=2, progress=False))
    print(f"extract_summary, jobs=2   {1000 * cost / len(paths):8.1f} ms a track")


def agreement(paths):
    import librosa

    exact, half = 0.0, 0.0
    for path in paths:
        y = librosa.load(path, sr=22050)[0]
        S = librosa.feature.melspectrogram(y=y, sr=22050, **SETTINGS)
        S_db = librosa.power_to_db(S, top_db=None)
        loud = S_db > S_db.max() - 60
        ours = log_mel(y, sr=22050, **SETTINGS)
        exact = max(exact, np.abs(ours - S_db)[loud].max())
        half = max(half, np.abs(ours.astype("<f2").astype(float) - S_db)[loud].max())
    print(f"largest difference from librosa above -60 dB: {exact:.5f} dB, in float16 {half:.5f} dB")


def memory(sizes, seconds):
    """Run `one` for each size in a process of its own, and print peak memory and cost a track."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{i:02d}.wav" for i in range(50)]
        for path in paths:
            sf.write(path, rng.normal(0, 0.1, int(seconds * 22050)), 22050)
        peaks = []
        for size in sizes:
            command = [sys.executable, __file__, "one", folder, str(size)]
            words = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            peak, cost, again = map(float, words.split())
            peaks.append(peak)
            print(
                f"{size:7,d} tracks of {seconds:g} s: peak {peak:.0f} MB, "
                f"{1000 * cost / size:.2f} ms a track, second run {100 * again / cost:.2f} %"
            )
    steps = itertools.pairwise(zip(sizes, peaks))
    print("; ".join(f"{a:,} to {b:,}: {q - p:+.0f} MB" for (a, p), (b, q) in steps))


def one(folder, size):
    """Extract `size` tracks from the files in `folder`; print peak memory in MB and seconds."""
    import resource

    paths = sorted(glob.glob(f"{folder}/*.wav"))
    store = tempfile.mkdtemp()
    fill(table(paths[:4]), f"{store}/warm", 2)
    tracks = table(paths, repeat=-(-size // len(paths))).iloc[:size]
    cost = seconds_of(fill, tracks, f"{store}/features", 2)
    again = seconds_of(fill, tracks, f"{store}/features", 2)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, cost, again)
    shutil.rmtree(store)


def find(pattern, folder):
    """Return the files to measure: the given ones, real ones, or noise in ten mp3 files."""
    shared = Path(__file__).resolve().parents[3] / "shared" / "data"
    shared = Path(os.environ.get("MUSIC_DATA_DIR", shared))
    paths = sorted(glob.glob(pattern or f"{shared}/fma/**/*.mp3", recursive=True))
    if paths or pattern:
        return paths
    rng = np.random.default_rng(0)
    for i in range(10):
        noise = rng.normal(0, 0.1, (30 * 44100, 2)).cumsum(axis=0)
        noise -= np.linspace(noise[0], noise[-1], len(noise))
        sf.write(f"{folder}/{i}.mp3", 0.5 * noise / np.abs(noise).max(), 44100)
    return sorted(glob.glob(f"{folder}/*.mp3"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="glob pattern of mp3 files, in quotes")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 1000, 5000])
    parser.add_argument("--seconds", type=float, default=2.0, help="length of the short files")
    args = parser.parse_args()
    if args.sizes:  # first: a child's peak starts from what its parent holds
        memory(args.sizes, args.seconds)
    with tempfile.TemporaryDirectory() as folder:
        paths = find(args.data, folder)
        if not paths:
            parser.error(f"no file matches {args.data}")
        if args.rounds:
            speed(paths, args.rounds)
            agreement(paths)


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        one(sys.argv[2], int(sys.argv[3]))
    else:
        main()
