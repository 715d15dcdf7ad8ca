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
# # Convolution and pooling
#
# *6 minutes · needs nothing: it makes features and split itself · writes `models/` and `metrics/`*
#
# A log-mel spectrogram is a picture, so networks that read pictures can read music. This notebook builds the two
# classic designs, one convolution before each pooling and two of them, trains both on the same clips, and reports
# on tracks of artists that neither has heard. At the end, the same network reads five other pictures of sound.
# There is no augmentation here: notebook 06 adds it to these very networks.
#
# **You will learn**
#
# - how convolution and pooling turn a spectrogram into one answer, layer by layer;
# - how to train so that the best epoch is kept and the test set stays untouched;
# - how to report the result: by track, with an interval, beside chance, class by class.
#
# **Before you start**: notebook 03 explains clips, the split and its audit. You should know what a layer and a
# loss are.

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
from joblib import Parallel, delayed
from sklearn.metrics import ConfusionMatrixDisplay, classification_report

from helpers import clips, evaluate, plotting, splits, training
from helpers.audio import load_audio
from helpers.experiment import Experiment

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "05_convpool"  # name of this step in the leaderboard
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
PICTURES: list = ["linear STFT", "log-STFT", "log-mel", "CQT", "MFCC", "harmonic and percussive"]  # what is compared
PICTURE_STEPS: int = 200  # optimizer steps for each picture of sound
PICTURE_TRACKS: int = 300  # most tracks that are pictured in these ways
EPOCHS: int = 40  # most epochs to train
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
LEARNING_RATE: float = 0.001  # of the Adam optimizer
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# `Experiment` does in one call what notebook 03 builds step by step: table of tracks, feature store, split, Y. It
# audits the split before every training, however often that has happened before. A split file can be exchanged, a
# track can be added, and a leak gives no error. It only gives a better figure, and nobody doubts those.

# %%
experiment = Experiment(globals())
print(experiment)

# %%
dataset, store, tracks, split = experiment.dataset, experiment.store, experiment.tracks, experiment.split
ids, Y, clip_frames = experiment.ids, experiment.Y, experiment.clip_frames

# %% [markdown]
# Clips inherit the label of their track. That is a simplification worth knowing: three seconds of a drum fill carry the
# label of the whole song. They are cut in two ways. For validation and test, every clip of a track, in order. For
# training, clips from random places, new ones in each epoch: a network that meets other three seconds of a song every
# time has a harder time remembering the song. The seed makes both networks of this notebook meet the same clips.

# %%
X_batch, Y_batch = experiment.random_clips()[0]
print("X", X_batch.shape, "= (clips, time, frequency, channel); Y", Y_batch.shape)

# %% [markdown]
# ## Two networks
#
# A **convolution** slides small patterns over the picture and answers where they fit: an onset, a held note, a
# drum stroke. **Pooling** keeps the strongest answer of a neighbourhood, so the next patterns see a wider stretch
# of music. At the end, **global average pooling over time** asks how often each pattern occurred in the clip, at
# each height. This fits music: a backbeat counts wherever it stands in the clip, but a bass is not a cymbal.
#
# The first layer subtracts the mean of each mel band and divides by its standard deviation. Both come from
# training clips only, and they are saved inside the network: whoever loads the file cannot forget to scale, and
# cannot scale with other numbers.

# %%
mean, variance = clips.band_statistics(store, ids["train"])


# %%
def start(mean, variance):
    """Input of any length in time, and the scaling of each band (axis 2) of the one channel (axis 3)."""
    return [
        keras.layers.Input((None, len(mean), 1)),
        keras.layers.Normalization(axis=(2, 3), mean=mean[:, None], variance=variance[:, None]),
    ]


# %% [markdown]
# The step that both networks repeat is a convolution with a **batch normalization** behind it, which keeps the
# answers of a layer in a range where the next one can learn, and a **ReLU**, which drops negative answers: "does
# not fit" and "does not fit at all" become the same.

# %%
def convolution(filters):
    """3 × 3 patterns, normalized so that training may take larger steps.

    Its running statistics follow fast (momentum 0.9), because an epoch has few batches.
    """
    return [
        keras.layers.Conv2D(filters, 3, padding="same", use_bias=False),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.Activation("relu"),
    ]


# %% [markdown]
# The end: flatten each moment, average over all moments, decide. **Dropout** hides half of the numbers from the
# last layer during training, so that it cannot rest on a single one. **Softmax** turns the scores of the classes
# into probabilities that sum to one.

# %%
def answer():
    """How often did each pattern occur, and which class does that speak for?"""
    return [
        keras.layers.TimeDistributed(keras.layers.Flatten()),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dropout(0.5, seed=SEED),
        keras.layers.Dense(len(dataset.classes), activation="softmax"),
    ]


# %% [markdown]
# The plan that both share: three blocks, with more patterns in each, because there are more combinations of
# patterns than patterns. After the last pooling, one moment stands for 32 frames.

# %%
BLOCKS = [(16, (2, 2)), (32, (4, 4)), (64, (4, 4))]  # patterns, and pooling over (time, frequency)

# %% [markdown]
# **conv-pool**: one convolution, then pooling, three times.

# %%
def convpool(mean=mean, variance=variance, arrange=()):
    """One convolution before each pooling; `arrange` may rearrange the picture first."""
    layers = [*start(mean, variance), *arrange]
    for filters, pool in BLOCKS:
        layers += [*convolution(filters), keras.layers.MaxPooling2D(pool, padding="same")]
    return keras.Sequential(layers + answer(), name="convpool")


# %% [markdown]
# **conv-conv-pool**: two convolutions before each pooling, as in VGG. The second sees 5 × 5 points through two
# steps with a bend between, so it can combine what the first found.

# %%
def convconvpool():
    """Two convolutions before each pooling."""
    layers = start(mean, variance)
    for filters, pool in BLOCKS:
        layers += [*convolution(filters), *convolution(filters), keras.layers.MaxPooling2D(pool, padding="same")]
    return keras.Sequential(layers + answer(), name="convconvpool")


# %% [markdown]
# Send the batch through before training, and look at the shape after each step. A wrong axis shows here in a
# second, and after training it shows as a disappointing figure that nobody can explain.

# %%
def shapes(network):
    """Shape of the dummy batch after each layer that changes it."""
    X, rows = X_batch, []
    for layer in network.layers:
        X = layer(X)
        if not rows or rows[-1][1] != tuple(X.shape):
            rows.append((layer.name, tuple(X.shape)))
    return pd.DataFrame(rows, columns=["after", "(clips, time, frequency, patterns)"])


shapes(convconvpool())

# %% [markdown]
# Read it from top to bottom. Time and frequency shrink with each pooling, the number of patterns grows. *Flatten*
# lays the remaining bands of one moment side by side, the average removes time, and one number for each class is
# left.
#
# ### Where parameters go to waste
#
# The project that gave these networks their names ended its conv-conv-pool with a *flatten* and a dense layer. It
# had 28.9 million parameters, nearly all in that one layer, for 6,394 training pictures. Build that ending on our
# network, for the original's picture of 128 mel bands × 1024 frames, and count.

# %%
body = []
for filters, _ in BLOCKS:
    body += [*convolution(filters), *convolution(filters), keras.layers.MaxPooling2D(2)]
flat = keras.Sequential(
    [keras.layers.Input((1024, 128, 1)), *body, keras.layers.Flatten(), keras.layers.Dense(256, activation="relu"),
     keras.layers.Dense(len(dataset.classes), activation="softmax")]
)  # fmt: skip

# %%
counts = {"conv-pool": convpool(), "conv-conv-pool": convconvpool(), "conv-conv-pool, flattened": flat}
counts = pd.Series({name: network.count_params() for name, network in counts.items()}, name="parameters")
counts.map("{:,}".format)

# %% [markdown]
# The flattened network also knows *when* in the clip something happened, which is no virtue here: a clip starts
# at a random place. Global pooling gives up the moment and, with it, nearly all parameters. A parameter is a place
# where a training song can be remembered, so fewer of them is not only cheaper.
#
# ## Training
#
# Both networks get the same clips in the same order. After each epoch the validation loss decides whether these
# weights are the best so far. When `PATIENCE` epochs bring no progress, training stops and **goes back to the best
# epoch**; halfway there, the learning rate is cut to a third, because a smaller step sometimes finds what a large
# one jumps over. The test set plays no part in any of this. If it chose the epoch, its figure would be the best of
# many draws, not a measurement.

# %%
networks, histories = {}, {}
for build in (convpool, convconvpool):
    keras.utils.set_random_seed(SEED)
    network = build()
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    network.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = training.fit(
        network, experiment.random_clips(), experiment.every_clip("valid"), epochs=EPOCHS, patience=PATIENCE
    )
    networks[network.name], histories[network.name] = network, history
    print(f"{network.name}: {len(history['loss'])} epochs, best {np.argmin(history['val_loss']) + 1}")

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6))
plotting.history(histories, metric="loss", ax=axes[0])
plotting.history(histories, metric="accuracy", ax=axes[1])
axes[0].set_title("loss of clips")
axes[1].set(title="accuracy of clips; the dot marks the weights that are kept", ylim=(0, 1))
axes[1].axhline(1 / len(dataset.classes), color="0.5", ls=":")
axes[0].legend().remove()
plt.show()

# %% [markdown]
# Solid lines are validation, dashed lines training; the dotted line is chance. Three things to look for. Does the
# solid line leave chance at all? Where does the dashed line go on while the solid one stays? From there on the
# network remembers the training artists instead of learning genres. And how restless is the solid line? It rests on
# few artists, so one of them more or less moves it, and the "best" epoch is partly luck.
#
# ## The test
#
# Now, once, the test tracks. Each clip gives a probability for every class. A track's answer is the mean over its
# clips: they vote. One clip may fall into a break or a solo that sounds like something else; the mean forgives it.

# %%
test = experiment.every_clip("test")
y_true = test.Y
groups = tracks.loc[ids["test"], "group"].to_numpy()

# %%
proba, rows = {}, {}
for name, network in networks.items():
    proba[name], rows[name] = evaluate.by_track(network, test, groups=groups, seed=SEED)
    print(f"{name}: {evaluate.describe(rows[name])}")

# %%
table = pd.DataFrame(rows).T
table[["accuracy", "clip_accuracy", "macro_f1", "top3", "log_loss", "chance", "majority", "n_test"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"Test tracks of {DATASET} ({split.rule})", fontsize=9, wrap=True)
plt.show()

# %% [markdown]
# `clip_accuracy` counts single clips, `accuracy` counts tracks after the vote, `top3` counts a track as right if
# its class is among the three most probable, and `log_loss` punishes being sure and wrong. `macro_f1` gives every
# class the same weight, whatever its size.
#
# The bar is a 95 % interval: it redraws whole groups, because the tracks of one artist succeed and fail together.
# Its width is the honest answer to "how good is it?" with so few test artists. If two bars overlap widely, this
# test set cannot say which network is better, and the order of the dots is no finding.
#
# The bar leaves out another kind of luck. A training begins with drawn weights and meets the clips in a drawn order;
# with another seed, or after the least change of the sound, it ends elsewhere. Notebook 04 trained its networks with
# several seeds and measured how far they move. Here each network is trained once, so do not read a dot too closely.
#
# ### Class by class
#
# One figure for all classes hides the weak ones. *Precision*: of the tracks called by a class's name, how many
# belong to it. *Recall*: of its tracks, how many were found. The network with the lower validation loss is shown;
# choosing by the test set would be cheating.

# %%
chosen = min(histories, key=lambda name: min(histories[name]["val_loss"]))
y_pred = proba[chosen].argmax(axis=1)
print(chosen)
print(classification_report(y_true, y_pred, labels=range(len(dataset.classes)), target_names=dataset.classes,
                            zero_division=0))  # fmt: skip

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(6.4, 5.2))
ConfusionMatrixDisplay.from_predictions(
    y_true, y_pred, labels=range(len(dataset.classes)), display_labels=dataset.classes, cmap="Blues",
    xticks_rotation=45, colorbar=False, ax=ax,
)  # fmt: skip
ax.set(title=f"{chosen}: rows are true, columns are answers", xlabel="answer", ylabel="truth")
plt.show()

# %% [markdown]
# The diagonal counts what was right. Off the diagonal, read along a row: where do the tracks of this class go? A
# mistake between neighbours, such as rock and metal, means something else than one between classical and hip-hop.
#
# ### Listen to a mistake
#
# A figure says how often; a sound says why. This is the test track on which the network was most sure and wrong.

# %%
sure = np.where(y_pred == y_true, 0, proba[chosen].max(axis=1))
worst = tracks.loc[ids["test"][int(sure.argmax())]]
if sure.max() > 0:
    print(f"{worst['track_id']}: {worst['label']}, called {dataset.classes[y_pred[sure.argmax()]]} ({sure.max():.2f})")
else:
    print("No test track was mistaken; here is one of them.")
Audio(load_audio(worst["path"], sr=22050, max_seconds=10), rate=22050)

# %% [markdown]
# ## Which picture of sound?
#
# So far the network read log-mels. Is that a good choice? The older projects used other pictures: the plain
# spectrogram, the constant-Q transform, MFCC, harmonic and percussive parts side by side. Train the conv-pool network
# on each, with the same tracks, the same split and the same number of steps.
#
# To compare *pictures* and not sizes, the linear frequency axis is cut into as many bands as the mel picture has.
# The first two pictures have bands of equal width in hertz; the first keeps amplitudes, the second takes decibels.

# %%
sr, n_fft, hop_length, n_mels = (store.params[name] for name in ("sr", "n_fft", "hop_length", "n_mels"))


def pictures(y):
    """Six pictures of the sound y [shape=(n_samples,)], each [shape=(time, frequency)]."""
    S = np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop_length))
    linear = np.stack([band.mean(axis=0) for band in np.array_split(S[1:], n_mels)])
    mel = librosa.feature.melspectrogram(S=S**2, sr=sr, n_mels=n_mels)
    parts = librosa.decompose.hpss(np.sqrt(mel))
    S_db = librosa.power_to_db(mel, top_db=None)
    found = {
        "linear STFT": linear,
        "log-STFT": librosa.amplitude_to_db(linear, top_db=None),
        "log-mel": S_db,
        "CQT": librosa.amplitude_to_db(np.abs(librosa.cqt(y, sr=sr, hop_length=hop_length)), top_db=None),
        "MFCC": librosa.feature.mfcc(S=S_db, n_mfcc=20),
        "harmonic and percussive": np.concatenate([librosa.amplitude_to_db(part, top_db=None) for part in parts]),
    }
    return {name: picture.T.astype(np.float32) for name, picture in found.items()}


# %%
first = tracks.loc[ids["train"][0]]
y = load_audio(first["path"], sr=sr, offset=None, max_seconds=CLIP_SECONDS)
fig, axes = plt.subplots(2, 3, figsize=(11, 5), layout="constrained")
for ax, (name, picture) in zip(axes.flat, pictures(y).items()):
    low, high = np.percentile(picture, [2, 99.5])
    ax.imshow(picture.T, origin="lower", aspect="auto", extent=(0, CLIP_SECONDS, 0, picture.shape[1]), vmin=low, vmax=high)
    ax.set(title=name, xlabel="time (s)", ylabel="coefficient" if name == "MFCC" else "band")
plt.show()

# %% [markdown]
# The linear STFT is nearly black: a few loud partials take the whole range, and all else is close to zero. Decibels
# bring the quiet parts up. The mel axis gives the low octaves, where melody and chords live, more of the picture; in
# the CQT each octave has the same height. MFCC are smooth outlines of the mel columns; the first two, level and slope,
# outshine the rest until each is scaled. In the last picture, the lower half holds what is sustained and the upper
# half what is struck.
#
# The pictures of a few clips from the middle of each track fit into memory. A small class hands them out as the
# feature store does, so they are cut, scaled and fed the same way.

# %%
class Pictures:
    """One picture of each track in memory, read like a feature store."""

    def __init__(self, frames):
        self.frames = frames.__getitem__  # track_id -> [shape=(time, frequency)]
        rows = [(track_id, len(picture)) for track_id, picture in frames.items()]
        self.index = pd.DataFrame(rows, columns=["track_id", "n_frames"])


def picture_track(path):
    """Pictures of four clips from the middle of a track."""
    return pictures(load_audio(path, sr=sr, offset=None, max_seconds=4 * CLIP_SECONDS))


# %%
share = min(1.0, PICTURE_TRACKS / len(split.sides))
rng = np.random.default_rng(SEED)
some = {side: sorted(rng.permutation(ids[side])[: max(1, int(share * len(ids[side])))]) for side in splits.SIDES}
chosen_tracks = [track_id for side in splits.SIDES for track_id in some[side]]
pictured = Parallel(n_jobs=experiment["JOBS"])(delayed(picture_track)(path) for path in tracks.loc[chosen_tracks, "path"])
stores = {name: Pictures({t: p[name] for t, p in zip(chosen_tracks, pictured)}) for name in PICTURES}

# %%
ARRANGE = {"harmonic and percussive": [keras.layers.Reshape((-1, 2, n_mels)), keras.layers.Permute((1, 3, 2))]}


def train_on(name):
    """Train conv-pool on one kind of picture; return its answers to the test tracks."""
    cut = {"store": stores[name], "clip_frames": clip_frames}
    train = experiment.random_clips(some["train"], **cut)
    valid, test = (experiment.every_clip(some[side], **cut) for side in ("valid", "test"))
    keras.utils.set_random_seed(SEED)
    network = convpool(*clips.band_statistics(stores[name], some["train"]), arrange=ARRANGE.get(name, ()))
    network.compile(keras.optimizers.Adam(LEARNING_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    epochs = max(2, round(PICTURE_STEPS / len(train)))
    history = training.fit(network, train, valid, epochs=epochs, patience=epochs)
    groups = tracks.loc[some["test"], "group"].to_numpy()
    return network, history, *evaluate.by_track(network, test, groups=groups, seed=SEED)


# %% [markdown]
# The harmonic and the percussive half are laid behind each other as two channels, as the colours of a photo are, so
# that one pattern sees both at the same place.

# %%
trained = {name: train_on(name) for name in stores}
by_picture = pd.DataFrame({name: row for name, (*_, row) in trained.items()}).T
by_picture["parameters"] = [network.count_params() for network, *_ in trained.values()]
by_picture[["accuracy", "accuracy_low", "accuracy_high", "clip_accuracy", "log_loss", "chance", "n_test", "parameters"]]

# %% tags=["key-figure"]
fig, ax = plotting.intervals(by_picture, chance=by_picture["chance"].iloc[0])
ax.set_title(f"conv-pool on {len(stores)} pictures, {PICTURE_STEPS} steps each: test tracks of {DATASET}", fontsize=9)
plt.show()

# %% [markdown]
# Look first at the pair at the top: the same bands, once as amplitudes and once in decibels. Then at the pair below:
# decibels on both, once on hertz and once on mel. The rest is fine detail, and the intervals say how much of it this
# test set can tell apart. MFCC hold a third of the numbers and are therefore the cheapest.
#
# ## Results
#
# Each network is saved as a `.keras` file, with the scaling inside. So is its **card**: what the network expects and
# answers, which data taught it and under which licence, how it was split, what it scored. A copy of the card stands
# beside the file, for people. The figures and the answers to the test tracks also go to small files, from which the
# leaderboard is made.

# %%
inputs = {**store.params, "clip_frames": clip_frames}
for name, network in networks.items():
    told = {"network": network, "history": histories[name], "inputs": inputs}
    print(experiment.record(name, rows[name], proba=proba[name], **told))

# %%
for name, (network, history, answers, row) in trained.items():
    told = {"network": network, "history": history, "track_ids": some["test"]}
    inputs_of_it = {**inputs, "kind": "picture", "picture": name}
    experiment.record("convpool-" + name.lower().replace(" ", "-"), row, proba=answers, inputs=inputs_of_it, **told)

# %% [markdown]
# A network that cannot be loaded is lost. Load it again and ask the same question.

# %%
again = keras.models.load_model(f"{OUT_DIR}/models/{DATASET}/{RUN_NAME}-{chosen}.keras", safe_mode=True)
same = np.allclose(evaluate.predict(again, test), evaluate.predict(networks[chosen], test), atol=1e-5)
print("the saved network gives the same answer:", same)

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- Convolution and pooling brought a clip of {X_batch.shape[1]} × {X_batch.shape[2]} points down to "
    f"{len(dataset.classes)} probabilities, with {counts['conv-pool']:,} and {counts['conv-conv-pool']:,} parameters; "
    f"a flattened ending would have {counts['conv-conv-pool, flattened']:,}.\n"
    f"- The best epochs were {np.argmin(histories['convpool']['val_loss']) + 1} of {len(histories['convpool']['loss'])} "
    f"and {np.argmin(histories['convconvpool']['val_loss']) + 1} of {len(histories['convconvpool']['loss'])}; their "
    f"weights were kept.\n"
    f"- On tracks never heard, conv-pool: {evaluate.describe(rows['convpool'])}; conv-conv-pool: "
    f"{evaluate.describe(rows['convconvpool'])}. By single clips they would score "
    f"{rows['convpool']['clip_accuracy']:.2f} and {rows['convconvpool']['clip_accuracy']:.2f}."
)

# %% [markdown]
# ## Exercises
#
# 1. Replace `GlobalAveragePooling2D` by `GlobalMaxPooling2D`. What does the network now ask of a clip?
# 2. Train with `CLIP_SECONDS` 1 and 8. Which gains more from the vote? *Hint: compare `clip_accuracy`.*
# 3. Take the scaling layer out. How many epochs does the network need now? *Hint: `start()`.*
# 4. Train conv-pool with five seeds. Is the spread of the dots narrower than the bar? *Hint:
#    `keras.utils.set_random_seed` and `RandomClips` take the seed; the split stays.*
#
# ## Next
#
# Notebook 06 trains these networks with augmented clips, at equal training effort.
#
# **References.** K. Simonyan, A. Zisserman, *Very deep convolutional networks for large-scale image recognition*,
# 2015. M. Lin et al., *Network in network*, 2014 (global average pooling). J. Pons et al., *Experimenting with
# musically motivated convolutional neural networks*, CBMI 2016.
