"""A content-based recommender: which tracks sound alike, and how good such a list is."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from helpers import evaluate


def embed(network: keras.Model, batches) -> np.ndarray:
    """Describe tracks by what a network computes just before it decides.

    Parameters
    ----------
    network : keras.Model
        Its last layer decides; what enters that layer is the description.
    batches : helpers.clips.EveryClip
        All clips of the tracks.

    Returns
    -------
    np.ndarray [shape=(n_tracks, n_features)]
        The mean over the clips of each track.
    """
    inner = keras.Model(network.inputs[0], network.layers[-1].input)
    return evaluate.track_proba(evaluate.predict(inner, batches), batches.owner)


class Recommender:
    """Finds the tracks nearest to a track, by the angle between their descriptions.

    Parameters
    ----------
    table : pd.DataFrame [shape=(n_tracks, n_features)]
        One description a track; the index holds the track_ids.
    groups : pd.Series, optional
        Group of each track, by track_id. Tracks of the query's own group, such as its artist, are
        left out: that a band sounds like itself is no discovery.
    metric : {"cosine", "euclidean"}
        Cosine counts the direction only, not the length of a description.

    Raises
    ------
    ValueError
        A description is not finite, a track occurs twice, or a track has no group.

    Examples
    --------
    >>> table = pd.DataFrame([[1, 0], [2, 0.1], [0, 1]], index=["a", "b", "c"])
    >>> Recommender(table).nearest("a", k=2)["track_id"].tolist()
    ['b', 'c']

    Notes
    -----
    All distances are computed; for 100,000 tracks that is one product of a matrix and a vector
    (`tests/benchmarks/bench_recommend.py`).
    """

    def __init__(
        self, table: pd.DataFrame, groups: pd.Series | None = None, *, metric: str = "cosine"
    ):
        if metric not in ("cosine", "euclidean"):
            raise ValueError(f"metric is {metric!r}; cosine and euclidean are known")
        if table.index.has_duplicates:
            raise ValueError(f"{table.index[table.index.duplicated()][0]} occurs twice")
        X = np.ascontiguousarray(table, dtype=np.float32)
        if not np.isfinite(X).all():
            bad = table.index[~np.isfinite(X).all(axis=1)]
            raise ValueError(f"the description of {bad[0]} is not finite")
        self.track_ids, self.metric = table.index, metric
        self.places = pd.Series(np.arange(len(table)), table.index)
        if groups is None:
            self.groups = np.arange(len(table))
        else:
            missing = table.index.difference(groups.index)
            if len(missing):
                raise ValueError(f"{missing[0]} has no group")
            self.groups = pd.factorize(groups[table.index])[0]
        self.largest = int(np.bincount(self.groups).max())
        self.X = self._scaled(X)
        self.index = NearestNeighbors(algorithm="brute").fit(self.X)

    def _scaled(self, X: np.ndarray) -> np.ndarray:
        """On vectors of length 1, the euclidean order is that of the angle."""
        if self.metric == "euclidean":
            return X
        return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)

    def _search(self, X: np.ndarray, groups: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Places and distances of the k nearest that belong to other groups; -1 where none is."""
        many = min(k + self.largest, len(self.X))
        distance, place = self.index.kneighbors(X, many)
        own = self.groups[place] == groups[:, np.newaxis]
        order = np.argsort(own, axis=1, kind="stable")[:, :k]
        place, distance, own = (
            np.take_along_axis(a, order, axis=1) for a in (place, distance, own)
        )
        return np.where(own, -1, place), distance

    def nearest(self, query, *, k: int = 10) -> pd.DataFrame:
        """Return the tracks nearest to one.

        Parameters
        ----------
        query : str or np.ndarray [shape=(n_features,)]
            A track of the table, or the description of any other sound.
        k : int > 0
            How many; fewer where other groups have fewer tracks.

        Returns
        -------
        pd.DataFrame
            track_id and distance, nearest first. The cosine distance runs from 0 to 2.

        Raises
        ------
        KeyError
            The table has no such track.
        """
        if isinstance(query, str):
            if query not in self.places:
                raise KeyError(f"there is no track {query!r} in the table")
            X, group = self.X[[self.places[query]]], self.groups[[self.places[query]]]
        else:
            X, group = self._scaled(np.float32(query)[np.newaxis]), np.array([-1])
        place, distance = self._search(X, group, k)
        kept = place[0] >= 0
        distance = distance[0, kept] ** (2 if self.metric == "cosine" else 1)
        distance = distance / 2 if self.metric == "cosine" else distance
        found = {"track_id": self.track_ids[place[0, kept]], "distance": distance}
        return pd.DataFrame(found)

    def lists(self, *, k: int = 10, chunk: int = 1000) -> np.ndarray:
        """Return the list of every track.

        Parameters
        ----------
        k : int > 0
            Length of a list.
        chunk : int > 0
            Tracks that are searched for at once; bounds the memory.

        Returns
        -------
        np.ndarray [shape=(n_tracks, k)]
            Rows of the table, nearest first; -1 where other groups have no more tracks.
        """
        parts = [slice(i, i + chunk) for i in range(0, len(self.X), chunk)]
        return np.concatenate([self._search(self.X[p], self.groups[p], k)[0] for p in parts])


def precision(
    lists: np.ndarray, labels, *, rows: np.ndarray | None = None, groups=None
) -> pd.DataFrame:
    """Say of each list how many of its tracks share a label with the track that it is for.

    Parameters
    ----------
    lists : np.ndarray [shape=(n_tracks, k)]
        What `Recommender.lists` returns.
    labels : array [shape=(n_tracks,) or (n_tracks, n_classes)]
        One label a track; or a matrix of 0 and 1, where one shared label is enough.
    rows : np.ndarray, optional
        Ask for the lists of these tracks only, such as those that the network never met.
    groups : array [shape=(n_tracks,)], optional
        Group of each track, where the lists leave out tracks of the query's own group.

    Returns
    -------
    pd.DataFrame
        One row a list. precision : share of its tracks that have the label; ceiling : the
        precision of the best possible list, less than 1 where the collection holds too few such
        tracks; and chance : that of a list of tracks drawn at random. A list of no tracks has NaN.

    Examples
    --------
    >>> lists = np.array([[1, 2], [0, 2], [0, 1]])
    >>> precision(lists, ["a", "a", "b"]).mean().round(2).to_dict()
    {'precision': 0.33, 'ceiling': 0.33, 'chance': 0.33}
    """
    labels, rows = np.asarray(labels), np.arange(len(lists)) if rows is None else rows
    labels = labels if labels.ndim == 2 else labels[:, np.newaxis] == np.unique(labels)
    own = np.arange(len(lists)) if groups is None else pd.factorize(np.asarray(groups))[0]
    k, found = lists.shape[1], []
    for row in rows:  # one at a time: a table of all pairs would be too large for large datasets
        same = labels[:, labels[row] == 1].any(axis=1)
        allowed = own != own[row]
        listed = lists[row][lists[row] >= 0]
        n, n_same = allowed.sum(), (same & allowed).sum()
        hits = (same[listed].sum(), min(k, n_same), n_same)
        found.append([a / b if b else np.nan for a, b in zip(hits, (len(listed), min(k, n), n))])
    return pd.DataFrame(found, columns=["precision", "ceiling", "chance"])


def skewness(often: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how lopsided numbers are, for many weights: 0 where they are even.

    Parameters
    ----------
    often : np.ndarray [shape=(n_tracks,)]
        How often each track is recommended.
    weights : np.ndarray [shape=(n_draws, n_tracks)]
        How often each track counts, for instance in each draw of a bootstrap.

    Returns
    -------
    np.ndarray [shape=(n_draws,)]
        0 also where all numbers are the same.

    Examples
    --------
    >>> skewness(np.array([0, 0, 3]), np.ones((1, 3))).round(2)
    array([0.71])
    """
    share = weights / weights.sum(axis=1, keepdims=True)
    off = often - (share @ often)[:, np.newaxis]
    second, third = ((share * off**power).sum(axis=1) for power in (2, 3))
    uneven = second > 1e-9  # rounding alone leaves less
    return np.where(uneven, third / np.where(uneven, second, 1) ** 1.5, 0.0)


def frequency(lists: np.ndarray) -> np.ndarray:
    """Return how often each track is recommended [shape=(n_tracks,)]."""
    return np.bincount(lists[lists >= 0], minlength=len(lists))


def hubness(lists: np.ndarray, *, groups=None, seed: int = 0) -> dict[str, float]:
    """Say how evenly the lists use the collection.

    Parameters
    ----------
    lists : np.ndarray [shape=(n_tracks, k)]
        What `Recommender.lists` returns.
    groups : array [shape=(n_tracks,)], optional
        Group of each track; the interval is one over groups. Every track is its own by default.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    dict
        skewness : float (with _low and _high, 95 %), of how often tracks are recommended: 0 is
        even, above 1 a few *hubs* stand in many lists; coverage : float, share of the tracks that
        stand in any list; and largest : int, how often the most frequent one does.

    Examples
    --------
    >>> hubness(np.array([[1], [0], [0], [0]]))["coverage"]
    0.5

    Notes
    -----
    Source: Radovanović et al., *Hubs in space*, 2010.
    """
    often = frequency(lists)
    groups = np.arange(len(often)) if groups is None else groups
    found = evaluate.interval(lambda w: skewness(often, w), groups, n_boot=500, seed=seed)
    named = dict(zip(("skewness", "skewness_low", "skewness_high"), map(float, found)))
    return named | {"coverage": float((often > 0).mean()), "largest": int(often.max())}
