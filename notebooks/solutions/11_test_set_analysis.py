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
# ## 1. The same mistakes
#
# If the mistakes of two models had nothing to do with each other, both would be wrong on a share of the tracks that is
# the product of their two shares of mistakes. Models that learned from the same tracks are usually wrong together more
# often than that: the hard tracks are hard for all. This is why a paired comparison sees more than two intervals do. It
# is also why a vote of such models gains less than one would hope.

# %%
once = head[(head["fold"] == 0) & (head["seed"] == head["seed"].min())]
wrong_of = 1 - once.pivot(index="track_id", columns="model", values="right")
pair = wrong_of.iloc[:, :2]
expected = pair.mean().prod() * len(pair)
both_wrong = int((pair == 1).all(axis=1).sum())
print(f"{' and '.join(pair)}: wrong on {pair.sum().round().astype(int).tolist()} of {len(pair)} tracks; both on {both_wrong}, "
      f"by chance it would be {expected:.1f}")  # fmt: skip

# %% [markdown]
# ## 2. Calibrate on the training tracks
#
# A network is right about nearly all tracks that it has learned, and so its claims there look too modest. The temperature
# falls, and makes the network bolder than it should be about unknown artists: compare the log loss on the test tracks.
# How large the harm is depends on how much the network has memorized. Calibration needs tracks that the network has not
# learned from.

# %%
learned = experiment.every_clip("train")
proba_train = evaluate.track_proba(evaluate.predict(network, learned), learned.owner)
tempted = evaluate.fit_temperature(Y.loc[ids["train"]].to_numpy(), proba_train)
bold = evaluate.temper(proba, tempted, multilabel=dataset.multilabel)
pd.DataFrame({
    name: {"temperature": t, "ECE": evaluate.ece(y_true, p), "log loss": evaluate.log_loss(y_true, p)}
    for name, t, p in (("as it is", 1.0, proba), ("validation tracks", temperature, calibrated),
                       ("training tracks", tempted, bold))
}).T.round(3)  # fmt: skip

# %% [markdown]
# ## 3. Sets instead of answers
#
# Look up, on the validation tracks, how much probability a true label usually gets, and put every class with at least so
# much into the set. *Held* should be near *promised*. Where it is lower, the test artists differ from the validation
# artists, and no arithmetic can promise anything about artists of another kind. The price of a promise is the size of the
# sets. Source: M. Sadinle et al., *Least ambiguous set-valued classifiers*, JASA 2019.

# %%
track, label_of = np.nonzero(T.loc[ids["valid"]].to_numpy())  # of each true label
table = {}
for promised in (0.7, 0.8, 0.9):
    threshold = evaluate.conformal_threshold(label_of, proba_valid[track], coverage=promised)
    sets = proba >= threshold
    size = sets.sum(axis=1)
    table[promised] = {"held": sets[truth == 1].mean(), "classes in a set": size.mean(), "empty": (size == 0).mean()}
pd.DataFrame(table).T.rename_axis("promised").round(2)
