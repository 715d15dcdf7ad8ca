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
# ## 1. The song as the unit
#
# Each song gets the year of its album, and the years are shuffled among the songs. With so many units, p becomes far
# smaller wherever albums differ. The test is wrong because it takes songs for independent: shuffled songs lose their
# album, and an album has a style of its own whatever its year. What the small p shows is that albums differ, not that
# they change with the years.

# %%
year_of_song = of_album.map(when)
rows = {}
for name, label in SHOWN.items():
    pair = pd.DataFrame({"figure": H[name], "year": year_of_song}).dropna()
    if len(pair) > 3:
        found = drift.trend(pair["figure"], pair["year"], n_shuffles=min(SHUFFLES, 500), seed=SEED)
        rows[label] = {"rank correlation": found.statistic, "p by song": found.pvalue}
pd.DataFrame.from_dict(rows, orient="index").join(trends["p"].rename("p by album")).round(3)

# %% [markdown]
# ## 2. A break in the harmony
#
# The six figures together are the style of an album, each in standard deviations. A straight line over the years
# explains a part of it; the step is tested on what the line leaves over. Where p is not small, the best place is only
# the best of many, and no break can be told from chance.

# %%
whole = H.dropna()
style_of_chords = drift.by_album(whole, of_album[whole.index])
style_of_chords = style_of_chords.loc[[album for album in when.index if album in style_of_chords.index]]
if len(style_of_chords) > 4:
    their_years = when[style_of_chords.index]
    at = drift.steps(style_of_chords.to_numpy(), their_years.to_numpy()).idxmax()
    found = drift.step(style_of_chords, their_years, n_shuffles=min(SHUFFLES, 1000), seed=SEED)
    print(f"the best place is after {at:.0f}, p = {found.pvalue:.3f}:",
          "a break beyond the trend" if found.pvalue < 0.05 else "no break can be told from chance")  # fmt: skip
else:
    print("Fewer than five albums have all six figures: no test.")

# %% [markdown]
# ## 3. Tags through the years
#
# The tagger answers each song with one probability for each instrument; four songs an album are enough here. The mean of
# an album is tested as the figures of harmony were. Holm's correction now pays for as many tests as there are tags, so a
# p has to be very small, and the years must be shuffled often enough that it can be. A tag that comes and goes is still
# a word of the tagger: what it calls *strings* is what resembles its strings.

# %%
file = Path(OUT_DIR, "models", DATASET, "15_multilabel_tagging-tagger.keras")
if not file.exists():
    run_first("15_multilabel_tagging", globals())
listener = Classifier(file)
few = songs.groupby("album").head(4)
tags = pd.DataFrame({track_id: listener(path).overall for track_id, path in few["path"].items()}).T
of_year = tags.groupby(few["album"]).mean().loc[dated.index]
rows = {}
if len(dated) > 3:
    for tag in of_year:
        found = drift.trend(of_year[tag], dated, n_shuffles=min(SHUFFLES, 1000), seed=SEED)
        rows[tag] = {"rank correlation": found.statistic, "p": found.pvalue}
changes = pd.DataFrame.from_dict(rows, orient="index", columns=["rank correlation", "p"])
changes.assign(**{"p after Holm": evaluate.holm(changes["p"])}).sort_values("p").head(8).round(3)
