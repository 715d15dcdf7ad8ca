"""Scores against scikit-learn and against values worked out by hand."""

import keras
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    log_loss,
    roc_auc_score,
    top_k_accuracy_score,
)

from helpers import evaluate


def predictions(n=200, n_classes=5, seed=0):
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, n_classes, n)
    logits = rng.normal(size=(n, n_classes)) + 1.5 * np.eye(n_classes)[y_true]
    return y_true, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_scores_agree_with_scikit_learn():
    y_true, proba = predictions()
    s = evaluate.scores(y_true, proba)
    assert s["accuracy"] == (proba.argmax(1) == y_true).mean()
    assert s["macro_f1"] == pytest.approx(f1_score(y_true, proba.argmax(1), average="macro"))
    assert s["top3"] == pytest.approx(top_k_accuracy_score(y_true, proba, k=3))
    assert s["log_loss"] == pytest.approx(log_loss(y_true, proba))
    assert s["accuracy_low"] < s["accuracy"] < s["accuracy_high"]
    assert s["chance"] == 0.2


def test_an_array_is_answered_row_by_row_like_its_batches():
    network = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])
    X = np.random.default_rng(0).normal(size=(150, 3)).astype("float32")
    answers = evaluate.predict(network, X)
    assert isinstance(answers, np.ndarray) and answers.shape == (150, 2)
    assert np.allclose(answers, X @ network.get_weights()[0] + network.get_weights()[1], atol=1e-5)
    assert np.allclose(
        answers, evaluate.predict(network, [(X[:100], None), (X[100:], None)]), atol=1e-5
    )


def test_interval_has_the_width_of_the_binomial():
    y_true, proba = predictions(n=400)
    s = evaluate.scores(y_true, proba, n_boot=4000)
    p = s["accuracy"]
    expected = 2 * 1.96 * np.sqrt(p * (1 - p) / 400)
    assert s["accuracy_high"] - s["accuracy_low"] == pytest.approx(expected, rel=0.1)


def test_groups_widen_the_interval():
    rng = np.random.default_rng(1)
    hit = np.repeat(rng.random(40) < 0.6, 10)  # tracks of an artist succeed together
    proba = np.stack([hit, ~hit], axis=1).astype(float)
    y_true, groups = np.zeros(400, dtype=int), np.repeat(np.arange(40), 10)
    alone, together = evaluate.scores(y_true, proba), evaluate.scores(y_true, proba, groups=groups)
    width = {k: s["accuracy_high"] - s["accuracy_low"] for k, s in
             {"alone": alone, "together": together}.items()}  # fmt: skip
    assert width["together"] > 2.5 * width["alone"]
    assert together["n_groups"] == 40


def test_scores_refuse_what_cannot_be_scored():
    with pytest.raises(ValueError, match="0 labels"):
        evaluate.scores(np.array([], dtype=int), np.zeros((0, 2)))
    with pytest.raises(ValueError, match="2 labels but"):
        evaluate.scores(np.array([0, 1]), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="not finite"):
        evaluate.scores(np.array([0]), np.array([[np.nan, 1.0]]))


def test_one_track_and_a_class_that_never_occurs():
    s = evaluate.scores(np.array([2]), np.array([[0.1, 0.2, 0.7, 0.0]]))
    assert (s["accuracy"], s["n_test"], s["macro_f1"]) == (1.0, 1, 1.0)


def test_certain_and_wrong_costs_much_but_not_infinity():
    s = evaluate.scores(np.array([0]), np.array([[0.0, 1.0]]))
    assert 20 < s["log_loss"] < 40


def test_clips_vote():
    proba = np.array([[0.9, 0.1], [0.2, 0.8], [0.2, 0.8], [0.6, 0.4]])
    voted = evaluate.track_proba(proba, np.array([0, 0, 0, 1]))
    assert voted[0] == pytest.approx([1.3 / 3, 1.7 / 3])
    assert voted[1].tolist() == [0.6, 0.4]
    with pytest.raises(ValueError, match="track 1 has no clip"):
        evaluate.track_proba(proba[:2], np.array([0, 2]))


class Clips:
    """Five clips of three tracks, in two batches."""

    X = np.array([[2.0], [-1.0], [3.0], [-4.0], [-5.0]], dtype="float32")
    y, owner, Y = np.array([1, 1, 1, 0, 1]), np.array([0, 0, 0, 1, 2]), np.array([1, 0, 1])

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return self.X[i * 3 : i * 3 + 3], self.y[i * 3 : i * 3 + 3]


def test_a_network_is_scored_by_track_after_the_vote():
    layers = [keras.layers.Input((1,)), keras.layers.Dropout(0.9), keras.layers.Dense(2, "softmax")]
    network = keras.Sequential(layers)
    network.layers[-1].set_weights([np.array([[-1.0, 1.0]]), np.zeros(2)])  # class 1 if positive
    answers = evaluate.predict(network, Clips())
    assert answers == pytest.approx(network.predict(Clips.X, verbose=0), abs=1e-6)
    proba, scores = evaluate.by_track(network, Clips())
    assert proba.argmax(axis=1).tolist() == [1, 0, 0]
    assert scores["accuracy"] == pytest.approx(2 / 3) and scores["n_test"] == 3
    assert scores["clip_accuracy"] == pytest.approx(3 / 5)


def test_compare_counts_tracks_and_redraws_groups():
    """The first model is right on 30 tracks more; large groups make the interval wider."""
    rng = np.random.default_rng(0)
    y_true = rng.integers(3, size=120)
    wrong = (y_true + 1) % 3
    first = np.eye(3)[np.where(np.arange(120) % 4 < 3, y_true, wrong)]
    other = np.eye(3)[np.where(np.arange(120) % 2 < 1, y_true, wrong)]
    found = evaluate.compare(y_true, first, other)
    assert (found["only_first"], found["only_other"]) == (30, 0)
    assert found["difference"] == 0.25 and 0 < found["difference_low"] < 0.25
    same = evaluate.compare(y_true, first, first)
    assert same["difference"] == same["difference_low"] == same["difference_high"] == 0
    wide = evaluate.compare(y_true, first, other, groups=np.arange(120) % 4)  # all or nothing
    widths = [c["difference_high"] - c["difference_low"] for c in (found, wide)]
    assert widths[1] > 2 * widths[0]


def several(n=150, n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    Y = (rng.random((n, n_classes)) < [0.1, 0.3, 0.5, 0.7]).astype(int)
    logits = rng.normal(size=Y.shape) + 1.2 * Y
    return Y, (1 / (1 + np.exp(-logits))).round(1)  # rounded, so that many scores are equal


def test_areas_agree_with_scikit_learn_also_with_weights():
    Y, proba = several()
    weights = np.random.default_rng(1).integers(0, 4, (3, len(Y)))
    for ours, theirs in (
        (evaluate.roc_auc, roc_auc_score), (evaluate.average_precision, average_precision_score),
    ):  # fmt: skip
        plain = [theirs(Y[:, k], proba[:, k]) for k in range(4)]
        assert np.allclose(ours(Y, proba), plain)
        weighed = [
            [theirs(Y[:, k], proba[:, k], sample_weight=w) for k in range(4)] for w in weights
        ]
        assert np.allclose(ours(Y, proba, weights=weights), weighed)


def test_a_class_that_all_or_none_have_says_nothing():
    Y, proba = several()
    Y[:, 0], Y[:, 1] = 0, 1
    for score in (evaluate.roc_auc, evaluate.average_precision):
        assert np.isnan(score(Y, proba)).tolist() == [True, True, False, False]


def test_several_labels_are_scored_with_intervals_over_groups():
    Y, proba = several()
    s = evaluate.scores(Y, proba, groups=np.arange(150) // 5)
    assert s["roc_auc"] == pytest.approx(roc_auc_score(Y, proba, average="macro"))
    assert s["average_precision"] == pytest.approx(average_precision_score(Y, proba))
    assert s["roc_auc_low"] < s["roc_auc"] < s["roc_auc_high"]
    assert s["log_loss"] == pytest.approx(
        np.mean([log_loss(Y[:, k], np.clip(proba[:, k], 1e-7, 1 - 1e-7)) for k in range(4)])
    )
    assert (s["chance"], s["n_test"], s["n_groups"], s["n_classes"]) == (0.5, 150, 30, 4)
    assert s["prevalence"] == pytest.approx(Y.mean())
    assert evaluate.describe(s, metric="roc_auc").startswith("roc auc 0.")


def test_two_taggers_are_compared_on_the_same_tracks():
    Y, proba = several()
    guess = np.random.default_rng(5).random(Y.shape)
    found = evaluate.compare(Y, proba, guess)
    assert 0.1 < found["difference_low"] < found["difference"] < found["difference_high"]
    same = evaluate.compare(Y, proba, proba)
    assert same["difference_low"] == same["difference_high"] == 0


def test_labels_that_divide_nothing_cannot_be_scored():
    with pytest.raises(ValueError, match="no label divides the 3 tracks"):
        evaluate.scores(np.array([[1, 0]] * 3), np.full((3, 2), 0.5))


def test_by_label_agrees_with_scikit_learn_and_knows_what_cannot_be_scored():
    Y, proba = several()
    Y[:, 2], groups = 0, np.arange(len(Y)) // 5
    table = evaluate.by_label(Y, proba, list("abcd"), groups=groups)
    for k, label in ((0, "a"), (1, "b"), (3, "d")):
        row = table.loc[label]
        assert row["roc_auc"] == pytest.approx(roc_auc_score(Y[:, k], proba[:, k]))
        low, high = row["average_precision_low"], row["average_precision_high"]
        assert low < row["average_precision"] < high
    assert table.loc["c"].isna().sum() == 6 and table.loc["c", "n_tracks"] == 0
    macro = evaluate.scores(Y, proba, groups=groups)
    assert macro["roc_auc"] == pytest.approx(table["roc_auc"].mean())


def test_best_threshold_is_the_best_of_all():
    Y, proba = several()
    for k in range(Y.shape[1]):
        y, p = Y[:, k], proba[:, k]
        best = max(f1_score(y, p >= t, zero_division=0) for t in np.unique(p))
        chosen = evaluate.best_threshold(y, p)
        assert f1_score(y, p >= chosen) == pytest.approx(best)
    assert evaluate.best_threshold(np.zeros(3), np.array([0.1, 0.2, 0.3])) == 0.5
    tied = evaluate.best_threshold(np.array([1, 0, 1, 0]), np.array([0.6, 0.6, 0.6, 0.1]))
    assert 0.1 < tied < 0.6


def test_claims_agree_with_scikit_learn():
    Y, proba = several()
    claimed, groups = proba >= 0.5, np.arange(len(Y)) // 5
    s = evaluate.claim_scores(Y, claimed, groups=groups)
    assert s["micro_f1"] == pytest.approx(f1_score(Y, claimed, average="micro"))
    assert s["macro_f1"] == pytest.approx(f1_score(Y, claimed, average="macro"))
    assert s["micro_f1_low"] < s["micro_f1"] < s["micro_f1_high"]
    harmonic = 2 * s["micro_precision"] * s["micro_recall"]
    assert s["micro_f1"] == pytest.approx(harmonic / (s["micro_precision"] + s["micro_recall"]))
    nothing = evaluate.claim_scores(Y, np.zeros_like(Y), groups=groups)
    assert nothing["micro_f1"] == nothing["macro_f1"] == 0


def test_mean_score_redraws_groups():
    values = np.repeat(np.random.default_rng(0).random(30), 5)
    alone = evaluate.mean_score("x", values, groups=np.arange(150))
    together = evaluate.mean_score("x", values, groups=np.repeat(np.arange(30), 5))
    assert alone["x"] == together["x"] == pytest.approx(values.mean())
    width = [s["x_high"] - s["x_low"] for s in (alone, together)]
    assert width[1] > 1.7 * width[0]


def test_taggers_are_compared_on_few_tracks_too():
    """Some draws hold only tracks with the label; they say nothing, and the interval stays."""
    Y, proba = np.array([[1], [0], [1]]), np.array([[0.9], [0.1], [0.8]])
    found = evaluate.compare(Y, proba, 1 - proba)
    assert found["difference"] == found["difference_low"] == found["difference_high"] == 1.0


def test_p_values_are_corrected_after_holm():
    """Worked out by hand: 0.01 × 4, 0.02 × 3, then 0.025 × 2 may not lie below, and 0.6 × 1."""
    p = pd.Series({"d": 0.6, "b": 0.02, "none": np.nan, "c": 0.025, "a": 0.01})
    expected = [0.6, 0.06, np.nan, 0.06, 0.04]
    assert np.allclose(evaluate.holm(p), expected, equal_nan=True)
    assert evaluate.holm(p).index.tolist() == p.index.tolist()
    assert evaluate.holm(pd.Series([0.7, 0.8])).tolist() == [1.0, 1.0]


def test_interval_is_the_bca_interval_of_scipy():
    """With each track its own group, on a skewed figure; both draw at random."""
    rng = np.random.default_rng(0)
    values = rng.exponential(size=40)
    theirs = stats.bootstrap(
        (values,), np.mean, method="BCa", n_resamples=20_000, random_state=1
    ).confidence_interval
    found = evaluate.interval(evaluate._mean(values), np.arange(40), n_boot=20_000)
    plain = np.percentile(values[rng.integers(40, size=(20_000, 40))].mean(axis=1), [2.5, 97.5])
    assert found[0] == pytest.approx(values.mean())
    assert found[1:] == pytest.approx(list(theirs), abs=0.01)
    assert np.abs(found[1:] - plain).max() > 0.02  # the plain percentiles are another interval


def test_where_all_or_none_are_right_the_interval_is_exact_over_groups():
    y, groups = np.zeros(12, int), np.repeat(np.arange(6), 2)
    right, wrong = (np.tile(row, (12, 1)) for row in ([0.9, 0.1], [0.1, 0.9]))
    found = evaluate.scores(y, right, groups=groups)
    assert (found["accuracy"], found["accuracy_high"]) == (1, 1)
    assert found["accuracy_low"] == pytest.approx(0.025 ** (1 / 6))
    found = evaluate.scores(y, wrong, groups=groups)
    assert (found["accuracy"], found["accuracy_low"]) == (0, 0)
    assert found["accuracy_high"] == pytest.approx(1 - 0.025 ** (1 / 6))
    none = evaluate.mean_score("gain", np.zeros(12), groups=groups)  # a difference, not hits
    assert (none["gain_low"], none["gain_high"]) == (0, 0)
