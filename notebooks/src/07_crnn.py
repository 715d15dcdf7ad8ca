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
# *reading 10 minutes · computing 4 minutes · needs nothing · writes `models/`, `metrics/`, `predictions/`*
#
# The networks of notebook 05 count how often a pattern occurs and forget when. Music is made in time: a verse leads
# to a chorus, a backbeat comes after the beat. A **recurrent** layer reads one moment after another and carries a
# memory along. How do you make sure that it reads along time, and not along another axis of the same length? And does its
# memory pay?
#
# **You will learn**
#
# - how a recurrent layer reads a clip, and how to prove that it reads time;
# - what a memory is worth beside the same network without one;
# - how the CRNN of Choi et al. is built, trained, and heard at any length.
#
# **Before you start**: notebook 03 explains clips and the split, notebook 05 convolution, pooling and early stopping.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from functools import partial

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
CRNN_MELS: int = 32  # mel bands of the CRNN
RIVALS: list = ["mfcc-lstm", "cnn-lstm", "cnn-lstm-reshape", "cnn-mean"]  # networks trained beside the CRNN
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
RIVAL_CLIPS: int = 2  # random clips of a track in an epoch of the rivals
CRNN_SECONDS: float = 4.5  # length of a clip that the CRNN is trained on
CRNN_CLIPS: int = 1  # random clips of a track in an epoch of the CRNN
CRNN_BATCH: int = 8  # clips in a training batch of the CRNN
LENGTH_TRACKS: int = 15  # most validation tracks that are heard at several lengths
EPOCHS: int = 60  # most epochs to train
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
BATCH_SIZE: int = 32  # clips in a training batch
LEARNING_RATE: float = 0.001  # of the Adam optimizer
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# The same tracks and the same split as in notebook 05. The CRNN is the largest network of the series that is trained from
# scratch, so it reads a second set of features with fewer mel bands. Both come from the same frames, and every network
# of the series meets the same test tracks.

# %%
experiment = Experiment(globals())
dataset, store, split, ids = experiment.dataset, experiment.store, experiment.split, experiment.ids
coarse = experiment.extract(n_mels=CRNN_MELS)
clip_frames, crnn_frames = experiment.clip_frames, round(CRNN_SECONDS * coarse.frames_per_second)
print(experiment)

# %% [markdown]
# Ten genres ask for one answer a track: **softmax** shares one portion of probability among the classes. Where a track
# may have several labels, such as the instruments of notebook 16, each label gets a **sigmoid**, a yes or no of its
# own. Only the last layer, the loss and the score depend on it.

# %%
if dataset.multilabel:
    ANSWER, LOSS, SCORE, CHANCE = "sigmoid", "binary_crossentropy", "roc_auc", 0.5
else:
    ANSWER, LOSS, SCORE, CHANCE = "softmax", "sparse_categorical_crossentropy", "accuracy", 1 / len(dataset.classes)
n_answers = len(dataset.classes)

# %% [markdown]
# ## A sequence of MFCC
#
# We begin with few numbers a frame. **MFCC**, mel-frequency cepstral coefficients, describe the outline of a spectrum:
# the first is the level, the second says whether low or high bands are stronger, later ones draw finer and finer waves
# (notebook 01 draws them). They are the cosine transform of a column of the log-mel picture, so the feature store holds
# all that is needed: multiply each frame with a fixed matrix. The first coefficients are far larger than the last. So
# that none drowns, each is scaled by its mean and deviation, which come from frames of training tracks only.

# %%
DCT = scipy.fft.dct(np.eye(N_MELS), axis=0, norm="ortho")[:N_MFCC]  # [shape=(N_MFCC, N_MELS)]
some = np.random.default_rng(SEED).permutation(ids["train"])[:500]
S_db = np.concatenate([store.frames(track_id)[::10] for track_id in some]).astype(np.float32)
mfcc = S_db @ DCT.T
print("the matrix gives what librosa gives:", np.allclose(mfcc.T, librosa.feature.mfcc(S=S_db.T, n_mfcc=N_MFCC), atol=1e-2))

# %% [markdown]
# Matrix and scaling go into the network as its first two layers, which are not trained. So every network of this page
# reads log-mel clips, and none can be fed with MFCC that somebody computed in another way.
#
# An **LSTM** layer holds a memory, here of 64 numbers. At each frame, three **gates** decide what of it to forget, what
# to add and what to show. A gate is a number between 0 and 1, computed from the frame and from what was shown before.
# Two such layers lie on top of each other: the first answers at every frame, the second only after the last one. Nobody
# tells them what is worth remembering: the loss stands at the end of the clip, and its gradient travels back through
# every frame. Over many frames such a gradient fades away; the gates were invented to keep it.

# %%
def mfcc_lstm():
    """The MFCC of each frame, two LSTM layers over the frames, a dense layer."""
    network = keras.Sequential(
        [
            keras.layers.Input((None, N_MELS, 1)),
            keras.layers.Reshape((-1, N_MELS)),
            keras.layers.Dense(N_MFCC, use_bias=False, trainable=False, name="dct"),
            keras.layers.Normalization(mean=mfcc.mean(axis=0), variance=mfcc.var(axis=0)),
            keras.layers.LSTM(64, return_sequences=True),
            keras.layers.LSTM(64),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(n_answers, activation=ANSWER),
        ],
        name="mfcc-lstm",
    )
    network.get_layer("dct").set_weights([DCT.T])
    return network


# %% [markdown]
# ## Convolution, then time
#
# Convolutions find patterns, an LSTM puts them in order. The picture after the convolutions has the axes (time,
# frequency, patterns), and an LSTM wants (steps, features). **The steps must be time**: what belongs to one moment is
# laid side by side, and time stays. A common mistake is to lay side by side what belongs to one *frequency*. The shapes
# fit, the loss falls, and such networks have been published. We build three networks on the same convolutions:
#
# - `cnn-lstm`: the LSTM walks over time;
# - `cnn-lstm-reshape`: the mistake, the LSTM walks over rows of frequency, from the bass to the treble;
# - `cnn-mean`: no memory. A dense layer as wide as the LSTM looks at each moment by itself, and the moments are averaged.

# %%
mean, variance = clips.band_statistics(store, ids["train"])


def cnn(name):
    """Three convolutions, then a memory over time or over rows of frequency, or none."""
    rows = name == "cnn-lstm-reshape"
    layers = [
        keras.layers.Input((clip_frames if rows else None, N_MELS, 1)),
        keras.layers.Normalization(axis=(2, 3), mean=mean[:, None], variance=variance[:, None]),
    ]
    for filters, stride in ((8, 2), (8, 1), (16, 1)):  # a stride of 2 instead of pooling: large pictures are slow
        layers += [
            keras.layers.Conv2D(filters, 3, strides=stride, padding="same"),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.Activation("relu"),
            keras.layers.MaxPooling2D(3 - stride),
            keras.layers.Dropout(0.2),
        ]
    layers += [keras.layers.Permute((2, 1, 3))] if rows else []
    layers += [keras.layers.TimeDistributed(keras.layers.Flatten())]
    if name == "cnn-mean":
        layers += [keras.layers.Dense(64, activation="tanh"), keras.layers.GlobalAveragePooling1D()]
    else:
        layers += [keras.layers.LSTM(64)]
    return keras.Sequential([*layers, keras.layers.Dense(n_answers, activation=ANSWER)], name=name)


# %% [markdown]
# What an LSTM is given can be looked at: send clips through the layers before it.

# %%
def sequence(network, X):
    """What the first recurrent layer reads [shape=(clips, steps, features)]."""
    for layer in network.layers:
        if isinstance(layer, (keras.layers.RNN, keras.layers.GlobalAveragePooling1D)):
            break
        X = layer(X)
    return keras.ops.convert_to_numpy(X)


# %%
over_time, over_rows = cnn("cnn-lstm"), cnn("cnn-lstm-reshape")
X = np.zeros((2, clip_frames, N_MELS, 1), np.float32)
looks = [(sequence(network, X).shape, f"{network.count_params():,}") for network in (over_time, over_rows)]
pd.DataFrame(looks, [over_time.name, over_rows.name], ["(clips, steps, features)", "parameters"])

# %% [markdown]
# Both rows say the same: a shape does not tell what an axis means. Ask the networks instead. Take a clip of noise, make a sixteenth of it louder, and see which steps notice; then the next
# sixteenth, and so on. The networks need not be trained for this: which step sees what is a matter of how they are wired.

# %%
def noticed(network, n_frames=clip_frames, parts=16):
    """How much each step changes when one part of the clip does [shape=(steps, parts)]."""
    X = np.random.default_rng(SEED).normal(-40, 10, (1, n_frames, network.input_shape[2], 1)).astype(np.float32)
    before, columns = sequence(network, X), []
    for part in np.array_split(np.arange(n_frames), parts):
        changed = X.copy()
        changed[:, part] += 30
        columns.append(np.abs(sequence(network, changed) - before).sum(axis=(0, 2)))
    return np.stack(columns, axis=1)


# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
notice_end = {}
for ax, network in zip(axes, (over_time, over_rows)):
    change = noticed(network)
    notice_end[network.name] = f"{(change[:, -1] > 0.01 * change.max()).sum()} of {len(change)}"
    image = ax.imshow(np.log10(np.maximum(change / change.max(), 1e-3)), origin="lower", aspect="auto", vmin=-3, vmax=0,
                      extent=(0, CLIP_SECONDS, 0.5, len(change) + 0.5))  # fmt: skip
    ax.set(xlabel="where the clip is made louder (s)", ylabel="step of the LSTM", title=network.name)
fig.colorbar(image, ax=axes, label="change (power of ten\nof the largest)")
plt.show()

# %%
Markdown(
    f"Black is a step that does not notice at all. Where only the end of the clip is louder, {notice_end['cnn-lstm']} steps of `cnn-lstm` "
    f"notice it, and {notice_end['cnn-lstm-reshape']} steps of `cnn-lstm-reshape` (by more than 1 % of the strongest change). A "
    "step of the second network hears the whole clip at once, in a few bands."
)

# %% [markdown]
# The network with the mistake is not useless: it still has its convolutions, and neighbouring rows of a spectrum have
# something to do with each other. But its memory knows nothing of before and after, and its weights fit one length of
# clip only, because the number of moments has become a number of features. One assertion finds it, before any training:
# if only the end of a clip changes, the first steps must not.

# %%
def reads_time(network, n_frames=clip_frames):
    """Do the first steps stay as they are when only the end of a clip changes?"""
    at_the_end = noticed(network, n_frames)[:, -1]
    return bool(at_the_end[: max(1, len(at_the_end) // 3)].max() < 1e-3 * at_the_end.max())


assert reads_time(mfcc_lstm()) and reads_time(over_time)
print("cnn-lstm-reshape reads time:", reads_time(over_rows))

# %% [markdown]
# ## The CRNN of Choi et al.
#
# Choi, Fazekas, Sandler and Cho combined both ideas for music tagging: a **CRNN**, a convolutional recurrent network.
# Four convolutions with **ELU**, a softer ReLU that lets small negative answers through, and pooling by 2, 3, 4 and 4 on
# both axes: all bands become one, so what remains is a pure sequence of 128 patterns. Two **GRU** layers of 32 numbers
# read it; a GRU is an LSTM with two gates and without a separate memory. The authors used 96 bands; in exercise 3 of
# notebook 10 you rebuild it with their own weights.

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


# %% [markdown]
# Send a dummy clip through, as always, and watch the axes: (clips, time, frequency, patterns) until the two GRU layers,
# (clips, steps, features) between them, (clips, features) behind.

# %%
def our_crnn():
    """The CRNN for this dataset, each mel band scaled by its training statistics."""
    mean, variance = clips.band_statistics(coarse, ids["train"])
    scaling = keras.layers.Normalization(axis=(2, 3), mean=mean[:, None], variance=variance[:, None])
    return crnn(scaling, n_answers, ANSWER, bands=CRNN_MELS)


network, X, shapes = our_crnn(), np.zeros((2, crnn_frames, CRNN_MELS, 1), np.float32), {}
assert reads_time(network, n_frames=960)
for layer in network.layers:
    X = layer(X)
    shapes[layer.name] = str(tuple(X.shape))
pd.Series(shapes, name="shape").drop_duplicates().to_frame()

# %% [markdown]
# Pooling divides time by 96. That is the price of this design: the authors heard 29 seconds at once and got 15 steps, and
# a short clip leaves so few that there is little to remember. What the CRNN hears within a step is the work of its
# convolutions. Here are all networks side by side, each with its own length of clip.

# %%
ON_CONVOLUTIONS = {name: partial(cnn, name) for name in ("cnn-lstm", "cnn-lstm-reshape", "cnn-mean")}
NETWORKS = {"mfcc-lstm": mfcc_lstm, **ON_CONVOLUTIONS, "crnn": our_crnn}
READS = {name: (store, clip_frames, BATCH_SIZE, RIVAL_CLIPS) for name in NETWORKS}
READS["crnn"] = (coarse, crnn_frames, CRNN_BATCH, CRNN_CLIPS)
designs = {}
for name, build in NETWORKS.items():
    network, (source, n_frames, *_) = build(), READS[name]
    steps = sequence(network, np.zeros((1, n_frames, source.n_mels, 1), np.float32)).shape[1]
    designs[name] = {"seconds": round(n_frames / source.frames_per_second, 1), "steps": steps, "parameters": network.count_params()}
designs = pd.DataFrame(designs).T.astype({"steps": int, "parameters": int})
designs

# %% [markdown]
# ## Training
#
# One loop for all. Clips are cut as in notebook 05: from random places for training, in order for the test. To choose the
# epoch, every second clip of the validation tracks will do, and saves time. Each second costs the CRNN far more
# multiplications, so its epoch draws fewer clips, in smaller batches. The optimizer and its first rate are the same for
# all. Every training goes on until `PATIENCE` epochs bring no lower validation loss, and the weights of the best epoch
# are kept.

# %%
def in_order(side, name, skip=1):
    """Clips of one side of the split as this network reads them: all, or every second one."""
    source, n_frames, batch, _ = READS[name]
    return experiment.every_clip(side, store=source, clip_frames=n_frames, hop_frames=skip * n_frames, batch_size=4 * batch)


networks, histories = {}, {}
for name in [*RIVALS, "crnn"]:
    keras.utils.set_random_seed(SEED)
    networks[name] = network = NETWORKS[name]()
    network.compile(keras.optimizers.Adam(LEARNING_RATE), loss=LOSS)
    source, n_frames, batch, drawn = READS[name]
    X = experiment.random_clips(store=source, clip_frames=n_frames, batch_size=batch, clips_per_track=drawn)
    histories[name] = training.fit(network, X, in_order("valid", name, skip=2), epochs=EPOCHS, patience=PATIENCE)

# %%
losses = pd.DataFrame({name: pd.Series(history["val_loss"]) for name, history in histories.items()})
losses.index += 1
ax = losses.plot(figsize=(9, 3.6), xlabel="epoch", ylabel="loss of validation clips", title="Every network until its end")
# A guesser knows no more than the number of classes; of several labels, how often each is given.
guessed = scipy.stats.entropy([p := experiment.Y.loc[ids["train"]].mean(), 1 - p]).mean() if dataset.multilabel else np.log(n_answers)
ax.axhline(guessed, color="0.5", ls=":", label="guessing")
ax.legend()
plt.show()

# %%
best, ran = losses.idxmin(), losses.count()
cut_off = [name for name in ran.index if ran[name] == EPOCHS and EPOCHS - best[name] < PATIENCE]
Markdown(
    "The epoch that is kept: " + ", ".join(f"`{name}` {best[name]} of {ran[name]}" for name in ran.index) + ". "
    + (f"The limit of {EPOCHS} epochs cut off {', '.join(cut_off)}; more might help." if cut_off else
       "Early stopping ended every training, and none was cut off.")
    + f" Stopped does not mean good: a guesser has a loss of {guessed:.2f}, and the lowest are "
    + ", ".join(f"{loss:.2f} (`{name}`)" for name, loss in losses.min().sort_values().items()) + "."
)  # fmt: skip

# %% [markdown]
# ## The test
#
# Now, once, the test tracks. All clips of a track vote.

# %%
groups, truth = experiment.groups["test"], experiment.Y.loc[ids["test"]].to_numpy()
proba, rows = {}, {}
for name, network in networks.items():
    proba[name], rows[name] = evaluate.by_track(network, in_order("test", name), groups=groups, seed=SEED)
table = pd.DataFrame(rows).T.join(designs["parameters"])
table[[SCORE, f"{SCORE}_low", f"{SCORE}_high", f"clip_{SCORE}", "chance", "n_test", "n_groups", "parameters"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, metric=SCORE, chance=CHANCE)
ax.set_title(f"{len(truth)} test tracks of {DATASET} by {len(set(groups))} groups", fontsize=10)
plt.show()

# %%
def verdict(first, other):
    """The difference of two networks on the same test tracks, and whether it can be told from none."""
    if not {first, other} <= set(rows):
        return "not measured in this run"
    d = evaluate.compare(truth, proba[first], proba[other], groups=groups, seed=SEED)
    better = first if d["difference_low"] > 0 else other if d["difference_high"] < 0 else ""
    said = f"`{better}` is better" if better else "this test cannot tell them apart"
    return f"{d['difference']:+.2f} [{d['difference_low']:+.2f}, {d['difference_high']:+.2f}], {said}"


axis, memory = verdict("cnn-lstm", "cnn-lstm-reshape"), verdict("cnn-lstm", "cnn-mean")
above, top = table[f"{SCORE}_low"] > CHANCE, table[SCORE].astype(float).idxmax()
Markdown(
    f"The intervals of {above.sum()} of {len(table)} networks lie above chance. `{top}` scores highest: "
    f"{evaluate.describe(rows[top], metric=SCORE)}.\n\n**Does the wrong axis cost anything?** `cnn-lstm` minus "
    f"`cnn-lstm-reshape`, paired track by track: {axis}. "
    + ("Only the axis differs between them." if looks[0] == looks[1] else "More than the axis differs: see their shapes above.")
    + (" This score does not betray the mistake; the assertion did." if "cannot tell" in axis else "")
    + f"\n\n**Is a memory worth anything?** `cnn-lstm` minus `cnn-mean`, on the same convolutions and clips: {memory}."
)

# %% [markdown]
# The first difference is the price of a mistake that no error message reports. The second is the worth of a memory *for this
# task*, on these few tracks: in three seconds of a steady groove the order of the moments may have little to say, and a
# memory brings parameters to be learned. Networks that stay near the loss of a guesser say little about either. The CRNN is
# not taken apart here. Its memory reads very few steps, so its convolutions may do most of the work; and its clips, bands
# and batches differ from those of the others. Each network was trained once, with one seed. The intervals say how far
# other test artists would move a score; how far another seed would, they do not say.
#
# ## Clips of any length
#
# The CRNN holds no number that depends on the length of a clip, so it takes anything from one second to a whole
# track. Whether it *understands* it is another question, since it never met such lengths in training. Ask the validation tracks: they have
# chosen the epoch, with clips of the length in training, so that length may look a little too good.

# %%
some, network = ids["valid"][:: -(-len(ids["valid"]) // LENGTH_TRACKS)], networks["crnn"]
answers = experiment.Y.loc[some].to_numpy()
shortest = coarse.index.set_index("track_id")["n_frames"][some].min() / coarse.frames_per_second
heard = {}
for length in (s for s in sorted({1.0, 2.0, CRNN_SECONDS, 6.0, 12.0, 24.0}) if s <= shortest + 0.1):
    n_frames = round(length * coarse.frames_per_second)
    part = clips.EveryClip(coarse, some, answers, clip_frames=n_frames, batch_size=CRNN_BATCH)
    voted = evaluate.track_proba(evaluate.predict(network, part), part.owner)
    heard[length] = evaluate.scores(answers, voted, n_boot=2)[SCORE]
whole = [network(coarse.frames(t)[None, :, :, None].astype(np.float32), training=False) for t in some]
at_once = evaluate.scores(answers, np.concatenate(whole), n_boot=2)[SCORE]

# %%
fig, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
ax.plot(list(heard), list(heard.values()), "o-", label="all clips of a track vote")
ax.axhline(at_once, color="C2", ls="--", label="the whole track at once")
ax.axvline(CRNN_SECONDS, color="0.7", label="length in training")
ax.axhline(CHANCE, color="0.5", ls=":", label="chance")
ax.set(xlabel="length of a clip (s)", ylabel=SCORE, ylim=(0, 1), title=f"The CRNN on {len(some)} validation tracks")
ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
Markdown(
    f"On these {len(some)} tracks, clips of {' and '.join(f'{s:g}' for s in heard if heard[s] == max(heard.values()))} s vote "
    f"best ({SCORE} {max(heard.values()):.2f}), clips of {min(heard, key=heard.get):g} s worst ({min(heard.values()):.2f}). The whole track in one go scores {at_once:.2f}. "
    f"Mind the grain: one track more or less is worth {1 / len(some):.2f}."
)

# %% [markdown]
# ## Results
#
# Write down what was measured, and keep the networks. The one with the mistake is kept under a name that says it,
# and counts as an ablation, like the one without a memory.

# %%
for name, network in networks.items():
    told = {"history": histories[name], "ablation": name in ("cnn-mean", "cnn-lstm-reshape")}
    told["inputs"] = {**READS[name][0].params, "clip_frames": READS[name][1]}
    print(experiment.record(name, rows[name], proba=proba[name], network=network, **told))

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- An LSTM reads the axis that it is given. Where the end of a clip changes, {notice_end['cnn-lstm']} steps notice "
    f"it if the steps are time, {notice_end['cnn-lstm-reshape']} if they are not. Right minus wrong axis: {axis}.\n"
    f"- The same convolutions with a memory minus without one: {memory}.\n"
    f"- The CRNN ({networks['crnn'].count_params():,} parameters) reached {evaluate.describe(rows['crnn'], metric=SCORE)}. It "
    f"takes clips of any length: on {len(some)} validation tracks, clips of {min(heard):g} s score {heard[min(heard)]:.2f}, the best "
    f"length {max(heard.values()):.2f}. Its memory reads only {designs.loc['crnn', 'steps']} "
    f"steps of a clip, so this is no evidence for memory."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. The loss of a recurrent network falls nicely. Does it read time?</summary>
#
# The loss does not say. A network that reads rows of frequency learns as well, since all of the sound is still there.
# Change the end of a clip and see whether the first steps stay as they were.
#
# </details>
#
# <details><summary>2. A paired interval runs from −0.07 to +0.10. Are the two networks equally good?</summary>
#
# Nobody knows. The interval holds 0, but also differences that would matter. This test has too few artists to tell.
#
# </details>
#
# <details><summary>3. Why does the CRNN take clips of any length, and `cnn-lstm-reshape` does not?</summary>
#
# Convolution, pooling and recurrence repeat the same weights at every moment, however many there are. In the network
# with the mistake, the moments of a clip have become features, and each feature has weights of its own.
#
# </details>
#
# ## Exercises
#
# ### 1. Backwards
#
# Play every validation clip backwards, then with its frames in random order. How much does each network lose? What does that say
# about its use of time? *Hint: `X[:, ::-1]`, and the same random order of `X.shape[1]` frames for all clips of a batch.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. Convolutions over MFCC
#
# Put three convolutions of 32 filters in the place of the two LSTM layers, average over time, and train for a few epochs.
# Is a network without memory as good on the same MFCC? *Hint: reshape the scaled MFCC to `(-1, N_MFCC, 1)` first.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. A rate that shrinks too fast
#
# A common mistake sets the learning rate to `rate / (1 + decay * step)`, where a factor near 1 was meant that is applied once
# an epoch. Train `cnn-lstm` for three epochs with `decay = 0.95` and plot the rate at every step. *Hint: a
# `keras.callbacks.Callback` with `on_train_batch_begin` may set `self.model.optimizer.learning_rate`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 08 goes the other way: no picture at all, a network that learns from samples.
#
# **References.** K. Choi, G. Fazekas, M. Sandler, K. Cho, *Convolutional recurrent neural networks for music
# classification*, ICASSP 2017 (the CRNN). S. Hochreiter, J. Schmidhuber, *Long short-term memory*, 1997. K. Cho et al.,
# *Learning phrase representations using RNN encoder-decoder*, 2014 (the GRU). S. Davis, P. Mermelstein, *Comparison of
# parametric representations for monosyllabic word recognition*, 1980 (MFCC).
