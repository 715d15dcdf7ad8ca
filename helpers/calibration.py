"""How far a model's probabilities can be believed, and what to do about it.

Every function takes single-label answers, y_true [shape=(n,)] with one probability distribution a
row, or multi-label ones, y_true [shape=(n, n_classes)] of 0 and 1 with a probability each.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, softmax

TINY = 1e-7


def temper(proba: np.ndarray, temperature: float, *, multilabel: bool = False) -> np.ndarray:
    """Make probabilities softer (temperature above 1) or sharper (below 1).

    Parameters
    ----------
    proba : np.ndarray [shape=(n, n_classes)]
        Probabilities.
    temperature : float > 0
        Divides the logits, that is, the logarithms of the probabilities.
    multilabel : bool
        Each probability stands for itself; otherwise a row sums to one.

    Returns
    -------
    np.ndarray [shape=(n, n_classes)]
        The order within a row stays.

    Examples
    --------
    >>> temper(np.array([[0.9, 0.1]]), 2.0).round(2).tolist()
    [[0.75, 0.25]]

    Notes
    -----
    Notebook: 11_test_set_analysis. Source: Guo et al., *On calibration of modern neural networks*,
    ICML 2017.
    """
    proba = np.clip(proba, TINY, 1 - TINY)
    if multilabel:
        return expit(logit(proba) / temperature)
    return softmax(np.log(proba) / temperature, axis=1)


def log_loss(y_true: np.ndarray, proba: np.ndarray) -> float:
    """Mean negative logarithm of the probability that was given to the truth.

    Examples
    --------
    >>> round(log_loss(np.array([0]), np.array([[0.5, 0.5]])), 3)
    0.693
    """
    y_true, proba = np.asarray(y_true), np.clip(proba, TINY, 1 - TINY)
    if y_true.ndim == 2:
        return float(-np.log(np.where(y_true == 1, proba, 1 - proba)).mean())
    return float(-np.log(proba[np.arange(len(y_true)), y_true]).mean())


def fit_temperature(y_true: np.ndarray, proba: np.ndarray) -> float:
    """Find the temperature with the lowest loss. Fit it on validation tracks, never on the test.

    Parameters
    ----------
    y_true : np.ndarray [shape=(n,) or (n, n_classes)]
        Class numbers, or 0 and 1 for each class.
    proba : np.ndarray [shape=(n, n_classes)]
        Probabilities.

    Returns
    -------
    float
        Between 0.05 and 20.

    Raises
    ------
    ValueError
        There are no tracks to fit it on.

    Examples
    --------
    >>> y_true = np.array([0, 1] * 50)
    >>> boaster = np.tile([[0.99, 0.01], [0.99, 0.01]], (50, 1))  # right half of the time
    >>> fit_temperature(y_true, boaster) > 10
    True

    Notes
    -----
    Notebook: 11_test_set_analysis.
    """
    y_true = np.asarray(y_true)
    if len(y_true) == 0:
        raise ValueError("a temperature needs validation tracks, and there are none")
    several = y_true.ndim == 2

    def loss(log_temperature: float) -> float:
        return log_loss(y_true, temper(proba, np.exp(log_temperature), multilabel=several))

    best = minimize_scalar(loss, bounds=np.log([0.05, 20]), method="bounded")
    return float(np.exp(best.x))


def confidence(y_true: np.ndarray, proba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what was claimed and what came true, one entry a claim.

    Parameters
    ----------
    y_true : np.ndarray [shape=(n,) or (n, n_classes)]
        Class numbers, or 0 and 1 for each class.
    proba : np.ndarray [shape=(n, n_classes)]
        Probabilities.

    Returns
    -------
    claimed, true : np.ndarray [shape=(n_claims,)]
        Single-label: the highest probability of a row, and whether it is on the right class.
        Multi-label: every probability, and whether the class is there.
    """
    y_true = np.asarray(y_true)
    if y_true.ndim == 2:
        return np.ravel(proba), np.ravel(y_true).astype(float)
    return proba.max(axis=1), (proba.argmax(axis=1) == y_true).astype(float)


def reliability(y_true: np.ndarray, proba: np.ndarray, *, n_bins: int = 10) -> pd.DataFrame:
    """Compare claims with what came true, in bins of equal width.

    Parameters
    ----------
    y_true : np.ndarray [shape=(n,) or (n, n_classes)]
        Class numbers, or 0 and 1 for each class.
    proba : np.ndarray [shape=(n, n_classes)]
        Probabilities.
    n_bins : int > 0
        Bins between 0 and 1.

    Returns
    -------
    pd.DataFrame
        One row a bin that is not empty: claimed (mean probability), true (share), low and high
        (95 % Wilson interval of that share), n.

    Examples
    --------
    >>> reliability(np.array([0, 1]), np.array([[0.8, 0.2], [0.8, 0.2]]))["true"].tolist()
    [0.5]

    Notes
    -----
    Notebook: 11_test_set_analysis.
    """
    claimed, true = confidence(y_true, proba)
    place = np.minimum((claimed * n_bins).astype(int), n_bins - 1)
    bins = pd.DataFrame({"claimed": claimed, "true": true, "bin": place}).groupby("bin")
    table = bins.mean().assign(n=bins.size())
    z, n, share = 1.96, table["n"], table["true"]
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return table.assign(low=middle - half, high=middle + half)


def ece(y_true: np.ndarray, proba: np.ndarray, *, n_bins: int = 10) -> float:
    """Return the expected calibration error: the mean distance of claim and truth over the bins.

    Examples
    --------
    >>> round(ece(np.array([0, 1]), np.array([[0.8, 0.2], [0.8, 0.2]])), 2)
    0.3
    """
    table = reliability(y_true, proba, n_bins=n_bins)
    distance = (table["claimed"] - table["true"]).abs()
    return float((distance * table["n"]).sum() / table["n"].sum())


def abstention(y_true: np.ndarray, proba: np.ndarray) -> pd.DataFrame:
    """Return the accuracy of a model that answers only where it is most sure.

    Parameters
    ----------
    y_true : np.ndarray [shape=(n,)]
        Class numbers.
    proba : np.ndarray [shape=(n, n_classes)]
        Probabilities.

    Returns
    -------
    pd.DataFrame
        One row for each number of answers, fewest first: coverage (share of the tracks that get
        an answer), accuracy (of these), threshold (the lowest confidence among them).

    Examples
    --------
    >>> curve = abstention(np.array([0, 0]), np.array([[0.9, 0.1], [0.4, 0.6]]))
    >>> curve["accuracy"].tolist()
    [1.0, 0.5]

    Notes
    -----
    Notebook: 11_test_set_analysis.
    """
    claimed, true = confidence(y_true, proba)
    order = np.argsort(-claimed, kind="stable")
    answered = np.arange(1, len(order) + 1)
    return pd.DataFrame(
        {
            "coverage": answered / len(order),
            "accuracy": np.cumsum(true[order]) / answered,
            "threshold": claimed[order],
        }
    )


def conformal_threshold(y_true: np.ndarray, proba: np.ndarray, *, coverage: float = 0.9) -> float:
    """Find how much probability a class needs to belong to the set of possible answers.

    Parameters
    ----------
    y_true : np.ndarray [shape=(n,)]
        Class numbers of tracks that the model has not learned from: validation tracks.
    proba : np.ndarray [shape=(n, n_classes)]
        Probabilities.
    coverage : float
        Share of the sets that should hold the truth.

    Returns
    -------
    float
        Classes with at least this probability are in the set; 0, so that all of them are, where
        there are too few tracks to promise this coverage.

    Examples
    --------
    >>> proba = np.array([[p, 1 - p] for p in np.linspace(0.5, 0.95, 10)])
    >>> round(conformal_threshold(np.zeros(10, dtype=int), proba, coverage=0.8), 2)
    0.55

    Notes
    -----
    Notebook: 11_test_set_analysis. Source: Sadinle, Lei and Wasserman, *Least ambiguous set-valued
    classifiers with bounded error levels*, JASA 2019. The promise holds for tracks that are drawn
    like those of `y_true`, so not for artists of another kind.
    """
    own = np.sort(np.asarray(proba)[np.arange(len(y_true)), np.asarray(y_true)])
    allowed = int(np.floor((1 - coverage) * (len(own) + 1)))
    return float(own[allowed - 1]) if allowed >= 1 else 0.0
