"""Does a style change with the years? Tests that shuffle the years of whole albums."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr


class Finding(NamedTuple):
    """A statistic, and what chance makes of it.

    ``value`` is the statistic, ``p`` the share of shuffles that reach it (the true order counts as
    one of them), ``shuffled`` the statistic of each shuffle, and ``where`` says, for a break, after
    which year it is.
    """

    value: float
    p: float
    shuffled: np.ndarray
    where: float | None = None


def by_album(table: pd.DataFrame, album: pd.Series) -> pd.DataFrame:
    """Return the style of each album: the mean of its songs.

    Parameters
    ----------
    table : pd.DataFrame [shape=(n_songs, n_features)]
        One description a song.
    album : pd.Series [shape=(n_songs,)]
        The album of each song.

    Returns
    -------
    pd.DataFrame [shape=(n_albums, n_features)]
        Each feature has mean 0 and deviation 1 over the songs before the mean is taken, so that
        none outweighs the others.

    Examples
    --------
    >>> songs = pd.DataFrame({"x": [0.0, 2.0]})
    >>> by_album(songs, pd.Series(["a", "b"]))["x"].round(2).tolist()
    [-0.71, 0.71]

    Notes
    -----
    Notebook: 12_beatles_exploration.
    """
    return _scaled(table).groupby(album).mean()


def outliers(table: pd.DataFrame, album: pd.Series) -> pd.Series:
    """Return how far each song is from the other songs of its album.

    Parameters
    ----------
    table, album
        As in `by_album`.

    Returns
    -------
    pd.Series [shape=(n_songs,)]
        Distance from the mean of the *other* songs, in deviations of a feature; NaN for albums of
        fewer than three songs. A song cannot pull that mean towards itself.

    Notes
    -----
    Notebook: 12_beatles_exploration.
    """
    Z = _scaled(table)
    size = album.groupby(album).transform("size").to_numpy()[:, np.newaxis]
    others = (Z.groupby(album).transform("sum") - Z) / np.maximum(size - 1, 1)
    return np.sqrt(((Z - others) ** 2).mean(axis=1)).where(size[:, 0] > 2)


def _scaled(table: pd.DataFrame) -> pd.DataFrame:
    return (table - table.mean()) / table.std().clip(lower=1e-9)


def mantel(
    style: np.ndarray, years: np.ndarray, *, n_shuffles: int = 2000, seed: int = 0
) -> Finding:
    """Test whether albums of near years are near in style: a drift.

    Parameters
    ----------
    style : np.ndarray [shape=(n_albums, n_features)]
        What `by_album` returns.
    years : np.ndarray [shape=(n_albums,)]
        Year of each album.
    n_shuffles : int
        How often the years are shuffled among the albums.
    seed : int
        Seed of the shuffles.

    Returns
    -------
    Finding
        The value is the rank correlation of distances in style and in years over all pairs.

    Raises
    ------
    ValueError
        There are fewer than four albums: so few orders make no test.

    Notes
    -----
    Notebook: 12_beatles_exploration. Source: Mantel, *The detection of disease clustering and a
    generalized regression approach*, 1967.
    """
    style, years = _enough(style, years, 4)
    a, b = np.triu_indices(len(style), 1)
    apart = np.linalg.norm(style[a] - style[b], axis=1)

    def statistic(years: np.ndarray) -> float:
        return float(spearmanr(apart, np.abs(years[a] - years[b])).statistic)

    rng = np.random.default_rng(seed)
    return _finding(
        statistic(years), [statistic(rng.permutation(years)) for _ in range(n_shuffles)]
    )


def trend(
    values: np.ndarray, years: np.ndarray, *, n_shuffles: int = 2000, seed: int = 0
) -> Finding:
    """Test whether one figure rises or falls with the years.

    Parameters
    ----------
    values : np.ndarray [shape=(n_albums,)]
        Mean of each album.
    years, n_shuffles, seed
        As in `mantel`.

    Returns
    -------
    Finding
        The value is the rank correlation with the years; p counts both directions. It is NaN where
        all values are the same.

    Raises
    ------
    ValueError
        There are fewer than four albums.

    Notes
    -----
    Notebook: 12_beatles_exploration.
    """
    values, years = _enough(values, years, 4)
    if np.ptp(values) == 0:
        return Finding(np.nan, np.nan, np.full(n_shuffles, np.nan))
    rng = np.random.default_rng(seed)
    found = float(spearmanr(values, years).statistic)
    shuffled = [spearmanr(values, rng.permutation(years)).statistic for _ in range(n_shuffles)]
    return Finding(found, _finding(abs(found), np.abs(shuffled)).p, np.asarray(shuffled))


def steps(style: np.ndarray, years: np.ndarray) -> pd.Series:
    """Return how much a step explains of what a straight line over the years leaves over.

    Parameters
    ----------
    style, years
        As in `mantel`.

    Returns
    -------
    pd.Series
        From 0 to 1 for each year (index) after which a step may stand; two albums at least stay on
        either side.

    Notes
    -----
    Notebook: 12_beatles_exploration.
    """
    left = np.square(style - _line(style, years)).sum()
    places = np.unique(np.sort(years)[1:-2])
    explained = [
        1 - np.square(style - _line(style, years, years > at)).sum() / left for at in places
    ]
    return pd.Series(explained, places)


def step(style: np.ndarray, years: np.ndarray, *, n_shuffles: int = 2000, seed: int = 0) -> Finding:
    """Test whether there is a break beyond a drift.

    Parameters
    ----------
    style, years, n_shuffles, seed
        As in `mantel`. What is shuffled among the albums is what the straight line leaves over, so
        chance has the same drift.

    Returns
    -------
    Finding
        The value is the largest of `steps`; `where` is the year after which it stands.

    Raises
    ------
    ValueError
        There are fewer than five albums.

    Notes
    -----
    Notebook: 12_beatles_exploration. Source: Freedman and Lane, *A nonstochastic interpretation of
    reported significance levels*, 1983.
    """
    style, years = _enough(style, years, 5)
    found, rng, drifting = steps(style, years), np.random.default_rng(seed), _line(style, years)
    rest = style - drifting
    chance = [steps(drifting + rng.permutation(rest), years).max() for _ in range(n_shuffles)]
    return _finding(float(found.max()), chance, where=float(found.idxmax()))


def _line(style: np.ndarray, years: np.ndarray, *more: np.ndarray) -> np.ndarray:
    """Fit of a line over the years, and of further columns."""
    design = np.column_stack([np.ones(len(years)), years - years.mean(), *more])
    return design @ np.linalg.lstsq(design, style, rcond=None)[0]


def _enough(style, years, n: int) -> tuple[np.ndarray, np.ndarray]:
    style, years = np.asarray(style, dtype=float), np.asarray(years, dtype=float)
    if len(style) < n or len(style) != len(years):
        raise ValueError(f"{len(style)} albums and {len(years)} years: {n} of both are needed")
    return style, years


def _finding(value: float, shuffled, *, where: float | None = None) -> Finding:
    shuffled = np.asarray(shuffled)
    reached = (shuffled >= value - 1e-12).sum()
    return Finding(value, float((1 + reached) / (1 + len(shuffled))), shuffled, where)
