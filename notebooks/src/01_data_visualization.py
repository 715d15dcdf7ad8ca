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
# # Data visualization
#
# *3 minutes · needs nothing: it renders its own music · writes `tables/audit.csv`*
#
# Before a network sees a single track, look at the tracks and listen to them. Most mistakes in music classification
# are made here: a class that is too small, files that cannot be read, a class that comes from another source. This
# notebook shows what a dataset holds, turns sound into the pictures that later notebooks learn from, and ends with
# an audit of every file.
#
# **You will learn**
#
# - what a dataset for music classification holds, and how evenly its classes are filled;
# - which pictures of sound there are, and what each one shows and hides;
# - how to find files that would mislead a classifier.
#
# **Before you start**: you should read a little Python. Everything about sound is explained here.

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
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import soxr
from IPython.display import Audio, Markdown

from helpers import datasets, quality
from helpers.audio import load_audio

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
JOBS: int = 2  # number of files read at the same time

# %% [markdown]
# ## What the dataset holds
#
# A **dataset** is a table of tracks with labels. `load` returns it. The demo dataset is synthetic music: a program
# composed it and a synthesizer with sampled instruments played it. It teaches the method on any machine, and
# nothing here is a claim about real music. The first call renders it, which takes about a minute.

# %%
dataset = datasets.load(DATASET, DATA_DIR, classes=CLASSES or None, **DATASET_OPTIONS)
tracks = dataset.tracks
tracks[["track_id", "label", "artist", "album", "title", "group", "split"]].head()

# %% [markdown]
# The column to watch is `group`. It names what must never be divided between training and test: here the artist.
# Tracks of one artist share instruments, singers and the studio. A network that has heard an artist in training
# recognises the artist in the test, and the genre comes for free. Notebook 03 measures how much that is worth.

# %%
pd.Series(
    {
        "tracks": len(tracks),
        "classes": len(dataset.classes),
        "groups": tracks["group"].nunique(),
        "tracks per group": round(len(tracks) / tracks["group"].nunique(), 1),
        "licence": dataset.licence,
    }
)

# %% [markdown]
# What did the loader have to say about this copy? A partial copy of a dataset works, but it must be reported.

# %%
print("\n".join(dataset.notes) or "Nothing is missing.")

# %% [markdown]
# ### Are the classes even?
#
# If nine of ten tracks were rock, a program that always answers "rock" would score 90 %. So count first. The
# darker bar counts groups: it says how many *different* sources stand behind a class.

# %%
per_class = tracks.groupby("label").agg(tracks=("track_id", "size"), groups=("group", "nunique"))
per_class.T

# %% tags=["key-figure"]
fig, ax = plt.subplots()
rows = np.arange(len(per_class))
ax.bar(rows, per_class["tracks"], color="C4", label="tracks")
ax.bar(rows, per_class["groups"], width=0.5, color="C0", label="groups")
ax.set(ylabel="count", title=f"Classes of {DATASET}")
ax.set_xticks(rows, per_class.index, rotation=30, ha="right")
ax.legend(loc="lower left", bbox_to_anchor=(0.6, 1), ncols=2)
plt.show()

# %%
share = per_class["tracks"] / per_class["tracks"].sum()
sizes = f"The largest class is *{share.idxmax()}* with {share.max():.0%} of the tracks, the smallest is "
sizes += f"*{share.idxmin()}* with {share.min():.0%}. "
even = f"All classes have the same share, {share.max():.0%} of the tracks. "
Markdown(
    (even if share.max() == share.min() else sizes)
    + f"Always answering *{share.idxmax()}* would be right for {share.max():.0%} of the tracks: that is the line to "
    "beat, not zero."
)

# %% [markdown]
# ## Sound as a waveform
#
# Sound is pressure that changes over time. A file holds one number for each moment, `SR` numbers a second.
# `load_audio` returns them as an array `y` of shape (samples,), with the channels mixed to one. Take the first
# track of one class and listen.

# %%
track = tracks.iloc[0]
y = load_audio(track["path"], sr=SR, max_seconds=20)
print(f"{track['title'] or track['track_id']} ({track['label']}): {y.shape[0]} samples, {len(y) / SR:.1f} s")

# %%
Audio(y, rate=SR)

# %% [markdown]
# The same array at three magnifications: the whole excerpt, one second, and the twenty milliseconds after its
# loudest moment.

# %%
loudest = max(0.5, np.argmax(np.abs(y)) / SR)
views = [(0, len(y) / SR), (loudest - 0.5, 1), (loudest, 0.02)]

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 2.6), sharey=True)
for ax, (start, length) in zip(axes, views):
    part = y[int(start * SR) : int((start + length) * SR)]
    ax.plot(start + np.arange(len(part)) / SR, part, lw=0.6 if length > 0.1 else 1.5)
    ax.set(xlabel="time in seconds", title=f"{length:g} s")
axes[0].set_ylabel("amplitude")
plt.show()

# %% [markdown]
# From afar we see the *envelope*: where it is loud, where notes begin. From near we see *oscillation*: the waves
# whose rate we hear as pitch. Neither view shows both. That is what the next picture is for.
#
# ## Sound as a picture
#
# ### The short-time Fourier transform and its trade-off
#
# Cut the sound into short windows and ask of each one which frequencies it holds. The result has the shape
# (frequencies, frames). `librosa.stft` does it; decibels make quiet parts visible, because the ear works in ratios.

# %%
S_db = librosa.amplitude_to_db(np.abs(librosa.stft(y, n_fft=N_FFT, hop_length=HOP_LENGTH)), ref=np.max)
S_db.shape

# %% [markdown]
# How long should the window be? A long window tells close frequencies apart but blurs the moment. A short window
# finds the moment but blurs the frequency. You cannot have both; look at the same three seconds through three
# windows.

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2), sharey=True)
excerpt = y[2 * SR : 5 * SR]
for ax, n_fft in zip(axes, [256, 2048, 8192]):
    S = np.abs(librosa.stft(excerpt, n_fft=n_fft, hop_length=128))
    librosa.display.specshow(librosa.amplitude_to_db(S, ref=np.max), sr=SR, hop_length=128, n_fft=n_fft,
                             x_axis="time", y_axis="linear", ax=ax, vmin=-70)  # fmt: skip
    ax.set(title=f"{n_fft} samples = {1000 * n_fft / SR:.0f} ms", xlabel="time in seconds", ylabel="", ylim=(0, 4000))
axes[0].set_ylabel("frequency in hertz")
plt.show()

# %% [markdown]
# On the left, drum strokes and note beginnings are sharp vertical lines, and harmonics run into each other. On the
# right, harmonics are thin horizontal lines, and the strokes are smeared. The middle window, 93 ms, is the usual
# compromise for music.
#
# ### Mel, chroma, MFCC and constant Q
#
# A spectrogram gives as much room to 10,000–11,000 Hz, where little happens, as to 0–1,000 Hz, where melodies and
# chords live. Four common pictures spend their rows better. A **mel** spectrogram spaces its bands as the ear
# does. **Chroma** folds all octaves into twelve pitch classes: it keeps harmony and drops timbre. **MFCC** describe
# the shape of the mel spectrum with a few numbers: they keep timbre and drop pitch. The **constant-Q** transform
# has the same number of rows in each octave, so a melody looks the same wherever it is played.

# %%
mel = librosa.feature.melspectrogram(y=y, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS)
chroma = librosa.feature.chroma_stft(y=y, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH)
mfcc = librosa.feature.mfcc(y=y, sr=SR, n_mfcc=20, n_fft=N_FFT, hop_length=HOP_LENGTH)
cqt = np.abs(librosa.cqt(y, sr=SR, hop_length=HOP_LENGTH))

# %% [markdown]
# All have one column for each frame; the rows differ in number and in meaning.

# %%
pd.Series({"mel": mel.shape, "chroma": chroma.shape, "MFCC": mfcc.shape, "constant Q": cqt.shape})

# %%
pictures = {
    "mel, in decibels": (librosa.power_to_db(mel, ref=np.max), "mel"),
    "constant Q, in decibels": (librosa.amplitude_to_db(cqt, ref=np.max), "cqt_note"),
    "chroma": (chroma, "chroma"),
    "MFCC (the first one, loudness, left out)": (mfcc[1:], None),
}

# %%
fig, axes = plt.subplots(2, 2, figsize=(11, 5.5), sharex=True)
for ax, (name, (picture, y_axis)) in zip(axes.flat, pictures.items()):
    librosa.display.specshow(
        picture, sr=SR, hop_length=HOP_LENGTH, x_axis="time", y_axis=y_axis, cmap="magma", ax=ax
    )
    ax.set(title=name, xlabel="time in seconds", ylabel=ax.get_ylabel() or "coefficient")
for ax in axes[0]:
    ax.set_xlabel("")
plt.show()

# %% [markdown]
# All four come from the same seconds of sound. Follow one event, for instance a chord change, down the page: it
# moves the bright rows in chroma and constant Q, and it hardly moves the MFCC. A change of instrument does the
# opposite.
#
# ### Harmonic and percussive parts
#
# Horizontal lines are notes, vertical lines are strokes. A filter that looks along time keeps the first, one that
# looks along frequency keeps the second. Listen to the strokes alone.

# %%
y_harmonic, y_percussive = librosa.effects.hpss(y)
energy = np.sum(y_percussive**2) / np.sum(y_harmonic**2 + y_percussive**2)
print(f"{energy:.0%} of the energy of both parts is percussive.")

# %%
Audio(y_percussive, rate=SR)

# %% [markdown]
# ### Every class side by side
#
# One track of each class as a log-mel spectrogram, the picture that most of this series learns from. Time runs to
# the right, frequency upward on the mel scale, bright is loud. Before you read the titles: could you tell them apart?

# %%
examples = tracks.groupby("label").head(1).head(12)
n_rows = -(-len(examples) // 4)

# %% tags=["key-figure"]
fig, axes = plt.subplots(n_rows, 4, figsize=(11, 1.9 * n_rows), sharex=True, sharey=True, squeeze=False)
for ax, (_, row) in zip(axes.flat, examples.iterrows()):
    y_i = load_audio(row["path"], sr=SR, max_seconds=10)
    S = librosa.feature.melspectrogram(y=y_i, sr=SR, n_mels=N_MELS)
    librosa.display.specshow(librosa.power_to_db(S, ref=np.max), sr=SR, x_axis="time", y_axis="mel", ax=ax)
    ax.set(title=row["label"], xlabel="seconds", ylabel="hertz")
    ax.label_outer()
for ax in axes.flat[len(examples) :]:
    ax.set_axis_off()
plt.show()

# %% [markdown]
# Steady vertical lines are a drum kit or a beat box. Thick bright bands at the top are cymbals or distortion. Thin
# lines that bend are melodies. What a network will use is in these pictures, and so is what may mislead it: look
# for a class that simply ends at a lower frequency than the others.
#
# ## The data audit
#
# Now read every file. A file that cannot be opened must not stop the work; it becomes a row with a reason.

# %%
audit = quality.measure(tracks, jobs=JOBS)
audit["reason"].replace("", "fine").value_counts().rename("files")

# %% [markdown]
# Two files with the same content under two names are a trap: one in training, one in test, and the test is no
# test. The digest of each file finds exact copies. Copies that were cut or encoded anew need a comparison of the
# sound; notebook 03 does that.

# %%
good = audit[audit["reason"] == ""]
copies = good[good["content"].duplicated(keep=False)].sort_values("content")
print(f"{len(copies)} files have the same content as another file.")

# %% [markdown]
# ### Does a class give itself away?
#
# Suppose all classical tracks were taken from 16 kHz copies. A network would learn "nothing above 8 kHz means
# classical" and score well, and the score would say nothing about music. So for each property of a recording we
# ask how well it alone tells one class from all others: 0 is not at all, 1 is perfectly. The measure is
# $|2\,\mathrm{AUC} - 1|$ of the ROC curve.

# %%
labels = tracks.set_index("track_id")["label"]
clues = quality.class_clues(audit, labels)

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(8, 0.9 + 0.34 * len(clues)))
image = ax.imshow(clues, vmin=0, vmax=1, cmap="Reds", aspect="auto")
ax.set_xticks(range(clues.shape[1]), [c.replace("_", " ") for c in clues.columns], rotation=30, ha="right")
ax.set_yticks(range(len(clues)), clues.index)
for (i, j), value in np.ndenumerate(clues.to_numpy()):
    ax.text(j, i, f"{value:.1f}", ha="center", va="center", color="white" if value > 0.6 else "0.3", fontsize=8)
ax.set_title("How well one property of the recording tells a class from the rest")
fig.colorbar(image, label="|2 AUC − 1|")
plt.show()

# %% [markdown]
# Read it by column. *Level*, *crest* (peak above level) and *bandwidth* have musical reasons: metal is loud and
# dense, a piano ends earlier than a cymbal. *Sample rate*, *channels*, *dc offset* and *cliff* (a spectrum that
# breaks off as if cut with a knife) have none. A dark cell there is a leak: find out where those files come from.

# %%
technical = clues[["sample_rate", "channels", "dc_offset", "cliff"]].stack()
suspects = technical[technical > 0.9]

# %%
if suspects.empty:
    print("No class gives itself away by a technical property.")
for (label, name), value in suspects.items():
    mine, rest = good.loc[labels[good.index] == label, name], good.loc[labels[good.index] != label, name]
    print(f"{label}: {name} has median {mine.median():.4g}, all others {rest.median():.4g} ({value:.2f})")

# %% [markdown]
# ### What a leak looks like
#
# Would the audit notice? Try it: take one class through a 16 kHz copy, as happened to part of a well-known data
# set, and measure again.

# %%
victim = dataset.classes[0]
spoiled = good.copy()
for track_id in spoiled.index[labels[spoiled.index] == victim]:
    path = tracks.set_index("track_id").loc[track_id, "path"]
    narrow = soxr.resample(load_audio(path, sr=16000), 16000, SR)
    spoiled.loc[track_id, ["bandwidth", "cliff"]] = [
        quality.recording_properties(narrow, sr=SR)[name] for name in ("bandwidth", "cliff")
    ]

# %%
before, after = clues.loc[victim, "cliff"], quality.class_clues(spoiled, labels).loc[victim, "cliff"]
print(f"cliff as a clue to {victim}: {before:.2f} before, {after:.2f} after")

# %%
edges = np.linspace(0, max(spoiled["cliff"].max(), good["cliff"].max()), 40)
others = labels[good.index] != victim

# %%
fig, ax = plt.subplots()
ax.hist(good["cliff"][others], edges, color="0.7", label="other classes")
ax.hist(good["cliff"][~others], edges, color="C0", alpha=0.8, label=f"{victim}, as it is")
ax.hist(spoiled["cliff"][~others], edges, color="C1", alpha=0.8, label=f"{victim}, through 16 kHz")
ax.set(xlabel="cliff: steepest fall of the spectrum, in decibels", ylabel="tracks")
ax.legend()
plt.show()

# %% [markdown]
# To the ear the spoiled tracks are nearly the same. To a classifier they wear a badge.

# %%
os.makedirs(f"{OUT_DIR}/tables", exist_ok=True)
audit.join(labels).to_csv(f"{OUT_DIR}/tables/audit.csv")

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- The dataset *{DATASET}* holds {len(tracks)} tracks in {len(dataset.classes)} classes and "
    f"{tracks['group'].nunique()} groups; the largest class has {share.max():.0%} of the tracks.\n"
    f"- A waveform showed loudness, a spectrogram showed frequency at the price of time; mel kept {mel.shape[0]} "
    f"rows, chroma {chroma.shape[0]}, MFCC {mfcc.shape[0]}, constant Q {cqt.shape[0]} for the same sound.\n"
    f"- The audit read {len(audit)} files: {len(audit) - len(good)} could not be used, {len(copies)} were copies, and "
    f"{len(suspects)} clue(s) of a technical kind were found; a class taken through 16 kHz was noticed "
    f"({before:.2f} became {after:.2f})."
)

# %% [markdown]
# ## Exercises
#
# 1. Draw the constant-Q transform of a track without drums and of one with drums. Which rows do the drums fill?
#    *Hint: `tracks.columns` shows what else is known about each track.*
# 2. Hear what MFCC keep: turn them back into sound. *Hint: `librosa.feature.inverse.mfcc_to_audio`.*
# 3. Turn one class 6 dB down and run the audit again. Which column changes, and would you call it a leak?
#
# ## Next
#
# Notebook 02 computes log-mel spectrograms of every track, in parallel, and asks how to store them.
#
# **References.** B. McFee et al., *librosa: audio and music signal analysis in Python*, SciPy 2015. M. Müller,
# *Fundamentals of Music Processing*, 2nd edition, chapters 2, 3 and 8. B. L. Sturm, *The GTZAN dataset: its
# contents, its faults, their effects on evaluation, and its future use*, 2013.
