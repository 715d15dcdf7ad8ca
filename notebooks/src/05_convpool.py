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
# *reading 12 minutes · computing 2 minutes · needs nothing: it makes features and split itself · writes `models/` and `metrics/`*
#
# A log-mel spectrogram is a picture, so networks that read pictures can read music. Can they tell genres apart, by
# artists whom they have never heard? This notebook builds the two classic designs, one convolution before each pooling
# and two of them, and trains both until they stop getting better. Then one of them reads other pictures of sound.
#
# **You will learn**
#
# - how convolution and pooling turn a spectrogram into one answer, layer by layer;
# - how to train so that the best epoch is kept and the test set stays untouched;
# - how to report the result: by track, with an interval, beside chance, class by class.
#
# **Before you start**: notebook 03 explains clips and the split. You should know what a layer and a loss are.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from types import SimpleNamespace

import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown
from sklearn.metrics import ConfusionMatrixDisplay

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
PICTURES: list = ["linear STFT", "log-mel", "MFCC"]  # pictures of sound that a network is trained on
PICTURE_TRACKS: int = 300  # most tracks that are pictured in these ways
EPOCHS: int = 60  # most epochs to train
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
CONV_RATE: float = 0.003  # learning rate of Adam for these networks
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# `Experiment` does in one call what notebook 03 builds step by step: table of tracks, feature store, split, Y. It
# audits the split before every training, however often that has happened before. A leak gives no error. It gives a
# better figure, and nobody doubts a better figure.
#
# A **clip** inherits the label of its track. That is a simplification: three seconds of a drum fill carry the label of
# the whole song. Clips are cut in two ways. For validation and test, all clips of a track, in order. For training, clips from random places, new ones in each epoch: a network that meets three different
# seconds of a song every time has a harder time remembering the song. The seed makes all networks of this notebook meet the same clips.

# %%
experiment = Experiment(globals())
dataset, store, tracks, split = experiment.dataset, experiment.store, experiment.tracks, experiment.split
ids, clip_frames = experiment.ids, experiment.clip_frames
X_batch, Y_batch = experiment.random_clips()[0]
print(experiment)
print("a batch: X", X_batch.shape, "= (clips, time, frequency, channel); Y", Y_batch.shape)

# %% [markdown]
# ## Convolution and pooling, by hand
#
# A **convolution** slides a small pattern over the picture and says, at each place, how well it fits. The pattern is a
# little table of weights. Multiply it with the points below it and add up: a large sum means that it fits. A network
# finds its weights itself. To see what it does, write two by hand, each 3 moments × 3 bands:
#
# - *onset*: loud now, quiet before;
# - *held note*: louder than the bands below and above it, for three moments.
#
# **Pooling** keeps the strongest answer of a neighbourhood, here of 4 × 4 places. The next patterns then see a wider
# stretch of music in a smaller picture.

# %%
onset, held_note = [[-1, -1, -1], [0, 0, 0], [1, 1, 1]], [[-1, 2, -1]] * 3  # rows are moments, columns are bands


def fits(pattern, X):
    """How well a pattern [shape=(3, 3)] fits at each place of the clips X; where it does not, 0."""
    kernel = np.reshape(pattern, (3, 3, 1, 1)).astype(np.float32)
    return keras.ops.relu(keras.ops.conv(X, kernel))


X = X_batch[:1]
shown = {"the clip": X, "held note": fits(held_note, X), "onset": fits(onset, X)}
shown |= {"onset, pooled": keras.ops.max_pool(shown["onset"], 4, padding="same")}
shown = {name: np.asarray(picture)[0, ..., 0] for name, picture in shown.items()}

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 4, figsize=(12, 3.2), sharey=True, layout="constrained")
for ax, (name, picture) in zip(axes, shown.items()):
    im = ax.imshow(picture.T, origin="lower", aspect="auto", extent=(0, CLIP_SECONDS, 0, store.n_mels))
    ax.set(title=name, xlabel="time (s)")
    fig.colorbar(im, ax=ax, label="level (dB)" if name == "the clip" else "how well it fits")
axes[0].set_ylabel("mel band")
plt.show()

# %%
when, line = shown["onset"].mean(axis=1).argmax() + 1, shown["held note"].mean(axis=0).argmax() + 1
Markdown(
    f"*Held note* draws lines; on average over the clip, the strongest lies at mel band {line}. *Onset* draws columns; on "
    f"average over all bands, it fits best at {when / store.frames_per_second:.1f} s. The strongest single answer, "
    f"{shown['onset'].max():.0f}, may lie elsewhere. Pooling leaves {shown['onset, pooled'].size:,} of {shown['onset'].size:,} "
    "answers, that one among them."
)

# %% [markdown]
# ## Two networks
#
# A network stacks such steps: patterns of sounds, then patterns of patterns. At the end, **global average pooling over
# time** asks how often each pattern occurred in the clip, at each height. This fits music: a backbeat counts wherever
# it stands in the clip, but a bass is not a cymbal.
#
# The first layer subtracts the mean of each mel band and divides by its standard deviation. Both come from training
# clips only, and they are saved inside the network: whoever loads the file cannot forget to scale, and cannot scale
# with other numbers.

# %%
mean, variance = clips.band_statistics(store, ids["train"])


def start(mean, variance):
    """Input of any length in time, and the scaling of each band (axis 2) of the one channel (axis 3)."""
    return [
        keras.layers.Input((None, len(mean), 1)),
        keras.layers.Normalization(axis=(2, 3), mean=mean[:, None], variance=variance[:, None]),
    ]


# %% [markdown]
# Behind each convolution stand two small steps. **Batch normalization** keeps the answers of a layer in a range where
# the next one can learn. **ReLU** drops negative answers: "does not fit" and "does not fit at all" become the same.
# Where there is pooling, it comes first, so that both have fewer numbers to work on.
#
# The end: lay the bands of each moment side by side, average over all moments, decide. **Dropout** hides half of the
# numbers from the last layer during training, so that it cannot rest on a single one. **Softmax** turns the scores of
# the classes into probabilities that sum to one.

# %%
def convolution(filters, *pooling):
    """3 × 3 patterns, perhaps pooling, normalization and ReLU."""
    return [
        keras.layers.Conv2D(filters, 3, padding="same", use_bias=False),
        *pooling,
        keras.layers.BatchNormalization(momentum=0.9),  # its averages follow fast: an epoch has few batches
        keras.layers.Activation("relu"),
    ]


def answer():
    """How often did each pattern occur, and which class does that speak for?"""
    return [
        keras.layers.TimeDistributed(keras.layers.Flatten()),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dropout(0.5, seed=SEED),
        keras.layers.Dense(len(dataset.classes), activation="softmax"),
    ]


# %% [markdown]
# Both networks share a plan: three blocks, with more patterns in each, because patterns can be combined in more ways
# than there are patterns. After the last pooling, one moment stands for 32 frames. **conv-pool** has one convolution before each
# pooling. **conv-conv-pool** has two, as in VGG: the second combines what the first found, over 5 × 5 points.

# %%
BLOCKS = [(16, (4, 4)), (32, (4, 4)), (64, (2, 2))]  # patterns, and pooling over (time, frequency)


def convpool(mean=mean, variance=variance, arrange=()):
    """One convolution before each pooling; `arrange` may rearrange the picture first."""
    layers = [*start(mean, variance), *arrange]
    for filters, pool in BLOCKS:
        layers += convolution(filters, keras.layers.MaxPooling2D(pool, padding="same"))
    return keras.Sequential(layers + answer(), name="convpool")


def convconvpool():
    """Two convolutions before each pooling."""
    layers = start(mean, variance)
    for filters, pool in BLOCKS:
        layers += [*convolution(filters), *convolution(filters, keras.layers.MaxPooling2D(pool, padding="same"))]
    return keras.Sequential(layers + answer(), name="convconvpool")


# %% [markdown]
# Send the batch through before training, and look at the shape after each step. A wrong axis shows here in a second;
# after training it shows as a disappointing figure that nobody can explain.

# %%
X, shapes = X_batch, {}
for layer in convpool().layers:
    X = layer(X)
    shapes[layer.name] = str(tuple(X.shape))
pd.Series(shapes, name="(clips, time, frequency, patterns)").drop_duplicates().to_frame()

# %% [markdown]
# Read it from top to bottom. Time and frequency shrink with each pooling, and the number of patterns grows. The average
# removes time, and one number for each class is left.
#
# A common mistake is to end such a network with a *flatten* and a dense layer: each place of the last picture then gets
# weights of its own.

# %%
counts = {network.name: network.count_params() for network in (convpool(), convconvpool())}
dense = ((1024 // 8) * (128 // 8) * BLOCKS[-1][0] + 1) * 256  # the picture after three poolings by 2, times 256
Markdown(
    f"conv-pool has {counts['convpool']:,} parameters and conv-conv-pool {counts['convconvpool']:,}. A network that was built "
    f"with a flatten, for 128 mel bands × 1024 frames, three times pooled by 2, has {dense:,} in one dense layer of 256."
)

# %% [markdown]
# Such a network also knows *when* in the clip something happened, which is no virtue here: a clip starts at a
# random place. Global pooling gives up the moment and the weights that go with it: few here, where three moments are left,
# and millions in a network such as the one just counted. A parameter is a place where a training song can be remembered.
#
# ## Training
#
# Both networks get the same clips in the same order. After each epoch the validation loss says whether these weights
# are the best so far. **Early stopping**: when `PATIENCE` epochs bring nothing better, training ends and goes back to
# the best epoch. Halfway there, the learning rate is cut to a third, because a smaller step sometimes finds what a
# large one jumps over. The test set plays no part in this. If it chose the epoch, its figure would be the best of many
# draws, not a measurement.

# %%
def train(network, X, valid):
    """Train a network until the validation loss no longer falls; return its history."""
    network.compile(keras.optimizers.Adam(CONV_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return training.fit(network, X, valid, epochs=EPOCHS, patience=PATIENCE)


# %%
networks, histories, valid = {}, {}, experiment.every_clip("valid")
for build in (convpool, convconvpool):
    keras.utils.set_random_seed(SEED)
    network = build()
    histories[network.name] = train(network, experiment.random_clips(), valid)
    networks[network.name] = network

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6))
for ax, metric in zip(axes, ("loss", "accuracy")):
    plotting.history(histories, metric=metric, ax=ax)
axes[1].axhline(1 / len(dataset.classes), color="0.5", ls=":", label="chance")
axes[0].set(title="Loss of clips; the dot is the epoch that is kept")
axes[1].set(title="Accuracy of the same clips", ylim=(0, 1))
axes[1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
axes[0].legend().remove()
plt.show()


def told(name):
    """Say how a training went: its best epoch, and how far training and validation part there."""
    curves = histories[name]
    n, best = len(curves["loss"]), int(np.argmin(curves["val_loss"]))
    seen, unseen = curves["accuracy"][best], curves["val_accuracy"][best]
    end = "early stopping ended it" if n - best > PATIENCE else f"the limit of {EPOCHS} epochs cut it off"
    return (f"**{name}**: the best epoch was {best + 1} of {n}, then {end}. At its best epoch it was right for {seen:.0%} of the training "
            f"clips and {unseen:.0%} of the validation clips: they part by {100 * seen - 100 * unseen:.0f} points.")  # fmt: skip


Markdown(" ".join(map(told, networks)))

# %% [markdown]
# Solid lines are validation, dashed lines training. Where the dashed line goes on and the
# solid one stays, the network remembers the training artists instead of learning genres: **overfitting**. The true gap is wider than the
# drawn one, because training clips are counted while dropout hides numbers. The solid line is restless: it rests on few
# artists, so which epoch is "best" is partly luck.
#
# ## The test
#
# Now, once, the test tracks. Each clip gives a probability for every class. A track's answer is the mean over its clips:
# they **vote**. One clip may fall into a break or a solo that sounds like something else; the mean forgives it.

# %%
test, groups, proba, rows = experiment.every_clip("test"), experiment.groups["test"], {}, {}
for name, network in networks.items():
    proba[name], rows[name] = evaluate.by_track(network, test, groups=groups, seed=SEED)
table = pd.DataFrame(rows).T
table[["accuracy", "accuracy_low", "accuracy_high", "clip_accuracy", "macro_f1", "top3", "chance", "n_test"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"Test tracks of {DATASET} ({split.rule})", fontsize=9)
plt.show()


# %%
def verdict(first, other, found):
    """Say in words what `evaluate.compare` found about the first of two models and the other."""
    low, high = found["difference_low"], found["difference_high"]
    who = f"{first} is better" if low > 0 else f"{other} is better" if high < 0 else "this test cannot tell them apart"
    return f"{first} minus {other} is {found['difference']:+.2f} [{low:+.2f}, {high:+.2f}]: {who}"


# %%
found = evaluate.compare(test.Y, proba["convconvpool"], proba["convpool"], groups=groups, seed=SEED)
votes = [f"{name} from {row['clip_accuracy']:.2f} to {row['accuracy']:.2f}" for name, row in rows.items()]
Markdown(
    f"The vote of the clips brings {' and '.join(votes)}; chance is {1 / len(dataset.classes):.2f}. On the same tracks, "
    f"{verdict('convconvpool', 'convpool', found)}."
)

# %% [markdown]
# `clip_accuracy` counts single clips, `accuracy` counts tracks after the vote, and `top3` counts a track as right if its
# class is among the three most probable. `macro_f1` gives every class the same weight, whatever its size.
#
# The bar is a **95 % interval**: it redraws whole groups, because the tracks of one artist succeed and fail together. The
# difference has an interval of its own, which is narrower than the two bars suggest, since both networks met the same
# tracks. It leaves out another kind of luck: with another seed, each training ends elsewhere.
#
# ### Class by class
#
# One figure for all classes hides the weak ones. In the **confusion matrix** a row is what a track is and a column is
# what it was taken for. Shown is the network with the lower validation loss; choosing by the test set would be cheating.

# %% tags=["key-figure"]
chosen = min(histories, key=lambda name: min(histories[name]["val_loss"]))
y_true, y_pred = test.Y, proba[chosen].argmax(axis=1)
shown = {"labels": range(len(dataset.classes)), "display_labels": dataset.classes, "xticks_rotation": 45}
fig, ax = plt.subplots(figsize=(6.4, 5.2))
drawing = ConfusionMatrixDisplay.from_predictions(y_true, y_pred, **shown, cmap="Blues", colorbar=False, ax=ax)
drawing.ax_.set(title=f"{chosen}: {len(y_true)} test tracks", xlabel="what the network said", ylabel="what it was")
plt.show()

# %%
of_class = pd.DataFrame(drawing.confusion_matrix, dataset.classes, dataset.classes)
right, total = pd.Series(np.diag(of_class), of_class.index), of_class.sum(axis=1)
share, worst = right / total, (right / total).idxmin()
best, lost = ", ".join(f"*{name}*" for name in share.index[share == share.max()]), of_class.loc[worst].drop(worst)
said = f"{lost.max()} went to *{lost.idxmax()}*" if lost.any() else "it missed nothing"
Markdown(
    f"On these tracks, most often found: {best}, {share.max():.0%} of the time. *{worst}* was found {right[worst]} of "
    f"{total[worst]} times; {said}."
)

# %% [markdown]
# The share of a class's tracks that is found is its **recall**. A figure says how often; a sound says why. Listen to the
# test track that got the wrong answer of which the network was surest.

# %%
at = int(np.where(y_pred == y_true, 0, proba[chosen].max(axis=1)).argmax())  # the surest mistake
mistake = tracks.loc[ids["test"][at]]
print(f"a {mistake['label']} track, called {dataset.classes[y_pred[at]]} with probability {proba[chosen][at].max():.2f}")
Audio(load_audio(mistake["path"], sr=22050, max_seconds=5), rate=22050)

# %% [markdown]
# ## Which picture of sound?
#
# So far the networks read log-mels. Is that a good choice? People use other pictures: the plain spectrogram, the
# constant-Q transform, MFCC, harmonic and percussive parts side by side. So that linear and
# mel differ in the axis and not in size, the linear frequency axis is cut into as many bands as the mel picture has. The
# other pictures keep sizes of their own.

# %%
sr, n_fft, hop_length, n_mels = (store.params[name] for name in ("sr", "n_fft", "hop_length", "n_mels"))


def linear(y):
    """The amplitudes of the STFT, in as many bands as the mel picture has, all of the same width in hertz."""
    S = np.abs(librosa.stft(y, n_fft=n_fft, hop_length=hop_length))
    return np.stack([band.mean(axis=0) for band in np.array_split(S[1:], n_mels)])


def in_db(S):
    """Amplitudes in decibels; what is quiet stays."""
    return librosa.amplitude_to_db(S, top_db=None)


def mel(y):
    """The mel spectrogram, as amplitudes."""
    return np.sqrt(librosa.feature.melspectrogram(y=y, sr=sr, n_fft=n_fft, hop_length=hop_length, n_mels=n_mels))


PAINT = {
    "linear STFT": linear,
    "log-STFT": lambda y: in_db(linear(y)),
    "log-mel": lambda y: in_db(mel(y)),
    "CQT": lambda y: in_db(np.abs(librosa.cqt(y, sr=sr, hop_length=hop_length))),
    "MFCC": lambda y: librosa.feature.mfcc(S=in_db(mel(y)), n_mfcc=20),
    "harmonic and percussive": lambda y: in_db(np.concatenate(librosa.decompose.hpss(mel(y)))),
}

# %% tags=["key-figure"]
y = load_audio(tracks.loc[ids["train"][0], "path"], sr=sr, offset=None, max_seconds=CLIP_SECONDS)
fig, axes = plt.subplots(2, 3, figsize=(11, 5), layout="constrained")
dark = {}
for ax, (name, paint) in zip(axes.flat, PAINT.items()):
    picture = paint(y)
    low, high = np.percentile(picture, [2, 99.5])
    dark[name] = (picture < low + (high - low) / 10).mean()
    ax.imshow(picture, origin="lower", aspect="auto", extent=(0, CLIP_SECONDS, 0, len(picture)), vmin=low, vmax=high)
    ax.set(title=name, xlabel="time (s)", ylabel="coefficient" if name == "MFCC" else "band")
plt.show()

# %%
Markdown(
    f"All six show the same {CLIP_SECONDS:g} seconds. In the linear STFT, {dark['linear STFT']:.0%} of the points lie in the "
    f"darkest tenth of the colours: a few loud partials take the rest. In decibels it is {dark['log-STFT']:.0%}."
)

# %% [markdown]
# The mel axis gives the low octaves, where melody and chords live, more of the picture; in the CQT each octave has the
# same height. MFCC describe the outline of each mel column: the first two, level (dark) and slope (bright), take nearly
# the whole range of colours until each is scaled. In the last picture, the lower half holds what is sustained and the upper half what is struck.
#
# Now train conv-pool on the pictures named in `PICTURES`, each time with the same tracks, the same clips and the same
# early stopping. Each training goes to its end: after a fixed number of steps, a picture that is learned slowly would
# look worse than it is. That takes time, so by default not all six are trained. Add a name to `PICTURES` to train on it.
# The pictures fit into memory; a small function hands them out as the feature store does. Harmonic and percussive halves are
# laid behind each other as two channels, as the colours of a photo are, so that one pattern sees both at the same place.

# %%
def as_store(frames):
    """Pictures in memory [shape=(time, frequency)] of each track, read like a feature store."""
    index = pd.DataFrame({"track_id": list(frames), "n_frames": [len(picture) for picture in frames.values()]})
    return SimpleNamespace(frames=frames.__getitem__, index=index)


n, some = len(split.sides), ids
if n > PICTURE_TRACKS:
    rng = np.random.default_rng(SEED)
    some = {side: rng.permutation(ids[side])[: max(1, PICTURE_TRACKS * len(ids[side]) // n)] for side in splits.SIDES}
stores = {name: {} for name in PICTURES if name != "log-mel" or some is not ids}  # else conv-pool has learned it above
for track_id in [t for side in splits.SIDES for t in some[side]]:
    y = load_audio(tracks.loc[track_id, "path"], sr=sr, offset=None, max_seconds=store.params["max_seconds"])
    for name, frames in stores.items():
        frames[track_id] = PAINT[name](y).T.astype(np.float32)
stores = {name: as_store(frames) for name, frames in stores.items()}

# %%
truth, artists = experiment.Y[some["test"]].to_numpy(), tracks.loc[some["test"], "group"].to_numpy()
ARRANGE = {"harmonic and percussive": [keras.layers.Reshape((-1, 2, n_mels)), keras.layers.Permute((1, 3, 2))]}


def train_on(name):
    """Train conv-pool on one kind of picture; return it with its history, answers and scores."""
    if name not in stores:
        return networks["convpool"], histories["convpool"], proba["convpool"], rows["convpool"]
    cut = {"store": stores[name], "clip_frames": clip_frames}
    valid = experiment.every_clip(some["valid"], **cut)
    keras.utils.set_random_seed(SEED)
    network = convpool(*clips.band_statistics(stores[name], some["train"]), arrange=ARRANGE.get(name, ()))
    history = train(network, experiment.random_clips(some["train"], **cut), valid)
    return network, history, *evaluate.by_track(network, experiment.every_clip(some["test"], **cut), groups=artists, seed=SEED)


trained = {name: train_on(name) for name in PICTURES}
by_picture = pd.DataFrame({name: row for name, (*_, row) in trained.items()}).T
losses = [history["val_loss"] for _, history, *_ in trained.values()]
by_picture = by_picture.assign(best_epoch=[np.argmin(loss) + 1 for loss in losses], epochs=[len(loss) for loss in losses])
by_picture[["accuracy", "accuracy_low", "accuracy_high", "clip_accuracy", "chance", "n_test", "best_epoch", "epochs"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(by_picture, chance=by_picture["chance"].iloc[0])
ax.set_title(f"conv-pool on {len(by_picture)} pictures of sound: test tracks of {DATASET}", fontsize=9)
plt.show()

# %%
usual, score = "log-mel" if "log-mel" in trained else PICTURES[0], by_picture["accuracy"]
pairs = [(name, usual) for name in trained if name != usual]
pairs += [("log-STFT", "linear STFT")] if {"log-STFT", "linear STFT"} <= set(trained) else []
found = [evaluate.compare(truth, trained[a][2], trained[b][2], groups=artists, seed=SEED) for a, b in pairs]
lowest = score.index[score.astype(float).round(2) == round(score.min(), 2)]
early = by_picture["epochs"] - by_picture["best_epoch"] >= PATIENCE
Markdown(
    f"*{score.idxmax()}* scores highest, {score.max():.2f}, and {' and '.join(f'*{name}*' for name in lowest)} lowest, {score.min():.2f}. On the same "
    f"{len(truth)} tracks, " + "; ".join(verdict(*pair, f) for pair, f in zip(pairs, found)) + ". Early stopping "
    f"ended {early.sum()} of the {len(early)} trainings; {len(early) - early.sum()} ran into the limit of {EPOCHS} epochs."
)

# %% [markdown]
# *Linear STFT* and *log-mel* differ in two things: amplitudes or decibels, and bands of equal width in hertz or in mel. Add
# *log-STFT* to `PICTURES` to take the two apart. MFCC hold a third of the numbers and are therefore the cheapest. Where
# the order is not the one you expected, remember the width of the bars: one training each, and few test artists.
#
# ## Results
#
# Each network is saved as a `.keras` file, with the scaling inside. So is its **card**: what the network expects and
# answers, which data taught it and under which licence, how it was split, what it scored. A copy of the card stands
# beside the file, for people. The scores and the answers to the test tracks go to small files, from which the
# leaderboard is made. Networks that were trained to show what one part is worth are ablations, a table of their own.

# %%
inputs = {**store.params, "clip_frames": clip_frames}
for name, network in networks.items():
    experiment.record(name, rows[name], proba=proba[name], network=network, history=histories[name], inputs=inputs)
for name in stores:
    network, history, answers, row = trained[name]
    more = {"network": network, "history": history, "track_ids": some["test"], "ablation": True}
    more |= {"inputs": {**inputs, "kind": "picture", "picture": name}}
    experiment.record("convpool-" + name.lower().replace(" ", "-"), row, proba=answers, **more)

# %% [markdown]
# ## What we learned

# %%
ends = [f"{np.argmin(history['val_loss']) + 1} of {len(history['loss'])}" for history in histories.values()]
Markdown(
    f"- Convolution and pooling brought a clip of {X_batch.shape[1]} × {X_batch.shape[2]} points down to "
    f"{len(dataset.classes)} probabilities, with {counts['convpool']:,} and {counts['convconvpool']:,} parameters.\n"
    f"- The best epochs were {' and '.join(ends)}; their weights were kept, and the test set chose nothing.\n"
    f"- On tracks by artists never heard, conv-pool: {evaluate.describe(rows['convpool'])}; conv-conv-pool: "
    f"{evaluate.describe(rows['convconvpool'])}. {chosen} found most often: {best}; least often: *{worst}*."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. Why does the network pool over time, and not over frequency, at its end?</summary>
#
# A clip starts at a random place, so *when* something happens in it says nothing. *At which height* says a lot: the same
# stroke is a bass drum below and a hi-hat above.
#
# </details>
#
# <details><summary>2. The validation loss was lowest at one epoch. Why not take the epoch with the best test accuracy?</summary>
#
# Then the test set would have made a choice, and its best of many draws would stand in the report. New music would not
# score as high.
#
# </details>
#
# <details><summary>3. A network names 95 % of the training clips and 60 % of the validation clips. What would you try?</summary>
#
# It remembers the training artists. More artists help most. Then: augmentation (notebook 06), a smaller network, more
# dropout. Training longer does not help.
#
# </details>

# %% [markdown]
# ## Exercises
#
# ### 1. Maximum instead of mean
#
# Let `answer()` take the maximum over time in place of the mean, and train conv-pool again. What does the network now ask
# of a clip? *Hint: `keras.layers.GlobalMaxPooling1D`; behind `Flatten`, a moment is a row of numbers, so it is the 1-D
# layer.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. Longer clips without training
#
# conv-pool reads clips of any length. Let it hear the test tracks in clips of 1, 3 and 8 seconds, without training it
# again. Which length gains most from the vote? *Hint: `experiment.every_clip("test", clip_frames=...)`, and
# `store.frames_per_second`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. How many clips are enough?
#
# Let only the first clip of each test track vote, then the first two, and so on. From how many on does the accuracy stay
# where it is? *Hint: `evaluate.predict(network, test)` answers every clip; `test.owner` says whose it is, and
# `test.start` where it begins.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 06 trains conv-pool with augmented clips, at equal training effort.
#
# **References.** K. Simonyan, A. Zisserman, *Very deep convolutional networks for large-scale image recognition*, 2015.
# M. Lin et al., *Network in network*, 2014 (global average pooling). J. Pons et al., *Experimenting with musically
# motivated convolutional neural networks*, CBMI 2016.
