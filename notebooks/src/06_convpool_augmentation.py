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
# # Augmentation
#
# *reading 9 minutes · computing 4 minutes · needs nothing: without the networks of notebook 05, it makes them first · writes `models/` and `metrics/`*
#
# A network with few songs learns the songs. **Augmentation** shows it each clip in another way every time: from another
# place, stretched, in another key, with noise or holes, or mixed with another clip. Does that help? It is an experiment,
# and an easy one to get wrong: an augmented network that also trains longer looks better for the wrong reason. Here
# everything but the clips, and with mixup their labels, stays the same. The page ends with a recipe, which takes the most
# promising way and adds two cheap habits.
#
# **You will learn**
#
# - what people do to sounds and to spectrograms, seen and heard;
# - how to compare augmentations fairly: same network, same split, same number of steps, and a correction for many tests;
# - a recipe for few songs: a falling learning rate, all the tracks that you have, several networks averaged.
#
# **Before you start**: notebook 05 explains the network, which is trained again here.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from pathlib import Path
from types import SimpleNamespace

import keras
import librosa
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Audio, Markdown
from joblib import Parallel, delayed
from scipy.stats import permutation_test

from helpers import clips, evaluate, features, plotting, training
from helpers.audio import load_audio
from helpers.experiment import Experiment, run_first

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "06_convpool_augmentation"  # name of this step in the leaderboard
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
NETWORKS_FROM: str = "05_convpool"  # RUN_NAME of the step whose networks are used
NETWORKS: list = ["convpool"]  # networks of that step that are trained here
WAYS: list = ["crop", "zoom", "specaugment", "mixup", "sound"]  # ways to change a clip
ZOOM: float = 0.3  # largest zoom, in or out, as a share of each axis
MASK: float = 0.2  # largest share of time, and of the mel bands, that one mask hides
MIXUP: float = 0.2  # strength of mixup, the alpha of its beta distribution
TAKES: int = 2  # changed copies of the sound of each training track
TAKE_SECONDS: float = 4.0  # length of the part of a track that is copied
STEPS: int = 370  # optimizer steps of each training, the same for all
AVERAGED: int = 3  # networks of the recipe, whose answers are averaged
CONV_RATE: float = 0.003  # learning rate of Adam for these networks
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# The same tracks, features and split as in notebook 05. The network comes from the file that notebook 05 saved: its
# architecture and the scaling of the mel bands are read, the trained weights are thrown away. Copying the code instead
# would be a risk. Somebody improves one copy, and the comparison with 05 is about two things at once.

# %%
experiment = Experiment(globals())
dataset, store, tracks, split = experiment.dataset, experiment.store, experiment.tracks, experiment.split
ids, clip_frames = experiment.ids, experiment.clip_frames
files = {name: f"{OUT_DIR}/models/{DATASET}/{NETWORKS_FROM}-{name}.keras" for name in NETWORKS}
if not all(Path(file).exists() for file in files.values()):
    run_first("05_convpool", globals(), RUN_NAME=NETWORKS_FROM)
print(experiment)

# %% [markdown]
# ## Ways to change the picture
#
# **Crop.** Take the clip from another place of the track each time. It costs nothing, and every crop is real music.
# Without it, each epoch shows the same clips in another order. Notebook 05 already cropped at random; here we learn what
# that was worth. In code it is one word, `redraw`.
#
# **Zoom.** Treat the spectrogram as a photo and enlarge or shrink it on both axes. On the time axis that is another
# tempo. On the frequency axis it moves and spreads the partials, which no instrument does.
#
# **SpecAugment.** Hide a few stretches of time and a few ranges of frequency, so that the network cannot rest on one
# moment or one band. The layer stands behind the scaling, where 0 is the mean of a band, so a hole is an average frame
# and not a silent one. In the pictures below, what is hidden is grey.

# %%
LAYERS = {  # on the axes time (height) and frequency (width)
    "zoom": lambda: keras.layers.RandomZoom((-ZOOM, ZOOM), (-ZOOM, ZOOM), fill_mode="nearest", seed=SEED),
    "specaugment": lambda: clips.SpecAugment(time=MASK, frequency=MASK, masks=2, seed=SEED),
}

# %% [markdown]
# **Mixup.** Blend two clips and their answers in the same proportion: 80 % of this rock clip and 20 % of that jazz clip
# should be called 0.8 rock and 0.2 jazz. Answers are now shares, not class numbers, so Y becomes one column a class. We
# blend decibels, which is simple and common. The proportion is drawn from a beta distribution; with a small `MIXUP`,
# most clips stay nearly pure.

# %%
class Mixed(keras.utils.PyDataset):
    """Batches whose clips are blended with others of the batch; Y becomes shares of the classes."""

    def __init__(self, batches, alpha):
        super().__init__()
        self.batches, self.alpha = batches, alpha

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        X, y = self.batches[index]
        Y = np.eye(len(dataset.classes), dtype="float32")[y]
        if not self.alpha:  # nothing is blended
            return X, Y
        rng = np.random.default_rng([SEED, self.batches.epoch, index])
        share = rng.beta(self.alpha, self.alpha, (len(X), 1)).astype("float32")
        other, blend = rng.permutation(len(X)), share[:, :, None, None]
        return blend * X + (1 - blend) * X[other], share * Y + (1 - share) * Y[other]

    def on_epoch_end(self):
        self.batches.on_epoch_end()


# %% [markdown]
# ## Ways to change the sound
#
# A picture does not know what music is. Musicians change *sounds*: they play faster or slower, in another key, louder,
# in a noisier room. librosa does the first two: **time stretch** changes the tempo and keeps the pitch, **pitch shift**
# changes the pitch and keeps the tempo. Gain and noise are one line of NumPy each. `amount` goes from -1 to 1.

# %%
def noise(y, amount):
    """Add white noise, 40 to 10 decibels below the sound."""
    return y + np.random.default_rng(SEED).standard_normal(len(y)).astype(np.float32) * y.std() * 10 ** ((15 * amount - 25) / 20)


CHANGES = {
    "time stretch": lambda y, amount: librosa.effects.time_stretch(y, rate=1.25**amount),
    "pitch shift": lambda y, amount: librosa.effects.pitch_shift(y, sr=sr, n_steps=3 * amount),
    "gain": lambda y, amount: y * 10 ** (6 * amount / 20),
    "noise": noise,
}

# %% [markdown]
# These changes are too slow to be made anew for each batch. So they are made once, before training: from a part of each
# training track come a few **takes**, each with all four changes by random amounts, and their log-mels are kept. Only
# training tracks: a changed test track would be an easier or harder exam.

# %%
made_with = {name: store.params[name] for name in ("sr", "n_fft", "hop_length", "n_mels")}
sr, hop = store.params["sr"], store.params["hop_length"]


def takes(number, track_id):
    """Log-mels of a track and of changed copies of its middle, each [shape=(time, frequency)]."""
    rng, found = np.random.default_rng([SEED, number]), [store.frames(track_id)]
    y = load_audio(tracks.loc[track_id, "path"], sr=sr, offset=None, max_seconds=TAKE_SECONDS)
    for _ in range(TAKES):
        changed = y
        for change in CHANGES.values():
            changed = change(changed, rng.uniform(-1, 1))
        found.append(features.log_mel(changed, **made_with).T.astype(np.float16))
    return found


jobs, todo = Parallel(n_jobs=experiment["JOBS"], prefer="threads"), ids["train"] if "sound" in WAYS else []
made = dict(zip(todo, jobs(delayed(takes)(number, track_id) for number, track_id in enumerate(todo))))
print(f"{TAKES * len(made)} takes of {len(made)} training tracks")

# %% [markdown]
# `PLAN` says which ways each training uses. It is the whole experiment. With changed sounds, a clip comes from the track or
# from one of its takes, drawn anew each time.

# %%
PLAN = {"none": [], **{way: [way] for way in WAYS}}


def clips_of(plan, side="train", seed=SEED):
    """Training clips, changed in the ways of a plan that are not layers of the network."""
    rng = np.random.default_rng(seed)
    any_take = SimpleNamespace(frames=lambda t: made[t][rng.integers(1 + TAKES)] if t in made else store.frames(t))
    source = any_take if "sound" in plan else store  # read like a feature store
    drawn = experiment.random_clips(side, store=source, clip_frames=clip_frames, redraw="crop" in plan, seed=seed)
    return Mixed(drawn, MIXUP * ("mixup" in plan))


# %% [markdown]
# ### See and hear it
#
# One clip, as each way leaves it. The layers stand behind the scaling, so the pictures show scaled values: 0 is the mean
# of the band over the training tracks, and 1 is one standard deviation above it. For a change of the sound, the log-mel
# is that of the changed sound.

# %%
mean, variance = clips.band_statistics(store, ids["train"])


def scale(X):
    """What the first layer of each network does: mean 0 and variance 1 in each band."""
    return (X - mean[:, None]) / np.sqrt(variance)[:, None]


# %%
batches = experiment.random_clips(redraw=False)
X, y = batches[0]
mixed, shares = Mixed(batches, MIXUP)[0]
at = int(shares.max(axis=1).argmin())  # the clip that is blended most
track_id = batches.track_ids[batches.order[at]]
frames = store.frames(track_id)
first, elsewhere = (int((batches.position[at] + d) % 1 * max(len(frames) - clip_frames + 1, 1)) for d in (0, 0.5))

# %%
whole = load_audio(tracks.loc[track_id, "path"], sr=sr, offset=None, max_seconds=store.params["max_seconds"])
sound = whole[first * hop : (first + 2 * clip_frames) * hop]  # enough for a faster clip
sounds = {"as it is": sound, **{name: CHANGES[name](sound, 1.0) for name in ("time stretch", "pitch shift", "noise")}}
shown = {
    "as it is": scale(X)[at],
    "crop": scale(clips.cut(frames, elsewhere, clip_frames)[..., None]),
    "zoom": np.asarray(keras.layers.RandomZoom((-ZOOM, -ZOOM), (-ZOOM, -ZOOM))(scale(X), training=True))[at],
    "SpecAugment": np.asarray(LAYERS["specaugment"]()(scale(X), training=True))[at],
    "mixup": scale(mixed[at]),
    **{n: scale(clips.cut(features.log_mel(y, **made_with).T[..., None], 0, clip_frames)) for n, y in list(sounds.items())[1:]},
}

# %% tags=["key-figure"]
fig, axes = plt.subplots(2, 4, figsize=(12, 5.4), sharex=True, sharey=True, layout="constrained")
for ax, (title, clip) in zip(axes.flat, shown.items()):
    hidden_is_grey = np.ma.masked_equal(clip[..., 0].T, 0)  # the mean, 0, which SpecAugment puts in
    im = ax.imshow(hidden_is_grey, origin="lower", aspect="auto", extent=(0, CLIP_SECONDS, 0, store.n_mels), vmin=-3, vmax=3, cmap="RdBu_r")
    ax.set(title=title, facecolor="0.6")
fig.supxlabel("time (s)")
fig.supylabel("mel band")
fig.colorbar(im, ax=axes, label="standard deviations", ticks=range(-3, 4))
plt.show()

# %%
a, b = np.argsort(shares[at])[::-1][:2]
Markdown(
    f"The clip is *{dataset.classes[y[at]]}*. SpecAugment hides {np.mean(shown['SpecAugment'] == 0):.0%} of it. Mixup makes it {shares[at][a]:.0%} "
    f"*{dataset.classes[a]}*" + f" and {shares[at][b]:.0%} *{dataset.classes[b]}*" * bool(shares[at][b] > 0) + ". It is the clip "
    f"that is blended most: of the {len(shares)} clips in this batch, {np.sum(shares.max(axis=1) < 0.9)} hold more than a "
    "tenth of another class. Zoom, time stretch, pitch shift and noise are shown at their strongest."
)

# %% [markdown]
# Listen. The first four players are sounds. A picture can be turned back into sound, roughly: its phases are lost and
# must be guessed, so the others crackle, and the fifth is what a picture sounds like without any change.

# %%
def to_sound(clip):
    """Sound of a scaled log-mel clip: undo scaling and decibels, then guess the phases."""
    S = librosa.db_to_power((clip[..., 0] * np.sqrt(variance) + mean).T)
    return librosa.feature.inverse.mel_to_audio(S, sr=sr, n_fft=store.params["n_fft"], hop_length=hop, n_iter=16)


heard = {name: y[: clip_frames * hop] for name, y in sounds.items()}
heard |= {"as it is, from its picture": to_sound(shown["as it is"])}
heard |= {f"{name}, from its picture": to_sound(shown[name]) for name in ("zoom", "SpecAugment", "mixup")}
each = '<div style="display: inline-block; width: 310px; margin: 6px 0">{}<br>{}</div>'
HTML("".join(each.format(name, Audio(y, rate=sr)._repr_html_()) for name, y in heard.items()))

# %% [markdown]
# A zoomed clip has another tempo *and* a strange timbre; the masked one has holes; the blend sounds like two radio
# stations. If you can still name the class, the network may be asked to.
#
# ## Equal steps
#
# Each training makes about `STEPS` optimizer steps, in whole epochs, from the same first weights, on batches of the same size. The **learning
# rate** rises for a tenth of them and then falls to zero along half a cosine wave: large steps to find a good region, small
# ones to settle in it. So none stops early, and the last weights count. Picking the best epoch, as in notebook 05, also picks
# its luck. Validation and test clips are never changed: the layers are off when a network answers, and all else is made
# for training only.

# %%
valid = experiment.every_clip("valid", Y=experiment.T.astype(float))


def network_with(name, way, seed):
    """Put the augmenting layers of a plan between the scaling and the rest of an untrained network."""
    base = training.untrained(files[name], seed=seed)
    scaling, *rest = base.layers
    extra = [LAYERS[used]() for used in PLAN[way] if used in LAYERS]
    own = f"{name}-{way}" + f"-{seed}" * (seed != SEED)
    return keras.Sequential([keras.layers.Input(base.input_shape[1:]), scaling, *extra, *rest], name=own)


# %%
def train(name, way, side="train", valid=valid, seed=SEED):
    """Train one network with one plan, the same first weights for the same seed; return it with its history."""
    network, batches = network_with(name, way, seed), clips_of(PLAN[way], side, seed)
    rate = training.falling(CONV_RATE, steps=epochs * len(batches))
    network.compile(keras.optimizers.Adam(rate), loss="categorical_crossentropy", metrics=["accuracy"])
    return network, training.fit(network, batches, valid, epochs=epochs)

# %%
epochs = max(2, round(STEPS / (a_epoch := len(clips_of([])))))  # of so many steps
networks, histories = {}, {}
for name, way in ((name, way) for name in NETWORKS for way in PLAN):
    network, history = train(name, way)
    networks[network.name], histories[network.name] = network, history

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, len(NETWORKS), figsize=(8 * len(NETWORKS), 4.2), sharey=True, squeeze=False)
for ax, name in zip(axes[0], NETWORKS):
    for way in PLAN:
        loss = histories[f"{name}-{way}"]["val_loss"]
        (line,) = ax.plot(range(1, len(loss) + 1), loss, label=way)
        ax.plot(len(loss), loss[-1], "o", color=line.get_color())
    ax.axhline(np.log(len(dataset.classes)), color="0.5", ls=":")
    ax.set(title=f"{name}: the dot is what is kept", xlabel="epoch", ylabel="validation loss")
    ax.set_xticks(range(0, len(loss) + 1, 5))
axes[0, -1].legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
plt.show()

# %%
losses = pd.DataFrame({name: history["val_loss"] for name, history in histories.items()})
final, late = losses.iloc[-1], losses.tail(3)
moved, plain = (late.max() - late.min()).max(), f"{NETWORKS[0]}-none"
Markdown(
    f"{len(networks)} trainings of {epochs} epochs, {epochs * a_epoch} steps each. **{final.idxmin()}** ends with the lowest "
    f"validation loss, {final.min():.2f}; without augmentation it is {final[plain]:.2f}, and the highest is that of "
    f"{final.idxmax()}, {final.max():.2f}. In the last {len(late)} epochs no curve moved by more than {moved:.2f}: the rate had "
    f"fallen to almost nothing. Picking the best epoch instead would have shown losses lower by {(final - losses.min()).mean():.2f} on "
    "average, and some of that is luck."
)

# %% [markdown]
# The dotted line is the loss of a guesser. A curve that turned upwards would show a network that learns its training clips
# by heart. The falling rate leaves little room for that, so the table below looks for it in another way. The curves are restless while the rate is high, and calm down as it falls.
#
# ### Did it memorize?
#
# Compare training and validation accuracy. The training accuracy of an augmented network is
# measured on changed clips, so it is lower for that reason alone. To be fair, all are asked about the same clips: those of
# the training tracks, unchanged.

# %%
gap = pd.DataFrame(index=list(networks), columns=["train", "valid"], dtype=float)
for side in gap.columns:
    every = experiment.every_clip(side)
    gap[side] = [(evaluate.predict(network, every).argmax(axis=1) == every.y).mean() for network in networks.values()]
gap["gap"] = gap["train"] - gap["valid"]
ends = gap["gap"] == gap["gap"].min(), gap["gap"] == gap["gap"].max(), gap["valid"] == gap["valid"].max()
smallest, widest, top = (gap.index[end] for end in ends)  # there may be ties
gap.round(3)

# %%
Markdown(
    f"Without augmentation, {gap.loc[plain, 'train']:.0%} of the training clips are named correctly and "
    f"{gap.loc[plain, 'valid']:.0%} of the validation clips. The gap is smallest with **{', '.join(smallest)}**, "
    f"{gap['gap'].min():.2f}, which names {gap.loc[smallest[0], 'train']:.0%} of the training clips correctly, and widest with "
    f"{', '.join(widest)}, {gap['gap'].max():.2f}. A small gap alone is no merit: the validation accuracy is highest with "
    f"{', '.join(top)}, {gap['valid'].max():.2f}."
)

# %% [markdown]
# ## The test
#
# By track, after the vote of its clips, as in notebook 05.

# %%
test, groups = experiment.every_clip("test"), experiment.groups["test"]
proba, rows = {}, {}
for name, network in networks.items():
    proba[name], rows[name] = evaluate.by_track(network, test, groups=groups, seed=SEED)
table = pd.DataFrame(rows).T
table[["accuracy", "accuracy_low", "accuracy_high", "clip_accuracy", "macro_f1", "chance", "n_test"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"Test tracks of {DATASET}, {epochs} epochs each ({split.rule})", fontsize=9)
plt.show()

# %% [markdown]
# The bars overlap, because the test artists are few. All networks met the *same* tracks, so look at the differences: how
# many tracks did one network get right that the other got wrong? `evaluate.compare` redraws whole artists for the interval
# of a difference. For a **p-value**, toss a coin for each artist: if a way made no difference, its gains and losses could
# as well have the other sign. How often does chance alone give a difference this large? SciPy tosses the coins.
#
# Many comparisons need a correction. Where nothing helps, anyone who tests at the 5 % level still finds an effect about once
# in twenty tests.
# **Holm's correction** multiplies the smallest p-value by the number of tests, the next by one less, and so on; none may
# end below the one before.

# %%
pairs = {f"{name}-{way}": f"{name}-none" for name in NETWORKS for way in list(PLAN)[1:]}
against = pd.DataFrame({n: evaluate.compare(test.Y, proba[n], proba[o], groups=groups, seed=SEED) for n, o in pairs.items()}).T

# %%
right = {name: (p.argmax(axis=1) == test.Y).astype(int) for name, p in proba.items()}
gains = pd.DataFrame({name: right[name] - right[other] for name, other in pairs.items()}).groupby(groups).sum()
# Coins are tossed for the sign of each artist's gain.
against["p"] = permutation_test((gains.to_numpy(),), np.sum, permutation_type="samples", n_resamples=9999, random_state=SEED).pvalue
against["p (Holm)"] = evaluate.holm(against["p"])
clear = against["p (Holm)"] < 0.05
against["verdict"] = np.where(clear, np.where(against["difference"] > 0, "better", "worse"), "cannot tell")
against["artists with a net gain or loss"] = (gains != 0).sum()
against.rename(columns={"only_first": "right only with it", "only_other": "right only without"}).round(3)

# %%
helped, hurt = (", ".join(against.index[against["verdict"] == v]) or "none" for v in ("better", "worse"))
most = against["difference"].abs().idxmax()
Markdown(
    f"If nothing helped or hurt, {len(against)} independent tests would still give a p-value below 0.05 with probability "
    f"{1 - 0.95 ** len(against):.2f}. P-values below it here: {(against['p'] < 0.05).sum()}; after Holm's "
    f"correction: {clear.sum()}. Clearly better than no augmentation: {helped}; clearly worse: {hurt}. The largest difference is that of "
    f"{most}, {against.loc[most, 'difference']:+.2f}. *Cannot tell* does not mean that a way is useless: this test is small. The "
    "intervals in the table are not corrected, and where few artists gain or lose they are too narrow: with k such artists, p "
    "cannot fall much below 2 / 2ᵏ. Interval and p come by two methods, and may disagree near the limit."
)

# %% [markdown]
# ### When augmentation hurts
#
# An augmentation is a claim: *after this change, the music still belongs to its class*. Crop, gain and a little noise keep
# it. Masks keep it while enough is left. Mixup does not even claim it; it changes the answer with the sound. A pitch shift
# is harmless if the label is a genre and wrong if it is a key; so is a time stretch if the label is a tempo. Zoom makes the boldest claim, because a band stands
# for a fixed pitch: a bass drum that moves up three octaves is no bass drum.
#
# There are two more ways to lose. Harder clips take longer to learn, so at equal steps a strong augmentation may not be
# finished. And batch normalization collects its averages from changed clips, while test clips are unchanged.
#
# ## A recipe for few songs
#
# Nothing above is certain to help, but a recipe needs a way: take the one with the lowest validation loss, whatever the test
# set says, and the falling rate. Add two habits. **Use all you have.** Once the way is chosen, the validation tracks have
# done their work and may teach, too; so set the recipe beside `features-logreg-both` of notebook 04, which has learned from the
# same tracks. With more tracks an epoch is longer, so these networks also make more steps: the row *all tracks* shows both effects together. **Average several networks** that differ in
# nothing but the seed. Where one is wrong by bad luck, the others usually correct it. They become one network with one
# file, whose last layer takes the mean.

# %%
chosen, way = final.idxmin().split("-")
members = [train(chosen, way, side=[*ids["train"], *ids["valid"]], valid=None, seed=SEED * AVERAGED + k) for k in range(AVERAGED)]
picture = keras.layers.Input(members[0][0].input_shape[1:])
averaged = keras.layers.Average()([network(picture) for network, _ in members]) if AVERAGED > 1 else members[0][0](picture)
recipe = keras.Model(picture, averaged, name=f"{chosen}-recipe")

# %%
saved = keras.models.load_model(files[chosen], compile=False, safe_mode=True)
names = ["best epoch, as in 05", f"falling rate, {way}", "all tracks", f"{AVERAGED} averaged"]
ladder = dict(zip(names, [saved, networks[f"{chosen}-{way}"], members[0][0], recipe]))
answers = {step: evaluate.by_track(network, test, groups=groups, seed=SEED) for step, network in ladder.items()}
climb = pd.DataFrame({step: row for step, (_, row) in answers.items()}).T
climb[["accuracy", "accuracy_low", "accuracy_high", "clip_accuracy", "log_loss", "chance", "n_test"]].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(climb, chance=climb["chance"].iloc[0])
ax.set_title(f"A recipe, step by step: {len(test.Y)} test tracks of {DATASET}", fontsize=9)
plt.show()

# %%
first, last = list(ladder)[0], list(ladder)[-1]
found = evaluate.compare(test.Y, answers[last][0], answers[first][0], groups=groups, seed=SEED)
told = "{difference:+.2f} [{difference_low:+.2f}, {difference_high:+.2f}]".format(**found)
sure = found["difference_low"] > 0 or found["difference_high"] < 0
Markdown(
    f"The steps score {', '.join(f'{score:.2f}' for score in climb['accuracy'])}. The last minus the first is {told}: "
    + ("more than luck with these artists explains, if it is the only comparison; notebook 11 corrects for many." if sure else "on these few artists it cannot be told from luck.")
    + f" The way was *{way}*. The recipe reaches {evaluate.describe(answers[last][1])}."
)

# %% [markdown]
# One split and one run of each step say little about a step, and the recipe was put together while looking at such tests.
# The results that are kept in `notebooks/results/` have it on five folds of this dataset, beside all other families, and
# on real music: there it gains much on some tasks, and little on others.
#
# ## Results
#
# The recipe is a row of the leaderboard; the trainings that led to it are ablations. The augmenting layers are saved
# inside the networks. They are part of how the network was made, and do nothing when it is used.

# %%
told = {"inputs": {**store.params, "clip_frames": clip_frames}}
about = {"taught_by": "training and validation tracks", "train_seconds": sum(history["seconds"] for _, history in members)}
experiment.record(recipe.name, answers[last][1], proba=answers[last][0], network=recipe, **told, **about)
for name, network in networks.items():
    experiment.record(name, rows[name], proba=proba[name], network=network, history=histories[name], ablation=True, **told)

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- Crop, zoom, SpecAugment, mixup and changed sounds touched training clips only. The gap between training and "
    f"validation clips was {gap.loc[plain, 'gap']:.2f} without them and smallest with {', '.join(smallest)}, "
    f"{gap['gap'].min():.2f}; the validation accuracy was highest with {', '.join(top)}.\n"
    f"- With a budget of {epochs * a_epoch} steps each, on the same {len(test.Y)} test tracks and after Holm's correction, clearly better "
    f"than no augmentation: {helped}; clearly worse: {hurt}. Without it: {evaluate.describe(rows[plain])}.\n"
    f"- With *{way}*, the falling rate, all tracks and {AVERAGED} networks: {evaluate.describe(answers[last][1])}. The network of "
    f"notebook 05: {evaluate.describe(answers[first][1])}."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. Why are the validation and test clips never augmented?</summary>
#
# They stand for the music that the network will meet. Changed clips would be another exam, harder or easier, and figures of
# two ways could no longer be compared.
#
# </details>
#
# <details><summary>2. A colleague augments first and splits afterwards. What goes wrong?</summary>
#
# Takes of one track then stand on both sides. The network recognises a song that it has learned, and the test measures
# memory.
#
# </details>
#
# <details><summary>3. You want to recognise the key of a song. Which way would you not use, or use differently?</summary>
#
# A pitch shift changes the answer. Use it, but change the label along with the sound: a song in C, shifted up by two
# semitones, is in D. Zoom on the frequency axis is of no use here.
#
# </details>

# %% [markdown]
# ## Exercises
#
# ### 1. Wider holes
#
# How much of a clip may be hidden? Draw one clip under masks of 0.1, 0.3 and 0.6, and ask a trained network what it says of
# the masked clips. At which width does it begin to fail? *Hint: `clips.SpecAugment(time=..., frequency=..., masks=2)` is a
# layer; call it with `training=True`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. Zoom on one axis
#
# Zoom time only, then frequency only, and let a trained network answer the zoomed test clips. Which of the two does it
# understand better, and why? *Hint: `RandomZoom` takes two ranges, the first for time; `(0.0, 0.0)` leaves an axis alone.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Blend sounds
#
# `Mixed` blends decibels. Blend powers instead, as two sounds add up in the air, and draw the difference for the clip that
# is blended most. Which blend hides the quieter sound? *Hint: `10 ** (X / 10)` is power, and powers add.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 07 asks what these networks cannot: in which *order* do things happen?
#
# **References.** D. Park et al., *SpecAugment*, Interspeech 2019. H. Zhang et al., *mixup: beyond empirical risk
# minimization*, ICLR 2018. J. Schlüter, T. Grill, *Exploring data augmentation for improved singing voice detection with
# neural networks*, ISMIR 2015. S. Holm, *A simple sequentially rejective multiple test procedure*, Scandinavian Journal of
# Statistics, 1979.
