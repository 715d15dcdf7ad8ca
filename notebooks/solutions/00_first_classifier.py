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
# ## 1. Which number is worth most?
#
# Each part of the training songs is named by a program that learned from the other four, and artists stay whole, as in
# the exam. Numbers that say the same thing can stand in for each other: the loss of one of them costs little, even if
# both together are worth much. A number whose loss *gains* songs misled more often than it helped, or it is luck: a few
# songs more or less mean nothing.

# %%
from sklearn.model_selection import GroupKFold, cross_val_predict


def songs_right(table):
    """How many training songs are named rightly by a program that does not know their artists."""
    answers = cross_val_predict(model, table.loc[train], labels[train], groups=artists[train], cv=GroupKFold(5))
    return int((answers == labels[train]).sum())


lost = {name: songs_right(X) - songs_right(X.drop(columns=name)) for name in X}
print(f"with all six numbers: {songs_right(X)} of {len(train)} songs")
pd.Series(lost, name="songs lost without it").sort_values(ascending=False).to_frame()

# %% [markdown]
# ## 2. A seventh number
#
# The zero crossing rate counts how often the wave changes its sign: noise and cymbals do so often. It is close to
# brightness, which the program has already, so do not expect much. A number helps if it says something *new*.

# %%
X7 = X.assign(crossings=[librosa.feature.zero_crossing_rate(excerpt(track_id, 10)).mean() for track_id in X.index])
print(f"six numbers: {songs_right(X)} of {len(train)} songs; with the seventh: {songs_right(X7)}")
print(f"it correlates with brightness: {X7['crossings'].corr(X7['brightness']):.2f}")

# %% [markdown]
# ## 3. Your own song
#
# The program has never met a recording, only synthetic music. It knows no other genres than these, and must choose one
# even for speech or silence. Look how far the numbers of the song lie from those of the average song that it learned
# from: beyond two or three standard deviations it is guessing, however sure it sounds. (While `SONG` is empty, this
# asks about sound 1.)

# %%
mine = pd.DataFrame([six_numbers(load_audio(song, sr=SR, offset=None, max_seconds=10))])
away = pd.Series(model[0].transform(mine)[0], mine.columns, name="standard deviations from the average song")
print(f"the program says: {model.predict(mine)[0]} ({model.predict_proba(mine).max():.0%})")
away.round(1).to_frame()
