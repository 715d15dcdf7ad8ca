"""Models over folds and seeds: the intervals hold both kinds of luck, and nothing is mixed up."""

import json

import numpy as np
import pandas as pd
import pytest

from helpers import comparison, datasets

TRACKS = [f"t{i}" for i in range(120)]
GROUPS = pd.Series(np.repeat([f"g{i}" for i in range(40)], 3), TRACKS)
FOLD_OF = np.repeat(np.arange(40) % 4, 3)


def drawn(rng, *, artist=1.0, training=0.5, models="ab", seeds=3):
    """Right answers of models that are equally good: artists differ, and so do trainings."""
    hard = np.repeat(rng.normal(0.4, artist, 40), 3)
    parts = []
    for model in models:
        for fold in range(4):
            for seed in range(seeds):
                own = fold == FOLD_OF
                p = 1 / (1 + np.exp(-hard[own] - rng.normal(0, training)))
                about = {"model": model, "split": "s", "fold": fold, "seed": seed}
                parts.append(pd.DataFrame(about | {
                    "track_id": np.array(TRACKS)[own], "right": (rng.random(own.sum()) < p) * 1.0,
                    "parameters": 7, "train_seconds": 2.0,
                }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def test_intervals_hold_the_truth_about_as_often_as_they_promise():
    """Equal models: 95 % of the intervals of their difference hold 0; 30 draws may miss a few."""
    z = np.random.default_rng(0).normal(0.4, np.hypot(1.0, 0.5), 100_000)
    truth, held, equal = (1 / (1 + np.exp(-z))).mean(), 0, 0
    for draw in range(30):
        answered = drawn(np.random.default_rng(draw))
        models, pairs = comparison.pooled(answered, GROUPS, n_boot=300, seed=draw)
        held += (models["accuracy_low"] <= truth).sum() - (models["accuracy_high"] < truth).sum()
        equal += pairs["difference_low"][0] <= 0 <= pairs["difference_high"][0]
    assert held >= 52 and equal >= 26  # of 60 and 30; chance of fewer at 95 %: below 1 %


def test_the_luck_of_the_seeds_widens_the_interval():
    answered = drawn(np.random.default_rng(1), artist=0.1, training=1.5)
    both, _ = comparison.pooled(answered, GROUPS)
    only = answered.groupby(["model", "fold", "track_id"], as_index=False)["right"].mean()
    only = only.assign(seed=0, split="s", parameters=7, train_seconds=2.0)
    artists, _ = comparison.pooled(only, GROUPS)
    wide, narrow = (t["accuracy_high"] - t["accuracy_low"] for t in (both, artists))
    assert (wide > 1.3 * narrow).all() and both["accuracy"].equals(artists["accuracy"])


def test_a_model_that_is_clearly_better_is_found_and_holm_pays_for_the_pairs():
    answered = drawn(np.random.default_rng(2), models="abc")
    answered.loc[answered["model"] == "c", "right"] = 0.0
    models, pairs = comparison.pooled(answered, GROUPS)
    assert models.index[-1] == "c" and models.loc["c", "accuracy_high"] == 0
    assert models["folds"].tolist() == [4] * 3 and models["seeds"].tolist() == [3] * 3
    assert models["n_test"].tolist() == [120] * 3 and models["n_groups"].tolist() == [40] * 3
    assert len(pairs) == 3
    sure = pairs[pairs["holm"] < 0.05]
    assert sorted(sure["other"]) == ["c", "c"] and (pairs["holm"] >= pairs["p"]).all()


def test_models_of_different_folds_meet_on_the_tracks_that_both_answered():
    answered = drawn(np.random.default_rng(3))
    short = answered[(answered["model"] == "a") | (answered["fold"] == 0)]
    models, pairs = comparison.pooled(short, GROUPS, n_boot=50)
    assert models.loc["b", "n_test"] == 30 and models.loc["a", "n_test"] == 120
    mean = short[short["fold"] == 0].groupby("model")["right"].mean()
    sign = 1 if pairs["model"][0] == "a" else -1
    assert pairs["difference"][0] == pytest.approx(sign * (mean["a"] - mean["b"]))


def test_a_track_that_is_tested_in_two_folds_is_refused():
    answered = drawn(np.random.default_rng(4))
    answered.loc[answered["fold"] == 1, "track_id"] = answered.loc[
        answered["fold"] == 0, "track_id"].to_numpy()  # fmt: skip
    with pytest.raises(ValueError, match="t0 is tested in two folds"):
        comparison.pooled(answered, GROUPS, n_boot=10)


def leave(folder, name, rule, proba, **row):
    for sub in ("metrics", "predictions"):
        (folder / sub).mkdir(exist_ok=True)
    row = {"notebook": name, "model": "net", "dataset": "demo", "split": rule, "seed": 0} | row
    (folder / "metrics" / f"{name}-net.json").write_text(json.dumps(row))
    proba.to_parquet(folder / "predictions" / f"{name}-net.parquet")


def test_answers_of_other_splits_classes_and_datasets_are_passed_over(tmp_path):
    T = pd.DataFrame([[1, 0], [0, 1], [0, 1]], ["x", "y", "z"], ["a", "b"])
    proba = pd.DataFrame([[0.9, 0.1], [0.8, 0.2]], ["x", "y"], ["a", "b"])
    rule = "by group, fold 1 of 5, seed 0"
    leave(tmp_path, "05_one", rule, proba, fold=0, parameters=3)
    leave(tmp_path, "05_two", "by group, fold 2 of 5, seed 0", proba[:1].set_axis(["z"]), fold=1)
    leave(tmp_path, "06_track", "by track, fold 1 of 5, seed 0", proba, fold=0)
    leave(tmp_path, "06_other", rule, proba, dataset="gtzan")
    leave(tmp_path, "06_classes", rule, proba.rename(columns={"b": "c"}))
    found = comparison.answers(tmp_path, "demo", T, rule)
    assert found["model"].unique().tolist() == ["05 net"]
    assert found.set_index("track_id")["right"].to_dict() == {"x": 1.0, "y": 0.0, "z": 0.0}
    assert found.set_index("track_id")["fold"].to_dict() == {"x": 0, "y": 0, "z": 1}
    assert comparison.answers(tmp_path, "fma", T, rule).empty


def test_two_steps_of_a_page_that_trained_the_same_model_are_two_rows(tmp_path):
    T = pd.DataFrame([[1, 0]], ["x"], ["a", "b"])
    for name, p in (("05_convpool", 0.9), ("05_convpool_wide", 0.1)):
        leave(tmp_path, name, "official", pd.DataFrame([[p, 1 - p]], ["x"], ["a", "b"]), fold=0)
    found = comparison.answers(tmp_path, "demo", T, "official").set_index("model")["right"]
    assert found.to_dict() == {"05 net": 1.0, "05_convpool_wide net": 0.0}


def test_a_model_without_weights_joins_the_others_without_a_warning(tmp_path, recwarn):
    """pandas 2 warns where a column of None is joined to one of numbers."""
    T = pd.DataFrame({"a": [1, 0], "b": [0, 1]}, ["x", "y"])
    leave(tmp_path, "04_features-logreg", "official", T * 0.8)
    leave(tmp_path, "05_convpool-convpool", "official", T * 0.8, parameters=7)
    found = comparison.answers(tmp_path, "demo", T, "official")
    assert found["parameters"].isna().tolist() == [True, True, False, False]
    assert found["parameters"].dtype == float and not recwarn.list


def test_what_a_part_of_the_tracks_has_taught_is_a_model_of_its_own(tmp_path):
    T = pd.get_dummies(pd.Series(list("abab"), list("wxyz"))).astype(int)
    part = "; 25 % of the training and validation groups (seed {})"
    for seed in (0, 1):
        leave(tmp_path, f"05_convpool_s{seed}-net", "by group" + part.format(seed), T, seed=seed)
    leave(tmp_path, "05_convpool-net", "by group", T, seed=0)
    found = comparison.answers(tmp_path, "demo", T, "by group")
    models, _ = comparison.pooled(found, pd.Series(T.index, T.index))
    assert models["seeds"].to_dict() == {"05 net": 1, "05 net, 25 %": 2}


def test_where_a_track_has_several_labels_the_share_of_them_counts(tmp_path):
    T = pd.DataFrame([[1, 1, 0]], ["x"], list("abc"))
    leave(tmp_path, "07_net", "official", pd.DataFrame([[0.9, 0.1, 0.5]], ["x"], list("abc")))
    assert comparison.answers(tmp_path, "demo", T, "official")["right"].tolist() == [0.5]


def test_the_table_that_is_kept_says_how_it_was_made(tmp_path):
    answered = drawn(np.random.default_rng(5)).assign(split="by group, fold 1 of 4, seed 0")
    dataset = datasets.Dataset("demo", pd.DataFrame(), ["a", "b"], False, "free", "nobody")
    models, pairs = comparison.pooled(answered, GROUPS, n_boot=50)
    comparison.write(tmp_path / "t.csv", dataset, models, pairs, answered)
    text = (tmp_path / "t.csv").read_text()
    assert text.startswith("# demo (by group, 4 folds, seed 0; chance 0.50), computed on 20")
    assert "keras" in text.splitlines()[0]
    table = pd.read_csv(tmp_path / "t.csv", comment="#")
    assert (table["fold"] == "all").sum() == 2 and len(table) == 2 + 2 * 4 * 3
    each = table[table["fold"] != "all"].groupby("model")["accuracy"].mean()
    assert each.to_dict() == pytest.approx(models["accuracy"].to_dict(), abs=1e-3)
