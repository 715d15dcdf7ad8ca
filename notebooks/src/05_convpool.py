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
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/OWNER/music-classification/blob/main/notebooks/05_convpool.ipynb)
#
# *5 minutes · needs nothing: it makes features and split itself · writes `models/` and `metrics/`*
#
# A log-mel spectrogram is a picture, so networks that read pictures can read music. This notebook builds the two
# classic designs, one convolution before each pooling and two of them, trains both on the same clips, and reports
# on tracks of artists that neither has heard. There is no augmentation here: notebook 06 adds it to these very
# networks.
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

REPOSITORY = "https://github.com/OWNER/music-classification"
folders = [Path.cwd(), *Path.cwd().parents, Path.cwd() / "music-classification"]
ROOT = next((p for p in folders if (p / "helpers" / "datasets.py").exists()), None)
if ROOT is None:
    ROOT = folders[-1]
    if subprocess.run(["git", "clone", "--depth", "1", REPOSITORY, str(ROOT)]).returncode:
        raise SystemExit(f"This notebook needs its series: copy {REPOSITORY} to {ROOT}.")
    lines = (ROOT / "requirements.txt").read_text().split("# tools")[0].splitlines()
    needed = filter(None, [line.partition("#")[0].strip() for line in lines])
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *needed], check=True)
os.chdir(ROOT)
sys.path.insert(0, str(ROOT))

# %%
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from tqdm.keras import TqdmCallback

from helpers import clips, datasets, evaluate, features, plotting, splits
from helpers.audio import load_audio

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "05_convpool"  # name of this step in the leaderboard
CLASSES: list = []  # keep these classes only; empty keeps all
DATASET_OPTIONS: dict = {}  # further arguments of helpers.datasets.load
SPLIT_NAME: str = "split"  # the split file is OUT_DIR/SPLIT_NAME.csv; an existing file is used
SPLIT_RULE: str = "auto"  # auto, official, group or track
FOLD: int = 0  # which fifth of the groups is the test set, where no official list is
SR: int = 22050  # sample rate in hertz that all audio is brought to
N_FFT: int = 2048  # window of the Fourier transform in samples
HOP_LENGTH: int = 512  # distance between frames in samples
N_MELS: int = 64  # number of mel bands
MAX_SECONDS: float = 30.0  # longest excerpt of a track that is used
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
CLIPS_PER_TRACK: int = 4  # random clips that an epoch draws from each training track
EPOCHS: int = 40  # most epochs to train
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
BATCH_SIZE: int = 32  # clips in a training batch
LEARNING_RATE: float = 0.001  # of the Adam optimizer
BALANCED: bool = False  # draw all classes equally often in training
JOBS: int = 2  # number of files read at the same time
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# The same three calls as in notebook 03: load the table of tracks, fill the feature store, divide. What exists
# already is not computed again, so in a study these cells take seconds, and in an empty folder they make all that
# is missing.

# %%
dataset = datasets.load(DATASET, DATA_DIR, classes=CLASSES or None, **DATASET_OPTIONS)
store = features.extract(
    dataset.tracks, f"{OUT_DIR}/features", sr=SR, n_fft=N_FFT, hop_length=HOP_LENGTH, n_mels=N_MELS,
    max_seconds=MAX_SECONDS, jobs=JOBS,
)  # fmt: skip

# %% [markdown]
# Tracks that could not be read are rows with a reason in the store. They take no part, and we say how many they are.

# %%
usable = store.index.loc[store.index["status"] == "ok", "track_id"]
tracks = dataset.tracks[dataset.tracks["track_id"].isin(usable)].set_index("track_id", drop=False).rename_axis(None)
print(f"{len(tracks)} of {len(dataset.tracks)} tracks can be used.")

# %% [markdown]
# The audit runs before every training, however often it has run before: no artist and no near-duplicate may stand
# on both sides. A split file can be exchanged, a track can be added, and a leak gives no error. It only gives a
# better figure, and nobody doubts those.

# %%
duplicates = splits.near_duplicates(splits.fingerprints(store, tracks.index))
split = splits.make(
    tracks, f"{OUT_DIR}/{SPLIT_NAME}.csv", rule=SPLIT_RULE, fold=FOLD, seed=SEED,
    duplicates=duplicates,
)  # fmt: skip
split = splits.mend(split, duplicates)
splits.check(split, tracks, duplicates)
print(split.rule)
split.sides.value_counts()[list(splits.SIDES)]

# %% [markdown]
# Y is the position of a track's label in the sorted list of classes. Clips inherit it from their track. That is a
# simplification worth knowing: three seconds of a drum fill carry the label of the whole song.

# %%
Y = pd.Series(pd.Categorical(tracks["label"], categories=dataset.classes).codes.astype(int), tracks.index)
clip_frames = round(CLIP_SECONDS * store.frames_per_second)
ids = {side: split.ids(side) for side in splits.SIDES}


# %% [markdown]
# Two ways to cut clips. For validation and test, every clip of a track, in order. For training, clips from random
# places, new ones in each epoch: a network that meets other three seconds of a song every time has a harder time
# remembering the song. The seed makes both networks of this notebook meet the same clips.

# %%
def every_clip(side):
    """All clips of one side of the split."""
    return clips.EveryClip(store, ids[side], Y[ids[side]].to_numpy(), clip_frames=clip_frames)


# %%
def random_clips():
    """Training clips, the same sequence for each network."""
    return clips.RandomClips(
        store, ids["train"], Y[ids["train"]].to_numpy(), clip_frames=clip_frames, seed=SEED,
        clips_per_track=CLIPS_PER_TRACK, batch_size=BATCH_SIZE, balanced=BALANCED,
    )  # fmt: skip


# %%
X_batch, Y_batch = random_clips()[0]
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
def start():
    """Input of any length in time, and the scaling of each mel band (axis 2)."""
    return [
        keras.layers.Input((None, store.n_mels, 1)),
        keras.layers.Normalization(axis=2, mean=mean, variance=variance),
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
def convpool():
    """One convolution before each pooling."""
    layers = start()
    for filters, pool in BLOCKS:
        layers += [*convolution(filters), keras.layers.MaxPooling2D(pool)]
    return keras.Sequential(layers + answer(), name="convpool")


# %% [markdown]
# **conv-conv-pool**: two convolutions before each pooling, as in VGG. The second sees 5 × 5 points through two
# steps with a bend between, so it can combine what the first found.

# %%
def convconvpool():
    """Two convolutions before each pooling."""
    layers = start()
    for filters, pool in BLOCKS:
        layers += [*convolution(filters), *convolution(filters), keras.layers.MaxPooling2D(pool)]
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
def train(build):
    """Train one network; return it with its history and the seconds it took."""
    keras.utils.set_random_seed(SEED)
    network = build()
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    network.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = [
        keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=max(1, PATIENCE // 2)),
        TqdmCallback(verbose=0),
    ]
    begin = time.perf_counter()
    history = network.fit(
        random_clips(), validation_data=every_clip("valid"), epochs=EPOCHS, callbacks=callbacks, verbose=0,
        shuffle=False,
    )  # fmt: skip
    return network, history.history, time.perf_counter() - begin


# %%
networks, histories, seconds = {}, {}, {}
for build in (convpool, convconvpool):
    name = build.__name__
    networks[name], histories[name], seconds[name] = train(build)
    print(f"{name}: {len(histories[name]['loss'])} epochs, best {np.argmin(histories[name]['val_loss']) + 1}")

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
test = every_clip("test")
y_true = Y[ids["test"]].to_numpy()
groups = tracks.loc[ids["test"], "group"].to_numpy()

# %%
proba, rows = {}, {}
for name, network in networks.items():
    of_clips = network.predict(test, verbose=0)
    proba[name] = evaluate.track_proba(of_clips, test.owner)
    rows[name] = evaluate.scores(y_true, proba[name], groups=groups, seed=SEED)
    rows[name]["clip_accuracy"] = float((of_clips.argmax(1) == test.y).mean())
    print(f"{name}: {evaluate.describe(rows[name])}")

# %%
table = pd.DataFrame(rows).T
table[["accuracy", "clip_accuracy", "macro_f1", "top3", "log_loss", "chance", "majority", "n_test"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"Test tracks of {DATASET} ({split.rule})", fontsize=9)
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
Audio(load_audio(worst["path"], sr=SR, max_seconds=10), rate=SR)

# %% [markdown]
# ## Results
#
# Networks are saved as `.keras` files, with the scaling inside. The figures go to one small file each, from which
# the study makes its leaderboard: model, split, n, interval, chance, parameters and time.

# %%
os.makedirs(f"{OUT_DIR}/models", exist_ok=True)
for name, network in networks.items():
    network.save(f"{OUT_DIR}/models/{RUN_NAME}-{name}.keras")

# %%
for name, network in networks.items():
    history = histories[name]
    evaluate.save_metrics(
        f"{OUT_DIR}/metrics/{RUN_NAME}-{name}.json",
        {"model": name, "notebook": RUN_NAME, "dataset": DATASET, "split": split.rule, **rows[name],
         "parameters": network.count_params(), "train_seconds": round(seconds[name], 1),
         "epochs": len(history["loss"]), "first_loss": history["loss"][0], "last_loss": history["loss"][-1],
         "best_val_loss": min(history["val_loss"]), "seed": SEED},
    )  # fmt: skip

# %% [markdown]
# A network that cannot be loaded is lost. Load it again and ask the same question.

# %%
again = keras.models.load_model(f"{OUT_DIR}/models/{RUN_NAME}-{chosen}.keras", safe_mode=True)
batch = test[0][0]
same = np.allclose(again(batch, training=False), networks[chosen](batch, training=False), atol=1e-5)
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
#
# ## Next
#
# Notebook 06 trains these networks with augmented clips, at equal training effort.
#
# **References.** K. Simonyan, A. Zisserman, *Very deep convolutional networks for large-scale image recognition*,
# 2015. M. Lin et al., *Network in network*, 2014 (global average pooling). J. Pons et al., *Experimenting with
# musically motivated convolutional neural networks*, CBMI 2016.
