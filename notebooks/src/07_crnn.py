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
# # Recurrent networks
#
# *6 minutes · needs nothing · writes `models/`, `metrics/`*
#
# The networks of notebook 05 count how often a pattern occurs and forget when. Music is made in time: a verse leads
# to a chorus, a backbeat comes after the beat. A **recurrent** layer reads one moment after another and carries a
# memory along. This notebook puts such layers on MFCC, behind convolutions, and into the CRNN of Choi et al. Its
# authors' own weights are in notebook 10.
#
# **You will learn**
#
# - how a recurrent layer reads a clip, and how to make sure that it reads time;
# - how the CRNN is built, trained and heard at any length, with one answer or with several;
# - what a learning rate does when nobody asks the optimizer for it.
#
# **Before you start**: notebook 03 explains clips and the split, notebook 05 convolution and pooling.

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
from dataclasses import replace

import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.fft
from IPython.display import Markdown

from helpers import clips, evaluate, plotting, training
from helpers.experiment import Experiment

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "07_crnn"  # name of this step in the leaderboard
N_MELS: int = 64  # number of mel bands
N_MFCC: int = 13  # number of cepstral coefficients
CRNN_MELS: int = 96  # mel bands of the CRNN
RIVALS: list = ["mfcc-lstm", "mfcc-cnn", "cnn-lstm", "cnn-lstm-reshape"]  # networks trained beside the CRNN
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
CLIPS_PER_TRACK: int = 4  # random clips that an epoch draws from each training track
CRNN_SECONDS: float = 6.0  # length of a clip that the CRNN is trained on
CRNN_BATCH: int = 8  # clips in a training batch of the CRNN
CRNN_EPOCHS: int = 20  # most epochs of every network here, because the CRNN is slow
RATE_EPOCHS: int = 20  # most epochs of the training with the wrong rate
LENGTH_TRACKS: int = 30  # most validation tracks that are heard at several lengths
HEAD_TRACKS: int = 120  # most training tracks that teach the heads with several answers
HEAD_EPOCHS: int = 20  # epochs of the heads with several answers
EPOCHS: int = 40  # most epochs to train
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
BATCH_SIZE: int = 32  # clips in a training batch
LEARNING_RATE: float = 0.001  # of the Adam optimizer
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# The same tracks, features and split as in notebook 05, and a second feature store: the CRNN was designed for 96 mel
# bands. The split is audited with the first store, so every network of the series meets the same test tracks.

# %%
experiment = Experiment(globals())
dataset, store, tracks, split = experiment.dataset, experiment.store, experiment.tracks, experiment.split
fine = experiment.extract(n_mels=CRNN_MELS)
print(experiment)

# %% [markdown]
# What the networks are to answer is one class, or, for a dataset whose tracks have several labels, a yes or no to each
# of them. Only the last layer, the loss and the score depend on it. The section "Several answers" explains how.

# %%
ids, Y, clip_frames = experiment.ids, experiment.Y, experiment.clip_frames
if dataset.multilabel:
    ANSWER, LOSS, SCORE = "sigmoid", "binary_crossentropy", "roc_auc"
else:
    ANSWER, LOSS, SCORE = "softmax", "sparse_categorical_crossentropy", "accuracy"
CHANCE = 0.5 if dataset.multilabel else 1 / len(dataset.classes)
crnn_frames = round(CRNN_SECONDS * fine.frames_per_second)

# %% [markdown]
# ## A sequence of MFCC
#
# An older project gave MFCC to an LSTM. **MFCC** describe the outline of a spectrum with few numbers: the first is
# the level, the second says whether low or high bands are stronger, later ones draw finer and finer waves. They are
# the cosine transform of a column of the log-mel picture, so the feature store already holds all that is needed:
# multiply each frame with a fixed matrix.

# %%
DCT = scipy.fft.dct(np.eye(N_MELS), axis=0, norm="ortho")[:N_MFCC]  # [shape=(N_MFCC, N_MELS)]
S_db = store.frames(ids["train"][0]).astype(np.float32)
ours, theirs = S_db @ DCT.T, librosa.feature.mfcc(S=S_db.T, n_mfcc=N_MFCC).T
print("the matrix gives what librosa gives:", np.allclose(ours, theirs, atol=1e-2), ours.shape)

# %% [markdown]
# The first coefficients are far larger than the last. So that none drowns, each is scaled by its mean and deviation,
# which come from frames of training tracks only.

# %%
some = np.random.default_rng(SEED).permutation(ids["train"])[:500]
mfcc = np.concatenate([store.frames(track_id)[::10] for track_id in some]).astype(np.float32) @ DCT.T
scaled = (ours - mfcc.mean(axis=0)) / mfcc.std(axis=0)
fig, axes = plt.subplots(1, 2, figsize=(11, 3))
pictures = ((S_db, "mel band", "dB"), (scaled, "coefficient", "deviations from the mean"))
for ax, (picture, name, unit) in zip(axes, pictures):
    n_rows = picture.shape[1]
    extent = (0, CLIP_SECONDS, -0.5, n_rows - 0.5)
    image = ax.imshow(picture[:clip_frames].T, origin="lower", aspect="auto", extent=extent)
    ax.set(xlabel="time (s)", ylabel=name)
    fig.colorbar(image, label=unit)
plt.show()

# %% [markdown]
# The right picture has far fewer rows. What is lost are the single partials; what stays is the colour of the sound.
# The matrix and the scaling go into the network as its first two layers, which are not trained. Then every network
# of this notebook reads log-mel clips, and none can be fed with MFCC that somebody computed in another way.

# %%
def with_mfcc(layers, name):
    """Put these layers behind the MFCC of each frame; clips may have any length in time."""
    network = keras.Sequential(
        [
            keras.layers.Input((None, N_MELS, 1)),
            keras.layers.Reshape((-1, N_MELS)),
            keras.layers.Dense(N_MFCC, use_bias=False, trainable=False, name="dct"),
            keras.layers.Normalization(mean=mfcc.mean(axis=0), variance=mfcc.var(axis=0)),
            *layers,
        ],
        name=name,
    )
    network.get_layer("dct").set_weights([DCT.T])
    return network


# %% [markdown]
# An **LSTM** layer holds a memory, here of 64 numbers. At each frame, three gates decide what of it to forget, what
# to add and what to show; a gate is a number between 0 and 1, computed from the frame and from what was shown
# before. Two such layers lie on top of each other: the first answers at every frame, the second only after the last
# one. What it shows then goes to a small dense layer and to the classes. Nobody tells it what is worth remembering.
# The loss stands at the end of the clip, and its gradient has to travel back through every frame, which is why
# recurrent layers learn slowly and why the gates were invented.

# %%
def decide():
    """A dense layer, and a probability for each class."""
    return [
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(len(dataset.classes), activation=ANSWER),
    ]


def mfcc_lstm():
    """Two LSTM layers over the MFCC of each frame."""
    return with_mfcc([keras.layers.LSTM(64, return_sequences=True), keras.layers.LSTM(64), *decide()], "mfcc-lstm")


# %% [markdown]
# The same project had a rival that does not remember: three convolutions over the MFCC picture. Ours ends with an
# average over time where the original flattened, so it takes clips of any length too.

# %%
def mfcc_cnn():
    """Three convolutions over the picture of MFCC, averaged over time."""
    layers = [keras.layers.Reshape((-1, N_MFCC, 1))]
    for _ in range(3):
        layers += [
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.MaxPooling2D(2, padding="same"),
        ]
    layers += [keras.layers.TimeDistributed(keras.layers.Flatten()), keras.layers.GlobalAveragePooling1D()]
    return with_mfcc([*layers, *decide()], "mfcc-cnn")


# %% [markdown]
# ## Convolution, then time
#
# Convolutions find patterns, the LSTM puts them in order: this is the idea of the next older project. The picture
# after the convolutions has the axes (time, frequency, patterns), and an LSTM wants (steps, features). **The steps
# must be time.** So frequency and patterns of one moment are laid side by side, and time stays.
#
# The original laid side by side the moments of one frequency instead. Its shapes fitted, its loss fell, and the
# network was published. We build both: `reshape=True` is that mistake.

# %%
def cnn_lstm(reshape=False):
    """Three convolutions, then an LSTM; with `reshape`, its steps are rows of frequency."""
    layers = [
        keras.layers.Input((clip_frames if reshape else None, N_MELS, 1)),
        keras.layers.Normalization(axis=(2, 3), mean=mean[:, None], variance=variance[:, None]),
    ]
    for filters in (8, 8, 16):
        layers += [
            keras.layers.Conv2D(filters, 3, padding="same"),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.Activation("relu"),
            keras.layers.MaxPooling2D(2, padding="same"),
            keras.layers.Dropout(0.2),
        ]
    turned = [keras.layers.Permute((2, 1, 3))] if reshape else []
    layers += [*turned, keras.layers.TimeDistributed(keras.layers.Flatten()), keras.layers.LSTM(64)]
    layers += [keras.layers.Dense(len(dataset.classes), activation=ANSWER)]
    return keras.Sequential(layers, name="cnn-lstm-reshape" if reshape else "cnn-lstm")


# %% [markdown]
# What an LSTM is given can be looked at: send a batch through the layers before it.

# %%
mean, variance = clips.band_statistics(store, ids["train"])


def sequence(network, X):
    """What the first recurrent layer reads [shape=(clips, steps, features)]."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.RNN):
            break
        X = layer(X)
    return keras.ops.convert_to_numpy(X)


# %%
X = np.stack([clips.cut(store.frames(track_id), 0, clip_frames) for track_id in ids["train"][:2]])[..., None]
for reshape in (False, True):
    network = cnn_lstm(reshape)
    print(f"{network.name}: {X.shape} becomes (clips, steps, features) = {sequence(network, X).shape}")

# %% [markdown]
# Both are proper sequences of steps and features, and that is the trap: a shape does not say what an axis means. Ask
# the networks instead. Take a clip of noise, make a small part of it louder, and see which steps notice. Do so for
# sixteen parts of the time axis, one after another, and for sixteen parts of the frequency axis. The networks need
# not be trained for this: which step sees what is a matter of how they are wired.

# %%
def noticed(network, axis, parts=16):
    """How much each step changes when one part of the clip does [shape=(steps, parts)]."""
    X = np.random.default_rng(SEED).normal(mean[:, None], 10, size=(1, clip_frames, N_MELS, 1)).astype(np.float32)
    before, columns = sequence(network, X), []
    for part in np.array_split(np.arange(X.shape[axis]), parts):
        changed = X.copy()
        changed[(slice(None),) * axis + (part,)] += 30
        columns.append(np.abs(sequence(network, changed) - before).sum(axis=(0, 2)))
    return np.stack(columns, axis=1)


# %% tags=["key-figure"]
fig, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
ends = {1: (CLIP_SECONDS, "where in time the clip is changed (s)"), 2: (N_MELS, "in which mel bands it is changed")}
for row, reshape in zip(axes, (False, True)):
    keras.utils.set_random_seed(SEED)
    network = cnn_lstm(reshape)
    for ax, (axis, (end, label)) in zip(row, ends.items()):
        change = noticed(network, axis)
        ax.imshow(change, origin="lower", aspect="auto", extent=(0, end, 0.5, len(change) + 0.5))
        ax.set(xlabel=label, ylabel="step of the LSTM", title=network.name)
        ax.yaxis.get_major_locator().set_params(integer=True)
plt.show()

# %% [markdown]
# Bright is a step that notices the change. Above, step after step walks through the clip (left), and each sees all
# frequencies (right). Below it is the other way round: every step sees the whole clip at once, and the "sequence"
# climbs from the bass to the treble. That network is not useless: it still has its convolutions, and neighbouring
# rows of a spectrum have something to do with each other. But its memory knows nothing of before and after, and its
# weights fit one length of clip only, because the number of moments has become a number of features.
#
# One assertion would have found it, and every recurrent network here must pass it: if only the end of a clip
# changes, the first steps must not.

# %%
def reads_time(network):
    """Do the first steps stay as they are when only the end of a clip changes?"""
    _, n_frames, n_bands, _ = network.input_shape
    X = np.random.default_rng(SEED).normal(-40, 10, size=(1, n_frames or 960, n_bands, 1)).astype(np.float32)
    later = X.copy()
    later[:, -(X.shape[1] // 8) :] += 30
    change = np.abs(sequence(network, later) - sequence(network, X)).max(axis=(0, 2))
    return bool(change[: max(1, len(change) // 3)].max() < 1e-3 * change.max())


# %%
assert reads_time(mfcc_lstm()) and reads_time(cnn_lstm())
print("with the reshape of the original:", reads_time(cnn_lstm(reshape=True)))

# %% [markdown]
# ## The CRNN of Choi et al.
#
# Choi, Fazekas, Sandler and Cho combined both ideas for music tagging. Four convolutions with **ELU**, a softer ReLU
# that lets small negative answers through, and pooling by 2, 3, 4 and 4 on both axes: 96 bands become one, so what
# remains is a pure sequence of 128 patterns. Two **GRU** layers of 32 numbers read it; a GRU is an LSTM with two
# gates and without a separate memory. The last layer is a parameter: *softmax* for one answer, *sigmoid* for
# several.

# %% tags=["architecture"]
def crnn(scaling, answers, activation="softmax", bands=96):
    """The CRNN of Choi et al.: four convolutions, each with pooling, then two GRU layers."""
    layers = [keras.layers.Input((None, bands, 1)), scaling]
    for filters, pool in zip((64, 128, 128, 128), (2, 3, 4, 4)):
        layers += [
            keras.layers.Conv2D(filters, 3, padding="same"),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.Activation("elu"),
            keras.layers.MaxPooling2D(pool, padding="same"),
            keras.layers.Dropout(0.1),
        ]
    layers += [
        keras.layers.TimeDistributed(keras.layers.Flatten()),
        keras.layers.GRU(32, return_sequences=True),
        keras.layers.GRU(32),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(answers, activation=activation),
    ]
    return keras.Sequential(layers, name="crnn")


# %%
def our_crnn():
    """The CRNN for this dataset, each mel band scaled by its training statistics."""
    mean, variance = clips.band_statistics(fine, ids["train"])
    scaling = keras.layers.Normalization(axis=(2, 3), mean=mean[:, None], variance=variance[:, None])
    return crnn(scaling, len(dataset.classes), ANSWER, bands=CRNN_MELS)


assert reads_time(our_crnn())

# %% [markdown]
# Send a dummy clip through, as always, and watch the axes: (clips, time, frequency, patterns) until the two GRU
# layers, (clips, steps, features) between them, (clips, features) behind.

# %%
def shapes(network, X):
    """Shape of the dummy batch after each layer that changes it."""
    rows = []
    for layer in network.layers:
        X = layer(X)
        if not rows or rows[-1][1] != tuple(X.shape):
            rows.append((layer.name, tuple(X.shape)))
    return pd.DataFrame(rows, columns=["after", "shape"])


shapes(our_crnn(), np.zeros((2, crnn_frames, CRNN_MELS, 1), np.float32))

# %% [markdown]
# Pooling divides time by 96. That is the price of this design: the authors heard 29 seconds at once and got 15
# steps; a short clip leaves so few that there is hardly anything to remember. How many steps are left, at our frame
# rate?

# %%
seconds = [1.0, CLIP_SECONDS, CRNN_SECONDS, 15.0, 30.0]
n_frames = [round(s * fine.frames_per_second) for s in seconds]
steps = [sequence(our_crnn(), np.zeros((1, n, CRNN_MELS, 1), np.float32)).shape[1] for n in n_frames]
pd.DataFrame({"clip (s)": seconds, "frames": n_frames, "steps of the GRU": steps})

# %% [markdown]
# So the CRNN is trained on longer clips than the others, `CRNN_SECONDS`: a compromise, because long clips also mean
# fewer and more alike ones in a batch. All networks side by side, each with a dummy clip of its length. Read the
# middle column as (clips, time, features). In one row it is not, and the table does not show it:

# %%
NETWORKS = {
    "mfcc-lstm": mfcc_lstm,
    "mfcc-cnn": mfcc_cnn,
    "cnn-lstm": cnn_lstm,
    "cnn-lstm-reshape": lambda: cnn_lstm(reshape=True),
    "crnn": our_crnn,
}
READS = {name: (store, clip_frames) for name in NETWORKS} | {"crnn": (fine, crnn_frames)}

# %%
rows = {}
for name, build in NETWORKS.items():
    network, (source, n_frames) = build(), READS[name]
    X = np.zeros((1, n_frames, source.n_mels, 1), np.float32)
    steps = sequence(network, X).shape if name != "mfcc-cnn" else "no recurrence"
    rows[name] = {"clip": X.shape, "(clips, steps, features)": steps, "parameters": f"{network.count_params():,}"}
pd.DataFrame(rows).T

# %% [markdown]
# ## Training
#
# One loop for all: the same optimizer, the same rate, the same number of steps in an epoch. One thing is not
# equal, and we say it: a step of the CRNN holds less music, `CRNN_BATCH` clips, because each second costs it far
# more multiplications than the others. So that an epoch has as many steps, it draws as many fewer clips from each
# track. And because it is slow, all stop after `CRNN_EPOCHS` epochs at the latest.
#
# Clips are cut as in notebook 05: all of a track, in order, for validation and test, and from random places for
# training.

# %%
def every_clip(side, name):
    """All clips of one side of the split, as this network reads them."""
    source, n_frames = READS[name]
    batch = CRNN_BATCH if name == "crnn" else 64
    return experiment.every_clip(side, store=source, clip_frames=n_frames, batch_size=batch)


def random_clips(name):
    """Training clips; the same sequence for all networks that read the same length."""
    source, n_frames = READS[name]
    share, batch = (CRNN_BATCH / BATCH_SIZE, CRNN_BATCH) if name == "crnn" else (1, BATCH_SIZE)
    drawn = {"clips_per_track": max(1, round(share * CLIPS_PER_TRACK)), "batch_size": batch}
    return experiment.random_clips(store=source, clip_frames=n_frames, **drawn)


# %%
def score():
    """What is measured while a network learns."""
    return keras.metrics.AUC(multi_label=True, name="roc_auc") if dataset.multilabel else "accuracy"


networks, histories, epochs = {}, {}, min(EPOCHS, CRNN_EPOCHS)
for name in [*RIVALS, "crnn"]:
    keras.utils.set_random_seed(SEED)
    network = NETWORKS[name]()
    network.compile(keras.optimizers.Adam(LEARNING_RATE), loss=LOSS, metrics=[score()])
    history = training.fit(network, random_clips(name), every_clip("valid", name), epochs=epochs, patience=PATIENCE)
    networks[name], histories[name] = network, history
    print(f"{name}: {len(history['loss'])} epochs of {len(random_clips(name))} steps, "
          f"best {np.argmin(history['val_loss']) + 1}")  # fmt: skip

# %%
fig, axes = plt.subplots(1, 2, figsize=(12, 3.6), layout="constrained")
plotting.history(histories, metric="loss", ax=axes[0])
plotting.history(histories, metric=SCORE, ax=axes[1])
axes[0].set_title("loss of clips")
axes[1].set(title=f"{SCORE} of clips; dots mark the weights that are kept", ylim=(0, 1))
axes[1].axhline(CHANCE, color="0.5", ls=":")
for ax in axes:
    ax.get_legend().remove()
fig.legend(*axes[1].get_legend_handles_labels(), fontsize=7, loc="outside right upper")
plt.show()

# %% [markdown]
# Solid lines are validation, dashed lines training; the dotted line is chance. Look for a dashed line that leaves
# its solid one: from there on the network learns the training artists by heart. The clips of the CRNN are longer, so
# its curve is not about the same clips as the others; the test below counts tracks, which are the same for all.
#
# ### The rate that was really used
#
# A learning rate is a wish. What an optimizer does with it can be read from the optimizer, after each step, and that
# is what should be plotted. A third older project trained this very CRNN with a rate that was meant to shrink by the
# factor 0.9999714 at each step, about a tenth in an epoch of 3,318 steps. Its log printed that formula. But the
# optimizer understood the number as something else, rate / (1 + 0.9999714 · step): after one epoch the real rate was
# 3,318 times smaller, and the thirteen epochs in its log learned little more than how frequent each class is.
#
# Do it again, with the quickest of our networks. The callback asks the optimizer after every step.

# %%
class RateLog(keras.callbacks.Callback):
    """Ask the optimizer for its learning rate after each step."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_end(self, batch, logs=None):
        self.rates.append(float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)))


# %%
FACTOR = 0.9999714
quick = "mfcc-cnn" if "mfcc-cnn" in networks else "crnn"
keras.utils.set_random_seed(SEED)
network, log = NETWORKS[quick](), RateLog()
shrinking = keras.optimizers.schedules.InverseTimeDecay(LEARNING_RATE, decay_steps=1, decay_rate=FACTOR)
network.compile(keras.optimizers.Adam(shrinking), loss=LOSS, metrics=[score()])
n_epochs = min(len(histories[quick]["loss"]), RATE_EPOCHS)
shrunk = network.fit(
    random_clips(quick), validation_data=every_clip("valid", quick), verbose=0, shuffle=False, epochs=n_epochs,
    callbacks=[log],
).history  # fmt: skip

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 3.4), layout="constrained")
for name, history in histories.items():
    axes[0].plot(np.arange(1, len(history["loss"]) + 1), history["learning_rate"], "o-", ms=3, label=name)
axes[0].set(xlabel="epoch", ylabel="learning rate", yscale="log", title="what our optimizers used")
step = np.arange(1, len(log.rates) + 1)
axes[1].plot(step, LEARNING_RATE * FACTOR**step, "--", label="what the log printed")
axes[1].plot(step, log.rates, label="what the optimizer used")
axes[1].set(xlabel="step", ylabel="learning rate", yscale="log", title="the older project's rate")
axes[0].xaxis.get_major_locator().set_params(integer=True)
for ax in axes:
    ax.legend(fontsize=8)
plt.show()

# %%
good, bad = (max(history[f"val_{SCORE}"][:n_epochs]) for history in (histories[quick], shrunk))
print(f"after {len(log.rates)} steps the rate is {log.rates[0] / log.rates[-1]:.0f} times smaller than after the first")
print(f"best {SCORE} of validation clips: {good:.2f} with a rate that stays, {bad:.2f} with this one")

# %% [markdown]
# On the left, a rate stays until half of the patience is used up and then falls to 0.3 of its value. This is what
# `training.fit` promises, and now we know that it happens. On the right, the two curves part in the first steps, and
# the log of the older project showed the upper one. A learning rate that is wrong by a factor of three is a
# nuisance; one that is wrong by a thousand stops all learning, quietly, while the loss settles at what the class
# frequencies give.
#
# ## The test
#
# Now, once, the test tracks. All clips of a track vote.

# %%
groups = experiment.groups["test"]
proba, rows = {}, {}
for name, network in networks.items():
    proba[name], rows[name] = evaluate.by_track(network, every_clip("test", name), groups=groups, seed=SEED)
table = pd.DataFrame(rows).T
table["parameters"] = [network.count_params() for network in networks.values()]
shown = [SCORE, f"clip_{SCORE}", "macro_f1", "top3", "average_precision", "log_loss", "chance", "n_test", "parameters"]
table[[column for column in shown if column in table]].round(3)

# %%
for name, row in rows.items():
    print(f"{name}: {evaluate.describe(row, metric=SCORE)}")

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, metric=SCORE, chance=CHANCE)
ax.set_title(f"Test tracks of {DATASET} ({split.rule})", fontsize=9, wrap=True)
plt.show()

# %% [markdown]
# Two things to look at. First `cnn-lstm` and `cnn-lstm-reshape`: the same convolutions and an
# LSTM of the same size, which reads another axis, and so other steps and features (its parameters stand in the table). Second, does a memory help at all? The `mfcc-cnn` has none, and the CRNN has convolutions that
# see a hundred frames before its memory begins. The CRNN also has by far the most parameters, and was designed for
# hundreds of thousands of tracks; whether it pays with so few is what the figure shows. The intervals say how much
# of the order this test set can support; how far another seed would move a dot, they do not say.
#
# ### Clips of any length
#
# The CRNN holds no number that depends on the length of a clip, so it can hear anything from one second to a whole
# track. Whether it *should* is another question: it never met such lengths in training. Ask the validation tracks.

# %%
network = networks["crnn"]
some = ids["valid"][:: -(-len(ids["valid"]) // LENGTH_TRACKS)]
truth = Y.loc[some].to_numpy()
shortest = fine.index.set_index("track_id")["n_frames"][some].min() / fine.frames_per_second
lengths = [s for s in (1.0, 2.0, 3.0, 6.0, 12.0, 24.0) if s <= shortest]

# %%
def right(truth, answers):
    """Share of right answers; with several labels, the mean ROC-AUC."""
    return np.nanmean(evaluate.roc_auc(truth, answers)) if dataset.multilabel else (answers.argmax(1) == truth).mean()


heard = []
for length in lengths:
    n_frames = round(length * fine.frames_per_second)
    part = clips.EveryClip(fine, some, truth, clip_frames=n_frames, batch_size=CRNN_BATCH)
    single = evaluate.predict(network, part)
    voted = evaluate.track_proba(single, part.owner)
    heard.append((right(part.y, single), right(truth, voted)))
whole = [network(fine.frames(t)[None, :, :, None].astype(np.float32), training=False) for t in some]
at_once = right(truth, np.concatenate(list(map(keras.ops.convert_to_numpy, whole))))
print(f"whole tracks at once: {SCORE} {at_once:.2f}, {len(some)} validation tracks")

# %%
fig, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
ax.plot(lengths, heard, "o-", label=["one clip answers", "all clips of the track vote"])
ax.axhline(at_once, color="C2", ls="--", label="the whole track at once")
ax.axvline(CRNN_SECONDS, color="0.7", label="length in training")
ax.axhline(CHANCE, color="0.5", ls=":", label="chance")
ax.set(xlabel="length of a clip (s)", ylabel=SCORE, ylim=(0, 1), xscale="log",
       title=f"{len(some)} validation tracks of {DATASET}")  # fmt: skip
ax.set_xticks(lengths, [f"{s:g}" for s in lengths])
ax.minorticks_off()
ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# Two ways to hear a long track: in one go, or in pieces that vote. A piece of the length that was trained is what
# the network knows. Far beyond it the GRU walks through more steps than it ever did; far below it there is little to
# hear. With so few tracks, small differences between the lines mean nothing. Note also what averaging does: the vote
# of short clips may well beat a single long one, because their mistakes are not all the same.
#
# Write down what was measured, and keep the networks. The one with the mistake is kept too, under a name that says
# it.

# %%
for name, network in networks.items():
    source, n_frames = READS[name]
    told = {"history": histories[name], "inputs": {**source.params, "clip_frames": n_frames}}
    path = experiment.record(name, rows[name], proba=proba[name], network=network, **told)
    print(path)

again, X = keras.models.load_model(path, safe_mode=True), every_clip("test", name)[0][0]
same = np.allclose(*(evaluate.predict(one, X) for one in (again, network)), atol=1e-5)
print("the saved CRNN gives the same answer:", same)

# %% [markdown]
# ## Several answers
#
# Most music is not one thing. A tagger answers each question by itself: is there a piano? is there a voice? Two
# things change, and only at the end of the network. **Sigmoid** gives each answer a probability of its own, where
# softmax makes them share one. **Binary cross-entropy** adds up the losses of all these yes-or-no questions.
#
# The demo dataset knows which instruments play in each track. Datasets without tags give their classes instead.

# %%
def table_of(names, least):
    """Tags that so many training and test tracks have, and so many have not [0 or 1, a row a track]."""
    T = pd.DataFrame({tag: [float(tag in row) for row in names] for tag in sorted(set().union(*names) - {""})}, tracks.index)
    sums = [(T.loc[ids[side]].sum(), len(ids[side])) for side in ("train", "test")]
    return T.loc[:, [all(least <= n[tag] <= total - least for n, total in sums) for tag in T.columns]]


T = table_of(tracks["tags"].str.split("|") if "tags" in tracks else tracks["labels"], least=3)
T = T if T.shape[1] else table_of(tracks["labels"], least=1)
print(f"{T.shape[1]} tags that some training and test tracks have, and some have not")
print(", ".join(T.columns), f"({T.to_numpy().sum(axis=1).mean():.1f} in a track)")

# %% [markdown]
# The trunk is the CRNN that was just trained, frozen; what it remembers of a clip, 32 numbers, is computed
# once. On these a new last layer is trained, the *head*, which takes seconds. Trunk and head together are `crnn(...,
# activation="sigmoid")`. We train two heads: the right one, and the mistake of the older project, which had put
# softmax on a task with several answers.

# %%
trunk = keras.Model(networks["crnn"].inputs[0], networks["crnn"].layers[-2].output)
learners = np.random.default_rng(SEED).permutation(ids["train"])[:HEAD_TRACKS]
batches = {
    side: experiment.every_clip(who, store=fine, Y=T, clip_frames=crnn_frames, batch_size=CRNN_BATCH)
    for side, who in {"train": learners, "valid": ids["valid"], "test": ids["test"]}.items()
}
Z = {side: evaluate.predict(trunk, batch) for side, batch in batches.items()}
print("training: X", Z["train"].shape, "Y", batches["train"].y.shape)

# %% [markdown]
# Softmax shares one portion among all answers. So its targets have to be shares, too: with five instruments, a fifth
# for each.

# %%
def shares(y):
    """Targets that add up to one."""
    return y / np.maximum(y.sum(axis=1, keepdims=True), 1)


HEADS = {
    "tagger": ("sigmoid", "binary_crossentropy", lambda y: y),
    "tagger-softmax": ("softmax", "categorical_crossentropy", shares),
}

# %%
tagged, proba = {}, {}
for name, (activation, loss, target) in HEADS.items():
    keras.utils.set_random_seed(SEED)
    head = keras.Sequential([keras.layers.Input((32,)), keras.layers.Dense(T.shape[1], activation=activation)])
    head.compile(keras.optimizers.Adam(0.01), loss=loss)
    X, valid = (Z["train"], target(batches["train"].y)), (Z["valid"], target(batches["valid"].y))
    history = head.fit(*X, validation_data=valid, epochs=HEAD_EPOCHS, verbose=0).history
    whole = [keras.layers.Input(trunk.input_shape[1:]), *networks["crnn"].layers[:-1], head.layers[-1]]
    network = keras.Sequential(whole, name="crnn")
    answers = evaluate.predict(head, Z["test"])
    tagged[name], proba[name] = (network, history), evaluate.track_proba(answers, batches["test"].owner)

# %% [markdown]
# Accuracy is the wrong question here: who never says "harp" is nearly always right. **ROC-AUC** is the probability
# that a track with the tag is ranked above one without; a guesser has 0.5. **Average precision** asks how pure the
# top of the list is; a guesser has the tag's share of the tracks, so its chance level differs from tag to tag. Both
# look at the order of the tracks only, not at a threshold. The figures are means over the tags, and the intervals
# redraw whole groups, as always.

# %%
truth = batches["test"].Y
tag_rows = {name: evaluate.scores(truth, p, groups=groups, seed=SEED) for name, p in proba.items()}
for name, row in tag_rows.items():
    print(f"{name}: {evaluate.describe(row, metric='roc_auc')}")
    print(f"{name}: {evaluate.describe(row | {'chance': row['prevalence']}, metric='average_precision')}")
by_tag = pd.Series(evaluate.roc_auc(truth, proba["tagger"]), T.columns, name="ROC-AUC").sort_values(ascending=False)

# %% [markdown]
# The order is not the whole truth. The answers of the softmax head to one track sum to one, however many instruments
# play. Take the usual threshold of 0.5 for both heads and count how many of the tags that are there they find.

# %%
found = {name: (p > 0.5)[truth == 1].mean() for name, p in proba.items()}
most = int(np.argmax(truth.sum(axis=1)))
fig, axes = plt.subplots(1, 2, figsize=(11, 0.9 + 0.26 * T.shape[1]), sharey=True, layout="constrained")
at = np.arange(len(by_tag))
axes[0].barh(at, by_tag, color="0.7")
axes[0].axvline(0.5, color="0.3", ls=":")
labels = [f"{tag} ({truth[:, T.columns.get_loc(tag)].sum():.0f})" for tag in by_tag.index]
axes[0].set(yticks=at, yticklabels=labels, xlabel="ROC-AUC on test tracks (dotted: chance)", xlim=(0, 1))
order = [T.columns.get_loc(tag) for tag in by_tag.index]
for shift, (name, p) in zip((-0.2, 0.2), proba.items()):
    axes[1].barh(at + shift, p[most, order], height=0.4, label=f"{name}: finds {found[name]:.0%} of all tags")
axes[1].plot(np.where(truth[most, order] == 1, 1.02, np.nan), at, "k*", label="is really there")
axes[1].axvline(0.5, color="0.3", ls=":")
axes[1].set(xlabel=f"probability for {ids['test'][most]} (dotted: threshold)", xlim=(0, 1.06))
axes[1].invert_yaxis()
axes[1].legend(fontsize=8, loc="lower right")
plt.show()

# %% [markdown]
# On the left, each tag with its own score and the number of test tracks that have it. Remember what the trunk was
# taught: genres. A tag that goes with a genre is easy for it, one that any genre may have is not. On the right, the
# test track with most tags. Softmax has one portion to give away. (Where a dataset gives only its classes, each
# track has one tag, and softmax is no mistake.) Notebook 15 takes such networks further: it chooses their thresholds
# and follows tags through a track. It needs them on the disk.

# %%
if T.sum(axis=1).max() > 1:
    for name, (network, history) in tagged.items():
        told = {"inputs": {**fine.params, "clip_frames": crnn_frames}, "best_val_loss": min(history["val_loss"])}
        answered = replace(dataset, classes=list(T.columns), multilabel=True)
        path = experiment.record(name, tag_rows[name], proba=proba[name], network=network, dataset=answered, **told)
        print(path)

# %% [markdown]
# ## What we learned

# %%
pair = {"over time": "cnn-lstm", "over rows of frequency": "cnn-lstm-reshape"}
pair = [f"{how} it scored {evaluate.describe(rows[name], metric=SCORE)}" for how, name in pair.items() if name in rows]
Markdown(
    f"- An LSTM reads the axis that it is given: {'; '.join(pair) or 'its rivals were not trained in this run'}. The "
    "assertion told the two axes apart before training.\n"
    f"- The CRNN ({networks['crnn'].count_params():,} parameters) scored {evaluate.describe(rows['crnn'], metric=SCORE)}. "
    f"It heard clips from {lengths[0]:g} s to whole tracks; at a threshold of 0.5 a sigmoid head on it found "
    f"{found['tagger']:.0%} of the tags, a softmax head {found['tagger-softmax']:.0%}.\n"
    f"- With a rate that shrinks at every step, the best {SCORE} of validation clips was {bad:.2f} for {quick}, with a rate "
    f"that stays {good:.2f}, in {n_epochs} {'epoch' if n_epochs == 1 else 'epochs'} each."
)

# %% [markdown]
# ## Exercises
#
# 1. Shuffle the frames of each test clip before `mfcc-lstm` hears them. How much does it lose? What does that say about
#    its use of time? *Hint: `X[:, np.random.permutation(X.shape[1])]`.*
# 2. Replace the GRU layers by `GlobalAveragePooling1D`. What was the memory worth? *Hint: train both with three seeds.*
# 3. Train `crnn` on clips of `CLIP_SECONDS`. How many steps are left for its GRU, and what does the vote of more clips
#    make good? *Hint: `CRNN_SECONDS`.*
#
# ## Next
#
# Notebook 08 goes the other way: no picture at all, a network that learns from samples.
#
# **References.** K. Choi, G. Fazekas, M. Sandler, K. Cho, *Convolutional recurrent neural networks for music
# classification*, ICASSP 2017 (the CRNN). S. Hochreiter, J. Schmidhuber, *Long short-term memory*, 1997. K. Cho et al.,
# *Learning phrase representations using RNN encoder-decoder*, 2014 (the GRU). S. Davis, P. Mermelstein, *Comparison of
# parametric representations for monosyllabic word recognition*, 1980 (MFCC).
