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
# # A recommender, a map, and your own song
#
# *reading 7 minutes · computing 1 minute · needs a network of notebooks 05 to 08; without one it makes two first; it fetches musicnn (29 MB) · writes `tables/`: a collection to search in*
#
# "More like this, please." A recommender that listens needs no clicks of other people: it compares the sounds
# themselves. A network has a description of every sound at hand, because it computes one just before it answers. This
# notebook makes a recommender of these descriptions, measures how good it is, draws all tracks on a map, and answers for
# your own song.
#
# **You will learn**
#
# - how a trained network becomes a recommender, and why its answers are the wrong thing to compare;
# - how to measure a recommender beside its ceiling and chance, and what hubs are;
# - how to read a map of music, and how to ask about a song of your own.
#
# **Before you start**: notebook 05 builds the networks that are opened here. Notebook 11 shows how often this one is wrong.

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
from IPython.display import HTML, Audio, Markdown, display
from sklearn.manifold import TSNE
from tqdm.auto import tqdm

from helpers import datasets, evaluate, features, interactive, pages, published, training
from helpers.audio import load_audio
from helpers.classify import Classifier
from helpers.experiment import Experiment, has_maps, open_network
from helpers.interactive import Recorder
from helpers.recommend import Recommender, embed, frequency, hubness, precision, skewness

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "13_recommender"  # name of this step in the leaderboard
MODEL: str = ""  # network to open, such as 05_convpool-convpool; empty takes the lowest validation loss
SONG: str = ""  # audio file of yours that is asked about; empty takes an example
NEIGHBOURS: int = 5  # length of a list of similar tracks
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## Descriptions of a sound
#
# We open the network of notebooks 11 and 12 again: the one with the lowest loss on the validation tracks. Its last layer
# decides. What enters that layer is the **embedding** of a clip: a list of numbers that say which patterns were
# found. The mean over the clips of a track describes the track.

# %%
stem, network, experiment = open_network(Experiment(globals()), model=MODEL, accepts=has_maps)
dataset, tracks, T, ids = experiment.dataset, experiment.tracks, experiment.T, experiment.ids
card, main = experiment.card, pd.Series(T.to_numpy().argmax(axis=1), T.index)  # main: one label a track
everything = experiment.every_clip(tracks.index, Y=main)
E = pd.DataFrame(embed(network, everything), tracks.index).add_prefix("e")
print(f"{stem}: {E.shape[1]} numbers for each of {len(E)} tracks")

# %% [markdown]
# A network that has learned from other music describes these tracks, too. **musicnn** knows 200,000 real songs by the 50
# tags that listeners gave them; its embedding has 200 numbers. Notebook 10 leaves it for all tracks; else they are played
# to it here.

# %%
try:
    listener = Classifier(published.musicnn(DATA_DIR))
except datasets.DatasetError as problem:
    listener = None
    print(f"musicnn is left out: {problem}")


def heard_by_musicnn():
    """Its embedding of every track: as notebook 10 left it, else asked for track by track."""
    file = Path(OUT_DIR, "features", "musicnn.parquet")
    left = pd.read_parquet(file).filter(regex="^penultimate") if file.exists() else pd.DataFrame()
    if set(tracks.index) <= set(left.index):
        return left.loc[tracks.index]
    sounds = (load_audio(path, sr=16000, max_seconds=experiment["MAX_SECONDS"]) for path in tqdm(tracks["path"]))
    return pd.DataFrame([listener(y, sr=16000).embedding for y in sounds], tracks.index)


# %% [markdown]
# Each description makes a recommender: the tracks nearest to a track are its list. To see what the embeddings are worth,
# three others compete. The network's **answers**: a common mistake, because a sure network gives all rock tracks nearly
# the same answer, so the list sorts by class, and within a class it is a lottery. **Timbre**: means and deviations of
# MFCC, without any learning. And **random** numbers.

# %%
summary = experiment.extract(features.extract_summary)
timbre = summary.filter(regex="^mfcc").reindex(tracks.index).dropna()
of_all = evaluate.track_proba(evaluate.predict(network, everything), everything.owner)
noise = np.random.default_rng(SEED).normal(size=(len(tracks), 16))
described = {
    "embedding": (E, "cosine"),
    "answers": (pd.DataFrame(of_all, tracks.index), "euclidean"),
    "timbre": ((timbre - timbre.mean()) / timbre.std(), "euclidean"),
    "random": (pd.DataFrame(noise, tracks.index), "cosine"),
}
if listener:
    described["musicnn"] = heard_by_musicnn(), "cosine"

# %% [markdown]
# ### One list to listen to
#
# Numbers cannot say whether a list is good. Listen: first the question, then its neighbours. Tracks of the same artist
# are left out, since it is no discovery that a band sounds like itself. We ask about **test tracks**, which the network has
# never met.

# %%
similar = {name: Recommender(table, tracks["group"], metric=metric) for name, (table, metric) in described.items()}
pause = np.zeros(experiment["SR"] // 2)


def neighbours(track_id, by, k):
    """The tracks nearest to one, to be read and heard."""
    found = similar[by].nearest(track_id, k=k).set_index("track_id")
    print(f"{track_id}: {tracks.loc[track_id, 'artist']}, {tracks.loc[track_id, 'title']}; by {by}")
    display(tracks.loc[found.index, ["label", "artist", "title"]].assign(distance=found["distance"].round(3)))
    heard = [load_audio(tracks.loc[t, "path"], sr=experiment["SR"], offset=None, max_seconds=3) for t in [track_id, *found.index]]
    display(Audio(np.concatenate([part for y in heard for part in (y, pause)]), rate=experiment["SR"]))


interactive.explore(neighbours, track_id=ids["test"], by=list(similar), k=range(NEIGHBOURS, 11))

# %%
question = ids["test"][0]
alike = {name: (T.loc[r.nearest(question, k=NEIGHBOURS)["track_id"]] & T.loc[question]).any(axis=1).sum()
         for name, r in similar.items() if question in r.places}  # fmt: skip
Markdown(f"Of {NEIGHBOURS} neighbours, so many have the class of *{question}*: " + ", ".join(f"{n} by {name}" for name, n in alike.items()) + ".")

# %% [markdown]
# ## How good are the lists?
#
# Three figures, each with its limits.
#
# - *Same class*: the share of a list that has a label of the question. It is a poor judge. The answers are made to win
#   it, and a list of the right genre may hold nothing that sounds alike.
# - *Same artist*: the share by the artist of the question, where that artist is allowed. It judges better, because nobody
#   told the network the bands. The **ceiling** is the best possible share, since an artist has only so many tracks. Chance
#   is the share in any list.
# - **Hubs** are tracks that stand in very many lists and please nobody. They come with descriptions of many numbers.
#   *Skewness* measures them: 0 where all tracks are recommended equally often, above 1 with a few hubs.

# %%
of = tracks.loc[timbre.index]
rows = np.flatnonzero(of.index.isin(ids["test"]))
in_test, in_all = of["group"].to_numpy()[rows], of["group"].to_numpy()
lists, judged, table = {}, {}, {}
for name, (values, metric) in described.items():
    lists[name] = Recommender(values.loc[of.index], of["group"], metric=metric).lists(k=NEIGHBOURS)
    anybody = Recommender(values.loc[of.index], metric=metric).lists(k=NEIGHBOURS)
    judged[name] = {"same class": precision(lists[name], T.loc[of.index], rows=rows, groups=of["group"]),
                    "same artist": precision(anybody, of["group"], rows=rows)}  # fmt: skip
    table[name] = hubness(lists[name], groups=in_all, seed=SEED)
    for by, found in judged[name].items():
        table[name] |= evaluate.mean_score(by, found["precision"], groups=in_test, seed=SEED)

# %%
table = pd.DataFrame(table).T
limits = pd.DataFrame({by: found.mean() for by, found in judged["random"].items()}).T[["ceiling", "chance"]]
fig, axes = plt.subplots(1, 3, figsize=(11, 1.7 + 0.32 * len(table)), sharey=True)
for ax, by in zip(axes, ("same class", "same artist", "skewness")):
    value, low, high = table[[by, f"{by}_low", f"{by}_high"]].to_numpy().T
    ax.errorbar(value, table.index, xerr=np.clip([value - low, high - value], 0, None), fmt="o", capsize=3)
    for limit, style in (("ceiling", "--"), ("chance", ":")) if by in limits.index else ():
        ax.axvline(limits.loc[by, limit], color="0.5", ls=style, label=limit)
    ax.set_xlabel(f"{by}, lists of {NEIGHBOURS}" if by in limits.index else "skewness (hubs)")
axes[0].invert_yaxis()
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
fig.suptitle(f"Lists for {len(rows)} test tracks, with 95 % intervals over artists", x=0.02, ha="left", fontsize=11)
plt.show()

# %%
def score(name, by):
    """A figure with its interval, in words."""
    return "{:.2f} [{:.2f}, {:.2f}]".format(*table.loc[name, [by, f"{by}_low", f"{by}_high"]])


most = of["group"].value_counts().loc[np.unique(in_test)].max()
Markdown(
    f"**Same class**: by the embedding {score('embedding', 'same class')}, by the answers {score('answers', 'same class')}, "
    f"by timbre {score('timbre', 'same class')}; ceiling {limits.loc['same class', 'ceiling']:.2f}, chance "
    f"{limits.loc['same class', 'chance']:.2f}. **Same artist**: {score('embedding', 'same artist')}, "
    f"{score('answers', 'same artist')} and {score('timbre', 'same artist')}. No test artist has more than {most} tracks, so "
    f"a list of {NEIGHBOURS} holds at most {min(most - 1, NEIGHBOURS)} of them: the ceiling is "
    f"{limits.loc['same artist', 'ceiling']:.2f}, chance {limits.loc['same artist', 'chance']:.2f}. **Hubs**: the track that "
    f"the embedding recommends most stands in {frequency(lists['embedding']).max()} of {len(of)} lists."
)

# %% [markdown]
# The intervals above are wide, because there are few test artists. But all recommenders answered the same questions, so
# compare them **in pairs**, question by question: what does another description change?

# %%
def change(name, by):
    """What another description changes against the embedding, with its interval over artists."""
    if by == "skewness":
        mine, its = frequency(lists["embedding"]), frequency(lists[name])
        return evaluate.interval(lambda w: skewness(its, w) - skewness(mine, w), in_all, seed=SEED)
    gain = judged[name][by]["precision"] - judged["embedding"][by]["precision"]
    return list(evaluate.mean_score(by, gain, groups=in_test, seed=SEED).values())


rivals = [name for name in table.index if name not in ("embedding", "random")]
pairs = pd.DataFrame(
    [(name, by, *change(name, by)) for name in rivals for by in ("same class", "same artist", "skewness")],
    columns=["instead of the embedding", "figure", "difference", "low", "high"],
)
pairs["clear"] = (pairs["low"] > 0) | (pairs["high"] < 0)
pairs.round(2)

# %%
clear = [f"by {row[1]}, *{row.figure}* is {'higher' if row.difference > 0 else 'lower'} by {abs(row.difference):.2f}"
         for row in pairs[pairs["clear"]].itertuples()]  # fmt: skip
Markdown(
    f"{len(clear)} of {len(pairs)} differences have an interval that leaves out 0{': ' * bool(clear)}{'; '.join(clear)}. "
    f"By chance alone, about {0.05 * len(pairs):.1f} would be expected to, so read a single one with care."
)

# %% [markdown]
# ## A map of the music
#
# **t-SNE** lays the descriptions on a plane so that neighbours stay neighbours. What is near is alike. What is far means
# little, and the directions mean nothing. Dots are training and validation tracks. The network has learned from most of
# them, so of course they stand in clean clusters. The stars are test tracks by artists that it has never met, and only they
# tell how well the clusters hold. (musicnn has learned from none of them.)

# %%
drawn = E.sample(min(len(E), 3000), random_state=SEED).index  # a plane has no room for more
maps = {"embedding": E} | ({"musicnn": described["musicnn"][0]} if listener else {})
tsne = TSNE(perplexity=min(12, len(drawn) - 1), metric="cosine", random_state=SEED)
places = {who: tsne.fit_transform(values.loc[drawn].to_numpy()) for who, values in maps.items()}

# %% tags=["key-figure"]
fig, axes = plt.subplots(1, len(places), figsize=(10, 6), squeeze=False)
tested = drawn.isin(ids["test"])
for ax, (who, at) in zip(axes.flat, places.items()):
    for k, label in enumerate(dataset.classes):
        of_class = (main[drawn] == k).to_numpy()
        ax.scatter(*at[of_class & ~tested].T, s=16, color=f"C{k % 10}", alpha=0.5)
        ax.scatter(*at[of_class & tested].T, s=110, color=f"C{k % 10}", marker="*", edgecolor="k", lw=0.5, label=label)
    ax.set(xticks=[], yticks=[], title=f"{'musicnn' if who == 'musicnn' else stem}")
fig.legend(*axes[0, 0].get_legend_handles_labels(), fontsize=12, ncols=5, loc="outside lower center", handletextpad=0.1)
fig.suptitle(f"{len(drawn)} tracks of {DATASET}; stars: test tracks", fontsize=11)
plt.show()

# %%
def at_home(who, ask):
    """How many of these tracks lie nearest to a dot of their class, by another artist."""
    near = Recommender(pd.DataFrame(places[who], drawn), tracks["group"], metric="euclidean")
    first = near.lists(k=1)[:, 0]
    return int((main[drawn].to_numpy()[first] == main[drawn].to_numpy())[ask].sum())


homes = {who: f"{at_home(who, tested)} of {tested.sum()} stars and {at_home(who, ~tested)} of {(~tested).sum()} dots" for who in places}
Markdown("On the map, the nearest track by another artist has the same class for " + "; ".join(
    f"{of_them} ({who})" for who, of_them in homes.items()) + ".")  # fmt: skip

# %% [markdown]
# The next map begins with the last of these, in the same colours; test tracks are dots here, too. Rest the mouse on a point
# to read its name.

# %%
named_by = tracks.loc[drawn].assign(label=np.array(dataset.classes)[main[drawn]])
titles = named_by["artist"] + ": " + named_by["title"] + " (" + named_by["label"] + ")"
interactive.explore(
    lambda who, colour: display(HTML(interactive.hover_map(places[who], named_by[colour].astype(str), titles))),
    who=list(places)[::-1], colour=[column for column in ("label", "artist", "album") if named_by[column].nunique() > 1],
)  # fmt: skip

# %% [markdown]
# ## Your own song
#
# To find neighbours for a song from elsewhere, a recommender needs its collection: one row a track. Written to a table,
# it serves outside of this notebook, too.

# %%
collection = Path(f"{OUT_DIR}/tables/{RUN_NAME}-collection.parquet")
collection.parent.mkdir(parents=True, exist_ok=True)
E.to_parquet(collection)
folder = Path(OUT_DIR, "models", DATASET)
copy = folder / f"11_test_set_analysis-{card['model']}.keras"  # the same network with its temperature
fits = copy.exists() and training.read_card(copy)["metrics"] == card["metrics"]
ask = Classifier(copy if fits else folder / f"{stem}.keras")
print(f"{ask.path}, {'calibrated by notebook 11' if fits else 'not calibrated: run notebook 11'}; {collection}")

# %% [markdown]
# From here on, forget the notebook: `Classifier` knows nothing but that file. Give it any song: set `SONG` in the cell of
# parameters, run that cell, then those below. The song is brought to the right rate, cut into clips, and answered clip by
# clip. The shell command that does it for a whole folder, and names neighbours, is
#
# ```
# python -m helpers.classify MODEL.keras my_music --collection COLLECTION.parquet --csv answers.csv
# ```

# %%
song = SONG or tracks.loc[question, "path"]
answer, heard = ask(song), listener(song) if listener else None
answer.overall.head(4).round(2).to_frame()

# %%
strongest = answer.over_time[answer.overall.index[:4]]
fig, ax = plt.subplots(figsize=(9, 3))
strongest.plot(ax=ax, marker="o", ms=4)
ax.set(xlabel="start of the clip (s)", ylabel="probability", ylim=(0, 1.02), title=f"{Path(song).name}, clip by clip")
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %%
kind = "your song" if SONG else f"*{question}*, an example from the test tracks"
n_named = answer.over_time.idxmax(axis=1).nunique()
tags = ", ".join(f"{tag} {p:.2f}" for tag, p in heard.overall.head(6).items()) if listener else "nothing: it is missing"
Markdown(
    f"Of {kind}, the network says {answer.overall.index[0]} ({answer.overall.iloc[0]:.2f}). Its {len(answer.over_time)} clips "
    f"name {n_named} class{'es' * (n_named > 1)}. musicnn says: {tags}."
    + " The whole song gets the mean of its clips, corrected by the temperature of notebook 11. The curves are not corrected, "
    "so it can lie above all of them." * bool(fits)
)

# %% [markdown]
# A probability holds for music like that of the validation tracks, and your song is most likely *not* like it. The network
# has never heard of any class but those it was taught, and must choose among them. musicnn, too, knows no words
# but its 50 tags, though it may say little to all of them. Now the neighbours. Of your song we do not know the artist, so
# nobody is left out, and the example finds its own artist, too.

# %%
near = {stem: (E, answer.embedding)} | ({"musicnn": (described["musicnn"][0], heard.embedding)} if listener else {})
for who, (values, embedding) in near.items():
    found = Recommender(values.drop(index=[] if SONG else question)).nearest(embedding, k=NEIGHBOURS).set_index("track_id")
    print(f"nearest to {Path(song).name}, as {who} hears it:")
    display(tracks.loc[found.index, ["label", "artist", "title"]].assign(distance=found["distance"].round(3)))

# %% [markdown]
# And to listen: click on the picture, and the song goes on from there.

# %% tags=["real-sound"]
HTML(interactive.framed(pages.song_page(listener or ask, song)))

# %% [markdown]
# The shell makes the same page with `make listen SONG=song.mp3`. Of a whole folder, `make listen SONG=my_music
# PAGE=library.html` makes a map to click on, with a search and playlists.
#
# The next button records ten seconds from the microphone of your browser, and musicnn answers, or the network where
# musicnn is missing. The sound goes to the kernel of this notebook and nowhere else.

# %%
Recorder(lambda y, sr: (listener or ask)(y, sr=sr).overall.head(3).round(2).to_string())

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- {stem} describes a track by {E.shape[1]} numbers. Of {NEIGHBOURS} neighbours by other artists, "
    f"{table.loc['embedding', 'same class']:.0%} had the class of the question, by its answers "
    f"{table.loc['answers', 'same class']:.0%}, by chance {limits.loc['same class', 'chance']:.0%}.\n"
    f"- For the same artist the embedding reaches {table.loc['embedding', 'same artist']:.2f} of a possible "
    f"{limits.loc['same artist', 'ceiling']:.2f}. {len(clear)} of {len(pairs)} paired differences leave out 0.\n"
    f"- On its map {homes['embedding']} lie nearest to their own class. It answers any file from `{ask.path.name}` alone."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. A recommender puts 95 % of each list into the class of the question. Is it good?</summary>
#
# It sorts by class, and any classifier can do that. Whether the tracks of a list sound alike, this figure does not say.
# Measure something that the network was not taught, such as the artist, and listen.
#
# </details>
#
# <details><summary>2. Same artist: 0.30, ceiling 0.40. Is that bad?</summary>
#
# No: three quarters of what can be reached. Without its ceiling, a precision cannot be judged, nor without
# chance.
#
# </details>
#
# <details><summary>3. On the map, jazz lies far from metal and near blues. May you write that down?</summary>
#
# The nearness, with care: t-SNE keeps neighbours. Not the distance: what is far apart would lie elsewhere with another
# seed.
#
# </details>
#
# ## Exercises
#
# ### 1. Two descriptions in one
#
# Lay the embedding and timbre side by side as one description. Is the pair better than each alone? *Hint: scale both
# first, so that one does not drown the other; `pd.concat(..., axis=1)`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. Longer lists
#
# How do precision, ceiling and chance for the same artist change with lists of 1 to 10 tracks? Which length would you
# choose to compare recommenders by? *Hint: `Recommender(...).lists(k=k)`, then `precision`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Against hubs
#
# A hub is near to everybody. Divide the distance of two tracks by how far their own neighbours usually are (**local
# scaling**), and make the lists anew. Do skewness and precision change? *Hint: `sklearn.metrics.pairwise_distances`; the
# scale of a track is its distance to the tenth neighbour.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 14 takes a trained network to a discography, and follows a band through its years.
#
# **References.** P. Knees, M. Schedl, *Music similarity and retrieval*, 2016. M. Radovanović et al., *Hubs in space*, JMLR
# 2010. D. Schnitzer et al., *Local and global scaling reduce hubs in space*, JMLR 2012. J. Pons, X. Serra, *musicnn*,
# ISMIR late-breaking, 2019. L. van der Maaten, G. Hinton, *Visualizing data using t-SNE*, JMLR 2008.
