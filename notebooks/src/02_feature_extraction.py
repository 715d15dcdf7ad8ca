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
# *reading 9 minutes · computing 1 minute · needs nothing: it renders its own music · writes `features/`, `tables/storage.csv`, `tables/summary_features.csv`*
#
# Decoding audio and computing spectrograms takes hours on a large collection. So it should happen once, use
# the whole machine, and lose nothing when it is interrupted or meets a broken file. How does one prepare a whole
# collection that way? This notebook does it, twice: as mel spectrograms for networks, and as a table of numbers for
# simpler models. An appendix asks whether spectrograms may be stored as JPEG.
#
# **You will learn**
#
# - how a log-mel spectrogram is computed, how fine it is, and that a faster way gives the same numbers;
# - how to process a whole collection so that interruptions and broken files cost nothing;
# - what a table of summary features tells of the classes, and what a picture format costs.
#
# **Before you start**: notebook 01 explains waveform, spectrogram and mel bands.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
import io
import os
import tempfile
from pathlib import Path

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

from helpers import datasets, evaluate, features
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
HOP_LENGTH: int = 1024  # distance between frames in samples
N_MELS: int = 64  # number of mel bands
MAX_SECONDS: float = 30.0  # longest excerpt of a track that is used
JOBS: int = 2  # number of files read at the same time
STORAGE_TRACKS: int = 300  # tracks that the storage experiment writes and reads
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## One track first
#
# Before a function runs over a whole collection, it runs on one track, and we look at what comes out.
# `features.log_mel` returns a **log-mel spectrogram**: an array of shape (mel bands, frames), in decibels. Each column
# is one **frame**: `N_FFT` samples, weighted by a window, transformed, squared, and summed into `N_MELS` bands. The
# next frame starts `HOP_LENGTH` samples later; that distance is the **hop length**.

# %%
dataset = datasets.load(DATASET, DATA_DIR, classes=CLASSES or None, **DATASET_OPTIONS)
track = dataset.tracks.iloc[0]
y = load_audio(track["path"], sr=SR, max_seconds=MAX_SECONDS)
S_db = features.log_mel(y, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS)
print(f"{track['track_id']}: {len(y) / SR:.0f} s of sound, log-mel {S_db.shape}")

# %% [markdown]
# Why not simply librosa? On a large collection the time counts, and the helper leaves out work: it computes with
# 32 bits, and does not multiply by the zeros of the mel filters. But the fast way must be the right way. Compare every
# value that is within 60 dB of the loudest with librosa's, because differences between silences do not matter.

# %%
S = librosa.feature.melspectrogram(y=y, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS)
reference = librosa.power_to_db(S, top_db=None)
audible = reference > reference.max() - 60
error = np.abs(S_db - reference)[audible].max()
print(f"largest difference from librosa: {error:.0e} dB")

# %% [markdown]
# ### Why decibels
#
# The ear hears ratios: ten times the power is a step of the same size, wherever it happens. **Decibels** put this into
# numbers. Below is the same spectrogram as power and in decibels, with the distribution of its values.

# %%
fig, axes = plt.subplots(2, 2, figsize=(9.5, 4.6), gridspec_kw={"width_ratios": [3, 1]})
for row, (picture, name) in zip(axes, [(S, "power"), (S_db, "decibels")]):
    librosa.display.specshow(picture, sr=SR, hop_length=HOP_LENGTH, n_fft=N_FFT, x_axis="time", y_axis="mel",
                             cmap="magma", ax=row[0])  # fmt: skip
    row[0].set(title=f"mel bands in {name}", xlabel="time in seconds", ylabel="hertz")
    row[1].hist(np.ravel(picture), 50, color="C0")
    row[1].set(xlabel=name, ylabel="values", yscale="log" if name == "power" else "linear")
axes[0, 0].set_xlabel("")
plt.show()

# %%
in_power, in_db = np.histogram(S, 50)[0], np.histogram(S_db, 50)
bars, fullest = in_db[0] / S_db.size, in_db[0].argmax()
floor = f"The fullest bar, {bars[fullest]:.0%}, lies between {in_db[1][fullest]:.0f} and {in_db[1][fullest + 1]:.0f} dB"
floor += ": what is nearly silent is gathered there." if in_db[1][fullest] < S_db.max() - 60 else "."
Markdown(
    f"In power, {in_power[0] / S.size:.1%} of the values fall into the lowest of 50 bars: a few loud spots take nearly "
    f"all of the range, and the picture is black. In decibels, {(bars > 0.01).sum()} of the 50 bars hold more than 1 % "
    f"of the values each, and quiet harmonics and decays are visible. {floor}"
)

# %% [markdown]
# ### How fine should it be?
#
# More bands and a shorter hop give a finer picture, and more numbers to compute, to keep and to learn from. More is not
# always better: a network that sees ten times as many numbers trains ten times as long, and finds more that has
# nothing to do with the class. Here are the same four seconds at three settings; the middle one is that of the series.

# %%
settings = {"coarse": (N_MELS // 4, HOP_LENGTH * 4), "ours": (N_MELS, HOP_LENGTH), "fine": (N_MELS * 2, HOP_LENGTH // 4)}
fig, axes = plt.subplots(1, 3, figsize=(9.5, 2.6), sharey=True)
for ax, (name, (n_mels, hop)) in zip(axes, settings.items()):
    picture = features.log_mel(y, sr=SR, n_fft=N_FFT, hop_length=hop, n_mels=n_mels)
    part = picture[:, picture.shape[1] // 2 :][:, : 4 * SR // hop]  # four seconds from the middle
    ax.imshow(part, origin="lower", aspect="auto", extent=(0, part.shape[1] * hop / SR, 0, 1), vmin=part.max() - 80)
    ax.set(title=f"{name}: {n_mels} bands, hop {hop}", xlabel="time in seconds", yticks=[])
axes[0].set_ylabel("mel band, low to high")
plt.show()

# %%
per_second = {name: n_mels * SR / hop for name, (n_mels, hop) in settings.items()}
Markdown(
    f"A second of the coarse picture has {per_second['coarse']:,.0f} values, of ours {per_second['ours']:,.0f}, of the "
    f"fine one {per_second['fine']:,.0f}; the sound itself has {SR:,}. Our frames are {1000 * HOP_LENGTH / SR:.0f} ms "
    f"apart, {HOP_LENGTH / N_FFT:.0%} of their own length."
)

# %% [markdown]
# ## The whole collection
#
# `features.extract` reads every track, several at a time, and fills the **feature store**: large arrays on disk,
# one row for each frame, and an index that says where each track lies. What is already there is not computed
# again, so this cell can be interrupted and run again at any time. Pull the plug in the middle, and only the
# arrays that were being written are lost.
#
# Why one large array and not one file a track? A training network asks for thousands of clips a minute, from all over
# the collection, and opening a file each time would take longer than reading from it. Why several tracks at a time? Most
# of the work is done in libraries that let other threads run meanwhile, so two threads really use two cores. In the
# store **time comes first**: shape (frames, mel bands). So a clip is one piece of the file, read in one go.

# %%
extraction = {"sr": SR, "n_fft": N_FFT, "hop_length": HOP_LENGTH, "n_mels": N_MELS, "max_seconds": MAX_SECONDS}
store = features.extract(dataset.tracks, f"{OUT_DIR}/features", jobs=JOBS, **extraction)
print(store.report())

# %% [markdown]
# A clip is a slice of the store. Nothing is loaded until it is used: `frames` is a window into a file (`memmap`).

# %%
frames = store.frames(track["track_id"])
clip = frames[: int(3 * store.frames_per_second)]
print(f"{type(frames).__name__} of {frames.dtype}, track {frames.shape}, clip of 3 s {clip.shape}")

# %% [markdown]
# ### Nothing is computed twice
#
# The index knows the size and the time of every file, so a second call only looks. Compare the **shards**, the arrays
# on disk, before and after.

# %%
shards = sorted({Path(store.frames(t).filename) for t in store.usable(dataset.tracks).index})
before = [shard.stat().st_mtime_ns for shard in shards]
features.extract(dataset.tracks, f"{OUT_DIR}/features", jobs=JOBS, **extraction)
rewritten = sum(shard.stat().st_mtime_ns != then for shard, then in zip(shards, before))
print(f"{rewritten} of {len(shards)} shards were written again.")

# %% [markdown]
# ### Broken files stop nothing
#
# Real collections hold empty files, texts that call themselves mp3, names without a file, and downloads that broke off
# in the middle. Here is one of each, beside the good file that the broken download was cut from.

# %%
folder, whole = Path(tempfile.mkdtemp()), Path(track["path"])
(folder / "empty.wav").touch()
(folder / "really a text.mp3").write_text("This is not music.")
(folder / f"broken off{whole.suffix}").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
names = ["empty.wav", "really a text.mp3", "missing.wav", f"broken off{whole.suffix}"]
files = [*(folder / name for name in names), whole]

# %%
table = pd.DataFrame({"track_id": [f.stem for f in files], "path": [str(f) for f in files]})
small = features.extract(table, folder / "features", jobs=1, progress=False, **extraction)
small.index[["track_id", "status", "reason", "note", "n_frames"]]

# %%
found = small.index.set_index("track_id")
failed, cut = found[found["status"] == "failed"], found.loc["broken off"]
half = f"kept as far as it goes, with {cut['n_frames']} of {found['n_frames'].iloc[-1]} frames and a note" if cut["n_frames"] else "failed as well"
Markdown(
    f"{len(failed)} files failed, each with its reason: {', '.join(failed['reason'])}. The download that broke off is "
    f"{half}. And the good file is in the store, {found['n_frames'].iloc[-1]} frames long."
)

# %% [markdown]
# This matters more than it seems. In a collection of a hundred thousand files some are always broken, and a run that
# dies on one of them dies at night, near the end. A run that hides them is worse, because then nobody knows what the
# figures are about. The next notebooks use the tracks whose status is *ok* and say how many there are.
#
# ## Summary features
#
# Before networks, music was classified by a table: one row a track, one column for the mean or the **standard
# deviation** of a measure over time. Such columns are **summary features**, and a name such as `mel12_db_01_std` reads:
# of 12 mel bands, in decibels, the first and lowest; its standard deviation over time. Four other measures: the *centroid* is the
# centre of gravity of the spectrum, heard as brightness; the *zero crossing rate* rises with noise and cymbals; *rms* is
# the level; *flatness* is near 0 for tones and near 1 for noise.

# %%
summary = features.extract_summary(dataset.tracks, f"{OUT_DIR}/features", sr=SR, max_seconds=MAX_SECONDS, jobs=JOBS)
labels = dataset.tracks.set_index("track_id")["label"][summary.index]
print(f"{len(summary)} tracks, {summary.shape[1]} columns")

# %% tags=["key-figure"]
shown = ["centroid_mean", "zero_crossing_rate_mean", "rms_mean", "flatness_mean"]
fig, axes = plt.subplots(1, len(shown), figsize=(9.5, 3.6), sharey=True)
for ax, column in zip(axes, shown):
    boxes = [summary.loc[labels == name, column] for name in dataset.classes]
    ax.boxplot(boxes, orientation="horizontal", flierprops={"markersize": 3})
    ax.set(title=column.removesuffix("_mean").replace("_", " "), xlabel="hertz" if column == shown[0] else "mean of the frames")
    ax.set_xscale("log" if column == shown[3] else "linear")  # most flatness lies near 0
axes[0].set_yticks(range(1, len(dataset.classes) + 1), dataset.classes)
axes[0].set_ylabel("class")
plt.show()

# %% [markdown]
# Each box holds the middle half of a class, the line in it is the median, and circles are outliers. How much of a
# column is due to the class? Compare the variance of the class means with the variance of all tracks: 0 says that the
# classes do not differ, 1 that tracks of one class are all alike. And in how many pairs of classes are the two boxes
# apart?

# %%
explained = summary.groupby(labels).transform("mean").var() / summary.var()
low, high = (summary[shown].groupby(labels).quantile(q) for q in (0.25, 0.75))
apart = {c: int((low[c].to_numpy() > high[c].to_numpy()[:, np.newaxis]).sum()) for c in shown}
telling = pd.DataFrame({"due to the class": explained[shown], "pairs of boxes apart": pd.Series(apart)})
telling.round(2)

# %%
best, middle = explained[shown].idxmax(), summary.groupby(labels).median()
n_pairs = len(dataset.classes) * (len(dataset.classes) - 1) // 2
Markdown(
    f"Of the four, *{best}* tells most: {explained[best]:.0%} of its variance is due to the class. Its median is lowest "
    f"in *{middle[best].idxmin()}* ({middle[best].min():,.3g}) and highest in *{middle[best].idxmax()}* "
    f"({middle[best].max():,.3g}). Still, its boxes are apart in only {apart[best]} of {n_pairs} pairs of classes. Of all "
    f"{summary.shape[1]} columns, *{explained.idxmax()}* tells most, {explained.max():.0%}. No single column separates "
    "all classes, so classifiers use many; notebook 04 asks which."
)

# %% [markdown]
# ## Appendix: JPEG, PNG, NumPy file or store?
#
# Many projects draw spectrograms as pictures and train on those, because image libraries make it easy. What does that
# cost? A picture holds whole numbers from 0 to 255, so one must choose which decibels become 0 and which 255. We use
# fixed ends, the same for all tracks. A common mistake is to stretch **every frame** to the full range: then a whisper
# and a scream look alike. PNG loses nothing but the rounding. JPEG was made for photographs: it takes a
# picture apart into squares of 8 × 8 points, here eight bands by eight frames, and keeps of each what the eye would
# notice.
#
# The error is measured on the scale that is stored: the gray levels that went in, against those that came back.

# %%
LOW, HIGH = -80.0, 60.0  # decibels that become 0 and 255


def gray(S_db, low=LOW, high=HIGH):
    """Decibels to gray levels from 0 to 255, not yet rounded."""
    return 255 * np.clip((S_db - low) / np.maximum(high - low, 1e-6), 0, 1)


def through(levels, kind):
    """Write gray levels as a picture and read them back: its size in bytes, and what came back."""
    file = io.BytesIO()
    Image.fromarray(np.uint8(np.round(levels))).save(file, kind)
    return len(file.getvalue()), np.asarray(Image.open(file), dtype=np.float32)


# %% [markdown]
# The originals are computed anew with 32 bits, so that the store too is measured against them. For each way we keep
# what a small classifier needs: the mean and the standard deviation of each band.

# %%
chosen = store.usable(dataset.tracks)
chosen = chosen.sample(min(STORAGE_TRACKS, len(chosen)), random_state=SEED)
rows, described = [], {}
for track_id, path in chosen[["track_id", "path"]].itertuples(index=False):
    y = load_audio(path, sr=SR, offset=None, max_seconds=MAX_SECONDS)
    S = features.log_mel(y, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS).T
    kept, fixed = store.frames(track_id), gray(S)
    own = gray(S, S.min(axis=1, keepdims=True), S.max(axis=1, keepdims=True))
    ways = {
        "NumPy file, float32": (fixed, S.nbytes, fixed),
        "feature store, float16": (fixed, kept.nbytes, gray(kept.astype(np.float32))),
        "PNG": (fixed, *through(fixed, "PNG")),
        "JPEG": (fixed, *through(fixed, "JPEG")),
        "JPEG, frames stretched": (own, *through(own, "JPEG")),
    }
    for way, (levels, size, back) in ways.items():
        rows.append((way, size / 1000, np.abs(back - levels).mean(), np.percentile(np.abs(back - levels), 99)))
        described.setdefault(way, []).append(np.concatenate([back.mean(axis=0), back.std(axis=0)]))

# %% [markdown]
# The same classifier, logistic regression, now answers for each way: five folds, each tested on **groups**, such as
# artists, that it has not seen. All ways use the same folds and answer the same tracks. So they are compared track by
# track: easy and hard tracks cancel out, and the difference from the NumPy file stands with its own 95 % interval. Where
# that interval holds 0, the test cannot tell.

# %%
storage = pd.DataFrame(rows, columns=["way", "KB a track", "error", "error, 99 %"]).groupby("way", sort=False).mean()
storage = storage.rename_axis(None)
storage["error in dB"] = storage["error"].drop("JPEG, frames stretched") * (HIGH - LOW) / 255
y_true, groups = pd.Categorical(chosen["label"], categories=dataset.classes).codes, chosen["group"].to_numpy()
folds = list(StratifiedGroupKFold(5, shuffle=True, random_state=SEED).split(y_true, y_true, groups))
proba = {}
for way, X in described.items():
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    proba[way] = cross_val_predict(model, np.stack(X), y_true, cv=folds, method="predict_proba")
    s = evaluate.scores(y_true, proba[way], groups=groups, seed=SEED)
    paired = evaluate.compare(y_true, proba[way], proba["NumPy file, float32"], groups=groups, seed=SEED)
    for name in ("accuracy", "accuracy_low", "accuracy_high", "difference", "difference_low", "difference_high"):
        storage.loc[way, name] = (s | paired)[name]
storage.round(3)

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(9.5, 2.8), sharey=True)
axes[0].barh(storage.index, storage["KB a track"], color="C0", height=0.5)
axes[0].set(xlabel="kilobytes a track", ylabel="way to store", title="size on disk")
ends = np.abs(storage[["difference_low", "difference_high"]].T.to_numpy() - storage["difference"].to_numpy())
axes[1].errorbar(storage["difference"], storage.index, xerr=ends, fmt="o", capsize=3)
axes[1].axvline(0, color="0.5", ls=":")
axes[1].set(xlabel="difference in accuracy, with 95 % interval", title="beside the NumPy file")
axes[1].invert_yaxis()
plt.show()

# %%
def told(way):
    """Say whether a way of storing costs accuracy."""
    row = storage.loc[way]
    said = f"{row['difference']:+.3f} [{row['difference_low']:+.3f}, {row['difference_high']:+.3f}]"
    sure = row["difference_low"] > 0 or row["difference_high"] < 0
    luck = " in its favour; losing detail can hardly help, so take it for luck" * bool(row["difference"] > 0)
    return f"{said}, {'a difference' + luck if sure else 'no difference that this test can see'}"


full, jpeg, stretched = (storage.loc[way] for way in ("NumPy file, float32", "JPEG", "JPEG, frames stretched"))
Markdown(
    f"On the NumPy file the classifier scores {full['accuracy']:.2f} [{full['accuracy_low']:.2f}, "
    f"{full['accuracy_high']:.2f}] (n = {len(chosen)} tracks, chance {1 / len(dataset.classes):.2f}). JPEG takes "
    f"{jpeg['KB a track'] / full['KB a track']:.0%} of its bytes and is off by {jpeg['error']:.1f} gray levels, that is "
    f"{jpeg['error in dB']:.1f} dB, on average; in accuracy, {told('JPEG')}. With stretched frames the error is "
    f"{stretched['error']:.1f} levels, on a scale that differs from frame to frame, so it has no decibels; in accuracy, "
    f"{told('JPEG, frames stretched')}."
)

# %% [markdown]
# So which one? A picture is small, and with one fixed scale its error is known. But it must be unpacked as a whole
# before a clip can be cut from it. From the store, a clip of any place and length is one slice, which is what training
# with random clips needs. The rest of the series uses the store.

# %%
os.makedirs(f"{OUT_DIR}/tables", exist_ok=True)
storage.to_csv(f"{OUT_DIR}/tables/storage.csv")
summary.to_csv(f"{OUT_DIR}/tables/summary_features.csv")

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- A log-mel spectrogram has {N_MELS} bands and {store.frames_per_second:.1f} frames a second here; the fast way "
    f"differed from librosa by at most {error:.0e} dB.\n"
    f"- {(store.index['status'] == 'ok').sum()} of {len(store.index)} tracks are in the store, a second run wrote "
    f"{rewritten} shards again, and {len(failed)} broken files became rows with a reason.\n"
    f"- The most telling column is *{explained.idxmax()}*: {explained.max():.0%} of its variance is due to the class. JPEG takes "
    f"{jpeg['KB a track']:.0f} KB a track, the store {storage.loc['feature store, float16', 'KB a track']:.0f} KB; in "
    f"accuracy, JPEG against the NumPy file: {told('JPEG')}."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. You change `N_MELS` and run the notebook again. What happens to the store that is there?</summary>
#
# It stays. The parameters belong to the name of the store's folder, so the new one is made beside it. Switch back, and
# nothing is computed.
#
# </details>
#
# <details><summary>2. Suppose `extract` left broken files out without a word. What could go wrong?</summary>
#
# The results would be about fewer tracks than one believes. If the files of one class are broken more often, for
# instance because they come from one bad disk, the classes are no longer even, and nobody notices.
#
# </details>
#
# <details><summary>3. Why must 0 and 255 mean the same decibels in all tracks?</summary>
#
# Otherwise the same gray level stands for different loudness in different tracks, or even in neighbouring frames. Level
# and dynamics are lost, and a quiet hum is drawn as bright as a scream.
#
# </details>

# %% [markdown]
# ## Exercises
#
# ### 1. Half as many bands
#
# Describe the tracks by half as many mel bands and let the same classifier answer on the same folds. Is the difference
# more than chance? *Hint: add up the powers of neighbouring bands of the store; `evaluate.compare` pairs the answers.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. How good must a JPEG be?
#
# Save twenty tracks at several JPEG qualities. From which one on is the mean error below half a decibel, and what does
# it cost in bytes? *Hint: `Image.save(file, "JPEG", quality=95)`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. A NumPy file, compressed
#
# Write the frames of twenty tracks with `np.savez_compressed`, as float32 and as float16. Where do they stand among the
# sizes in the table, and what is lost for training with random clips? *Hint: `io.BytesIO()` takes the place of a file.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 03 turns the store into X and Y, divides it without leaks, and measures what a leak is worth.
#
# **References.** K. Choi et al., *A comparison of audio signal preprocessing methods for deep neural networks on
# music tagging*, EUSIPCO 2018. A. Ferraro et al., *How low can you go? Reducing frequency and time resolution in
# current CNN architectures for music auto-tagging*, EUSIPCO 2020.
