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
# ## 1. Hear what MFCC keep
#
# The way back guesses twice: 20 numbers do not determine all mel bands, and mel bands do not determine the phase of the
# waves, which the Griffin-Lim algorithm makes up. What is left sounds like a whisper in the rhythm of the music: strokes
# and vowel-like colours stay, the pitch goes, because harmonics are finer than the rough shape that 20 coefficients
# describe. The table measures it in the units of the page: the MFCC of the copy lie nearer to the original than its
# chroma does.

# %%
label, y_i = next(iter(sounds.items()))
size = {"sr": SR, "n_fft": N_FFT, "hop_length": HOP_LENGTH // 2}
mfcc = librosa.feature.mfcc(y=y_i, n_mfcc=20, n_mels=N_MELS, **size)
y_back = librosa.feature.inverse.mfcc_to_audio(mfcc, n_mels=N_MELS, **size)
y_back = librosa.util.fix_length(y_back, size=len(y_i))
display(Audio(y_i, rate=SR), Audio(y_back, rate=SR))

# %%
old, new = pictures(y_i), pictures(y_back)
apart = {name: np.linalg.norm(new[name] - S) / np.linalg.norm(S - S.mean(axis=1, keepdims=True)) for name, S in old.items()}
pd.Series(apart, name=f"{label}: how far the copy moved").round(2)

# %% [markdown]
# ## 2. A class turned down
#
# *Level* becomes a strong clue, and it is a leak if the softness comes from the source of the files and not from the
# music. *Bandwidth*, *cliff* and *crest* are measured relative to the strongest frequency or to the level, so they stay.
# *Silence* and *clipped* may move, since they compare with a fixed level. Scaling each track to the same level would
# close this leak, and so would a feature that forgets the volume, such as chroma.

# %%
softer = good.copy()
for track_id, path in tracks.set_index("track_id").loc[good.index[own], "path"].items():
    found = quality.recording_properties(load_audio(path, sr=SR) / 2, sr=SR)
    softer.loc[track_id, list(found)] = list(found.values())
pd.DataFrame({"before": clues.loc[victim], "6 dB softer": quality.class_clues(softer, labels).loc[victim]}).round(2)

# %% [markdown]
# ## 3. How strong a clue does chance give?
#
# Tracks of one group resemble each other, so the labels are dealt out among the groups: shuffled among single tracks,
# they would make chance look weaker than it is. The strongest of many cells is compared with the strongest of many cells
# of each shuffle; otherwise one would be impressed by the best of forty draws. The AUC follows from the mean rank of a
# class, which is much faster than a call for each cell. A clue that the shuffles often reach may be chance; one that they
# never reach needs an explanation, musical or not.

# %%
rng = np.random.default_rng(0)
of_group = tracks.drop_duplicates("group").set_index("group")["label"]
group = tracks.set_index("track_id")["group"][good.index]
ranks = good[technical].astype(float).rank()


def best_clue(names):
    """Return the strongest technical clue to any class."""
    n = names.value_counts()
    auc = ranks.groupby(names).mean().sub((n + 1) / 2, axis=0).div(len(names) - n, axis=0)
    return (2 * auc - 1).abs().max().max()


chance = [best_clue(group.map(pd.Series(rng.permutation(of_group), of_group.index))) for _ in range(300)]
here = best_clue(labels[good.index])
print(f"strongest technical clue: {here:.2f}; by chance up to {np.percentile(chance, 95):.2f} in 95 of 100 shuffles")
print(f"{np.mean(np.array(chance) >= here):.1%} of the shuffles reach it")
