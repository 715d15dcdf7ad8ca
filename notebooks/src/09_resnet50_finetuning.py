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
# # ResNet50: transfer from photos
#
# *5 minutes · needs nothing; ImageNet weights if they can be had · writes `features/`, `models/` and `metrics/`*
#
# ResNet50 has 23.6 million parameters, and most music collections have some hundred songs. Training it from nothing
# on so little is hopeless or slow. **Transfer learning** borrows: take a network that has learned to see a million
# photos, show it spectrograms as if they were photos, and train only what stands behind it. This notebook does so in
# two phases, measures what each costs, and compares with the same network trained from nothing.
#
# **You will learn**
#
# - how a clip of music becomes a picture that ResNet50 can read, and what it costs to skip a step of that;
# - how to train in two phases: a head on frozen features, then the top block with a small learning rate;
# - what each phase costs in time and memory, and what it brings on artists never heard.
#
# **Before you start**: notebook 05 explains convolution, pooling and how a result is reported.

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

# %%
import hashlib
import io
import json
import socket
import threading
import time
from contextlib import contextmanager, redirect_stdout
from functools import partial

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import psutil
from IPython.display import Markdown
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from helpers import clips, evaluate, plotting, training
from helpers import store as store_files
from helpers.experiment import Experiment
from helpers.files import write_atomic
from helpers.store import FeatureStore, File, Result

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "09_resnet50_finetuning"  # name of this step in the leaderboard
CLIPS_PER_TRACK: int = 4  # random clips that an epoch draws from each training track
WEIGHTS: str = "imagenet"  # imagenet, the path of a weights file, or none
RANGE_DB: float = 80.0  # decibels between black and white
ENLARGE: int = 1  # how many times longer and higher the picture is made; time grows with its square
TOP_BLOCK: str = "conv5"  # phase two trains ResNet50 from this block on
COMPARE_TRACKS: int = 240  # most training and validation tracks in the comparison of pictures
TUNE_TRACKS: int = 400  # most training tracks, and most validation tracks, of phase two
TUNE_EPOCHS: int = 4  # epochs of phase two
TUNE_RATE: float = 0.00001  # learning rate of phase two
SCRATCH_STEPS: int = 100  # most optimizer steps of the network that is trained from nothing
EPOCHS: int = 40  # most epochs to train
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
BATCH_SIZE: int = 32  # clips in a training batch
LEARNING_RATE: float = 0.001  # of the Adam optimizer
BALANCED: bool = False  # draw all classes equally often in training
NETWORKS_FROM: str = "05_convpool"  # RUN_NAME of the step whose networks are used
SEED: int = 0  # seed of every random choice

# %% [markdown]
# `EPOCHS`, `PATIENCE` and `LEARNING_RATE` are those of phase one. On a slow machine, lower `TUNE_EPOCHS` and
# `SCRATCH_STEPS` first: nearly all the time goes there.
#
# ## The data
#
# The same tracks, features and split as in notebook 05.

# %%
experiment = Experiment(globals())
print(experiment)
dataset, store, tracks, split = experiment.dataset, experiment.store, experiment.tracks, experiment.split
ids, groups, Y, clip_frames = experiment.ids, experiment.groups, experiment.Y, experiment.clip_frames


# %%
def every_clip(side):
    """All clips of one side of the split, in order; small batches, because ResNet50 needs much memory."""
    return experiment.every_clip(side, batch_size=BATCH_SIZE)


# %% [markdown]
# ## From a clip to a picture
#
# ### Weights
#
# A network is its architecture and its weights. The architecture comes with Keras; the weights are a file of 94 MB
# that Keras downloads once. `WEIGHTS` may also name a file on your disk. What if neither can be had, in a train or
# on a cluster without network? Then the notebook goes on with random weights, **and says so in the title of every
# figure that depends on them**. All measurements stay true, but they are then about a network that has never seen
# anything.

# %% tags=["architecture"]
def resnet50(weights):
    """ResNet50 without its last layer, and a few words about its weights."""
    build = partial(keras.applications.ResNet50, include_top=False, input_shape=(None, None, 3))
    wanted = str(weights)
    if wanted == "imagenet":
        socket.setdefaulttimeout(10)  # seconds; without it, a lost connection would hang for ever
        try:
            with redirect_stdout(io.StringIO()):  # a progress bar has no place in a kept output
                return build(weights=wanted), "ImageNet weights"
        except Exception as problem:  # Keras raises a plain Exception when a download fails
            reason = str(problem).partition(" on http")[0]
            print(f"No pretrained weights: those of ImageNet cannot be had ({reason}). Going on with random ones.")
        finally:
            socket.setdefaulttimeout(None)
    elif Path(wanted).is_file():
        return build(weights=wanted), f"weights of {Path(wanted).name}"
    elif wanted.lower() != "none":
        print(f"No pretrained weights: {wanted} is missing. Going on with random ones.")
    keras.utils.set_random_seed(SEED)
    return build(weights=None), "random weights" + (" in place of pretrained ones" if wanted.lower() != "none" else "")


# %%
base, source = resnet50(WEIGHTS)
print(f"ResNet50 with {source}: {base.count_params():,} parameters")

# %% [markdown]
# ### Brightness
#
# A photo has brightness from 0 to 255; a clip has decibels. Which level becomes white? The reference must be **one
# number for all clips**, and it comes from training tracks: a level that only 1 in 1,000 of their points exceed.
# Black lies `RANGE_DB` below.

# %%
rng = np.random.default_rng(SEED)
sample = rng.permutation(ids["train"])[:500]
levels = np.concatenate([store.frames(track_id)[::8].ravel() for track_id in sample]).astype(np.float32)
high = round(float(np.percentile(levels, 99.9)), 1)
low = high - RANGE_DB
print(f"white: {high:.1f} dB, black: {low:.1f} dB")

# %% [markdown]
# Everything from decibels to picture is made of layers, so it is saved inside the network, and nobody who loads the
# file can forget a step. `Rescaling` maps decibels to brightness, `ReLU` with a largest value cuts at black and
# white, `Concatenate` lays three equal channels behind each other: a grey photo.

# %% tags=["architecture"]
def brightness(X, low, high, enlarge=1):
    """Clips in dB [shape=(clips, time, frequency, 1)] as grey pictures with three channels from 0 to 255."""
    scale = 255 / (high - low)
    X = keras.layers.Rescaling(scale, offset=-low * scale)(X)
    X = keras.layers.ReLU(max_value=255)(X)
    if enlarge > 1:
        X = keras.layers.UpSampling2D(enlarge, interpolation="bilinear")(X)
    return keras.layers.Concatenate()([X, X, X])


# %% [markdown]
# ### What ImageNet did to its photos
#
# ResNet50 did not learn from brightness from 0 to 255. Its photos had their channels in the order blue, green, red,
# and from each channel the mean over all photos of ImageNet was subtracted. The weights of the first layer expect
# just that. Three equal channels are the same in any order, so only the means must stand in the right one.

# %% tags=["architecture"]
IMAGENET_MEAN = [103.939, 116.779, 123.68]  # of blue, green and red


def as_imagenet(X):
    """Pictures from 0 to 255 the way ResNet50 met its photos."""
    return keras.layers.Normalization(axis=-1, mean=IMAGENET_MEAN, variance=[1.0, 1.0, 1.0])(X)


# %% [markdown]
# Does it do what Keras's own function does? Compare on a batch of clips, before anything is built on it.

# %%
inputs = keras.layers.Input((None, store.n_mels, 1))
picture = brightness(inputs, low, high, ENLARGE)
viewer = keras.Model(inputs, [picture, as_imagenet(picture)])
X_batch, Y_batch = every_clip("train")[0]
grey, ready = (keras.ops.convert_to_numpy(P) for P in viewer(X_batch))
official = keras.applications.resnet50.preprocess_input(grey.copy())
print("clips", X_batch.shape, "-> pictures", ready.shape, "= (clips, time, frequency, blue/green/red)")
print("largest difference to Keras's own preprocessing:", np.abs(ready - official).max())

# %%
fig, axes = plt.subplots(1, 4, figsize=(12, 3.2), width_ratios=[1, 1, 1, 1.2])
shown = [(X_batch[0, :, :, 0], "magma", "decibels"), (grey[0, :, :, 0], "gray", "brightness"),
         (ready[0, :, :, 2], "RdBu_r", "as ResNet50 sees it: red")]  # fmt: skip
for ax, (P, cmap, title) in zip(axes, shown):
    limits = {"magma": (low, high), "gray": (0, 255), "RdBu_r": (-130, 130)}[cmap]
    drawn = ax.imshow(P, cmap=cmap, vmin=limits[0], vmax=limits[1], aspect="auto")
    ax.set(title=title, xlabel="mel band (axis 2)", ylabel="frame (axis 1)")
    fig.colorbar(drawn, ax=ax)
for channel, color in enumerate(["tab:blue", "tab:green", "tab:red"]):
    axes[3].hist(ready[..., channel].ravel(), 60, histtype="step", color=color, label=color[4:])
axes[3].set(title="all values of the batch", xlabel="value", ylabel="points", yticks=[])
axes[3].legend(fontsize=8)
fig.suptitle(f"A clip on its way into ResNet50 ({source})", x=0.01, ha="left")
plt.show()

# %% [markdown]
# The picture lies on its side: time runs downwards, because time is axis 1 in the whole series. After preprocessing,
# silence is far below zero and loud points are above it, as shadow and light were in the photos. The three channels
# hold the same picture, a little shifted against each other.
#
# ### Inside ResNet50
#
# Fifty layers in five blocks. What makes so many trainable is the **residual** connection: each group of three
# convolutions adds its answer to what came in, so it only has to learn a correction, and the error finds a short way
# back. Send the batch through and look at the shape after each block. *ready* is the batch from the figure.

# %%
blocks = ["conv1", "conv2", "conv3", "conv4", "conv5"]
ends = {block: [layer.name for layer in base.layers if layer.name.startswith(block)][-1] for block in blocks}
answers = keras.Model(base.input, [base.get_layer(name).output for name in ends.values()])(ready)
table = pd.DataFrame({"(clips, time, frequency, patterns)": [tuple(A.shape) for A in answers]}, index=blocks)
table["parameters"] = [sum(layer.count_params() for layer in base.layers if layer.name.startswith(block))
                       for block in blocks]  # fmt: skip
table

# %% [markdown]
# After five blocks, one point stands for 32 × 32 points of the picture, and little is left of our small one.
# `ENLARGE` blows it up; time and memory grow with its square. Look at the parameters: the last block alone holds
# more than half. This decides how phase two is cut.
#
# ## Phase one: frozen features
#
# ### Computed once
#
# While ResNet50 is frozen, its answer to a clip never changes. So do not train *through* it: send each clip through
# once, keep the 2,048 numbers it answers, and train on those. The answers go to disk the way log-mels did in
# notebook 02: one row a clip, float16, memory-mapped, in shards that appear whole or not at all. The folder's name
# is a hash of everything that the numbers depend on, the weights included. An interrupted run goes on where it
# stopped, 64 tracks at most are lost, and memory holds one such chunk, however large the dataset is.

# %% tags=["architecture"]
def fingerprint(network):
    """A few letters that change with any weight of the network."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(w) for w in network.get_weights())).hexdigest()[:12]


def ask(network, track_ids, prepare):
    """Answers of `network` to every clip of these tracks, one array [shape=(clips, values)] a track."""
    X = clips.EveryClip(store, track_ids, np.zeros(len(track_ids)), clip_frames=clip_frames, batch_size=BATCH_SIZE)
    rows = [network.predict_on_batch(prepare(X[i][0])) for i in range(len(X))]
    rows = np.concatenate([batch.reshape(len(batch), -1) for batch in rows])
    return np.split(rows, np.flatnonzero(np.diff(X.owner)) + 1)


# %% [markdown]
# The cache around it: which tracks are there already? Compute the others, a shard at a time. Here are the hash and
# the comparison of each file with the one that was used, so that a changed file is computed anew.

# %% tags=["architecture"]
def cached(layer, network, track_ids, prepare=np.asarray, tracks_a_shard=64):
    """Return a feature store with the answers of `network`, and how many tracks had to be computed for it."""
    made_with = {"weights": fingerprint(network), "dB": [low, high], "enlarge": ENLARGE, "clip_frames": clip_frames}
    params = {"kind": "resnet50", "layer": layer, **made_with, "log_mel": store.params}
    target = store_files.write_params(Path(OUT_DIR) / "features" / "resnet50", params)
    files = pd.DataFrame([File.look(t, str(tracks.at[t, "path"])) for t in track_ids], columns=File._fields)

    def kept():
        rows = store_files.read_all_rows(target).drop(columns="path")
        return files.merge(rows, on=["track_id", "size", "mtime_ns"]).drop_duplicates("track_id")

    lacking = files[~files["track_id"].isin(kept()["track_id"])]
    for i in range(0, len(lacking), tracks_a_shard):
        shard = [File(*row) for row in lacking[i : i + tracks_a_shard].itertuples(index=False)]
        results = [Result(frames=rows) for rows in ask(network, [file.track_id for file in shard], prepare)]
        store_files.write_shard(target, shard, results, dtype="<f2", columns=results[0].frames.shape[1])
    return FeatureStore(target.parent, params=params, rows=kept()), len(lacking)


# %% [markdown]
# Each phase of this notebook is metered: seconds by the clock, and the highest *resident memory* of the whole
# process, looked at twenty times a second. TensorFlow keeps what it once took, so a later phase never shows less
# than it needs, but may show more.

# %%
costs = {}


@contextmanager
def metered(phase):
    """Write seconds and highest memory (MB) of what happens inside into `costs`."""
    seen, done, process = [], threading.Event(), psutil.Process()

    def look():
        seen.append(process.memory_info().rss / 1e6)
        while not done.wait(0.05):
            seen.append(process.memory_info().rss / 1e6)

    thread = threading.Thread(target=look, daemon=True)
    begin = time.perf_counter()
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    costs[phase] = {"seconds": time.perf_counter() - begin, "memory": max(seen)}


# %% [markdown]
# Now all clips of all tracks, test tracks included. Computing is not looking: no label takes part, nothing is
# fitted, and each clip is computed for itself.

# %%
def pooled(picture):
    """The mean over the picture's surface of what ResNet50 answers [shape=(clips, 2048)]."""
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(base(picture)))


eye = pooled(as_imagenet(picture))
with metered("features, once"):
    frozen, n_computed = cached("pooled", eye, list(tracks.index))
n_clips = int(frozen.index["n_frames"].sum())
print(f"{len(frozen)} tracks, {n_clips} clips; computed now: {n_computed} tracks")
costs["features, once"] |= {"clips": n_clips * n_computed // len(frozen), "trained parameters": 0}

# %% [markdown]
# Ask again. Nothing may be computed this time.

# %%
frozen, again = cached("pooled", eye, list(tracks.index))
values = frozen.frames(ids["train"][0])
print(f"computed the second time: {again} tracks; one track: {values.shape} = (clips, values), {values.dtype}")
assert again == 0

# %% [markdown]
# Notebook 10 compares these features with features learned from music. It reads them from one table: the mean over a
# track's clips, one row a track, and a note beside it that says where they come from.

# %%
names = [f"f{i:04d}" for i in range(frozen.frames(ids["train"][0]).shape[1])]
means = pd.DataFrame([frozen.frames(t).mean(axis=0, dtype=np.float32) for t in frozen.index["track_id"]],
                     index=pd.Index(frozen.index["track_id"], name="track_id"), columns=names)  # fmt: skip
buffer = io.BytesIO()
means.to_parquet(buffer)
write_atomic(f"{OUT_DIR}/features/resnet50.parquet", buffer.getvalue())
note = {"weights": source, "fingerprint": fingerprint(base), "clip_frames": clip_frames, "dB": [low, high],
        "enlarge": ENLARGE, "log_mel": store.params, "licence": dataset.licence}  # fmt: skip
write_atomic(f"{OUT_DIR}/features/resnet50.json", json.dumps(note, indent=1) + "\n")
means.iloc[:3, :6].round(2)

# %% [markdown]
# ### A head
#
# Behind the frozen part stands a **head**: scale each feature, hide half of them, decide. The scaling comes from
# training clips. Some features are nearly always zero; a small amount is added to every variance, so that such a
# feature is not blown up a thousandfold when phase two wakes it.
#
# The feature store serves rows of 2,048 values as well as frames of mel bands. So the classes that cut clips for
# notebook 05 feed the head too: here a "clip" is one row.

# %% tags=["architecture"]
def head(mean, variance, n_classes, seed=0):
    """Scaling, dropout and decision, on the mean over the picture."""
    variance = variance + 0.01 * variance.mean()
    return [
        keras.layers.Normalization(axis=-1, mean=mean, variance=variance),
        keras.layers.Dropout(0.5, seed=seed),
        keras.layers.Dense(n_classes, activation="softmax"),
    ]


# %%
def rows_of(kept, track_ids, train=False):
    """Batches of cached rows: all of them in order, or random ones for training."""
    cut = experiment.random_clips if train else experiment.every_clip
    return cut(track_ids, store=kept, clip_frames=1)


# %%
keras.utils.set_random_seed(SEED)
scaling = clips.band_statistics(frozen, ids["train"])
decide = head(*scaling, len(dataset.classes), SEED)
width = eye.output_shape[-1]
on_features = keras.Sequential([keras.layers.Input((1, width, 1)), keras.layers.Reshape((width,)), *decide])
X, y = rows_of(frozen, ids["train"], train=True)[0]
print("rows", X.shape, "-> probabilities", tuple(on_features(X).shape))
print(f"{decide[-1].count_params():,} parameters are trained, {base.count_params():,} are frozen")

# %%
optimizer = keras.optimizers.Adam(LEARNING_RATE)
on_features.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
with metered("head"):
    history = training.fit(on_features, rows_of(frozen, ids["train"], train=True), rows_of(frozen, ids["valid"]),
                           epochs=EPOCHS, patience=PATIENCE)  # fmt: skip
histories = {"frozen": history}
print(f"{len(history['loss'])} epochs in {history['seconds']:.0f} s")
n_seen = len(history["loss"]) * len(ids["train"]) * CLIPS_PER_TRACK
costs["head"] |= {"clips": n_seen, "trained parameters": decide[-1].count_params()}

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 3.4))
plotting.history(histories, metric="loss", ax=axes[0])
plotting.history(histories, metric="accuracy", ax=axes[1])
fig.suptitle(f"A head on frozen features ({source})", x=0.01, ha="left")
axes[0].set_title("loss of clips")
axes[1].set(title="accuracy of clips; the dot is kept", ylim=(0, 1))
axes[1].axhline(1 / len(dataset.classes), color="0.5", ls=":")
axes[0].legend().remove()
plt.show()

# %% [markdown]
# Each epoch takes a moment, because the fifty layers in front of the head ran once and not once an epoch. Watch the
# gap between the dashed line (training) and the solid one (validation): with 2,048 features for a few hundred songs,
# a single layer is enough to remember songs.
#
# Is the head well trained? A logistic regression is the same decision, found by another method. It gets the table of
# track means. Both answer validation tracks, and neither should be far behind.

# %%
def probe(table, train, valid):
    """Validation scores of a logistic regression on one row of features a track."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    with threadpool_limits(1):  # so small a problem is slower on many cores than on one
        model.fit(table.loc[train], Y[train])
    proba = np.zeros((len(valid), len(dataset.classes)))
    proba[:, model.classes_] = model.predict_proba(table.loc[valid])
    return evaluate.scores(Y[valid], proba, groups=tracks.loc[valid, "group"].to_numpy(), seed=SEED)


# %%
_, by_head = evaluate.by_track(on_features, rows_of(frozen, ids["valid"]), groups=groups["valid"], seed=SEED)
print("validation, head:               ", evaluate.describe(by_head))
print("validation, logistic regression:", evaluate.describe(probe(means, ids["train"], ids["valid"])))

# %% [markdown]
# ### What skipping a step costs
#
# One of the older projects that this series takes up fine-tuned ResNet50 too, and skipped ImageNet's preprocessing.
# It also scaled **each frame by itself**, its quietest band to black and its loudest to white. That erases loudness:
# a whisper and a drum stroke become equally bright. Look at it on the clip of our batch whose loudness changes most.

# %%
def frame_by_frame(X):
    """Each moment between its own quietest and loudest band, in place of a fixed reference."""
    lowest, highest = X.min(axis=2, keepdims=True), X.max(axis=2, keepdims=True)
    return low + RANGE_DB * (X - lowest) / np.maximum(highest - lowest, 1e-6)


# %%
restless = X_batch[X_batch.mean(axis=2).std(axis=1)[:, 0].argmax()][np.newaxis]
fig, axes = plt.subplots(1, 3, figsize=(11, 3.2))
for ax, X, title in zip(axes, [restless, frame_by_frame(restless)], ["fixed reference", "each frame by itself"]):
    ax.imshow(X[0, :, :, 0].T, origin="lower", aspect="auto", cmap="gray", vmin=low, vmax=high)
    ax.set(title=title, xlabel="frame", ylabel="mel band")
    axes[2].plot(X[0, :, :, 0].max(axis=1), label=title)
axes[2].set(title="loudest band of each frame", xlabel="frame", ylabel="level (dB)", ylim=(low, high + 3))
axes[2].legend(fontsize=8, loc="lower right")
plt.show()

# %% [markdown]
# Now measure both, with everything else the same: the same tracks, ResNet50, and logistic regression. *Skipped*
# sends in brightness from 0 to 1, as is common for networks that one trains oneself. These are validation tracks:
# this is a choice, and choices are not made on the test set.

# %%
share = min(1.0, COMPARE_TRACKS / len(ids["train"] + ids["valid"]))
some = {side: sorted(rng.permutation(ids[side])[: max(1, int(share * len(ids[side])))]) for side in ("train", "valid")}
skipped = pooled(keras.layers.Rescaling(1 / 255)(picture))
ways = {
    "as for ImageNet": ("pooled", eye, np.asarray),
    "preprocessing skipped": ("pooled, skipped", skipped, np.asarray),
    "each frame by itself": ("pooled, frame by frame", eye, frame_by_frame),
}

# %%
rows = {}
for name, (layer, network, prepare) in ways.items():
    kept, _ = cached(layer, network, some["train"] + some["valid"], prepare)
    table = pd.DataFrame({t: kept.frames(t).mean(axis=0, dtype=np.float32) for t in some["train"] + some["valid"]}).T
    rows[name] = probe(table, some["train"], some["valid"])
by_picture = pd.DataFrame(rows).T

# %%
fig, ax = plotting.intervals(by_picture, chance=by_picture["chance"].iloc[0])
n_valid = int(by_picture["n_test"].iloc[0])
ax.set_title(f"Frozen features, {n_valid} validation tracks of {DATASET} ({source})", fontsize=9)
plt.show()

# %% [markdown]
# Read the title before the dots. Learned weights expect pictures on a certain scale, and brightness from 0 to 1
# looks to them like a photo taken in the dark. Random weights expect nothing: a picture 255 times darker gives them
# answers 255 times smaller, and the scaling in front of the regression makes up for it. So the middle row can show
# its cost only where weights have been learned. The last row takes information away. Whether that costs depends on
# the music: it does where classes differ in how loudness comes and goes, and it may even help where loudness only
# tells recordings apart.
#
# ## Phase two: the top block
#
# Now let ResNet50 itself adapt, but only its top. The lower blocks see edges and textures, which spectrograms have
# too; the top block sees parts of dogs and cars. It may learn better ones.
#
# Two precautions. The learning rate is **small** (`TUNE_RATE`): large steps would destroy in seconds what took weeks
# to learn. And **BatchNorm stays frozen**. Such a layer has two ways to work: in training it scales by mean and
# variance of the batch at hand, afterwards by running statistics from the photos. A few small batches of
# spectrograms give noisy statistics, they overwrite the old ones only in part, and the layers behind were trained
# for neither. In Keras, a BatchNorm layer with `trainable = False` uses its stored statistics and leaves them alone.

# %% tags=["architecture"]
def unfreeze(base, top_block, batchnorm=False):
    """Train the blocks from `top_block` on; everything below, and by default BatchNorm, keeps its values."""
    for layer in base.layers:
        norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = layer.name >= top_block and (batchnorm or not norm)


# %% [markdown]
# The lower blocks are frozen, so the trick of phase one works again, one step further down: cut ResNet50 in two,
# compute what the lower part answers once, and train the upper part on that. Both parts are the *same layers* as in
# the whole, not copies; training the upper part trains the whole.

# %% tags=["architecture"]
def parts(base, top_block):
    """ResNet50 below and above a cut; both share their layers with the whole."""
    ends = [layer for layer in base.layers if layer.name.endswith("_out") and layer.name < top_block]
    cut = ends[-1].output
    return keras.Model(base.input, cut, name="lower"), keras.Model(cut, base.output, name="upper")


# %% [markdown]
# These rows are long, so `TUNE_TRACKS` bounds the number of tracks. The rows lie on disk, not in memory.

# %%
lower, upper = parts(base, TOP_BLOCK)
below = keras.Model(inputs, lower(as_imagenet(picture)))
tuned_on = {side: sorted(rng.permutation(ids[side])[:TUNE_TRACKS]) for side in ("train", "valid")}
with metered("lower blocks, once"):
    answers, n_computed = cached(f"below {TOP_BLOCK}", below, tuned_on["train"] + tuned_on["valid"])
shape = below.compute_output_shape((1, clip_frames, store.n_mels, 1))[1:]
n_below = int(answers.index["n_frames"].sum())
print(f"{n_below} clips x {shape} = {n_below * np.prod(shape) * 2 / 1e6:.0f} MB; computed now: {n_computed} tracks")
costs["lower blocks, once"] |= {"clips": n_below * n_computed // len(answers), "trained parameters": 0}

# %%
def trainable_part():
    """The upper part and a copy of the head, on cached rows; phase one's own head stays as it is."""
    copy = head(*scaling, len(dataset.classes), SEED)
    layers = [keras.layers.Input((1, int(np.prod(shape)), 1)), keras.layers.Reshape(shape), upper]
    network = keras.Sequential([*layers, keras.layers.GlobalAveragePooling2D(), *copy], name="tuned")
    copy[-1].set_weights(decide[-1].get_weights())
    return network


unfreeze(base, TOP_BLOCK)
on_answers = trainable_part()
X, y = rows_of(answers, tuned_on["train"], train=True)[0]
print("rows", X.shape, "-> probabilities", tuple(on_answers(X).shape))
n_trained = sum(int(np.prod(w.shape)) for w in on_answers.trainable_weights)
print(f"{n_trained:,} parameters are trained, {base.count_params() + decide[-1].count_params() - n_trained:,} are not")

# %% [markdown]
# Train twice, from the same start: once with BatchNorm frozen, and once as it happens when nobody thinks of it. Both
# begin with the head of phase one. A head with random weights would send large, meaningless corrections into the top
# block in the first steps; that is why there are two phases.

# %%
start, results = upper.get_weights(), {}
on_answers.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
begin = on_answers.evaluate(rows_of(answers, tuned_on["valid"]), verbose=0, return_dict=True)
for name, batchnorm in {"BatchNorm trains": True, "BatchNorm frozen": False}.items():
    unfreeze(base, TOP_BLOCK, batchnorm=batchnorm)
    keras.utils.set_random_seed(SEED)
    upper.set_weights(start)
    on_answers = trainable_part()
    on_answers.compile(keras.optimizers.Adam(TUNE_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    with metered("top block"):
        history = training.fit(on_answers, rows_of(answers, tuned_on["train"], train=True),
                               rows_of(answers, tuned_on["valid"]),
                               epochs=TUNE_EPOCHS, patience=TUNE_EPOCHS)  # fmt: skip
    results[name] = history

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6))
plotting.history(results, metric="loss", ax=axes[0])
plotting.history(results, metric="accuracy", ax=axes[1])
axes[0].set(title=f"loss of clips ({source})", yscale="log")
axes[1].set(title="accuracy of clips", ylim=(0, 1))
for ax, metric in zip(axes, ["loss", "accuracy"]):
    ax.axhline(begin[metric], color="0.3", ls=":")
    ax.text(1, begin[metric], " phase one", transform=ax.get_yaxis_transform(), va="center", fontsize=8)
axes[0].legend().remove()
axes[1].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# The dotted line is where phase one left off, and where both begin. Look at the first epoch: how far did each line
# jump away from it? With BatchNorm training, dashed and solid belong to two different networks. The dashed line
# scales by the batch at hand. The solid one scales by running statistics, by now a mixture of old and new. The head
# was trained behind neither. With BatchNorm frozen, nothing jumps but what the optimizer moves.
#
# Then look at the end. If the solid orange line never gets past the dotted one, phase two has brought nothing to
# artists outside the training set, whatever the dashed line says. With random weights there is nothing to refine, so
# that is to be expected; with learned ones, this is where the gain shows.
#
# ### One network again
#
# The upper part was trained on rows from a disk. Put the parts together: clips in, probabilities out, like every
# network of the series. Nothing has to be copied, because the layers are shared. But check it: same clips, two ways.

# %% tags=["architecture"]
def joined(base, low, high, n_mels, decide, enlarge=1):
    """From clips in dB to probabilities, with all of ResNet50 and its preprocessing inside."""
    inputs = keras.layers.Input((None, n_mels, 1))
    X = base(as_imagenet(brightness(inputs, low, high, enlarge)))
    for layer in [keras.layers.GlobalAveragePooling2D(), *decide]:
        X = layer(X)
    return keras.Model(inputs, X, name="resnet50")


# %%
tuned = joined(base, low, high, store.n_mels, on_answers.layers[-3:], ENLARGE)
track_id = tuned_on["valid"][0]
whole = experiment.every_clip([track_id])
two_ways = [evaluate.predict(tuned, whole), evaluate.predict(on_answers, rows_of(answers, [track_id]))]
difference = float(np.abs(two_ways[0] - two_ways[1]).max())
print(f"largest difference of a probability: {difference:.5f} (float16 on disk allows a little)")
assert difference < 0.02

# %% [markdown]
# ## From nothing
#
# What would the same network do without borrowed weights? It starts from random ones, all of it is trained, and its
# BatchNorm has to learn statistics, so there it trains. Those of Keras's ResNet50 follow with momentum 0.99: made
# for hundreds of thousands of steps. We take few, so we lower it to 0.9, as notebook 05 does. Otherwise the network
# would be judged by statistics it never had.
#
# It gets the same kind of batches and the full learning rate, and at most `SCRATCH_STEPS` optimizer steps, because
# now every step goes through all fifty layers, forwards and back. The table below states the steps of each.

# %%
histories["tuned"] = results["BatchNorm frozen"]
tune_steps = len(rows_of(answers, tuned_on["train"], train=True)) * len(histories["tuned"]["loss"])
costs["top block"] |= {"clips": tune_steps * BATCH_SIZE, "trained parameters": n_trained}
steps = min(SCRATCH_STEPS, tune_steps)


class FirstBatches(clips.RandomClips):
    """Random clips, in epochs that are no longer than the steps that are left to take."""

    def __len__(self):
        return min(super().__len__(), steps)


# %%
plain, _ = resnet50("none")
for layer in plain.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.momentum = 0.9
ending = [keras.layers.Dropout(0.5, seed=SEED), keras.layers.Dense(len(dataset.classes), activation="softmax")]
scratch = joined(plain, low, high, store.n_mels, ending, ENLARGE)
few = steps < 10  # building the graph of all its layers takes as long as so many steps
scratch.compile(keras.optimizers.Adam(LEARNING_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"],
                run_eagerly=few)  # fmt: skip

# %%
X = FirstBatches(store, tuned_on["train"], Y[tuned_on["train"]].to_numpy(), clip_frames=clip_frames, seed=SEED,
                 clips_per_track=CLIPS_PER_TRACK, batch_size=BATCH_SIZE, balanced=BALANCED)  # fmt: skip
check = experiment.every_clip(tuned_on["valid"])
scratch_epochs = max(1, steps // len(X))
with metered("whole network"):
    histories["scratch"] = training.fit(scratch, X, check, epochs=scratch_epochs, patience=scratch_epochs)
scratch_steps = scratch_epochs * len(X)
n_weights = sum(int(np.prod(w.shape)) for w in scratch.trainable_weights)
costs["whole network"] |= {"clips": scratch_steps * BATCH_SIZE, "trained parameters": n_weights}
print(f"{scratch_steps} steps; the top block took {tune_steps}")

# %% [markdown]
# ### What each phase costs
#
# Everything that was metered, in the order in which it ran. *Clips* counts how often a clip went through;
# *milliseconds* are per clip, the validation after each epoch included. Where the answers were on disk from an
# earlier run, there are no clips and no milliseconds: that is the point of keeping them.

# %%
spent = pd.DataFrame(costs).T
spent["ms per clip"] = 1000 * spent["seconds"] / spent["clips"].replace(0, np.nan)
spent.rename(columns={"memory": "memory of the process (MB)"}).round(1)

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 3, figsize=(11, 2.8), sharey=True)
for ax, column, label in zip(axes, ["seconds", "ms per clip", "memory"],
                             ["seconds in all", "milliseconds per clip", "memory of the process (MB)"]):  # fmt: skip
    drawn = ax.barh(spent.index, spent[column].fillna(0))
    ax.bar_label(drawn, [f"{v:,.{int(v < 10)}f}" for v in spent[column].fillna(0)], padding=3, fontsize=8)
    ax.set(xlabel=label, xlim=(0, 1.25 * spent[column].max()))
axes[0].invert_yaxis()
axes[0].set_title(f"What each phase took ({source})")
plt.show()

# %% [markdown]
# The middle panel is the argument for freezing. A clip of training the head costs next to nothing, since all the
# work was done before; a clip of training everything costs a way forwards and a longer one back. The memory holds,
# for each trained parameter, its gradient and two running averages of Adam, and all that the way back has to know of
# the way forwards. These are figures of this machine. Trust their ratios.
#
# ## The test
#
# Three systems, decided before: frozen features with a head, the tuned top block with BatchNorm frozen, and the
# network from nothing. Each meets the test tracks once, and its clips vote.

# %%
test = {
    "resnet50-frozen": (on_features, rows_of(frozen, ids["test"])),
    "resnet50-tuned": (tuned, every_clip("test")),
    "resnet50-scratch": (scratch, every_clip("test")),
}
proba, rows = {}, {}
for name, (network, X) in test.items():
    proba[name], rows[name] = evaluate.by_track(network, X, groups=groups["test"], seed=SEED)
    print(f"{name}: {evaluate.describe(rows[name])}")

# %% [markdown]
# Beside them stand the small networks of notebook 05, if they have been measured on the same test tracks.

# %%
table = pd.DataFrame(rows).T.astype(float)
for name in ("convpool", "convconvpool"):
    path = Path(OUT_DIR) / "metrics" / f"{NETWORKS_FROM}-{name}.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    if (found.get("split"), found.get("n_test")) == (split.rule, len(ids["test"])):
        table.loc[f"{name} (05)"] = [found[column] for column in table.columns]
    else:
        print(f"No {name} on this split in {OUT_DIR}: notebook {NETWORKS_FROM} makes it.")
table[["accuracy", "clip_accuracy", "macro_f1", "top3", "log_loss", "chance", "n_test"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"Test tracks of {DATASET} ({split.rule}); ResNet50 with {source}", fontsize=9, wrap=True)
plt.show()

# %% [markdown]
# How to read it. *Scratch against tuned* says what borrowed weights and a head start are worth; with many more
# steps, the network from nothing would catch up some of it. *Frozen against tuned* says what it brings to let the
# top block adapt. And the small networks ask whether the size was needed at all. If the title says that the weights
# are random, this is the lower end: what fifty layers bring that have learned nothing. The demo music is synthetic,
# and no photo resembles it; what borrowed weights are worth for real music, only real music can say.
#
# The older project reports an accuracy of 0.47 on the eight genres of FMA-small, and 0.77 for the right genre among
# the first three, with artists on both sides of the split. These figures are about other music and another split, so
# they have no row here.
#
# ## Results
#
# The tuned network is saved, and its card says which weights it grew from. The frozen one would be the same file but
# for the head, and the one from nothing is of no use to anybody, so of these two only the figures are kept.

# %%
inputs_of_card = {**store.params, "clip_frames": clip_frames, "dB": [low, high]}
saved = experiment.record(
    "resnet50-tuned", rows["resnet50-tuned"], proba=proba["resnet50-tuned"], network=tuned,
    history=histories["tuned"], inputs=inputs_of_card, weights=source, trained=n_trained, steps=tune_steps,
)  # fmt: skip
print(f"{saved}: {saved.stat().st_size / 1e6:.0f} MB")

# %%
started = {"frozen": (source, decide[-1].count_params()), "scratch": ("random weights", n_weights)}
for name, (weights, trained) in started.items():
    told = {"history": histories[name], "weights": weights, "trained": trained}
    full = f"resnet50-{name}"
    print(experiment.record(full, rows[full], proba=proba[full], **told))

# %% [markdown]
# Load it again, in the mode that allows no foreign code, and ask the same question.

# %%
again = keras.models.load_model(saved, safe_mode=True, compile=False)
same = np.allclose(evaluate.predict(again, whole), two_ways[0], atol=1e-5)
print("the saved network gives the same answer:", same)

# %% [markdown]
# ## What we learned

# %%
middle = by_picture["accuracy"]
Markdown(
    f"- A clip became a picture of {ready.shape[1]} × {ready.shape[2]} points with {ready.shape[3]} channels, equal "
    f"but for ImageNet's means. With {source}, on {n_valid} validation tracks, the accuracy was "
    f"{middle.iloc[0]:.2f} with this preprocessing, {middle.iloc[1]:.2f} without it and {middle.iloc[2]:.2f} with "
    f"each frame scaled by itself; the first has the interval [{by_picture['accuracy_low'].iloc[0]:.2f}, "
    f"{by_picture['accuracy_high'].iloc[0]:.2f}].\n"
    f"- Phase one trained {decide[-1].count_params():,} parameters in {spent.loc['head', 'seconds']:.0f} s, phase two "
    f"{n_trained:,} in {spent.loc['top block', 'seconds']:.0f} s. With BatchNorm frozen the lowest validation loss was "
    f"{min(results['BatchNorm frozen']['val_loss']):.2f}, with BatchNorm training "
    f"{min(results['BatchNorm trains']['val_loss']):.2f}.\n"
    f"- A clip of training took {spent.loc['head', 'ms per clip']:.1f} ms for the head, "
    f"{spent.loc['top block', 'ms per clip']:.0f} ms for the top block and "
    f"{spent.loc['whole network', 'ms per clip']:.0f} ms for the whole network. On tracks never heard, frozen: "
    f"{evaluate.describe(rows['resnet50-frozen'])}; tuned: {evaluate.describe(rows['resnet50-tuned'])}; from nothing: "
    f"{evaluate.describe(rows['resnet50-scratch'])}."
)

# %% [markdown]
# ## Exercises
#
# 1. Set `ENLARGE` to 2. How much longer does phase one take, and is it worth it? *Hint: the table of costs.*
# 2. Set `TOP_BLOCK` to "conv4". Which grows faster, the trained parameters or the time per clip? *Hint: the table of
#    blocks.*
# 3. Raise `TUNE_RATE` to 0.001. After how many epochs is phase one undone?
# 4. Stand the picture upright with `keras.layers.Permute((2, 1, 3))` in `brightness`. Must a network that learned from
#    photos care? *Hint: sky is above, ground is below.*
#
# ## Next
#
# Notebook 10 transfers from music instead of photos, with a network four hundred times smaller, and sets these
# features beside it.
#
# **References.** K. He et al., *Deep residual learning for image recognition*, CVPR 2016. J. Deng et al., *ImageNet:
# a large-scale hierarchical image database*, CVPR 2009. S. Ioffe, C. Szegedy, *Batch normalization*, ICML 2015. J.
# Yosinski et al., *How transferable are features in deep neural networks?*, NeurIPS 2014. K. Palanisamy et al.,
# *Rethinking CNN models for audio classification*, 2020 (ImageNet weights on spectrograms).
