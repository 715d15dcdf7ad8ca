"""Does a style change with the years? Tests that shuffle the years of whole albums.

Each test returns SciPy's result: ``statistic``, ``pvalue`` (the true order counts as one of the
shuffles) and ``null_distribution``. Sources: Mantel, *The detection of disease clustering*, 1967;
Freedman and Lane, *A nonstochastic interpretation of reported significance levels*, 1983.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import permutation_test, spearmanr


def by_album(table: pd.DataFrame, album: pd.Series) -> pd.DataFrame:
    """Return the style of each album: the mean of its songs, in deviations of each feature.

    Parameters
    ----------
    table : pd.DataFrame [shape=(n_songs, n_features)]
        One description a song.
    album : pd.Series [shape=(n_songs,)]
        The album of each song.

    Returns
    -------
    pd.DataFrame [shape=(n_albums, n_features)]

    Examples
    --------
    >>> songs = pd.DataFrame({"x": [0.0, 2.0]})
    >>> by_album(songs, pd.Series(["a", "b"]))["x"].round(2).tolist()
    [-0.71, 0.71]
    """
    return _scaled(table).groupby(album).mean()


def outliers(table: pd.DataFrame, album: pd.Series) -> pd.Series:
    """Return how far each song is from the mean of the *other* songs of its album.

    Parameters are those of `by_album`. The distance counts in deviations of a feature; it is NaN
    in albums of fewer than three songs.
    """
    Z = _scaled(table)
    size = album.groupby(album).transform("size").to_numpy()[:, np.newaxis]
    others = (Z.groupby(album).transform("sum") - Z) / np.maximum(size - 1, 1)
    return np.sqrt(((Z - others) ** 2).mean(axis=1)).where(size[:, 0] > 2)


def _scaled(table: pd.DataFrame) -> pd.DataFrame:
    return (table - table.mean()) / table.std().clip(lower=1e-9)


def mantel(style: np.ndarray, years: np.ndarray, *, n_shuffles: int = 2000, seed: int = 0):
    """Test whether albums of near years are near in style: a drift.

    Parameters
    ----------
    style : np.ndarray [shape=(n_albums, n_features)]
        What `by_album` returns.
    years : np.ndarray [shape=(n_albums,)]
        Year of each album.
    n_shuffles, seed : int
        How often the years are shuffled among the albums, and the seed of that.

    Returns
    -------
    PermutationTestResult
        The statistic is the rank correlation of distances in style and in years over all pairs.

    Raises
    ------
    ValueError
        There are fewer than four albums: so few orders make no test.
    """
    style, years = _enough(style, years, 4)
    a, b = np.triu_indices(len(style), 1)
    apart = np.linalg.norm(style[a] - style[b], axis=1)

    def together(years: np.ndarray) -> float:
        return spearmanr(apart, np.abs(years[a] - years[b])).statistic

    return _shuffle(years, together, n_shuffles, seed)


def trend(values: np.ndarray, years: np.ndarray, *, n_shuffles: int = 2000, seed: int = 0):
    """Test whether one figure of each album rises or falls with the years.

    Parameters, errors and result are those of `mantel`. The statistic is the rank correlation with
    the years; both directions count. All is NaN where all values are the same.
    """
    values, years = _enough(values, years, 4)

    def rises(years: np.ndarray) -> float:
        return spearmanr(values, years).statistic if np.ptp(values) else np.nan

    found = _shuffle(years, rises, n_shuffles, seed, alternative="two-sided")
    return found if np.ptp(values) else replace(found, pvalue=np.nan)


def steps(style: np.ndarray, years: np.ndarray) -> pd.Series:
    """Return how much a step explains of what a straight line over the years leaves over.

    Parameters are those of `mantel`. From 0 to 1, for each year (index) after which a step may
    stand: two albums at least stay on either side.
    """
    left = np.square(style - _line(style, years)).sum()
    places = np.unique(np.sort(years)[1:-2])
    explained = [
        1 - np.square(style - _line(style, years, years > at)).sum() / left for at in places
    ]
    return pd.Series(explained, places)


def step(style: np.ndarray, years: np.ndarray, *, n_shuffles: int = 2000, seed: int = 0):
    """Test whether there is a break beyond a drift: whether the largest of `steps` is no chance.

    Parameters and result are those of `mantel`; five albums are needed. What a straight line leaves
    over is shuffled among the albums, so chance has the same drift.
    """
    style, years = _enough(style, years, 5)
    drifting = _line(style, years)

    def largest(order: np.ndarray) -> float:
        return steps(drifting + (style - drifting)[order], years).max()

    return _shuffle(np.arange(len(years)), largest, n_shuffles, seed)


def _line(style: np.ndarray, years: np.ndarray, *more: np.ndarray) -> np.ndarray:
    """Fit of a line over the years, and of further columns."""
    design = np.column_stack([np.ones(len(years)), years - years.mean(), *more])
    return design @ np.linalg.lstsq(design, style, rcond=None)[0]


def _enough(style, years, n: int) -> tuple[np.ndarray, np.ndarray]:
    style, years = np.asarray(style, dtype=float), np.asarray(years, dtype=float)
    if len(style) < n or len(style) != len(years):
        raise ValueError(f"{len(style)} albums and {len(years)} years: {n} of both are needed")
    return style, years


def _shuffle(values, statistic, n_shuffles: int, seed: int, *, alternative: str = "greater"):
    return permutation_test(
        (values,), statistic, permutation_type="pairings", n_resamples=n_shuffles,
        alternative=alternative, vectorized=False, random_state=np.random.default_rng(seed),
    )  # fmt: skip
