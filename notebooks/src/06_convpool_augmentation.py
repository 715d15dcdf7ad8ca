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
# *15 minutes · needs nothing: without the networks of notebook 05, it makes them first · writes `models/` and `metrics/`*
#
# A network with many parameters and few songs learns the songs. Augmentation shows it each clip in another way every
# time: stretched, cropped elsewhere, with holes, or mixed with another clip. Whether that helps is an experiment, and
# an easy one to get wrong: an augmented network that also trains longer will look better for the wrong reason. Here
# everything but the clips stays the same.
#
# **You will learn**
#
# - what zoom, time crop, SpecAugment and mixup do to a clip, seen and heard;
# - how to compare augmentations fairly: same networks, same split, same seed, same number of steps;
# - what a long run adds, and how early stopping ends it.
#
# **Before you start**: notebook 05 explains the networks, which are trained again here.

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

from helpers import clips, evaluate, plotting, training
from helpers.clips import SpecAugment
from helpers.experiment import Experiment, run_first

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "06_convpool_augmentation"  # name of this step in the leaderboard
CLIP_SECONDS: float = 3.0  # length of a clip in seconds
NETWORKS_FROM: str = "05_convpool"  # RUN_NAME of the step whose networks are used
NETWORKS: list = ["convpool", "convconvpool"]  # networks of that step that are trained here
WAYS: list = ["crop", "zoom", "specaugment", "mixup"]  # ways to change a clip, each tried alone and all together
ZOOM: float = 0.3  # largest zoom, in or out, as a share of each axis
MASK: float = 0.2  # largest share of time, and of the mel bands, that one mask hides
MIXUP: float = 0.2  # strength of mixup, the alpha of its beta distribution
STEPS: int = 300  # optimizer steps of each training, the same for all
LONG_EPOCHS: int = 80  # most epochs of the long run at the end
PATIENCE: int = 6  # stop after so many epochs without a better validation loss
LEARNING_RATE: float = 0.001  # of the Adam optimizer
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The data
#
# The same tracks, features and split as in notebook 05.

# %%
experiment = Experiment(globals())
print(experiment)
dataset, store, tracks, split = experiment.dataset, experiment.store, experiment.tracks, experiment.split
ids, Y, clip_frames = experiment.ids, experiment.Y, experiment.clip_frames

# %% [markdown]
# The networks come from the files that notebook 05 saved: the architecture and the scaling of the mel bands are
# read, the trained weights are thrown away. Copying the code instead would be a risk. Somebody improves one copy,
# and the comparison with 05 is about two things at once.

# %%
def untrained(name):
    """Return a network of 05 with new weights, the same for every training."""
    return training.untrained(f"{OUT_DIR}/models/{DATASET}/{NETWORKS_FROM}-{name}.keras", seed=SEED)


# %%
if not Path(f"{OUT_DIR}/models/{DATASET}/{NETWORKS_FROM}-{NETWORKS[0]}.keras").exists():
    run_first("05_convpool", globals(), RUN_NAME=NETWORKS_FROM)
counts = {name: untrained(name).count_params() for name in NETWORKS}
pd.Series(counts, name="parameters").map("{:,}".format)

# %% [markdown]
# ## Four ways to change a clip
#
# **Time crop.** Take the clip from another place of the track each time. It costs nothing, and every crop is real
# music. Without it, each epoch shows the same clips in another order. Notebook 05 already cropped at random; here
# we learn what that was worth.
#
# **Zoom.** Treat the spectrogram as a photo and enlarge or shrink it on both axes. On the time axis that is another
# tempo. On the frequency axis it moves and spreads the partials, which no instrument does. It was the only
# augmentation of the project that this notebook takes up.

# %%
def random_clips(crop):
    """Training clips; `crop` draws new places in each epoch."""
    return experiment.random_clips(redraw=crop)


# %%
def zoom():
    """Stretch or squeeze time (height) and frequency (width), each by its own random factor."""
    return keras.layers.RandomZoom((-ZOOM, ZOOM), (-ZOOM, ZOOM), fill_mode="nearest", seed=SEED)


# %% [markdown]
# **SpecAugment.** Hide a few stretches of time and a few ranges of frequency. The network must not rest on one
# moment or one band. The layer stands behind the scaling, where 0 is the mean of a band, so a hole is an average
# frame and not a silent one.

# %%
def specaugment():
    """Two masks on each axis, each of random place and width."""
    return SpecAugment(time=MASK, frequency=MASK, masks=2, seed=SEED)


# %% [markdown]
# **Mixup.** Blend two clips and their answers in the same proportion: 80 % of this rock clip and 20 % of that jazz
# clip should be called 0.8 rock and 0.2 jazz. Answers are now shares, not class numbers, so Y becomes one column a
# class. We blend decibels, which is simple and common; blending the sounds themselves would let the louder one win.

# %%
class Mixed(keras.utils.PyDataset):
    """Batches whose clips are blended with others of the batch; Y becomes shares of the classes.

    With `alpha` 0 nothing is blended, and Y is one column a class all the same.
    """

    def __init__(self, batches, alpha):
        super().__init__()
        self.batches, self.alpha = batches, alpha

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        X, y = self.batches[index]
        Y = np.eye(len(dataset.classes), dtype="float32")[y]
        if not self.alpha:
            return X, Y
        rng = np.random.default_rng([SEED, self.batches.epoch, index])
        share = rng.beta(self.alpha, self.alpha, len(X)).astype("float32")
        other = rng.permutation(len(X))
        blend = share[:, None, None, None]
        share = share[:, None]
        return blend * X + (1 - blend) * X[other], share * Y + (1 - share) * Y[other]

    def on_epoch_end(self):
        self.batches.on_epoch_end()


# %% [markdown]
# One line says which of the four each training uses. It is the whole experiment.

# %%
PLAN = {"none": [], **{way: [way] for way in WAYS}, "all": WAYS}

# %% [markdown]
# ### See and hear it
#
# One clip, as each way leaves it. The layers stand behind the scaling, so the pictures show scaled values: 0 is the
# mean of the band over the training tracks, and 1 is one standard deviation above it.

# %%
mean, variance = clips.band_statistics(store, ids["train"])


def scale(X):
    """What the first layer of each network does: mean 0 and variance 1 in each band."""
    return (X - mean[:, None]) / np.sqrt(variance)[:, None]


# %%
batches = random_clips(crop=False)
X, y = batches[0]
mixed, shares = Mixed(batches, alpha=1.0)[0]
at = int(np.abs(shares.max(axis=1) - 0.6).argmin())  # a clip that is blended visibly
track = store.frames(batches.track_ids[batches.order[at]])
elsewhere = int((batches.position[at] + 0.5) % 1 * max(len(track) - clip_frames, 0))

# %%
shown = {
    "as it is": scale(X)[at],
    "crop: another place": scale(clips.cut(track, elsewhere, clip_frames)[..., None]),
    "zoom": np.asarray(zoom()(scale(X), training=True))[at],
    "SpecAugment": np.asarray(specaugment()(scale(X), training=True))[at],
    "mixup": scale(mixed[at]),
}

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, 5, figsize=(13, 3), sharey=True)
for ax, (title, clip) in zip(axes, shown.items()):
    extent = (0, CLIP_SECONDS, 0, store.n_mels)
    im = ax.imshow(clip[..., 0].T, origin="lower", aspect="auto", extent=extent, vmin=-3, vmax=3, cmap="RdBu_r")
    ax.set(title=title, xlabel="time (s)")
axes[0].set_ylabel("mel band")
fig.colorbar(im, ax=axes, label="standard deviations")
plt.show()

# %%
names = [dataset.classes[k] for k in np.argsort(shares[at])[::-1][:2]]
print(f"The clip is {dataset.classes[y[at]]}; mixed, it counts as", *np.round(np.sort(shares[at])[::-1][:2], 2), names)

# %% [markdown]
# A picture can be turned back into sound, roughly: its phases are lost and must be guessed. Listen in the order of
# the figure, leaving out the crop. The zoomed clip has another tempo *and* a strange timbre; in the masked one the
# holes sound like dropouts; the blend sounds like two radio stations. If you can still name the class, the network
# may be asked to.

# %%
def listen(clip):
    """Sound of a scaled log-mel clip: undo scaling and decibels, then guess the phases."""
    S_db = clip[..., 0] * np.sqrt(variance) + mean
    S = librosa.db_to_power(S_db.T)
    made_with = {name: store.params[name] for name in ("sr", "n_fft", "hop_length")}
    return librosa.feature.inverse.mel_to_audio(S, n_iter=16, **made_with)


# %%
heard = [librosa.util.normalize(listen(shown[k])) for k in ("as it is", "zoom", "SpecAugment", "mixup")]
sr = store.params["sr"]
pause = np.zeros(sr // 2)
Audio(np.concatenate([part for y_part in heard for part in (y_part, pause)]), rate=sr)

# %% [markdown]
# ## Equal steps
#
# Each training makes `STEPS` optimizer steps, from the same first weights, on batches of the same size. None stops
# early. The weights of the epoch with the lowest validation loss are kept, as in notebook 05. Validation and test
# clips are never augmented: the layers are off when a network answers, and crops and blends are made for training
# only.

# %%
LAYERS = {"zoom": zoom, "specaugment": specaugment}


def network_with(name, way):
    """Put the augmenting layers of a plan between the scaling and the rest of an untrained network."""
    base = untrained(name)
    scaling, *rest = base.layers
    extra = [LAYERS[used]() for used in PLAN[way] if used in LAYERS]
    layers = [keras.layers.Input(base.input_shape[1:]), scaling, *extra, *rest]
    return keras.Sequential(layers, name=f"{name}-{way}")


# %% [markdown]
# Send a batch through before training, twice as a network answers and twice as it trains.

# %%
scaling, *extra = network_with(NETWORKS[0], "all").layers[:3]
for training_now in (False, True):
    first, second = scaling(X), scaling(X)
    for layer in extra:
        first, second = layer(first, training=training_now), layer(second, training=training_now)
    same = np.array_equal(first, second)
    print(f"training={training_now}: {tuple(first.shape)} (clips, time, frequency, channel), the same twice: {same}")


# %%
valid = experiment.every_clip("valid", Y=experiment.T.astype(float))


# %%
def train(name, way, *, epochs, patience):
    """Train one network with one plan; return it with its history."""
    network = network_with(name, way)
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    network.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
    X = Mixed(random_clips("crop" in PLAN[way]), MIXUP * ("mixup" in PLAN[way]))
    return network, training.fit(network, X, valid, epochs=epochs, patience=patience)


# %%
epochs = max(2, round(STEPS / len(random_clips(crop=True))))
networks, histories = {}, {}
for name in NETWORKS:
    for way in PLAN:
        network, history = train(name, way, epochs=epochs, patience=epochs)
        networks[network.name], histories[network.name] = network, history
print(f"{len(networks)} trainings of {epochs} epochs, {epochs * len(random_clips(crop=True))} steps each")

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, len(NETWORKS), figsize=(5.5 * len(NETWORKS), 3.8), sharey=True, squeeze=False)
for ax, name in zip(axes[0], NETWORKS):
    for way in PLAN:
        loss = histories[f"{name}-{way}"]["val_loss"]
        (line,) = ax.plot(range(1, len(loss) + 1), loss, label=way)
        ax.plot(np.argmin(loss) + 1, min(loss), "o", color=line.get_color())
    ax.axhline(np.log(len(dataset.classes)), color="0.5", ls=":")
    ax.set(title=name, xlabel="epoch", ylabel="validation loss")
    ax.xaxis.get_major_locator().set_params(integer=True)
axes[0, -1].legend(fontsize=8)
plt.show()

# %% [markdown]
# The dotted line is the loss of a guesser. Two readings. *Where* is a curve lowest: that is how well the network
# does on artists it has not met. And *what comes after*: a curve that turns upwards belongs to a network that learns
# its training clips by heart, and augmentation should delay that turn. When the lowest points lie at the right edge,
# the training was too short to tell; the long run below goes on.
#
# ### Did it memorize?
#
# The gap between training and validation accuracy, at the end. The training accuracy of an augmented network is
# measured on the changed clips, so it is lower for that reason alone. To be fair, all are asked about the same
# clips: those of the training tracks, unchanged.

# %%
def accuracy(network, side):
    """Share of clips of one side that a network names right."""
    y = experiment.every_clip(side)
    return float((evaluate.predict(network, y).argmax(axis=1) == y.y).mean())


gap = pd.DataFrame({
    name: {side: accuracy(network, side) for side in ("train", "valid")} for name, network in networks.items()
}).T  # fmt: skip
gap["gap"] = gap["train"] - gap["valid"]
gap.round(3)

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
columns = ["accuracy", "accuracy_low", "accuracy_high", "clip_accuracy", "macro_f1", "log_loss", "chance", "n_test"]
table[columns].round(3)

# %% tags=["key-figure"]
fig, ax = plotting.intervals(table, chance=table["chance"].iloc[0])
ax.set_title(f"Test tracks of {DATASET}, {epochs} epochs each ({split.rule})", fontsize=9, wrap=True)
plt.show()

# %% [markdown]
# The bars overlap, because the test set is small and its artists are few. That does not make all answers equal. All
# networks met the *same* tracks, so we may look at the difference track by track: how many did one network get right
# that the other got wrong? Redrawing groups of tracks gives an interval for the difference. An interval that holds 0
# means: this test cannot tell. One that does not is a finding about these two networks, trained once each. To say the
# same of the *way*, train both several times with other seeds.

# %%
pairs = {f"{name}-{way}": f"{name}-none" for name in NETWORKS for way in list(PLAN)[1:]}
against = pd.DataFrame({
    name: evaluate.compare(test.Y, proba[name], proba[plain], groups=groups, seed=SEED) for name, plain in pairs.items()
}).T  # fmt: skip
better, worse = against["difference_low"] > 0, against["difference_high"] < 0
against["verdict"] = np.select([better, worse], ["better", "worse"], "cannot tell")
against.round(3)

# %% [markdown]
# ### When augmentation hurts
#
# An augmentation is a claim: *after this change, the music still belongs to its class*. A crop keeps the claim, as long
# as a clip is long enough to tell. Masks keep it while enough is left. Mixup does not even claim it; it changes the
# answer with the sound. Zoom on the frequency axis makes the boldest claim of the four, because a band stands for a
# fixed pitch here, and a bass drum that moves up three octaves is no bass drum.
#
# There are two more ways to lose. Harder clips take longer to learn, so at equal steps a strong augmentation is
# simply not finished. And batch normalization collects its averages from changed clips, while validation and test
# clips are unchanged: the wider the gap between the two, the worse the averages fit. Look back at the curves: which of
# these reasons fits a way that did badly?
#
# ## The long run
#
# Augmentation earns its keep when training is long. The original trained its best network for 80 epochs with a
# stronger zoom and kept the last weights. We take the augmented network with the lowest validation loss above, and
# beside it the same network with no augmentation. Both may train for up to `LONG_EPOCHS` epochs and stop when
# `PATIENCE` epochs, twice over, bring nothing.

# %%
by_loss = sorted(histories, key=lambda name: min(histories[name]["val_loss"]))
chosen, way = next(name for name in by_loss if not name.endswith("-none")).split("-")
ways = ["none", way]
for way in ways:
    network, history = train(chosen, way, epochs=LONG_EPOCHS, patience=2 * PATIENCE)
    name = f"{network.name}-long"
    networks[name], histories[name] = network, history
    proba[name], rows[name] = evaluate.by_track(network, test, groups=groups, seed=SEED)

# %%
fig, ax = plotting.history({f"{chosen}-{way}-long": histories[f"{chosen}-{way}-long"] for way in ways}, metric="loss")
ax.axvline(epochs, color="0.5", ls=":")
ax.set_title("The long run; the dotted line is where the short one ended")
plt.show()

# %%
long = [f"{chosen}-{way}{length}" for way in ways for length in ("", "-long")]
for name in long:
    best_epoch = np.argmin(histories[name]["val_loss"]) + 1
    print(f"{name}: best epoch {best_epoch} of {len(histories[name]['loss'])}; {evaluate.describe(rows[name])}")

# %% [markdown]
# Compare each network with its own short version, and look where its best epoch lies. A long run without augmentation
# usually finds its best epoch early and wastes the rest. The training loss of the augmented network (dashed) stays
# higher: it never meets the same clip twice.
#
# ## Results
#
# Every training is a row of the leaderboard. The augmenting layers are saved inside the networks. They are part of
# how the network was made, and do nothing when it is used.

# %%
inputs = {**store.params, "clip_frames": clip_frames}
for name, network in networks.items():
    told = {"network": network, "history": histories[name], "inputs": inputs}
    path = experiment.record(name, rows[name], proba=proba[name], **told)
again = keras.models.load_model(path, safe_mode=True)
same = np.allclose(evaluate.predict(again, test), evaluate.predict(networks[name], test), atol=1e-5)
print("the saved network gives the same answer:", same)

# %% [markdown]
# ## What we learned

# %%
helped = against.index[against["verdict"] == "better"].tolist()
hurt = against.index[against["verdict"] == "worse"].tolist()
Markdown(
    f"- Crop, zoom, SpecAugment and mixup changed clips of {CLIP_SECONDS:g} s in training only; the gap between training and "
    f"validation clips went from {gap['gap'].iloc[0]:.2f} ({gap.index[0]}) to {gap['gap'].min():.2f} ({gap['gap'].idxmin()}).\n"
    f"- After {epochs} epochs each, on the same {len(ids['test'])} test tracks, clearly better than no augmentation: "
    f"{', '.join(helped) or 'none'}; clearly worse: {', '.join(hurt) or 'none'}. For the others this test cannot tell.\n"
    f"- The long run stopped after {' and '.join(str(len(histories[n]['loss'])) for n in long if n.endswith('long'))} of "
    f"{LONG_EPOCHS} epochs; "
    + "; ".join(f"{n}: {evaluate.describe(rows[n])}" for n in long if n.endswith("long")) + "."
)

# %% [markdown]
# ## Exercises
#
# 1. Make `MASK` 0.5. At which width do the holes begin to hurt? *Hint: watch the training loss, too.*
# 2. Zoom on the time axis only. Which is the better model of what bands do? *Hint: `RandomZoom` takes two ranges.*
# 3. Blend sounds instead of decibels in `Mixed`. *Hint: `10 ** (X / 10)` is power, and powers add.*
#
# ## Next
#
# Notebook 07 asks what these networks cannot: in which *order* do things happen?
#
# **References.** D. Park et al., *SpecAugment*, Interspeech 2019. H. Zhang et al., *mixup: beyond empirical risk
# minimization*, ICLR 2018. J. Schlüter, T. Grill, *Exploring data augmentation for improved singing voice detection
# with neural networks*, ISMIR 2015.
