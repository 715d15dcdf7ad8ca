# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Feature extraction
#
# *3 minutes · needs nothing: it renders its own music · writes `features/` and `tables/storage.csv`*
#
# Decoding audio and computing spectrograms takes longer than training a small network, so it should happen once,
# use the whole machine and lose nothing when it is interrupted or meets a broken file. This notebook computes
# log-mel spectrograms and a table of summary features for every track. Then it settles an old question by
# measurement: should spectrograms be stored as JPEG, PNG, NumPy files, or one memory-mapped store?
#
# **You will learn**
#
# - how a log-mel spectrogram is computed, and that a faster way gives the same numbers;
# - how to process a whole collection so that interruptions and broken files cost nothing;
# - what each way of storing spectrograms costs in bytes, in decibels and in accuracy.
#
# **Before you start**: notebook 01 explains waveform, spectrogram and mel bands.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]
import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = ""
folders = [Path.cwd(), *Path.cwd().parents, Path.cwd() / "music-classification"]
ROOT = next((p for p in folders if (p / "helpers" / "series.mplstyle").exists()), None)
alone = ROOT is None
if alone:
    ROOT = folders[-1]
    if not REPOSITORY:
        raise SystemExit("This notebook needs its series beside it: in Colab, drop music-classification.zip on the "
                         "panel Files, run !unzip -q music-classification.zip, and run this cell again.")
    if subprocess.run(["git", "clone", "--quiet", "--depth", "1", REPOSITORY, str(ROOT)]).returncode:
        raise SystemExit(f"This notebook needs its series: copy {REPOSITORY} to {ROOT}.")
os.chdir(ROOT)
sys.path.insert(0, str(ROOT))
if alone or "google.colab" in sys.modules:
    subprocess.run([sys.executable, "-m", "notebooks.tools.install"], check=True)
import helpers

helpers.keep_native_logs_out_of_cells()

# %% tags=["imports"]
import tempfile
import time

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import datasets, evaluate, features, plotting
from helpers.audio import load_audio
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
CLASSES: list = []  # keep these classes only; empty keeps all
DATASET_OPTIONS: dict = {}  # further arguments of helpers.datasets.load
SR: int = 22050  # sample rate in hertz that all audio is brought to
N_FFT: int = 2048  # window of the Fourier transform in samples
HOP_LENGTH: int = 512  # distance between frames in samples
N_MELS: int = 64  # number of mel bands
MAX_SECONDS: float = 30.0  # longest excerpt of a track that is used
JOBS: int = 2  # number of files read at the same time
STORAGE_TRACKS: int = 300  # tracks that the storage experiment writes and reads
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## One track first
#
# Before a function runs over a whole collection, it runs on one track, and we look at what comes out.
# `features.log_mel` returns an array of shape (mel bands, frames), in decibels, as librosa does. Each column is
# one frame: `N_FFT` samples, weighted by a window, transformed, squared, and summed into `N_MELS` bands. The next
# frame starts `HOP_LENGTH` samples later.

# %%
dataset = datasets.load(DATASET, DATA_DIR, classes=CLASSES or None, **DATASET_OPTIONS)
track = dataset.tracks.iloc[0]
track[["track_id", "label", "path"]]

# %%
y = load_audio(track["path"], sr=SR, max_seconds=MAX_SECONDS)
S_db = features.log_mel(y, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS)
S_db.shape

# %% [markdown]
# Why not simply librosa? On a large collection the time counts, and the helper leaves out work: single precision,
# no multiplication by the zeros of the mel filters. But the fast way must be the right way. librosa is the reference; compare every value that is within 60 dB of the
# loudest, because differences between silences do not matter.

# %%
S = librosa.feature.melspectrogram(y=y, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS)
reference = librosa.power_to_db(S, top_db=None)
audible = reference > reference.max() - 60
error = np.abs(S_db - reference)[audible].max()
print(f"largest difference from librosa: {error:.4f} dB")

# %% [markdown]
# ### Why decibels
#
# The ear hears ratios: ten times the power is a step of the same size, wherever it happens. Decibels put this into
# numbers. Below is the same spectrogram as power and in decibels, with the distribution of its values.

# %%
fig, axes = plt.subplots(2, 2, figsize=(11, 4.6), gridspec_kw={"width_ratios": [3, 1]})
for row, (picture, name) in zip(axes, [(S, "power"), (S_db, "decibels")]):
    librosa.display.specshow(picture, sr=SR, hop_length=HOP_LENGTH, x_axis="time", y_axis="mel", cmap="magma",
                             ax=row[0])  # fmt: skip
    row[0].set(title=f"mel bands in {name}", xlabel="time in seconds", ylabel="hertz")
    row[1].hist(np.ravel(picture), 50, color="C0")
    row[1].set(xlabel=name, ylabel="values", yscale="log" if name == "power" else "linear")
axes[0, 0].set_xlabel("")
plt.show()

# %% [markdown]
# In power, a few loud spots hold nearly all of the range and everything else is black. In decibels, quiet harmonics
# and decays are there, and the values fill their range evenly. A classifier sees what you see.
#
# ## The whole collection
#
# `features.extract` reads every track, several at a time, and fills the **feature store**: large arrays on disk,
# one row for each frame, and an index that says where each track lies. What is already there is not computed
# again, so this cell can be interrupted and run again at any time. Pull the plug in the middle, and only the
# arrays that were being written are lost.

# %%
store = features.extract(
    dataset.tracks, f"{OUT_DIR}/features", sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS,
    max_seconds=MAX_SECONDS, jobs=JOBS,
)  # fmt: skip

# %%
print(store.report())

# %% [markdown]
# A clip is a slice of the store. Nothing is loaded until it is used: the array below is a window into a file.
# In the store **time comes first**: shape (frames, mel bands).

# %%
frames = store.frames(track["track_id"])
print(type(frames).__name__, frames.dtype, frames.shape)
print(f"{store.frames_per_second:.2f} frames a second")

# %%
clip = np.asarray(frames[: int(5 * store.frames_per_second)], dtype=np.float32)
fig, ax = plt.subplots(figsize=(11, 2.6))
librosa.display.specshow(
    clip.T, sr=SR, hop_length=HOP_LENGTH, x_axis="time", y_axis="mel", cmap="magma", ax=ax
)
ax.set(title=f"the first {len(clip)} frames of {track['track_id']}", xlabel="time in seconds", ylabel="hertz")
plt.show()

# %% [markdown]
# ### Nothing is computed twice
#
# The index knows the size and the time of every file, so a second call only looks. How large is its share of the
# work? Compare the shards on disk before and after.

# %%
shards = sorted(Path(OUT_DIR, "features").rglob("frames-*.npy"))
before = [shard.stat().st_mtime_ns for shard in shards]

# %%
features.extract(
    dataset.tracks, f"{OUT_DIR}/features", sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS,
    max_seconds=MAX_SECONDS, jobs=JOBS,
)  # fmt: skip
after = [shard.stat().st_mtime_ns for shard in shards]
print(f"{sum(a != b for a, b in zip(before, after))} of {len(shards)} shards were written again.")

# %% [markdown]
# ### Broken files stop nothing
#
# Real collections hold empty files, texts that call themselves mp3, and downloads that broke off. Here are three
# such files beside a good one.

# %%
broken = Path(tempfile.mkdtemp())
(broken / "empty.wav").touch()
(broken / "really a text.mp3").write_text("This is not music.")
files = [broken / "empty.wav", broken / "really a text.mp3", broken / "gone.wav", Path(track["path"])]

# %%
table = pd.DataFrame({"track_id": [f.stem for f in files], "path": [str(f) for f in files]})
small = features.extract(table, broken / "features", sr=SR, max_seconds=MAX_SECONDS, progress=False)
small.index[["track_id", "status", "reason", "n_frames"]]

# %% [markdown]
# Each failure is a row with a reason, and the good file is in the store. This matters more than it seems: in a
# collection of a hundred thousand files some are always broken, and a run that dies on one of them dies at night,
# at 97 %. A run that hides them is worse, because then nobody knows what the figures are about. The next notebooks
# use the tracks whose status is *ok* and say how many there are.
#
# ## Summary features
#
# Before networks, music was classified by a table: one row a track, one column for the mean or the standard
# deviation of a measure over time. Notebook 04 asks which of these columns carry genre.

# %%
summary = features.extract_summary(
    dataset.tracks, f"{OUT_DIR}/features", sr=SR, max_seconds=MAX_SECONDS, jobs=JOBS
)
print(f"{len(summary)} tracks, {summary.shape[1]} columns")
summary.iloc[:3, :6].round(3)

# %%
labels = dataset.tracks.set_index("track_id")["label"]
shown = [c for c in ("centroid_mean", "zero_crossing_rate_mean", "rms_mean", "flatness_mean") if c in summary]
shown = shown or list(summary.columns[:4])

# %%
fig, axes = plt.subplots(1, len(shown), figsize=(11, 3.4), sharey=True)
for ax, column in zip(axes, shown):
    groups = [summary.loc[labels[summary.index] == name, column] for name in dataset.classes]
    ax.boxplot(groups, orientation="horizontal", flierprops={"markersize": 3})
    ax.set(title=column.replace("_", " "))
axes[0].set_yticks(range(1, len(dataset.classes) + 1), dataset.classes)
plt.show()

# %% [markdown]
# Each box holds the middle half of a class, the line in it the median, and circles are outliers. Where the boxes of
# two classes do not overlap, one number is enough to tell most of their tracks apart. No single column separates
# all classes, which is why classifiers use many. *Centroid* is the centre of gravity of the spectrum, heard as
# brightness; *zero crossing rate* rises with noise and cymbals; *rms* is the level; *flatness* is near 0 for tones
# and near 1 for noise.
#
# ## JPEG, PNG, NumPy file or store?
#
# Many projects draw spectrograms as pictures and train on those, because image libraries make it easy. Some of the
# older projects that this series takes up argued for JPEG, some for NumPy files, and none measured. What does each
# way cost in bytes, in error, in time, and, what counts in the end, in accuracy? We write the same log-mels in five
# ways and read them back.
#
# A picture holds whole numbers from 0 to 255. To fit decibels into that range we must choose its ends. `to_picture` uses the
# same ends for all tracks. The last variant does what some projects did: it stretches **every frame** to the full range,
# so a whisper and a scream look alike.

# %%
LOW, HIGH = -80.0, 60.0  # decibels that become 0 and 255


def to_picture(S_db):
    """Decibels to 8-bit gray levels, one fixed scale."""
    return np.uint8(np.round(255 * (np.clip(S_db, LOW, HIGH) - LOW) / (HIGH - LOW)))


# %%
def stretch_frames(S_db):
    """Each frame from its own minimum to its own maximum: loudness is lost."""
    low, high = S_db.min(axis=1, keepdims=True), S_db.max(axis=1, keepdims=True)
    return np.uint8(np.round(255 * (S_db - low) / np.maximum(high - low, 1e-6)))


# %%
def from_picture(path):
    """Gray levels back to decibels."""
    return np.asarray(Image.open(path), dtype=np.float32) / 255 * (HIGH - LOW) + LOW


# %%
ways = {
    "NumPy file, float32": ("npy", lambda S, p: np.save(p, S), np.load),
    "PNG, gray": ("png", lambda S, p: Image.fromarray(to_picture(S)).save(p), from_picture),
    "JPEG, quality 75": ("jpg", lambda S, p: Image.fromarray(to_picture(S)).save(p), from_picture),
    "JPEG, each frame stretched": (
        "stretched.jpg", lambda S, p: Image.fromarray(stretch_frames(S)).save(p), from_picture,
    ),
}  # fmt: skip

# %% [markdown]
# The originals are computed anew in full precision, so that the store too is measured against them.

# %%
ok = dataset.tracks[dataset.tracks["track_id"].isin(store.index.query("status == 'ok'")["track_id"])]
chosen = ok.sample(min(STORAGE_TRACKS, len(ok)), random_state=SEED).reset_index(drop=True)

# %%
exact = {}
for row in chosen.itertuples():
    y = load_audio(row.path, sr=SR, offset=None, max_seconds=MAX_SECONDS)
    exact[row.track_id] = features.log_mel(y, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS).T
print(f"{len(exact)} tracks")

# %% [markdown]
# JPEG was made for photographs: it keeps what the eye notices and drops fine detail, and it stores small squares
# of 8 × 8 points, which here are eight bands by eight frames. PNG loses nothing but the rounding to 256 steps.
#
# For each way: write all, read all, and keep for every track what a small classifier needs, the mean and the
# standard deviation of each band.

# %%
def describe(S_db):
    """Mean and standard deviation of each band [shape=(2 * n_mels,)]."""
    return np.concatenate([S_db.mean(axis=0), S_db.std(axis=0)])


# %%
def measure(write_all, read, size):
    """Bytes, error in decibels, reading time and features of one way to store."""
    write_all()
    start = time.perf_counter()
    back = {track_id: np.array(read(track_id), dtype=np.float32) for track_id in exact}
    seconds = time.perf_counter() - start
    error = np.concatenate([np.abs(np.maximum(back[t], LOW) - np.maximum(exact[t], LOW)).ravel() for t in exact])
    row = {"KB a track": size() / 1000 / len(exact), "error in dB (mean)": error.mean(),
           "error in dB (99 %)": np.percentile(error, 99), "ms": 1000 * seconds / len(exact)}  # fmt: skip
    return row, np.stack([describe(back[t]) for t in exact])


# %%
results, described = {}, {}
folder = Path(tempfile.mkdtemp())
for name, (suffix, write, read) in ways.items():
    paths = {t: folder / f"{i}.{suffix}" for i, t in enumerate(exact)}
    results[name], described[name] = measure(
        lambda: [write(exact[t], paths[t]) for t in exact],  # noqa: B023
        lambda t: read(paths[t]),  # noqa: B023
        lambda: sum(p.stat().st_size for p in paths.values()),  # noqa: B023
    )
results["feature store, float16"], described["feature store, float16"] = measure(
    lambda: None, store.frames, lambda: sum(store.frames(t).nbytes for t in exact)
)

# %% [markdown]
# The same classifier, logistic regression, now answers for each way. It is tested on groups it has not seen, five
# folds, and all ways use the same folds.

# %%
y_true = pd.Categorical(chosen["label"], categories=dataset.classes).codes
folds = list(StratifiedGroupKFold(5, shuffle=True, random_state=SEED).split(y_true, y_true, chosen["group"]))
for name, X in described.items():
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    proba = cross_val_predict(model, X, y_true, cv=folds, method="predict_proba")
    s = evaluate.scores(y_true, proba, groups=chosen["group"].to_numpy(), seed=SEED)
    results[name] |= {k: s[k] for k in ("accuracy", "accuracy_low", "accuracy_high")}

# %%
storage = pd.DataFrame(results).T
storage["read time"] = storage["ms"] / storage.loc["feature store, float16", "ms"]
storage.drop(columns=["ms", "accuracy_low", "accuracy_high"]).round(2)

# %% [markdown]
# Read the columns from left to right: what does it cost to keep, how wrong is it on average and in the worst
# hundredth, and does the classifier care? *Read time* is in multiples of the store's, because absolute times depend on the machine. The error is measured
# above −80 dB.

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3), sharey=True)
plotting.intervals(storage, chance=1 / len(dataset.classes), ax=axes[0])
axes[0].set_title("accuracy of one small classifier")
axes[1].barh(range(len(storage)), storage["KB a track"], color="C0", height=0.5)
axes[1].set(xlabel="kilobytes a track", title="size on disk")
plt.show()

# %%
stretched, jpeg = results["JPEG, each frame stretched"], results["JPEG, quality 75"]
best = results["feature store, float16"]
Markdown(
    f"A JPEG with one fixed scale is wrong by {jpeg['error in dB (mean)']:.1f} dB on average, the store by "
    f"{best['error in dB (mean)']:.3f} dB. The classifier scores {jpeg['accuracy']:.2f} on JPEG, "
    f"{stretched['accuracy']:.2f} on JPEG with stretched frames and {best['accuracy']:.2f} on the store. Hold the "
    f"differences against the width of the intervals before you believe them."
)

# %%
os.makedirs(f"{OUT_DIR}/tables", exist_ok=True)
storage.to_csv(f"{OUT_DIR}/tables/storage.csv")
summary.to_csv(f"{OUT_DIR}/tables/summary_features.csv")

# %% [markdown]
# So which one? Pictures are small, and with one fixed scale their error is bounded and known. Their price is
# decoding: a picture must be unpacked as a whole before a clip can be cut from it. The store is larger, and a clip
# of any place and length is one slice, which is what training with random clips needs. The rest of the series uses
# the store.

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- A log-mel spectrogram of {S_db.shape[0]} bands was computed; the fast way differed from librosa by at most "
    f"{error:.4f} dB.\n"
    f"- {(store.index['status'] == 'ok').sum()} of {len(store.index)} tracks are in the store; three broken files "
    f"became rows with a reason, and a second run wrote no shard again.\n"
    f"- One track takes {best['KB a track']:.0f} KB in the store, {results['PNG, gray']['KB a track']:.0f} KB as PNG "
    f"and {jpeg['KB a track']:.0f} KB as JPEG, at errors of {best['error in dB (mean)']:.3f}, "
    f"{results['PNG, gray']['error in dB (mean)']:.2f} and {jpeg['error in dB (mean)']:.1f} dB; reading "
    f"JPEG took {storage.loc['JPEG, quality 75', 'read time']:.1f} times as long as reading the store."
)

# %% [markdown]
# ## Exercises
#
# 1. Halve `N_MELS` and run the storage experiment again. What happens to bytes and accuracy?
#    *Hint: the store keeps both; nothing is lost when you switch back.*
# 2. At which JPEG quality does the error fall below one decibel? *Hint: `Image.save(..., quality=95)`.*
# 3. Save the float32 array with `np.savez_compressed`. Where does it stand in the table?
#
# ## Next
#
# Notebook 03 turns the store into X and Y, divides it without leaks, and measures what a leak is worth.
#
# **References.** K. Choi et al., *A comparison of audio signal preprocessing methods for deep neural networks on
# music tagging*, EUSIPCO 2018. A. Ferraro et al., *How low can you go? Reducing frequency and time resolution in
# current CNN architectures for music auto-tagging*, EUSIPCO 2020.
