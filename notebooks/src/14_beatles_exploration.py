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
# # A discography: exploring the Beatles
#
# *2 minutes · needs nothing: songs and annotations of your own if you have them; without a network, it makes one first · writes `tables/`*
#
# Eight years, twelve albums: how did the style of a band change, and when? An older project sent the Beatles through a
# genre network and drew a map, but found nothing about albums or years. This notebook asks questions that can be
# answered: does the sound drift over the years, is there a break, which songs stand apart, and does harmony go the same
# way as timbre? It runs on any discography. Without one, it follows an invented band whose drift is known, and shows how
# much of it can be recovered.
#
# **You will learn**
#
# - how to take a trained classifier to music that it was not made for, and what its answers are worth there;
# - how to test whether a style changes with the years, with songs that are not independent;
# - how to read chords and keys from annotations, and to set harmony beside timbre.
#
# **Before you start**: notebook 11 leaves a calibrated network; one of 05 to 07 serves as well.

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
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, Audio, Markdown, display
from scipy.stats import spearmanr
from sklearn.linear_model import RidgeCV
from sklearn.manifold import TSNE
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm.auto import tqdm

from helpers import datasets, drift, interactive, recommend, symbolic
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
ANNOTATIONS_DIR: str = ""  # folder that holds chords and keys; empty takes those of the rendered band
NETWORK_FILE: str = ""  # the network that listens; empty takes one of OUT_DIR that learned from DATASET
SHUFFLES: int = 2000  # how often the years are shuffled in a test
NEIGHBOURS: int = 5  # length of a list of similar tracks
SEED: int = 0  # seed of every random choice

# %% [markdown]
# ## The songs
#
# Albums are folders: `1969 - Abbey Road/07 - Here Comes the Sun.flac`. Years stand in the folder's name, or in a table
# `albums.csv` with the columns album and year. If `DISCOGRAPHY_DIR` is empty but `ANNOTATIONS_DIR` is not, there is no
# audio, and the notebook works on harmony alone.

# %%
dataset, invented = None, not (DISCOGRAPHY_DIR or ANNOTATIONS_DIR)
if invented:
    dataset = datasets.load("demo_band", DATA_DIR)
if DISCOGRAPHY_DIR:
    dataset = datasets.load("discography", DATA_DIR, folder=str(Path(DISCOGRAPHY_DIR).expanduser().resolve()))
print(dataset or "No audio: timbre is left out, and harmony follows below.")

# %%
annotations = ANNOTATIONS_DIR or (str(Path(dataset.tracks["path"].iloc[0]).parents[1] / "annotations") if invented else "")
songs = dataset.tracks.set_index("track_id") if dataset else pd.DataFrame(columns=["album", "title", "year", "artist"])
songs.groupby(["album"], sort=False).agg(year=("year", "first"), songs=("title", "size")).sort_values("year")

# %% [markdown]
# ## What does the network hear?
#
# The network was taught other music. It must name one of its classes, whatever it hears, so a profile is not a finding
# about genre: it says which of the things it knows a song resembles most. Here the classes come from the dataset named
# in its card.

# %%
def find_network():
    """The calibrated network of notebook 11, or the first of the others that reads log-mels."""
    if NETWORK_FILE:
        return Classifier(NETWORK_FILE)
    folder = Path(OUT_DIR) / "models" / DATASET
    patterns = ("11_*.keras", "05_convpool-convconvpool.keras", "0[5-7]_*.keras")
    if not any(file for pattern in patterns for file in folder.glob(pattern)):
        run_first("05_convpool", globals())
    return Classifier(next(file for pattern in patterns for file in sorted(folder.glob(pattern))))


ask = find_network() if dataset else None
if ask:
    print(f"{ask.card['made_by']} {ask.card['model']}, taught on {ask.card['dataset']['name']}: {', '.join(ask.classes)}")

# %%
heard, problems = {}, {}
for track_id, path in tqdm(songs["path"].items() if ask else [], total=len(songs), unit="song"):
    try:
        heard[track_id] = ask(path)
    except AudioError as problem:
        problems[track_id] = problem.reason
print(f"{len(heard)} songs were heard; left out: {problems or 'none'}")

# %%
songs = songs.loc[list(heard)] if ask else songs
profile = pd.DataFrame({track_id: answer.overall for track_id, answer in heard.items()}).T
E = pd.DataFrame({track_id: answer.embedding for track_id, answer in heard.items()}).T
albums = songs.drop_duplicates("album").sort_values("year").set_index("album")["year"]
if ask:
    profile = profile[ask.classes]
    means = profile.groupby(songs["album"]).mean().loc[albums.index]
    means = means.loc[:, means.max().rank(ascending=False) <= 12]  # the strongest, where there are many
    display(means.round(2))

# %% tags=["key-figure"]
if ask:
    fig, ax = plt.subplots(figsize=(2 + 0.7 * means.shape[1], 1.2 + 0.35 * len(means)))
    image = ax.imshow(means, aspect="auto", vmin=0)
    names = [album if np.isnan(year) else f"{year:.0f}  {album}" for album, year in albums.items()]
    ax.set_yticks(range(len(means)), names)
    ax.set_xticks(range(means.shape[1]), means.columns, rotation=45, ha="right")
    ax.set_title("mean probability of each class, by album")
    fig.colorbar(image)
    plt.show()

# %% [markdown]
# Read columns downwards: a class that fades in or out is a change of sound that the network has a word for. A column
# that is bright all the way says more about the network than about the band. And read with care: what is near to "rock"
# for this network is what was near to it in its training set. An old recording may look like the class with the dullest
# records, and a mono mix like the class with the narrowest ones. A profile is a description in borrowed words.
#
# Behind each row stand songs, and they need not agree. Choose an album.

# %%
def songs_of(album):
    """The profile of each song of an album."""
    rows = profile.loc[songs.index[songs["album"] == album], means.columns]
    fig, ax = plt.subplots(figsize=(2 + 0.7 * rows.shape[1], 1.2 + 0.3 * len(rows)))
    fig.colorbar(ax.imshow(rows, aspect="auto", vmin=0, vmax=1), label="probability")
    ax.set_yticks(range(len(rows)), songs.loc[rows.index, "title"])
    ax.set_xticks(range(rows.shape[1]), rows.columns, rotation=45, ha="right")
    ax.set_title(album)
    plt.show()


if ask:
    interactive.explore(songs_of, album=list(albums.index))

# %% [markdown]
# ## Songs that sound alike
#
# The older project listed, for each song, the songs with the nearest *answers*, by squared distance. Notebook 11 found
# out what that is worth. Here it stands beside the nearest *descriptions*, the numbers behind the answer. Choose a song.

# %%
lists = {}
if ask:
    lists["description"] = recommend.Recommender(E)
    lists["answers"] = recommend.Recommender(profile, metric="euclidean")


def alike(track_id, k):
    """The songs nearest to one, by description and by answers."""
    named = songs["title"] + " (" + songs["album"] + ")"
    found = {name: named[index.nearest(track_id, k=k)["track_id"]].to_numpy() for name, index in lists.items()}
    print(f"nearest to {named[track_id]}:")
    display(pd.DataFrame(found, range(1, k + 1)))
    near = [track_id, *lists["description"].nearest(track_id, k=2)["track_id"]]
    sounds = [load_audio(songs.loc[t, "path"], sr=22050, offset=None, max_seconds=5) for t in near]
    display(Audio(np.concatenate(sounds), rate=22050))


if ask:
    interactive.explore(alike, track_id=list(songs.index), k=range(NEIGHBOURS, 11))

# %% [markdown]
# Compare the two columns. Where the network is sure, many songs have nearly the same answer, and the order of the right
# column is decided by the third digit of a probability. The left column has more to go by.
#
# Does a list find the album of the question more often than chance? An album shares a studio, a year and a mood, so it
# should. Chance is the mean share of the other songs that are on the same album.

# %%
if ask:
    same = {name: recommend.precision(index.lists(k=NEIGHBOURS), songs["album"])["precision"].mean() for name, index in lists.items()}
    sizes = songs["album"].map(songs["album"].value_counts())
    same["chance"] = ((sizes - 1) / (len(songs) - 1)).mean()
    display(pd.Series(same, name=f"share of {NEIGHBOURS} nearest songs from the same album").round(2).to_frame())

# %% [markdown]
# ### Which songs stand apart?
#
# An **outlier** is far from its own album. Compare each song with the mean of the *other* songs of its album: a song must
# not pull the mean towards itself. The distance counts in standard deviations of a feature, over all songs. What makes
# a song stand apart may be an instrument that occurs once, a guest, a live recording, or a file that was ripped from
# another edition. Listen before you write about it.

# %%
if ask:
    far = drift.outliers(E, songs["album"])
    first = far.groupby(songs["album"]).idxmax().dropna()
    display(songs.loc[first, ["album", "title"]].assign(distance=far[first].round(2)).set_index("album").reindex(albums.index))

# %% [markdown]
# ### A map
#
# Neighbours on the map are neighbours in sound; long distances and directions mean nothing. The older project coloured
# its map by album, with one colour like any other, so that no order could show. Here colours go from the first album to
# the last. If dark and bright separate, the sound tells early from late; if they also follow each other in order, it
# changes bit by bit. Rest the mouse on a point of the second map to read the title.

# %%
if ask:
    places = TSNE(perplexity=min(8, len(E) - 1), metric="cosine", random_state=SEED).fit_transform(E)
    fig, ax = plt.subplots(figsize=(9, 5.5))
    for k, album in enumerate(albums.index):
        of_album = (songs["album"] == album).to_numpy()
        ax.scatter(*places[of_album].T, color=plt.cm.viridis(k / max(len(albums) - 1, 1)), s=40, label=album)
    ax.set(xticks=[], yticks=[], title=f"{len(songs)} songs of {len(albums)} albums, dark to bright by year")
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()

# %%
if ask:
    display(HTML(interactive.hover_map(places, songs["album"], songs["title"] + " (" + songs["album"] + ")")))

# %% [markdown]
# ## Does the style change with the years?
#
# A map shows what one hopes to see. A test asks: would it look like this if the years meant nothing?
#
# Songs of one album are not independent: same studio, same weeks, same engineer. Two albums differ in sound whatever
# their years. So the unit is the **album**. Take the distance in style between each two albums, and the distance in
# years. If style drifts, the two go together. To know how much of that chance would give, shuffle the years *among the
# albums*, many times (a Mantel test).

# %%
dated = albums.dropna()
enough = bool(ask) and len(dated) > 4
if enough:
    style = drift.by_album(E, songs["album"]).loc[dated.index]
    together = drift.mantel(style, dated, n_shuffles=SHUFFLES, seed=SEED)
    print(f"{len(dated)} albums with a year: style and years go together with {together.statistic:.2f}, p = {together.pvalue:.4f}")
else:
    print("Fewer than five albums have a year and audio: no test of a drift.")

# %% [markdown]
# **p** is the share of the shuffles, the true order among them, that do at least as well as the true order. A p of 0.05
# would come up in one of twenty bands that never changed.
#
# %% [markdown]
# ### Is there a break?
#
# A band may drift slowly, or change from one album to the next. A drift alone also has a best place to cut it in two. So
# fit a straight line over the years, then a line *with a step* after each album in turn: where does the step explain
# most of what the line leaves over? For chance, what the line leaves over is shuffled among the albums; the drift stays.

# %%
if enough:
    broken = drift.step(style, dated, n_shuffles=SHUFFLES, seed=SEED)
    explained = drift.steps(style.to_numpy(), dated.to_numpy())
    after = dated.index[dated == explained.idxmax()][-1]
    print(f"the best place for a break is after {after} ({explained.idxmax():.0f}), p = {broken.pvalue:.4f}")

# %% tags=["key-figure"]
if enough:
    fig, axes = plt.subplots(1, 3, figsize=(13, 3.6))
    axes[0].imshow(np.linalg.norm(style.to_numpy()[:, None] - style.to_numpy()[None], axis=2), origin="lower")
    axes[0].set_xticks(range(len(dated)), [f"{year:.0f}" for year in dated], rotation=60)
    axes[0].set_yticks(range(len(dated)), [f"{year:.0f}" for year in dated])
    axes[0].set_title("distance in style between albums")
    axes[1].hist(together.null_distribution, 40, color="0.7")
    axes[1].axvline(together.statistic, color="C1")
    axes[1].set(xlabel="style and years go together by", ylabel="shuffles", title="orange: the true order")
    axes[2].plot(explained.index + 0.5, explained, "o-")
    axes[2].axhline(np.percentile(broken.null_distribution, 95), color="0.5", ls=":")
    axes[2].xaxis.get_major_locator().set_params(integer=True, nbins=6)
    axes[2].set(xlabel="year", ylabel="explained by a step", ylim=(0, None), title="where a step fits (dotted: chance, 95 %)")
    plt.show()

# %% [markdown]
# Left: with a drift, cells grow brighter away from the diagonal; with a break, there are two dark blocks. In the middle:
# the orange line must stand clear of the grey hill. Right: a peak is a candidate for a break, and counts if it rises
# above the dotted line. With so few albums, this sees large breaks only, and "not found" is not "not there".
#
# ### How much of the years is in the sound?
#
# A last question to the ear of the network: hide one album, learn the year from the others, and guess the year of each
# hidden song. Whole albums are hidden, because a song of a known album gives its year away by the studio alone. The
# competitor needs no ear: it always says the middle year of the albums that are not hidden.

# %%
known = songs.index[songs["year"].notna()] if len(songs) else []
if enough:
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(0, 5, 11)))
    album_of = songs.loc[known, "album"]
    guess = pd.Series(cross_val_predict(model, E.loc[known], songs.loc[known, "year"], groups=album_of,
                                        cv=LeaveOneGroupOut()), known)  # fmt: skip
    error = (guess - songs.loc[known, "year"]).abs().mean()

# %%
if enough:
    simple = album_of.map(lambda album: songs.loc[known, "year"][album_of != album].median())
    baseline = (simple - songs.loc[known, "year"]).abs().mean()
    print(f"mean error {error:.1f} years; always the middle year: {baseline:.1f} years")

# %%
if enough:
    fig, ax = plt.subplots(figsize=(8, 3.6))
    jitter = np.random.default_rng(SEED).uniform(-0.15, 0.15, len(known))
    ax.plot(songs.loc[known, "year"] + jitter, guess, "o", alpha=0.5, label="song")
    ax.plot(dated, guess.groupby(album_of).mean()[dated.index], "k_", ms=22, mew=2, label="mean of the album")
    ax.plot([dated.min(), dated.max()], [dated.min(), dated.max()], color="0.6", ls=":", label="right")
    ax.set(xlabel="year", ylabel="year guessed from the sound")
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    plt.show()

# %% [markdown]
# Guesses near the dotted line would mean that the sound tells the year. Guesses are drawn towards the middle, as those of
# every cautious regression are; so look at the order of the album means more than at their height. The first and the last
# album are the hardest, since nothing beyond them was there to learn from.
#
# For the invented band, the truth is known: a drift over all years, and one step between two albums. How much of it came
# back? (On a real discography there is nothing to compare with, and this cell says so.)

# %%
if invented:
    truth = songs.groupby("album")[["drift", "after_break"]].mean().loc[dated.index]
    true_after = truth.index[int((truth["after_break"] < 0.5).sum()) - 1]
    recovered = spearmanr(guess, songs.loc[known, "drift"]).statistic
    print(f"the guessed years follow the true drift with a rank correlation of {recovered:.2f}")
    print(f"the break was after {true_after}; found: after {after}")
else:
    print("This is no invented band: nobody knows the truth.")

# %% [markdown]
# ## Harmony
#
# Timbre is half of a style. Chords and keys are the other half, and ears have written them down: for the Beatles, the
# **Isophonics** annotations name each chord with its start and end. The invented band comes with the same kind of files.

# %%
has_chords = bool(annotations) and Path(annotations).is_dir()
scores = symbolic.find_annotations(annotations) if has_chords else pd.DataFrame(columns=["album", "title", "chords", "keys"])
print(f"{len(scores)} songs of {scores['album'].nunique()} albums have chords" if has_chords else
      "No annotations: set ANNOTATIONS_DIR to a folder with the folders chords and keys.")  # fmt: skip
if has_chords:
    print(Path(scores["chords"].iloc[0]).name)
    display(symbolic.read_lab(scores["chords"].iloc[0]).head(6))

# %% [markdown]
# Six figures describe the harmony of a song: how many different chords it has, how often they change, the share of time
# with minor chords, with chords of four notes and more, and with chords that have a note **outside of the key**; and how
# often the key changes.

# %%
figures, unreadable = {}, {}
for row in scores.itertuples():
    try:
        keys = symbolic.read_lab(row.keys) if row.keys else None
        figures[row.Index] = symbolic.describe_chords(symbolic.read_lab(row.chords), keys)
    except ValueError as problem:
        unreadable[row.title] = str(problem)
H = pd.DataFrame(figures).T.drop(columns="keys", errors="ignore").astype(float)
scores = scores.loc[H.index]
print(f"{len(H)} songs were read; not readable: {unreadable or 'none'}")
H.groupby(scores["album"], sort=False).mean().round(2) if len(H) else None

# %% [markdown]
# Songs are matched by name with those that have audio: first within the album of the same name, then anywhere. Case,
# accents, apostrophes and what stands in brackets do not count, and a slip of a letter is forgiven. What finds no
# partner is listed, not dropped in silence: a wrong pair does more harm than a missing one.

# %%
if len(H) and len(songs):
    partner = symbolic.match_songs(songs, scores)
    alone = scores.drop(index=partner.dropna().to_list())
    print(f"{partner.notna().sum()} of {len(songs)} songs with audio have chords.")
    print("audio without chords:", ", ".join(songs.loc[partner.isna(), "title"]) or "none")
    print("chords without audio:", ", ".join(alone["title"]) or "none")

# %% [markdown]
# The years of the albums come from the audio, or, without audio, from a table `songs.csv` beside the annotations (title
# and year), or from the order of the albums.

# %%
def years_of_albums():
    """Year of each annotated album."""
    if len(songs) and songs["year"].notna().any():
        found = symbolic.match(scores["album"].unique(), albums.dropna().index)
        return found.map(albums).dropna()
    table = Path(annotations) / "songs.csv"
    if not table.exists():
        return pd.Series(np.arange(1.0, scores["album"].nunique() + 1), scores["album"].unique())
    listed = pd.read_csv(table, encoding="latin-1").drop_duplicates("Title").set_index("Title")["Year"]
    year = symbolic.match(scores["title"], listed.index).map(listed).to_numpy()
    return pd.Series(year, scores["album"].to_numpy()).astype(float).groupby(level=0).median()


when = years_of_albums().sort_values(kind="stable") if len(H) else pd.Series(dtype=float)
of_album = scores["album"]
when.to_frame("year").T

# %% tags=["key-figure"]
shown = {"chords": "different chords", "changes_per_minute": "chord changes a minute", "minor_share": "minor chords (share)",
         "seventh_share": "four notes and more (share)", "outside_share": "outside of the key (share)",
         "key_changes": "key changes"}  # fmt: skip
rng = np.random.default_rng(SEED)
if len(H):
    fig, axes = plt.subplots(2, 3, figsize=(13, 5.4), sharex=True)
    for ax, (name, label) in zip(axes.flat, shown.items()):
        of = {album: H.loc[of_album == album, name].dropna().to_numpy() for album in when.index}
        draws = {album: rng.choice(v, (1000, len(v))).mean(axis=1) if len(v) else [np.nan] for album, v in of.items()}
        low, high = np.array([np.percentile(d, [2.5, 97.5]) for d in draws.values()]).T
        value = np.array([v.mean() if len(v) else np.nan for v in of.values()])
        ax.errorbar(range(len(when)), value, [value - low, high - value], fmt="o-", capsize=3)
        ax.set(title=label, ylim=(0, None))
        ax.set_xticks(range(len(when)), [f"{year:.0f}" for year in when], rotation=60)
    plt.show()

# %% [markdown]
# Dots are means of albums, bars redraw the songs of an album. They say how well the album's mean is known, not whether
# the years matter: for that, shuffle the years among the albums, as before. Where a figure never changes, there is
# nothing to test. Six tests at once find one false trend in every three or four collections, so look at the p values
# together: a single one a little below 0.05 is nothing to write about, one below 0.008 (a sixth of 0.05) is.

# %%
if len(when) > 3:
    of_albums = H[list(shown)].groupby(of_album).mean().loc[when.index].dropna()
    tested = {label: drift.trend(of_albums[name], when[of_albums.index], n_shuffles=SHUFFLES, seed=SEED)
              for name, label in shown.items()}  # fmt: skip
    trends = pd.DataFrame({label: {"with the years": found.statistic, "p": found.pvalue} for label, found in tested.items()}).T
    display(trends.round(4))

# %% [markdown]
# ### Harmony beside timbre
#
# Two halves of a style, measured in ways that share nothing: one by a network from sound, one by people who wrote down
# chords. Do they go together? Take, for each song with both, the year that its *sound* suggests and its
# share of time outside of the key. The correlation is taken within a year, too: two things that both drift with the
# years go together over all songs, even if they have nothing to do with each other in a single song.

# %%
both = pd.DataFrame()
if len(H) and enough:
    both = pd.DataFrame({"sound": guess, "partner": partner[known], "year": songs.loc[known, "year"]}).dropna()
    both["outside"] = H["outside_share"].reindex(both["partner"]).to_numpy()
    both = both.dropna()
if len(both) > 5:
    inside = both[["sound", "outside"]] - both.groupby("year")[["sound", "outside"]].transform("mean")
    over_all = spearmanr(both["sound"], both["outside"]).statistic
    print(f"{len(both)} songs: over all years {over_all:.2f}, within a year {spearmanr(*inside.to_numpy().T).statistic:.2f}")
else:
    print("Too few songs have both audio with a year and chords with a key.")

# %%
if invented:
    mine = H["outside_share"].reindex(partner.dropna())
    print(f"share outside of the key, ours against the composer's: rank correlation "
          f"{spearmanr(mine, songs.loc[partner.notna(), 'outside_share']).statistic:.2f}")  # fmt: skip

# %% [markdown]
# ## Results
#
# One table a song, for your own questions: album, year, probabilities, distance from the album, and harmony.

# %%
table = songs[["artist", "album", "title", "year"]].join(profile) if ask else scores[["album", "title"]].join(H)
folder = Path(OUT_DIR) / "tables"
folder.mkdir(parents=True, exist_ok=True)
table.to_csv(folder / f"{RUN_NAME}-songs.csv")
print(folder / f"{RUN_NAME}-songs.csv", table.shape)

# %% [markdown]
# ## What we learned

# %%
lines = []
if ask:
    lines.append(f"- {ask.card['model']}, taught on {ask.card['dataset']['name']}, listened to {len(songs)} songs of {len(albums)} "
                 f"albums; of the {NEIGHBOURS} nearest songs, {same['description']:.0%} were from the same album by description, "
                 f"{same['answers']:.0%} by answers, {same['chance']:.0%} by chance.")  # fmt: skip
else:
    lines.append("- No audio was given, so no network listened.")
if enough:
    lines.append(f"- Style and years went together with {together.statistic:.2f} (p = {together.pvalue:.4f}, {len(dated)} albums); the best "
                 f"place for a break, beyond the drift, was after {after} (p = {broken.pvalue:.4f})."
                 + (f" In truth it was after {true_after}; the drift came back with {recovered:.2f}." if invented else ""))  # fmt: skip
else:
    lines.append("- With fewer than five dated albums with audio, no change over the years was tested.")
if len(when) > 3:
    strongest = trends["p"].idxmin()
    lines.append(f"- Chords of {len(H)} songs were read. The clearest trend of six: {strongest}, rank correlation with the years "
                 f"{trends.loc[strongest, 'with the years']:.2f}, p = {trends.loc[strongest, 'p']:.4f}.")  # fmt: skip
else:
    lines.append("- There were no annotations of four albums or more, so no trend in harmony was tested.")
Markdown("\n".join(lines))

# %% [markdown]
# ## Exercises
#
# 1. Set `ANNOTATIONS_DIR` to the Isophonics annotations of the Beatles. Which trend is clearest? *Hint: no audio is needed.*
# 2. Test the drift with songs instead of albums as the unit. How small does p become, and why is that wrong?
# 3. Use the tagger of notebook 07 as `NETWORK_FILE`. Which tags come and go with the years? *Hint: `profile`.*
#
# ## Next
#
# Notebook 15 lets several labels be true at once, and follows them through a track.
#
# **References.** C. Harte et al., *Symbolic representation of musical chords*, ISMIR 2005 (chord syntax). M. Mauch et al.,
# *OMRAS2 metadata project*, ISMIR 2009 (Isophonics annotations). C. Raffel et al., *mir_eval*, ISMIR 2014. N. Mantel, *The
# detection of disease clustering and a generalized regression approach*, 1967. M. Mauch et al., *The evolution of
# popular music: USA 1960–2010*, 2015.
