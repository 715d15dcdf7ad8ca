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
# *reading 10 minutes · computing 2 minutes · needs nothing: without a network of notebook 05, it makes one first · writes `models/` and `metrics/`*
#
# So far, every network read pictures that somebody had designed: windows, mel bands, decibels. A network can also read
# the samples themselves and find its own way to listen. What does it pay for that freedom? Here two networks on
# samples meet a mel network that must do without the bands that they cannot hear.
#
# **You will learn**
#
# - how to feed samples to a network, and what is lost on the way;
# - how networks on samples compare with a mel network, with the same clips and the same rule to stop;
# - what the first filters become, and which changes that nobody hears move the answers.
#
# **Before you start**: notebook 05 explains convolution, pooling and how a test is reported. You should know that a
# filter lets some frequencies through and holds others back.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from functools import partial
from pathlib import Path

import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown, display

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
WAVE_SR: int = 8000  # sample rate in hertz of the clips that are read as samples
WAVE_SECONDS: float = 1.0  # length in seconds of every clip in notebook 08
NETWORKS_FROM: str = "05_convpool"  # RUN_NAME of the step whose networks are used
EPOCHS: int = 60  # most epochs to train
WAVE_CLIPS: int = 8  # random clips that an epoch of notebook 08 draws from each training track
WAVE_PATIENCE: int = 5  # stop after so many such epochs without a better validation loss
WAVE_RATE: float = 0.003  # learning rate of all networks of notebook 08
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## Samples as clips
#
# The same tracks and the same split as in notebook 05. The samples go into a second **feature store**, filled by the
# same engine as the log-mels: there, a frame is one sample. The log-mels are needed all the same, because
# near-duplicates are found in them, and because the network we compare with reads them.

# %%
experiment = Experiment(globals() | {"CLIP_SECONDS": WAVE_SECONDS})
dataset, store, split = experiment.dataset, experiment.store, experiment.split
waves = experiment.extract(features.extract_waveform, sr=WAVE_SR)
experiment.keep(waves)  # a track takes part if both stores hold it
tracks, ids, Y, groups = experiment.tracks, experiment.ids, experiment.Y, experiment.groups
print(experiment)

# %% [markdown]
# Samples are cut by the same two classes as spectrograms, one for random clips to train on and one for clips in order. So a
# batch keeps its axes: clips, time, frequency, channel. Clips are shorter than in notebook 05, to save time. Time is long now, and frequency has shrunk to a single
# "band", the sound pressure itself. Both kinds of clip start at the same places of the same tracks, because the same
# seed draws them.
#
# The figure shows one clip as the mel network gets it, and then its samples on three scales of time: in the whole clip
# one sees loudness, in a twentieth of a second notes and their timbre, and in a two-hundredth the single
# samples.

# %%
X_batch, Y_batch = experiment.random_clips(store=waves)[0]
X_mel, _ = experiment.random_clips()[0]
print(f"samples {X_batch.shape}, log-mels {X_mel.shape} = (clips, time, frequency, channel)")
fig, axes = plt.subplots(1, 4, figsize=(13, 2.6))
axes[0].imshow(X_mel[0, :, :, 0].T, origin="lower", aspect="auto", extent=(0, 1000 * WAVE_SECONDS, 0, store.n_mels))
axes[0].set(title=f"{X_mel[0].size:,} points of log-mel", xlabel="time (ms)", ylabel="mel band")
for ax, seconds in zip(axes[1:], (WAVE_SECONDS, 0.05, 0.005)):
    part = X_batch[0, : round(seconds * WAVE_SR), 0, 0]
    ax.plot(1000 * np.arange(len(part)) / WAVE_SR, part, marker="o" if len(part) < 100 else "", ms=3, lw=0.8)
    ax.set(title=f"{len(part):,} samples", xlabel="time (ms)")
axes[1].set_ylabel("sound pressure")
plt.show()

# %%
n_samples = X_batch.shape[1]
Markdown(f"The clip is {n_samples:,} samples, {n_samples / X_mel[0].size:.1f} times as many numbers as its log-mel "
         f"has. Those on the right lie between {part.min():.3f} and {part.max():.3f}; alone, none of them means "
         "anything.")

# %% [markdown]
# ### What is lost
#
# Sampling at `WAVE_SR` keeps the frequencies up to half of it; the rest is gone. That is the price of a network that
# trains on a laptop: twice the rate is twice the work for every layer. The log-mels are made at `SR` and reach higher.
# How much music lies in the part that only they can see? Take one training track of each class.


# %%
def above(path):
    """Share of the energy of ten seconds that lies above half of WAVE_SR."""
    y = load_audio(path, sr=SR, offset=None, max_seconds=10)
    power = np.abs(np.fft.rfft(y)) ** 2
    return power[np.fft.rfftfreq(len(y), 1 / SR) > WAVE_SR / 2].sum() / power.sum()


one_each = tracks.loc[ids["train"]].groupby("label")["path"].first()
lost = one_each.map(above)
mel_hertz = librosa.mel_frequencies(store.n_mels + 2, fmax=SR / 2)[1:-1]
inside = int((mel_hertz < WAVE_SR / 2).sum())
Markdown(
    f"Above {WAVE_SR / 2:,.0f} Hz lie {store.n_mels - inside} of the {store.n_mels} mel bands, but little energy: from "
    f"{lost.min():.2%} (*{lost.idxmin()}*) to {lost.max():.2%} (*{lost.idxmax()}*). Ears do not count energy, and "
    f"neither does a mel network: it scales each band by itself. So hear *{lost.idxmax()}*, which loses most."
)


# %%
def play(sounds, sr=SR):
    """A player under its name for each sound."""
    for name, sound in sounds.items():
        display(Markdown(f"*{name}*"), Audio(sound, rate=sr))


y = load_audio(one_each[lost.idxmax()], sr=SR, offset=None, max_seconds=5)
low = librosa.resample(y, orig_sr=SR, target_sr=WAVE_SR)
kept = librosa.util.fix_length(librosa.resample(low, orig_sr=WAVE_SR, target_sr=SR), size=len(y))
play({"the track as it is": y, "as the samples keep it": kept, "what is missing, made louder": y - kept})

# %% [markdown]
# Loudness is **not** lost. A track mastered loud is loud in every sample. One could divide each clip by its own level,
# but then loudness is gone also where it tells a lullaby from metal. We divide all clips by one number, the standard
# deviation of the training samples, as notebook 05 does for each mel band. It sits in the first layer of the network.
#
# ## Two networks on samples
#
# A spectrogram makes a convolution's life easy: a note is a line, a drum stroke is a column. In samples, a note is a
# fast oscillation whose **phase**, the place where it begins to swing, is arbitrary. So the first layers have to find
# out which frequencies are present, and forget the phase. Two designs do it in opposite ways.
#
# Both begin by scaling, then drop the frequency axis, which has one entry: (clips, time, 1, 1) becomes (clips, time,
# 1), and the channel is free to grow. Both end as notebook 05 does: average over all moments, then decide. And between
# start and end, both repeat one step: patterns of three moments, pooling, normalization, ReLU. Pooling stands before
# the normalization, unlike in notebook 05, because then there is less left to normalize.


# %%
mean, variance = clips.band_statistics(waves, ids["train"])


def start():
    """Input of any length in time; one mean and one variance for all samples."""
    return [
        keras.layers.Input((None, 1, 1)),
        keras.layers.Normalization(axis=(2, 3), mean=mean[:, None], variance=variance[:, None]),
        keras.layers.Reshape((-1, 1)),
    ]


def answer():
    """How often did each pattern occur, and which class does that speak for?"""
    return [
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dropout(0.5, seed=SEED),
        keras.layers.Dense(len(dataset.classes), activation="softmax"),
    ]


def step(filters, pool):
    """Patterns of three moments, the strongest answer of `pool` neighbours, normalized."""
    return [
        keras.layers.Conv1D(filters, 3, padding="same", use_bias=False),
        keras.layers.MaxPooling1D(pool, padding="same"),
        keras.layers.BatchNormalization(momentum=0.9),
        keras.layers.Activation("relu"),
    ]


# %% [markdown]
# **wavecnn** has long first filters, after Dieleman and Schrauwen. A filter of 256 samples can hold several periods
# of a tone, so it can prefer one frequency, as a mel band does. It answers every 64 samples. The answer still swings
# with the phase. **Rectifying** it (negative answers become 0) and **averaging** neighbours leaves its **envelope**:
# how loud is this frequency now? From there on, it is a network on a spectrogram that it has invented.


# %%
def wavecnn():
    """Long filters, their envelopes, then patterns in time."""
    filters = [
        keras.layers.Conv1D(64, 256, strides=64, padding="same", use_bias=False, activation="relu", name="filters"),
        keras.layers.AveragePooling1D(2, padding="same"),
        keras.layers.BatchNormalization(momentum=0.9),
    ]
    steps = [*step(64, 4), *step(64, 4), *step(128, 4)]
    return keras.Sequential([*start(), *filters, *steps, *answer()], name="wavecnn")


# %% [markdown]
# **samplecnn** assumes nothing, after Lee and colleagues. All filters are three samples or three steps long, and all
# pooling is by three. The first layer can hardly tell frequencies apart; the second sees three times as far, and so
# on, until, behind the last pooling, one position stands for more than half a second. No layer looks like a spectrogram, and any of them could
# become one.


# %%
def samplecnn():
    """Three samples, and three times as many with each step."""
    first = keras.layers.Conv1D(8, 3, strides=3, padding="same", activation="relu")
    steps = [layer for filters in (16, 16, 32, 32, 64, 64, 128) for layer in step(filters, 3)]
    return keras.Sequential([*start(), first, *steps, *answer()], name="samplecnn")


# %% [markdown]
# Count before you train: at how many positions does each convolution run, for how many samples does one position
# stand, and how many multiplications does a clip take?


# %%
def work(network, shape):
    """Positions, samples a position and multiplications of each convolution, for one clip of this shape."""
    rows, shape = [], (1, *shape)
    for layer in network.layers:
        shape = layer.compute_output_shape(shape)
        if "conv" in layer.__class__.__name__.lower():
            at = int(np.prod(shape[1:-1]))
            rows.append((shape[-1], at, round(n_samples / at), at * int(np.prod(layer.kernel.shape))))
    return pd.DataFrame(rows, columns=["filters", "positions", "samples each", "multiplications"])


ways_down = {build.__name__: work(build(), X_batch.shape[1:]) for build in (wavecnn, samplecnn)}
pd.concat(ways_down, names=["network"]).reset_index("network")

# %%
total = {name: way["multiplications"].sum() for name, way in ways_down.items()}
early = ways_down["samplecnn"].query("positions > 1000")["multiplications"]
Markdown(
    f"*wavecnn* comes down to {ways_down['wavecnn']['positions'].iloc[0]} positions in one stride, *samplecnn* by threes. They "
    f"take {total['wavecnn'] / 1e6:.1f} and {total['samplecnn'] / 1e6:.1f} million multiplications. "
    f"{early.sum() / total['samplecnn']:.0%} of those of *samplecnn* fall to its first {len(early)} layers, which are small but "
    "run at more than a thousand positions."
)

# %% [markdown]
# ## The same training
#
# Three things make a comparison of networks unfair: other data, other training, other luck. So each gets the same
# clips in the same order, batches of the same size, the same learning rate and seed, and the same rule to stop: when
# `WAVE_PATIENCE` epochs bring no lower validation loss, on every third validation clip. They differ in what they read
# and in how they read it.
#
# The mel network is conv-pool of notebook 05, with new weights. Here it is called `convpool-band`, for it must do without
# the bands above half of `WAVE_SR`, as the networks on samples must. Those bands are set to their mean, which the
# scaling turns into 0, so its size stays as it was.


# %%
class Band:
    """The log-mel store, with the upper bands set to their mean over the training tracks."""

    frames_per_second, index = store.frames_per_second, store.index
    means, _ = clips.band_statistics(store, ids["train"])

    def without_upper(self, frames):
        return np.where(np.arange(store.n_mels) < inside, frames, self.means).astype(frames.dtype)

    def frames(self, track_id):
        return self.without_upper(store.frames(track_id))


# %%
saved = Path(f"{OUT_DIR}/models/{DATASET}/{NETWORKS_FROM}-convpool.keras")
if not saved.exists():
    run_first("05_convpool", globals(), RUN_NAME=NETWORKS_FROM)
convpool = partial(training.untrained, saved, seed=SEED)  # the network of notebook 05, with new weights
band = Band()
plan = {"wavecnn": (wavecnn, waves), "samplecnn": (samplecnn, waves), "convpool-band": (convpool, band)}

# %%
networks, histories = {}, {}
for name, (build, read) in plan.items():
    keras.utils.set_random_seed(SEED)
    networks[name] = network = build()
    network.compile(keras.optimizers.Adam(WAVE_RATE), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    train = experiment.random_clips(store=read, clips_per_track=WAVE_CLIPS)
    valid = experiment.every_clip("valid", store=read, hop_frames=3 * train.clip_frames)
    histories[name] = training.fit(network, train, valid, epochs=EPOCHS, patience=WAVE_PATIENCE)

# %%
fig, axes = plt.subplots(1, 2, figsize=(11, 4.4))
for ax, metric in zip(axes, ("loss", "accuracy")):
    plotting.history(histories, metric=metric, ax=ax)
    ax.set(title=f"{metric} of clips; the dot marks what is kept")
    ax.get_legend().remove()
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
plt.show()

# %%
best = {name: int(np.argmin(h["val_loss"])) for name, h in histories.items()}
gap = {name: h["accuracy"][-1] - h["val_accuracy"][-1] for name, h in histories.items()}
ended = ", ".join(f"{name} {at + 1} of {len(histories[name]['loss'])}" for name, at in best.items())
late = ", ".join(name for name, at in best.items() if at == EPOCHS - 1)
Markdown(f"Best epochs: {ended}. " + (f"Still improving in the last: {late}. " if late else "None was still improving when it stopped. ")
         + "In the last epoch, the accuracy on training clips lies above that on validation clips by "
         + ", ".join(f"{value:.2f} ({name})" for name, value in gap.items()) + ".")  # fmt: skip

# %% [markdown]
# Do not rank the networks by this gap: one that stops early has had less time to learn its training tracks by heart. What
# counts is the validation loss. A network on samples gets thousands of numbers with each clip, and nobody has told it which of
# them matter.
#
# ## The test
#
# By track, after the vote of its clips, as in notebook 05. Each network is saved with a card, which says at which rate
# the samples must come.

# %%
y_true, proba, rows = Y[ids["test"]].to_numpy(), {}, {}
for name, network in networks.items():
    read = plan[name][1]
    proba[name], rows[name] = evaluate.by_track(
        network, experiment.every_clip("test", store=read), groups=groups["test"], seed=SEED)  # fmt: skip
    inputs = (waves if read is waves else store).params | {"clip_frames": round(WAVE_SECONDS * read.frames_per_second)}
    told = {"history": histories[name], "inputs": inputs, "ablation": name.startswith("convpool-")}
    experiment.record(name, rows[name], proba=proba[name], network=network, **told)

# %%
counts = {name: [network.count_params(), len(histories[name]["loss"]) * len(train)] for name, network in networks.items()}
table = pd.DataFrame(rows).T.join(pd.DataFrame(counts, ["parameters", "steps"]).T)
table[["accuracy", "accuracy_low", "accuracy_high", "log_loss", "n_test", "chance", "parameters", "steps"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"{len(y_true)} test tracks of {DATASET}")
plt.show()

# %%
chosen = min(("wavecnn", "samplecnn"), key=lambda name: min(histories[name]["val_loss"]))


def beside(first, other):
    """Two networks compared track by track, in words."""
    d = evaluate.compare(y_true, proba[first], proba[other], groups=groups["test"], seed=SEED)
    sure = "" if d["difference_low"] > 0 or d["difference_high"] < 0 else ", so this test cannot tell"
    return f"{d['difference']:+.2f} [{d['difference_low']:+.2f}, {d['difference_high']:+.2f}]{sure}"


Markdown(f"On {len(y_true)} tracks, compared track by track: convpool-band minus {chosen}, the network on samples with "
         f"the lower validation loss, is {beside('convpool-band', chosen)}.")

# %% [markdown]
# This difference is mostly, we think, what the *design* of the mel picture is worth, though the networks behind it differ,
# too. Someone has decided that phase does not
# matter, that pitch is spaced as the ear spaces it, and that loudness counts in decibels. A network on samples has to
# learn all this from the training tracks.
#
# This is no last word on samples; it is a word on small and synthetic data. Pons and colleagues trained both kinds on
# collections of three sizes: with 25 thousand and 240 thousand songs the mel network was ahead, with 1.2 million songs
# the network on samples was. What a design knows beforehand need not be learned, and what it has thrown away cannot be.
#
# ## What the first filters became
#
# Before training, the first filters of *wavecnn* are random numbers: each answers to a bit of everything. What are they
# now? The Fourier transform of a filter is its **frequency response**: how strongly it answers to each frequency. Its
# peak, from 20 Hz upwards, is its **centre frequency**. Its **width** is that of a rectangle with the same peak and the
# same energy.

# %%
audible = np.fft.rfftfreq(2048, 1 / WAVE_SR) >= 20
hertz = np.fft.rfftfreq(2048, 1 / WAVE_SR)[audible]


def responses(network):
    """Kernels, frequency responses with a peak of 1, centres and widths in hertz of the first filters."""
    kernels = network.get_layer("filters").get_weights()[0][:, 0]
    H = np.abs(np.fft.rfft(kernels, n=2048, axis=0))[audible]
    H = H / H.max(axis=0)
    return kernels, H, hertz[H.argmax(axis=0)], (H**2).sum(axis=0) * (hertz[1] - hertz[0])


keras.utils.set_random_seed(SEED)
was, now = responses(wavecnn()), responses(networks["wavecnn"])  # the same seed draws the same weights again
kernels, _, centre, width = now

# %% [markdown]
# Sort the filters by centre frequency and lay their responses side by side: each column is one filter. For reference,
# two ways to spread as many filters: evenly in hertz, and evenly in mel, as in the spectrogram. That the bright spots
# rise comes from the sorting; how much brighter they are than the rest of their column comes from training.

# %% tags=["key-figure"]
n = len(centre)
mel, even = librosa.mel_frequencies(n + 2, fmax=WAVE_SR / 2)[1:-1], np.linspace(0, WAVE_SR / 2, n + 2)[1:-1]
fig, axes = plt.subplots(1, 3, figsize=(13, 4), sharey=True)
for ax, (_, H, peak, _), when in zip(axes, (was, now), ("before training", "after training")):
    shown = 20 * np.log10(np.maximum(H[:, np.argsort(peak)], 1e-6))
    im = ax.pcolormesh(np.arange(n), hertz, shown, vmin=-25, vmax=0, rasterized=True)
    ax.set(title=when, xlabel="filter, sorted", yscale="log")
    axes[2].plot(np.sort(peak), label=when)
axes[2].plot(mel, "k--", lw=1, label="even mel")
axes[2].plot(even, "k:", lw=1, label="even hertz")
axes[0].set_ylabel("frequency (Hz)")
axes[2].set(title="centre frequencies", xlabel="filter, sorted", ylim=(hertz[0], WAVE_SR / 2))
axes[2].legend(fontsize=8)
fig.colorbar(im, ax=axes, label="response (dB)")
plt.show()

# %%
far = {name: np.abs(np.log2(np.sort(centre) / spread)).mean() for name, spread in (("mel", mel), ("hertz", even))}
Markdown(
    f"The median width went from {np.median(was[3]):.0f} to {np.median(width):.0f} Hz. Half of the filters now have "
    f"their centre below {np.median(centre):.0f} Hz, where even mel would put it at {np.median(mel):.0f} and even hertz "
    f"at {np.median(even):.0f}. Over all filters, the centres lie {far['mel']:.1f} octaves from even mel and "
    f"{far['hertz']:.1f} from even hertz: nearer to even {min(far, key=far.get)}{', but far from both' * bool(min(far.values()) > 1)}."
)

# %% [markdown]
# A filter learns from what passes through it, and most of the energy of music is low. Hear one: the track from above
# through the narrowest filter that small loudspeakers can play.

# %%
k = min(range(n), key=lambda i: (centre[i] < 200, width[i]))
heard = np.convolve(low, kernels[::-1, k], mode="same")  # a layer lays its kernel over the sound without turning it
play({f"through a filter with its centre at {centre[k]:.0f} Hz, {width[k]:.0f} Hz wide": heard}, sr=WAVE_SR)

# %% [markdown]
# ## Changes that nobody hears
#
# Move a sound by a millisecond, or swap the poles of the loudspeaker: every sample changes, and nobody hears it. Halve
# the pressure: the music is quieter, its genre is the same. Does the network know? We change two clips of each
# validation track, and count how many get another answer. The mel network gets the same changes, made to the sound
# before its spectrogram is taken.


# %%
def versions(y, sr, at):
    """The clip of y [shape=(n,)] that starts at `at` seconds, and the same clip changed in five ways."""
    def clip(start):
        return clips.cut(y[:, np.newaxis], round(start * sr), round(WAVE_SECONDS * sr))[:, 0]

    later = {f"{1000 * s:g} ms later": clip(at + s) for s in (0.0001, 0.001, 0.01)}
    return {"as it is": clip(at), **later, "poles swapped": -clip(at), "half as loud": clip(at) / 2}


def all_versions(sr):
    """Versions of two clips from the middle of each validation track [shape=(clips, samples)]."""
    paths = tracks.loc[ids["valid"][:100], "path"]
    sounds = [load_audio(p, sr=sr, offset=None, max_seconds=2 * WAVE_SECONDS + 0.02) for p in paths]
    found = [versions(y, sr, at) for y in sounds for at in (0, WAVE_SECONDS)]
    return {change: np.stack([one[change] for one in found]) for change in found[0]}


# %%
made_with = {name: store.params[name] for name in ("n_fft", "hop_length", "n_mels")}
sounds = all_versions(WAVE_SR)
samples = {c: y[..., None, None] for c, y in sounds.items()}
pictures = {c: band.without_upper(np.stack([features.log_mel(y, sr=SR, **made_with).T for y in ys]))[..., None]
            for c, ys in all_versions(SR).items()}  # fmt: skip
other = pd.DataFrame()
for name, X in (("wavecnn", samples), ("samplecnn", samples), ("convpool-band", pictures)):
    given = {c: evaluate.predict(networks[name], X[c]).argmax(axis=1) for c in X}
    other[name] = pd.Series({c: np.mean(given[c] != given["as it is"]) for c in list(X)[1:]})
same = [np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(sounds["as it is"], sounds[c])]) for c in other.index]
other.assign(correlation=same).round(3)

# %%
said = {c: ", ".join(f"{share:.0%} ({name})" for name, share in row.items()) for c, row in other.iterrows()}
n_clips = len(X["as it is"])
Markdown(f"The table gives the share of {n_clips} clips with another answer, and the correlation of their samples before "
         f"and after. A millisecond changed {said['1 ms later']}, swapped poles {said['poles swapped']}, half the loudness "
         f"{said['half as loud']}. Over all five changes, {other.mean().idxmin()} is the steadiest.")

# %% [markdown]
# A good listener would have nothing but zeros in the first four rows, whatever the correlation. Swapped poles cannot
# move the mel network, by construction: a power has no sign. A network on samples earns this by training, and only as
# far as its training clips teach it. *Half as loud* is another matter: the decibels of the mel network change too, and
# none of the networks was told that a volume knob is no part of the music.

# %% [markdown]
# ## What we learned

# %%
scores = "; ".join(f"{name}: {evaluate.describe(row)}" for name, row in rows.items())
Markdown(
    f"- A clip became {n_samples:,} samples at {WAVE_SR:,} Hz. Nothing above {WAVE_SR / 2:,.0f} Hz was left, which costs "
    f"{store.n_mels - inside} of {store.n_mels} mel bands.\n"
    f"- By the same rule to stop (best epochs: {ended}), {scores}.\n"
    f"- The median width of the first filters went from {np.median(was[3]):.0f} to {np.median(width):.0f} Hz. Swapped "
    f"poles gave another answer for {said['poles swapped']} of {n_clips} clips."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. Why can a filter of 256 samples tell two low notes apart, and a filter of three cannot?</summary>
#
# Two tones drift apart slowly. Within three samples they look alike; within 256, one has swung a good deal further than
# the other. A filter resolves about the sample rate divided by its length, in hertz.
#
# </details>
#
# <details><summary>2. With more music, which of the two kinds would you expect to gain more?</summary>
#
# The network on samples. What the mel picture knows beforehand, it has to learn, and that takes songs; what the mel picture has
# thrown away, only it can find.
#
# </details>
#
# <details><summary>3. Why is the mel network given fewer bands, and not the networks on samples a higher rate?</summary>
#
# Either would be fair. A higher rate makes each clip longer and each training slower; hiding bands costs nothing.
#
# </details>
#
# ## Exercises
#
# ### 1. Poles and level at random
#
# Teach *wavecnn* that poles and level do not matter: go on training it for three epochs, with each training clip
# multiplied by a random number, positive or negative. Do fewer answers change? *Hint: wrap the training clips in a
# `keras.utils.PyDataset` with `__len__` and `__getitem__`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. Ask *samplecnn* with tones
#
# Three samples are too few to show a frequency, so *samplecnn* has no filters to look at. Play it pure tones and note which ones each
# unit behind the fourth pooling answers to. *Hint: `keras.Model(network.inputs, layer.output)` listens in; the mean over
# time is how strongly a unit answers.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Two opinions
#
# Let *convpool-band* and the better network on samples answer together, by the mean of their probabilities. Is the pair
# better than the better one? *Hint: `proba` holds the answers; `evaluate.compare`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 09 starts from a network that has learned to see photographs.
#
# **References.** S. Dieleman, B. Schrauwen, *End-to-end learning for music audio*, ICASSP 2014. J. Lee, J. Park,
# K. L. Kim, J. Nam, *Sample-level deep convolutional neural networks for music auto-tagging using raw waveforms*,
# SMC 2017. J. Pons et al., *End-to-end learning for music audio tagging at scale*, ISMIR 2018.
