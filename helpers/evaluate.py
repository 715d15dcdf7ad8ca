"""From clips to tracks, and from predictions to scores with intervals.

`y_true` holds class numbers [shape=(n,)]; where a track may have several labels, 0 and 1 for each
class [shape=(n, n_classes)]. `proba` is [shape=(n, n_classes)].
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, softmax
from scipy.stats import binomtest, norm

TINY = 1e-7
CHUNK = 5_000_000  # weights that are held at once


def track_proba(proba: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Let the clips of a track vote: the mean of their probabilities.

    Parameters
    ----------
    proba : np.ndarray [shape=(n_clips, n_classes)]
        Probabilities of each clip.
    owner : np.ndarray [shape=(n_clips,)]
        Position of each clip's track, 0 to n_tracks - 1.

    Returns
    -------
    np.ndarray [shape=(n_tracks, n_classes)]

    Raises
    ------
    ValueError
        A track has no clip.

    Examples
    --------
    >>> track_proba(np.array([[1.0, 0.0], [0.0, 1.0], [0.2, 0.8]]), np.array([0, 0, 1])).tolist()
    [[0.5, 0.5], [0.2, 0.8]]
    """
    counts = np.bincount(owner)
    if (counts == 0).any():
        raise ValueError(f"track {int(np.argmin(counts))} has no clip")
    total = np.zeros((len(counts), proba.shape[1]))
    np.add.at(total, owner, proba)
    return total / counts[:, np.newaxis]


def predict(network, batches) -> np.ndarray:
    """Return a network's answers to all batches, in order.

    Like ``network.predict(batches, verbose=0)``, but the network is called as it is: TensorFlow
    compiles nothing for a few batches, and does not warn when many networks are asked in a row.

    Parameters
    ----------
    network : keras.Model
        Any network.
    batches : keras.utils.PyDataset or np.ndarray
        Batches (X, y), such as `helpers.clips.EveryClip`, or X itself, asked in rows of 64.

    Returns
    -------
    np.ndarray [shape=(n_clips, n_classes)]
    """
    from keras import ops  # here, for pages without a network should not wait for it

    if isinstance(batches, np.ndarray):
        parts = (batches[i : i + 64] for i in range(0, len(batches), 64))
    else:
        parts = (batches[i][0] for i in range(len(batches)))
    return np.concatenate([ops.convert_to_numpy(network(X, training=False)) for X in parts])


def by_track(network, test, *, groups: np.ndarray | None = None, seed: int = 0):
    """Test a network: the clips of a track vote, and the tracks are scored.

    Parameters
    ----------
    network : keras.Model
        Answers clips with probabilities [shape=(n_clips, n_classes)].
    test : helpers.clips.EveryClip
        All clips of the test tracks.
    groups, seed
        As in `scores`.

    Returns
    -------
    proba : np.ndarray [shape=(n_tracks, n_classes)]
        The mean over each track's clips.
    scores : dict
        What `scores` returns, and clip_accuracy, with several labels clip_roc_auc: the same of
        single clips, before the vote.
    """
    of_clips = predict(network, test)
    proba = track_proba(of_clips, test.owner)
    found = scores(test.Y, proba, groups=groups, seed=seed)
    if test.y.ndim == 2:
        return proba, found | {"clip_roc_auc": float(np.nanmean(roc_auc(test.y, of_clips)))}
    return proba, found | {"clip_accuracy": float((of_clips.argmax(axis=1) == test.y).mean())}


# --- scores and their intervals -------------------------------------------------------------


def interval(
    statistic: Callable[[np.ndarray], np.ndarray],
    groups: np.ndarray,
    *,
    n_boot: int = 1000,
    seed: int = 0,
) -> np.ndarray:
    """Return a figure with its 95 % bootstrap interval over groups.

    Whole groups are redrawn, because tracks of one artist succeed and fail together: intervals
    over single tracks would be too narrow.

    Parameters
    ----------
    statistic : callable
        Takes how often each track counts in each draw [shape=(n_draws, n)]; returns the figure of
        each draw [shape=(n_draws,) or (n_draws, n_figures)]. NaN where a draw has none.
    groups : np.ndarray [shape=(n,)]
        Group of each track.
    n_boot, seed : int
        Number of draws, and their seed.

    Returns
    -------
    np.ndarray [shape=(3,) or (3, n_figures)]
        The figure of all tracks as they are, and the ends of its interval.

    Examples
    --------
    >>> hit = np.array([1, 1, 0, 0])
    >>> interval(lambda w: w @ hit / w.sum(axis=1), groups=[0, 0, 1, 1])
    array([0.5, 0. , 1. ])

    Notes
    -----
    The plain percentiles of the draws lie to one side for figures that few tracks decide, such as
    average precision. So the ends are bias-corrected and accelerated (BCa). With more groups than
    draws the acceleration is nearly zero, and left out.

    Source: Efron and Tibshirani, *An introduction to the bootstrap*, 1993, chapter 14.
    """
    names, own = np.unique(np.asarray(groups), return_inverse=True)
    rng, size = np.random.default_rng(seed), len(names)
    drawn = np.stack([np.bincount(rng.integers(size, size=size), minlength=size)
                      for _ in range(n_boot)])  # fmt: skip
    if 1 < size <= n_boot:
        drawn = np.concatenate([drawn, 1 - np.eye(size, dtype=int)])  # each group left out once
    few = max(1, CHUNK // len(own))
    parts = [statistic(drawn[i : i + few, own]) for i in range(0, len(drawn), few)]
    whole, figures = statistic(np.ones((1, len(own))))[0], np.concatenate(parts)
    columns = figures.reshape(len(figures), -1).T
    ends = [_bca(*c) for c in zip(np.ravel(whole), columns[:, :n_boot], columns[:, n_boot:])]
    return np.stack([whole, *np.reshape(np.transpose(ends), (2, *np.shape(whole)))])


def _bca(whole: float, drawn: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Return the ends of the BCa interval of one figure."""
    drawn, left_out = drawn[np.isfinite(drawn)], left_out[np.isfinite(left_out)]
    if not len(drawn) or not np.isfinite(whole):
        return np.full(2, np.nan)
    same = np.isclose(drawn, whole, rtol=0, atol=1e-12)
    below = ((drawn < whole) & ~same).mean() + same.mean() / 2
    bias = norm.ppf(np.clip(below, 0.5 / len(drawn), 1 - 0.5 / len(drawn)))
    moved = left_out.mean() - left_out if len(left_out) else np.zeros(1)
    spread = np.square(moved).sum() ** 1.5
    skew = (moved**3).sum() / (6 * spread) if spread > 1e-18 else 0.0
    z = bias + norm.ppf([0.025, 0.975])
    return np.percentile(drawn, 100 * norm.cdf(bias + z / (1 - skew * z)))


def _named(name: str, found: np.ndarray) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), map(float, found)))


def scores(
    y_true: np.ndarray,
    proba: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Score predictions, with 95 % bootstrap intervals and the chance lines.

    Parameters
    ----------
    y_true, proba
        The truth and the answers: see above.
    groups : np.ndarray [shape=(n,)], optional
        Group of each track; every track is its own group by default.
    n_boot, seed : int
        Number of bootstrap draws, and their seed.

    Returns
    -------
    dict
        accuracy, macro_f1, top3 (each with _low and _high), log_loss, n_test, n_groups,
        n_classes, chance (a uniform guess) and majority (the most frequent class of this set).
        With several labels: roc_auc and average_precision, the means over classes that some tracks
        have and some have not (each with _low and _high), log_loss, n_test, n_groups, n_classes,
        chance (0.5, the ROC-AUC of a guess) and prevalence (its average precision).

    Raises
    ------
    ValueError
        Nothing to score, shapes disagree, or a probability is not finite.

    Examples
    --------
    >>> s = scores(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))
    >>> round(s["accuracy"], 3), s["chance"]
    (0.667, 0.5)
    """
    y_true, proba = np.asarray(y_true), np.asarray(proba, dtype=float)
    if len(y_true) == 0 or y_true.shape not in (proba.shape[:1], proba.shape):
        raise ValueError(f"{len(y_true)} labels but probabilities of shape {proba.shape}")
    if not np.isfinite(proba).all():
        raise ValueError("some probabilities are not finite: the network diverged")
    n, n_classes = proba.shape
    groups = np.arange(n) if groups is None else np.asarray(groups)
    counted = {"n_test": n, "n_groups": len(np.unique(groups)), "n_classes": n_classes}
    draws = {"n_boot": n_boot, "seed": seed}
    if y_true.ndim == 2:
        usable = (y_true.min(axis=0) == 0) & (y_true.max(axis=0) == 1)
        if not usable.any():
            raise ValueError(f"no label divides the {n} tracks: each stands on all or on none")
        ranked = {"roc_auc": roc_auc, "average_precision": average_precision}
        statistics = {name: _mean_of(score, y_true, proba) for name, score in ranked.items()}
        chance = {"chance": 0.5, "prevalence": float(y_true[:, usable].mean())}
    else:
        rank = (proba > proba[np.arange(n), y_true][:, np.newaxis]).sum(axis=1)
        y_pred, kinds = proba.argmax(axis=1), np.eye(n_classes)
        statistics = {
            "accuracy": _mean(y_pred == y_true),
            "top3": _mean(rank < 3),
            "macro_f1": lambda w: _f1(w, kinds[y_true], kinds[y_pred])[:, 1],
        }
        majority = float(np.bincount(y_true).max() / n)
        chance = {"chance": 1.0 / n_classes, "majority": majority}
    out = {}
    for name, statistic in statistics.items():
        out |= _named(name, interval(statistic, groups, **draws))
    if y_true.ndim == 1:
        out |= _exact("accuracy", y_pred == y_true, groups) | _exact("top3", rank < 3, groups)
    return out | {"log_loss": log_loss(y_true, proba)} | counted | chance


def _exact(name: str, hits: np.ndarray, groups: np.ndarray) -> dict[str, float]:
    """Give the exact ends over groups where all or none are right: a bootstrap sees no luck."""
    if hits.dtype != bool or len(set(hits.tolist())) != 1:
        return {}
    n = len(np.unique(groups))
    low, high = binomtest(n * bool(hits[0]), n).proportion_ci(method="exact")
    return {f"{name}_low": low, f"{name}_high": high}


def _mean(values: np.ndarray) -> Callable:
    """Return the statistic of `interval` that is the mean of a figure of each track."""
    return lambda weights: weights @ values / weights.sum(axis=1)


def _mean_of(score: Callable, Y: np.ndarray, proba: np.ndarray) -> Callable:
    """Return the statistic of `interval` that is the mean of a score over the labels."""

    def mean(weights: np.ndarray) -> np.ndarray:
        found = score(Y, proba, weights=weights)
        usable = np.isfinite(found)
        with np.errstate(invalid="ignore"):
            return np.where(usable, found, 0).sum(axis=1) / usable.sum(axis=1)

    return mean


def _f1(weights: np.ndarray, Y: np.ndarray, claimed: np.ndarray) -> np.ndarray:
    """Micro and macro F1 of each draw [n_draws, 2]; macro leaves out what is in neither."""
    hits, both = weights @ (Y * claimed), weights @ (Y + claimed)
    with np.errstate(invalid="ignore", divide="ignore"):
        micro = np.nan_to_num(2 * hits.sum(axis=1) / both.sum(axis=1))
        macro = np.nanmean(np.where(both > 0, 2 * hits / both, np.nan), axis=1)
    return np.stack([micro, macro], axis=1)


def log_loss(y_true: np.ndarray, proba: np.ndarray) -> float:
    """Mean negative logarithm of the probability that was given to the truth, in nats.

    Examples
    --------
    >>> round(log_loss(np.array([0]), np.array([[0.5, 0.5]])), 3)
    0.693
    """
    y_true, proba = np.asarray(y_true), np.asarray(proba, dtype=float)
    if y_true.ndim == 2:
        own = np.clip(np.where(y_true == 1, proba, 1 - proba), TINY, 1.0)
    else:
        own = np.clip(proba[np.arange(len(y_true)), y_true], 1e-12, 1.0)
    return float(-np.log(own).mean())


def roc_auc(Y: np.ndarray, proba: np.ndarray, *, weights: np.ndarray | None = None) -> np.ndarray:
    """Area under the ROC curve of each class: `sklearn.metrics.roc_auc_score`, for many weights.

    Parameters
    ----------
    Y, proba : np.ndarray [shape=(n, n_classes)]
        0 and 1, and probabilities.
    weights : np.ndarray [shape=(n_draws, n)], optional
        How often each track counts, for instance in each draw of a bootstrap.

    Returns
    -------
    np.ndarray [shape=(n_classes,) or (n_draws, n_classes)]
        NaN where all tracks, or none, have the class.

    Examples
    --------
    >>> roc_auc(np.array([[0], [1], [1]]), np.array([[0.1], [0.9], [0.05]])).tolist()
    [0.5]
    """

    def area(y, first, last, w):
        negatives = np.cumsum(w * (1 - y), axis=1)
        before = negatives[:, first] - (w * (1 - y))[:, first]
        below = (before + negatives[:, last]) / 2  # among equal scores, half are below
        return (w * y * below).sum(axis=1), (w * y).sum(axis=1) * negatives[:, -1]

    return _each_class(area, Y, proba, weights)


def average_precision(
    Y: np.ndarray, proba: np.ndarray, *, weights: np.ndarray | None = None
) -> np.ndarray:
    """Average precision of each class, as scikit-learn has it, for many weights."""

    def area(y, first, last, w):
        own = w * y
        above = own.sum(axis=1, keepdims=True) - np.cumsum(own, axis=1) + own
        all_above = w.sum(axis=1, keepdims=True) - np.cumsum(w, axis=1) + w
        precision = above[:, first] / np.maximum(all_above[:, first], 1e-12)
        total = own.sum(axis=1)
        return (own * precision).sum(axis=1), np.where(total < w.sum(axis=1), total, 0)

    return _each_class(area, Y, proba, weights)


def _each_class(area, Y, proba, weights) -> np.ndarray:
    """Call `area` with each class, in the order of its scores; divide what it returns."""
    Y, proba = np.asarray(Y), np.asarray(proba, dtype=float)
    draws = np.ones((1, len(Y))) if weights is None else np.asarray(weights, dtype=float)
    out = np.full((len(draws), Y.shape[1]), np.nan)
    for k in range(Y.shape[1]):
        order = np.argsort(proba[:, k], kind="stable")
        values = proba[order, k]
        first = np.searchsorted(values, values, side="left")
        last = np.searchsorted(values, values, side="right") - 1
        above, below = area(Y[order, k], first, last, draws[:, order])
        np.divide(above, below, out=out[:, k], where=below > 0)
    return out[0] if weights is None else out


def by_label(
    Y: np.ndarray,
    proba: np.ndarray,
    labels: list[str],
    *,
    groups: np.ndarray,
    n_boot: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Score each label by itself, with 95 % intervals from a bootstrap over groups.

    Parameters
    ----------
    Y, proba : np.ndarray [shape=(n_tracks, n_labels)]
        0 and 1, and probabilities.
    labels : list of str [length=n_labels]
        Names, the index of the table.
    groups, n_boot, seed
        As in `interval`.

    Returns
    -------
    pd.DataFrame
        n_tracks and prevalence (share of the tracks that have the label: the average precision of
        a guesser), roc_auc and average_precision, each with _low and _high. NaN where all tracks,
        or none, have the label.

    Examples
    --------
    >>> Y, proba = np.array([[0], [1], [1]]), np.array([[0.1], [0.9], [0.2]])
    >>> by_label(Y, proba, ["sax"], groups=np.arange(3))["roc_auc"].tolist()
    [1.0]
    """
    Y = np.asarray(Y)
    found = {"n_tracks": Y.sum(axis=0).astype(int), "prevalence": Y.mean(axis=0)}
    for name, score in (("roc_auc", roc_auc), ("average_precision", average_precision)):
        ends = interval(lambda w: score(Y, proba, weights=w), groups, n_boot=n_boot, seed=seed)  # noqa: B023
        found |= dict(zip((name, f"{name}_low", f"{name}_high"), ends))
    return pd.DataFrame(found, index=pd.Index(labels, name="label"))


def best_threshold(y_true: np.ndarray, proba: np.ndarray) -> float:
    """Find the threshold with the best F1: halfway between two neighbouring probabilities.

    Parameters
    ----------
    y_true : np.ndarray [shape=(n,)]
        0 and 1, of validation tracks: a threshold that was chosen on test tracks flatters them.
    proba : np.ndarray [shape=(n,)]
        Probabilities.

    Returns
    -------
    float
        0.5 where no track has the label: there is nothing to choose by.

    Examples
    --------
    >>> best_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.8]))
    0.25

    Notes
    -----
    Source: Lipton, Elkan, Narayanaswamy, *Optimal thresholding of classifiers to maximize F1
    measure*, 2014.
    """
    y_true, proba = np.asarray(y_true).ravel(), np.asarray(proba, dtype=float).ravel()
    if not y_true.any():
        return 0.5
    order = np.argsort(-proba, kind="stable")
    p, hits = proba[order], np.cumsum(y_true[order])
    f1 = 2 * hits / (np.arange(1, len(p) + 1) + y_true.sum())
    last = np.append(p[1:] < p[:-1], True)  # equal probabilities cannot be parted
    best = int(np.argmax(np.where(last, f1, -1)))
    return float((p[best] + (p[best + 1] if best + 1 < len(p) else 0.0)) / 2)


def claim_scores(
    Y: np.ndarray, claimed: np.ndarray, *, groups: np.ndarray, n_boot: int = 500, seed: int = 0
) -> dict[str, float]:
    """Score decisions about several labels: F1 over all of them, and as the mean of the labels.

    Parameters
    ----------
    Y, claimed : np.ndarray [shape=(n_tracks, n_labels)]
        0 and 1: what is there, and what is claimed to be there.
    groups, n_boot, seed
        As in `interval`.

    Returns
    -------
    dict
        micro_f1 and macro_f1 with _low and _high; micro_precision, micro_recall. The macro mean
        leaves out labels that are neither there nor claimed.

    Examples
    --------
    >>> Y, claimed = np.array([[1, 0], [1, 1]]), np.array([[1, 0], [1, 0]])
    >>> s = claim_scores(Y, claimed, groups=np.arange(2))
    >>> s["micro_f1"], s["macro_f1"]
    (0.8, 0.5)
    """
    Y, claimed = np.asarray(Y).astype(float), np.asarray(claimed).astype(float)
    found = interval(lambda w: _f1(w, Y, claimed), groups, n_boot=n_boot, seed=seed)
    hits = (Y * claimed).sum()
    return (
        _named("micro_f1", found[:, 0])
        | _named("macro_f1", found[:, 1])
        | {
            "micro_precision": float(hits / max(claimed.sum(), 1)),
            "micro_recall": float(hits / max(Y.sum(), 1)),
        }
    )


def mean_score(
    name: str, values: np.ndarray, *, groups: np.ndarray, n_boot: int = 500, seed: int = 0
) -> dict[str, float]:
    """Mean of a figure that each track has by itself, with its 95 % interval over groups.

    Parameters
    ----------
    name : str
        What the figure is called.
    values : np.ndarray [shape=(n_tracks,)]
        One figure a track. Where all are True, or all False, the interval is the exact binomial
        one (Clopper and Pearson) over groups: redrawn, they would always agree.
    groups, n_boot, seed
        As in `interval`.

    Returns
    -------
    dict
        `name`, and the same with _low and _high.

    Examples
    --------
    >>> found = mean_score("hit", np.array([True, True, True]), groups=np.arange(3))
    >>> {name: round(value, 2) for name, value in found.items()}
    {'hit': 1.0, 'hit_low': 0.29, 'hit_high': 1.0}
    """
    hits = np.asarray(values)
    found = interval(_mean(hits.astype(float)), groups, n_boot=n_boot, seed=seed)
    return _named(name, found) | _exact(name, hits, groups)


def compare(
    y_true: np.ndarray,
    proba: np.ndarray,
    other: np.ndarray,
    *,
    groups: np.ndarray | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Compare two models track by track: their difference in score, with a 95 % interval.

    Both answered the same tracks, so easy and hard tracks cancel out. This interval says more
    than whether the intervals of the two models overlap: where it holds 0, the test cannot tell.

    Parameters
    ----------
    y_true, groups, n_boot, seed
        As in `scores`.
    proba, other : np.ndarray [shape=(n, n_classes)]
        Probabilities of the two models.

    Returns
    -------
    dict
        difference (accuracy of the first minus that of the other), difference_low,
        difference_high, and the numbers of tracks that only_first and only_other had right. With
        several labels the difference is that of the mean ROC-AUC, and no tracks are counted.

    Examples
    --------
    >>> first, other = np.eye(2)[[0, 1, 1]], np.eye(2)[[0, 0, 1]]
    >>> found = compare(np.array([0, 1, 0]), first, other)
    >>> round(found["difference"], 3), found["only_first"], found["only_other"]
    (0.333, 1, 0)
    """
    y_true = np.asarray(y_true)
    groups = np.arange(len(y_true)) if groups is None else np.asarray(groups)
    if y_true.ndim == 2:
        mine, theirs = _mean_of(roc_auc, y_true, proba), _mean_of(roc_auc, y_true, other)
        found = interval(lambda w: mine(w) - theirs(w), groups, n_boot=n_boot, seed=seed)
        return _named("difference", found)
    first, second = (np.argmax(p, axis=1) == y_true for p in (proba, other))
    gain = first.astype(float) - second
    found = interval(_mean(gain), groups, n_boot=n_boot, seed=seed)
    only = {"only_first": int((gain > 0).sum()), "only_other": int((gain < 0).sum())}
    return _named("difference", found) | only


def holm(p: pd.Series) -> pd.Series:
    """Correct p-values for their number.

    The smallest is multiplied by the number of tests, the next by one less, and so on; none ends
    below the one before. What is then below 0.05 differs, with at most 5 % risk of one false alarm.

    Parameters
    ----------
    p : pd.Series of float
        The p-values, one a test. NaN, a test without a result, does not count and stays.

    Returns
    -------
    pd.Series of float [index as `p`]

    Examples
    --------
    >>> holm(pd.Series([0.04, 0.01])).tolist()
    [0.04, 0.02]

    Notes
    -----
    Source: S. Holm, *A simple sequentially rejective multiple test procedure*, 1979.
    """
    ordered = p.dropna().sort_values()
    left = np.arange(len(ordered), 0, -1)  # tests that are not judged yet
    return (ordered * left).cummax().clip(upper=1).reindex(p.index)


def describe(s: dict, *, metric: str = "accuracy") -> str:
    """Say a score the way it must stand: with its interval, n and chance.

    Examples
    --------
    >>> s = dict(accuracy=0.62, accuracy_low=0.55, accuracy_high=0.69, n_test=60, chance=0.1)
    >>> describe(s)
    'accuracy 0.62 [0.55, 0.69], n = 60 tracks, chance 0.10'
    """
    low, high = s[f"{metric}_low"], s[f"{metric}_high"]
    return (
        f"{metric.replace('_', ' ')} {s[metric]:.2f} [{low:.2f}, {high:.2f}], "
        f"n = {s['n_test']} tracks, chance {s['chance']:.2f}"
    )


# --- can the probabilities be believed? -----------------------------------------------------


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
    Source: Guo et al., *On calibration of modern neural networks*, ICML 2017.
    """
    proba = np.clip(proba, TINY, 1 - TINY)
    if multilabel:
        return expit(logit(proba) / temperature)
    return softmax(np.log(proba) / temperature, axis=1)


def fit_temperature(y_true: np.ndarray, proba: np.ndarray) -> float:
    """Find the temperature with the lowest loss. Fit it on validation tracks, never on the test.

    Parameters
    ----------
    y_true, proba
        As in `scores`.

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
    y_true, proba
        As in `scores`.

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
    y_true, proba
        As in `scores`.
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
    """
    claimed, true = confidence(y_true, proba)
    place = np.minimum((claimed * n_bins).astype(int), n_bins - 1)
    bins = pd.DataFrame({"claimed": claimed, "true": true, "bin": place}).groupby("bin")
    pairs = zip(bins["true"].sum(), bins.size())
    ends = [binomtest(int(k), int(n)).proportion_ci(method="wilson") for k, n in pairs]
    return bins.mean().assign(n=bins.size(), low=[e.low for e in ends], high=[e.high for e in ends])


def ece(y_true: np.ndarray, proba: np.ndarray, *, n_bins: int = 10) -> float:
    """Return the expected calibration error: the mean distance of claim and truth over the bins.

    Examples
    --------
    >>> round(ece(np.array([0, 1]), np.array([[0.8, 0.2], [0.8, 0.2]])), 2)
    0.3
    """
    table = reliability(y_true, proba, n_bins=n_bins)
    return float(np.average((table["claimed"] - table["true"]).abs(), weights=table["n"]))


def abstention(y_true: np.ndarray, proba: np.ndarray) -> pd.DataFrame:
    """Return the accuracy of a model that answers only where it is most sure.

    Parameters
    ----------
    y_true, proba
        As in `scores`, with one label a track.

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
    """
    claimed, true = confidence(y_true, proba)
    order = np.argsort(-claimed, kind="stable")
    answered = np.arange(1, len(order) + 1)
    curve = {"coverage": answered / len(order), "accuracy": np.cumsum(true[order]) / answered}
    return pd.DataFrame(curve | {"threshold": claimed[order]})


def conformal_threshold(y_true: np.ndarray, proba: np.ndarray, *, coverage: float = 0.9) -> float:
    """Find how much probability a class needs to belong to the set of possible answers.

    Parameters
    ----------
    y_true, proba
        As in `scores`, with one label a track, of validation tracks.
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
    Source: Sadinle, Lei and Wasserman, *Least ambiguous set-valued classifiers with bounded error
    levels*, JASA 2019. The promise holds for tracks that are drawn like those of `y_true`, so not
    for artists of another kind.
    """
    own = np.sort(np.asarray(proba)[np.arange(len(y_true)), np.asarray(y_true)])
    allowed = int(np.floor((1 - coverage) * (len(own) + 1)))
    return float(own[allowed - 1]) if allowed >= 1 else 0.0
