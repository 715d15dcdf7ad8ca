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
# # A discography through the years: the Beatles' chords, an invented band's sound
#
# *reading 9 minutes · computing 1 minute · needs nothing: it renders the band and, if there is none, trains a network; online, it fetches the Beatles' chords · writes `tables/`*
#
# Seven years, twelve albums: did the harmony of the Beatles change, or do we hear what we expect to hear? Their
# **chords** are public, because people have written them down. Their **recordings** are not. So for the sound, this
# page follows an invented band whose style drifts in a way that we know, and asks how much of it a network finds. With
# records of your own, it follows a real band instead.
#
# **You will learn**
#
# - how to read chords and keys from annotations, and how to put the harmony of a song into figures;
# - how to test for a change over the years: whole albums, shuffled years, and a correction for several tests;
# - how to take a trained network to music that it was not made for, and what its answers are worth there.
#
# **Before you start**: notebook 11 leaves a calibrated network; any other of the series serves as well. Notebook 13 explains
# how a network's description of a song finds similar songs.

# %% [markdown]
# ## Setup
#
# This cell finds the series on your disk. In Colab it fetches it first.

# %% tags=["setup"]

# %% tags=["imports"]
from pathlib import Path
from textwrap import shorten

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Audio, Markdown, display
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from helpers import datasets, download, drift, evaluate, interactive, recommend, symbolic
from helpers.audio import AudioError, load_audio
from helpers.classify import Classifier
from helpers.experiment import run_first

plt.style.use("helpers/series.mplstyle")

# %% tags=["parameters"]
DATASET: str = "demo"  # name of the dataset, see data/README.md
DATA_DIR: str = "data"  # folder that holds the datasets
OUT_DIR: str = "runs/demo"  # folder for features, split, models, metrics
RUN_NAME: str = "14_beatles_exploration"  # name of this step in the leaderboard
DISCOGRAPHY_DIR: str = ""  # folder of albums, each a folder with its year in the name; empty renders a band
ANNOTATIONS_DIR: str = ""  # folder that holds chords and keys; empty fetches those of the Beatles
NETWORK_FILE: str = ""  # the network that listens; empty takes one of OUT_DIR that learned from DATASET
SHUFFLES: int = 2000  # how often the years are shuffled in a test
NEIGHBOURS: int = 5  # length of a list of similar tracks
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The music
#
# The **Isophonics** annotations name each chord of each song on the twelve albums, with its start and end. The archive
# is small, and its checksum makes sure that you read what others have read. They were written down by ear, and two
# experts will not always write the same chord. So what follows is a study of these annotations, and of the songs only
# as far as they are right.

# %%
BEATLES = download.Remote(
    "isophonics/beatles.tar.gz",
    ("https://isophonics.net/files/annotations/The%20Beatles%20Annotations.tar.gz",),
    "md5:62425c552d37c6bb655a78e4603828cc",  # as the library mirdata states it
)


def beatles_chords():
    """Folder of the annotations, fetched once."""
    folder = Path(DATA_DIR, "isophonics", "beatles")
    return folder if folder.exists() else download.unpack(download.download(BEATLES, DATA_DIR), folder)


def band_chords():
    """Folder of the invented band's annotations."""
    return Path(datasets.load("demo_band", DATA_DIR).tracks["path"].iloc[0]).parents[1] / "annotations"


# %% [markdown]
# Offline, or where the archive has moved, the invented band's chords take their place.

# %%
if ANNOTATIONS_DIR:
    folder, whose, missing = ANNOTATIONS_DIR, Path(ANNOTATIONS_DIR).name, ""
else:
    try:
        folder, whose, missing = beatles_chords(), "the Beatles", ""
    except datasets.DatasetError:
        folder, whose = band_chords(), "the invented band"
        missing = "The chords of the Beatles could not be fetched here, so the first half follows the invented band, too. "

# %% [markdown]
# The sound comes from albums as folders, such as `1969 - Abbey Road/07 - Here Comes the Sun.flac`. Name yours in
# `DISCOGRAPHY_DIR`, or leave it empty for the invented band.

# %%
invented = not DISCOGRAPHY_DIR
place = {} if invented else {"folder": str(Path(DISCOGRAPHY_DIR).expanduser().resolve())}
songs = datasets.load("demo_band" if invented else "discography", DATA_DIR, **place).tracks.set_index("track_id")
band = "the invented band" if invented else Path(DISCOGRAPHY_DIR).name
scores = symbolic.find_annotations(folder)
Markdown(
    f"{missing}Chords: {len(scores)} songs on {scores['album'].nunique()} albums by {whose}. Sound: {len(songs)} songs "
    f"on {songs['album'].nunique()} albums by {band}{', all of it synthetic' if invented else ''}."
)

# %% [markdown]
# ## Harmony
#
# A chord is written in **Harte's syntax**: a root, a colon, a kind. `A:min` is A minor, `G` alone is G major, `C:7` has
# a fourth note, `N` is no chord. Run this cell to see how the first song begins:

# %% tags=["real-data"]
print(scores["title"].iloc[0])
symbolic.read_lab(scores["chords"].iloc[0]).head(6)

# %% [markdown]
# Six figures describe the harmony of a song: how many different chords it has, how often they change, how much of the
# time is filled by minor chords, by chords of four notes or more, and by chords that have a note outside the key; and
# how often the key changes. Shares count time and not chords, so a chord that is held long counts for more. Minor keys
# include the raised seventh, which their dominant chord needs. Where no key is annotated, nothing can lie outside it,
# and that figure stays empty.

# %%
SHOWN = {"chords": "different chords", "changes_per_minute": "chord changes a minute",
         "minor_share": "minor chords (share)", "seventh_share": "four notes or more (share)",
         "outside_share": "outside the key (share)", "key_changes": "key changes"}  # fmt: skip


def harmony(scores):
    """Six figures a song, and why the songs without figures have none."""
    rows, problems = {}, {}
    for song in scores.itertuples():
        try:
            keys = symbolic.read_lab(song.keys) if song.keys else None
            rows[song.Index] = symbolic.describe_chords(symbolic.read_lab(song.chords), keys)
        except ValueError as problem:
            problems[song.title] = str(problem)
    return pd.DataFrame(rows).T.reindex(columns=list(SHOWN)).astype(float), problems


# %%
H, unreadable = harmony(scores)
print(f"{len(H)} songs were read; not readable: {unreadable or 'none'}")

# %% [markdown]
# The years are those of the releases, from *Please Please Me* to *Let It Be*. (Chords of your own get their years from
# the audio, if you have it; else the order of the albums stands for them.)

# %%
albums = songs.drop_duplicates("album").sort_values("year").set_index("album")["year"]
of_album, released = scores.loc[H.index, "album"], albums.dropna().to_dict()
if whose == "the Beatles":
    years = (1963, 1963, 1964, 1964, 1965, 1965, 1966, 1967, 1967, 1968, 1969, 1970)
    released = dict(zip(of_album.unique(), years))
when = symbolic.match(of_album.unique(), released).map(released).dropna().astype(float).sort_values(kind="stable")
if when.empty:
    when = pd.Series(np.arange(1.0, of_album.nunique() + 1), of_album.unique())

# %% [markdown]
# The mean of each album, with its interval from redrawn songs:

# %%
ends = {
    name: pd.DataFrame({album: evaluate.mean_score("mean", values, groups=values.index, seed=SEED)
                        for album, values in H[name].dropna().groupby(of_album)}, ["mean", "mean_low", "mean_high"])
    .T.reindex(when.index) for name in SHOWN
}  # fmt: skip

# %% tags=["key-figure"]
fig, axes = plt.subplots(2, 3, figsize=(12, 6.4), sharex=True, layout="constrained")
for ax, (name, label) in zip(axes.flat, SHOWN.items()):
    value, low, high = ends[name].to_numpy().T
    ax.errorbar(range(len(when)), value, [value - low, high - value], fmt="o-", capsize=3)
    ax.set(title=label, ylim=(0, None))
    ax.set_xticks(range(len(when)), [f"{shorten(album, 20, placeholder='…')}, {year:.0f}" for album, year in when.items()])
    ax.tick_params("x", rotation=90)
plt.show()

# %%
told = "outside_share" if ends["outside_share"]["mean"].notna().any() else "minor_share"
row = ends[told].dropna()
top = row["mean"].idxmax()
Markdown(
    f"A dot is the mean of an album, a bar its 95 % interval from redrawn songs. In the panel *{SHOWN[told]}*, "
    f"*{row.index[0]}* has {row['mean'].iloc[0]:.2f} and *{row.index[-1]}* {row['mean'].iloc[-1]:.2f}. *{top}* has the "
    f"most, {row['mean'].max():.2f} [{row.loc[top, 'mean_low']:.2f}, {row.loc[top, 'mean_high']:.2f}]."
)

# %% [markdown]
# ### Is there a trend?
#
# The eye sees trends everywhere. A **permutation test** asks how often chance does as well. Songs of one album are not
# independent: they were written in the same weeks. So the unit is the **album**. Take the **rank correlation** of the
# albums' means with their years: +1 if each later album has more, −1 if it has less. Then shuffle the years among the
# albums, again and again. **p** is the share of the orders drawn, counting the true one, whose correlation lies at
# least as far from 0.
#
# A p of 0.05 or less comes up in one of twenty bands that never changed. Whoever asks six questions has six chances to be
# fooled.
# **Holm's correction** pays for that: the smallest p is multiplied by six, the next by five, and so on. It holds for
# questions that hang together, too, as these do: who uses more chords is more likely to leave the key.


# %%
trends = pd.DataFrame(columns=["rank correlation", "p", "p after Holm"], dtype=float)
if len(when) > 3:
    means = H.groupby(of_album).mean().loc[when.index].dropna()
    for name, label in SHOWN.items():
        found = drift.trend(means[name], when[means.index], n_shuffles=SHUFFLES, seed=SEED)
        trends.loc[label, ["rank correlation", "p"]] = found.statistic, found.pvalue
    trends["p after Holm"] = evaluate.holm(trends["p"])
trends.round(3)

# %%
alone, kept = (trends.index[trends[column] < 0.05] for column in ("p", "p after Holm"))
harmony_says = "fewer than four albums have a year, so no trend in harmony can be tested"
if len(trends):
    strongest = trends["p"].idxmin()
    harmony_says = (
        f"{', '.join(kept)}: changed with the years, also after the correction" if len(kept) else
        f"taken alone, {', '.join(alone)} would pass for a trend; after the correction, no trend can be told from "
        "chance" if len(alone) else "no trend can be told from chance, even without the correction"
    ) + f" (smallest p {trends['p'].min():.3f} for {strongest}, {trends.loc[strongest, 'p after Holm']:.3f} after Holm)"  # fmt: skip
Markdown(f"For {whose}, {len(when)} albums: {harmony_says}. What cannot be told from chance may still be there.")

# %% [markdown]
# ## The sound of a band
#
# Now the ear. The network has learned other music, and must answer with the classes that it knows. Its answer is a
# description in borrowed words, not a finding about genre: what it calls *rock* is what resembles the rock in its
# training set. An old recording may resemble the class whose recordings have the least treble. With files of your own, the edition matters as well: a remaster changes the sound of every song.

# %%
models, patterns = Path(OUT_DIR, "models", DATASET), ("11_*.keras", "05_convpool-convconvpool.keras", "0[5-7]_*.keras")
if not NETWORK_FILE and not any(models.glob(patterns[-1])):
    run_first("05_convpool", globals())
ask = Classifier(NETWORK_FILE or [file for pattern in patterns for file in sorted(models.glob(pattern))][0])
print(f"{ask.card['made_by']} {ask.card['model']}, taught on {ask.card['dataset']['name']}: {', '.join(ask.classes)}")

# %%
heard, problems = {}, {}
for track_id, path in tqdm(songs["path"].items(), total=len(songs), unit="song"):
    try:
        heard[track_id] = ask(path)
    except AudioError as problem:
        problems[track_id] = problem.reason
print(f"{len(heard)} songs were heard; left out: {problems or 'none'}")

# %%
songs = songs.loc[list(heard)]
profile = pd.DataFrame({track_id: answer.overall for track_id, answer in heard.items()}).T[ask.classes]
E = pd.DataFrame({track_id: answer.embedding for track_id, answer in heard.items()}).T
albums = songs.drop_duplicates("album").sort_values("year").set_index("album")["year"]
means = profile.groupby(songs["album"]).mean().loc[albums.index]
means = means.loc[:, means.max().rank(ascending=False) <= 12]  # the strongest, where there are many

# %% tags=["key-figure"]
fig, ax = plt.subplots(figsize=(3 + 0.55 * means.shape[1], 1.4 + 0.35 * len(means)), layout="constrained")
image = ax.imshow(means, aspect="auto", vmin=0)
ax.set_yticks(range(len(means)), [album if np.isnan(year) else f"{year:.0f}  {album}" for album, year in albums.items()])
ax.set_xticks(range(means.shape[1]), means.columns, rotation=45, ha="right")
ax.set_title("What the network hears, album by album")
fig.colorbar(image, label="mean probability")
plt.show()

# %%
moves = (means.max() - means.min()).idxmax()
Markdown(
    f"Over all albums, the network says *{means.mean().idxmax()}* most. The column that moves most is *{moves}*: "
    f"{means[moves].min():.2f} on *{means[moves].idxmin()}*, {means[moves].max():.2f} on *{means[moves].idxmax()}*."
)

# %% [markdown]
# ### Songs that sound alike
#
# The numbers that enter the last layer hold more of a song than the answer does: its **embedding**. Choose a song,
# and hear it with the two nearest ones, five seconds each.

# %%
finder = recommend.Recommender(E)
titles = songs["title"] + " (" + songs["album"] + ")"


def alike(track_id, k):
    """The songs nearest to one, listed and heard."""
    near = finder.nearest(track_id, k=k)["track_id"]
    print(f"nearest to {titles[track_id]}: {'; '.join(titles[near])}")
    sounds = [load_audio(songs.loc[t, "path"], sr=22050, offset=None, max_seconds=5) for t in [track_id, *near[:2]]]
    display(Audio(np.concatenate(sounds), rate=22050))


# %%
interactive.explore(alike, track_id=list(songs.index), k=range(NEIGHBOURS, 11))

# %% [markdown]
# ## Does the sound change with the years?
#
# Two questions, two tests, so Holm's correction again. The album is the unit again, too.
#
# **A drift**: are albums of near years near in sound? Take all pairs of albums and correlate their distance in sound
# with their distance in years. For chance, shuffle the years among the albums (a **Mantel test**).
#
# **A break**: does the sound change abruptly? Even a steady drift has a best place to cut it in two. So fit a straight line
# over the years, then a line *with a step* after each album that leaves two or more on either side: where does the step
# explain most of what the line leaves over? For chance, shuffle what the line leaves over; the drift stays.

# %%
dated = albums.dropna()
enough = len(dated) > 4
if enough:
    style = drift.by_album(E, songs["album"]).loc[dated.index]
    together = drift.mantel(style, dated, n_shuffles=SHUFFLES, seed=SEED)
    broken = drift.step(style, dated, n_shuffles=SHUFFLES, seed=SEED)
    explained = drift.steps(style.to_numpy(), dated.to_numpy())
    after = dated.index[dated == explained.idxmax()][-1]
else:
    print("Fewer than five albums have a year and sound: nothing is tested here.")

# %% tags=["key-figure"]
if enough:
    years = [f"{year:.0f}" for year in dated]
    fig, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    image = axes[0].imshow(np.linalg.norm(style.to_numpy()[:, None] - style.to_numpy()[None], axis=2))
    axes[0].set_xticks(range(len(dated)), years, rotation=60)
    axes[0].set_yticks(range(len(dated)), years)
    axes[0].set(title="distance between albums", xlabel="year", ylabel="year")
    fig.colorbar(image, label="distance")
    axes[1].hist(together.null_distribution, 40, color="0.7", label="shuffled years")
    axes[1].axvline(together.statistic, color="C1", label="true years")
    axes[1].set(xlabel="rank correlation of the distances", ylabel="shuffles", title="a drift?")
    axes[2].plot(explained.index + 0.5, explained, "o-", label="step")
    axes[2].axhline(np.percentile(broken.null_distribution, 95), color="0.5", ls=":", label="95 % of the shuffles stay below")
    axes[2].set(xlabel="year of the step", ylabel="share of the rest that a step explains", ylim=(0, None), title="a break?")
    axes[2].xaxis.get_major_locator().set_params(integer=True, nbins=6)
    fig.legend(loc="outside lower right", ncols=4, fontsize=8)
    plt.show()

# %%
sound_says, truth = "with fewer than five dated albums, no change of sound was tested", ""
if enough and invented:
    true_after = dated.index[~songs.groupby("album")["after_break"].any()[dated.index].astype(bool)][-1]
    truth = (f" The composer knows: the drift is there, and the step comes after *{true_after}*, "
             f"{'which is that place' if true_after == after else 'which is another place'}.")  # fmt: skip
if enough:
    drifts, breaks = evaluate.holm(pd.Series([together.pvalue, broken.pvalue]))
    sound_says = (
        f"distances in sound and in years go together with {together.statistic:.2f} (p = {drifts:.4f} after Holm): "
        f"{'the sound changes with the years' if drifts < 0.05 else 'no change can be told from chance'}; the best place for a break is after "
        f"*{after}* (p = {breaks:.4f} after Holm): "
        f"{'a break beyond the drift' if breaks < 0.05 else 'no break can be told from chance'}"
    )
Markdown(f"For {len(dated)} albums, {sound_says}.{truth}")

# %% [markdown]
# With so few albums, such a test sees only large breaks: "cannot be told from chance" is not "there is none". And a
# result of the test is a statement about the network's description. What it cannot hear, such as the words, may have
# changed as it likes. Read the two tests together: a single break, too, makes albums further apart the more years lie
# between them.
#
# ### Is the year in the sound?
#
# Hide one album, learn the year from the songs of the others, and guess the year of each hidden song. Whole albums are
# hidden, because a song of a known album gives its year away by the studio alone. The rival hears nothing: it always
# says the middle year of the albums that are not hidden. Guesses are drawn towards the middle, as those of every
# cautious regression are. The first and the last album are hardest: nothing beyond them was there to learn from. And where
# two periods sound unlike each other, a hidden album gets about the mean year of the *other* albums of its period: too late
# for the first of them, too early for the last. So the guesses may fall within a period although the years rise.

# %%
if enough:
    known = songs.index[songs["year"].notna()]
    year, album_of = songs.loc[known, "year"], songs.loc[known, "album"]
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 5, 11)))
    hidden = cross_val_predict(model, E.loc[known], year, groups=album_of, cv=LeaveOneGroupOut())
    guess = pd.Series(hidden, known)
    middle = album_of.map(lambda album: year[album_of != album].median())
    error, baseline = (guess - year).abs(), (middle - year).abs()

# %%
if enough:
    fig, ax = plt.subplots(figsize=(8, 3.6), layout="constrained")
    jitter = np.random.default_rng(SEED).uniform(-0.15, 0.15, len(known))
    ax.plot(year + jitter, guess, "o", alpha=0.5, label="song")
    ax.plot(dated, guess.groupby(album_of).mean()[dated.index], "k_", ms=22, mew=2, label="mean of the album")
    ax.plot([dated.min(), dated.max()], [dated.min(), dated.max()], color="0.6", ls=":", label="right")
    ax.set(xlabel="year", ylabel="year guessed from the sound", title="Each album was hidden in turn")
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()

# %%
year_says = "no year was guessed"
if enough:
    gain = evaluate.mean_score("gain", baseline - error, groups=album_of.to_numpy(), seed=SEED)
    better = "better than" if gain["gain_low"] > 0 else "worse than" if gain["gain_high"] < 0 else "no clear gain over"
    year_says = (f"the guesses miss by {error.mean():.1f} years, the middle year by {baseline.mean():.1f}: {better} the "
                 f"rival (gain {gain['gain']:.1f} [{gain['gain_low']:.1f}, {gain['gain_high']:.1f}] years, "
                 f"n = {len(known)} songs)")  # fmt: skip
Markdown(f"On average, {year_says}.")

# %% [markdown]
# ## Harmony beside timbre
#
# Two halves of a style, measured in two ways: sound by a network, as the year that it guesses; chords from their
# annotations. Do they go together?
# Songs are matched by name; case, accents and brackets do not count, and what finds no partner is left out. Two things
# that both drift with the years go together over all songs, even if they have nothing to do with each other in a single
# song. So the correlation is taken twice: over all songs, and within the albums.

# %%
both = pd.DataFrame(columns=["sound", "outside", "album"])
if enough and (invented or ANNOTATIONS_DIR):
    theirs = symbolic.find_annotations(band_chords() if invented else ANNOTATIONS_DIR)
    partner = symbolic.match_songs(songs.loc[known], theirs)
    outside = harmony(theirs)[0]["outside_share"].reindex(partner).to_numpy()
    both = pd.DataFrame({"sound": guess, "outside": outside, "album": album_of}).dropna()
pair = both[["sound", "outside"]].astype(float)
inside = pair - pair.groupby(both["album"]).transform("mean")
r_all, r_inside = (spearmanr(*table.to_numpy().T).statistic if len(both) > 5 else np.nan for table in (pair, inside))
Markdown(
    f"{len(both)} songs of {band} have a guessed year and a share of time outside the key. Over all of them, the two "
    f"go together with a rank correlation of {r_all:.2f}, within an album with {r_inside:.2f}. What is left within the albums "
    "is what the years do not explain; no test is made of it here." if len(both) > 5 else
    "Too few songs have both: sound with a year, and chords with a key."
)  # fmt: skip

# %% [markdown]
# ## Results
#
# Two tables, one row a song, for your own questions.

# %%
tables = {"songs": songs[["artist", "album", "title", "year"]].join(profile), "harmony": scores[["album", "title"]].join(H)}
Path(OUT_DIR, "tables").mkdir(parents=True, exist_ok=True)
for kind, table in tables.items():
    table.to_csv(f"{OUT_DIR}/tables/{RUN_NAME}-{kind}.csv")
    print(f"{OUT_DIR}/tables/{RUN_NAME}-{kind}.csv", table.shape)

# %% [markdown]
# ## What we learned

# %%
Markdown(
    f"- The chords of {len(H)} songs by {whose} became six figures each.\n"
    f"- Harmony: {harmony_says}. Sound of {band}: {sound_says}.\n"
    f"- {ask.card['model']}, taught on {ask.card['dataset']['name']}, gave *{means.mean().idxmax()}* the highest mean "
    f"probability, {means.mean().max():.2f}: a word that it has from other music. From its description, {year_says}."
)

# %% [markdown]
# ## Three questions
#
# Think first, then click.
#
# <details><summary>1. Why not shuffle the years among the songs? There are many more of them.</summary>
#
# Songs of one album share weeks, people and a studio. They differ from other albums' songs whatever the years are. With
# songs as the unit, the test takes this for a trend. Exercise 1 shows how far it goes.
#
# </details>
#
# <details><summary>2. *Let It Be* was recorded before *Abbey Road* and released after it. Which year is right?</summary>
#
# That depends on the question: recording for how the band wrote, release for what listeners met. Decide before you see
# the result. To try both and report the better one is one more chance to be fooled.
#
# </details>
#
# <details><summary>3. A network calls the last albums of a band *classical*. Did the band turn to classical music?</summary>
#
# Nobody knows from this alone. Of the classes that this network knows, these albums resemble that one most, perhaps only
# because there are strings, or because the drums are quiet.
#
# </details>

# %% [markdown]
# ## Exercises
#
# ### 1. The song as the unit
#
# Test the six trends with songs instead of albums. What happens to p, and why is that wrong? *Hint:
# `drift.trend(H[name], of_album.map(when), ...)`, where both are known.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 2. A break in the harmony
#
# Is there one album after which the harmony changes at once? *Hint: `drift.by_album(H, of_album)` has one row an album;
# then as for the sound.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ### 3. Tags through the years
#
# Let the tagger of notebook 15 listen, which knows instruments instead of genres. Which tags come and go with the
# years, after Holm's correction? *Hint: `Classifier(f"{OUT_DIR}/models/{DATASET}/15_multilabel_tagging-tagger.keras")`.*

# %% tags=["answer"]
# Your answer

# %% [markdown]
# ## Next
#
# Notebook 15 lets several labels be true at once, and follows them through a track.
#
# **References.** C. Harte et al., *Symbolic representation of musical chords*, ISMIR 2005 (chord syntax). M. Mauch et al.,
# *OMRAS2 metadata project*, ISMIR 2009 (Isophonics annotations). C. Raffel et al., *mir_eval*, ISMIR 2014. N. Mantel, *The
# detection of disease clustering and a generalized regression approach*, 1967. S. Holm, *A simple sequentially
# rejective multiple test procedure*, 1979. M. Mauch et al., *The evolution of popular music: USA 1960–2010*, 2015.
