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
# # ResNet50: transfer from photographs
#
# *4 minutes · needs nothing; fetches ImageNet weights where it can · writes `features/`, `models/` and `metrics/`*
#
# A network that has learned to tell a million photographs apart has never met a spectrogram. Is it of any use to
# music? **Transfer learning** asks just that: show it log-mels as if they were photographs, train only what stands
# behind it, then let its top adapt. ResNet50, with 23.6 million parameters, is the classic to borrow. Most music
# collections hold a few hundred songs, far too few to train it from nothing.
#
# **You will learn**
#
# - how a clip of music becomes a picture that such a network can read, and what its photographs are worth to music;
# - how to train in two phases: a head on frozen features, then the top block, with its batch normalization frozen;
# - what each phase costs, and how it compares with the same network trained from nothing.
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

# %% tags=["imports"]
import json
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import clips, evaluate, plotting, published, training
from helpers.experiment import Experiment
from helpers.files import replacing, write_atomic

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "09_resnet50_finetuning"  # name of this step in the leaderboard
WEIGHTS: str = "imagenet"  # imagenet, the path of a weights file of ResNet50, or none
RANGE_DB: float = 80.0  # decibels between black and white
ENLARGE: int = 1  # how many times longer and higher the picture is made; time grows with its square
TOP_BLOCK: str = ""  # phase two trains from this block on; empty takes conv5 or stage7
COMPARE_TRACKS: int = 240  # most training and validation tracks in the comparison of pictures
TUNE_TRACKS: int = 400  # most training tracks, and most validation tracks, of phase two
TUNE_EPOCHS: int = 4  # epochs of phase two
TUNE_RATE: float = 0.00001  # learning rate of phase two
SCRATCH_STEPS: int = 100  # most optimizer steps of the network that is trained from nothing, an epoch at least
EPOCHS: int = 40  # most epochs to train
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
BATCH_SIZE: int = 32  # clips in a training batch
LEARNING_RATE: float = 0.001  # of the Adam optimizer
SEED: int = 0  # seed of every random choice

# %% [markdown]
# `EPOCHS`, `PATIENCE` and `LEARNING_RATE` are those of phase one.
#
# ## The network
#
# Keras brings the architecture of ResNet50 and downloads its weights, 94 MB. Where it cannot, EfficientNet-Lite0 takes
# its place: a smaller network with weights from the same photographs, which the package index has. The next cell says
# which of them this page is about.

# %%
base, name, source, why = published.imagenet_network(DATA_DIR, WEIGHTS, seed=SEED)
short, top = {"ResNet50": ("resnet50", "conv5"), "EfficientNet-Lite0": ("effnet", "stage7")}[name]
top, learned = TOP_BLOCK or top, source != "random weights"
said = f"**This page shows {name} with {source}**" + (f", in place of ResNet50: {why}." if why else ".")
if not learned:
    said = f"**Nothing can be learned about transfer here**: {why}. {name} has never seen a photograph."
Markdown(f"{said} Without its last layer it has {base.count_params():,} parameters.")

# %% [markdown]
# Both networks are used in the same way, without their last layer, which names dogs and teapots. Both get pictures
# with brightness from 0 to 255 and scale them first, as their own photographs were scaled: ResNet50 subtracts the
# mean of each color, EfficientNet-Lite0 computes (brightness − 127) / 128.
#
# ## The data
#
# The same tracks, features and split as in notebook 05.

# %%
experiment = Experiment(globals())
print(experiment)
dataset, store, tracks, split = experiment.dataset, experiment.store, experiment.tracks, experiment.split
ids, groups, Y, clip_frames = experiment.ids, experiment.groups, experiment.Y, experiment.clip_frames

# %% [markdown]
# ## From a clip to a picture
#
# A photograph has brightness from 0 to 255; a clip has decibels. Which level becomes white? It must be **one number
# for all clips**, or loudness is lost, and it comes from training tracks: a level that only 1 in 1,000 of their
# points exceed. Black lies `RANGE_DB` below.

# %%
rng = np.random.default_rng(SEED)
sample = rng.permutation(ids["train"])[:500]
levels = np.concatenate([store.frames(track_id)[::8].ravel() for track_id in sample]).astype(np.float32)
high = round(float(np.percentile(levels, 99.9)), 1)
low = high - RANGE_DB
print(f"white: {high:.1f} dB, black: {low:.1f} dB")

# %% [markdown]
# The way from decibels to picture is made of layers, so it is saved inside the network, and nobody who loads the file
# can forget a step: `Rescaling` maps decibels to brightness, `ReLU` with a largest value cuts at black and white,
# `Concatenate` lays three equal channels behind each other. The result is a grey photograph.

# %% tags=["architecture"]
def brightness(X, low, high, enlarge=1):
    """Clips in dB [shape=(clips, time, frequency, 1)] as grey pictures with three channels from 0 to 255."""
    scale = 255 / (high - low)
    X = keras.layers.Rescaling(scale, offset=-low * scale)(X)
    X = keras.layers.ReLU(max_value=255)(X)
    if enlarge > 1:
        X = keras.layers.UpSampling2D(enlarge, interpolation="bilinear")(X)
    return keras.layers.Concatenate()([X, X, X])


# %%
inputs = keras.layers.Input((None, store.n_mels, 1))
picture = brightness(inputs, low, high, ENLARGE)
scaled = keras.Model(base.input, base.get_layer("scaled").output)
X_batch, _ = experiment.every_clip("train")[0]
grey = keras.ops.convert_to_numpy(keras.Model(inputs, picture)(X_batch))
ready = keras.ops.convert_to_numpy(scaled(grey))

# %%
fig, axes = plt.subplots(1, 3, figsize=(11, 3.4))
reach, titles = np.abs(ready).max(), ["a clip in dB", "brightness", "what the first layer reads"]
looks = [("magma", low, high), ("gray", 0, 255), ("RdBu_r", -reach, reach)]
for ax, P, (cmap, bottom, ceiling), title in zip(axes, [X_batch, grey, ready], looks, titles):
    drawn = ax.imshow(P[0, :, :, 0], cmap=cmap, vmin=bottom, vmax=ceiling, aspect="auto")
    ax.set(title=title, xlabel="mel band (axis 2)", ylabel="frame (axis 1)")
    fig.colorbar(drawn, ax=ax)
plt.show()

# %% [markdown]
# The picture lies on its side: time runs downwards, because time is axis 1 in the whole series. After scaling,
# silence is far below zero and loud points are above it, as shadow and light were in the photographs.
#
# The network is a chain of blocks. Each knows more patterns than the one before, and most make the picture smaller.

# %%
facts = [(layer.name, layer.output.shape[-1], layer.count_params()) for layer in base.layers]
table = pd.DataFrame(facts, columns=["layer", "patterns", "parameters"])
block = table["layer"].str.extract(r"^(conv\d|stage\d)", expand=False).rename("block")
table.groupby(block).agg({"patterns": "last", "parameters": "sum"})

# %% [markdown]
# In the end one point stands for 32 × 32 points of the picture, and little is left of our small one. `ENLARGE` blows
# it up; time and memory grow with its square. Most parameters sit in the last blocks: this decides how phase two is
# cut.
#
# ## Phase one: frozen features
#
# While the network is frozen, its answer to a clip never changes. So do not train *through* it: send each clip
# through once, keep what it answers, and train on that. The answers go to disk as log-mels did in notebook 02: one
# row a clip, found again by a hash of everything that the numbers depend on, the weights included. All tracks get
# theirs, test tracks too: no label takes part, nothing is fitted, and each clip is computed for itself.

# %%
def pooled(network, picture):
    """The mean over the picture's surface of what a network answers."""
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(network(picture)))


def answers_of(network, track_ids, layer):
    """What `network` answers to every clip of these tracks, from disk where it is there already."""
    kept, n_computed = clips.kept_answers(
        network, store, tracks.loc[track_ids], f"{OUT_DIR}/features/{short}", clip_frames=clip_frames,
        batch_size=BATCH_SIZE, layer=layer, dB=[low, high], enlarge=ENLARGE,
    )  # fmt: skip
    print(f"{len(kept)} tracks; computed now: {n_computed}")
    return kept


frozen = answers_of(pooled(base, picture), list(tracks.index), "pooled")
width = frozen.frames(ids["train"][0]).shape[1]

# %% [markdown]
# The features are kept as one table, too: the mean over a track's clips, with a note beside it that says which network
# they come from. The file is called `resnet50.parquet` whichever network made it.

# %%
def means(kept):
    """One row a track: the mean over its clips."""
    table = pd.DataFrame({t: kept.frames(t).mean(axis=0, dtype=np.float32) for t in kept.index["track_id"]}).T
    return table.rename(columns="f{:04d}".format).rename_axis("track_id")


F = means(frozen)
with replacing(f"{OUT_DIR}/features/resnet50.parquet") as temporary:
    F.to_parquet(temporary)
note = {**frozen.params, "network": name, "weights": source, "licence": dataset.licence}
write_atomic(f"{OUT_DIR}/features/resnet50.json", json.dumps(note, indent=1) + "\n")

# %% [markdown]
# ### What are the photographs worth?
#
# Before any training, a test on validation tracks: a logistic regression reads the features of a track. Beside them
# stand three others. *Scaling forgotten* sends in brightness from 0 to 1, a common mistake; to the network it is a
# photograph taken in the dark. *Random weights* is the same network before it saw its first photograph. And the last
# row needs no network: mean and standard deviation of each mel band.

# %%
share = min(1.0, COMPARE_TRACKS / len(ids["train"] + ids["valid"]))
some = {side: sorted(rng.permutation(ids[side])[: int(np.ceil(share * len(ids[side])))]) for side in ("train", "valid")}


def probe(table):
    """Validation scores of a logistic regression on one row of features a track."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    model.fit(table.loc[some["train"]], Y[some["train"]])
    proba = np.zeros((len(some["valid"]), len(dataset.classes)))
    proba[:, model.classes_] = model.predict_proba(table.loc[some["valid"]])
    return evaluate.scores(Y[some["valid"]], proba, groups=tracks.loc[some["valid"], "group"].to_numpy(), seed=SEED)


# %%
keras.utils.set_random_seed(SEED)
untrained = keras.models.clone_model(base)
dark = keras.layers.Rescaling(1 / 255)(picture)
ways = {"scaling forgotten": pooled(base, dark), "random weights": pooled(untrained, picture)} if learned else {}
probed = {source: probe(F)}
for way, network in ways.items():
    probed[way] = probe(means(answers_of(network, some["train"] + some["valid"], f"pooled, {way}")))
bands = {t: store.frames(t).astype(np.float32) for t in some["train"] + some["valid"]}
probed["mel bands, no network"] = probe(pd.DataFrame({t: np.r_[S.mean(0), S.std(0)] for t, S in bands.items()}).T)
by_picture = pd.DataFrame(probed).T.astype(float)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(by_picture, chance=by_picture["chance"].iloc[0])
ax.set_title(f"Frozen features of {name}, {len(some['valid'])} validation tracks of {DATASET}")
plt.show()

# %%
told = ", ".join(f"{way} {row['accuracy']:.2f}" for way, row in by_picture.iterrows())
below = by_picture.index[by_picture["accuracy_high"] < by_picture["accuracy_low"].iloc[0]]
Markdown(f"On these tracks: {told}. The first lies clearly above: {', '.join(below) or 'none of the others'}.")

# %% [markdown]
# ### A head
#
# Behind the frozen part stands a **head**: scale each feature, hide half of them, decide. The scaling comes from
# training clips. Some features are nearly always zero; a small amount is added to every variance, so that such a
# feature is not blown up a thousandfold when phase two wakes it. The classes that cut clips for notebook 05 feed the
# head, too: here a "clip" is one row of features.

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
def compiled(network, rate, **options):
    """Make a network ready to train, the same way for each."""
    optimizer = keras.optimizers.Adam(rate)
    network.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return network


def cost(history, X, network):
    """What a training took: parameters, steps, seconds, and milliseconds for each clip that went through."""
    steps, seconds = len(history["loss"]) * len(X), history["seconds"]
    figures = {"trained parameters": sum(int(np.prod(w.shape)) for w in network.trainable_weights)}
    return figures | {"steps": steps, "seconds": seconds, "ms per clip": 1000 * seconds / (steps * BATCH_SIZE)}


# %%
keras.utils.set_random_seed(SEED)
scaling = clips.band_statistics(frozen, ids["train"])
decide = head(*scaling, len(dataset.classes), SEED)
layers = [keras.layers.Input((1, width, 1)), keras.layers.Reshape((width,)), *decide]
on_features = compiled(keras.Sequential(layers), LEARNING_RATE)
a_row = {"store": frozen, "clip_frames": 1}  # a clip of these is one row of features
X, valid = experiment.random_clips("train", **a_row), experiment.every_clip("valid", **a_row)
histories = {"frozen": training.fit(on_features, X, valid, epochs=EPOCHS, patience=PATIENCE)}
costs = {"head": cost(histories["frozen"], X, on_features)}

# %% [markdown]
# An epoch takes a moment, because the network in front of the head ran once and not once an epoch.
#
# ## Phase two: the top block
#
# Now let the network itself adapt, but only its top. The lower blocks see edges and textures, which spectrograms have
# too; the top sees parts of dogs and cars. It may learn better ones. Three precautions:
#
# 1. **The head comes first.** A random head would send large, meaningless corrections into the top block.
# 2. **The learning rate is small** (`TUNE_RATE`): large steps would destroy in seconds what took weeks to learn.
# 3. **BatchNorm stays frozen.** Such a layer works in two ways: in training it scales by mean and variance of the
#    batch at hand, afterwards by running statistics, here those of the photographs. A few small batches of
#    spectrograms overwrite these only in part, and the layers behind were trained for neither. In Keras, a BatchNorm
#    layer with `trainable = False` uses its stored statistics and leaves them alone.

# %% tags=["architecture"]
def unfreeze(base, top_block, batchnorm=False):
    """Train the blocks from `top_block` on; everything below, and by default BatchNorm, keeps its values."""
    for layer in base.layers:
        norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = layer.name >= top_block and (batchnorm or not norm)


# %% [markdown]
# Now picture, network and head become one: clips in, probabilities out, like every network of the series.

# %% tags=["architecture"]
def joined(base, low, high, n_mels, decide, enlarge=1):
    """From clips in dB to probabilities, with the whole network and its scaling inside."""
    inputs = keras.layers.Input((None, n_mels, 1))
    X = base(brightness(inputs, low, high, enlarge))
    for layer in [keras.layers.GlobalAveragePooling2D(), *decide]:
        X = layer(X)
    return keras.Model(inputs, X)


# %%
def with_head(warm):
    """The network and a head; a warm one begins as phase one has left its own."""
    own = head(*scaling, len(dataset.classes), SEED)
    network = joined(base, low, high, store.n_mels, own, ENLARGE)
    if warm:
        own[-1].set_weights(decide[-1].get_weights())
    return compiled(network, TUNE_RATE)


# %% [markdown]
# Train three times, from the same weights: once without the first precaution, once without the third, once with all.
# A step now goes through the whole network, so `TUNE_TRACKS` bounds the number of tracks.

# %%
tuned_on = {side: sorted(rng.permutation(ids[side])[:TUNE_TRACKS]) for side in ("train", "valid")}
valid, start, results = experiment.every_clip(tuned_on["valid"]), base.get_weights(), {}
begin = with_head(warm=True).evaluate(valid, verbose=0, return_dict=True)
for way in ("random head", "BatchNorm trains", "all precautions"):
    unfreeze(base, top, batchnorm=way == "BatchNorm trains")
    keras.utils.set_random_seed(SEED)
    base.set_weights(start)
    tuned = with_head(warm=way != "random head")
    X = experiment.random_clips(tuned_on["train"])
    results[way] = training.fit(tuned, X, valid, epochs=TUNE_EPOCHS, patience=TUNE_EPOCHS)
histories["tuned"] = results["all precautions"]
costs["top block"] = cost(histories["tuned"], X, tuned)

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 4.2))
for ax, metric in zip(axes, ["loss", "accuracy"]):
    plotting.history(results, metric=metric, ax=ax)
    ax.axhline(begin[metric], color="0.3", ls=":", label="after phase one, validation")
    ax.set(title=f"{metric} of clips ({name}, {source})")
    ax.get_legend().remove()
axes[0].set_yscale("log")
axes[1].set_ylim(0, 1)
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
plt.show()

# %%
first = ", ".join(f"{history['val_loss'][0]:.2f} ({way})" for way, history in results.items())
past = "refined" if min(histories["tuned"]["val_loss"]) < begin["loss"] else "did not get past"
Markdown(f"Phase one left a validation loss of {begin['loss']:.2f}. One epoch later it was {first}. With all "
         f"precautions, the top block in the end {past} what phase one had left.")  # fmt: skip

# %% [markdown]
# With BatchNorm training, dashed and solid belong to two different networks: the dashed line scales by the batch at
# hand, the solid one by running statistics, by now a mixture of old and new. With BatchNorm frozen, nothing moves but
# what the optimizer moves.
#
# ## From nothing
#
# What would the same network do without borrowed weights? It starts from random ones, and all of it is trained. Its
# BatchNorm has to learn its own statistics, so here it trains; we take few steps, so they follow with momentum 0.9
# and not Keras's 0.99. It gets the full learning rate and at most as many steps as phase two.

# %%
steps = min(SCRATCH_STEPS, costs["top block"]["steps"])
for layer in untrained.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.momentum = 0.9
ending = [keras.layers.Dropout(0.5, seed=SEED), keras.layers.Dense(len(dataset.classes), activation="softmax")]
scratch = joined(untrained, low, high, store.n_mels, ending, ENLARGE)
scratch = compiled(scratch, LEARNING_RATE, run_eagerly=steps < 10)  # a graph of all layers takes as long as ten steps

# %%
X = experiment.random_clips(tuned_on["train"])
n_epochs = max(1, steps // len(X))
histories["scratch"] = training.fit(scratch, X, valid, epochs=n_epochs, patience=n_epochs)
costs["whole network"] = cost(histories["scratch"], X, scratch)
spent = pd.DataFrame(costs).T
spent.round(1)

# %% [markdown]
# The table says what each training took, the validation after each epoch included. The head met clips whose way
# through the network was computed before. The top block costs the whole way forwards and a short one back, training
# everything a long one.
#
# ## The test
#
# Three systems, decided before: frozen features with a head, the tuned top block with all precautions, and the network
# from nothing. Each meets the test tracks once, and its clips vote. Notebook 11 sets them beside all others.

# %%
test = {"frozen": (on_features, experiment.every_clip("test", **a_row)), "tuned": (tuned, experiment.every_clip("test")),
        "scratch": (scratch, experiment.every_clip("test"))}  # fmt: skip
proba, rows = {}, {}
for way, (network, X) in test.items():
    proba[way], rows[way] = evaluate.by_track(network, X, groups=groups["test"], seed=SEED)
table = pd.DataFrame(rows).T.astype(float)
table[["accuracy", "clip_accuracy", "macro_f1", "top3", "log_loss", "chance", "n_test"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"{len(ids['test'])} test tracks of {DATASET}; {name}, {source}")
plt.show()

# %%
told = []
for first, other in [("tuned", "frozen"), ("frozen", "scratch")]:
    d = evaluate.compare(Y[ids["test"]], proba[first], proba[other], groups=groups["test"], seed=SEED)
    sure = "" if d["difference_low"] > 0 or d["difference_high"] < 0 else ", so this test cannot tell"
    told.append(f"{first} minus {other} {d['difference']:+.2f} [{d['difference_low']:+.2f}, {d['difference_high']:+.2f}]{sure}")
is_it = "clear of" if rows["scratch"]["accuracy_low"] > rows["scratch"]["chance"] else "not clear of"
Markdown(f"Compared track by track, with 95 % intervals: {'; '.join(told)}. After "
         f"{costs['whole network']['steps']} steps, the network from nothing is {is_it} chance.")  # fmt: skip

# %% [markdown]
# More steps would bring the network from nothing nearer. The demo music is synthetic, and what borrowed weights are
# worth to real music, only real music can say.
#
# The tuned network is saved, and its card says which weights it grew from. Of the other two only the figures are
# kept.

# %%
inputs = {**store.params, "clip_frames": clip_frames, "dB": [low, high]}
for way, phase in {"tuned": "top block", "frozen": "head", "scratch": "whole network"}.items():
    told = {"weights": "random weights" if way == "scratch" else source, "steps": int(costs[phase]["steps"])}
    print(experiment.record(f"{short}-{way}", rows[way], proba=proba[way], history=histories[way], inputs=inputs,
                            network=tuned if way == "tuned" else None, **told))  # fmt: skip

# %% [markdown]
# ## What we learned

# %%
lowest = ", ".join(f"{min(history['val_loss']):.2f} ({way})" for way, history in results.items())
Markdown(
    f"- A clip became a grey picture of {ready.shape[1]} × {ready.shape[2]} points. A logistic regression on what "
    f"{name} saw in it, with {source}: {evaluate.describe(probed[source])} (validation).\n"
    f"- Phase two began with a validation loss of {begin['loss']:.2f}. At best it was {lowest}.\n"
    f"- A clip of training took {spent.loc['head', 'ms per clip']:.1f} ms for the head and "
    f"{spent.loc['whole network', 'ms per clip']:.0f} ms for the whole network. On the test tracks: "
    + "; ".join(f"{way}: {evaluate.describe(row)}" for way, row in rows.items()) + "."
)  # fmt: skip

# %% [markdown]
# ## Exercises
#
# 1. Set `ENLARGE` to 2. How much longer does phase one take, and is it worth it? *Hint: the table of costs.*
# 2. Set `TOP_BLOCK` one block lower. Which grows faster, the trained parameters or the time per clip? *Hint: the table
#    of blocks.*
# 3. Raise `TUNE_RATE` tenfold. After how many epochs is phase one undone?
# 4. Stand the picture upright with `keras.layers.Permute((2, 1, 3))` in `brightness`. Must a network that learned from
#    photographs care? *Hint: sky is above, ground is below.*
#
# ## Next
#
# Notebook 10 transfers from music instead of photographs, with far smaller networks, on the same tracks and split.
#
# **References.** K. He et al., *Deep residual learning for image recognition*, CVPR 2016. M. Tan, Q. Le,
# *EfficientNet: rethinking model scaling for convolutional neural networks*, ICML 2019. J. Deng et al., *ImageNet: a
# large-scale hierarchical image database*, CVPR 2009. S. Ioffe, C. Szegedy, *Batch normalization*, ICML 2015. J.
# Yosinski et al., *How transferable are features in deep neural networks?*, NeurIPS 2014. K. Palanisamy et al.,
# *Rethinking CNN models for audio classification*, 2020 (ImageNet weights on spectrograms).
