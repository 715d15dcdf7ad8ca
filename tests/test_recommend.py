"""Neighbours, against a search by hand; their measures, against values worked out by hand."""

import keras
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from sklearn.metrics.pairwise import cosine_distances, euclidean_distances

from helpers import recommend


def table(n=60, width=8, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, width))
    return pd.DataFrame(X, [f"t{i:03d}" for i in range(n)])


@pytest.mark.parametrize(
    "metric, by_hand", [("cosine", cosine_distances), ("euclidean", euclidean_distances)]
)
def test_nearest_is_what_a_search_by_hand_finds(metric, by_hand):
    X = table()
    groups = pd.Series(np.arange(60) // 5, X.index)
    found = recommend.Recommender(X, groups, metric=metric)
    D = by_hand(X.astype(np.float32))
    D[groups.to_numpy()[:, None] == groups.to_numpy()] = np.inf
    assert (found.lists(k=7, chunk=11) == np.argsort(D, axis=1)[:, :7]).all()
    one = found.nearest("t007", k=7)
    assert one["track_id"].tolist() == X.index[np.argsort(D[7])[:7]].tolist()
    assert np.allclose(one["distance"], np.sort(D[7])[:7], atol=1e-5)


def test_a_track_is_not_its_own_neighbour_and_lists_may_be_short():
    X = table(6)
    assert all(i not in row for i, row in enumerate(recommend.Recommender(X).lists(k=3)))
    groups = pd.Series(list("aaaabb"), X.index)
    lists = recommend.Recommender(X, groups).lists(k=4)
    assert (lists[0] >= 0).sum() == 2 and set(lists[0, :2]) == {4, 5} and (lists[4] >= 0).all()
    assert len(recommend.Recommender(X, groups).nearest("t000", k=4)) == 2


def test_any_sound_can_be_asked_for():
    X = table()
    found = recommend.Recommender(X, pd.Series("a", X.index))
    assert found.nearest(3 * X.loc["t005"].to_numpy(), k=1)["track_id"].tolist() == ["t005"]


def test_what_cannot_be_searched_is_refused():
    X = table(5)
    with pytest.raises(KeyError, match="no track 'x'"):
        recommend.Recommender(X).nearest("x")
    with pytest.raises(ValueError, match="t001 is not finite"):
        recommend.Recommender(pd.concat([X[:1], X[1:] * np.nan]))
    with pytest.raises(ValueError, match="t000 occurs twice"):
        recommend.Recommender(pd.concat([X, X]))
    with pytest.raises(ValueError, match="t004 has no group"):
        recommend.Recommender(X, pd.Series(1, X.index[:4]))
    with pytest.raises(ValueError, match="cosine and euclidean"):
        recommend.Recommender(X, metric="cosin")


def test_precision_of_single_and_several_labels():
    lists = np.array([[1, 2], [0, 3], [3, -1], [2, 1]])
    single = recommend.precision(lists, ["a", "a", "b", "b"])["precision"]
    assert single.tolist() == [0.5, 0.5, 1, 0.5]
    asked = recommend.precision(lists, ["a", "a", "b", "b"], rows=np.array([2]))
    assert asked["precision"].tolist() == [1]
    several = recommend.precision(lists, np.array([[1, 0], [1, 1], [0, 1], [0, 0]]))
    assert several["precision"].tolist() == [0.5, 0.5, 0, 0]


def test_the_ceiling_is_what_the_best_list_gets_and_chance_what_any_gets():
    """Against lists by somebody who knows the labels, and against the mean of random tables."""
    rng = np.random.default_rng(0)
    groups, labels = np.arange(40) // 4, rng.integers(0, 3, 40)
    knows = pd.DataFrame(np.eye(3)[labels] + 1e-3 * rng.random((40, 3)))
    for left_out in (groups, None):
        of = pd.Series(groups) if left_out is not None else None

        def asked(X, of=of, left_out=left_out):
            lists = recommend.Recommender(X, of).lists(k=16)
            return recommend.precision(lists, labels, groups=left_out)

        best = asked(knows)
        assert best["ceiling"].min() < 1 and (best["precision"] == best["ceiling"]).all()
        drawn = [asked(pd.DataFrame(rng.normal(size=(40, 16))))["precision"] for _ in range(200)]
        assert np.mean(drawn) == pytest.approx(best["chance"].mean(), abs=0.01)
    alone = recommend.Recommender(knows, pd.Series(0, knows.index)).lists(k=2)
    assert recommend.precision(alone, labels, groups=0 * groups).isna().all().all()


def test_hubs_are_seen():
    rng = np.random.default_rng(0)
    even = recommend.hubness(np.stack([rng.permutation(100) for _ in range(5)], axis=1))
    assert even["skewness"] == 0 and even["coverage"] == 1 and even["largest"] == 5
    hub = recommend.hubness(np.zeros((100, 1), dtype=int))
    assert hub["coverage"] == 0.01 and hub["largest"] == 100 and hub["skewness"] > 9


def test_skewness_is_that_of_scipy_and_its_interval_keeps_groups_together():
    often = np.random.default_rng(0).exponential(size=60).round(1)
    draws = np.random.default_rng(1).integers(0, 4, (5, 60))
    expected = [scipy.stats.skew(np.repeat(often, w)) for w in draws]
    assert np.allclose(recommend.skewness(often, draws), expected)
    lists = recommend.Recommender(table(), None).lists(k=5)
    one = recommend.hubness(lists, groups=np.zeros(60))
    assert np.ptp([one["skewness_low"], one["skewness"], one["skewness_high"]]) < 1e-9
    many = recommend.hubness(lists)
    assert many["skewness_low"] < many["skewness"] < many["skewness_high"]


def test_a_description_is_what_enters_the_last_layer():
    network = keras.Sequential([
        keras.layers.Input((None, 3, 1)), keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(4), keras.layers.Dense(2, activation="softmax"),
    ])  # fmt: skip

    class Batches:
        owner = np.array([0, 0, 1])

        def __len__(self):
            return 1

        def __getitem__(self, i):
            return np.arange(3 * 2 * 3, dtype="float32").reshape(3, 2, 3, 1), None

    E = recommend.embed(network, Batches())
    W, b = network.layers[-2].get_weights()
    means = Batches()[0][0].mean(axis=(1, 2)) @ W + b
    assert np.allclose(E, [means[:2].mean(axis=0), means[2]], atol=1e-4)
