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
# *reading 10 minutes · computing 1 minute · needs nothing: it renders its own music · writes `tables/audit.csv`*
#
# Before a network hears a single track, look at the tracks and listen to them. Most mistakes in music classification
# are made here: a class that is too small, files that cannot be read, a class whose files come from another source.
# What is in the data, what can one see in pictures of sound, and does a class give itself away by something that is
# not music?
#
# **You will learn**
#
# - what a dataset for music classification holds, and how evenly its classes are filled;
# - which pictures of sound there are, and what each one shows and hides;
# - how to find files that would mislead a classifier.
#
# **Before you start**: read a little Python. Notebook 00 gives the whole way in short; everything about sound is
# explained here.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
import os
from html import escape

import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import soxr
from IPython.display import HTML, Audio, Markdown, display
from scipy.signal import butter, sosfilt

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
HOP_LENGTH: int = 1024  # distance between frames in samples
N_MELS: int = 64  # number of mel bands
JOBS: int = 2  # number of files read at the same time

# %% [markdown]
# ## What the dataset holds
#
# A **dataset** is a table of tracks with labels. A **track** is one audio file. `load` returns the table. The demo
# dataset is synthetic music: a program composed it, and a synthesizer with sampled instruments plays it. It teaches
# the method on any machine, and nothing here is a claim about real music. The first call renders it, which takes
# about a minute.

# %%
dataset = datasets.load(DATASET, DATA_DIR, classes=CLASSES or None, **DATASET_OPTIONS)
tracks = dataset.tracks
tracks[["track_id", "label", "artist", "album", "title", "group", "split"]].head()

# %% [markdown]
# The column to watch is `group`. It names what must never be divided between training and test: here the artist.
# Tracks of one artist share instruments, singers and the studio. A network that has heard an artist in training
# recognises the artist in the test, and the genre comes for free. Notebook 03 measures how much that is worth.
#
# ### Are the classes even?
#
# If nine of ten tracks were rock, a program that always answers "rock" would be right for 90 % of them. So count
# first. The darker bar counts groups: it says how many *different* sources stand behind a class.

# %% tags=["key-figure"]
per_class = tracks.groupby("label").agg(tracks=("track_id", "size"), groups=("group", "nunique"))
fig, ax = plt.subplots()
rows = np.arange(len(per_class))
ax.bar(rows, per_class["tracks"], color="C4", label="tracks")
ax.bar(rows, per_class["groups"], width=0.5, color="C0", label="groups")
ax.set(xlabel="class", ylabel="count", title=f"Classes of {DATASET}")
ax.set_xticks(rows, per_class.index, rotation=30, ha="right")
ax.legend(loc="lower left", bbox_to_anchor=(0.6, 1), ncols=2)
plt.show()

# %%
display(per_class.T)
share, groups = per_class["tracks"] / per_class["tracks"].sum(), per_class["groups"]
uneven = f"*{share.idxmax()}* is the largest class with {share.max():.0%} of the tracks, *{share.idxmin()}* the smallest "
uneven += f"with {share.min():.0%}. "
even = f"All classes are equally large: {share.max():.0%} of the tracks each. "
behind = f"{groups.min()}" if groups.min() == groups.max() else f"{groups.min()} to {groups.max()}"
Markdown(
    (even if share.max() == share.min() else uneven)
    + f"{behind} groups stand behind each. Whoever always answers *{share.idxmax()}* is right for {share.max():.0%} "
    f"of the tracks; a classifier has to beat that. The loader notes: *{'; '.join(dataset.notes) or 'nothing is missing'}*."
)

# %% [markdown]
# ## Sound as a waveform
#
# Sound is pressure that changes over time. A file holds one number for each moment, `SR` numbers a second.
# `load_audio` returns them as an array `y` of shape (samples,), with the channels mixed to one. Listen to the first
# track of the table.

# %%
track = tracks.iloc[0]
y = load_audio(track["path"], sr=SR, max_seconds=20)
print(f"{track['title'] or track['track_id']} ({track['label']}): shape {y.shape}, {len(y) / SR:.1f} s")
Audio(y, rate=SR)

# %% [markdown]
# Here is the same array at three magnifications: the whole excerpt, the second around its loudest moment, and the
# twenty milliseconds after it.

# %%
loudest = max(0.5, np.argmax(np.abs(y)) / SR)
fig, axes = plt.subplots(1, 3, figsize=(9.5, 2.4), sharey=True)
for ax, (start, length) in zip(axes, [(0, len(y) / SR), (loudest - 0.5, 1), (loudest, 0.02)]):
    part = y[int(start * SR) : int((start + length) * SR)]
    ax.plot(start + np.arange(len(part)) / SR, part, lw=0.6 if length > 0.1 else 1.5)
    ax.set(xlabel="time in seconds", title=f"{length:g} s")
axes[0].set_ylabel("amplitude")
plt.show()

# %%
peak, rms = np.abs(y).max(), np.sqrt(np.mean(y**2))
turns = np.count_nonzero(np.diff(np.signbit(part)))
Markdown(
    f"On the left we see the *envelope*: where it is loud, where notes begin. The highest peak, {peak:.2f}, lies at "
    f"{np.argmax(np.abs(y)) / SR:.1f} s, {20 * np.log10(peak / rms):.0f} decibels above the mean level. On the right we "
    f"see the *oscillation*: in 20 ms the wave crosses zero {turns} times. Fast ripples lie on slower waves, because several "
    "notes sound at once; which frequencies they have, the next pictures show. No view shows both."
)

# %% [markdown]
# ## Sound as a picture
#
# ### The window and its trade-off
#
# The **short-time Fourier transform** (STFT) cuts the sound into short windows and asks of each one which frequencies
# it holds. `librosa.stft` does it. The result has the shape (frequencies, frames); its picture is a **spectrogram**.
# Its values are drawn in decibels, because the ear works in ratios.
#
# How long should the window be? A long one tells close frequencies apart but blurs the moment. A short one finds the
# moment but blurs the frequency. Look at the same three seconds through three windows.

# %%
windows = {}
for n_fft in (256, 2048, 8192):
    S = np.abs(librosa.stft(y[2 * SR : 5 * SR], n_fft=n_fft, hop_length=128))  # from second 2 to second 5
    windows[n_fft] = S[: n_fft * 4000 // SR]  # what lies below 4 kHz
fig, axes = plt.subplots(1, 3, figsize=(9.5, 2.5), sharey=True)
for ax, (n_fft, S) in zip(axes, windows.items()):
    ax.imshow(librosa.amplitude_to_db(S[:, ::2], ref=np.max), origin="lower", aspect="auto", extent=(2, 5, 0, 4000), vmin=-70)
    ax.set(title=f"{n_fft} samples = {1000 * n_fft / SR:.0f} ms", xlabel="time in seconds")
axes[0].set_ylabel("frequency in hertz")
plt.show()

# %% [markdown]
# How sharp are they? Measure the width of the strongest tone, and of the sharpest onset, that is, of the moment at
# which most frequencies become louder at once. Both are taken at half the height of the peak.


# %%
def width(curve):
    """Return how many steps wide the highest peak of a curve is, at half its height."""
    at, low = curve.argmax(), np.flatnonzero(curve < curve.max() / 2)
    return low[low > at].min(initial=len(curve)) - low[low < at].max(initial=-1) - 1


tone, onset = {}, {}
for n_fft, S in windows.items():
    tone[n_fft] = width(S[:, S.max(axis=0).argmax()] ** 2) * SR / n_fft
    rise = np.diff(librosa.amplitude_to_db(S, ref=np.max), axis=1)
    onset[n_fft] = width(np.maximum(rise, 0).mean(axis=0)) * 1000 * 128 / SR
sharpness = pd.DataFrame({"tone, hertz": tone, "onset, ms": onset}).round(1).rename_axis(columns="window, samples")
sharpness

# %%
Markdown(
    f"From the shortest window to the longest, the tone narrows from {tone[256]:.0f} to {tone[8192]:.0f} hertz, and the "
    f"onset widens from {onset[256]:.0f} to {onset[8192]:.0f} ms. The middle window, {1000 * 2048 / SR:.0f} ms, with "
    f"{tone[2048]:.0f} hertz and {onset[2048]:.0f} ms, is the usual compromise for music."
)

# %% [markdown]
# ### Mel, chroma, MFCC and constant Q
#
# A spectrogram gives as much room to 10,000–11,000 Hz, where little happens, as to 0–1,000 Hz, where melodies and
# chords live. Four common pictures spend their rows better.
#
# - A **mel spectrogram** adds up frequencies in bands as wide as hearing makes them.
# - The **constant-Q transform** has the same number of rows in each octave, so a melody looks the same wherever it is
#   played.
# - **Chroma** folds all octaves into twelve pitch classes, from C to B. It is made for harmony.
# - **MFCC** (mel-frequency cepstral coefficients) describe the shape of the mel spectrum with a few numbers. They are
#   made for timbre. The first one is the loudness; we leave it out.


# %%
def pictures(y):
    """Return four pictures of a sound [rows, frames]."""
    size = {"sr": SR, "hop_length": HOP_LENGTH}
    mel = librosa.feature.melspectrogram(y=y, n_fft=N_FFT, n_mels=N_MELS, **size)
    return {
        "mel": librosa.power_to_db(mel),
        "constant Q": librosa.amplitude_to_db(np.abs(librosa.cqt(y, **size))),
        "chroma": librosa.feature.chroma_stft(y=y, n_fft=N_FFT, **size),
        "MFCC": librosa.feature.mfcc(y=y, n_mfcc=20, n_fft=N_FFT, **size)[1:],
    }


drawn = pictures(y)
axis = {"mel": ("mel", "hertz"), "constant Q": ("cqt_note", "note"), "chroma": ("chroma", "pitch class"),
        "MFCC": (None, "coefficient")}  # fmt: skip

# %%
fig, axes = plt.subplots(2, 2, figsize=(9.5, 4.4), sharex=True)
for ax, (name, picture) in zip(axes.flat, drawn.items()):
    y_axis, label = axis[name]
    if name == "MFCC":  # else the largest coefficient takes all the colours
        picture = (picture - picture.mean(axis=1, keepdims=True)) / picture.std(axis=1, keepdims=True)
    image = librosa.display.specshow(
        picture, sr=SR, hop_length=HOP_LENGTH, x_axis="time", y_axis=y_axis, cmap="magma", ax=ax
    )
    unit = {"chroma": "value", "MFCC": "deviations"}.get(name, "decibels")
    fig.colorbar(image, ax=ax, label=unit)
    ax.set(title=f"{name}: {len(picture)} rows", xlabel="time in seconds" if ax in axes[1] else "", ylabel=label)
octaves = ["C1", "C2", "C3", "C4", "C5", "C6", "C7"]
axes[0, 1].set_yticks(librosa.note_to_hz(octaves), octaves)
axes[1, 1].set_yticks([0, 9, 18], [2, 11, 20])
plt.show()

# %% [markdown]
# All four come from the same sound and have one column for each frame. (Each MFCC is shown less its mean, in its standard
# deviations.) What does each of them notice, and what does
# it overlook? Change the sound in three ways: a semitone higher, darker (a filter takes away what lies above 2 kHz),
# and half as loud. Then measure how far each picture moves. We count in units of what the music itself does: 1 is
# a change as large as the picture's usual distance from its own mean over time.

# %%
changed = {
    "a semitone higher": librosa.effects.pitch_shift(y, sr=SR, n_steps=1),
    "darker": sosfilt(butter(2, 2000, fs=SR, output="sos"), y),
    "half as loud": y / 2,
}
usual = {name: np.linalg.norm(S - S.mean(axis=1, keepdims=True)) for name, S in drawn.items()}
moved = pd.DataFrame({
    what: {name: np.linalg.norm(S - drawn[name]) / usual[name] for name, S in pictures(y_new).items()}
    for what, y_new in changed.items()
})  # fmt: skip
moved.round(2)

# %%
most, least = moved.idxmax(), moved.round(2).apply(lambda column: " and ".join(column.index[column == column.min()]))
told = [
    f"*{what.capitalize()}*: {most[what]} moves most ({moved[what].max():.2f}), {least[what]} least ({moved[what].min():.2f}). "
    for what in moved
]
Markdown(
    "".join(told) + "A picture that hardly moves cannot tell the two sounds apart, and neither can a "
    "classifier that learns from it. That may be what one wants: a genre does not depend on the key or the volume."
)

# %% [markdown]
# ### Harmonic and percussive parts
#
# In a spectrogram, horizontal lines are notes: a fundamental with its harmonics, the whole multiples of its frequency
# above it. Vertical lines are strokes. A filter that looks along time keeps the first, one that looks along frequency
# keeps the second. Listen to the strokes alone.

# %%
y_harmonic, y_percussive = librosa.effects.hpss(y)  # their sum is nearly the sound again
display(Audio(y_percussive, rate=SR))
energy = np.sum(y_percussive**2) / np.sum(y_harmonic**2 + y_percussive**2)
Markdown(f"The strokes hold {energy:.0%} of the energy of both parts.")

# %% [markdown]
# ## Every class, seen and heard
#
# Below are five seconds of one track of each class, as a mel spectrogram in decibels, the picture that most of this
# series learns from. Time runs to the right, frequency upward, and bright is loud. Under the pictures you hear the same
# five seconds. Before you read the titles: could you tell them apart? Look for the vertical lines of drums, for the thin
# parallel lines of a held chord, and for lines that bend, such as a voice or a guitar.

# %% tags=["key-figure"]
examples = tracks.groupby("label").head(1).head(10).set_index("label")["path"]
sounds = {label: load_audio(path, sr=SR, offset=None, max_seconds=5) for label, path in examples.items()}
n_rows = -(-len(sounds) // 5)
fig, axes = plt.subplots(n_rows, 5, figsize=(9.5, 0.6 + 1.6 * n_rows), sharex=True, sharey=True, squeeze=False)
for ax in axes.flat[len(sounds) :]:
    ax.set_axis_off()
for ax, (label, y_i) in zip(axes.flat, sounds.items()):
    S = librosa.feature.melspectrogram(y=y_i, sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS)
    librosa.display.specshow(librosa.power_to_db(S, ref=np.max), sr=SR, hop_length=HOP_LENGTH, n_fft=N_FFT,
                             x_axis="time", y_axis="mel", ax=ax)  # fmt: skip
    ax.set(title=label, xlabel="time in seconds", ylabel="hertz", xticks=[0, 2, 4])
    ax.label_outer()
plt.show()

# %%
each = '<div style="display: inline-block; width: 310px; margin: 6px 0">{}<br>{}</div>'
HTML("".join(each.format(escape(label), Audio(y_i, rate=SR)._repr_html_()) for label, y_i in sounds.items()))

# %% [markdown]
# Two numbers say what eye and ear notice first: the *centroid*, the centre of gravity of the spectrum, heard as
# brightness, and the share of the strokes in the energy.

# %%
seen = pd.DataFrame({
    "centroid, hertz": {k: librosa.feature.spectral_centroid(y=v, sr=SR).mean() for k, v in sounds.items()},
    "strokes": {k: np.sum(librosa.effects.percussive(v) ** 2) / np.sum(v**2) for k, v in sounds.items()},
})  # fmt: skip
display(seen.T.round(2))
bright, strokes = seen["centroid, hertz"], seen["strokes"]
Markdown(
    f"Of these {len(seen)} excerpts, *{bright.idxmax()}* is the brightest ({bright.max():,.0f} hertz): look for "
    f"light at the top of its picture. *{bright.idxmin()}* is the darkest ({bright.min():,.0f} hertz). The share of the strokes, "
    f"seen as vertical lines, is largest in *{strokes.idxmax()}* ({strokes.max():.0%}) and smallest in *{strokes.idxmin()}* "
    f"({strokes.min():.0%}). One excerpt is not a class: compare others."
)

# %% [markdown]
# ## The data audit
#
# Now read every file. A file that cannot be opened must not stop the work; it becomes a row with a reason. Two files
# with the same content under two names are a trap: one in training, one in test, and the test is no test. A digest of
# each file finds exact copies. Copies that were cut or encoded anew need a comparison of the sound; notebook 03 does
# that.

# %%
audit = quality.measure(tracks, jobs=JOBS)
labels = tracks.set_index("track_id")["label"]
good = audit[audit["reason"] == ""]
copies = good["content"].duplicated(keep=False).sum()
os.makedirs(f"{OUT_DIR}/tables", exist_ok=True)
audit.join(labels).to_csv(f"{OUT_DIR}/tables/audit.csv")
audit["reason"].replace("", "fine").value_counts().rename_axis(None).rename("files").to_frame()

# %%
pauses = (good["silence"] > 0.1).sum()
Markdown(
    f"Of {len(audit)} files, {len(audit) - len(good)} cannot be used, and {copies} have the same content as another "
    f"file. The shortest lasts {good['seconds'].min():.0f} seconds, the longest {good['seconds'].max():.0f}. {pauses} are silent for more "
    f"than a tenth of their time, and {(good['clipped'] > 0.001).sum()} are clipped."
)

# %% [markdown]
# ### Does a class give itself away?
#
# Suppose all classical tracks were taken from 16 kHz copies. A network would learn "nothing above 8 kHz means
# classical" and score well, and the score would say nothing about music. So for each property of a recording we
# ask how well it alone tells one class from all others: 0 is not at all, 1 is perfectly. The measure is
# |2 AUC − 1|. AUC, the area under the ROC curve, is the share of draws in which a track of the class has a higher value than
# another track; at one half, the property says nothing.
#
# Some properties may have musical reasons: *bandwidth* (the highest frequency that sounds), *level*, *crest* (the peak
# above the level), *silence* and *clipped*. Others seldom have any: *sample rate*, *channels*, *dc offset* (a mean that is
# not zero) and *cliff* (a spectrum that breaks off as if cut with a knife). We call these technical.

# %% tags=["key-figure"]
clues = quality.class_clues(audit, labels)
fig, ax = plt.subplots(figsize=(8, 1.1 + 0.34 * len(clues)))
image = ax.imshow(clues, vmin=0, vmax=1, cmap="Reds", aspect="auto")
ax.set_xticks(range(clues.shape[1]), [c.replace("_", " ") for c in clues.columns], rotation=30, ha="right")
ax.set_yticks(range(len(clues)), clues.index)
for (i, j), value in np.ndenumerate(clues.to_numpy()):
    ax.text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if value > 0.6 else "0.3", fontsize=8)
ax.set(title="How well one property tells a class from all others", xlabel="property of the recording", ylabel="class")
fig.colorbar(image, label="|2 AUC − 1|")
plt.show()

# %%
technical = ["sample_rate", "channels", "dc_offset", "cliff"]
strongest = clues.stack().rename("clue").sort_values(ascending=False).rename_axis(["class", "property"]).reset_index()
strongest["technical"] = strongest["property"].isin(technical)
for i, (label, name) in strongest[["class", "property"]].iterrows():
    own = labels[good.index] == label
    strongest.loc[i, ["median", "of others"]] = good.loc[own, name].median(), good.loc[~own, name].median()
strongest.head(8).round(4)

# %%
top, music = (strongest[strongest["technical"] == kind].iloc[0] for kind in (True, False))
side = "higher" if top["median"] > top["of others"] else "lower"
verdict = "That gives the class away: find out where its files come from" if top["clue"] > 0.9 else (
    "That is a clue, but the class does not give itself away: many tracks of other classes have such values, too")  # fmt: skip
Markdown(
    f"The strongest technical clue is *{top['property'].replace('_', ' ')}* for *{top['class']}*, "
    f"{top['clue']:.2f}. Draw a {top['class']} track and another one at random: in {(1 + top['clue']) / 2:.0%} of the "
    f"draws, the {top['class']} track has the {side} value (medians {top['median']:.3g} and {top['of others']:.3g}). "
    f"{verdict}. The strongest clue that may have musical reasons is *{music['property'].replace('_', ' ')}* for "
    f"*{music['class']}*, {music['clue']:.2f}."
    + " All files here come from one renderer, so both come from the music: a technical property only says where to look."
    * (DATASET in datasets.RENDERED)
)

# %% [markdown]
# ### What a leak looks like
#
# Would the audit notice a class from another source? Try it: take one class through a 16 kHz copy, as happened to part
# of a well-known data set, and measure again.

# %%
victim, spoiled = dataset.classes[0], good.copy()
own = labels[good.index] == victim
for track_id, path in tracks.set_index("track_id").loc[good.index[own], "path"].items():
    narrow = soxr.resample(load_audio(path, sr=16000), 16000, SR)
    found = quality.recording_properties(narrow, sr=SR)
    spoiled.loc[track_id, ["bandwidth", "cliff"]] = found["bandwidth"], found["cliff"]

# %%
edges = np.linspace(0, max(spoiled["cliff"].max(), good["cliff"].max()), 40)
fig, ax = plt.subplots()
ax.hist(good["cliff"][~own], edges, color="0.7", label="other classes")
ax.hist(good["cliff"][own], edges, color="C0", alpha=0.8, label=f"{victim}, as it is")
ax.hist(spoiled["cliff"][own], edges, color="C1", alpha=0.8, label=f"{victim}, through 16 kHz")
ax.set(xlabel="cliff: steepest fall of the spectrum, in decibels", ylabel="tracks", title="A class through another source")
ax.legend()
plt.show()

# %%
before, after = clues.loc[victim, "cliff"], quality.class_clues(spoiled, labels).loc[victim, "cliff"]
within = (good["cliff"][~own] >= spoiled["cliff"][own].min()).sum()
Markdown(
    f"Through 16 kHz, the median cliff of *{victim}* goes from {good['cliff'][own].median():.1f} to "
    f"{spoiled['cliff'][own].median():.1f} decibels, and the clue from {before:.2f} to {after:.2f}. Of the "
    f"{(~own).sum()} other tracks, {within} fall as steeply as the tamest of them. To the ear the copies are nearly the "
    "same; to a classifier they wear a badge."
)

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- The dataset *{DATASET}* holds {len(tracks)} tracks in {len(dataset.classes)} classes and "
    f"{tracks['group'].nunique()} groups; the largest class has {share.max():.0%} of the tracks.\n"
    f"- A longer window made a tone narrower ({tone[256]:.0f} to {tone[8192]:.0f} hertz) and an onset wider "
    f"({onset[256]:.0f} to {onset[8192]:.0f} ms). A semitone moved {most['a semitone higher']} most, a darker sound "
    f"{most['darker']}.\n"
    f"- The audit read {len(audit)} files: {len(audit) - len(good)} could not be used, {copies} were copies, and the "
    f"strongest technical clue was {top['clue']:.2f}. A class taken through 16 kHz was noticed: {before:.2f} became "
    f"{after:.2f}."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. Two notes, a semitone apart, look like one thick line. What do you change, at what cost?</summary>
#
# Take a longer window: it tells closer frequencies apart. The cost is time. Onsets are smeared over a longer stretch.
#
# </details>
#
# <details><summary>2. A band plays its song three semitones higher. How does each of the four pictures change?</summary>
#
# Chroma turns by three rows, and the constant-Q transform moves up by three: the shapes stay. The mel spectrogram
# moves up, by a distance that depends on the frequency. MFCC change least, because the rough shape of the spectrum
# stays.
#
# </details>
#
# <details><summary>3. In your dataset, the sample rate tells jazz from all other classes perfectly. What do you do?</summary>
#
# Find out where the jazz files come from. Bring *all* files to the lowest rate, so that all end at the same frequency,
# and audit again: another trace of the source, such as a codec, may be left. Until then, trust no score for jazz.
#
# </details>

# %% [markdown]
# ## Exercises
#
# ### 1. Hear what MFCC keep
#
# Turn the MFCC of five seconds back into sound. What is left of the rhythm, the instruments and the melody? *Hint:
# `librosa.feature.inverse.mfcc_to_audio`, with all 20 coefficients, the first one included.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. A class turned down
#
# Make all tracks of one class 6 decibels softer and audit again. Which columns change, and would you call it a leak?
# *Hint: copy the loop over `victim`, halve the samples, and keep all that `quality.recording_properties` returns.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. How strong a clue does chance give?
#
# Deal the labels out anew among the groups, many times, and note the strongest technical clue each time. How often does
# chance reach the clue that you found? *Hint: shuffle the labels of the groups, not of the tracks; why?*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 02 computes mel spectrograms of every track, in parallel, and keeps them in a store.
#
# **References.** B. McFee et al., *librosa: audio and music signal analysis in Python*, SciPy 2015. M. Müller,
# *Fundamentals of Music Processing*, 2nd edition, chapters 2, 3 and 8. B. L. Sturm, *The GTZAN dataset: its
# contents, its faults, their effects on evaluation, and its future use*, 2013.
