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
# # Test-set analysis
#
# *reading 10 minutes · computing 1 minute · needs what notebooks 04 to 10 left; without them it makes two networks first · writes `models/`: a calibrated copy of a network*
#
# An accuracy is one number. Is the first model of a leaderboard better than the second, or luckier? Which songs go
# wrong, and does the network know when it is guessing? Where other notebooks have left their networks, this one trains none. It sets the models of the series
# side by side on the same test tracks, then opens one of them and checks its mistakes, its labels and its confidence.
#
# **You will learn**
#
# - how to compare many models on a small test set, and how many leads are chance;
# - how to read a confusion matrix, hear a mistake, and search for wrong labels;
# - how to measure whether a network's probabilities can be believed, and how to correct them.
#
# **Before you start**: notebook 05 explains the networks and the interval of an accuracy.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from IPython.display import Audio, Markdown, display
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import comparison, datasets, evaluate, features, interactive, plotting, training
from helpers.audio import load_audio
from helpers.experiment import Experiment, has_maps, open_network
from helpers.splits import StratifiedGroupKFold

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "11_test_set_analysis"  # name of this step in the leaderboard
MODEL: str = ""  # network to open, such as 05_convpool-convpool; empty takes the lowest validation loss
COMPARED: list = []  # models that stand side by side, such as "05 convpool"; empty takes one a family
SWAPPED: float = 0.1  # share of labels that are swapped to test the search for wrong labels
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## One network, one test set
#
# One network will be opened. It is chosen by its loss on the *validation* tracks. Choosing it by its place in the
# table would make the test tracks a part of the choice, and its test figures too good. It must read log-mels and
# have a convolution over time and frequency, because notebook 12 looks into the same network.

# %%
stem, network, experiment = open_network(Experiment(globals()), model=MODEL, accepts=has_maps)
card, inputs = experiment.card, experiment.card["inputs"]
opened = f"{card['made_by'][:2]} {card['model']}"
print(f"opened: {stem}, {network.count_params():,} parameters, clips of {inputs['clip_frames']} frames")

# %% [markdown]
# The file carries a card. It says how this network wants its log-mels, and on which split it was trained. The truth is a
# table of 0 and 1, one column a class. Where each track has one label, each row holds one 1, and the score is
# **accuracy**. Where it may have several, the score is **ROC-AUC**: the probability that a track with the label is ranked
# above one without it, averaged over the labels.

# %%
dataset, store, tracks, split, ids = (experiment.dataset, experiment.store, experiment.tracks, experiment.split,
                                      experiment.ids)  # fmt: skip
T, Y, groups = experiment.T, experiment.Y, experiment.groups["test"]
y_true, truth = Y.loc[ids["test"]].to_numpy(), T.loc[ids["test"]].to_numpy()
METRIC = "roc_auc" if dataset.multilabel else "accuracy"
print(f"{split.rule}: {len(ids['test'])} test tracks of {len(set(groups))} groups")

# %% [markdown]
# ## Models side by side
#
# Every notebook that trains leaves two things for each model: a row of figures, and its answers to the test tracks. All
# figures here are computed from the answers, in the same way for all models. A few models stand for the series. They were
# chosen before anything was tested, but for the recipe of notebook 06: it was put together while looking at tests on this
# dataset, and that flatters it here. Models that this run has not made are left out.
#
# Two kinds of luck sit in every figure. *Which artists are tested*: sixty test tracks are the work of only a few. So a
# study may test on several **folds**, until every artist was tested once. *Which seed*: the same network, trained again,
# ends elsewhere. So it may train each model several times. The **95 % interval** below redraws both, whole artists and
# seeds. Where there is one training only, it holds the luck of the artists alone, and is too narrow. In the figure, a blue dot stands
# for all tracks, with its interval; an orange dot is the mean of a fold, a stroke is one training.

# %%
FAMILIES = COMPARED or [
    "04 features-logreg", "04 features-logreg-both", "05 convpool", "05 convconvpool", "06 convpool-specaugment",
    "06 convpool-recipe", "07 crnn", "08 samplecnn", "09 resnet50-tuned", "09 effnet-tuned", "10 musicnn-head", "10 msd-head",
]  # fmt: skip
answered = comparison.answers(OUT_DIR, DATASET, T, split.rule)
head = answered[answered["model"].isin(FAMILIES)]
head = head if len(head) else answered
models, pairs = comparison.pooled(head, tracks["group"], seed=SEED)
print("not in this run:", ", ".join(name for name in FAMILIES if name not in models.index) or "none")
models.drop(columns="n_groups").round(2)

# %% tags=["key-figure"]
chance = 1 / len(dataset.classes) if not dataset.multilabel else None
fig, ax = plotting.trainings(models, comparison.trainings(head), chance=chance)
ax.set_title(f"{DATASET}: right answers on {models['n_test'].max()} test tracks")
plt.show()

# %%
first, row = models.index[0], models.iloc[0]
Markdown(
    f"Folds in this run: {models['folds'].max():.0f}; trainings of a model on each: {models['seeds'].max():.0f}. The first "
    f"is **{first}**: {row['accuracy']:.2f} [{row['accuracy_low']:.2f}, {row['accuracy_high']:.2f}], n = {row['n_test']:.0f} "
    f"tracks of {row['n_groups']:.0f} groups."
)

# %% [markdown]
# ### Is a lead more than luck?
#
# With many models on few tracks, somebody must be first by luck. Overlapping intervals do not settle it: all models met
# the *same* tracks and agree on most of them. The right question goes to pairs. Redraw artists and seeds, look at the
# *difference* of the two each time, and count how often it falls on the other side of zero: twice that share is the
# **p-value**.
#
# A p-value below 0.05 comes by chance in one of twenty pairs of equal models. Whoever looks at many pairs will find
# some. **Holm's correction** pays for the number of looks: the smallest p-value is multiplied by the number of pairs,
# the next by one less, and so on, and none may end below the one before. What is still below 0.05 differs; that keeps the risk of even one false alarm among *all*
# pairs at about 5 %.

# %%
pairs = pairs.sort_values("p", ignore_index=True, kind="stable")
alone, kept = pairs["p"] < 0.05, pairs["holm"] < 0.05
comparison.write(f"{OUT_DIR}/tables/{RUN_NAME}-comparison.csv", dataset, models, pairs, head)
pairs.head(8).round(4)

# %%
leads = ", ".join(f"{row.model} is ahead of {row.other} by {row.difference:.2f}" for row in pairs[kept].head(3).itertuples())
with_first = pairs[(pairs["model"] == first) | (pairs["other"] == first)]
as_good = len(with_first) - int((with_first["holm"] < 0.05).sum())
taken = (alone & ~kept).sum()
Markdown(
    f"**{kept.sum()} of {len(pairs)} pairs differ after Holm**{'; among them, ' * bool(leads)}{leads}. Without it {alone.sum()} would "
    f"have p < 0.05, where {0.05 * len(pairs):.1f} are expected by chance if all models are equally good. "
    f"{f'{taken} of them do not survive Holm. ' if taken else ''}Of the {len(with_first)} models beside "
    f"{first}, this test cannot tell {as_good} from it."
    + " With one training of each, this compares these copies; another seed may change it." * bool(models["seeds"].max() == 1)
)

# %% [markdown]
# "Cannot tell" does not mean "equal". It means that more test artists are needed. Until then, choose among these models
# by size and cost.
#
# ### In full
#
# For the demo dataset, `make study STUDY=demo_full` tests each of these models on five folds, and trains with three seeds where a seed changes anything, which takes
# less than two hours. Its table is kept with the series, so that you need not wait for it.

# %%
file = Path("notebooks/results", f"{DATASET}_full.csv")
full = pd.read_csv(file, comment="#") if file.exists() else pd.DataFrame()
if len(full):
    print(file.read_text(encoding="utf8").splitlines()[0].lstrip("# "))
    of_all, each = full[full["fold"] == "all"].set_index("model"), full[full["fold"] != "all"]
    display(of_all[["accuracy", "accuracy_low", "accuracy_high", "folds", "seeds", "n_test"]].round(2))

# %% tags=["key-figure"]
if len(full):
    fig, ax = plotting.trainings(of_all, each, chance=chance)
    ax.set_title(f"{DATASET}, every artist tested once: right answers on {of_all['n_test'].max():.0f} tracks")
    plt.show()

# %%
in_full = "The full comparison has not been made for this dataset."
if len(full):
    top, spread = of_all.index[0], each.groupby("model")["accuracy"].agg(np.ptp)
    sure = {(name, beaten) for name, text in of_all["better_than"].dropna().items() for beaten in text.split("; ")}
    still = sum((row.model, row.other) in sure for row in pairs[kept].itertuples())
    in_full = (
        f"In full, *{top}* is first with {of_all['accuracy'].iloc[0]:.2f} [{of_all['accuracy_low'].iloc[0]:.2f}, "
        f"{of_all['accuracy_high'].iloc[0]:.2f}]; after Holm it is better than {sum(a == top for a, _ in sure)} of the {len(of_all) - 1} others. "
        f"Of the {kept.sum()} pairs that differ on the tracks of this page, {still} differ in full, too: Holm's correction pays for many looks, not for "
        f"one training and few artists. One fold and one training say little: single figures of one model lie up to {spread.max():.2f} apart (the widest, {spread.idxmax()})."
    )
Markdown(in_full)

# %% [markdown]
# ### The other models of the series
#
# Variants, ablations and teaching mistakes, on the tracks of this split. The table is in the order of the pages and is no
# ranking: among so many rows, the highest owes something to luck.

# %%
rest = answered[~answered["model"].isin(models.index) & (answered["split"] == split.rule)]
others = comparison.pooled(rest, tracks["group"], n_boot=500, seed=SEED)[0].sort_index() if len(rest) else pd.DataFrame()
others.reindex(columns=["accuracy", "accuracy_low", "accuracy_high", "parameters", "train_seconds"]).round(2)

# %% [markdown]
# ### Published figures
#
# Figures from the literature stand apart, and only for the dataset they belong to. They come from other training data or
# other protocols, so no row of the table above may be called better or worse than these.

# %%
LITERATURE = {
    "gtzan": ("fault-filtered lists of Kereliuk, Sturm and Larsen (2015), 290 test tracks", {
        "MFCC and SVM, sklearn-audio-transfer-learning": 0.534, "CLMR, linear (Castellon et al. 2021)": 0.686,
        "VGGish and SVM, sklearn-audio-transfer-learning": 0.772, "Jukebox probe (Castellon et al. 2021)": 0.797,
        "Musicset, supervised (McCallum et al. 2022)": 0.834}),
    "fma_small": ("official split", {"VGGish": 0.580, "BYOL-A": 0.643}),
    "fma_medium": ("official split by artist, Defferrard et al. 2017", {"MFCC, contrast, centroid and SVM": 0.634}),
}  # fmt: skip
protocol, figures = LITERATURE.get(DATASET, ("", {}))
print(f"Published accuracies for {DATASET}, {protocol}:" if figures else f"Nothing is published about {DATASET}.")
display(pd.Series(figures, name="accuracy", dtype=float).to_frame()) if figures else None

# %% [markdown]
# ## Mistakes
#
# From here on, one network: the one that was opened. The file, the card and the features on disk must be enough to get
# its answers again; everything below rests on that.

# %%
test, valid = experiment.every_clip("test"), experiment.every_clip("valid")
of_clips = evaluate.predict(network, test)
proba = evaluate.track_proba(of_clips, test.owner)
proba_valid = evaluate.track_proba(evaluate.predict(network, valid), valid.owner)
file = Path(OUT_DIR, "predictions", f"{stem}.parquet")
same = file.exists() and np.allclose(pd.read_parquet(file).loc[ids["test"]], proba, atol=1e-3)
print("the answers are those of the training notebook:", same)
claimed = comparison.claims(truth, proba)
right = (claimed == truth).all(axis=1)
mine = evaluate.scores(y_true, proba, groups=groups, seed=SEED)
Markdown(f"{opened}: {evaluate.describe(mine, metric=METRIC)}; {right.sum()} of {len(right)} tracks are right. The ends of "
         "the interval may differ a little from the table's: here they are corrected for bias, there they are plain percentiles.")  # fmt: skip

# %% [markdown]
# The **confusion matrix** counts what the tracks of each class were taken for. A row says where the tracks of a class
# went. A column says what is behind an answer: a class that swallows others shows there. (With several labels a track,
# it sets what was missed against what was claimed in its place.)

# %% tags=["key-figure"]
wrong = ((truth == 1) & ~claimed).T.astype(int) @ ((truth == 0) & claimed)
counts = wrong + np.diag(((truth == 1) & claimed).sum(axis=0))
shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
size = 2.2 + 0.42 * len(counts)
fig, ax = plt.subplots(figsize=(size + 0.8, size))
image = ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
for (i, j), n in np.ndenumerate(counts):
    if n:
        ax.text(j, i, n, ha="center", va="center", color="w" if shares[i, j] > 0.6 else "k")
ax.set_xticks(range(len(counts)), dataset.classes, rotation=60, ha="right")
ax.set_yticks(range(len(counts)), dataset.classes)
ax.set(xlabel="answer", ylabel="truth", title=f"{opened}: {right.sum()} of {len(right)} tracks right")
fig.colorbar(image, label="share of the row")
plt.show()

# %%
found, n_true = np.diag(counts), truth.sum(axis=0)
lost, magnet = np.argmin(found / np.maximum(n_true, 1)), wrong.sum(axis=0).argmax()
ranked = sorted(enumerate(wrong[lost]), key=lambda pair: -pair[1])
to = ", ".join(f"{n} to {dataset.classes[k]}" for k, n in ranked if n)
Markdown(
    f"*{dataset.classes[lost]}* was found least: {found[lost]} of {n_true[lost]} times. The wrong answers went {to or 'nowhere'}. "
    + (f"The most frequent wrong answer is *{dataset.classes[magnet]}*: {wrong[:, magnet].sum()} of {wrong.sum()}, from "
       f"{(wrong[:, magnet] > 0).sum()} classes. " if wrong.any() else "There is no wrong answer. ")
    + f"One more {dataset.classes[lost]} track found would raise its recall by {1 / max(n_true[lost], 1):.2f}, and the tracks are by few artists."
)  # fmt: skip

# %% [markdown]
# ### The most confident mistakes
#
# A hesitant mistake is forgivable. A confident one has a reason: in the music, in the label, or in the network. These
# are the wrong answers with the highest probability.

# %%
sure_of = np.where(claimed & (truth == 0), proba, 0).max(axis=1)  # of the wrong part of each answer
order = np.argsort(-sure_of, kind="stable")
name_of = {"truth": truth == 1, "answer": claimed}
name_of = {k: [", ".join(np.array(dataset.classes)[row]) for row in table] for k, table in name_of.items()}
mistakes = tracks.loc[ids["test"], ["artist", "title"]].assign(**name_of, confidence=sure_of.round(2))
mistakes.iloc[order[: int(min(6, (~right).sum()))]]

# %% [markdown]
# Look and listen. Above is the log-mel of the track, below is what the network says of each clip, for the four classes that it
# finds most probable. Is it wrong all the
# time, or was it led astray by a part: an introduction without drums, a solo, a break? A track that is two things in turn
# is a hard case for anybody who must answer with one word. In a live notebook a menu offers
# twenty tracks, the most confident mistakes first.

# %%
def show(track_id):
    """Log-mel of a track, the answers to its clips, and its sound."""
    i, per_second = ids["test"].index(track_id), store.frames_per_second
    frames, start = store.frames(track_id), test.start[test.owner == i] / per_second
    fig, axes = plt.subplots(2, 1, figsize=(9, 4.6), sharex=True)
    axes[0].imshow(frames.T, origin="lower", aspect="auto", extent=(0, len(frames) / per_second, 0, frames.shape[1]))
    axes[0].set(ylabel="mel band", title=f"{track_id}: {name_of['truth'][i]}, called {name_of['answer'][i]}")
    answer = of_clips[test.owner == i]
    edges = np.append(start, start[-1] + inputs["clip_frames"] / per_second)
    for k in np.argsort(-answer.mean(axis=0))[:4]:
        axes[1].stairs(answer[:, k], edges, label=dataset.classes[k], baseline=None, lw=2)
    axes[1].set(xlabel="time (s)", ylabel="probability", ylim=(0, 1.02))
    axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()
    display(Audio(load_audio(tracks.loc[track_id, "path"], sr=inputs["sr"], max_seconds=10), rate=inputs["sr"]))


interactive.explore(show, track_id=[ids["test"][i] for i in order[:20]])

# %%
worst = order[0]
of_worst = of_clips[test.owner == worst]
fine = int((of_worst.argmax(axis=1) == np.where(truth[worst] == 1, of_worst, -1).argmax(axis=1)).sum())
verb = "was taken for" if sure_of[worst] > 0 else "was correctly called"
Markdown(
    f"*{ids['test'][worst]}* ({name_of['truth'][worst]}) {verb} {name_of['answer'][worst]}. In {fine} of its "
    f"{len(of_worst)} clips the right label came first."
)

# %% [markdown]
# ## Is the label wrong?
#
# Some mistakes are not the network's: the label is wrong, and every real dataset holds such labels. **Confident
# learning** looks for tracks whose label gets little probability from a model that never saw the track. The model here
# is a logistic regression on the summary features of notebook 04, cross-validated over artists. It is cheap, and it is
# not the network that is being examined. Does the search work? Test it on labels that are known to be wrong: swap some.

# %%
summary = experiment.extract(features.extract_summary)
known = [track_id for track_id in tracks.index if track_id in summary.index]
main = pd.Series(T.to_numpy().argmax(axis=1), T.index)[known]  # one label a track
artists = tracks.loc[known, "group"]


def out_of_sample(labels):
    """Probabilities of each track by models that have not seen its artist."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    folds = int(np.clip(artists.groupby(main).nunique().min(), 2, 5))
    cv = StratifiedGroupKFold(folds, shuffle=True, random_state=SEED)
    return cross_val_predict(model, summary.loc[known], labels, groups=artists, cv=cv, method="predict_proba")


# %%
rng = np.random.default_rng(SEED)
swapped = rng.random(len(known)) < SWAPPED
shift = rng.integers(1, len(dataset.classes), len(known))
labels = np.where(swapped, (main + shift) % len(dataset.classes), main)
suspects = find_label_issues(
    labels, out_of_sample(labels), filter_by="both", return_indices_ranked_by="normalized_margin", n_jobs=1
)

# %%
n_found, n_swapped, n_suspects = int(swapped[suspects].sum()), int(swapped.sum()), len(suspects)
rendered = DATASET in datasets.RENDERED
Markdown(
    f"{n_swapped} of {len(known)} labels were swapped. The search found {n_found} of them, a **recall** of "
    f"{n_found / max(n_swapped, 1):.2f}; as many tracks drawn at random would reach {n_suspects / len(known):.2f}. It suspected "
    f"{n_suspects} tracks, so its **precision** is only {n_found / max(n_suspects, 1):.2f}, at random {n_swapped / len(known):.2f}. "
    f"The other {n_suspects - n_found} suspects are "
    + ("false alarms, since the labels of rendered music are right." if rendered else "false alarms, or finds.")
)

# %% [markdown]
# The search is worth no more than the model behind it. What the model cannot tell apart, it suspects, and a track of an
# unusual kind looks like a wrong label, too. So the list is for listening, not for deleting. With real music, these would
# be the first to check. *Believable* compares the probability of the label with the highest other: 1 is sure, below 0.5
# another class is likelier.

# %%
quality = get_label_quality_scores(main.to_numpy(), out_of_sample(main.to_numpy()), method="normalized_margin")
believable = pd.Series(quality, known).nsmallest(5)
tracks.loc[believable.index, ["label", "artist", "title"]].assign(believable=believable.round(2))

# %% [markdown]
# ## Does it know when it is guessing?
#
# A network says 0.9. Is it right nine times in ten? Sort the test tracks by what was claimed, and compare with what came
# true. The mean distance between the two, over ten bins of claims, is the **expected calibration error** (ECE).
#
# The remedy is one number. Divide the logarithms of the probabilities by a **temperature**: above 1 it makes an
# overconfident network modest, below 1 it makes a hesitant one bolder. Which class comes first stays the same. The number
# is fitted on the validation tracks; the test tracks only show whether it helped. A network that is to be used needs its
# temperature with it: a copy is saved whose card holds it, and `helpers.classify` applies it.

# %%
temperature = evaluate.fit_temperature(Y.loc[ids["valid"]].to_numpy(), proba_valid)
calibrated = evaluate.temper(proba, temperature, multilabel=dataset.multilabel)
saved = f"{OUT_DIR}/models/{DATASET}/{RUN_NAME}-{card['model']}.keras"
print(training.save(network, saved, card | {"temperature": temperature}))

# %% [markdown]
# On few tracks even a perfectly calibrated network has an ECE above 0. How much? Draw labels from the probabilities
# themselves, so that the claims are true by construction, and measure. Beside it stands the log-loss, which punishes answers
# that are sure and wrong.
#
# Then look at the **reliability diagram**. On the dotted line, claims come true. Below it the network is overconfident,
# above it too modest. The bars are 95 % intervals; with few tracks in a bin they are long, and a dot away from the line
# may be luck. There are five bins here, so that each holds more than a few tracks. The bars, and the range that luck
# leaves, count each track by itself; counted by artist, both would be wider.

# %%
rng, by_luck = np.random.default_rng(SEED), []
for _ in range(300):
    u = rng.random(calibrated.shape)
    drawn = (u < calibrated).astype(int) if dataset.multilabel else (calibrated.cumsum(axis=1) > u[:, :1]).argmax(axis=1)
    by_luck.append(evaluate.ece(drawn, calibrated))
low, high = np.percentile(by_luck, [2.5, 97.5])

# %%
believed = {"as it is": proba, f"temperature {temperature:.2f}": calibrated}
honest = pd.DataFrame({
    name: {"ECE": evaluate.ece(y_true, p), "log loss": evaluate.log_loss(y_true, p),
           **dict(zip(("mean claim", "came true"), map(np.mean, evaluate.confidence(y_true, p))))}
    for name, p in believed.items()
}).T  # fmt: skip
honest.round(3)

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(6.4, 4.6))
ax.plot([0, 1], [0, 1], color="0.6", ls=":", label="claims come true")
for name, p in believed.items():
    table = evaluate.reliability(y_true, p, n_bins=5)
    error = np.clip([table["true"] - table["low"], table["high"] - table["true"]], 0, None)
    ax.errorbar(table["claimed"], table["true"], yerr=error, fmt="o-", capsize=3, label=name)
ax.set(xlabel="claimed probability", ylabel="share that came true, with 95 % interval",
       title=f"{opened}, {len(y_true)} test tracks in 5 bins", xlim=(0, 1), ylim=(0, 1.02))  # fmt: skip
ax.legend(loc="upper left")
plt.show()

# %%
before, after = honest.iloc[0], honest.iloc[1]
Markdown(
    f"The network claimed {before['mean claim']:.2f} on average, and {before['came true']:.2f} came true. A temperature of "
    f"{temperature:.2f} takes the ECE from {before['ECE']:.2f} to {after['ECE']:.2f} and the log loss from "
    f"{before['log loss']:.2f} to {after['log loss']:.2f}. Perfectly honest claims would show an ECE between {low:.2f} and "
    f"{high:.2f} on these {len(y_true)} tracks: what is left {'may be luck' if after['ECE'] <= high else 'is more than luck'}"
    f"{', and by this measure alone the ECE before may have been luck, too' * bool(before['ECE'] <= high)}."
)

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- Of {len(models)} models of the series, {first} came first with {models['accuracy'].iloc[0]:.2f}. {kept.sum()} of "
    f"{len(pairs)} pairs differ after Holm; without it {alone.sum()} would, where {0.05 * len(pairs):.1f} would by chance if all were equally good. "
    f"{in_full}\n"
    f"- {opened} had {right.sum()} of {len(right)} tracks right; *{dataset.classes[lost]}* was found least. The search "
    f"for wrong labels found {n_found} of {n_swapped}, with a precision of {n_found / max(n_suspects, 1):.2f}.\n"
    f"- A temperature of {temperature:.2f} took its calibration error from {before['ECE']:.2f} to {after['ECE']:.2f}; "
    f"luck alone leaves {low:.2f} to {high:.2f}."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. You test 20 equally good models on the same tracks. How many pairs get a p-value below 0.05?</summary>
#
# There are 190 pairs, so about 9 or 10 on average. They share models, so they come in bunches: one lucky model brings
# several such pairs at once. Holm's correction holds all the same.
#
# </details>
#
# <details><summary>2. Why is the network to be opened chosen by its validation loss, and not by its place in the table?</summary>
#
# The first of many is partly first by luck on these tracks. Had they chosen it, its test accuracy would be the best of
# many draws. The validation tracks have chosen, so the test tracks still measure.
#
# </details>
#
# <details><summary>3. A temperature changes no answer. What is it good for?</summary>
#
# For all who act on the probability: to leave doubtful tracks to ears, to set a threshold, or to weigh the answers of
# several models.
#
# </details>
#
# ## Exercises
#
# ### 1. The same mistakes
#
# Do two models fail on the same tracks? Count the tracks on which both are wrong, and compare with the number you would
# expect if their mistakes had nothing to do with each other. *Hint: `head.pivot(index="track_id",
# columns="model", values="right")` of one fold and seed, and the product of two shares.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. Calibrate on the training tracks
#
# Fit the temperature on the training tracks. What happens to it, and to the ECE of the test tracks? *Hint:
# `experiment.every_clip("train")`. How often is a network wrong about tracks that it has learned?*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Sets instead of answers
#
# Let the network name *all* classes that may be right, so that the set holds the truth in nine of ten cases. Does the
# promise hold for the test artists, and how large are the sets? *Hint: `evaluate.conformal_threshold`, with validation
# tracks.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 12 opens the same network and asks what in the sound it goes by. Notebook 13 makes a recommender of it, and
# answers for your own song.
#
# **References.** P. Good, *Permutation, parametric and bootstrap tests of hypotheses*, 2005. S. Holm, *A simple
# sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics, 1979. C. Guo et al., *On
# calibration of modern neural networks*, ICML 2017. C. Northcutt et al., *Confident learning*, JAIR 2021.
