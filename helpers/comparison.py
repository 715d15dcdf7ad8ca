"""Compare models over folds and seeds, and tell a lead from the luck of a draw.

A model that learns is a draw, too: with another seed it ends elsewhere. And sixty test tracks are
the work of few artists. So each model is trained several times on each of several folds, which
test every artist once, and its figure has an interval that holds both kinds of luck.
"""

from __future__ import annotations

import json
import os
import re
from datetime import date
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import evaluate
from helpers.files import write_atomic

HELD = 3_000_000  # draws of a track that are held at once for each model
COST = ["parameters", "train_seconds"]
FOLD = re.compile(r"fold \d+")  # in the rule of a split
PART = re.compile(r"; ([\d.]+ %) of the training and validation groups \(seed \d+\)")


def claims(truth: np.ndarray, proba: np.ndarray) -> np.ndarray:
    """Return the most probable classes of each track, as many as it has labels.

    Parameters
    ----------
    truth : np.ndarray of int [shape=(n, n_classes)]
        1 where a track has the label.
    proba : np.ndarray [shape=(n, n_classes)]
        Probabilities.

    Returns
    -------
    np.ndarray of bool [shape=(n, n_classes)]

    Examples
    --------
    >>> claims(np.array([[1, 1, 0]]), np.array([[0.2, 0.1, 0.7]]))
    array([[ True, False,  True]])
    """
    rank = np.argsort(np.argsort(-proba, axis=1, kind="stable"), axis=1, kind="stable")
    return rank < truth.sum(axis=1, keepdims=True)


def answers(out_dir: str | os.PathLike, dataset: str, T: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Read what every model of a run answered to its test tracks, and whether it was right.

    Parameters
    ----------
    out_dir : path
        Folder of the run, with ``metrics`` and ``predictions``.
    dataset : str
        Name of the dataset; models of others are passed over.
    T : pd.DataFrame of int [index=track_id, columns=classes]
        1 where a track has the label. Answers about other classes or tracks are passed over.
    rule : str
        Of the split. Models of other splits are passed over, unless only the number of the fold
        differs, or they have learned from a part of the training groups.

    Returns
    -------
    pd.DataFrame
        One row a track and training: model ("05 convpool": page and name; the whole name of the
        step where two steps of a page trained it alike; ", 50 %" follows where it has learned
        from a part), split, fold, seed,
        track_id, right (1 or 0; where a track has k labels, the share of them among the k most
        probable answers), and the parameters and train_seconds of the model.
    """
    found, seen, same = [], set(), _whole(rule)
    for file in sorted(Path(out_dir, "metrics").glob("*.json")):
        row = json.loads(file.read_text(encoding="utf8"))
        answer = Path(out_dir, "predictions", f"{file.stem}.parquet")
        proba = pd.read_parquet(answer) if row["dataset"] == dataset and answer.exists() else T[:0]
        known = len(proba) and list(proba) == list(T) and proba.index.isin(T.index).all()
        if not known or _whole(row["split"]) != same:
            continue
        truth = T.loc[proba.index].to_numpy()
        hits = (truth * claims(truth, proba.to_numpy())).sum(axis=1)
        about = {"fold": row.get("fold", 0), "split": row.get("split"), "seed": row.get("seed")}
        about |= {n: float(row.get(n, "nan")) for n in COST}  # pandas 2 warns of a column of None
        part = PART.search(row["split"])
        name = f"{row['notebook'][:2]} {row['model']}" + (f", {part[1]}" if part else "")
        if (training := (name, about["fold"], about["seed"])) in seen:  # another step of the page
            name = f"{row['notebook']} {row['model']}"
        seen.add(training)
        right = hits / truth.sum(axis=1).clip(min=1)
        about |= {"model": name, "track_id": proba.index, "right": right}
        found.append(pd.DataFrame(about))
    columns = ["model", "split", "fold", "seed", "track_id", "right", *COST]
    return pd.concat(found, ignore_index=True)[columns] if found else pd.DataFrame(columns=columns)


def _whole(rule: str) -> str:
    """Return the rule of a split without its fold, and without what part of it has taught."""
    return FOLD.sub("", PART.sub("", rule))


def pooled(answered: pd.DataFrame, groups: pd.Series, *, n_boot: int = 9999, seed: int = 0):
    """Pool the trainings of each model; say how good it is, and which others it is better than.

    Parameters
    ----------
    answered : pd.DataFrame
        From `answers`.
    groups : pd.Series of str [index=track_id]
        Artist, or other group, of each track.
    n_boot, seed : int
        Number of draws, fewer where there are thousands of tracks, and their seed.

    Returns
    -------
    models : pd.DataFrame [index=model], best first
        accuracy over all tracks and seeds, accuracy_low and accuracy_high (95 % interval), folds,
        seeds (most trainings of a fold), n_test, n_groups, parameters, train_seconds (mean).
    pairs : pd.DataFrame
        model, other, difference, difference_low, difference_high, p, holm (p after Holm's
        correction for the number of pairs), of all pairs on the tracks that both answered.

    Raises
    ------
    ValueError
        A track is tested in two folds.

    Notes
    -----
    In each draw, whole groups are redrawn, the same for all models, and, for each model and fold,
    the seeds. The deviations of n seeds from their mean are widened by sqrt(n / (n - 1)), because
    redrawing few makes them look too alike. A model with one seed shows the luck of artists only.
    p is twice the smaller share of draws on one side of 0.

    Source: Efron and Tibshirani, *An introduction to the bootstrap*, 1993; Bouthillier et al.,
    *Accounting for variance in machine learning benchmarks*, 2021.

    Examples
    --------
    >>> tracks = [f"t{i}" for i in range(4)]
    >>> row = {"fold": 0, "seed": 0, "parameters": None, "train_seconds": None}
    >>> both = [pd.DataFrame(row | {"model": m, "track_id": tracks, "right": r})
    ...         for m, r in {"a": [1, 1, 0, 1], "b": [0, 1, 0, 0]}.items()]
    >>> models, pairs = pooled(pd.concat(both), pd.Series(list("wxyz"), tracks))
    >>> models["accuracy"].to_dict(), pairs["difference"].tolist()
    ({'a': 0.75, 'b': 0.25}, [0.5])
    """
    groups = groups[groups.index.isin(answered["track_id"])]
    n_boot = min(n_boot, max(999, HELD // max(len(groups), 1)))
    names, own = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), n_boot + 1)
    weights[0] = 1  # the first row is no draw: all as it is
    weights = pd.DataFrame(weights[:, own].T.astype(float), groups.index)
    right = {name: _redrawn(of_model, rng, n_boot) for name, of_model in answered.groupby("model")}
    rows, pairs = {}, []
    for name, of_model in answered.groupby("model"):
        W = weights.loc[right[name].index]
        trainings = of_model.drop_duplicates(["fold", "seed"])
        rows[name] = _ends("accuracy", (right[name] * W).sum() / W.sum()) | {
            "folds": of_model["fold"].nunique(), "seeds": trainings.groupby("fold").size().max(),
            "n_test": len(W), "n_groups": groups[W.index].nunique(),
        } | trainings[COST].astype(float).mean().to_dict()  # fmt: skip
    whole = dict.fromkeys(("folds", "seeds", "n_test", "n_groups"), int)
    models = pd.DataFrame(rows).T.astype(whole if rows else {})
    models = models.sort_values("accuracy", ascending=False, kind="stable")
    for name, other in combinations(models.index, 2):
        both = right[name].index.intersection(right[other].index)
        if len(both):
            W = weights.loc[both]
            gain = ((right[name].loc[both] - right[other].loc[both]) * W).sum() / W.sum()
            below, above = ((s * gain[1:] <= 0).sum() for s in (1, -1))
            p = min(1.0, 2 * (1 + min(below, above)) / (1 + n_boot))
            pairs.append({"model": name, "other": other} | _ends("difference", gain) | {"p": p})
    pairs = pd.DataFrame(pairs, columns=["model", "other", *_ends("difference", [0, 0]), "p"])
    return models, pairs.assign(holm=evaluate.holm(pairs["p"]))


def trainings(answered: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracy of each single training.

    Parameters
    ----------
    answered : pd.DataFrame
        From `answers`.

    Returns
    -------
    pd.DataFrame
        model, fold, seed, accuracy, n_test.
    """
    of_one = answered.groupby(["model", "fold", "seed"])["right"]
    return of_one.agg(accuracy="mean", n_test="size").reset_index()


def write(path: str | os.PathLike, dataset, models, pairs, answered) -> None:
    """Write a comparison as CSV: models, then trainings, and in a comment how it was made.

    Parameters
    ----------
    path : path
        The file. Models have "all" for fold and seed, and in better_than the models that they beat
        after Holm's correction.
    dataset : helpers.datasets.Dataset
        Named in the comment.
    models, pairs : pd.DataFrame
        From `pooled`.
    answered : pd.DataFrame
        From `answers`.
    """
    sure = pairs[pairs["holm"] < 0.05]
    beaten = sure.groupby("model")["other"].agg("; ".join).reindex(models.index).fillna("")
    all_of = models.assign(fold="all", seed="all", better_than=beaten).rename_axis("model")
    table = pd.concat([all_of.reset_index(), trainings(answered)], ignore_index=True)
    first = ["model", "fold", "seed", "n_test", "accuracy"]
    table = table[[*first, *(c for c in table if c not in first)]]
    made = ", ".join(f"{name} {version(name)}" for name in ("keras", "tensorflow", "librosa"))
    rule = re.sub(r"fold \d+ of (\d+)", r"\1 folds", next(iter(answered["split"]), "no models"))
    rule += "" if dataset.multilabel else f"; chance {1 / len(dataset.classes):.2f}"
    note = f"# {dataset.name} ({rule}), computed on {date.today()} with {made}\n"
    write_atomic(path, note + table.to_csv(index=False, float_format="%.4g", lineterminator="\n"))


def _redrawn(of_model: pd.DataFrame, rng, n_boot: int) -> pd.DataFrame:
    """How right a model is on each track, as it is and in each draw of its seeds."""
    folds = []
    for _, part in of_model.groupby("fold"):
        R = part.pivot(index="track_id", columns="seed", values="right")
        n = R.shape[1]
        share = np.vstack([np.ones(n), rng.multinomial(n, np.full(n, 1 / n), n_boot)]) / n
        wide = 1 / n + np.sqrt(n / max(n - 1, 1)) * (share - 1 / n)
        folds.append(R @ wide.T)
    found = pd.concat(folds)
    if found.index.has_duplicates:
        twice = found.index[found.index.duplicated()][0]
        raise ValueError(f"{twice} is tested in two folds: they were not drawn together")
    return found


def _ends(name: str, values) -> dict[str, float]:
    """Name a figure and the 95 % interval of its draws."""
    values = np.asarray(values)
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return {name: values[0], f"{name}_low": low, f"{name}_high": high}
