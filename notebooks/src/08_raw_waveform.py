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
# # Raw waveform
#
# *6 minutes · needs nothing: without a network of notebook 05, it makes one first · writes `models/` and `metrics/`*
#
# So far, every network read pictures that somebody designed: windows, mel bands, decibels. A network can also read
# the samples themselves and find its own way to listen. This notebook trains two such networks, asks what they
# pay for that freedom, and looks at the filters they made for themselves.
#
# **You will learn**
#
# - how to feed samples to a network, and what is lost on the way;
# - how networks on samples compare with a mel network, at the same training budget;
# - what the first filters become, and which changes that nobody hears move the answers.
#
# **Before you start**: notebook 05 explains convolution, pooling and how the test is reported. You should know what
# the frequency response of a filter is.

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
import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown

from helpers import clips, evaluate, features, plotting, training
from helpers.audio import load_audio
from helpers.experiment import Experiment, run_first

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "08_raw_waveform"  # name of this step in the leaderboard
SR: int = 22050  # sample rate in hertz that all audio is brought to
WAVE_SR: int = 11025  # sample rate in hertz of the clips that are read as samples
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
NETWORKS_FROM: str = "05_convpool"  # RUN_NAME of the step whose networks are used
EPOCHS: int = 40  # most epochs to train
LEARNING_RATE: float = 0.001  # of the Adam optimizer
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# The same tracks and the same split as in notebook 05. The log-mels are needed all the same: near-duplicates are
# found in them, and the network we compare with reads them.

# %%
experiment = Experiment(globals())
dataset, store, split = experiment.dataset, experiment.store, experiment.split

# %% [markdown]
# The samples go into a second feature store, filled by the same engine. There, a frame is one sample, and a track
# that cannot be read is a row with a reason. A track takes part if both stores hold it.

# %%
waves = experiment.extract(features.extract_waveform, sr=WAVE_SR)
experiment.keep(waves)
tracks, ids, Y = experiment.tracks, experiment.ids, experiment.Y
print(waves.report())
print(experiment)

# %% [markdown]
# ## Samples as clips
#
# Samples are cut by the same two classes as spectrograms, random clips for training and every clip for validation
# and test, so a batch keeps its axes: clips, time, frequency, channel. Time is long now, and frequency has shrunk to
# a single "band", the sound pressure itself. Both kinds of clip start at the same places of the same tracks, because
# the same seed draws them.

# %%
X_batch, Y_batch = experiment.random_clips(store=waves)[0]
X_mel, _ = experiment.random_clips()[0]
print(f"samples {X_batch.shape}, log-mels {X_mel.shape} = (clips, time, frequency, channel)")

# %% [markdown]
# Here is one clip as the mel network gets it, and then its samples on three scales of time. On the first scale you
# see loudness, on the second notes and their timbre, and only on the third what the network is given: single numbers,
# each of which means nothing alone.

# %%
fig, axes = plt.subplots(1, 4, figsize=(13, 2.6))
axes[0].imshow(X_mel[0, :, :, 0].T, origin="lower", aspect="auto", extent=(0, 1000 * CLIP_SECONDS, 0, store.n_mels))
axes[0].set(title=f"{X_mel[0].size:,} points of log-mel", xlabel="time (ms)", ylabel="mel band")
for ax, seconds in zip(axes[1:], (CLIP_SECONDS, 0.05, 0.005)):
    part = X_batch[0, : round(seconds * WAVE_SR), 0, 0]
    ax.plot(1000 * np.arange(len(part)) / WAVE_SR, part, marker="o" if len(part) < 100 else "", ms=3, lw=0.8)
    ax.set(title=f"{len(part):,} samples", xlabel="time (ms)")
axes[1].set_ylabel("sound pressure")
plt.show()

# %% [markdown]
# ### What is lost: rounding
#
# The store rounds each sample to half precision, a number of 16 bits with a floating point. Its error follows the
# level: in a quiet track it is as far below the music as in a loud one. Integers of 16 bits, as on a CD, have a
# fixed error instead. They do better on loud tracks and worse on quiet ones, and cut off what exceeds full scale.

# %%
def decibels(ratio):
    """Ratio of two energies in decibels."""
    return 10 * np.log10(np.maximum(ratio, 1e-12))


# %%
first = tracks.loc[ids["train"][0]]
y = load_audio(first["path"], sr=WAVE_SR, offset=None, max_seconds=experiment["MAX_SECONDS"])
stored = waves.frames(first["track_id"])[:, 0].astype(np.float32)
rounding = decibels(np.square(stored - y).mean() / np.square(y).mean())
size = WAVE_SR / (store.n_mels * store.frames_per_second)
print(f"The rounding error lies {-rounding:.0f} dB below the music.")
print(f"Samples take {size:.1f} times the space of log-mels.")

# %% [markdown]
# ### What is lost: the top
#
# Sampling at `WAVE_SR` keeps frequencies up to half of it, and the rest is gone. That is the price of a network
# that trains on a laptop: twice the rate is twice the work for every layer. The log-mels of this series are made at
# `SR`, so they reach higher. How much music lies in the part that only they can see?

# %%
mel_hertz = librosa.mel_frequencies(store.n_mels + 2, fmax=SR / 2)[1:-1]
mel_mean, _ = clips.band_statistics(store, ids["train"])
inside = int((mel_hertz < WAVE_SR / 2).sum())
print(f"{inside} of {store.n_mels} mel bands lie below {WAVE_SR / 2:.0f} Hz.")


# %%
def above(path):
    """Share of the energy of ten seconds that lies above half of WAVE_SR."""
    y = load_audio(path, sr=SR, offset=None, max_seconds=10)
    power = np.abs(np.fft.rfft(y)) ** 2
    return float(power[np.fft.rfftfreq(len(y), 1 / SR) > WAVE_SR / 2].sum() / power.sum())


one_each = tracks.loc[ids["train"]].groupby("label")["path"].first()
lost = one_each.map(above)

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 3.4))
axes[0].plot(mel_hertz, mel_mean)
axes[0].axvspan(WAVE_SR / 2, SR / 2, color="0.9", zorder=0, label="not in the samples")
axes[0].set(xlabel="frequency (Hz)", ylabel="mean level of a mel band (dB)", title="training tracks")
axes[0].legend()
axes[1].barh(lost.index, decibels(lost))
axes[1].set(xlabel="energy above the limit (dB of the whole)", title="one training track of each class")
axes[1].invert_yaxis()
plt.show()

# %% [markdown]
# In energy, the top is usually little: −20 dB is one hundredth, −30 dB one thousandth. But the ear does not count
# energy, and neither does a mel network, which scales each band by itself. Hear it, on the track that loses most:
# first as it is, then as the samples keep it, then only what is missing. Cymbals, breath, and the bite of a distorted
# guitar live there.

# %%
y = load_audio(one_each[lost.idxmax()], sr=SR, offset=None, max_seconds=4)
kept = librosa.resample(librosa.resample(y, orig_sr=SR, target_sr=WAVE_SR), orig_sr=WAVE_SR, target_sr=SR)
kept = librosa.util.fix_length(kept, size=len(y))
pause = np.zeros(SR // 2)
print(lost.idxmax())
Audio(np.concatenate([y, pause, kept, pause, librosa.util.normalize(y - kept)]), rate=SR)

# %% [markdown]
# ### Loudness stays
#
# Samples carry loudness: a track mastered loud is loud in every sample. Two ways to scale them. Divide each clip by
# its own level, and loudness is gone, also where it tells a lullaby from metal. Or divide all clips by one number,
# the level of the training clips, and loudness stays. We take the second, as for the mel bands, and the number sits
# in the first layer of the network. Whether it *should* count how loud a file happens to be is another question, to
# which we return at the end.

# %%
mean, variance = clips.band_statistics(waves, ids["train"])
level = pd.Series({t: decibels(np.square(waves.frames(t).astype(np.float32)).mean()) for t in ids["train"][:300]})
print(f"mean {mean[0]:.4f}, level {decibels(variance[0]):.1f} dB of full scale for all clips together")
print(f"single tracks: {level.min():.1f} to {level.max():.1f} dB")

# %% [markdown]
# ## Two networks on samples
#
# A spectrogram makes a convolution's life easy: a note is a line, a drum stroke is a column. In samples, a note is a
# fast oscillation whose phase is arbitrary. So the first layers have to find out which frequencies are present, and
# forget the phase. Two designs do it in opposite ways.
#
# Both begin by scaling, then drop the frequency axis, which has one entry: (clips, time, 1, 1) becomes (clips,
# time, 1), and the channel is free to grow.

# %%
def start():
    """Input of any length in time; one mean and one variance for all samples."""
    return [
        keras.layers.Input((None, 1, 1)),
        keras.layers.Normalization(axis=(2, 3), mean=mean[:, None], variance=variance[:, None]),
        keras.layers.Reshape((-1, 1)),
    ]


# %%
def step(filters, pool):
    """Patterns of three moments, the strongest answer of `pool` neighbours, normalized.

    Pooling stands before the normalization, unlike in notebook 05: there is less left to normalize.
    """
    return [
        keras.layers.Conv1D(filters, 3, padding="same", use_bias=False),
        keras.layers.MaxPooling1D(pool, padding="same"),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.Activation("relu"),
    ]


# %% [markdown]
# The end is that of notebook 05: average over all moments, then decide.

# %%
def answer():
    """How often did each pattern occur, and which class does that speak for?"""
    return [
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dropout(0.5, seed=SEED),
        keras.layers.Dense(len(dataset.classes), activation="softmax"),
    ]


# %% [markdown]
# **wavecnn** has long first filters, after Dieleman and Schrauwen. A filter of 256 samples can hold several periods
# of a tone, so it can prefer one frequency, as a mel band does. It answers every 64 samples. The answer still
# swings with the phase; **rectifying** it and **averaging** neighbours leaves its envelope: how loud is this
# frequency now? From there on, it is a network on a spectrogram that it has invented.

# %%
def wavecnn():
    """Long filters, their envelopes, then patterns in time."""
    filters = [
        keras.layers.Conv1D(64, 256, strides=64, padding="same", use_bias=False, name="filters"),
        keras.layers.Activation("relu"),
        keras.layers.AveragePooling1D(2, padding="same"),
        keras.layers.BatchNormalization(momentum=0.9),
    ]
    steps = [*step(64, 4), *step(64, 4), *step(128, 4)]
    return keras.Sequential([*start(), *filters, *steps, *answer()], name="wavecnn")


# %% [markdown]
# **samplecnn** assumes nothing, after Lee and colleagues. All filters are three samples or three steps long, all
# pooling is by three. The first layer can hardly tell frequencies apart; the second sees three times as far, and so
# on, until one position stands for 6,561 samples, which is more than half a second at 11,025 Hz. No layer looks like a
# spectrogram, and any of them could become one.

# %%
def samplecnn():
    """Three samples, and three times as many with each step."""
    first = [
        keras.layers.Conv1D(8, 3, strides=3, padding="same", use_bias=False),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.Activation("relu"),
    ]
    steps = [layer for filters in (16, 32, 32, 64, 64, 128, 128) for layer in step(filters, 3)]
    return keras.Sequential([*start(), *first, *steps, *answer()], name="samplecnn")


# %% [markdown]
# Send the batch through both before training. The column *samples* says for how many samples one position stands.

# %%
def shapes(network):
    """Shape of the dummy batch after each layer that changes it."""
    X, rows = X_batch, []
    for layer in network.layers:
        X = layer(X)
        if not rows or rows[-1][1] != tuple(X.shape):
            rows.append((layer.name, tuple(X.shape), round(X_batch.shape[1] / X.shape[1]) if X.ndim > 2 else "all"))
    return pd.DataFrame(rows, columns=["after", "(clips, time, channels)", "samples"])


shapes(wavecnn()).drop_duplicates("samples", keep="last")

# %%
shapes(samplecnn()).drop_duplicates("samples", keep="last")

# %% [markdown]
# Compare how they come down. *wavecnn* goes from samples to a few hundred positions in one step, and most of its work
# is done there. *samplecnn* goes down by threes. Its first layers are tiny, but they run at thousands of positions, and
# they take most of the time: a small layer in many places costs more than a large one in few.
#
# ## The same budget
#
# Three things make a comparison of networks unfair: other data, other training, other luck. So each gets the same
# clips in the same order, batches of the same size, the same number of optimizer steps and the same seed; none
# stops early, and the epoch with the lowest validation loss is kept. They differ in what they read and in how they
# read it. One thing cannot be made equal, the time a step takes, so we measure it.
#
# The mel network is conv-pool of notebook 05, with new weights. It trains twice. `convpool-budget` reads all mel
# bands. `convpool-band` must do without the bands above half of `WAVE_SR`, as the networks on samples must. Those
# bands are set to their mean, which the scaling turns into 0, so both have the same size.

# %%
class Band:
    """The log-mel store, with the upper bands set to their mean over the training tracks."""

    frames_per_second, index = store.frames_per_second, store.index

    def frames(self, track_id):
        frames = np.array(store.frames(track_id))
        frames[:, inside:] = mel_mean[inside:]
        return frames


# %%
def convpool():
    """conv-pool of notebook 05, untrained."""
    return training.untrained(f"{OUT_DIR}/models/{DATASET}/{NETWORKS_FROM}-convpool.keras", seed=SEED)


if not Path(f"{OUT_DIR}/models/{DATASET}/{NETWORKS_FROM}-convpool.keras").exists():
    run_first("05_convpool", globals(), RUN_NAME=NETWORKS_FROM)
plan = {"wavecnn": (wavecnn, waves), "samplecnn": (samplecnn, waves),
        "convpool-budget": (convpool, store), "convpool-band": (convpool, Band())}  # fmt: skip

# %% [markdown]
# A copy of each network is kept as it was before training, to see later what training did to its filters.

# %%
networks, untouched, histories = {}, {}, {}
for name, (build, read) in plan.items():
    keras.utils.set_random_seed(SEED)
    network = build()
    untouched[name] = keras.models.clone_model(network)
    untouched[name].set_weights(network.get_weights())
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    network.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    train, valid = experiment.random_clips(store=read), experiment.every_clip("valid", store=read)
    history = training.fit(network, train, valid, epochs=EPOCHS, patience=EPOCHS)
    networks[name], histories[name] = network, history
    print(f"{name}: {len(history['loss'])} epochs, best {np.argmin(history['val_loss']) + 1}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(13, 3.6))
plotting.history(histories, metric="loss", ax=axes[0])
plotting.history(histories, metric="accuracy", ax=axes[1])
axes[0].set_title("loss of clips")
axes[1].set(title="accuracy of clips; the dot marks the weights that are kept", ylim=(0, 1))
axes[1].axhline(1 / len(dataset.classes), color="0.5", ls=":")
axes[0].legend().remove()
axes[1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# Compare the dashed lines first, the training clips: how fast does each network learn those? Then the gap to the
# solid line of the same colour. A network that reads samples has tens of thousands of numbers in each clip by which to
# recognise a training track, and nobody has told it which of them matter. The wider its gap, the more it has used
# them. A dot at the right edge belongs to a network that had not finished: a larger budget would help it.
#
# ## The test
#
# By track, after the vote of its clips, as in notebook 05.

# %%
groups = experiment.groups["test"]
y_true = Y[ids["test"]].to_numpy()
proba, rows = {}, {}
for name, network in networks.items():
    test = experiment.every_clip("test", store=plan[name][1])
    proba[name], rows[name] = evaluate.by_track(network, test, groups=groups, seed=SEED)
    print(f"{name}: {evaluate.describe(rows[name])}")

# %%
table = pd.DataFrame(rows).T
table["parameters"] = [network.count_params() for network in networks.values()]
table["steps"] = [len(histories[name]["loss"]) * len(train) for name in networks]
table["train_seconds"] = [round(histories[name]["seconds"]) for name in networks]
columns = ["accuracy", "accuracy_low", "accuracy_high", "clip_accuracy", "log_loss", "chance", "n_test"]
table[[*columns, "parameters", "steps", "train_seconds"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"{table['steps'].iloc[0]} steps each: test tracks of {DATASET} ({split.rule})", fontsize=9, wrap=True)
plt.show()

# %% [markdown]
# The two mel networks stand last, if notebook 05 has been here. Read them first: the step between them is what the top
# of the spectrum is worth to the same network, as far as the intervals can tell. Then compare the networks on samples
# with `convpool-band`, which saw no more of the sound than they did. That step is what the *design* of the mel picture
# is worth: someone has already decided that phase does not matter, that pitch is spaced as the ear spaces it, and that
# loudness counts in decibels. A network on samples has to learn all this from the training tracks.
#
# The table also names the price. `parameters` and `train_seconds` do not go together, because a convolution uses its
# parameters again at each position. Seconds depend on the computer and on what else it does; compare the rows of one
# run only.
#
# Intervals of single networks are wide, but all of them heard the same test tracks, so we may also count where they
# disagree. Here is the network on samples with the lower validation loss against the mel network of the same band.

# %%
chosen = min(("wavecnn", "samplecnn"), key=lambda name: min(histories[name]["val_loss"]))
right = pd.DataFrame({name: p.argmax(axis=1) == y_true for name, p in proba.items()})
only = {name: int((right[name] & ~right[other]).sum())
        for name, other in ((chosen, "convpool-band"), ("convpool-band", chosen))}  # fmt: skip
both = int((right[chosen] & right["convpool-band"]).sum())
print(f"Of {len(y_true)} tracks, both were right on {both}, only one of them on", only)

# %% [markdown]
# Is this the last word on samples? No, it is a word on small data. Pons and colleagues trained both kinds on
# collections of three sizes: with 25 thousand and 240 thousand songs the mel network was ahead, with 1.2 million
# songs the network on samples was. What a design knows beforehand need not be learned, and what it has thrown away
# cannot be. We have far fewer songs than the smallest of their collections.
#
# ## What the first filters became
#
# Before training, the 64 first filters of *wavecnn* are random numbers: each answers to a bit of everything. What
# are they now? The Fourier transform of a filter is its **frequency response**: how strongly it answers to each
# frequency. Its peak, from 20 Hz upwards, is the **centre frequency**.

# %%
hertz = np.fft.rfftfreq(2048, 1 / WAVE_SR)
audible = hertz >= 20
hertz = hertz[audible]


def response(network):
    """Frequency response of each first filter [shape=(frequency, filters)]; the peak is 1."""
    kernel = keras.ops.convert_to_numpy(network.get_layer("filters").kernel)[:, 0]
    H = np.abs(np.fft.rfft(kernel, n=2048, axis=0))[audible]
    return H / H.max(axis=0)


H = {"before training": response(untouched["wavecnn"]), "after training": response(networks["wavecnn"])}
centre = {when: hertz[h.argmax(axis=0)] for when, h in H.items()}

# %% [markdown]
# Sort the filters by centre frequency and lay their responses side by side: each column is one filter. For
# reference, two ways to spread as many filters: evenly in hertz, and evenly in mel, as the designers of the
# spectrogram did.

# %%
n_filters = H["after training"].shape[1]
spacing = {
    "even hertz": np.linspace(0, WAVE_SR / 2, n_filters + 2)[1:-1],
    "even mel": librosa.mel_frequencies(n_filters + 2, fmax=WAVE_SR / 2)[1:-1],
}

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 3, figsize=(13, 4), sharey=True)
for ax, (when, h) in zip(axes, H.items()):
    shown = 2 * decibels(h[:, np.argsort(centre[when])])
    im = ax.pcolormesh(np.arange(n_filters), hertz, shown, vmin=-25, vmax=0, rasterized=True)
    ax.set(title=when, xlabel="filter, sorted", yscale="log")
    axes[2].plot(np.sort(centre[when]), label=when)
for (name, values), line in zip(spacing.items(), (":", "--")):
    axes[2].plot(values, "k", ls=line, lw=1, label=name)
axes[0].set_ylabel("frequency (Hz)")
axes[2].set(title="centre frequencies", xlabel="filter, sorted", ylim=(hertz[0], WAVE_SR / 2))
axes[2].legend(fontsize=8)
fig.colorbar(im, ax=axes, label="response (dB)")
plt.show()

# %% [markdown]
# How to read it. The frequency axis counts in octaves. A column that is bright everywhere belongs to a filter that
# listens to everything; one narrow bright spot is a filter with a pitch. That the spots form a rising line comes
# from the sorting; how much brighter they are than the rest of their column comes from training. On the right,
# compare the curves with the two references: a curve below the dashed one has moved even more filters to low
# frequencies than the mel scale does. That happens easily, because a filter learns from what passes through it, and
# most of the energy of music is low: see how the figure of the mean levels above falls.
#
# Numbers say it more soberly: the mean distance of the sorted centres from both spacings, and the width of a
# typical filter. The width is that of a rectangle with the same peak and the same energy.

# %%
def summary(when):
    """Distance from both spacings, and the median width, in hertz."""
    row = {f"distance from {name} (Hz)": np.abs(np.sort(centre[when]) - at).mean() for name, at in spacing.items()}
    return row | {"width (Hz)": np.median((H[when] ** 2).sum(axis=0)) * (hertz[1] - hertz[0])}


moved = np.mean(np.abs(np.diff(np.log2([*centre.values()]), axis=0)) > 1 / 3)
filters = pd.DataFrame({when: summary(when) for when in H}).T.round(0)
print(f"{100 * moved:.0f} % of the filters moved their centre by more than a third of an octave.")
filters

# %% [markdown]
# ### Ask with tones
#
# *samplecnn* has no such filters: three samples are no frequency. But one can do with it what a physiologist does
# with a nerve of the ear: play pure tones and note which ones it answers to. All tones are as loud as the training
# clips. We listen in behind the fourth pooling, where one position stands for 243 samples.

# %%
tones = np.geomspace(50, 0.45 * WAVE_SR, 60)
time = np.arange(WAVE_SR // 2) / WAVE_SR
X_tones = np.sqrt(2 * variance[0]) * np.sin(2 * np.pi * tones[:, None] * time)


def tuning(network, at=4):
    """Mean answer of each unit behind pooling `at` to each tone [shape=(tones, units)], from 0 to 1."""
    stage = [layer for layer in network.layers if isinstance(layer, keras.layers.Activation)][at]
    inner = keras.Model(network.inputs[0], stage.output)
    heard = keras.ops.convert_to_numpy(inner(X_tones[..., None, None].astype("float32"))).mean(axis=1)
    span = np.ptp(heard, axis=0)
    return ((heard - heard.min(axis=0)) / np.maximum(span, 1e-9))[:, span > 1e-6]


# %%
tuned = {f"{when} training": tuning(of["samplecnn"]) for when, of in (("before", untouched), ("after", networks))}
best = {when: tones[t.argmax(axis=0)] for when, t in tuned.items()}

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True)
for ax, (when, t) in zip(axes, tuned.items()):
    shown = t[:, np.argsort(best[when])]
    im = ax.pcolormesh(np.arange(shown.shape[1]), tones, shown, shading="nearest")
    ax.set(title=f"{when}: {shown.shape[1]} units that answer", xlabel="unit, sorted by its best tone", yscale="log")
axes[0].set_ylabel("frequency of the tone (Hz)")
fig.colorbar(im, ax=axes, label="answer")
plt.show()

# %% [markdown]
# The diagonal alone proves nothing: units are sorted by their best tone, and random units have one too. Look at what
# lies beside it. Darkness means that a unit answers to few tones, so it has become a filter, made of layers that are
# none. Broad stripes mean that it tells low from high and not much more. And it need not prefer tones at all: a unit
# that waits for an onset or for noise stays unexplained by this picture.

# %%
for when, t in tuned.items():
    low, high = np.percentile(best[when], [10, 90])
    print(f"{when}: a unit answers at least half as strongly as it can to {100 * (t > 0.5).mean():.0f} % of the tones;")
    print(f"best tones of the middle 80 % of units: {low:.0f} to {high:.0f} Hz")

# %% [markdown]
# ## Changes that nobody hears
#
# Move a sound by a millisecond, or swap the poles of the loudspeaker: every sample changes, and nobody hears it. Halve
# the pressure: the music is quieter, its genre is the same. Does the network know? We change two clips of each
# validation track, and count how many get another answer.

# %%
def versions(y, sr, at):
    """The clip of y [shape=(n,)] that starts at `at` seconds, and the same clip changed in five ways."""
    def clip(start):
        return clips.cut(y[:, np.newaxis], round(start * sr), round(CLIP_SECONDS * sr))[:, 0]

    later = {f"{1000 * s:g} ms later": clip(at + s) for s in (0.0001, 0.001, 0.01)}
    return {"as it is": clip(at), **later, "poles swapped": -clip(at), "half as loud": clip(at) / 2}


def all_versions(sr):
    """Versions of two clips from the middle of each validation track [shape=(clips, samples)]."""
    paths = tracks.loc[ids["valid"][:100], "path"]
    sounds = [load_audio(p, sr=sr, offset=None, max_seconds=2 * CLIP_SECONDS + 0.02) for p in paths]
    found = [versions(y, sr, at) for y in sounds for at in (0, CLIP_SECONDS)]
    return {change: np.stack([one[change] for one in found]) for change in found[0]}


# %% [markdown]
# The mel network gets the same changes, made to the sound before its spectrogram is taken.

# %%
def picture(y):
    """Log-mel frames of one clip [shape=(time, frequency)]."""
    made_with = {name: store.params[name] for name in ("n_fft", "hop_length", "n_mels")}
    return features.log_mel(y, sr=SR, **made_with).T


changed = all_versions(WAVE_SR)
X_changed = {name: {c: y[..., None, None] for c, y in changed.items()} for name in ("wavecnn", "samplecnn")}
X_changed["convpool-budget"] = {
    c: np.stack([picture(y) for y in sound])[..., None] for c, sound in all_versions(SR).items()
}


# %%
given = {
    name: {c: evaluate.predict(networks[name], X).argmax(axis=1) for c, X in of.items()}
    for name, of in X_changed.items()
}
other = pd.DataFrame({
    name: {c: np.mean(a != of["as it is"]) for c, a in of.items() if c != "as it is"} for name, of in given.items()
})  # fmt: skip
same = {c: np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(changed["as it is"], changed[c])]) for c in other.index}
other.assign(correlation=pd.Series(same)).round(3)

# %% tags=["key-figure"]
ax = (100 * other).plot.barh(figsize=(8, 3.6), width=0.8)
ax.set(xlabel=f"clips with another answer (%), of {len(changed['as it is'])}", title="the same music, changed")
ax.invert_yaxis()
plt.show()

# %% [markdown]
# `correlation` compares the samples before and after: 1 is the same, 0 is unrelated, −1 is opposite. A good listener
# would have bars of no length in the first four rows, whatever the correlation. The mel network has none when the poles
# are swapped, by construction: a power knows no sign. A network on samples earns this by training, and only as
# far as the training clips teach it. *Half as loud* is another matter: the decibels of the mel network change too,
# and none of the networks was told that a volume knob is no part of the music.
#
# ## Results
#
# Networks, cards and scores, as in notebook 05. The card says at which rate the samples must come.

# %%
for name, network in networks.items():
    read = plan[name][1]
    inputs = dict((waves if read is waves else store).params)
    inputs |= {"clip_frames": round(CLIP_SECONDS * read.frames_per_second)}
    if isinstance(read, Band):
        inputs |= {"bands_used": inside}
    told = {"network": network, "history": histories[name], "inputs": inputs}
    print(experiment.record(name, rows[name], proba=proba[name], **told))

# %% [markdown]
# ## What we learned

# %%
scores = "; ".join(f"{name}: {evaluate.describe(rows[name])}" for name in rows if name != "convpool-budget")
width = filters["width (Hz)"].round().astype(int).tolist()
Markdown(
    f"- A clip became {X_batch.shape[1]:,} samples at {WAVE_SR:,} Hz, rounded {-rounding:.0f} dB below the music; "
    f"nothing above {WAVE_SR / 2:,.0f} Hz was left, which costs {store.n_mels - inside} of {store.n_mels} mel bands.\n"
    f"- After {table['steps'].iloc[0]} steps each, {scores}.\n"
    f"- {100 * moved:.0f} % of the first filters moved by more than a third of an octave; their median width went from "
    f"{width[0]} to {width[1]} Hz. Swapped poles gave {chosen} another answer for "
    f"{100 * other.loc['poles swapped', chosen]:.0f} % of {len(changed['as it is'])} clips."
)

# %% [markdown]
# ## Exercises
#
# 1. Teach the network that poles and level do not matter: multiply each training clip by a random number, positive
#    or negative. Do the bars shrink, and what happens to the accuracy? *Hint: wrap `train` in a class with
#    the method `__getitem__`, as `Mixed` in notebook 06.*
# 2. Replace the average pooling behind the first filters by max pooling. Which is closer to an envelope?
# 3. Start the first filters as a mel filter bank, windowed cosines at the mel frequencies. Does training leave them
#    there? *Hint: `network.get_layer("filters").set_weights`.*
# 4. Let both networks answer together, by the mean of their probabilities. Is the pair better than the better one?
#
# ## Next
#
# Notebook 09 starts from a network that has learned to see photographs.
#
# **References.** S. Dieleman, B. Schrauwen, *End-to-end learning for music audio*, ICASSP 2014. J. Lee, J. Park,
# K. L. Kim, J. Nam, *Sample-level deep convolutional neural networks for music auto-tagging using raw waveforms*,
# SMC 2017. J. Pons et al., *End-to-end learning for music audio tagging at scale*, ISMIR 2018.
