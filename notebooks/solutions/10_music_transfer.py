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
# ## 1. The wrong sample rate
#
# No shape changes and no error comes, yet each pattern now stands at another height and in another tempo. The classifier
# knows the features as they were and meets others. Who looks can see it: the scaler brings each training feature to mean
# 0, the right features of other tracks stay near it, and those of a wrong input move away. A check of means costs one
# line.

# %%
REGRESSION.fit(kinds[source].loc[ids["train"]], Y[ids["train"]])
right = kinds[source].loc[ids["test"]]
every = experiment.every_clip(ids["test"], store=wide, clip_frames=clip_frames, batch_size=8)
wrong = pd.DataFrame(evaluate.predict(networks[source], every), ids["test"], right.columns)
for name, X in {"12 kHz": right, "16 kHz": wrong}.items():
    shift = np.abs(REGRESSION[0].transform(X).mean(axis=0)).mean()
    accuracy = cite(score(Y[ids["test"]], REGRESSION.predict_proba(X)))
    print(f"{name}: accuracy {accuracy}; the mean of a feature has moved by {shift:.2f} standard deviations")

# %% [markdown]
# ## 2. A few classes in a batch
#
# Only the size of the batches changes. Each batch now holds two or three neighbouring classes, so it takes away less of
# what a class has in common, and its mean tells which part of the list a track is from. The two effects pull in opposite
# directions. Which one wins depends on the data, and neither has to do with music.

# %%
n = max(2, round(2.56 * len(probed) / len(dataset.classes)))
name = f"{n} in the order of classes"
ways[name] = guess(in_company(truth.sort_values(["label", "track_id"]).index, n), Y[probed])
print(f"accuracy {cite(score(Y[probed], ways[name]))}; {against(name, 'frozen', ways, probed)}")

# %% [markdown]
# ## 3. Is it the same network?
#
# The network is built from the facts, filled, and asked about the four songs. Then the mistake: smooth gates, today's
# default, take the same weights without a murmur and change the answers by a little. Flipped kernels would do the same.
# Where the weights or the songs are absent there is nothing to compare.

# %% tags=["architecture"]
def published_crnn(gate="hard_sigmoid"):
    """The CRNN as its authors trained it: four convolutions, each with pooling, then two GRU layers."""
    layers = [keras.layers.Input((1366, 96, 1)), keras.layers.ZeroPadding2D(((37, 37), (0, 0)))]
    layers += [keras.layers.BatchNormalization(axis=1)]
    for filters, pool in zip((64, 128, 128, 128), (2, 3, 4, 4)):
        layers += [keras.layers.Conv2D(filters, 3, padding="same"), keras.layers.BatchNormalization()]
        layers += [keras.layers.Activation("elu"), keras.layers.MaxPooling2D(pool, padding="same")]
    older = {"reset_after": False, "recurrent_activation": gate}
    layers += [keras.layers.TimeDistributed(keras.layers.Flatten())]
    layers += [keras.layers.GRU(32, return_sequences=True, **older), keras.layers.GRU(32, **older)]
    return keras.Sequential([*layers, keras.layers.Dense(50, activation="sigmoid")], name="crnn")


# %%
stated = {"cute": "jazz 0.444", "actionable": "jazz 0.416", "dubstep": "Hip-Hop 0.245", "thejazzpiano": "jazz 0.299"}
files = {song: Path(DATA_DIR, "weights", "examples", f"bensound-{song}.npy") for song in stated}
files = {song: file for song, file in files.items() if file.exists()}
weights = fetched(CONVNET_WEIGHTS, published.fetch_weights, "msd_crnn")
for gate in ("hard_sigmoid", "sigmoid") if weights else ():
    tagger, found = published_crnn(gate), {}
    tagger.set_weights(published.crnn_weights(weights))
    for song, file in files.items():
        answer = evaluate.predict(tagger, np.load(file)[0, 0].T[None, :, :, None].astype("float32"))[0]
        found[song] = f"{published.TAGS[answer.argmax()]} {answer.max():.3f}"
    print(f"{gate}: {sum(found[song] == stated[song] for song in found)} of {len(found)} as published; {found}")

# %% [markdown]
# The right one is worth keeping: `python -m helpers.classify` asks the file about any song.

# %%
from helpers import training

if weights:
    tagger = published_crnn()
    tagger.set_weights(published.crnn_weights(weights))
    about = {"model": "crnn", "made_by": RUN_NAME, "classes": list(published.TAGS), "multilabel": True, "licence": "MIT"}
    about["inputs"] = {"kind": "msd_crnn", **published.CRNN_INPUT, "made_with": "helpers.published.crnn_input",
                       "decibels": "of the squared power, at most 80 below the maximum"}  # fmt: skip
    about["source"] = "https://github.com/keunwoochoi/music-auto_tagging-keras"
    about["dataset"] = {"name": "Million Song Dataset", "citation": "Choi et al., ICASSP 2017"}
    print(training.save(tagger, Path(OUT_DIR, "models", "msd", "crnn.keras"), about))
