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
# ## 1. Longer clips
#
# A clip of six seconds holds more of the track, so its means are steadier and all rungs may rise. But a track yields only
# half as many clips: fewer siblings of a test clip are in training, and fewer clips teach. Compare the rungs with the
# table above, and the difference between two figures with their intervals.

# %%
longer = clips.EveryClip(store, sample["track_id"], sample["Y"], clip_frames=2 * clip_frames)
X_long = np.concatenate([describe(longer[i][0]) for i in range(len(longer))])
group_long = sample["group"].to_numpy()[longer.owner]
ways_long = {
    "by clip": StratifiedKFold(n_folds, shuffle=True, random_state=SEED).split(X_long, longer.y),
    "by track": grouped.split(X_long, longer.y, longer.owner),
    "by group": grouped.split(X_long, longer.y, group_long),
}
rows_long = {}
for name, folds in ways_long.items():
    y_pred = cross_val_predict(model, X_long, longer.y, cv=list(folds), n_jobs=JOBS)
    rows_long[name] = evaluate.mean_score("accuracy", y_pred == longer.y, groups=group_long, seed=SEED)
pd.DataFrame(rows_long).T.assign(before=ladder["accuracy"].astype(float)).round(2)

# %% [markdown]
# ## 2. A model that remembers
#
# The nearest neighbour of a clip is most often another clip of the same track, if there is one in training. So it does as
# well as any model where clips leak. Where artists are new, it has nothing to remember.

# %%
from sklearn.neighbors import KNeighborsClassifier

nearest, rows_nearest = make_pipeline(StandardScaler(), KNeighborsClassifier(1)), {}
for name, folds in ways.items():
    y_pred = cross_val_predict(nearest, X, part.y, cv=folds)
    rows_nearest[name] = evaluate.mean_score("accuracy", y_pred == part.y, groups=group, seed=SEED)
pd.DataFrame(rows_nearest).T.assign(SVM=ladder["accuracy"].astype(float)).round(2)

# %% [markdown]
# ## 3. Five draws
#
# Each seed puts other artists into the test set, and some are easier than others. The interval is to say how far that
# luck reaches. So most of the five figures should lie inside the interval of any one of them.

# %%
rows_drawn = {}
for seed in range(5):
    sides = sample["track_id"].map(splits.by_group(tracks, fold=FOLD, seed=seed).sides).to_numpy()[part.owner]
    learn, asked = sides == "train", sides == "test"
    hits = model.fit(X[learn], part.y[learn]).predict(X[asked]) == part.y[asked]
    rows_drawn[f"seed {seed}"] = evaluate.mean_score("accuracy", hits, groups=group[asked], seed=SEED)
drawn = pd.DataFrame(rows_drawn).T
print(f"from {drawn['accuracy'].min():.2f} to {drawn['accuracy'].max():.2f}")
drawn.round(2)
