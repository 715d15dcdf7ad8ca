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
# *reading 10 minutes · computing 2 minutes · needs nothing; fetches ImageNet weights where it can · writes `features/`, `models/` and `metrics/`*
#
# A network that has learned to name what a million photographs show has never met a spectrogram. Is it of any use to
# music? **Transfer learning** asks just that: show it log-mels as if they were photographs, train only what stands
# behind it, then let its top adapt (**fine-tuning**). ResNet50, with 23.6 million parameters, is the classic to borrow. Most music
# collections hold a few hundred songs, far too few to train it from nothing.
#
# **You will learn**
#
# - how a clip of music becomes a picture that such a network can read, and what its photographs are worth to music;
# - how to train in two phases: a head on frozen features, then the top block, with its batch normalization frozen;
# - how to keep both phases cheap: each asks its frozen part once, and keeps the answers.
#
# **Before you start**: notebook 05 explains convolution, pooling and how a result is reported.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
import json

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
TOP_BLOCK: str = ""  # phase two trains from this block on; empty takes conv5 or stage8
COMPARE_TRACKS: int = 240  # most training and validation tracks in the comparison of pictures
TUNE_TRACKS: int = 400  # most training tracks, and most validation tracks, of phase two
TUNE_EPOCHS: int = 15  # most epochs of phase two
TUNE_RATE: float = 0.0003  # learning rate of phase two
EPOCHS: int = 60  # most epochs to train
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
BATCH_SIZE: int = 32  # clips in a training batch
LEARNING_RATE: float = 0.001  # of the Adam optimizer
SEED: int = 0  # seed of every random choice

# %% [markdown]
# `EPOCHS` and `LEARNING_RATE` are those of phase one; `PATIENCE` holds for both phases.
#
# ## The network
#
# Keras brings the architecture of ResNet50 and downloads its weights, 94 MB. Where it cannot, EfficientNet-Lite0 takes
# its place: a smaller network with weights from the same photographs, which the package index has. The next cell says
# which of them this page is about.

# %%
base, name, source, why = published.imagenet_network(DATA_DIR, WEIGHTS, seed=SEED)
short, top = {"ResNet50": ("resnet50", "conv5"), "EfficientNet-Lite0": ("effnet", "stage8")}[name]
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
# `Concatenate` lays three equal channels behind each other. The result is a grey photograph. It lies on its side: time
# runs downwards, because time is axis 1 in the whole series.

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

# %%
black, white = (grey[0, :, :, 0] <= 0).mean(), (grey[0, :, :, 0] >= 255).mean()
Markdown(
    f"Of this clip's {grey[0, :, :, 0].size:,} points, {black:.1%} are black and {white:.1%} white. After scaling, "
    f"{(ready[0, :, :, 0] < 0).mean():.0%} of them lie below zero, and the others above it, as shadow and light did in "
    "the photographs."
)

# %% [markdown]
# The network is a chain of blocks. From block to block there are more patterns, with few exceptions, and most blocks make the
# picture smaller.

# %%
facts = [(layer.name, layer.output.shape[-1], layer.count_params()) for layer in base.layers]
table = pd.DataFrame(facts, columns=["layer", "patterns", "parameters"])
block = table["layer"].str.extract(r"^(conv\d|stage\d)", expand=False)
blocks = table.groupby(block).agg({"patterns": "last", "parameters": "sum"}).rename_axis(None)
blocks

# %%
last = base.compute_output_shape(grey.shape)
n_top, n_all = table.loc[table["layer"] >= top, "parameters"].sum(), table["parameters"].sum()
Markdown(f"Of the picture of {grey.shape[1]} × {grey.shape[2]} points, {last[1]} × {last[2]} are left in the end, with "
         f"{last[3]:,} patterns each. The blocks from *{top}* on hold {n_top:,} of {n_all:,} parameters: "
         f"{n_top / n_all:.0%}.")  # fmt: skip

# %% [markdown]
# Little is left of our small picture; `ENLARGE` blows it up, and time and memory grow with its square. Where
# phase two cuts is a compromise: what lies above the cut can learn; what lies below it answers once for each clip.
#
# ## Phase one: frozen features
#
# While the network is frozen, its answer to a clip never changes. So do not train *through* it: send each clip
# through once, keep what it answers, its **features**, and train on those. They go to disk as log-mels did in notebook
# 02: one row a clip, found again by a hash of everything that the numbers depend on, the weights included. All tracks
# get theirs, test tracks too: no label takes part, nothing is fitted, and each clip is computed for itself.

# %%
def pooled(network, picture):
    """The mean over the picture's surface of what a network answers."""
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(network(picture)))


def answers_of(network, track_ids, layer):
    """What `network` answers to every clip of these tracks, from disk where it is there already."""
    kept, _ = clips.kept_answers(
        network, store, tracks.loc[track_ids], f"{OUT_DIR}/features/{short}", clip_frames=clip_frames,
        batch_size=BATCH_SIZE, layer=layer, dB=[low, high], enlarge=ENLARGE,
    )  # fmt: skip
    return kept


frozen = answers_of(pooled(base, picture), list(tracks.index), "pooled")
width = frozen.frames(ids["train"][0]).shape[1]
print(f"{len(frozen.index)} tracks, {width:,} features a clip")

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
# Before any network is trained, a test on validation tracks: a logistic regression reads the features of a track.
# Beside them stand three others. *Scaling forgotten* sends in brightness from 0 to 1, a common mistake; to the network
# it is a photograph taken in the dark. *Random weights* is the same network before it saw its first photograph; its
# answers are minute, so one number makes them louder. And the last row needs no network: mean and standard deviation of
# each mel band.

# %%
share = min(1.0, COMPARE_TRACKS / len(ids["train"] + ids["valid"]))
some = {side: sorted(rng.permutation(ids[side])[: int(np.ceil(share * len(ids[side])))]) for side in ("train", "valid")}


def probe(table):
    """What a logistic regression on one row of features a track answers to the validation tracks."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    model.fit(table.loc[some["train"]], Y[some["train"]])
    proba = np.zeros((len(some["valid"]), len(dataset.classes)))
    proba[:, model.classes_] = model.predict_proba(table.loc[some["valid"]])
    return proba


# %%
keras.utils.set_random_seed(SEED)
untrained = keras.models.clone_model(base)
faint = pooled(untrained, picture)
louder = keras.layers.Rescaling(float(1 / keras.ops.std(faint(X_batch))))(faint.output)
dark = keras.layers.Rescaling(1 / 255)(picture)
asked = {"scaling forgotten": (pooled(base, dark), some["train"] + some["valid"]),
         "random weights": (keras.Model(inputs, louder), list(tracks.index))} if learned else {}  # fmt: skip
others = {way: answers_of(network, who, f"{way}, pooled") for way, (network, who) in asked.items()}
probed = {source: probe(F)} | {way: probe(means(kept)) for way, kept in others.items()}
bands = {t: store.frames(t).astype(np.float32) for t in some["train"] + some["valid"]}
probed["mel bands, no network"] = probe(pd.DataFrame({t: np.r_[S.mean(0), S.std(0)] for t, S in bands.items()}).T)
about = {"groups": tracks.loc[some["valid"], "group"].to_numpy(), "seed": SEED}
by_picture = pd.DataFrame({way: evaluate.scores(Y[some["valid"]], p, **about) for way, p in probed.items()}).T.astype(float)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(by_picture, chance=by_picture["chance"].iloc[0])
ax.set_title(f"Frozen features of {name}, {len(some['valid'])} validation tracks")
plt.show()

# %%
told = "; ".join(f"{way}: {evaluate.describe(row)}" for way, row in by_picture.iterrows())
ahead = {way: evaluate.compare(Y[some["valid"]], probed[source], probed[way], **about) for way in list(probed)[1:]}
paired = "; ".join(f"{way} {{difference:+.2f}} [{{difference_low:+.2f}}, {{difference_high:+.2f}}]".format(**d) for way, d in ahead.items())
above = ", ".join(way for way, d in ahead.items() if d["difference_low"] > 0) or "none of the others"
Markdown(f"On these tracks: {told}. Track by track, the first minus {paired}. So it lies clearly above {above}.")

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
def fitted(network, kept, sides, rate, epochs):
    """Train a network on rows that a frozen part answered, until PATIENCE epochs bring nothing."""
    optimizer = keras.optimizers.Adam(rate)
    network.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    a_row = {"store": kept, "clip_frames": 1}
    X, valid = experiment.random_clips(sides["train"], **a_row), experiment.every_clip(sides["valid"], **a_row)
    return training.fit(network, X, valid, epochs=epochs, patience=PATIENCE)


def head_on(kept):
    """A head trained on frozen features: the network, its decision, its history."""
    keras.utils.set_random_seed(SEED)
    decide = head(*clips.band_statistics(kept, ids["train"]), len(dataset.classes), SEED)
    network = keras.Sequential([keras.layers.Input((1, width, 1)), keras.layers.Reshape((width,)), *decide])
    return network, decide, fitted(network, kept, ids, LEARNING_RATE, EPOCHS)


on_features, decide, phase_one = head_on(frozen)
histories = {"frozen": phase_one}

# %%
def best_epoch(history):
    """Where the validation loss was lowest, of how many epochs."""
    return f"{np.argmin(history['val_loss']) + 1} of {len(history['val_loss'])}"


n_head = sum(layer.count_params() for layer in decide[1:])
Markdown(f"The head has {n_head:,} parameters to learn, {base.count_params() / n_head:.0f} times fewer than {name}. "
         f"Its best epoch was {best_epoch(phase_one)}, with a validation loss of "
         f"{min(phase_one['val_loss']):.2f}.")  # fmt: skip

# %% [markdown]
# ## Phase two: the top block
#
# Now let the network itself adapt, but only its top. The lower blocks see edges and textures, which spectrograms have
# too; the top sees parts of dogs and cars. It may learn better ones. Three precautions:
#
# 1. **The head comes first.** A random head would send large, meaningless corrections into the top block.
# 2. **The learning rate is small** (`TUNE_RATE`, smaller than that of the head): large steps would destroy in seconds
#    what took weeks to learn.
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
# What lies below the top block is frozen in this phase, too. So cut the network there, send each clip through the
# lower part once, and keep the **map** that comes out: training then goes through the upper part only, and all of it can
# be trained to its end. Both parts share their layers with the whole network, so what the upper part learns, the whole
# has learned.

# %%
cut = [layer for layer in base.layers if layer.name < top][-1]
lower, upper = keras.Model(base.input, cut.output), keras.Model(cut.output, base.output)
tuned_on = {side: sorted(rng.permutation(ids[side])[:TUNE_TRACKS]) for side in ("train", "valid")}
maps = answers_of(keras.Model(inputs, lower(picture)), tuned_on["train"] + tuned_on["valid"], cut.name)
map_shape = lower.compute_output_shape(grey.shape)[1:]
print(f"cut behind {cut.name}: a clip is a map of {' × '.join(map(str, map_shape))} numbers")


def on_maps(own):
    """The upper part and a head, for maps that the lower part has left."""
    flat = keras.layers.Input((1, int(np.prod(map_shape)), 1))
    pool = keras.layers.GlobalAveragePooling2D()
    return keras.Sequential([flat, keras.layers.Reshape(map_shape), upper, pool, *own])


# %% [markdown]
# Train twice, from the same weights and with the head as phase one has left it: once with BatchNorm in training, once with
# all precautions. Exercise 2 leaves out the first of them.

# %%
start, results, scaling = base.get_weights(), {}, clips.band_statistics(frozen, ids["train"])
for way, batchnorm in {"BatchNorm trains": True, "all precautions": False}.items():
    unfreeze(base, top, batchnorm=batchnorm)
    keras.utils.set_random_seed(SEED)
    base.set_weights(start)
    own = head(*scaling, len(dataset.classes), SEED)
    network = on_maps(own)
    own[-1].set_weights(decide[-1].get_weights())
    results[way] = fitted(network, maps, tuned_on, TUNE_RATE, TUNE_EPOCHS)
histories["tuned"] = results["all precautions"]
valid = experiment.every_clip(tuned_on["valid"], store=frozen, clip_frames=1)
begin = on_features.evaluate(valid, verbose=0, return_dict=True)

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 4.2))
for ax, metric in zip(axes, ["loss", "accuracy"]):
    plotting.history(results, metric=metric, ax=ax)
    ax.axhline(begin[metric], color="0.3", ls=":", label="after phase one, validation")
    ax.set(title=f"{metric} of clips")
    ax.get_legend().remove()
axes[0].set_yscale("log")
axes[1].set_ylim(0, 1)
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
plt.show()

# %%
first = ", ".join(f"{history['val_loss'][0]:.2f} ({way})" for way, history in results.items())
kept = {way: int(np.argmin(history["val_loss"])) for way, history in results.items()}
lowest = "; ".join(f"{way} {min(history['val_loss']):.2f} in epoch {best_epoch(history)}, with an accuracy of clips of "
                   f"{history['val_accuracy'][kept[way]]:.2f}" for way, history in results.items())  # fmt: skip
past = "refined" if min(histories["tuned"]["val_loss"]) < begin["loss"] else "did not get past"
Markdown(f"Phase one left a validation loss of {begin['loss']:.2f} and an accuracy of {begin['accuracy']:.2f} on these "
         f"clips. One epoch later the loss was {first}. At best: {lowest}. With all precautions, the top block {past} what "
         "phase one had left.")  # fmt: skip

# %% [markdown]
# With BatchNorm training, dashed and solid belong to two different networks: the dashed line scales by the batch at
# hand, the solid one by running statistics, by now a mixture of old and new. With BatchNorm frozen, nothing moves but
# what the optimizer moves.
#
# ## The test
#
# Which systems meet the test tracks was decided before: frozen features with a head, the tuned top block with all
# precautions, and the same head on the features of the network that has seen no photograph. Picture, network and head
# become one for it: clips in, probabilities out, like every network of the series. The tuned network is saved, and its
# card says which weights it grew from. Of the others only the figures are kept.

# %% tags=["architecture"]
def joined(base, low, high, n_mels, decide, enlarge=1):
    """From clips in dB to probabilities, with the whole network and its scaling inside."""
    inputs = keras.layers.Input((None, n_mels, 1))
    X = base(brightness(inputs, low, high, enlarge))
    for layer in [keras.layers.GlobalAveragePooling2D(), *decide]:
        X = layer(X)
    return keras.Model(inputs, X)


# %%
tuned = joined(base, low, high, store.n_mels, own, ENLARGE)
test = {"frozen": (on_features, frozen), "tuned": (tuned, None)}
if learned:
    on_random, _, histories["random"] = head_on(others["random weights"])
    test["random"] = (on_random, others["random weights"])
proba, rows, told_inputs = {}, {}, {**store.params, "clip_frames": clip_frames, "dB": [low, high]}
for way, (network, kept) in test.items():
    X = experiment.every_clip("test", store=kept, clip_frames=1 if kept else None)
    proba[way], rows[way] = evaluate.by_track(network, X, groups=groups["test"], seed=SEED)
    told = {"history": histories[way], "weights": "random weights" if way == "random" else source}
    told |= {"network": network, "inputs": told_inputs} if way == "tuned" else {"ablation": way == "random"}
    experiment.record(f"{short}-{way}", rows[way], proba=proba[way], **told)
table = pd.DataFrame(rows).T.astype(float)
table["best epoch"] = [best_epoch(histories[way]) for way in rows]
table[["accuracy", "accuracy_low", "accuracy_high", "top3", "log_loss", "chance", "n_test", "best epoch"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"{len(ids['test'])} test tracks of {DATASET}, {name}")
plt.show()

# %%
told = []
for first, other in [("tuned", "frozen"), ("frozen", "random")][: len(rows) - 1]:
    d = evaluate.compare(Y[ids["test"]], proba[first], proba[other], groups=groups["test"], seed=SEED)
    sure = "" if d["difference_low"] > 0 or d["difference_high"] < 0 else ", so this test cannot tell"
    told.append(f"{first} minus {other} {d['difference']:+.2f} [{d['difference_low']:+.2f}, {d['difference_high']:+.2f}]{sure}")
Markdown(
    f"Compared track by track, with 95 % intervals: {'; '.join(told)}. Chance is {rows['frozen']['chance']:.2f}, and "
    + ", ".join(f"{way} is {'' if row['accuracy_low'] > row['chance'] else 'not '}clear of it" for way, row in rows.items())
    + "."
)

# %% [markdown]
# *random* is not what the network could learn from nothing: only its head has learned. To train all of it takes far
# longer than this page (exercise 3), and conv-pool of notebook 05 has learned from nothing, too, with a fraction of the
# parameters; notebook 11 sets them side by side. The demo music is synthetic, and what borrowed weights are worth to
# real music, only real music can say.

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- A clip became a grey picture of {ready.shape[1]} × {ready.shape[2]} points. A logistic regression on what "
    f"{name} saw in it, with {source}: {evaluate.describe(by_picture.loc[source])} (validation).\n"
    f"- Phase one, with {n_head:,} parameters, left a validation loss of {begin['loss']:.2f}. Phase two, at best: "
    f"{lowest}.\n"
    f"- Each phase sent a clip through its frozen part once and kept the answer: {last[3]:,} numbers in phase one, "
    f"{np.prod(map_shape):,} in phase two. On the test tracks: "
    + "; ".join(f"{way}: {evaluate.describe(row)}" for way, row in rows.items()) + "."
)  # fmt: skip

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. Why may the test tracks go through the frozen network together with the others?</summary>
#
# It learns nothing from them. What a clip becomes depends on that clip and on weights that were fixed before, so no
# test track can leave a trace in what is trained.
#
# </details>
#
# <details><summary>2. Why does phase two use the maps of fixed clips, and not clips from random places?</summary>
#
# A map is kept for a clip that is met again. A clip from a random place is met once, so it would have to go through
# the lower part each time. The price is that the network meets fewer different clips.
#
# </details>
#
# <details><summary>3. The validation loss gets worse in phase two. What do you do?</summary>
#
# Keep phase one: the head on frozen features is a model, too. Then try a smaller rate or a smaller top block, and judge
# by validation tracks again, never by the test.
#
# </details>
#
# ## Exercises
#
# ### 1. Which block?
#
# Pool the maps that phase two starts from, and give them to the logistic regression in place of the last features. Are
# the lower blocks enough for music? *Hint: a row of `maps.frames(track_id)` is a flattened map; `probe` takes one row a
# track.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. A random head
#
# Leave out the first precaution: train the top block for one epoch behind a head that knows nothing yet, and for one
# epoch behind the warm head. What do the two first epochs do to the validation loss, and which part of that is the
# head's? *Hint: `base.set_weights(start)` before each, and put back afterwards what `base.get_weights()` returned.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. From nothing
#
# What would it cost to train all of the network from random weights, with no clip known beforehand? Measure three
# steps, and work out an epoch. *Hint: `joined(untrained, …)` with a head of its own, `train_on_batch`, and
# `time.perf_counter`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 10 transfers from music instead of photographs, with far smaller networks, on the same tracks and split.
#
# **References.** K. He et al., *Deep residual learning for image recognition*, CVPR 2016. M. Tan, Q. Le,
# *EfficientNet: rethinking model scaling for convolutional neural networks*, ICML 2019. J. Deng et al., *ImageNet: a
# large-scale hierarchical image database*, CVPR 2009. S. Ioffe, C. Szegedy, *Batch normalization*, ICML 2015. J.
# Yosinski et al., *How transferable are features in deep neural networks?*, NeurIPS 2014. K. Palanisamy et al.,
# *Rethinking CNN models for audio classification*, 2020 (ImageNet weights on spectrograms).
