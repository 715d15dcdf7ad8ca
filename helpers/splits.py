"""Divide tracks into train, valid and test so that nothing leaks.

What must stay together is the *group*: the artist, the recording, the composition. The audit
checks any division, also one that somebody else made.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.fft import next_fast_len
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn import model_selection
from sklearn.utils import check_random_state

from helpers.files import write_atomic

SIDES = ("train", "valid", "test")
RULES = ("official", "group", "track")
DRAWS = 50  # divisions that are tried until every class stands on every side
LIKELY = 0.6  # correlation of coarse pictures from which on fine ones are compared
DEPTH = 45.0  # decibels below the loud parts that a picture of a recording keeps
AUDITED = "audited: "  # before the rule in a file whose near-duplicates have been dealt with


class StratifiedGroupKFold(model_selection.StratifiedGroupKFold):
    """scikit-learn's folds of whole groups, with classes in proportion on every version.

    With ``shuffle=True``, early versions (1.6, which Colab ships, is one) shuffle what they count
    in a group without the group it belongs to: folds then lack classes. Here the groups are
    shuffled beforehand, as later versions do it; the folds are theirs.

    Examples
    --------
    >>> y, groups = np.repeat(["jazz", "rock"], 10), np.repeat(np.arange(10), 2)
    >>> folds = StratifiedGroupKFold(5, shuffle=True, random_state=0).split(y, y, groups)
    >>> {tuple(sorted(y[test].tolist())) for _, test in folds}
    {('jazz', 'jazz', 'rock', 'rock')}
    """

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """Return the number of folds: fewer than asked for where no class has so many groups."""
        if y is None or groups is None:
            return self.n_splits
        most = int(pd.Series(np.asarray(groups)).groupby(np.asarray(y)).nunique().max())
        if most < 2:
            raise ValueError(
                "each class comes from one group only: no fold can hold it out and still learn it. "
                "Add recordings of others: artists, recordings or compositions."
            )
        return min(self.n_splits, most)

    def split(self, X, y=None, groups=None):
        """Yield the rows to train on and those to test on, as scikit-learn does."""
        n_folds = self.get_n_splits(X, y, groups)
        if n_folds < self.n_splits:
            warnings.warn(
                f"{n_folds} folds instead of {self.n_splits}: no class has more groups",
                stacklevel=2,
            )
        if self.shuffle and groups is not None:
            groups = _shuffled(groups, self.random_state)
        yield from model_selection.StratifiedGroupKFold(n_folds).split(X, y, groups)


def _shuffled(groups, random_state) -> np.ndarray:
    """Return numbers in place of groups, drawn so that their order is another."""
    names, own = np.unique(groups, return_inverse=True)
    order = np.arange(len(names))
    check_random_state(random_state).shuffle(order)
    return np.argsort(order)[own]


class LeakError(ValueError):
    """A group or a recording stands on both sides of a split."""


@dataclass(frozen=True)
class Split:
    """Which side every track stands on.

    Parameters
    ----------
    sides : pd.Series
        "train", "valid" or "test", indexed by track_id.
    rule : str
        How the split came about, in words. It accompanies every figure.
    """

    sides: pd.Series
    rule: str

    def ids(self, *sides: str) -> list[str]:
        """Return the track_ids on these sides, in the order of the table.

        Examples
        --------
        >>> split = Split(pd.Series({"a": "train", "b": "test"}), "by hand")
        >>> split.ids("train", "test")
        ['a', 'b']
        """
        return self.sides.index[self.sides.isin(sides)].tolist()


def thinned(split: Split, tracks: pd.DataFrame, percent: float, *, seed: int = 0) -> Split:
    """Keep so many percent of the training and validation groups of each class; the test stays.

    With the same seed, a smaller share lies within a larger one.

    Examples
    --------
    >>> tracks = pd.DataFrame({"label": "a", "group": list("wxyz")}, index=list("wxyz"))
    >>> split = Split(pd.Series(["train", "train", "valid", "test"], list("wxyz")), "by hand")
    >>> half = thinned(split, tracks, 50)
    >>> len(half.ids("train")), half.ids("valid", "test"), half.rule
    (1, ['y', 'z'], 'by hand; 50 % of the training and validation groups (seed 0)')
    """
    rng, lost = np.random.default_rng(seed), []
    label = tracks["label"] if "label" in tracks else pd.Series("", tracks.index)
    for side in ("train", "valid"):
        there = tracks.loc[split.ids(side)]
        for _, group in there["group"].groupby(label):
            names = rng.permutation(sorted(set(group)))
            left_out = names[max(1, round(len(names) * percent / 100)) :]
            lost += group.index[group.isin(left_out)].tolist()
    part = f"{percent:g} % of the training and validation groups (seed {seed})"
    return Split(split.sides.drop(lost), f"{split.rule}; {part}")


def official(tracks: pd.DataFrame, *, seed: int = 0) -> Split:
    """Take the split that the data set publishes."""
    why = _against_official(tracks)
    if why:
        raise ValueError(f"{why}. Keep other classes, or split by group.")
    sides = tracks.set_index("track_id")["split"]
    sides = sides[sides.isin(SIDES)]
    rule = "official"
    if "test" not in set(sides):
        sides = sides.replace("valid", "test")
        rule = "official train and validation lists, the validation list as test set"
    if "valid" not in set(sides):
        train = tracks[tracks["track_id"].isin(sides.index[sides == "train"])]
        n_folds = min(5, _groups_per_class(train, "group", least=2).min())
        held_out = _folds(train, train["group"], n_folds=n_folds, seed=seed)[0]
        sides[train["track_id"].to_numpy()[held_out]] = "valid"
        rule += "; validation cut from the training list by group"
    return Split(sides, rule)


def by_group(
    tracks: pd.DataFrame, *, n_folds: int = 5, fold: int = 0, seed: int = 0, column: str = "group"
) -> Split:
    """Divide groups, not tracks, into train, valid and test, with classes in proportion."""
    per_class = _groups_per_class(tracks, column, least=3)
    allowed = int(min(n_folds, per_class.min()))
    if not 0 <= fold < allowed:
        few = f"{per_class.idxmin()!r} has {allowed} groups only, copies of a recording being one"
        raise ValueError(
            f"fold must be 0 to {allowed - 1}, not {fold}" + f": {few}" * (allowed < n_folds)
        )
    for draw in range(DRAWS):
        sides = _draw(tracks, tracks[column], n_folds=allowed, fold=fold, seed=seed + 1000 * draw)
        lacking = _lacking(tracks, sides)
        if not lacking:
            break
    else:
        raise ValueError(
            f"no division by {column} puts every class on every side: {lacking}. Its groups are "
            "too few or too unequal: add recordings of others, or keep other classes."
        )
    index = pd.Index(tracks["track_id"], name="track_id")
    rule = f"by {column}, fold {fold + 1} of {allowed}, seed {seed}"
    rule += f", draw {draw + 1}" if draw else ""
    return Split(pd.Series(sides, index=index, name="split"), rule)


def _groups_per_class(tracks: pd.DataFrame, column: str, *, least: int) -> pd.Series:
    """Count the groups of each class; refuse to go on with fewer than `least`."""
    per_class = tracks.groupby(_needed(tracks))[column].nunique()
    if (per_class < least).any():
        raise ValueError(
            f"too few groups to divide by {column}: {per_class[per_class < least].to_dict()}; each "
            f"class needs at least {least}. Add recordings, or keep other classes."
        )
    return per_class


def _draw(tracks: pd.DataFrame, groups: pd.Series, *, n_folds: int, fold: int, seed: int):
    """Return the side of each track: one fold to test, one of the others to validate."""
    test = _folds(tracks, groups, n_folds=n_folds, seed=seed)[fold]
    rest = np.setdiff1d(np.arange(len(tracks)), test)
    part = tracks.iloc[rest]
    valid = rest[_folds(part, groups.iloc[rest], n_folds=n_folds - 1, seed=seed)[0]]
    sides = np.full(len(tracks), "train", dtype=object)
    sides[test], sides[valid] = "test", "valid"
    return sides


def _lacking(tracks: pd.DataFrame, sides: np.ndarray) -> str:
    """Name a class that stands on no row of some side; empty if there is none."""
    counts = pd.crosstab(_needed(tracks).to_numpy(), sides).reindex(columns=SIDES, fill_value=0)
    empty = counts.stack().loc[lambda count: count == 0]
    return "" if empty.empty else "no {1} track of {0}".format(*empty.index[0])


def by_track(tracks: pd.DataFrame, **options) -> Split:
    """Divide tracks at random, with classes in proportion: the artist may stand on both sides.

    It serves to show what that does. Parameters are those of `by_group`.
    """
    return by_group(tracks, column="track_id", **options)


def make(
    tracks: pd.DataFrame,
    path: str | os.PathLike,
    *,
    rule: str = "auto",
    n_folds: int = 5,
    fold: int = 0,
    seed: int = 0,
    duplicates: pd.DataFrame | None = None,
) -> Split:
    """Return the split of a run: read from its file, or drawn and written there.

    Parameters
    ----------
    tracks : pd.DataFrame
        The tracks that can be used.
    path : path
        The split file, CSV. An existing file wins, so that a run can be given a split.
    rule : "auto", "official", "group" or "track"
        "auto" takes the official split where the tracks present allow it, else the groups.
    n_folds, fold, seed
        As in `by_group`.
    duplicates : pd.DataFrame, optional
        What `near_duplicates` returns: a draw keeps copies of a recording on one side.

    Returns
    -------
    Split

    Raises
    ------
    ValueError
        The rule is unknown, or the file names none of the tracks.
    """
    if rule not in ("auto", *RULES):
        raise ValueError(f"unknown rule {rule!r}; known are auto, {', '.join(RULES)}")
    if Path(path).exists():
        return read(path, tracks)
    why = _against_official(tracks)
    if rule == "official" or (rule == "auto" and not why):
        split = official(tracks, seed=seed)
    else:
        groups = tracks["group"] if duplicates is None else linked(tracks, duplicates)
        divide = by_track if rule == "track" else by_group
        split = divide(tracks.assign(group=groups), n_folds=n_folds, fold=fold, seed=seed)
        if rule == "auto" and tracks["split"].ne("").any():
            split = Split(split.sides, f"{split.rule}, because {why}")
    write(split, path)
    return split


def prepare(
    tracks: pd.DataFrame,
    store,
    path: str | os.PathLike,
    *,
    rule: str = "auto",
    fold: int = 0,
    seed: int = 0,
) -> Split:
    """Return the split of a run, audited: the four steps of notebook 03 in one call.

    Near-duplicates are looked for, the split is read or drawn, copies of test tracks are left out
    of training, and what remains must not leak. The file is then marked as audited: who comes
    later with other features meets the very same tracks.

    Parameters
    ----------
    tracks : pd.DataFrame
        The tracks that can be used.
    store : helpers.store.FeatureStore
        Their log-mel frames, in which near-duplicates are found.
    path, rule, fold, seed
        As in `make`.

    Returns
    -------
    Split

    Raises
    ------
    LeakError
        A group or a recording stands on both sides.
    ValueError
        As in `make`.
    """
    if Path(path).exists() and _first_line(path).startswith(f"# {AUDITED}"):
        split = read(path, tracks)
        check(split, tracks)
        return split
    duplicates = near_duplicates(store, tracks["track_id"])
    split = make(tracks, path, rule=rule, fold=fold, seed=seed, duplicates=duplicates)
    split = mend(split, duplicates)
    check(split, tracks, duplicates)
    write(split, path, audited=True)
    return split


def write(split: Split, path: str | os.PathLike, *, audited: bool = False) -> None:
    """Write a split as CSV: one comment line with the rule, then track_id and split."""
    table = split.sides.rename("split").rename_axis("track_id").to_csv(lineterminator="\n")
    write_atomic(path, f"# {AUDITED if audited else ''}{split.rule}\n{table}")


def read(path: str | os.PathLike, tracks: pd.DataFrame | None = None) -> Split:
    """Read a split file; keep the tracks that are present."""
    first = _first_line(path)
    said = first.lstrip("# ").removeprefix(AUDITED)
    rule = said if first.startswith("#") else f"read from {Path(path).name}"
    table = pd.read_csv(path, dtype=str, skiprows=int(first.startswith("#")))
    if not {"track_id", "split"} <= set(table) or not set(table["split"]) <= set(SIDES):
        raise ValueError(
            f"{path}: not a split file; it needs the columns track_id and split, "
            f"with the sides {', '.join(SIDES)}"
        )
    if table["track_id"].duplicated().any():
        twice = table["track_id"][table["track_id"].duplicated()].iloc[0]
        raise ValueError(f"{path}: track {twice} stands in the split file twice")
    sides = table.set_index("track_id")["split"]
    if tracks is not None:
        sides = sides[sides.index.isin(tracks["track_id"])]
        if sides.empty:
            raise ValueError(f"{path}: none of its {len(table)} tracks is in this dataset")
    return Split(sides, rule)


def _first_line(path: str | os.PathLike) -> str:
    with Path(path).open(encoding="utf8") as file:
        return file.readline().strip()


def near_duplicates(
    store, track_ids, *, threshold: float = 0.85, candidates: int = 5, min_seconds: float = 1.5
) -> pd.DataFrame:
    """Find pairs of tracks that hold the same recording.

    Coarse pictures of the tracks say which may be the same: nearest neighbours that correlate when
    shifted against each other. Fine ones decide. In a picture each band is without its mean and
    each moment without its level, so that two single strokes are not alike because both decay; and
    what lies far below the loud parts does not count, because a copy has a noise of its own.

    Parameters
    ----------
    store : helpers.store.FeatureStore
        Log-mel frames.
    track_ids : sequence of str
        Tracks to compare.
    threshold : float in (0, 1)
        Correlation from which on two tracks are called the same recording.
    candidates : int
        Neighbours compared for each track.
    min_seconds : float
        Shorter tracks are left out.

    Returns
    -------
    pd.DataFrame
        Columns a, b (track_ids) and correlation, strongest first.
    """
    from sklearn.neighbors import NearestNeighbors

    columns, rate = ["a", "b", "correlation"], store.frames_per_second
    ids = [i for i in track_ids if len(store.frames(i)) >= min_seconds * rate]
    if len(ids) < 2:
        return pd.DataFrame(columns=columns)
    coarse = [_picture(store.frames(i), round(0.25 * rate), bands=12) for i in ids]
    described = np.stack([_describe(picture) for picture in coarse])
    n_neighbors = min(candidates + 1, len(ids))
    near = NearestNeighbors(n_neighbors=n_neighbors).fit(described).kneighbors(described)[1]
    pairs = {tuple(sorted((i, int(j)))) for i, row in enumerate(near) for j in row if i != j}
    likely = [(i, j) for i, j in pairs if _correlation(coarse[i], coarse[j]) > LIKELY]

    def fine(i):
        return _picture(store.frames(ids[i]), round(0.05 * rate), bands=64)

    rows = [(ids[i], ids[j], _correlation(fine(i), fine(j))) for i, j in likely]
    table = pd.DataFrame(rows, columns=columns).query("correlation >= @threshold")
    order = ["correlation", "a", "b"]
    return table.sort_values(order, ascending=[False, True, True]).reset_index(drop=True)


def audit(split: Split, tracks: pd.DataFrame, duplicates: pd.DataFrame | None = None):
    """List what stands on both sides of a split.

    Parameters
    ----------
    split : Split
        The split to check.
    tracks : pd.DataFrame
        The table of the dataset, for its groups.
    duplicates : pd.DataFrame, optional
        What `near_duplicates` returns.

    Returns
    -------
    pd.DataFrame
        Columns problem ("group" or "near-duplicate"), what, sides; empty if nothing leaks.
    """
    groups = tracks.set_index("track_id")["group"].reindex(split.sides.index)
    sides = split.sides.groupby(groups).agg(lambda s: " + ".join(sorted(set(s))))
    rows = [("group", name, where) for name, where in sides.items() if " + " in where]
    for pair in [] if duplicates is None else duplicates.itertuples():
        here, there = split.sides.get(pair.a), split.sides.get(pair.b)
        if here and there and here != there:
            what = f"{pair.a} = {pair.b} (correlation {pair.correlation:.2f})"
            rows.append(("near-duplicate", what, f"{here} + {there}"))
    return pd.DataFrame(rows, columns=["problem", "what", "sides"])


def check(split: Split, tracks: pd.DataFrame, duplicates: pd.DataFrame | None = None) -> None:
    """Refuse a split that leaks.

    Raises
    ------
    LeakError
        Names the first offenders and their number.
    """
    leaks = audit(split, tracks, duplicates)
    if len(leaks):
        shown = "; ".join(f"{r.problem} {r.what} in {r.sides}" for r in leaks.head(5).itertuples())
        raise LeakError(
            f"{len(leaks)} leak(s) between the sides of the split: {shown}. Split by group, "
            "or move the tracks named to one side of the split file."
        )


def mend(split: Split, duplicates: pd.DataFrame) -> Split:
    """Leave out of training and validation what repeats a track on a later side.

    The test set stays as it is, so figures remain comparable.

    Examples
    --------
    >>> split = Split(pd.Series({"a": "train", "b": "test", "c": "train"}), "by hand")
    >>> pairs = pd.DataFrame({"a": ["a"], "b": ["b"], "correlation": [0.99]})
    >>> mend(split, pairs).sides.to_dict()
    {'b': 'test', 'c': 'train'}
    """
    out = set()
    for pair in duplicates.itertuples():
        here, there = split.sides.get(pair.a), split.sides.get(pair.b)
        if here and there and here != there:
            out.add(pair.a if SIDES.index(here) < SIDES.index(there) else pair.b)
    if not out:
        return split
    rule = f"{split.rule}; {len(out)} near-duplicate(s) of later sides left out"
    return Split(split.sides.drop(sorted(out)), rule)


def _against_official(tracks: pd.DataFrame) -> str:
    """Say why the tracks present cannot follow the official lists; empty if they can."""
    test = "test" if (tracks["split"] == "test").any() else "valid"
    counts = pd.crosstab(_needed(tracks), tracks["split"]).reindex(
        columns=["train", test], fill_value=0
    )
    if not counts.to_numpy().any():
        return "there are no official lists"
    lacking = counts.index[(counts == 0).any(axis=1)].tolist()
    if lacking:
        return f"the official lists leave no training or no test tracks of {', '.join(lacking)}"
    return ""


def _needed(tracks: pd.DataFrame) -> pd.Series:
    """Return what must stand on every side: each label; of tracks with several, just any."""
    several = tracks["labels"].map(len).max() > 1
    return pd.Series("any class", tracks.index) if several else tracks["label"]


def linked(tracks: pd.DataFrame, duplicates: pd.DataFrame) -> pd.Series:
    """Return the group of each track, with groups that share a recording made one.

    Parameters
    ----------
    tracks : pd.DataFrame
        The table of a `helpers.datasets.Dataset`.
    duplicates : pd.DataFrame
        What `near_duplicates` returns.

    Returns
    -------
    pd.Series
        Like `tracks["group"]`.

    Examples
    --------
    >>> tracks = pd.DataFrame({"track_id": ["a", "b", "c"], "group": ["x", "y", "z"]})
    >>> linked(tracks, pd.DataFrame({"a": ["a"], "b": ["c"], "correlation": [0.99]})).tolist()
    ['x', 'y', 'x']
    """
    codes, names = pd.factorize(tracks["group"])
    number = pd.Series(codes, index=tracks["track_id"])
    pairs = duplicates[duplicates["a"].isin(number.index) & duplicates["b"].isin(number.index)]
    ends = number[pairs["a"]].to_numpy(), number[pairs["b"]].to_numpy()
    graph = coo_array((np.ones(len(pairs)), ends), shape=(len(names), len(names)))
    part = connected_components(graph, directed=False)[1]
    first = pd.Series(np.arange(len(names))).groupby(part).transform("min")
    return pd.Series(np.asarray(names)[first.to_numpy()[codes]], index=tracks.index, name="group")


def _folds(tracks: pd.DataFrame, groups: pd.Series, *, n_folds: int, seed: int) -> list:
    folds = model_selection.StratifiedGroupKFold(n_folds)
    shuffled = _shuffled(groups, seed)
    return [test for _, test in folds.split(tracks, tracks["label"], shuffled)]


def _picture(frames: np.ndarray, hop: int, *, bands: int) -> np.ndarray:
    """Average log-mels over time and bands; keep the shape of what is loud, not its level."""
    hop = max(1, hop)
    n_steps = len(frames) // hop
    S_db = np.maximum(frames[: n_steps * hop].astype(np.float32), -80.0)
    S_db = S_db.reshape(n_steps, hop, frames.shape[1]).mean(axis=1)
    S_db = np.maximum(S_db, np.quantile(S_db, 0.98) - DEPTH)
    groups = np.array_split(S_db, min(bands, S_db.shape[1]), axis=1)
    S_db = np.stack([group.mean(axis=1) for group in groups], axis=1)
    S_db -= S_db.mean(axis=0)
    return S_db - S_db.mean(axis=1, keepdims=True)


def _describe(picture: np.ndarray) -> np.ndarray:
    """Shift-invariant: spread and pace of each band."""
    pace = np.abs(np.diff(picture, axis=0)).mean(axis=0)
    return np.concatenate([picture.std(axis=0), pace])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Best correlation over all shifts that overlap by at least half of the shorter picture."""
    n = next_fast_len(len(a) + len(b) - 1)

    def slide(x, y):  # sum over the overlap, at every shift of y against x
        spectrum = np.fft.rfft(x, n, axis=0) * np.conj(np.fft.rfft(y, n, axis=0))
        return np.fft.irfft(spectrum, n, axis=0).sum(axis=1)

    overlap = slide(np.ones((len(a), 1)), np.ones((len(b), 1)))
    energy = slide(a**2, np.ones_like(b)) * slide(np.ones_like(a), b**2)
    enough = overlap > 0.5 * min(len(a), len(b)) - 0.5
    value = slide(a, b) / np.sqrt(np.maximum(energy, 1e-6))
    return float(np.max(value, where=enough & (energy > 1e-3), initial=0.0))
